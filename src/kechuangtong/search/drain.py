"""Bringing marked records to the index: words at once, vectors in time.

A mark goes only when the index has committed what it asked for, and only at the revision that
was read: a process killed at any moment, or a change meanwhile, leaves the mark to be done again.
"""

import os
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import anyio
from sqlalchemy import ColumnElement, and_, delete, func, select, tuple_
from sqlalchemy.orm import joinedload

from kechuangtong.core.db import Database
from kechuangtong.core.trade import ListKind
from kechuangtong.matching import store
from kechuangtong.matching.embedding import ROLE, Embedder, Vector
from kechuangtong.matching.profiles import Profile, text_hash
from kechuangtong.models import Achievement, Demand, IndexMark
from kechuangtong.models.indexing import Part
from kechuangtong.models.listing import ListingState
from kechuangtong.search.documents import document
from kechuangtong.search.marks import mark
from kechuangtong.search.port import IndexWriter

WORDS_BATCH = 500
VECTORS_BATCH = 32

T = TypeVar("T")
Listing = Achievement | Demand

MODELS: dict[ListKind, type[Achievement] | type[Demand]] = {
    ListKind.ACHIEVEMENT: Achievement,
    ListKind.DEMAND: Demand,
}


async def backlog(database: Database, part: Part) -> int:
    """How many records wait for this part of theirs to reach the index."""
    async with database.read() as session:
        count = await session.scalar(
            select(func.count()).select_from(IndexMark).where(IndexMark.part == part)
        )
    return count or 0


class Drain:
    """Drains marks into an index; made by the process that may write it."""

    def __init__(
        self,
        database: Database,
        writer: IndexWriter,
        embedder: Embedder | None,
        *,
        background: bool = False,
    ) -> None:
        self.database = database
        self.writer = writer
        self.embedder = embedder
        # One thread, since a writer is used by one; where a process also serves people, of low
        # priority, since they come first.
        self._thread = ThreadPoolExecutor(
            1, "index-writer", initializer=_lower_priority if background else None
        )

    async def close(self) -> None:
        """Let go of the writer and its thread."""
        await self._run(self.writer.close)
        self._thread.shutdown()

    async def words(self) -> int:
        """Bring up to one batch of marked records to the index by their words; how many."""
        marks = await self._marks(Part.WORDS, WORDS_BATCH)
        for kind in ListKind:
            of_kind = [one for one in marks if one.kind is kind]
            if of_kind:
                await self._words(kind, of_kind)
        return len(marks)

    async def put(self, kind: ListKind, ids: Sequence[uuid.UUID]) -> None:
        """Put published records into the index, with the vectors that are kept; no commit."""
        published, _ = await self._records(kind, ids)
        profiles = await self._run(lambda: {one.id: store.profile(one) for one in published})
        await self._put(kind, published, profiles)
        await self._settle(kind, profiles, [], [])

    async def vectors(self) -> int:
        """Compute the vectors of up to one batch of marked records; how many were marked."""
        if self.embedder is None:
            return 0
        marks = await self._marks(Part.VECTORS, VECTORS_BATCH)
        for kind in ListKind:
            of_kind = [one for one in marks if one.kind is kind]
            if of_kind:
                await self._vectors(kind, of_kind, self.embedder)
        return len(marks)

    async def commit(self) -> None:
        """Make durable and visible what was put."""
        await self._run(self.writer.commit)

    async def _words(self, kind: ListKind, marks: Sequence[IndexMark]) -> None:
        published, gone = await self._records(kind, [one.record_id for one in marks])
        profiles = await self._run(lambda: {one.id: store.profile(one) for one in published})
        await self._put(kind, published, profiles)
        await self._run(lambda: self.writer.delete(kind, [str(one) for one in gone]))
        await self.commit()
        await self._settle(kind, profiles, gone, marks)

    async def _put(
        self, kind: ListKind, records: Sequence[Listing], profiles: Mapping[uuid.UUID, Profile]
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

        await self._run(put)

    async def _settle(
        self,
        kind: ListKind,
        profiles: Mapping[uuid.UUID, Profile],
        gone: Sequence[uuid.UUID],
        marks: Sequence[IndexMark],
    ) -> None:
        """Store the profiles, ask for the vectors that are missing, remove the marks."""
        hashes = {h for one in profiles.values() for h in (one.title_hash, one.text_hash)}
        kept = await self._kept(kind, hashes)
        missing = [
            record_id
            for record_id, one in profiles.items()
            if not {one.title_hash, one.text_hash} <= kept.keys()
        ]
        async with self.database.write() as session:
            await store.replace_profiles(session, kind, profiles, gone)
            if self.embedder is not None:
                await mark(session, kind, missing, Part.VECTORS)
            if marks:
                await session.execute(delete(IndexMark).where(_as_read(marks)))

    async def _vectors(
        self, kind: ListKind, marks: Sequence[IndexMark], embedder: Embedder
    ) -> None:
        published, _ = await self._records(kind, [one.record_id for one in marks])
        inputs = {one.id: store.inputs(one) for one in published}
        texts = {text_hash(text): text for one in inputs.values() for text in (one.title, one.text)}
        vectors = await self._kept(kind, texts)
        missing = {one: text for one, text in texts.items() if one not in vectors}
        if missing:
            rows = await self._run(lambda: embedder.embed(ROLE[kind], list(missing.values())))
            computed: dict[str, Vector] = dict(zip(missing, rows, strict=True))
            async with self.database.write() as session:
                await store.keep_vectors(session, embedder.model, ROLE[kind], computed)
            vectors |= computed
        ready = [(str(one), vectors[text_hash(texts.text)]) for one, texts in inputs.items()]

        def write() -> None:
            self.writer.put_vectors(kind, ready)
            self.writer.commit()

        await self._run(write)
        async with self.database.write() as session:
            await session.execute(delete(IndexMark).where(_as_read(marks)))

    async def _kept(self, kind: ListKind, hashes: Iterable[str]) -> dict[str, Vector]:
        if self.embedder is None:
            return {}
        async with self.database.read() as session:
            return await store.vectors(session, self.embedder.model, ROLE[kind], set(hashes))

    async def _marks(self, part: Part, limit: int) -> Sequence[IndexMark]:
        async with self.database.read() as session:
            found = await session.scalars(
                select(IndexMark)
                .where(IndexMark.part == part)
                .order_by(IndexMark.marked_at, IndexMark.record_id)
                .limit(limit)
            )
            return found.all()

    async def _records(
        self, kind: ListKind, ids: Sequence[uuid.UUID]
    ) -> tuple[list[Listing], list[uuid.UUID]]:
        """The records that are published, and the ids of those that are not or gone."""
        model = MODELS[kind]
        async with self.database.read() as session:
            found: Iterable[Listing] = await session.scalars(
                select(model)
                .where(model.id.in_(ids), model.stored_state == ListingState.PUBLISHED)
                .options(joinedload(model.organization))
            )
            published = list(found)
        shown = {one.id for one in published}
        return published, [one for one in ids if one not in shown]

    async def _run(self, function: Callable[[], T]) -> T:
        future = self._thread.submit(function)
        return await anyio.to_thread.run_sync(future.result, abandon_on_cancel=True)


def _as_read(marks: Sequence[IndexMark]) -> ColumnElement[bool]:
    """These marks of one kind and part, unless they were raised since they were read."""
    read = [(one.record_id, one.revision) for one in marks]
    return and_(
        IndexMark.kind == marks[0].kind,
        IndexMark.part == marks[0].part,
        tuple_(IndexMark.record_id, IndexMark.revision).in_(read),
    )


def _lower_priority() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
