"""Members of an organization (成员): who they are, their roles, how they come and go."""

import uuid

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.errors import LastManager
from kechuangtong.accounts.keys.service import revoke_keys_for
from kechuangtong.accounts.permissions import Permission, Role
from kechuangtong.core.db import hold
from kechuangtong.core.errors import Conflict, Forbidden, NotFound
from kechuangtong.core.language import Text
from kechuangtong.core.paging import Page, decode_id
from kechuangtong.events import log
from kechuangtong.models import Membership, Organization, User
from kechuangtong.organizations.members.schemas import MemberQuery, MemberRead
from kechuangtong.organizations.service import get_organization


class AlreadyMember(Conflict):
    code = "already_member"
    text = Text("此人已是该单位的成员。", "This person is a member already.")


async def list_members(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, query: MemberQuery
) -> Page[MemberRead]:
    """One page of the members, those who signed up first first. Raises NotFound."""
    if not actor.sees(organization_id):
        raise NotFound
    await get_organization(session, actor, organization_id)
    statement = (
        select(Membership, User.name)
        .join(User, User.id == Membership.user_id)
        .where(Membership.organization_id == organization_id)
        .order_by(Membership.user_id)
        .limit(query.limit + 1)
    )
    if query.role is not None:
        statement = statement.where(Membership.role == query.role)
    if query.cursor is not None:
        statement = statement.where(Membership.user_id > decode_id(query.cursor))
    members = [_shown(*row) for row in await session.execute(statement)]
    return Page[MemberRead].of(
        members, query.limit, lambda one: [str(one.user_id)], lambda one: one
    )


async def add_member(
    session: AsyncSession, actor: Actor, user: User, organization_id: uuid.UUID, role: Role
) -> MemberRead:
    """Let a user act for an organization. Raises AlreadyMember."""
    await _hold(session, organization_id)
    if await session.get(Membership, (user.id, organization_id)) is not None:
        raise AlreadyMember
    membership = Membership(user_id=user.id, organization_id=organization_id, role=role)
    session.add(membership)
    await session.flush()  # for its time
    shown = _shown(membership, user.name)
    _log(session, actor, "joined", organization_id, before=None, after=shown)
    return shown


async def change_role(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    user_id: uuid.UUID,
    role: Role,
) -> MemberRead:
    """Give a member another role. Raises NotFound, Forbidden, LastManager."""
    membership, name = await _member(session, actor, organization_id, user_id)
    if not actor.may(Permission.MEMBERS_WRITE, organization_id):
        raise Forbidden
    before = _shown(membership, name)
    if role is not Role.MANAGER:
        await keep_a_manager(session, organization_id, user_id)
    membership.role = role
    after = _shown(membership, name)
    if after != before:
        _log(session, actor, "changed", organization_id, before=before, after=after)
    return after


async def remove_member(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, user_id: uuid.UUID
) -> None:
    """End a membership, and the keys that the person has for the organization. A person may leave,
    a program cannot let its person leave. Raises NotFound, Forbidden, LastManager."""
    membership, name = await _member(session, actor, organization_id, user_id)
    leaves = actor.kind == "user" and actor.id == user_id
    if not leaves and not actor.may(Permission.MEMBERS_WRITE, organization_id):
        raise Forbidden
    await keep_a_manager(session, organization_id, user_id)
    await revoke_keys_for(session, actor, user_id=user_id, organization_id=organization_id)
    await session.delete(membership)
    what = "left" if leaves else "removed"
    _log(session, actor, what, organization_id, before=_shown(membership, name), after=None)


async def _hold(session: AsyncSession, organization_id: uuid.UUID) -> None:
    # Of two managers who demote each other the second finds the first's work done.
    await hold(session, f"members {organization_id}")


async def _member(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, user_id: uuid.UUID
) -> tuple[Membership, str]:
    if not actor.sees(organization_id):
        raise NotFound
    await _hold(session, organization_id)
    found = await session.execute(
        select(Membership, User.name)
        .join(User, User.id == Membership.user_id)
        .where(Membership.organization_id == organization_id, Membership.user_id == user_id)
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return row[0], row[1]


async def keep_a_manager(
    session: AsyncSession, organization_id: uuid.UUID, user_id: uuid.UUID
) -> None:
    """Raises LastManager where without this member nobody could manage the organization."""
    await _hold(session, organization_id)
    membership = await session.get(Membership, (user_id, organization_id), populate_existing=True)
    if membership is None or membership.role is not Role.MANAGER:
        return
    others = await session.scalar(
        select(func.count())
        .select_from(Membership)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.organization_id == organization_id,
            Membership.user_id != user_id,
            Membership.role == Role.MANAGER,
            User.locked_at.is_(None),
        )
    )
    if not others:
        organization = await session.get_one(Organization, organization_id)
        raise LastManager(organization=organization.name)


def _shown(membership: Membership, name: str) -> MemberRead:
    return MemberRead(
        user_id=membership.user_id,
        organization_id=membership.organization_id,
        name=name,
        role=membership.role,
        created_at=membership.created_at,
    )


def _log(
    session: AsyncSession,
    actor: Actor,
    what: str,
    organization_id: uuid.UUID,
    *,
    before: MemberRead | None,
    after: MemberRead | None,
) -> None:
    # Without the person's name: one who is erased is a number here too.
    def kept(shown: MemberRead | None) -> dict[str, object] | None:
        return None if shown is None else shown.model_dump(mode="json", exclude={"name"})

    log.record(
        session,
        actor,
        f"member.{what}",
        subject_kind="organization",
        subject_id=organization_id,
        before=kept(before),
        after=kept(after),
    )
