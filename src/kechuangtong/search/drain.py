"""Bringing marked records to the index: words at once, vectors in time.

Any number of processes drain. One that works on a record holds its mark, so that no other
overtakes it; one that dies lets go of it in time. A mark goes only when the index has committed
what it asked for, and only at the revision that was read: a process killed at any moment, or a
change meanwhile, leaves the mark to be done again.
"""

import asyncio
import os
import threading
import uuid
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import anyio
import structlog
from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, tuple_, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from kechuangtong.core.clock import now
from kechuangtong.core.db import Database, hold, new_id, upsert
from kechuangtong.core.trade import IndexKind
from kechuangtong.matching import store
from kechuangtong.matching.embedding import (
    ROLE,
    Embedder,
    EmbeddingFailed,
    EmbeddingRefused,
    Vector,
)
from kechuangtong.matching.profiles import Profile, text_hash
from kechuangtong.models import Achievement, Demand, IndexMark, IndexRebuild, Instrument
from kechuangtong.models.indexing import Part
from kechuangtong.models.instrument import InstrumentState
from kechuangtong.models.listing import ListingState
from kechuangtong.search.documents import document
from kechuangtong.search.marks import mark
from kechuangtong.search.port import EngineFailed, IndexWriter

log = structlog.get_logger()

WORDS_BATCH: Final = 500
_PAGE: Final = 2_000
VECTORS_BATCH: Final = 32
# How long a mark is held without a sign of life, so how long a killed process delays its records.
CLAIM: Final = timedelta(seconds=30)
# A record that fails is tried so often, with pauses of 2, 4, 8, 16 seconds, and then set aside.
ATTEMPTS: Final = 5
# Whoever ends a rebuild, or lets go of marks, does so alone.
REBUILDING: Final = "index rebuild"
# Failures of what the work stands on: no record is the worse for them.
_NOT_THE_RECORDS: Final = (
    EngineFailed,
    EmbeddingFailed,
    OperationalError,
    InterfaceError,
    PoolExhausted,
)

T = TypeVar("T")
Indexed = Achievement | Demand | Instrument

MODELS: Final[dict[IndexKind, type[Indexed]]] = {
    IndexKind.ACHIEVEMENT: Achievement,
    IndexKind.DEMAND: Demand,
    IndexKind.INSTRUMENT: Instrument,
}


async def backlog(database: Database, *parts: Part) -> int:
    """How many records wait for these parts of theirs to reach the index; not those set aside."""
    async with database.read() as session:
        count = await session.scalar(
            select(func.count())
            .select_from(IndexMark)
            .where(
                IndexMark.part.in_([*parts, *([Part.BUILT] if Part.WORDS in parts else [])]),
                IndexMark.due_at.is_not(None),
            )
        )
    return count or 0


def free(part: Part) -> tuple[ColumnElement[bool], ...]:
    """Marks of a part that may be worked on now."""
    at = now()
    held = IndexMark.claimed_until
    return IndexMark.part == part, IndexMark.due_at <= at, or_(held.is_(None), held <= at)


def waiting(part: Part) -> ColumnElement[bool]:
    """Whether there are marks of a part that may be worked on now."""
    return exists().where(*free(part))


@dataclass(frozen=True, slots=True)
class Claim:
    """Marks of one kind and part that this process holds, and the last rebuild before them."""

    marks: Sequence[IndexMark]
    rebuilt: uuid.UUID | None
    holder: uuid.UUID

    @property
    def kind(self) -> IndexKind:
        return self.marks[0].kind

    @property
    def ids(self) -> list[uuid.UUID]:
        return [one.record_id for one in self.marks]

    @property
    def where(self) -> ColumnElement[bool]:
        """Those of these marks that are still held, changed or not."""
        return and_(
            IndexMark.kind == self.kind,
            IndexMark.record_id.in_(self.ids),
            IndexMark.claimed_by == self.holder,
        )

    @property
    def as_read(self) -> ColumnElement[bool]:
        """Those of these marks that are still held and were not raised since they were read."""
        read = [(one.record_id, one.revision) for one in self.marks]
        pair = tuple_(IndexMark.record_id, IndexMark.revision)
        return and_(self.where, pair.in_(read))

    def halves(self) -> "list[Claim]":
        """The claim in two."""
        middle = len(self.marks) // 2
        return [replace(self, marks=part) for part in (self.marks[:middle], self.marks[middle:])]


class Drain:
    """Drains marks into an index.

    `model` names the vectors that the index holds; `embedder` computes more of them, if it can.
    """

    def __init__(
        self,
        database: Database,
        writer: IndexWriter,
        model: str | None,
        embedder: Embedder | None,
        *,
        background: bool = False,
    ) -> None:
        self.database = database
        self.writer = writer
        self.model = model
        self.embedder = embedder if embedder is not None and embedder.model == model else None
        # One thread, since a writer is used by one; where a process also serves people, of low
        # priority, since they come first.
        self._thread = ThreadPoolExecutor(
            1, "index-writer", initializer=_lower_priority if background else None
        )

    async def close(self) -> None:
        """Let go of the writer and its thread."""
        await self.run(self.writer.close)
        self._thread.shutdown()

    async def words(self) -> int:
        """Bring up to one batch of marked records to the index by their words; how many."""
        return await self._batch(Part.WORDS, WORDS_BATCH, self._words)

    async def vectors(self) -> int:
        """Compute the vectors of up to one batch of marked records; how many were marked."""
        if self.embedder is None:
            return 0
        return await self._batch(Part.VECTORS, VECTORS_BATCH, self._vectors)

    async def put(self, kind: IndexKind, ids: Sequence[uuid.UUID]) -> None:
        """Put published records into the index, with the vectors that are kept; records that it
        will not take are set aside."""
        try:
            await self._put_published(kind, ids)
        except Exception as error:
            if not _is_of_the_records(error):
                raise
            if len(ids) > 1:
                middle = len(ids) // 2
                await self.put(kind, ids[:middle])
                await self.put(kind, ids[middle:])
            else:
                await self._set_aside(kind, ids[0], error)

    async def _put_published(self, kind: IndexKind, ids: Sequence[uuid.UUID]) -> None:
        records = await published(self.database, kind, ids)
        profiles = await self._profiles(records)
        await self._put(kind, records, profiles)
        await self.commit()
        async with self.database.write() as session:
            await store.replace_profiles(session, kind, profiles, [])

    async def _set_aside(self, kind: IndexKind, record_id: uuid.UUID, error: Exception) -> None:
        log.warning("record set aside", kind=kind, id=str(record_id), error=str(error)[:500])
        values = {"kind": kind, "record_id": record_id, "part": Part.WORDS, "revision": 1}
        aside = {"attempts": ATTEMPTS, "due_at": None, "problem": _told(error)}
        async with self.database.write() as session:
            await upsert(
                session,
                IndexMark.__table__,  # type: ignore[arg-type]
                [{**values, "marked_at": now(), **aside}],
                keys=["kind", "record_id"],
            )

    async def commit(self) -> None:
        """Return when what was put is durable and visible."""
        await self.run(self.writer.commit)

    async def run(self, function: Callable[[], T]) -> T:
        """What the writer's thread makes of a function."""
        future = self._thread.submit(function)
        return await anyio.to_thread.run_sync(future.result, abandon_on_cancel=True)

    async def _batch(self, part: Part, limit: int, work: Callable[[Claim], Any]) -> int:
        claims = await self._claim(part, limit)
        try:
            async with renewing(lambda: self._hold_until(claims, now() + CLAIM)):
                for claim in claims:
                    await self._attempt(claim, work)
        except BaseException:
            await self._hold_until(claims, None)
            raise
        return sum(len(claim.marks) for claim in claims)

    async def _attempt(self, claim: Claim, work: Callable[[Claim], Any]) -> None:
        """Do the work; where records spoil it, those that do are put off, the others done."""
        try:
            await work(claim)
        except Exception as error:
            if not _is_of_the_records(error):
                raise
            if len(claim.marks) > 1:
                for half in claim.halves():
                    await self._attempt(half, work)
            else:
                await self._put_off(claim, error)

    async def _claim(self, part: Part, limit: int) -> list[Claim]:
        """Hold the marks that have waited longest, by kind."""
        async with self.database.write() as session:
            found = await session.scalars(
                select(IndexMark)
                .where(*free(part))
                .order_by(IndexMark.marked_at, IndexMark.record_id)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            marks = found.all()
            holder = new_id()
            for one in marks:
                one.claimed_by, one.claimed_until = holder, now() + CLAIM
            rebuilt = await last_rebuild(session)
        by_kind = [[one for one in marks if one.kind is kind] for kind in IndexKind]
        return [Claim(of_kind, rebuilt, holder) for of_kind in by_kind if of_kind]

    async def _words(self, claim: Claim) -> None:
        records = await published(self.database, claim.kind, claim.ids)
        shown = {one.id for one in records}
        gone = [one for one in claim.ids if one not in shown]
        profiles = await self._profiles(records)
        await self._put(claim.kind, records, profiles)
        await self.run(lambda: self.writer.delete(claim.kind, [str(one) for one in gone]))
        await self.commit()
        hashes = {h for one in profiles.values() for h in (one.title_hash, one.text_hash)}
        kept = await self._kept(claim.kind, hashes) if self.embedder is not None else {}
        missing = [
            record_id
            for record_id, one in profiles.items()
            if self.embedder is not None and not {one.title_hash, one.text_hash} <= kept.keys()
        ]
        async with self.database.write() as session:
            await store.replace_profiles(session, claim.kind, profiles, gone)
            await self._done(session, claim, without_vectors=missing)

    async def _vectors(self, claim: Claim) -> None:
        assert self.embedder is not None
        records = await published(self.database, claim.kind, claim.ids)
        inputs = {one.id: store.inputs(one) for one in records}
        texts = {text_hash(text): text for one in inputs.values() for text in (one.title, one.text)}
        vectors = await self.compute(claim.kind, texts, self.embedder)
        ready = [(str(one), vectors[text_hash(texts.text)]) for one, texts in inputs.items()]

        def write() -> None:
            self.writer.put_vectors(claim.kind, ready)
            self.writer.commit()

        await self.run(write)
        async with self.database.write() as session:
            await self._done(session, claim)

    async def compute(
        self, kind: IndexKind, texts: Mapping[str, str], embedder: Embedder
    ) -> dict[str, Vector]:
        """The vectors of texts by their hash, those never computed before now computed and kept."""
        async with self.database.read() as session:
            vectors = await store.vectors(session, embedder.model, ROLE[kind], set(texts))
        missing = {one: text for one, text in texts.items() if one not in vectors}
        if missing:
            rows = await self.run(lambda: embedder.embed(ROLE[kind], list(missing.values())))
            computed: dict[str, Vector] = dict(zip(missing, rows, strict=True))
            async with self.database.write() as session:
                await store.keep_vectors(session, embedder.model, ROLE[kind], computed)
            vectors |= computed
        return vectors

    async def _put(
        self, kind: IndexKind, records: Sequence[Indexed], profiles: Mapping[uuid.UUID, Profile]
    ) -> None:
        kept = await self._kept(kind, [one.text_hash for one in profiles.values()])
        known = [
            (str(record_id), kept[one.text_hash])
            for record_id, one in profiles.items()
            if one.text_hash in kept
        ]

        def put() -> None:
            self.writer.put([document(one) for one in records])
            self.writer.put_vectors(kind, known)

        await self.run(put)

    async def _profiles(self, records: Iterable[Indexed]) -> dict[uuid.UUID, Profile]:
        return await self.run(lambda: {one.id: store.profile(one) for one in records})

    async def _kept(self, kind: IndexKind, hashes: Iterable[str]) -> dict[str, Vector]:
        if self.model is None:
            return {}
        async with self.database.read() as session:
            return await store.vectors(session, self.model, ROLE[kind], set(hashes))

    async def _done(
        self, session: AsyncSession, claim: Claim, without_vectors: Collection[uuid.UUID] = ()
    ) -> None:
        """Let go of marks whose work the index has committed; some still want their vectors.

        While an index is built beside the live one they are kept for it. Where that took the
        live one's place since the marks were read, which of the two has the work is not known.
        Records whose marks others have taken meanwhile are done again, since they may have been
        overtaken.
        """
        await hold(session, REBUILDING)
        held = await _lock(session, claim)
        await mark(session, claim.kind, set(claim.ids) - set(held))
        if await last_rebuild(session) == claim.rebuilt:
            if await rebuilding(session):
                await session.execute(
                    update(IndexMark).where(claim.as_read).values(part=Part.REPLAY)
                )
            else:
                wanting = IndexMark.record_id.in_(without_vectors)
                await session.execute(
                    update(IndexMark)
                    .where(claim.as_read, wanting)
                    .values(part=Part.VECTORS, marked_at=now())
                )
                await session.execute(delete(IndexMark).where(claim.as_read, ~wanting))
        await session.execute(update(IndexMark).where(claim.where).values(claimed_until=None))

    async def _hold_until(self, claims: Sequence[Claim], until: datetime | None) -> None:
        async with self.database.write() as session:
            for claim in claims:
                await _lock(session, claim)
                await session.execute(
                    update(IndexMark).where(claim.where).values(claimed_until=until)
                )

    async def _put_off(self, claim: Claim, error: Exception) -> None:
        (mark,) = claim.marks
        attempts = mark.attempts + 1
        last = attempts >= ATTEMPTS
        log.warning(
            "record set aside" if last else "record not indexed",
            kind=mark.kind,
            id=str(mark.record_id),
            attempts=attempts,
            error=str(error)[:500],
        )
        async with self.database.write() as session:
            await session.execute(
                update(IndexMark)
                .where(claim.as_read)
                .values(
                    attempts=attempts,
                    due_at=None if last else now() + timedelta(seconds=2**attempts),
                    problem=_told(error),
                )
            )
            await session.execute(update(IndexMark).where(claim.where).values(claimed_until=None))


async def _lock(session: AsyncSession, claim: Claim) -> Sequence[uuid.UUID]:
    """Lock the marks that are still held, in the order in which marks are written; their ids."""
    held = await session.scalars(
        select(IndexMark.record_id)
        .where(claim.where)
        .order_by(IndexMark.record_id)
        .with_for_update()
    )
    return held.all()


def _is_of_the_records(error: Exception) -> bool:
    """Whether a failure lies in the records, not in what the work stands on."""
    return isinstance(error, EmbeddingRefused) or not isinstance(error, _NOT_THE_RECORDS)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


@asynccontextmanager
async def renewing(renew: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Renew what this process holds for as long as its work lasts."""

    async def again() -> None:
        while True:
            await asyncio.sleep(CLAIM.total_seconds() / 3)
            with suppress(InterfaceError, OperationalError):  # tried again in time, or too late
                await renew()

    task = asyncio.create_task(again())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def is_published(model: type[Indexed]) -> ColumnElement[bool]:
    """What the index holds: a published record, also one that is past its date."""
    if issubclass(model, Instrument):
        return model.state == InstrumentState.PUBLISHED
    return model.stored_state == ListingState.PUBLISHED


async def published(database: Database, kind: IndexKind, ids: Sequence[uuid.UUID]) -> list[Indexed]:
    """Those of some records that are published, with their organizations."""
    model = MODELS[kind]
    async with database.read() as session:
        found: Iterable[Indexed] = await session.scalars(
            select(model)
            .where(model.id.in_(ids), is_published(model))
            .options(joinedload(model.organization))
        )
        return list(found)


async def published_ids(database: Database, kind: IndexKind) -> AsyncIterator[list[uuid.UUID]]:
    """The ids of all published records of a kind, some hundreds at a time."""
    model = MODELS[kind]
    after = uuid.UUID(int=0)
    while True:
        statement = (
            select(model.id)
            .where(is_published(model), model.id > after)
            .order_by(model.id)
            .limit(_PAGE)
        )
        async with database.read() as session:
            ids = list(await session.scalars(statement))
        if not ids:
            return
        after = ids[-1]
        yield ids


async def last_rebuild(session: AsyncSession) -> uuid.UUID | None:
    """The rebuild that made the live index."""
    return await session.scalar(
        select(IndexRebuild.id)
        .where(IndexRebuild.finished_at.is_not(None))
        .order_by(IndexRebuild.finished_at.desc(), IndexRebuild.id.desc())
        .limit(1)
    )


async def rebuilding(session: AsyncSession) -> bool:
    """Whether a process builds an index beside the live one."""
    return bool(
        await session.scalar(
            select(func.count())
            .select_from(IndexRebuild)
            .where(IndexRebuild.finished_at.is_(None), IndexRebuild.claimed_until > now())
        )
    )


def _lower_priority() -> None:
    with suppress(OSError):  # threads have priorities of their own on Linux alone
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
