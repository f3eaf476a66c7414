"""Users: making them, checking their passwords, finding out who calls."""

import uuid

from anyio import CapacityLimiter, to_thread
from pwdlib import PasswordHash
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import PlatformRole, Role
from kechuangtong.core.errors import Conflict, Invalid, NotSignedIn
from kechuangtong.core.language import Text
from kechuangtong.models import Membership, User

_passwords = PasswordHash.recommended()
_hashing = CapacityLimiter(2)  # each hash takes 64 MiB, by design
# Checked where there is no such user, so that the time of an answer does not tell.
_NOBODY = _passwords.hash(uuid.uuid4().hex)


class UserExists(Conflict):
    code = "user_exists"
    text = Text("用户名“{name}”已被使用。", 'The user name "{name}" is taken.')


class UserNameInvalid(Invalid):
    code = "user_name_invalid"
    text = Text("用户名须为 1 至 100 个字符。", "A user name has 1 to 100 characters.")


class PasswordTooShort(Invalid):
    code = "password_too_short"
    text = Text("密码至少 {length} 个字符。", "A password has at least {length} characters.")


class SignInFailed(NotSignedIn):
    code = "sign_in_failed"
    text = Text("用户名或密码不正确。", "The user name or the password is wrong.")
    place = ("body",)


MIN_PASSWORD_LENGTH = 10


async def create_user(
    session: AsyncSession,
    *,
    name: str,
    password: str | None,
    email: str | None = None,
    platform_role: PlatformRole | None = None,
    district: str | None = None,
    organization_id: uuid.UUID | None = None,
    role: Role = Role.MANAGER,
) -> User:
    """Make a user; without a password one that signs in at an identity provider.

    Raises UserExists, UserNameInvalid, PasswordTooShort.
    """
    if not 1 <= len(name) <= 100 or name != name.strip():
        raise UserNameInvalid
    if password is not None and len(password) < MIN_PASSWORD_LENGTH:
        raise PasswordTooShort(length=MIN_PASSWORD_LENGTH)
    password_hash = None
    if password is not None:
        password_hash = await to_thread.run_sync(_passwords.hash, password, limiter=_hashing)
    user = User(
        name=name,
        email=email,
        password_hash=password_hash,
        platform_role=platform_role,
        district=district,
    )
    session.add(user)
    try:
        await session.flush()  # the name's uniqueness is the database's to say
    except IntegrityError as error:
        raise UserExists(name=name) from error
    if organization_id is not None:
        session.add(Membership(user_id=user.id, organization_id=organization_id, role=role))
    return user


async def check_password(session: AsyncSession, *, name: str, password: str) -> User:
    """The user with this name and password. Raises SignInFailed."""
    # No user has a NUL in the name, which PostgreSQL would not even look up.
    known = "\x00" not in name
    user = await session.scalar(select(User).where(User.name == name)) if known else None
    stored = user.password_hash if user and user.password_hash else _NOBODY
    valid = await to_thread.run_sync(_passwords.verify, password, stored, limiter=_hashing)
    if user is None or not valid:
        raise SignInFailed
    return user


async def has_password(session: AsyncSession, *, name: str, password: str) -> bool:
    """Whether there is a user with this name and password; counts as no attempt to sign in."""
    stored = await session.scalar(select(User.password_hash).where(User.name == name))
    return stored is not None and await to_thread.run_sync(
        _passwords.verify, password, stored, limiter=_hashing
    )


async def actor_for(session: AsyncSession, user_id: uuid.UUID) -> Actor | None:
    """The actor that a user is at present; None where there is no such user any more."""
    user = await session.get(User, user_id, options=[selectinload(User.memberships)])
    if user is None or user.locked_at is not None:
        return None
    return Actor(
        kind="user",
        name=user.name,
        id=user.id,
        platform_role=user.platform_role,
        district=user.district,
        roles={one.organization_id: one.role for one in user.memberships},
    )
