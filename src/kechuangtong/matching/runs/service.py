"""Match runs (批量匹配): begun, watched, cancelled; `work` does them, `pairs` reads them."""

import hashlib
import json
import uuid
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import now
from kechuangtong.core.db import hold, new_id
from kechuangtong.core.errors import Conflict, Forbidden, NotFound
from kechuangtong.core.language import Text
from kechuangtong.core.paging import Page, decode_id
from kechuangtong.events import log
from kechuangtong.matching.runs.schemas import (
    MatchRunCreate,
    MatchRunRead,
    RunCounts,
    RunFailure,
    RunListQuery,
    RunQuery,
)
from kechuangtong.models import MatchRun
from kechuangtong.models.match_run import MatchRunState
from kechuangtong.organizations.service import acting_organization

# Runs of an owner that wait or run; runs of one question that are kept.
UNFINISHED: Final = 5
KEPT: Final = 10

WAITS_OR_RUNS: Final = (MatchRunState.QUEUED, MatchRunState.RUNNING)
ENDED: Final = frozenset(MatchRunState) - set(WAITS_OR_RUNS)

_UNEXPECTED: Final = Text(
    "批量匹配因内部错误中止，已有的结果保留；请联系管理员。",
    "The run ended by an internal error; what it found until then is kept.",
)


class TooManyRuns(Conflict):
    code = "too_many_match_runs"
    text = Text(
        "已有 {limit} 个批量匹配在等待或进行，请等其完成或取消。",
        "{limit} runs wait or run already: let one end, or cancel it.",
    )
    place = ("body",)


class MatchRunEnded(Conflict):
    code = "match_run_ended"
    text = Text("批量匹配已结束（{state}）。", "The match run has ended ({state}).")


async def start(session: AsyncSession, actor: Actor, body: MatchRunCreate) -> MatchRun:
    """Begin a run over an organization's published records, or an administrator's over the whole
    list. Raises OrganizationUnnamed, OrganizationUnknown, Forbidden, TooManyRuns."""
    owner = None
    if body.organization_id is not None or not actor.administrator:
        organization = await acting_organization(
            session, actor, Permission.MATCH_RUNS_WRITE, body.organization_id
        )
        owner = organization.id
    await hold(session, f"match runs {owner}")  # until this one is counted
    unfinished = select(func.count()).where(
        MatchRun.organization_id.is_not_distinct_from(owner), MatchRun.state.in_(WAITS_OR_RUNS)
    )
    if (await session.scalar(unfinished) or 0) >= UNFINISHED:
        raise TooManyRuns(limit=UNFINISHED)
    run = new_run(actor, owner, body)
    session.add(run)
    await session.flush()  # the event shows it as it is stored
    record(session, actor, run, "created", before=None)
    return run


def new_run(
    actor: Actor,
    organization_id: uuid.UUID | None,
    body: MatchRunCreate,
    run_id: uuid.UUID | None = None,
) -> MatchRun:
    """A run that waits to be done."""
    query = body.model_dump(mode="json", include=set(RunQuery.model_fields), exclude_defaults=True)
    for chosen in (query.get("filter", {}), query.get("against", {})):
        chosen |= {name: sorted(set(values)) for name, values in chosen.items()}
    question = json.dumps([body.kind, query], sort_keys=True)
    return MatchRun(
        id=run_id or new_id(),
        organization_id=organization_id,
        user_id=actor.id,
        key_id=actor.key_id,
        kind=body.kind,
        query=query,
        query_hash=hashlib.sha256(question.encode()).hexdigest(),
        counts=RunCounts().model_dump(),
    )


async def get(
    session: AsyncSession, actor: Actor, run_id: uuid.UUID, *, to_change: bool = False
) -> MatchRun:
    """A run of one's own organizations. Raises NotFound, and Forbidden where the actor may see it
    and not change it."""
    statement = select(MatchRun).where(MatchRun.id == run_id, _visible_to(actor))
    run = await session.scalar(statement.with_for_update() if to_change else statement)
    if run is None:
        raise NotFound
    if to_change and not may_change(actor, run):
        raise Forbidden
    return run


def _visible_to(actor: Actor) -> ColumnElement[bool]:
    if actor.sees_all:
        return true()
    return MatchRun.organization_id.in_(actor.organization_ids)


def may_change(actor: Actor, run: MatchRun) -> bool:
    """Whether a run that the actor sees is the actor's to cancel."""
    owner = run.organization_id
    if owner is None:
        return actor.administrator
    return actor.may(Permission.MATCH_RUNS_WRITE, owner)


async def page(session: AsyncSession, actor: Actor, query: RunListQuery) -> Page[MatchRunRead]:
    """One page of the runs that the actor may see, newest first."""
    statement = (
        select(MatchRun)
        .where(_visible_to(actor))
        .order_by(MatchRun.id.desc())
        .limit(query.limit + 1)
    )
    if query.state is not None:
        statement = statement.where(MatchRun.state == query.state)
    if query.cursor is not None:
        statement = statement.where(MatchRun.id < decode_id(query.cursor))
    rows = (await session.scalars(statement)).all()
    return Page[MatchRunRead].of(rows, query.limit, lambda row: [str(row.id)], show)


async def cancel(session: AsyncSession, actor: Actor, run_id: uuid.UUID) -> MatchRun:
    """Match no more of a run; the pairs found until then stay. Raises NotFound, Forbidden,
    MatchRunEnded."""
    run = await get(session, actor, run_id, to_change=True)
    if run.state not in WAITS_OR_RUNS:
        raise MatchRunEnded(state=run.state.value)
    before = snapshot(run)
    run.state, run.finished_at = MatchRunState.CANCELLED, now()
    record(session, actor, run, "cancelled", before=before)
    return run


def superseded() -> Select[uuid.UUID]:
    """Runs that have ended and were followed by ten of the same question."""
    place = func.row_number().over(
        partition_by=(MatchRun.organization_id, MatchRun.query_hash), order_by=MatchRun.id.desc()
    )
    ended = (
        select(MatchRun.id, place.label("place"))
        .where(MatchRun.state.not_in(WAITS_OR_RUNS))
        .subquery()
    )
    return select(ended.c.id).where(ended.c.place > KEPT)


def show(run: MatchRun) -> MatchRunRead:
    """A run as it is shown."""
    failed = run.state is MatchRunState.FAILED
    degraded = Text(run.degraded_zh or "", run.degraded_en or "")
    return MatchRunRead(
        **run.query,
        id=run.id,
        kind=run.kind,
        organization_id=run.organization_id,
        state=run.state,
        total=run.total,
        done=run.done,
        counts=RunCounts(**run.counts),
        previous_id=run.previous_id,
        ranker=run.ranker,
        engine=run.engine,
        degraded=str(degraded) or None,
        failure=RunFailure(code="internal_error", message=str(_UNEXPECTED)) if failed else None,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )


def snapshot(run: MatchRun) -> dict[str, Any]:
    """A run as the log keeps it."""
    return show(run).model_dump(mode="json", exclude={"failure", "degraded"})


def record(
    session: AsyncSession, actor: Actor, run: MatchRun, what: str, *, before: dict[str, Any] | None
) -> None:
    """Note what was done with a run, or what it has done."""
    log.record(
        session,
        actor,
        f"match_run.{what}",
        subject_kind="match_run",
        subject_id=run.id,
        before=before,
        after=snapshot(run),
    )
