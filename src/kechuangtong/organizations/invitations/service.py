"""Invitations (邀请): a colleague is asked by mail to act for an organization."""

import secrets
import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.errors import UserLocked
from kechuangtong.accounts.hashing import hash_token
from kechuangtong.accounts.permissions import Permission, Role
from kechuangtong.accounts.service import actor_for, create_user
from kechuangtong.core.clock import now
from kechuangtong.core.errors import Conflict, Forbidden, Invalid, NotFound
from kechuangtong.core.language import Text
from kechuangtong.core.paging import Page, decode_id
from kechuangtong.events import log
from kechuangtong.mail import service as mail
from kechuangtong.models import Invitation, Membership, Organization, User
from kechuangtong.organizations.invitations.schemas import (
    InvitationAccept,
    InvitationCreate,
    InvitationQuery,
    InvitationRead,
    InvitationState,
)
from kechuangtong.organizations.members.schemas import MemberRead
from kechuangtong.organizations.members.service import AlreadyMember, add_member
from kechuangtong.organizations.service import get_organization

GOOD_FOR: Final = timedelta(days=7)
ROLES: Final = {
    Role.MEMBER: Text("成员", "member"),
    Role.EDITOR: Text("编辑", "editor"),
    Role.MANAGER: Text("管理者", "manager"),
}


class InvitationUnknown(NotFound):
    code = "invitation_unknown"
    text = Text("没有这份邀请。", "There is no such invitation.")
    place = ("body", "token")


class InvitationClosed(Conflict):
    code = "invitation_closed"
    text = Text(
        "该邀请已被接受、撤销或已过期。", "The invitation was accepted, revoked, or has expired."
    )


class AccountExists(Conflict):
    code = "account_exists"
    text = Text(
        "此邮箱已有账号，请登录后接受邀请。",
        "There is an account with this e-mail: sign in with it and accept then.",
    )


class NameNeeded(Invalid):
    code = "name_needed"
    text = Text(
        "请登录，或填写用户名与密码以新建账号。",
        "Sign in, or give the name and password of a new account.",
    )
    place = ("body", "name")


class AlreadySignedIn(Invalid):
    code = "already_signed_in"
    text = Text("您已登录，无须新建账号。", "You are signed in: no new account is made.")
    place = ("body", "name")


async def invite(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, values: InvitationCreate
) -> InvitationRead:
    """Ask a colleague by mail; what the same address was sent before for the organization is good
    no longer. Raises NotFound, Forbidden, AlreadyMember."""
    organization = await get_organization(session, actor, organization_id, to_change=True)
    if not actor.may(Permission.MEMBERS_WRITE, organization_id):
        raise Forbidden
    member = (
        select(Membership.user_id)
        .join(User, User.id == Membership.user_id)
        .where(Membership.organization_id == organization_id, User.email == values.email)
    )
    if await session.scalar(member) is not None:
        raise AlreadyMember(loc=("body", "email"))
    before = select(Invitation).where(
        Invitation.organization_id == organization_id,
        Invitation.email == values.email,
        _in_state(InvitationState.OPEN),
    )
    for one in await session.scalars(before):
        _revoke(session, actor, one)
    token = secrets.token_urlsafe(32)
    invitation = Invitation(
        organization_id=organization_id,
        email=values.email,
        role=values.role,
        token_hash=hash_token(token),
        invited_by=actor.id,
        expires_at=now() + GOOD_FOR,
    )
    session.add(invitation)
    await session.flush()  # for its id and times
    _log(session, actor, "created", invitation, before=None)
    _write_mail(session, invitation, organization, f"{mail.PUBLIC_URL}/invitations/{token}")
    return shown(invitation)


def _write_mail(
    session: AsyncSession, invitation: Invitation, organization: Organization, link: str
) -> None:
    role = ROLES[invitation.role]
    text = Text(
        f"“{organization.name}”邀请您以{role.zh}身份加入科创通。"
        f"请在 {GOOD_FOR.days} 天内打开以下链接接受邀请：\n{link}",
        f'"{organization.name}" asks you to act for it on Kechuangtong as {role.en}. '
        f"Open this link within {GOOD_FOR.days} days to accept:\n{link}",
    )
    subject = Text(
        "科创通：加入单位的邀请", "Kechuangtong: an invitation to act for an organization"
    )
    mail.write(session, to=invitation.email, subject=subject, text=text)


async def list_invitations(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, query: InvitationQuery
) -> Page[InvitationRead]:
    """One page of an organization's invitations, newest first. Raises NotFound, Forbidden."""
    if not actor.sees(organization_id):
        raise NotFound
    await get_organization(session, actor, organization_id)
    if not (actor.sees_all or actor.roles[organization_id] is Role.MANAGER):
        raise Forbidden
    statement = (
        select(Invitation)
        .where(Invitation.organization_id == organization_id)
        .order_by(Invitation.id.desc())
        .limit(query.limit + 1)
    )
    if query.state is not None:
        statement = statement.where(_in_state(query.state))
    if query.cursor is not None:
        statement = statement.where(Invitation.id < decode_id(query.cursor))
    rows = (await session.scalars(statement)).all()
    return Page[InvitationRead].of(rows, query.limit, lambda row: [str(row.id)], shown)


async def revoke_invitation(session: AsyncSession, actor: Actor, invitation_id: uuid.UUID) -> None:
    """Take an invitation back. Raises NotFound, Forbidden, and InvitationClosed when it was
    accepted already."""
    invitation = await session.get(Invitation, invitation_id, with_for_update=True)
    if invitation is None or not actor.sees(invitation.organization_id):
        raise NotFound
    if not actor.may(Permission.MEMBERS_WRITE, invitation.organization_id):
        raise Forbidden
    if invitation.accepted_at is not None:
        raise InvitationClosed
    if invitation.revoked_at is None:
        _revoke(session, actor, invitation)


async def open_invitation(
    session: AsyncSession, token: str, *, to_change: bool = False
) -> Invitation:
    """The invitation of a link. Raises InvitationUnknown, InvitationClosed."""
    statement = select(Invitation).where(Invitation.token_hash == hash_token(token))
    invitation = await session.scalar(statement.with_for_update() if to_change else statement)
    if invitation is None:
        raise InvitationUnknown
    if _state(invitation) is not InvitationState.OPEN or not await _still_meant(
        session, invitation
    ):
        raise InvitationClosed(loc=("body", "token"))
    return invitation


async def accept(session: AsyncSession, actor: Actor, values: InvitationAccept) -> MemberRead:
    """Become a member: as who is signed in, or as a new user with the invitation's address.

    Raises InvitationUnknown, InvitationClosed, AlreadyMember, AlreadySignedIn, NameNeeded,
    AccountExists, and what making a user raises.
    """
    invitation = await open_invitation(session, values.token, to_change=True)
    if actor.id is not None:
        if values.name is not None:
            raise AlreadySignedIn
        user = await session.get_one(User, actor.id)
    else:
        user = await _new_user(session, actor, invitation, values)
        actor = Actor(kind="user", name=user.name, id=user.id)
    member = await add_member(session, actor, user, invitation.organization_id, invitation.role)
    before = _snapshot(invitation)
    invitation.accepted_at, invitation.accepted_by = now(), user.id
    _log(session, actor, "accepted", invitation, before=before)
    return member


async def _new_user(
    session: AsyncSession, actor: Actor, invitation: Invitation, values: InvitationAccept
) -> User:
    if values.name is None or values.password is None:
        raise NameNeeded
    taken = select(User.id).where(User.email == invitation.email)
    if await session.scalar(taken) is not None:
        raise AccountExists(loc=("body", "token"))
    return await create_user(
        session, name=values.name, password=values.password, email=invitation.email, actor=actor
    )


async def _still_meant(session: AsyncSession, invitation: Invitation) -> bool:
    """Whether who invited could do so now: who was removed or locked is not to come back by it."""
    if invitation.invited_by is None:  # at the command line
        return True
    try:
        inviter = await actor_for(session, invitation.invited_by)
    except UserLocked:
        return False
    return inviter is not None and inviter.may(Permission.MEMBERS_WRITE, invitation.organization_id)


def _state(invitation: Invitation) -> InvitationState:
    if invitation.accepted_at is not None:
        return InvitationState.ACCEPTED
    if invitation.revoked_at is not None:
        return InvitationState.REVOKED
    return InvitationState.OPEN if invitation.expires_at > now() else InvitationState.EXPIRED


def _in_state(state: InvitationState) -> ColumnElement[bool]:
    if state is InvitationState.ACCEPTED:
        return Invitation.accepted_at.is_not(None)
    if state is InvitationState.REVOKED:
        return Invitation.revoked_at.is_not(None)
    expired = Invitation.expires_at <= now()
    in_time = expired if state is InvitationState.EXPIRED else ~expired
    return Invitation.accepted_at.is_(None) & Invitation.revoked_at.is_(None) & in_time


def shown(invitation: Invitation) -> InvitationRead:
    """An invitation as it is shown."""
    return InvitationRead(
        id=invitation.id,
        organization_id=invitation.organization_id,
        email=invitation.email,
        role=invitation.role,
        state=_state(invitation),
        invited_by=invitation.invited_by,
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
        accepted_at=invitation.accepted_at,
        accepted_by=invitation.accepted_by,
        revoked_at=invitation.revoked_at,
    )


def _revoke(session: AsyncSession, actor: Actor, invitation: Invitation) -> None:
    before = _snapshot(invitation)
    invitation.revoked_at = now()
    _log(session, actor, "revoked", invitation, before=before)


def _snapshot(invitation: Invitation) -> dict[str, object]:
    return shown(invitation).model_dump(mode="json", exclude={"email"})


def _log(
    session: AsyncSession,
    actor: Actor,
    what: str,
    invitation: Invitation,
    *,
    before: dict[str, object] | None,
) -> None:
    log.record(
        session,
        actor,
        f"invitation.{what}",
        subject_kind="invitation",
        subject_id=invitation.id,
        before=before,
        after=_snapshot(invitation),
    )
