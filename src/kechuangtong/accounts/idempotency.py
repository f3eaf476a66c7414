"""Idempotency-Key: the answer is kept in the very transaction that did the work.

So there is no moment in which the work is done and its repetition not recognised: either both
are committed or neither is, also when the process dies.
"""

import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.clock import now
from kechuangtong.core.db import hold
from kechuangtong.core.errors import Invalid
from kechuangtong.core.language import Text
from kechuangtong.models import IdempotentAnswer

KEPT_FOR = timedelta(hours=24)


class KeyReused(Invalid):
    code = "idempotency_key_reused"
    text = Text(
        "此幂等键已用于另一请求。", "This Idempotency-Key was used for another request already."
    )


class Repeated(Exception):
    """The request was answered before; carries that answer."""

    def __init__(self, answer: IdempotentAnswer) -> None:
        headers = {**answer.headers, "Idempotency-Replayed": "true"}
        self.response = Response(answer.body, answer.status, headers=headers)


@dataclass(frozen=True, slots=True)
class _Pending:
    session: AsyncSession
    caller: str
    route: str
    key: str
    fingerprint: str


async def begin(session: AsyncSession, request: Request, actor: Actor, key: str) -> None:
    """Recognise a repetition. Raises Repeated with the answer, KeyReused for another request."""
    caller = str(actor.key_id or actor.id or actor.kind)
    route = f"{request.method} {request.url.path}"
    fingerprint = await _fingerprint(request)
    await hold(session, f"{caller}\n{route}\n{key}")  # repetitions sent at once wait here
    answer = await session.get(IdempotentAnswer, (caller, route, key))
    if answer is not None and answer.created_at > now() - KEPT_FOR:
        if answer.fingerprint != fingerprint:
            raise KeyReused(loc=("header", "Idempotency-Key"))
        raise Repeated(answer)
    request.state.idempotency = _Pending(session, caller, route, key, fingerprint)


async def _fingerprint(request: Request) -> str:
    digest = hashlib.sha256(request.url.query.encode())
    if request.headers.get("content-type", "").startswith("multipart/"):
        # The boundary differs with each sending, so the parts are compared, not the bytes.
        for name, value in (await request.form()).multi_items():
            digest.update(name.encode() + b"\0")
            if isinstance(value, UploadFile):
                digest.update((value.filename or "").encode())
                while block := await value.read(1 << 20):
                    digest.update(block)
                await value.seek(0)
            else:
                digest.update(value.encode())
    else:
        digest.update(await request.body())
    return digest.hexdigest()


class IdempotentRoute(APIRoute):
    """Keeps the answer beside the work, before the route's transaction is committed."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_and_keep(request: Request) -> Response:
            response = await handle(request)
            pending: _Pending | None = getattr(request.state, "idempotency", None)
            if pending is not None:
                await _keep(pending, response)
            return response

        return handle_and_keep


async def _keep(pending: _Pending, response: Response) -> None:
    session = pending.session
    await session.execute(
        delete(IdempotentAnswer).where(IdempotentAnswer.created_at <= now() - KEPT_FOR)
    )
    session.add(
        IdempotentAnswer(
            caller=pending.caller,
            route=pending.route,
            key=pending.key,
            fingerprint=pending.fingerprint,
            status=response.status_code,
            headers=dict(response.headers),
            body=bytes(response.body),
        )
    )


async def repeat(_request: Request, error: Exception) -> Response:
    """The answer that was given before."""
    assert isinstance(error, Repeated)
    return error.response
