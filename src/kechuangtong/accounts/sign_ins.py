"""Signing in, staying signed in, signing out (登录与退出)."""

import hashlib
import hmac
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import ANONYMOUS, Actor
from kechuangtong.accounts.errors import (
    RefreshTokenInvalid,
    RefreshTokenReused,
    SignInFailed,
    SignInLocked,
    UserLocked,
)
from kechuangtong.accounts.hashing import verify_password
from kechuangtong.accounts.history import record
from kechuangtong.accounts.schemas import SignInRead, Token
from kechuangtong.accounts.tokens import issue_refresh_token, issue_token, read_refresh_token
from kechuangtong.core.clock import now
from kechuangtong.core.db import Database, hold, new_id
from kechuangtong.core.http import address
from kechuangtong.core.paging import Page, PageQuery, decode_id
from kechuangtong.events import log
from kechuangtong.models import SignIn, SignInFailures, User
from kechuangtong.settings import Settings

# Failures in a row that are older than this are forgotten.
_REMEMBERED: Final = timedelta(days=1)


async def sign_in(
    database: Database, settings: Settings, *, name: str, password: str, agent: str | None
) -> Token:
    """Sign a user in by name and password. Raises SignInFailed, SignInLocked, UserLocked."""
    async with proven(database, settings, name=name, password=password) as (session, user):
        return await start(session, settings, user, agent=agent)


async def start(
    session: AsyncSession, settings: Settings, user: User, *, agent: str | None
) -> Token:
    """A new sign-in of a user, however that one showed who it is."""
    past = SignIn.user_id == user.id, SignIn.expires_at <= now()
    await session.execute(delete(SignIn).where(*past))
    family = SignIn(
        id=new_id(),
        user_id=user.id,
        generation=1,
        address=address.get(),
        agent=agent and agent[:200],
        expires_at=_expiry(settings),
    )
    session.add(family)
    actor = Actor(kind="user", name=user.name, id=user.id)
    record(session, actor, "signed_in", user.id, after={"sign_in_id": str(family.id)})
    return _tokens(settings, family)


async def refresh(
    database: Database, settings: Settings, *, token: str, agent: str | None
) -> Token:
    """New tokens for the present refresh token; an earlier one is in two hands, so it ends the
    sign-in. Raises RefreshTokenInvalid, RefreshTokenReused, UserLocked."""
    said = read_refresh_token(settings, token)
    if said is None:
        raise RefreshTokenInvalid
    async with database.write() as session:
        family = await session.get(SignIn, said.sign_in_id, with_for_update=True)
        if family is None:
            raise RefreshTokenInvalid
        if said.generation == family.generation:
            if family.ended_at is not None or family.expires_at <= now():
                raise RefreshTokenInvalid
            if (await session.get_one(User, family.user_id)).locked_at is not None:
                raise UserLocked
            family.generation += 1
            family.used_at, family.expires_at = now(), _expiry(settings)
            family.address, family.agent = address.get(), agent and agent[:200]
            return _tokens(settings, family)
        if family.ended_at is None:
            family.ended_at = now()
            after = {"sign_in_id": str(family.id)}
            record(session, ANONYMOUS, "refresh_token_reused", family.user_id, after=after)
    raise RefreshTokenReused  # outside of the transaction, which keeps that the sign-in ended


async def sign_out(session: AsyncSession, actor: Actor) -> None:
    """End the sign-in by which the actor calls."""
    await _end(session, actor, "signed_out", SignIn.id == actor.sign_in_id)


async def sign_out_everywhere(session: AsyncSession, actor: Actor) -> None:
    """End all sign-ins of the actor."""
    await _end(session, actor, "signed_out_everywhere", SignIn.user_id == actor.id)


async def end_others(session: AsyncSession, user: User, sign_in_id: uuid.UUID | None) -> None:
    """End the sign-ins of a user but the one."""
    # `IS DISTINCT FROM`: without one to keep, all.
    others = SignIn.id.is_distinct_from(sign_in_id)
    await session.execute(
        update(SignIn)
        .where(SignIn.user_id == user.id, SignIn.ended_at.is_(None), others)
        .values(ended_at=now())
    )


async def page(session: AsyncSession, actor: Actor, query: PageQuery) -> Page[SignInRead]:
    """Where the actor is signed in at present, the latest first."""
    statement = (
        select(SignIn)
        .where(SignIn.user_id == actor.id, SignIn.ended_at.is_(None), SignIn.expires_at > now())
        .order_by(SignIn.id.desc())
        .limit(query.limit + 1)
    )
    if query.cursor is not None:
        statement = statement.where(SignIn.id < decode_id(query.cursor))

    def show(one: SignIn) -> SignInRead:
        shown = SignInRead.model_validate(one)
        shown.current = one.id == actor.sign_in_id
        return shown

    rows = (await session.scalars(statement)).all()
    return Page[SignInRead].of(rows, query.limit, lambda one: [str(one.id)], show)


@asynccontextmanager
async def proven(
    database: Database, settings: Settings, *, name: str, password: str
) -> AsyncIterator[tuple[AsyncSession, User]]:
    """A transaction in which a user's password is known to be right.

    A wrong one is counted, in a transaction of its own; the check itself, which takes long, is in
    none. Of many at once no more are told that they were wrong than may be before the lock: what
    a check found is told only where the name is not locked by then.
    Raises SignInFailed, SignInLocked, UserLocked.
    """
    while True:
        async with database.read() as session:
            _refuse(await session.get(SignInFailures, _key(name)))
            user = await _find(session, name)
            stored = user.password_hash if user else None
        valid, renewed = await verify_password(password, stored)
        async with database.write() as session:
            failures = await _failures(session, name)
            _refuse(failures)
            user = await _find(session, name, to_change=True)
            if stored != (user.password_hash if user else None):
                continue  # it was changed while it was checked
            if user is not None and valid:
                if user.locked_at is not None:
                    raise UserLocked(loc=SignInFailed.place)
                if failures is not None:
                    await session.delete(failures)
                if renewed is not None:
                    user.password_hash = renewed
                yield session, user
                return
            _count(session, settings, failures, name, user)
        raise SignInFailed


async def forgive(session: AsyncSession, name: str) -> None:
    """Forget the wrong passwords for a name."""
    await session.execute(delete(SignInFailures).where(SignInFailures.name_hash == _key(name)))


async def _find(session: AsyncSession, name: str, *, to_change: bool = False) -> User | None:
    if "\x00" in name:  # no user has it, and PostgreSQL would not even look it up
        return None
    statement = select(User).where(User.name == name)
    return await session.scalar(statement.with_for_update() if to_change else statement)


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _refuse(failures: SignInFailures | None) -> None:
    until = failures.locked_until if failures else None
    if until is not None and until > now():
        raise SignInLocked(until)


async def _failures(session: AsyncSession, name: str) -> SignInFailures | None:
    await hold(session, f"sign-in {name}")  # the first failure has no row yet to be locked
    forgotten = or_(SignInFailures.locked_until.is_(None), SignInFailures.locked_until < now())
    await session.execute(
        delete(SignInFailures).where(SignInFailures.last_at < now() - _REMEMBERED, forgotten)
    )
    return await session.get(SignInFailures, _key(name))


def _count(
    session: AsyncSession,
    settings: Settings,
    failures: SignInFailures | None,
    name: str,
    user: User | None,
) -> None:
    if failures is None:
        failures = SignInFailures(name_hash=_key(name), count=0)
        session.add(failures)
    elif failures.locked_until is not None:  # that lock is over
        failures.count, failures.locked_until = 0, None
    failures.count += 1
    failures.last_at = now()
    # People type their passwords there: without the key nobody finds out which name it was.
    hidden = hmac.new(settings.signing_key.encode(), name.encode(), "sha256").hexdigest()
    log.record(
        session,
        ANONYMOUS,
        "sign_in.failed",
        subject_kind="sign_in_name",
        subject_id=uuid.UUID(hidden[:32]),
        before=None,
        after=None,
    )
    if failures.count >= settings.sign_in_failures:
        failures.locked_until = now() + timedelta(minutes=settings.sign_in_lock_minutes)
        if user is not None:
            after = {"until": failures.locked_until.isoformat()}
            record(session, ANONYMOUS, "sign_in_locked", user.id, after=after)


async def _end(
    session: AsyncSession, actor: Actor, what: str, of_actor: ColumnElement[bool]
) -> None:
    assert actor.id is not None
    await session.execute(
        update(SignIn).where(of_actor, SignIn.ended_at.is_(None)).values(ended_at=now())
    )
    record(session, actor, what, actor.id, after={"sign_in_id": str(actor.sign_in_id)})


def _expiry(settings: Settings) -> datetime:
    return now() + timedelta(days=settings.refresh_days)


def _tokens(settings: Settings, family: SignIn) -> Token:
    return Token(
        access_token=issue_token(settings, family.user_id, family.id),
        expires_in=settings.token_minutes * 60,
        refresh_token=issue_refresh_token(settings, family.id, family.generation),
    )
