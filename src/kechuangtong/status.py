"""Health and status: whether the process lives, whether it can serve, how far the index is."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from kechuangtong import __version__
from kechuangtong.accounts.deps import requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core import migrations
from kechuangtong.core.openapi import answers
from kechuangtong.core.trade import ListKind
from kechuangtong.matching.ranking import shipped
from kechuangtong.models import Profile
from kechuangtong.models.indexing import Part
from kechuangtong.runtime import RuntimeDep
from kechuangtong.search.drain import backlog

router = APIRouter(tags=["status"], dependencies=[Depends(requires(Permission.SERVICE_READ))])


class Health(BaseModel):
    """Whether the process is well."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, str] = {}


class IndexStatus(BaseModel):
    """How far the search index is behind the lists."""

    engine: str
    documents: dict[ListKind, int]
    words_left: Annotated[int, Field(description="Records not yet found by their words")]
    vectors_left: Annotated[int, Field(description="Records whose vectors are being computed")]


class Status(BaseModel):
    """What runs here."""

    version: str
    database: str
    ranker: str
    embedding_model: Annotated[str | None, Field(description="Null: words alone")]
    index: IndexStatus
    matchable: Annotated[int, Field(description="Published records in both lists")]


@router.get("/health/live", summary="Is the process alive (存活)", responses=answers(422))
async def live() -> Health:
    """Answers as long as the process runs; looks at nothing else."""
    return Health(status="ok")


@router.get(
    "/health/ready",
    summary="Can the process serve (就绪)",
    responses={503: {"model": Health, "description": "Not able to serve"}, **answers(422)},
)
async def ready(runtime: RuntimeDep, response: Response) -> Health:
    """Whether the database answers with this version's schema, and the index can be read."""
    checks = {}
    checked: dict[str, Any] = {
        "database": lambda: migrations.check(runtime.database),
        "index": lambda: runtime.index.count(ListKind.ACHIEVEMENT),
    }
    for name, check in checked.items():
        try:
            await check()
            checks[name] = "ok"
        except Exception as error:
            checks[name] = type(error).__name__
    if all(one == "ok" for one in checks.values()):
        return Health(status="ok", checks=checks)
    response.status_code = 503
    return Health(status="unavailable", checks=checks)


@router.get("/v1/status", summary="Status of the service (服务状态)", responses=answers(401, 422))
async def status(runtime: RuntimeDep) -> Status:
    """Versions, the model, and how many records the index still has to take in."""
    async with runtime.database.read() as session:
        matchable = await session.scalar(select(func.count()).select_from(Profile))
    return Status(
        version=__version__,
        database=runtime.database.engine.dialect.name,
        ranker=shipped().version,
        embedding_model=runtime.embedder.model if runtime.embedder else None,
        index=IndexStatus(
            engine=runtime.index.engine,
            documents={kind: await runtime.index.count(kind) for kind in ListKind},
            words_left=await backlog(runtime.database, Part.WORDS),
            vectors_left=await backlog(runtime.database, Part.VECTORS),
        ),
        matchable=matchable or 0,
    )
