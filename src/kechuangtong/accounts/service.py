"""Users made, and who calls."""

import uuid

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import OPERATOR, Actor
from kechuangtong.accounts.errors import (
    EmailInvalid,
    EmailTaken,
    UserExists,
    UserLocked,
    UserNameInvalid,
)
from kechuangtong.accounts.hashing import hash_password
from kechuangtong.accounts.history import record
from kechuangtong.accounts.permissions import PlatformRole, Role
from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id, violated
from kechuangtong.core.schemas import check_email
from kechuangtong.models import Broker, Membership, SignIn, User


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
    user_id: uuid.UUID | None = None,
    actor: Actor = OPERATOR,
) -> User:
    """Make a user; without a password one that signs in at an identity provider.

    Raises UserExists, UserNameInvalid, EmailInvalid, EmailTaken, and what `hash_password` does.
    """
    if not 1 <= len(name) <= 100 or name != name.strip():
        raise UserNameInvalid
    try:
        email = None if email is None else check_email(email)
    except ValueError:
        raise EmailInvalid(email=email) from None
    user = User(
        id=user_id or new_id(),
        name=name,
        email=email,
        password_hash=None if password is None else await hash_password(password, name=name),
        platform_role=platform_role,
        district=district,
    )
    session.add(user)
    try:
        await session.flush()  # the uniqueness of name and address is the database's to say
    except IntegrityError as error:
        if violated(error).endswith("users_email"):
            raise EmailTaken from error
        raise UserExists(name=name) from error
    if organization_id is not None:
        session.add(Membership(user_id=user.id, organization_id=organization_id, role=role))
    after = {"platform_role": platform_role, "district": district}
    record(session, actor, "created", user.id, after=after)
    return user


async def actor_for(
    session: AsyncSession, user_id: uuid.UUID, sign_in_id: uuid.UUID | None = None
) -> Actor | None:
    """The actor that a user is at present; None where there is no such user any more, or its
    sign-in, where one is named, has ended. Raises UserLocked."""
    broker = exists().where(Broker.user_id == User.id)
    statement = (
        select(User, Membership.organization_id, Membership.role, broker)
        .outerjoin(Membership, Membership.user_id == User.id)
        .where(User.id == user_id, User.erased_at.is_(None))
    )
    if sign_in_id is not None:
        statement = statement.join(SignIn, SignIn.user_id == User.id).where(
            SignIn.id == sign_in_id, SignIn.ended_at.is_(None), SignIn.expires_at > now()
        )
    rows = (await session.execute(statement)).all()
    if not rows:
        return None
    user = rows[0][0]
    if user.locked_at is not None:
        raise UserLocked
    return Actor(
        kind="user",
        name=user.name,
        id=user.id,
        platform_role=user.platform_role,
        district=user.district,
        roles={one: role for _, one, role, _ in rows if one is not None},
        broker=rows[0][3],
        sign_in_id=sign_in_id,
    )
