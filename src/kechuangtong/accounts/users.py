"""Users: found, changed, locked (用户)."""

import uuid
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.errors import (
    EmailTaken,
    LastAdministrator,
    OwnAccount,
    UserErased,
    UserUnknown,
)
from kechuangtong.accounts.history import record
from kechuangtong.accounts.passwords import void_resets
from kechuangtong.accounts.permissions import PlatformRole
from kechuangtong.accounts.schemas import MePatch, UserPatch, UserQuery, UserRead
from kechuangtong.accounts.sign_ins import forgive
from kechuangtong.core.clock import now
from kechuangtong.core.db import hold, violated
from kechuangtong.core.errors import NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.language import Text
from kechuangtong.core.paging import Page, decode_id
from kechuangtong.mail import service as mail
from kechuangtong.models import Membership, User

_MOVED = Text("邮箱已更改", "Your e-mail address was changed")
_MOVED_TEXT = Text(
    "您好，{name}：\n您在科创通的邮箱刚刚改为另一地址，今后的邮件不再发到这里。"
    "如果不是您本人所为，请立即联系平台管理员。",
    "Hello {name},\nyour e-mail address for Kechuangtong was changed just now; mail no longer "
    "comes here. If it was not you, tell an administrator at once.",
)


async def get_user(session: AsyncSession, user_id: uuid.UUID, *, to_change: bool = False) -> User:
    """A user with its roles. Raises NotFound; to change it, also UserErased."""
    user = await session.get(
        User, user_id, options=[selectinload(User.memberships)], with_for_update=to_change or None
    )
    if user is None:
        raise NotFound
    if to_change and user.erased_at is not None:
        raise UserErased
    return user


async def find_user(session: AsyncSession, name: str) -> User:
    """The user of a name. Raises UserUnknown."""
    user = await session.scalar(select(User).where(User.name == name).with_for_update())
    if user is None:
        raise UserUnknown(name=name)
    return user


async def list_users(session: AsyncSession, query: UserQuery) -> Page[UserRead]:
    """One page, newest first."""
    statement = (
        select(User)
        .options(selectinload(User.memberships))
        .order_by(User.id.desc())
        .limit(query.limit + 1)
    )
    if query.q is not None:
        parts = (column.icontains(query.q, autoescape=True) for column in (User.name, User.email))
        statement = statement.where(or_(*parts))
    if query.platform_role is not None:
        statement = statement.where(User.platform_role == query.platform_role)
    if query.organization_id is not None:
        members = select(Membership.user_id).where(
            Membership.organization_id == query.organization_id
        )
        statement = statement.where(User.id.in_(members))
    if query.cursor is not None:
        statement = statement.where(User.id < decode_id(query.cursor))
    rows = (await session.scalars(statement)).all()
    return Page[UserRead].of(rows, query.limit, lambda one: [str(one.id)], UserRead.model_validate)


async def change_user(
    session: AsyncSession,
    actor: Actor,
    user_id: uuid.UUID,
    *,
    values: UserPatch | MePatch,
    expected_versions: frozenset[int] | None,
) -> User:
    """Change what was given. Raises NotFound, UserErased, PreconditionFailed, EmailTaken,
    OwnAccount, LastAdministrator."""
    user = await get_user(session, user_id, to_change=True)
    check_version(user, expected_versions)
    before, email = _snapshot(user), user.email
    given = {name: getattr(values, name) for name in values.model_fields_set}
    if given.get("platform_role", user.platform_role) is not user.platform_role:
        if user.id == actor.id:
            raise OwnAccount(loc=("body", "platform_role"))
        await keep_an_administrator(session, user)
    for name, value in given.items():
        setattr(user, name, value)
    try:
        await session.flush()  # the address's uniqueness is the database's to say
    except IntegrityError as error:
        if violated(error).endswith("users_email"):
            raise EmailTaken from error
        raise
    if user.email != email:
        record(session, actor, "email_changed", user.id)
        await void_resets(session, user)
        if email is not None:
            text = _MOVED_TEXT.format(name=user.name)
            mail.write(session, to=email, subject=_MOVED, text=text)
    if (after := _snapshot(user)) != before or user.email != email:
        record(session, actor, "changed", user.id, before=before, after=after)
    return user


async def lock_user(session: AsyncSession, actor: Actor, user_id: uuid.UUID) -> User:
    """Let a user do nothing any more, at once. Raises NotFound, UserErased, OwnAccount,
    LastAdministrator."""
    user = await get_user(session, user_id, to_change=True)
    if user.id == actor.id:
        raise OwnAccount
    if user.locked_at is None:
        await keep_an_administrator(session, user)
        before, user.locked_at = _snapshot(user), now()
        await session.flush()  # the answer shows the new version
        record(session, actor, "locked", user.id, before=before, after=_snapshot(user))
    return user


async def unlock_user(session: AsyncSession, actor: Actor, user: User) -> None:
    """Let a user in again, also where wrong passwords locked the name."""
    await forgive(session, user.name)
    before, user.locked_at = _snapshot(user), None
    await session.flush()  # the answer shows the new version
    record(session, actor, "unlocked", user.id, before=before, after=_snapshot(user))


async def keep_an_administrator(session: AsyncSession, user: User) -> None:
    """Raises LastAdministrator where a user is the only one that could help itself and others."""
    if user.platform_role is not PlatformRole.ADMINISTRATOR:
        return
    await hold(session, "administrators")  # two could else each count on the other
    others = await session.scalar(
        select(func.count())
        .select_from(User)
        .where(
            User.platform_role == PlatformRole.ADMINISTRATOR,
            User.locked_at.is_(None),
            User.id != user.id,
        )
    )
    if not others:
        raise LastAdministrator


def _snapshot(user: User) -> dict[str, Any]:
    return {
        "platform_role": user.platform_role,
        "district": user.district,
        "email": user.email is not None,
        "mail_news": user.mail_news,
        "locked": user.locked_at is not None,
    }
