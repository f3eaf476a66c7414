"""What a person or a key was refused for want of permission, when it would change something."""

import uuid

import structlog
from fastapi import Request
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.errors import Forbidden, app_error
from kechuangtong.events import log
from kechuangtong.runtime import Runtime

_logger = structlog.get_logger()


async def refuse(request: Request, error: Exception) -> JSONResponse:
    """Answer a 403, and note it."""
    assert isinstance(error, Forbidden)
    await note(request, error)
    return await app_error(request, error)


async def note(request: Request, error: Forbidden) -> None:
    """Note a refusal of a write in a transaction of its own, since that of the request is rolled
    back."""
    actor: Actor | None = getattr(request.state, "actor", None)
    if request.method != "GET" and actor is not None and actor.id is not None:
        try:
            await _record(request, actor, actor.id, error)
        except SQLAlchemyError as failure:  # the answer stays what it is
            _logger.error("refusal not recorded", error=str(failure), path=request.url.path)


async def _record(request: Request, actor: Actor, actor_id: uuid.UUID, error: Forbidden) -> None:
    subject_kind, subject_id = _subject(request) or ("user", actor_id)
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    runtime: Runtime = request.app.state.runtime
    async with runtime.database.write() as session:
        log.record(
            session,
            actor,
            "access.refused",
            subject_kind=subject_kind,
            subject_id=subject_id,
            before=None,
            after={"method": request.method, "route": route.path, "code": error.code},
        )


def _subject(request: Request) -> tuple[str, uuid.UUID] | None:
    """What the path names last by its id; a refusal comes before what is in a path is checked."""
    for name, value in reversed(request.path_params.items()):
        try:
            return name.removesuffix("_id"), uuid.UUID(value)
        except ValueError:
            continue
    return None
