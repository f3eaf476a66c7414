"""What routes ask for: an actor with a permission, and a session that ends before the answer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts import idempotency
from kechuangtong.accounts.actor import ANONYMOUS, Actor
from kechuangtong.accounts.permissions import ANYONE, Permission
from kechuangtong.accounts.service import actor_for
from kechuangtong.accounts.tokens import read_token
from kechuangtong.core.errors import Forbidden, NotSignedIn
from kechuangtong.runtime import RuntimeDep

_bearer = OAuth2PasswordBearer(
    tokenUrl="/v1/auth/token", refreshUrl="/v1/auth/token", auto_error=False
)


async def _current_actor(
    runtime: RuntimeDep, token: Annotated[str | None, Depends(_bearer)]
) -> Actor:
    if token is None:
        return ANONYMOUS
    access = read_token(runtime.settings, token)
    if access is None:
        raise NotSignedIn
    async with runtime.database.read() as session:
        actor = await actor_for(session, access.user_id, access.sign_in_id)
    if actor is None:
        raise NotSignedIn
    return actor


CurrentActor = Annotated[Actor, Depends(_current_actor)]


def requires(permission: Permission) -> Callable[..., Awaitable[Actor]]:
    """The dependency by which a route names its permission; it yields the actor."""

    async def with_permission(actor: CurrentActor) -> Actor:
        if actor.holds(permission):
            return actor
        raise NotSignedIn if actor.kind == "anonymous" else Forbidden(loc=NotSignedIn.place)

    with_permission.permission = permission  # type: ignore[attr-defined]
    return with_permission


def for_anyone(permission: Permission) -> Callable[..., Awaitable[None]]:
    """The permission of a route that lets one in: an old token that comes along is no obstacle."""
    assert permission in ANYONE

    async def unlooked_at() -> None: ...

    unlooked_at.permission = permission  # type: ignore[attr-defined]
    return unlooked_at


async def _read_session(runtime: RuntimeDep) -> AsyncIterator[AsyncSession]:
    async with runtime.database.read() as session:
        yield session


async def _write_session(runtime: RuntimeDep) -> AsyncIterator[AsyncSession]:
    async with runtime.database.write() as session:
        yield session


async def _idempotent_session(
    request: Request,
    runtime: RuntimeDep,
    actor: CurrentActor,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            description="Repeating a request with the same key within 24 hours repeats its answer "
            "and does nothing twice (幂等键)",
        ),
    ] = None,
) -> AsyncIterator[AsyncSession]:
    async with runtime.database.write() as session:
        if idempotency_key is not None:
            await idempotency.begin(session, request, actor, idempotency_key)
        yield session


# Function scope: the transaction is committed, or has failed, before the answer is sent.
ReadSession = Annotated[AsyncSession, Depends(_read_session, scope="function")]
WriteSession = Annotated[AsyncSession, Depends(_write_session, scope="function")]
IdempotentSession = Annotated[AsyncSession, Depends(_idempotent_session, scope="function")]
