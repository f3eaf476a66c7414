"""API keys (API 密钥): given to programs, recognised, revoked."""

import hmac
import secrets
import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, or_, select, true, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.errors import UserLocked
from kechuangtong.accounts.hashing import hash_token
from kechuangtong.accounts.keys.schemas import KeyCreate, KeyQuery, KeyRead
from kechuangtong.accounts.permissions import NOT_FOR_KEYS, Permission, Role
from kechuangtong.accounts.service import actor_for
from kechuangtong.core.clock import now
from kechuangtong.core.db import Database
from kechuangtong.core.errors import Invalid, NotFound, NotSignedIn
from kechuangtong.core.language import Text
from kechuangtong.core.paging import Page, decode_id
from kechuangtong.events import log
from kechuangtong.models import ApiKey

PREFIX: Final = "kct_"
_SHOWN: Final = len(PREFIX) + 6
_USUAL: Final = timedelta(days=90)
_LONGEST: Final = timedelta(days=365)
_USE_NOTED_EVERY: Final = timedelta(minutes=1)
_KNOWN: Final = frozenset(one.value for one in Permission)  # a key may be older than these


class KeyUnknown(NotSignedIn):
    code = "api_key_unknown"
    text = Text("API 密钥无效。", "There is no such API key.")


class KeyRevoked(NotSignedIn):
    code = "api_key_revoked"
    text = Text("API 密钥已被撤销。", "The API key was revoked.")


class KeyExpired(NotSignedIn):
    code = "api_key_expired"
    text = Text("API 密钥已过期。", "The API key has expired.")


class ScopeNotHeld(Invalid):
    code = "scope_not_held"
    text = Text("您没有权限“{scope}”，不能授予密钥。", "You do not hold {scope} yourself.")


class OrganizationNotOwn(Invalid):
    code = "organization_not_own"
    text = Text("您不是该单位的成员。", "You are not a member of this organization.")
    place = ("body", "organization_id")


class ExpiryInvalid(Invalid):
    code = "expiry_invalid"
    text = Text("到期时间须在一年以内的将来。", "A key expires in the future, within a year.")
    place = ("body", "expires_at")


async def create_key(session: AsyncSession, actor: Actor, values: KeyCreate) -> tuple[ApiKey, str]:
    """A new key and its secret. Raises OrganizationNotOwn, ScopeNotHeld, ExpiryInvalid."""
    assert actor.id is not None
    if values.organization_id is not None and values.organization_id not in actor.roles:
        raise OrganizationNotOwn
    holder = _confined(actor, values.organization_id)
    for number, scope in enumerate(values.scopes):
        if not holder.holds(scope):
            raise ScopeNotHeld(scope=scope, loc=("body", "scopes", number))
    expires_at = values.expires_at or now() + _USUAL
    if not now() < expires_at <= now() + _LONGEST:
        raise ExpiryInvalid
    secret = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        user_id=actor.id,
        organization_id=values.organization_id,
        name=values.name,
        scopes=sorted(set(values.scopes)),
        hint=secret[:_SHOWN],
        secret_hash=hash_token(secret),
        expires_at=expires_at,
    )
    session.add(key)
    await session.flush()  # for its id and times
    _log(session, actor, key, "created", before=None)
    return key, secret


async def list_keys(session: AsyncSession, actor: Actor, query: KeyQuery) -> Page[KeyRead]:
    """One page of keys that the actor may see, newest first."""
    statement = (
        select(ApiKey).where(_visible(actor)).order_by(ApiKey.id.desc()).limit(query.limit + 1)
    )
    user_id = query.user_id if query.user_id or query.organization_id else actor.id
    if user_id is not None:
        statement = statement.where(ApiKey.user_id == user_id)
    if query.organization_id is not None:
        statement = statement.where(ApiKey.organization_id == query.organization_id)
    if query.cursor is not None:
        statement = statement.where(ApiKey.id < decode_id(query.cursor))
    rows = (await session.scalars(statement)).all()
    return Page[KeyRead].of(rows, query.limit, lambda row: [str(row.id)], KeyRead.model_validate)


async def get_key(
    session: AsyncSession, actor: Actor, key_id: uuid.UUID, *, to_change: bool = False
) -> ApiKey:
    """Raises NotFound."""
    statement = select(ApiKey).where(ApiKey.id == key_id, _visible(actor))
    key = await session.scalar(statement.with_for_update() if to_change else statement)
    if key is None:
        raise NotFound
    return key


async def revoke_key(session: AsyncSession, actor: Actor, key_id: uuid.UUID) -> None:
    """End a key at once: one's own, one for an organization that one manages. Raises NotFound."""
    _revoke(session, actor, await get_key(session, actor, key_id, to_change=True))


async def revoke_keys_for(
    session: AsyncSession, actor: Actor, *, user_id: uuid.UUID, organization_id: uuid.UUID
) -> None:
    """End the keys that a person has for an organization."""
    theirs = select(ApiKey).where(
        ApiKey.user_id == user_id, ApiKey.organization_id == organization_id
    )
    for key in await session.scalars(theirs.with_for_update()):
        _revoke(session, actor, key)


def _revoke(session: AsyncSession, actor: Actor, key: ApiKey) -> None:
    if key.revoked_at is None:
        before = _snapshot(key)
        key.revoked_at = now()
        _log(session, actor, key, "revoked", before=before)


async def actor_for_key(database: Database, secret: str, *, header: str) -> Actor:
    """The actor that a program with this secret is, which came in a header.

    Raises KeyUnknown, KeyRevoked, KeyExpired, UserLocked.
    """
    place, digest = ("header", header), hash_token(secret)
    async with database.read() as session:
        key = await session.scalar(select(ApiKey).where(ApiKey.secret_hash == digest))
        if key is None or not hmac.compare_digest(key.secret_hash, digest):
            raise KeyUnknown(loc=place)
        if key.revoked_at is not None:
            raise KeyRevoked(loc=place)
        if key.expires_at <= now():
            raise KeyExpired(loc=place)
        try:
            actor = await actor_by(session, key)
        except UserLocked:
            raise UserLocked(loc=place) from None
    if actor is None:
        raise KeyUnknown(loc=place)
    if key.used_at is None or key.used_at <= now() - _USE_NOTED_EVERY:
        await _note_use(database, key.id, now())
    return actor


async def actor_by(session: AsyncSession, key: ApiKey) -> Actor | None:
    """The actor that a key makes of its person at present; None where that one is erased. Raises
    UserLocked."""
    person = await actor_for(session, key.user_id)
    if person is None:
        return None
    scopes = frozenset(Permission(one) for one in key.scopes if one in _KNOWN)
    actor = _confined(person, key.organization_id)
    return replace(actor, kind="key", key_id=key.id, scopes=scopes - NOT_FOR_KEYS)


async def _note_use(database: Database, key_id: uuid.UUID, at: datetime) -> None:
    # Whoever writes just now is not waited for: the next use is noted.
    with suppress(OperationalError):
        async with database.write_at_once() as session:
            await session.execute(update(ApiKey).where(ApiKey.id == key_id).values(used_at=at))


def _confined(actor: Actor, organization_id: uuid.UUID | None) -> Actor:
    """The actor as far as one organization goes, where one is named: no person of its own."""
    if organization_id is None:
        return actor
    roles = {one: role for one, role in actor.roles.items() if one == organization_id}
    return replace(actor, platform_role=None, district=None, roles=roles, broker=False)


def _visible(actor: Actor) -> ColumnElement[bool]:
    if actor.administrator:
        return true()
    managed = [one for one, role in actor.roles.items() if role is Role.MANAGER]
    return or_(ApiKey.user_id == actor.id, ApiKey.organization_id.in_(managed))


def _snapshot(key: ApiKey) -> dict[str, object]:
    return KeyRead.model_validate(key).model_dump(mode="json", exclude={"used_at"})


def _log(
    session: AsyncSession,
    actor: Actor,
    key: ApiKey,
    what: str,
    *,
    before: dict[str, object] | None,
) -> None:
    log.record(
        session,
        actor,
        f"api_key.{what}",
        subject_kind="api_key",
        subject_id=key.id,
        before=before,
        after=_snapshot(key),
    )
