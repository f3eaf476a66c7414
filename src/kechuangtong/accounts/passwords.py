"""Passwords changed by those who know them, and set anew by those who forgot (密码)."""

import secrets
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import ANONYMOUS, Actor
from kechuangtong.accounts.errors import NoPassword, PasswordWrong, ResetInvalid, SignInFailed
from kechuangtong.accounts.hashing import hash_password, hash_token
from kechuangtong.accounts.history import record
from kechuangtong.accounts.sign_ins import end_others, forgive, proven
from kechuangtong.core.clock import now
from kechuangtong.core.db import Database
from kechuangtong.core.language import Text
from kechuangtong.mail import service as mail
from kechuangtong.models import PasswordReset, User
from kechuangtong.settings import Settings

_GOOD_FOR: Final = timedelta(hours=1)
_AN_HOUR: Final = 3

_SUBJECT = Text("重新设置密码", "Set a new password")
_TEXT = Text(
    "您好，{name}：\n请在一小时内打开下面的链接，重新设置科创通的密码：\n{link}\n"
    "如果不是您本人申请，请忽略此邮件，密码不会改变。",
    "Hello {name},\nopen this link within an hour to set a new password for Kechuangtong:\n{link}\n"
    "If you did not ask for it, ignore this mail: your password stays as it is.",
)
_CHANGED = Text("密码已更改", "Your password was changed")
_CHANGED_TEXT = Text(
    "您好，{name}：\n您在科创通的密码刚刚被更改。如果不是您本人所为，请立即联系平台管理员。",
    "Hello {name},\nyour password for Kechuangtong was changed just now. "
    "If it was not you, tell an administrator at once.",
)


async def change(
    database: Database, settings: Settings, actor: Actor, *, present: str, new: str
) -> None:
    """Change one's own password, and end one's other sign-ins.

    Raises PasswordWrong, SignInLocked, NoPassword, and what `hash_password` does.
    """
    async with database.read() as session:
        user = await session.get_one(User, actor.id)
    if user.password_hash is None:
        raise NoPassword
    new_hash = await hash_password(new, name=user.name, field="new")
    try:
        async with proven(database, settings, name=user.name, password=present) as (session, user):
            await _set(session, actor, user, new_hash)
    except SignInFailed:
        raise PasswordWrong(loc=("body", "present")) from None


async def ask_for_reset(
    database: Database, settings: Settings, *, name: str | None, email: str | None
) -> None:
    """Mail a link to set a new password, to a user who has one to forget and an address to write
    to; at most three an hour. Who asks is not told whether there is such a user."""
    async with database.write() as session:
        user = await session.scalar(
            select(User)
            .where(
                User.name == name if email is None else User.email == email,
                User.email.is_not(None),
                User.password_hash.is_not(None),
                User.locked_at.is_(None),
            )
            .with_for_update()
        )
        if user is None or await _asked(session, user) >= _AN_HOUR:
            return
        assert user.email is not None
        link = await new_reset(session, ANONYMOUS, settings, user)
        text = _TEXT.format(name=user.name, link=link)
        mail.write(session, to=user.email, subject=_SUBJECT, text=text)


async def new_reset(session: AsyncSession, actor: Actor, settings: Settings, user: User) -> str:
    """The link by which a user may set a new password once, within an hour."""
    past = PasswordReset.user_id == user.id, PasswordReset.expires_at <= now()
    await session.execute(delete(PasswordReset).where(*past))
    token = secrets.token_urlsafe(32)
    session.add(
        PasswordReset(user_id=user.id, token_hash=hash_token(token), expires_at=now() + _GOOD_FOR)
    )
    record(session, actor, "password_reset_asked", user.id)
    return f"{settings.public_url.rstrip('/')}/password-resets/{token}"


async def check_reset(session: AsyncSession, token: str, *, to_use: bool = False) -> User:
    """The user that may set a new password by a token. Raises ResetInvalid."""
    statement = (
        select(PasswordReset, User)
        .join(User, User.id == PasswordReset.user_id)
        .where(
            PasswordReset.token_hash == hash_token(token),
            PasswordReset.used_at.is_(None),
            PasswordReset.expires_at > now(),
            User.locked_at.is_(None),
        )
    )
    found = await session.execute(statement.with_for_update() if to_use else statement)
    if (row := found.first()) is None:
        raise ResetInvalid
    user: User = row[1]
    return user


async def complete_reset(database: Database, *, token: str, password: str) -> None:
    """Set a new password by the token of a link, and end all sign-ins of its user.

    Raises ResetInvalid, and what `hash_password` does.
    """
    async with database.read() as session:
        user = await check_reset(session, token)
    new_hash = await hash_password(password, name=user.name)
    async with database.write() as session:
        user = await check_reset(session, token, to_use=True)
        await forgive(session, user.name)
        await _set(session, Actor(kind="user", name=user.name, id=user.id), user, new_hash)


async def void_resets(session: AsyncSession, user: User) -> None:
    """Make the links that a user was sent good for nothing."""
    unused = PasswordReset.user_id == user.id, PasswordReset.used_at.is_(None)
    await session.execute(update(PasswordReset).where(*unused).values(used_at=now()))


async def _asked(session: AsyncSession, user: User) -> int:
    within = PasswordReset.user_id == user.id, PasswordReset.created_at > now() - timedelta(hours=1)
    count = await session.scalar(select(func.count()).select_from(PasswordReset).where(*within))
    return count or 0


async def _set(session: AsyncSession, actor: Actor, user: User, password_hash: str) -> None:
    user.password_hash = password_hash
    await void_resets(session, user)
    await end_others(session, user, actor.sign_in_id)
    if user.email is not None:
        text = _CHANGED_TEXT.format(name=user.name)
        mail.write(session, to=user.email, subject=_CHANGED, text=text)
    record(session, actor, "password_changed", user.id)
