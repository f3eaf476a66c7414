"""Signing in at an institution's identity provider: the first time makes a user and a member."""

import hashlib
from typing import Any, Final

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import ANONYMOUS, Actor
from kechuangtong.accounts.errors import UserLocked
from kechuangtong.accounts.oidc.client import ProviderUnavailable
from kechuangtong.accounts.service import create_user
from kechuangtong.core.db import hold
from kechuangtong.core.errors import NotFound
from kechuangtong.core.schemas import check_email
from kechuangtong.models import Identity, Organization, User
from kechuangtong.organizations.members.service import add_member
from kechuangtong.organizations.service import OrganizationAmbiguous, find_organization
from kechuangtong.settings import OidcProvider, Settings

_NAME_LENGTH: Final = 60

log = structlog.get_logger()


def provider_named(settings: Settings, name: str) -> OidcProvider:
    """Raises NotFound."""
    for one in settings.oidc_providers:
        if one.name == name:
            return one
    raise NotFound


async def sign_in(session: AsyncSession, provider: OidcProvider, claims: dict[str, Any]) -> User:
    """The user of checked claims, found by issuer and subject and by nothing else.

    Raises UserLocked, and ProviderUnavailable where its organization is not there.
    """
    await hold(session, f"identity {provider.issuer} {claims['sub']}")
    identity = await session.get(Identity, (provider.issuer, claims["sub"]))
    if identity is None:
        return await _sign_up(session, provider, claims)
    user = await session.get_one(User, identity.user_id)
    if user.locked_at is not None:
        raise UserLocked(loc=("query", "code"))
    return user


async def _sign_up(session: AsyncSession, provider: OidcProvider, claims: dict[str, Any]) -> User:
    organization = await _organization(session, provider)
    user = await create_user(
        session,
        name=await _free_name(session, provider, claims),
        password=None,
        email=await _free_email(session, claims),
        actor=ANONYMOUS,
    )
    session.add(Identity(issuer=provider.issuer, subject=claims["sub"], user_id=user.id))
    actor = Actor(kind="user", name=user.name, id=user.id)
    await add_member(session, actor, user, organization.id, provider.role)
    return user


async def _organization(session: AsyncSession, provider: OidcProvider) -> Organization:
    try:
        organization = await find_organization(session, provider.organization)
    except OrganizationAmbiguous:
        organization = None
    if organization is None:
        log.error("no such organization", provider=provider.name, named=provider.organization)
        raise ProviderUnavailable(title=provider.title)
    return organization


async def _free_name(session: AsyncSession, provider: OidcProvider, claims: dict[str, Any]) -> str:
    """A name that nobody has: as the institution calls the person, and the institution."""
    called = next(
        text
        for claim in ("preferred_username", "name", "sub")
        if isinstance(text := claims.get(claim), str)
        and text.strip().isprintable()
        and text.strip()
    )
    name = f"{called.strip()[:_NAME_LENGTH]}@{provider.name}"
    if await session.scalar(select(User.id).where(User.name == name)) is not None:
        name += f"-{hashlib.sha256(claims['sub'].encode()).hexdigest()[:8]}"
    return name


async def _free_email(session: AsyncSession, claims: dict[str, Any]) -> str | None:
    """The e-mail that the provider vouches for, unless another user has it."""
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        return None
    try:
        email = check_email(email)
    except ValueError:
        return None
    taken = await session.scalar(select(User.id).where(User.email == email))
    return email if taken is None else None
