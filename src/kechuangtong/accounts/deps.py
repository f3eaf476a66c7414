"""What routes ask for: an actor with a permission, and a session that ends before the answer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts import cookies, idempotency
from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.errors import ScopeMissing
from kechuangtong.accounts.keys.service import PREFIX, actor_for_key
from kechuangtong.accounts.limits import UNLIMITED, network
from kechuangtong.accounts.permissions import ANYONE, Permission
from kechuangtong.accounts.service import actor_for
from kechuangtong.accounts.tokens import read_token
from kechuangtong.core.errors import Forbidden, NotSignedIn
from kechuangtong.core.openapi import raising
from kechuangtong.runtime import Runtime, RuntimeDep

_bearer = OAuth2PasswordBearer(
    tokenUrl="/v1/auth/token", refreshUrl="/v1/auth/token", auto_error=False
)
_api_key = APIKeyHeader(
    name="X-API-Key",
    auto_error=False,
    description="A program's API key (API 密钥), or `Authorization: Bearer kct_…` with it",
)


async def _find_actor(
    request: Request, runtime: Runtime, token: str | None, api_key: str | None
) -> Actor:
    if api_key is not None:
        return await actor_for_key(runtime.database, api_key, header="X-API-Key")
    if token is None:
        return await cookies.actor_of(request, runtime.database)
    if token.startswith(PREFIX):
        return await actor_for_key(runtime.database, token, header="Authorization")
    access = read_token(runtime.settings, token)
    if access is None:
        raise NotSignedIn
    async with runtime.database.read() as session:
        actor = await actor_for(session, access.user_id, access.sign_in_id)
    if actor is None:
        raise NotSignedIn
    return actor


async def _current_actor(
    request: Request,
    runtime: RuntimeDep,
    token: Annotated[str | None, Depends(_bearer)],
    api_key: Annotated[str | None, Depends(_api_key)],
) -> Actor:
    """Who calls, and the call counted: for the address where it does not show who."""
    limited = not request.url.path.startswith(UNLIMITED)
    try:
        actor = await _find_actor(request, runtime, token, api_key)
    except NotSignedIn:
        if limited:
            await runtime.limiter.count("address", _address(request))
        raise
    if limited:
        if actor.kind == "anonymous":
            await runtime.limiter.count("address", _address(request))
        else:
            await runtime.limiter.count("caller", str(actor.key_id or actor.id))
    return actor


def _address(request: Request) -> str:
    return network(request.client.host) if request.client else ""


# What is tried with passwords and links that one has guessed.
_ATTEMPTS = frozenset(
    {Permission.TOKEN_CREATE, Permission.REGISTRATIONS_CREATE, Permission.INVITATIONS_ACCEPT}
)

CurrentActor = Annotated[Actor, Depends(_current_actor)]


def requires(permission: Permission) -> Callable[..., Awaitable[Actor]]:
    """The dependency by which a route names its permission; it yields the actor."""
    always_in_scope = permission is Permission.SERVICE_READ

    @raising(401, *(() if always_in_scope else (403,)))
    async def with_permission(request: Request, runtime: RuntimeDep, actor: CurrentActor) -> Actor:
        request.state.actor = actor  # whose refusals are kept
        if permission in _ATTEMPTS:
            await runtime.limiter.count("sign_in", _address(request))
        if actor.holds(permission):
            return actor
        if not actor.in_scope(permission):
            raise ScopeMissing(permission)
        raise NotSignedIn if actor.kind == "anonymous" else Forbidden(loc=NotSignedIn.place)

    with_permission.permission = permission  # type: ignore[attr-defined]
    return with_permission


def for_anyone(permission: Permission) -> Callable[..., Awaitable[None]]:
    """The permission of a route that lets one in: an old token that comes along is no obstacle."""
    assert permission in ANYONE

    async def unlooked_at(request: Request, runtime: RuntimeDep) -> None:
        await runtime.limiter.count(
            "sign_in" if permission in _ATTEMPTS else "address", _address(request)
        )

    unlooked_at.permission = permission  # type: ignore[attr-defined]
    return unlooked_at


async def _read_session(runtime: RuntimeDep) -> AsyncIterator[AsyncSession]:
    async with runtime.database.read() as session:
        yield session


async def _write_session(runtime: RuntimeDep) -> AsyncIterator[AsyncSession]:
    async with runtime.database.write() as session:
        yield session


@raising(400, 413, 422)  # the body is read for the key
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
