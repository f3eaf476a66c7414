"""Who writes the index, and how others wait for it.

On the embedded engine one process at a time holds the lock and writes. `serve` holds it for as
long as it runs; a command takes it for its own work where it is free, and else leaves marks (or
the wish for a rebuild) in the database and waits until the holder has done them.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from sqlalchemy import select, update

from kechuangtong.core.clock import now
from kechuangtong.core.db import Database, new_id
from kechuangtong.matching.embedding import Embedder
from kechuangtong.models import IndexRebuild
from kechuangtong.models.indexing import Part
from kechuangtong.models.listing import ListingState
from kechuangtong.runtime import Runtime
from kechuangtong.search.drain import MODELS, Drain, backlog
from kechuangtong.search.embedded import EmbeddedWriter, WriterBusy, WriterLock
from kechuangtong.search.marks import mark
from kechuangtong.settings import Settings

log = structlog.get_logger()

Progress = Callable[[int, int], None]

_PAUSE = 0.2
_RETRY = 2.0
_REBUILD_BATCH = 500


class IndexBehind(RuntimeError):
    """The process that writes the index did not catch up in time; nothing is lost."""


@asynccontextmanager
async def writing(
    settings: Settings,
    database: Database,
    embedder: Embedder | None,
    *,
    background: bool = False,
) -> AsyncIterator["Indexer"]:
    """Hold the index's lock and write; an index that does not fit is built anew first.

    Raises WriterBusy where another process holds the lock.
    """
    lock = await asyncio.to_thread(WriterLock, settings.index_dir)
    try:
        indexer = Indexer(settings, database, embedder, background=background)
        try:
            await indexer.open()
            yield indexer
        finally:
            await indexer.close()
    finally:
        lock.release()


class Indexer:
    """The index's writer while the lock is held."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        embedder: Embedder | None,
        *,
        background: bool,
    ) -> None:
        self._background = background
        self._root = settings.index_dir
        self._database = database
        self._embedder = embedder
        self._model = embedder.model if embedder else None
        self._drain: Drain | None = None

    def _draining(self, writer: EmbeddedWriter) -> Drain:
        return Drain(self._database, writer, self._embedder, background=self._background)

    async def open(self) -> None:
        """Open the live index, or build one where there is none that fits."""
        writer = EmbeddedWriter.live(self._root, self._model)
        if writer is None:
            await self.rebuild()
        else:
            self._drain = self._draining(writer)

    async def close(self) -> None:
        """Let go of the index."""
        if self._drain is not None:
            await self._drain.close()

    async def step(self) -> bool:
        """Do the most urgent piece of work; False where there was none."""
        if await self._asked_to_rebuild():
            return True
        assert self._drain is not None
        return bool(await self._drain.words() or await self._drain.vectors())

    async def words(self) -> None:
        """Bring all marked records to the index by their words."""
        assert self._drain is not None
        while await self._drain.words():
            pass

    async def vectors(self, progress: Progress | None = None) -> None:
        """Compute the vectors that are missing."""
        assert self._drain is not None
        done, total = 0, await backlog(self._database, Part.VECTORS)
        while computed := await self._drain.vectors():
            done += computed
            if progress is not None:
                progress(done, total)

    async def rebuild(self, progress: Progress | None = None) -> None:
        """Build a new index beside the live one and put it in its place; searches go on.

        Vectors that are kept are not computed again; those missing are asked for.
        """
        writer = EmbeddedWriter.new(self._root, self._model)
        drain = self._draining(writer)
        try:
            done = await self._put_all(drain, progress)
        except BaseException:
            await drain.close()
            raise
        await self.close()
        self._drain = drain
        await asyncio.to_thread(writer.make_live)
        log.info("index rebuilt", records=done)

    async def _put_all(self, drain: Drain, progress: Progress | None) -> int:
        """Put every published record; how many there are."""
        done = 0
        for kind, model in MODELS.items():
            after = uuid.UUID(int=0)
            while True:
                statement = (
                    select(model.id)
                    .where(model.stored_state == ListingState.PUBLISHED, model.id > after)
                    .order_by(model.id)
                    .limit(_REBUILD_BATCH)
                )
                async with self._database.read() as session:
                    ids = list(await session.scalars(statement))
                if not ids:
                    break
                after = ids[-1]
                await drain.put(kind, ids)
                done += len(ids)
                if progress is not None:
                    progress(done, done)
        await drain.commit()
        return done

    async def _asked_to_rebuild(self) -> bool:
        async with self._database.read() as session:
            wishes = await session.scalars(
                select(IndexRebuild.id).where(IndexRebuild.finished_at.is_(None))
            )
            ids = list(wishes)
        if not ids:
            return False
        await self.rebuild()
        async with self._database.write() as session:
            await session.execute(
                update(IndexRebuild).where(IndexRebuild.id.in_(ids)).values(finished_at=now())
            )
        return True


async def keep_writing(settings: Settings, database: Database, embedder: Embedder | None) -> None:
    """Write the index until cancelled, waiting for the lock where another process has it."""
    while True:
        try:
            async with writing(settings, database, embedder, background=True) as indexer:
                while True:
                    if not await indexer.step():
                        await asyncio.sleep(_PAUSE)
        except WriterBusy:
            await asyncio.sleep(_RETRY)
        except Exception as error:
            # What failed is still marked: the next try begins from what is on disk.
            log.error("indexing failed", exc_info=error)
            await asyncio.sleep(_RETRY)


async def catch_up(
    runtime: Runtime, *, vectors: bool = False, progress: Progress | None = None
) -> None:
    """Return when all records marked so far are found by their words, and `vectors` by meaning.

    Raises IndexBehind where another process writes and makes no progress in
    `KCT_INDEX_WAIT_SECONDS`.
    """
    try:
        async with writing(runtime.settings, runtime.database, runtime.embedder) as indexer:
            await indexer.words()
            if vectors:
                await indexer.vectors(progress)
    except WriterBusy:
        parts = [Part.WORDS, Part.VECTORS] if vectors and runtime.embedder else [Part.WORDS]
        await _wait(runtime, parts, progress)


async def rebuild(runtime: Runtime, progress: Progress | None = None) -> None:
    """Build the index anew, here or in the process that writes it. Raises IndexBehind."""
    try:
        async with writing(runtime.settings, runtime.database, runtime.embedder) as indexer:
            await indexer.rebuild(progress)
            await indexer.words()
            await indexer.vectors(progress)
    except WriterBusy:
        wish = IndexRebuild(id=new_id())
        async with runtime.database.write() as session:
            session.add(wish)
        limit = time.monotonic() + runtime.settings.index_wait_seconds
        while True:
            async with runtime.database.read() as session:
                if (await session.get_one(IndexRebuild, wish.id)).finished_at is not None:
                    return
            if time.monotonic() > limit:
                raise IndexBehind(
                    "the process that writes the index has been asked to rebuild it, "
                    "and has not finished yet"
                ) from None
            await asyncio.sleep(_PAUSE)


async def mark_differences(runtime: Runtime) -> int:
    """Mark the records that the index should hold and does not, or the reverse; how many."""
    differing = 0
    for kind, model in MODELS.items():
        async with runtime.database.read() as session:
            published = set(
                await session.scalars(
                    select(model.id).where(model.stored_state == ListingState.PUBLISHED)
                )
            )
        indexed = {uuid.UUID(one) for one in await runtime.index.ids(kind)}
        async with runtime.database.write() as session:
            await mark(session, kind, published ^ indexed)
        differing += len(published ^ indexed)
    return differing


async def _wait(runtime: Runtime, parts: list[Part], progress: Progress | None) -> None:
    best = total = sum([await backlog(runtime.database, part) for part in parts])
    limit = time.monotonic() + runtime.settings.index_wait_seconds
    while left := sum([await backlog(runtime.database, part) for part in parts]):
        if left < best:
            best, limit = left, time.monotonic() + runtime.settings.index_wait_seconds
        if progress is not None:
            progress(max(total - left, 0), total)
        if time.monotonic() > limit:
            raise IndexBehind(
                f"the process that writes the index has not caught up: {left} records wait for it"
            )
        await asyncio.sleep(_PAUSE)
