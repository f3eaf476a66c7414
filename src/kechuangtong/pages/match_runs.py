"""A whole list matched against the other, and its pairs (批量匹配)."""

import uuid
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, WriteSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.errors import AppError, Conflict, Invalid
from kechuangtong.core.language import Text
from kechuangtong.core.trade import ListKind
from kechuangtong.matching.runs import pairs, service
from kechuangtong.matching.runs.schemas import MatchRunCreate, PairQuery, RunListQuery
from kechuangtong.models import Organization
from kechuangtong.models.match_run import MatchRunState, PairChange
from kechuangtong.pages import labels
from kechuangtong.pages.rendering import go, page, page_router
from kechuangtong.runtime import RuntimeDep

router = page_router()

Reader = Annotated[Actor, Depends(requires(Permission.MATCH_RUNS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.MATCH_RUNS_WRITE))]

_STATES: Final = {
    MatchRunState.QUEUED: Text("等待处理", "waiting"),
    MatchRunState.RUNNING: Text("正在匹配", "running"),
    MatchRunState.DONE: Text("已完成", "done"),
    MatchRunState.FAILED: Text("未能完成", "failed"),
    MatchRunState.CANCELLED: Text("已取消", "cancelled"),
}
_CHANGES: Final = {
    PairChange.NEW: Text("新增", "new"),
    PairChange.KEPT: Text("保留", "kept"),
    PairChange.GONE: Text("消失", "gone"),
}


@router.get("/match-runs")
async def show_match_runs(
    request: Request,
    session: ReadSession,
    actor: Reader,
    query: Annotated[RunListQuery, Query()],
) -> HTMLResponse:
    """The runs of one's own organizations, and a form to begin one."""
    return await _runs(request, session, actor, query)


@router.post("/match-runs")
async def send_match_run(
    request: Request,
    runtime: RuntimeDep,
    actor: Writer,
    kind: Annotated[ListKind, Form()],
    organization_id: Annotated[uuid.UUID | None, Form()] = None,
    min_grade: Annotated[int, Form(ge=1, le=4)] = 2,
) -> Response:
    """Begin a run and go to it, or say why not."""
    wanted = MatchRunCreate(kind=kind, organization_id=organization_id, min_grade=min_grade)
    try:
        async with runtime.database.write() as session:
            run = await service.start(session, actor, wanted)
    except (Conflict, Invalid) as error:
        async with runtime.database.read() as session:
            return await _runs(request, session, actor, RunListQuery(), wanted, error)
    return go(f"/match-runs/{run.id}")


async def _runs(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    query: RunListQuery,
    wanted: MatchRunCreate | None = None,
    error: AppError | None = None,
) -> HTMLResponse:
    found = await service.page(session, actor, query)
    shown = {one.organization_id for one in found.items if one.organization_id is not None}
    names = await _names(session, shown | actor.organization_ids)
    may_start = [one for one in names if actor.may(Permission.MATCH_RUNS_WRITE, one)]
    return page(
        request,
        "match_runs.html",
        status=HTTPStatus.OK if error is None else error.status,
        problem=None if error is None else error.message,
        runs=found,
        names=names,
        own=[one for one in may_start if one in actor.organization_ids],
        wanted=wanted or MatchRunCreate(kind=ListKind.ACHIEVEMENT),
        lists=labels.LISTS,
        grades=labels.GRADES,
        states=_STATES,
    )


@router.get("/match-runs/{run_id}")
async def show_match_run(
    request: Request,
    session: ReadSession,
    actor: Reader,
    run_id: uuid.UUID,
    query: Annotated[PairQuery, Query()],
) -> HTMLResponse:
    """How far a run is, and the pairs that it has found."""
    run = await service.get(session, actor, run_id)
    shown = service.show(run)
    owner = {} if run.organization_id is None else await _names(session, {run.organization_id})
    return page(
        request,
        "match_run.html",
        run=shown,
        owner=owner.get(run.organization_id) if run.organization_id else None,
        pairs=await pairs.page(session, actor, run, query),
        query=query,
        goes_on=run.state in service.WAITS_OR_RUNS,
        may_cancel=service.may_change(actor, run),
        lists=labels.LISTS,
        grades=labels.GRADES,
        states=_STATES,
        changes=_CHANGES,
    )


@router.post("/match-runs/{run_id}/cancel")
async def cancel_match_run(session: WriteSession, actor: Writer, run_id: uuid.UUID) -> Response:
    """Match no more of a run."""
    await service.cancel(session, actor, run_id)
    return go(f"/match-runs/{run_id}")


async def _names(
    session: AsyncSession, ids: set[uuid.UUID] | frozenset[uuid.UUID]
) -> dict[uuid.UUID, str]:
    """The names of organizations, in their order."""
    rows = await session.execute(
        select(Organization.id, Organization.name)
        .where(Organization.id.in_(ids))
        .order_by(Organization.name)
    )
    return {one_id: name for one_id, name in rows}  # noqa: C416
