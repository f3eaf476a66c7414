"""The pairs of a match run, as the caller may see their records now."""

import math
import tempfile
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from anyio import to_thread
from sqlalchemy import ColumnElement, and_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.achievements.service import achievements
from kechuangtong.core.db import Database
from kechuangtong.core.language import Text
from kechuangtong.core.paging import CursorInvalid, Page, decode_cursor
from kechuangtong.core.trade import ListKind
from kechuangtong.demands.service import demands
from kechuangtong.matching import explanation
from kechuangtong.matching.runs.schemas import PairFilter, PairQuery, RunPairRead
from kechuangtong.matching.runs.workbook import PairSheet
from kechuangtong.matching.service import OTHER
from kechuangtong.models import MatchRun, MatchRunPair
from kechuangtong.search.schemas import RecordFilter
from kechuangtong.search.service import load

# Pairs in memory at a time, however many there are; bytes of a file.
_AT_ONCE: Final = 500
_BLOCK: Final = 1 << 16


async def page(
    session: AsyncSession, actor: Actor, run: MatchRun, query: PairQuery
) -> Page[RunPairRead]:
    """One page of a run's pairs, best first. Raises CursorInvalid."""
    after = None if query.cursor is None else _after(query.cursor)
    rows = await _rows(session, run, query, query.limit + 1, after)
    shown = await _shown(session, actor, run, rows)
    return Page[RunPairRead].of(
        list(zip(rows, shown, strict=True)),
        query.limit,
        lambda one: [repr(one[0].score), str(one[0].record_id), str(one[0].other_id)],
        lambda one: one[1],
    )


async def ndjson(
    database: Database, actor: Actor, run: MatchRun, query: PairFilter
) -> AsyncIterator[bytes]:
    """A run's pairs as JSON lines, best first."""
    async for part in _parts(database, actor, run, query):
        yield b"".join(one.model_dump_json(by_alias=True).encode() + b"\n" for one in part)


async def xlsx(
    database: Database, actor: Actor, run: MatchRun, query: PairFilter
) -> AsyncIterator[bytes]:
    """A run's pairs as a workbook, in blocks of a file; it is made row by row on disk."""
    with tempfile.TemporaryFile() as file:
        sheet = PairSheet(file, compared=True)

        def write(pairs: Sequence[RunPairRead]) -> None:
            for one in pairs:
                sheet.write(**dict(one))

        async for part in _parts(database, actor, run, query):
            await to_thread.run_sync(write, part)
        await to_thread.run_sync(sheet.close)
        file.seek(0)
        while block := await to_thread.run_sync(file.read, _BLOCK):
            yield block


async def _parts(
    database: Database, actor: Actor, run: MatchRun, query: PairFilter
) -> AsyncIterator[list[RunPairRead]]:
    after = None
    async with database.snapshot() as session:
        while rows := await _rows(session, run, query, _AT_ONCE, after):
            yield await _shown(session, actor, run, rows)
            after = _beyond(rows[-1].score, rows[-1].record_id, rows[-1].other_id)
            session.expunge_all()


async def _rows(
    session: AsyncSession,
    run: MatchRun,
    query: PairFilter,
    limit: int,
    after: ColumnElement[bool] | None,
) -> Sequence[MatchRunPair]:
    statement = (
        select(MatchRunPair)
        .where(
            MatchRunPair.run_id == run.id,
            MatchRunPair.change.in_(query.change),
            MatchRunPair.grade >= query.min_grade,
        )
        .order_by(MatchRunPair.score.desc(), MatchRunPair.record_id, MatchRunPair.other_id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(after)
    return (await session.scalars(statement)).all()


def _beyond(score: float, record_id: uuid.UUID, other_id: uuid.UUID) -> ColumnElement[bool]:
    """What comes after a pair, in the order of scores."""
    follows = tuple_(MatchRunPair.record_id, MatchRunPair.other_id) > (record_id, other_id)
    return or_(MatchRunPair.score < score, and_(MatchRunPair.score == score, follows))


def _after(cursor: str) -> ColumnElement[bool]:
    score, record_id, other_id = decode_cursor(cursor, 3)
    try:
        number = float(score)
        if not math.isfinite(number):
            raise CursorInvalid
        return _beyond(number, uuid.UUID(record_id), uuid.UUID(other_id))
    except ValueError:
        raise CursorInvalid from None


async def _shown(
    session: AsyncSession, actor: Actor, run: MatchRun, rows: Sequence[MatchRunPair]
) -> list[RunPairRead]:
    sides = (
        (run.kind, {row.record_id for row in rows}),
        (OTHER[run.kind], {row.other_id for row in rows}),
    )
    records: dict[uuid.UUID, Any] = {}
    for kind, ids in sides:
        found = await load(session, actor, kind, list(ids), RecordFilter())
        records |= {one.id: one for one in found}
    return [_show(row, run.kind, records, actor) for row in rows]


def _show(
    row: MatchRunPair, kind: ListKind, records: dict[uuid.UUID, Any], actor: Actor
) -> RunPairRead:
    record, other = records.get(row.record_id), records.get(row.other_id)
    ids = [row.record_id, row.other_id]
    both = [record, other]
    if kind is ListKind.ACHIEVEMENT:
        ids.reverse()
        both.reverse()
    demand, achievement = both
    # The reasons quote the records as they were: what has been taken out since is told no more.
    unchanged = (
        record is not None
        and other is not None
        and (record.version, other.version) == (row.record_version, row.other_version)
    )
    facts = [
        (one["for"], one["code"], Text(one["zh"], one["en"]), one["data"]) for one in row.reasons
    ]
    return RunPairRead(
        change=row.change,
        score=row.score,
        grade=row.grade,
        grade_before=row.grade_before,
        demand_id=ids[0],
        achievement_id=ids[1],
        demand=None if demand is None else demands.show(demand, actor),
        achievement=None if achievement is None else achievements.show(achievement, actor),
        reasons=explanation.reasons(facts) if unchanged else None,
    )
