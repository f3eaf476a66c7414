"""Health and status: whether the process lives, whether it can serve, how far the index is."""

import uuid
from contextlib import suppress
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from kechuangtong import __version__
from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core import migrations
from kechuangtong.core.errors import Unavailable
from kechuangtong.core.openapi import answers
from kechuangtong.core.trade import IndexKind
from kechuangtong.matching.ranking import shipped
from kechuangtong.models import IndexMark, Profile
from kechuangtong.models.indexing import Part
from kechuangtong.runtime import RuntimeDep
from kechuangtong.search.drain import backlog, rebuilding

router = APIRouter(tags=["status"], dependencies=[Depends(requires(Permission.SERVICE_READ))])


class Health(BaseModel):
    """Whether the process is well."""

    status: Literal["ok", "degraded", "unavailable"]
    checks: dict[str, str] = {}


class SetAside(BaseModel):
    """A record that the index would not take; it is tried again when it changes."""

    kind: IndexKind
    id: uuid.UUID
    reason: str


class IndexStatus(BaseModel):
    """How far the search index is behind the lists."""

    engine: str
    documents: Annotated[
        dict[IndexKind, int] | None, Field(description="Null: the engine does not answer")
    ]
    words_left: Annotated[int, Field(description="Records not yet found by their words")]
    vectors_left: Annotated[int, Field(description="Records whose vectors are being computed")]
    rebuilding: Annotated[bool, Field(description="A new index is built beside the live one")]
    set_aside: Annotated[int, Field(description="Records that the index would not take")]
    problems: Annotated[
        list[SetAside], Field(description="Up to 20 of those, for administrators (管理员可见)")
    ]


class Status(BaseModel):
    """What runs here."""

    version: str
    database: str
    ranker: str
    embedding_model: Annotated[str | None, Field(description="Null: words alone")]
    index: IndexStatus
    matchable: Annotated[int, Field(description="Published records in both lists")]


@router.get("/health/live", summary="Is the process alive (存活)", responses=answers(401, 422))
async def live() -> Health:
    """Answers as long as the process runs; looks at nothing else."""
    return Health(status="ok")


@router.get(
    "/health/ready",
    summary="Can the process serve (就绪)",
    responses={503: {"model": Health, "description": "Not able to serve"}, **answers(401, 422)},
)
async def ready(runtime: RuntimeDep, response: Response) -> Health:
    """Whether the database answers with this version's schema, and the index can be read.

    Without the index lists can be read and changed, so the process still serves (`degraded`).
    """
    checks = {}
    checked: dict[str, Any] = {
        "database": lambda: migrations.check(runtime.database),
        "index": lambda: runtime.index.count(IndexKind.ACHIEVEMENT),
    }
    for name, check in checked.items():
        try:
            await check()
            checks[name] = "ok"
        except Exception as error:
            checks[name] = type(error).__name__
    if checks["database"] != "ok":
        response.status_code = 503
        return Health(status="unavailable", checks=checks)
    return Health(status="ok" if checks["index"] == "ok" else "degraded", checks=checks)


@router.get("/v1/status", summary="Status of the service (服务状态)", responses=answers(401, 422))
async def status(
    runtime: RuntimeDep, actor: Annotated[Actor, Depends(requires(Permission.SERVICE_READ))]
) -> Status:
    """Versions, the model, and how many records the index still has to take in."""
    async with runtime.database.read() as session:
        matchable = await session.scalar(
            select(func.count()).where(Profile.kind != IndexKind.INSTRUMENT)
        )
        without_due = IndexMark.due_at.is_(None)
        aside = await session.scalar(select(func.count()).select_from(IndexMark).where(without_due))
        marks = await session.scalars(
            select(IndexMark).where(without_due).order_by(IndexMark.marked_at).limit(20)
        )
        problems = [
            SetAside(kind=one.kind, id=one.record_id, reason=one.problem or "")
            for one in (marks if actor.administrator else ())
        ]
        building = await rebuilding(session)
    documents = None
    with suppress(Unavailable):
        documents = {kind: await runtime.index.count(kind) for kind in IndexKind}
    return Status(
        version=__version__,
        database=runtime.database.engine.dialect.name,
        ranker=shipped().version,
        embedding_model=runtime.embedder.model if runtime.embedder else None,
        index=IndexStatus(
            engine=runtime.index.engine,
            documents=documents,
            words_left=await backlog(runtime.database, Part.WORDS),
            vectors_left=await backlog(runtime.database, Part.VECTORS),
            rebuilding=building,
            set_aside=aside or 0,
            problems=problems,
        ),
        matchable=matchable or 0,
    )
