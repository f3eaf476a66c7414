"""Doing a match run, a few records at a time: their pairs and the progress are one transaction, so
a run whose process died goes on where it was, nothing twice."""

import uuid
from collections import Counter
from typing import Any, Final

from anyio import sleep
from sqlalchemy import ColumnElement, String, cast, func, insert, or_, select, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from kechuangtong.accounts.actor import ANONYMOUS, OPERATOR
from kechuangtong.core.clock import now, today
from kechuangtong.core.db import Database
from kechuangtong.core.language import Text
from kechuangtong.core.trade import ListKind
from kechuangtong.inbox.service import notify
from kechuangtong.lists.queries import in_state
from kechuangtong.matching.runs.schemas import RunQuery
from kechuangtong.matching.runs.service import WAITS_OR_RUNS, record, snapshot
from kechuangtong.matching.schemas import MatchQuery
from kechuangtong.matching.service import Matcher, Pair
from kechuangtong.models import Achievement, Demand, MatchRun, MatchRunPair
from kechuangtong.models.listing import ListingState
from kechuangtong.models.match_run import MatchRunState, PairChange
from kechuangtong.models.notice import NoticeKind
from kechuangtong.search.schemas import PublicFilter

# Records a transaction, and seconds between them that are left to who waits for an answer.
CHUNK: Final = 20
_BREATH: Final = 0.005


async def waiting(database: Database) -> list[str]:
    """The runs that wait to be done, oldest first."""
    async with database.read() as session:
        found = await session.scalars(
            select(MatchRun.id).where(MatchRun.state == MatchRunState.QUEUED).order_by(MatchRun.id)
        )
        return [str(one) for one in found]


async def run(database: Database, matcher: Matcher, run_id: uuid.UUID) -> MatchRun:
    """Do a run, or go on with it, to its end."""
    async with database.write() as session:
        current = await session.get_one(MatchRun, run_id, with_for_update=True)
        if current.state is MatchRunState.QUEUED:
            await _begin(session, matcher, current)
    while current.state is MatchRunState.RUNNING:
        current = await _run_chunk(database, matcher, current)
    return current


async def fail(database: Database, run_id: uuid.UUID) -> None:
    """End a run that cannot be done, for reasons that are in the log."""
    async with database.write() as session:
        current = await session.get_one(MatchRun, run_id, with_for_update=True)
        if current.state in WAITS_OR_RUNS:
            before = snapshot(current)
            current.state, current.finished_at = MatchRunState.FAILED, now()
            record(session, OPERATOR, current, "failed", before=before)


async def _begin(session: AsyncSession, matcher: Matcher, current: MatchRun) -> None:
    """Settle what is matched and what it is compared with: both stay, whatever comes meanwhile."""
    current.state, current.started_at = MatchRunState.RUNNING, now()
    current.ranker, current.engine = matcher.ranker.version, matcher.index.engine
    current.previous_id = await session.scalar(
        select(MatchRun.id)
        .where(
            MatchRun.organization_id.is_not_distinct_from(current.organization_id),
            MatchRun.query_hash == current.query_hash,
            MatchRun.state == MatchRunState.DONE,
        )
        .order_by(MatchRun.finished_at.desc(), MatchRun.id.desc())
        .limit(1)
    )
    model = _model(current)
    everything = union(
        select(model.id).where(*_matched(current)),
        select(MatchRunPair.record_id).where(*_found_before(current)),
    )
    current.total = await session.scalar(select(func.count()).select_from(everything.subquery()))


def _model(current: MatchRun) -> type[Achievement] | type[Demand]:
    return Achievement if current.kind is ListKind.ACHIEVEMENT else Demand


def _matched(current: MatchRun) -> list[ColumnElement[bool]]:
    """The records that are matched: what was published when the run began."""
    model: Any = _model(current)
    assert current.started_at is not None
    conditions = [
        in_state(model, ListingState.PUBLISHED),
        model.published_at <= current.started_at,
        *_chosen(model, RunQuery.model_validate(current.query).filter),
    ]
    if current.organization_id is not None:
        conditions.append(model.organization_id == current.organization_id)
    return conditions


def _chosen(model: Any, wanted: PublicFilter) -> list[ColumnElement[bool]]:  # noqa: ANN401
    """A filter's conditions, as the index has them."""
    stage = Achievement.stage if model is Achievement else Demand.required_stage
    columns = (
        (model.field, wanted.field),
        (stage, wanted.stage),
        (model.place, wanted.place),
        (model.organization_id, wanted.organization_id),
    )
    conditions = [column.in_(values) for column, values in columns if values]
    if wanted.cooperation:
        listed = cast(model.cooperation, String)
        conditions.append(or_(*(listed.contains(f'"{way.value}"') for way in wanted.cooperation)))
    return conditions


def _found_before(current: MatchRun) -> tuple[ColumnElement[bool], ...]:
    """The pairs of the run before."""
    return MatchRunPair.run_id == current.previous_id, MatchRunPair.change != PairChange.GONE


async def _run_chunk(database: Database, matcher: Matcher, current: MatchRun) -> MatchRun:
    """Match the next records; where there are none any more, the run is done."""
    model = _model(current)
    async with database.read() as session:
        matched = await session.scalars(
            select(model.id)
            .where(*_matched(current), model.id > current.reached)
            .order_by(model.id)
            .limit(CHUNK)
        )
        public = set(matched)
        stood = await session.scalars(
            select(MatchRunPair.record_id)
            .where(*_found_before(current), MatchRunPair.record_id > current.reached)
            .distinct()
            .order_by(MatchRunPair.record_id)
            .limit(CHUNK)
        )
        ids = sorted(public | set(stood))[:CHUNK]
        pairs = await session.scalars(
            select(MatchRunPair).where(*_found_before(current), MatchRunPair.record_id.in_(ids))
        )
        before = {(one.record_id, one.other_id): one for one in pairs}
    rows: list[dict[str, Any]] = []
    degraded: Text | None = None
    for record_id in ids:
        if record_id in public:
            found, why = await _best(database, matcher, current, record_id)
            rows += [row_of(current, pair, before) for pair in found]
            degraded = degraded or why
            await sleep(_BREATH)
    rows += [_gone(current, one) for one in before.values()]
    async with database.write() as session:
        stored = await session.get_one(MatchRun, current.id, with_for_update=True)
        if stored.state is not MatchRunState.RUNNING or stored.reached != current.reached:
            return stored  # cancelled, or another process, which took this one for dead, was here
        if rows:
            await session.execute(insert(MatchRunPair), rows)
        stored.counts = counted(stored.counts, rows)
        if degraded is not None and stored.degraded_zh is None:
            stored.degraded_zh, stored.degraded_en = degraded
        if ids:
            stored.reached, stored.done = ids[-1], stored.done + len(ids)
        if len(ids) < CHUNK:
            await _finish(session, stored)
        return stored


async def _best(
    database: Database, matcher: Matcher, current: MatchRun, record_id: uuid.UUID
) -> tuple[list[Pair], Text | None]:
    """What fits a record best, as anyone may see it."""
    query = RunQuery.model_validate(current.query)
    wanted = MatchQuery(limit=query.per_record, min_grade=query.min_grade, **dict(query.against))
    model: Any = _model(current)
    async with database.read() as session:
        record = await session.get(model, record_id, options=[joinedload(model.organization)])
        if record is None or record.state is not ListingState.PUBLISHED:
            return [], None  # withdrawn at this moment
        ranking, pairs = await matcher.best(session, ANONYMOUS, record, wanted)
    return pairs, ranking.degraded


def row_of(
    current: MatchRun, pair: Pair, before: dict[tuple[uuid.UUID, uuid.UUID], MatchRunPair]
) -> dict[str, Any]:
    """A pair as it is stored; it is taken out of what the run before had found."""
    record, other = pair.achievement, pair.demand
    if current.kind is ListKind.DEMAND:
        record, other = other, record  # type: ignore[assignment]
    was = before.pop((record.id, other.id), None)
    return {
        "run_id": current.id,
        "record_id": record.id,
        "other_id": other.id,
        "change": PairChange.NEW if was is None else PairChange.KEPT,
        "score": round(pair.judgement.score, 4),
        "grade": pair.judgement.grade,
        "grade_before": None if was is None else was.grade,
        "record_version": record.version,
        "other_version": other.version,
        "reasons": [
            {"for": speaks_for, "code": code, "zh": text.zh, "en": text.en, "data": data}
            for speaks_for, code, text, data in pair.facts
        ],
    }


def _gone(current: MatchRun, was: MatchRunPair) -> dict[str, Any]:
    """A pair of the run before that is none any more, as it was."""
    return {
        "run_id": current.id,
        "record_id": was.record_id,
        "other_id": was.other_id,
        "change": PairChange.GONE,
        "score": was.score,
        "grade": was.grade,
        "grade_before": None,
        "record_version": was.record_version,
        "other_version": was.other_version,
        "reasons": was.reasons,
    }


def counted(counts: dict[str, int], rows: list[dict[str, Any]]) -> dict[str, int]:
    """A run's counts with these pairs."""
    more = Counter(row["change"].value for row in rows)
    found = [row for row in rows if row["change"] is not PairChange.GONE]
    more.update(f"grade_{row['grade']}" for row in found)
    more["regraded"] = sum(row["grade_before"] not in (None, row["grade"]) for row in found)
    return {name: number + more[name] for name, number in counts.items()}


async def _finish(session: AsyncSession, current: MatchRun) -> None:
    before = snapshot(current)
    current.state, current.finished_at = MatchRunState.DONE, now()
    current.total = current.done  # some may have been withdrawn meanwhile
    record(session, OPERATOR, current, "done", before=before)
    if current.organization_id is not None:
        await notify(
            session,
            current.organization_id,
            NoticeKind.MATCH_RUN_DONE,
            subject_kind="match_run",
            subject_id=current.id,
            title=f"{today():%Y-%m-%d}",
            key=f"match run {current.id}",
            by_mail=False,  # who began it looks for it
            count=current.counts[PairChange.NEW],
            gone=current.counts[PairChange.GONE],
        )
