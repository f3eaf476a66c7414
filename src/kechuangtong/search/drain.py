"""The index's one writer: brings marked records to the index, words at once, vectors in time.

A mark goes only when the index has committed what it asked for, and only at the revision that
was read: a process killed at any moment, or a change meanwhile, leaves the mark to be done again.
"""

import os
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import anyio
import structlog
from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import joinedload

from kechuangtong.core.clock import now
from kechuangtong.core.db import Database
from kechuangtong.core.trade import ListKind
from kechuangtong.matching import store
from kechuangtong.matching.embedding import Embedder
from kechuangtong.models import Achievement, Demand, IndexMark, IndexRebuild
from kechuangtong.models.indexing import Part
from kechuangtong.models.listing import ListingState
from kechuangtong.search.documents import document
from kechuangtong.search.marks import mark
from kechuangtong.search.port import IndexWriter

log = structlog.get_logger()

WORDS_BATCH = 200
VECTORS_BATCH = 8
# The vector file is written whole, so it is written seldom while many vectors are on their way.
VECTORS_PER_COMMIT = 256

T = TypeVar("T")
Listing = Achievement | Demand
Progress = Callable[[int], None]

MODELS: dict[ListKind, type[Achievement] | type[Demand]] = {
    ListKind.ACHIEVEMENT: Achievement,
    ListKind.DEMAND: Demand,
}


async def backlog(database: Database, part: Part) -> int:
    """How many records wait for the index."""
    async with database.read() as session:
        count = await session.scalar(
            select(func.count()).select_from(IndexMark).where(IndexMark.part == part)
        )
    return count or 0


class Drain:
    """Drains marks into the index; made by the process that holds the index's lock."""

    def __init__(self, database: Database, writer: IndexWriter, embedder: Embedder | None) -> None:
        self.database = database
        self.writer = writer
        self.embedder = embedder
        # One thread, since a writer is used by one; of low priority, since people come first.
        self._thread = ThreadPoolExecutor(1, "index-writer", initializer=_lower_priority)

    async def close(self) -> None:
        """Let the writer's thread end."""
        await anyio.to_thread.run_sync(self._thread.shutdown)

    async def run(self, function: Callable[[], T]) -> T:
        """Run something in the writer's thread."""
        future = self._thread.submit(function)
        return await anyio.to_thread.run_sync(future.result, abandon_on_cancel=True)

    async def words(self) -> int:
        """Bring up to one batch of marked records to the index by their words; how many."""
        marks = await self._marks(Part.WORDS, WORDS_BATCH)
        if not marks:
            return 0
        published, gone = await self._records(marks)
        profiles = await self.run(lambda: {one.id: store.profile(one) for one in published})
        async with self.database.read() as session:
            known = await store.index_vectors(session, self.embedder, profiles.values())

        def write() -> None:
            self.writer.put([document(one) for one in published])
            for kind, ids in _by_kind(gone).items():
                self.writer.delete(kind, [str(one) for one in ids])
            self._put_vectors(published, profiles, known)
            self.writer.commit()

        await self.run(write)
        waiting = [one for one in published if profiles[one.id].text_hash not in known]
        async with self.database.write() as session:
            await store.replace_profiles(session, profiles.values(), gone)
            if self.embedder is not None:
                for kind, ids in _by_kind(_keys(waiting)).items():
                    await mark(session, kind, ids, Part.VECTORS)
            await session.execute(delete(IndexMark).where(_same(marks)))
        return len(marks)

    async def vectors(self) -> int:
        """Compute the vectors of up to one batch of records and bring them to the index."""
        if self.embedder is None:
            return 0
        marks = await self._marks(Part.VECTORS, VECTORS_PER_COMMIT)
        if not marks:
            return 0
        published, _ = await self._records(marks)
        profiles = {one.id: store.profile(one) for one in published}
"""
"""
