"""Who writes the index, and how others wait for it.

The embedded engine has one writer at a time: `serve` holds its lock for as long as it runs; a
command takes it for its own work where it is free, and else leaves marks (or the wish for a
rebuild) in the database and waits until the holder has done them. A shared engine has any number
of writers, which hold the marks that they work on; one of them at a time rebuilds.
"""

import asyncio
import hashlib
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core import text as texts
from kechuangtong.core.clock import now
from kechuangtong.core.db import Database, hold, new_id, upsert
from kechuangtong.core.trade import IndexKind
from kechuangtong.matching import store
from kechuangtong.matching.embedding import Embedder, EmbeddingFailed
from kechuangtong.matching.profiles import FORMAT, text_hash
from kechuangtong.models import IndexMark, IndexRebuild, LiveIndex
from kechuangtong.models.indexing import Part
from kechuangtong.runtime import Runtime
from kechuangtong.search.documents import document
from kechuangtong.search.drain import (
    CLAIM,
    REBUILDING,
    VECTORS_BATCH,
    Drain,
    backlog,
    free,
    published,
    published_ids,
    rebuilding,
    renewing,
    waiting,
)
from kechuangtong.search.marks import mark
from kechuangtong.search.port import EngineFailed, IndexWriter, SearchEngine, WriterBusy

log = structlog.get_logger()

Progress = Callable[[int, int], None]

_PAUSE: Final = 0.2
_RETRY: Final = 2.0
_LONGEST_RETRY: Final = 30.0
# How often an idle writer looks whether its index is still there, in seconds.
_CHECK: Final = 5.0


class IndexBehind(RuntimeError):
    """The process that writes the index did not catch up in time; nothing is lost."""


def made_with(engine: SearchEngine) -> dict[str, Any]:
    """What an index and the profiles beside it depend on, but for the model of its vectors."""
    user_words = "\n".join(texts.user_words()).encode()
    return {
        **engine.about(),
        "words": hashlib.sha256(user_words).hexdigest()[:16],
        "profiles": FORMAT,
    }


@asynccontextmanager
async def writing(runtime: Runtime, *, background: bool = False) -> AsyncIterator["Indexer"]:
    """Write the index; one that does not fit is built anew first.

    Raises WriterBusy where another process holds the lock, EngineFailed.
    """
    with runtime.engine.lock():
        indexer = Indexer(runtime.engine, runtime.database, runtime.embedder, background)
        try:
            await indexer.open()
            yield indexer
        finally:
            await indexer.close()


class Indexer:
    """A writer of the index."""

    def __init__(
        self, engine: SearchEngine, database: Database, embedder: Embedder | None, background: bool
    ) -> None:
        self._engine = engine
        self._database = database
        self._embedder = embedder
        self._background = background
        self._wanted = embedder.model if embedder else None
        self._drain: Drain | None = None
        self._vectors_after = 0.0
        self._checked = time.monotonic()
        self._live_since: datetime | None = None

    async def open(self) -> None:
        """Open the live index, or build one where there is none that fits."""
        if not self._engine.shared:
            async with self._database.write() as session:  # held by processes that are no more
                await session.execute(update(IndexMark).values(claimed_until=None))
        while not (await self._open_live() or await self.rebuild()):  # noqa: ASYNC110
            await asyncio.sleep(_RETRY)  # another process is building it

    async def _open_live(self) -> bool:
        async with self._database.write() as session:
            # What another engine holds is no longer kept up to date.
            await session.execute(delete(LiveIndex).where(LiveIndex.engine != self._engine.name))
            live = await session.get(LiveIndex, self._engine.name)
        if live is None or live.made_with != made_with(self._engine):
            return False
        writer = await asyncio.to_thread(self._engine.live)
        if writer is None:
            return False
        if self._drain is not None:
            await self._drain.close()
        self._drain = self._draining(writer, live.model)
        self._live_since = live.live_since
        # Another model's vectors are left for ours when all of ours are there (`step`), unless
        # there are none to leave, or none to come.
        return live.model == self._wanted or None not in (live.model, self._wanted)

    def _draining(self, writer: IndexWriter, model: str | None) -> Drain:
        return Drain(self._database, writer, model, self._embedder, background=self._background)

    @property
    def drain(self) -> Drain:
        """Drains into the live index."""
        assert self._drain is not None
        return self._drain

    async def close(self) -> None:
        """Let go of the index."""
        if self._drain is not None:
            await self._drain.close()

    async def step(self) -> bool:
        """Do the most urgent piece of work; False where there was none."""
        async with self._database.read() as session:
            live_since = select(LiveIndex.live_since).where(LiveIndex.engine == self._engine.name)
            since, asked, words, vectors = (
                await session.execute(
                    select(
                        live_since.scalar_subquery(),
                        _asked_to_rebuild(),
                        waiting(Part.WORDS),
                        waiting(Part.VECTORS),
                    )
                )
            ).one()
        if since != self._live_since:
            raise EngineFailed("another index is live now")  # whoever writes opens that one
        if asked:
            return await self.rebuild()
        if words:
            await self.drain.words()
        elif time.monotonic() > self._vectors_after:
            try:
                if not (vectors and await self.drain.vectors()) and not await self._change_model():
                    await self._check()
                    return False
            except EmbeddingFailed as error:
                # Words go on without vectors.
                log.warning("no vectors at present", error=str(error))
                self._vectors_after = time.monotonic() + _LONGEST_RETRY
        else:
            await self._check()
            return False
        return True

    async def _check(self) -> None:
        """Now and then, raises EngineFailed where the live index is not there."""
        if time.monotonic() > self._checked + _CHECK:
            await self.drain.run(self.drain.writer.check)
            self._checked = time.monotonic()

    async def words(self) -> None:
        """Bring all marked records to the index by their words."""
        while await self.drain.words():
            pass

    async def vectors(self, progress: Progress | None = None) -> None:
        """Compute the vectors that are missing."""
        done, total = 0, await backlog(self._database, Part.VECTORS)
        while computed := await self.drain.vectors():
            done += computed
            if progress is not None:
                progress(done, total)
        while await self._change_model():
            pass

    async def _change_model(self) -> bool:
        """Where another model is wanted, compute a batch of its vectors while the old ones serve;
        when none is missing, build the index with them. False where there is nothing to do."""
        embedder = self._embedder
        if embedder is None or self.drain.model == embedder.model:
            return False
        for kind in IndexKind:
            async with self._database.read() as session:
                ids = await store.missing_vectors(
                    session, kind, embedder.model, limit=VECTORS_BATCH
                )
            records = await published(self._database, kind, ids)
            inputs = [store.inputs(one) for one in records]
            if inputs:
                found = {text_hash(text): text for one in inputs for text in (one.title, one.text)}
                await self.drain.compute(kind, found, embedder)
                return True
        return await self.rebuild()

    async def rebuild(self, progress: Progress | None = None) -> bool:
        """Build a new index beside the live one and put it in its place; searches go on.

        Vectors that are kept are not computed again; those missing are asked for. What changes
        meanwhile is put once more. False where another process is at it already.
        """
        holder = new_id()
        if not await self._claim_rebuild(holder):
            return False
        drain: Drain | None = None
        async with renewing(lambda: self._hold_until(holder, now() + CLAIM)):
            try:
                writer = await asyncio.to_thread(self._engine.new)
                drain = self._draining(writer, self._wanted)
                done = await self._put_all(drain, progress)
                await self._make_live(holder, drain)
            except BaseException:
                if drain is not None:
                    await drain.close()
                await self._hold_until(holder, None)
                raise
        await self.close()
        self._drain = drain
        log.info("index rebuilt", records=done)
        return True

    async def _claim_rebuild(self, holder: uuid.UUID) -> bool:
        """Take on all wishes for a rebuild; False where another process is at it."""
        async with self._database.write() as session:
            await hold(session, REBUILDING)
            wishes = (
                await session.scalars(
                    select(IndexRebuild).where(IndexRebuild.finished_at.is_(None))
                )
            ).all()
            if any(one.claimed_until is not None and one.claimed_until > now() for one in wishes):
                return False
            # Left by one that died after its index took the live one's place.
            await _replay(session)
            if not self._engine.shared or self._drain is None:
                # Nobody writes the live index meanwhile: what is marked now need not be put twice.
                await session.execute(
                    update(IndexMark)
                    .where(or_(*(and_(*free(part)) for part in (Part.WORDS, Part.VECTORS))))
                    .values(part=Part.BUILT)
                )
            granted = [*wishes] or [IndexRebuild(id=new_id())]
            session.add_all(granted)
            for one in granted:
                one.claimed_by, one.claimed_until = holder, now() + CLAIM
        return True

    async def _hold_until(self, holder: uuid.UUID, until: datetime | None) -> None:
        async with self._database.write() as session:
            await session.execute(
                update(IndexRebuild)
                .where(IndexRebuild.claimed_by == holder, IndexRebuild.finished_at.is_(None))
                .values(claimed_until=until)
            )

    async def _put_all(self, drain: Drain, progress: Progress | None) -> int:
        """Put every published record; how many there are."""
        done = 0
        for kind in IndexKind:
            async for ids in published_ids(self._database, kind):
                await drain.put(kind, ids)
                done += len(ids)
                if progress is not None:
                    progress(done, done)
        return done

    async def _make_live(self, holder: uuid.UUID, drain: Drain) -> None:
        """Put a new index in the live one's place, and mark for it what it may lack.

        Raises EngineFailed where another process has taken the rebuild over.
        """
        async with self._database.read() as session:
            if not await session.scalar(
                select(
                    exists().where(
                        IndexRebuild.claimed_by == holder, IndexRebuild.claimed_until > now()
                    )
                )
            ):
                raise EngineFailed("another process has taken the rebuild over")
        await drain.run(lambda: self._engine.make_live(drain.writer))
        async with self._database.write() as session:
            await hold(session, REBUILDING)
            await session.execute(delete(IndexMark).where(IndexMark.part == Part.BUILT))
            await _replay(session)
            await session.execute(
                update(IndexRebuild)
                .where(IndexRebuild.claimed_by == holder)
                .values(finished_at=now(), claimed_until=None)
            )
            values = {
                "made_with": made_with(self._engine),
                "model": self._wanted,
                "live_since": (since := now()),
            }
            await upsert(
                session,
                LiveIndex.__table__,  # type: ignore[arg-type]
                [{"engine": self._engine.name, **values}],
                keys=["engine"],
                update=values,
            )
            if self._wanted is not None:
                for kind in IndexKind:
                    missing = await store.missing_vectors(session, kind, self._wanted)
                    await mark(session, kind, missing, Part.VECTORS)
        self._live_since = since


async def _replay(session: AsyncSession) -> None:
    """Have put once more what was put into an index that another takes the place of, or into one
    that was not finished."""
    await session.execute(
        update(IndexMark)
        .where(IndexMark.part.in_([Part.REPLAY, Part.BUILT]))
        .values(part=Part.WORDS)
    )


def _asked_to_rebuild() -> ColumnElement[bool]:
    """Whether a rebuild is wished for that no process is at."""
    free = or_(IndexRebuild.claimed_until.is_(None), IndexRebuild.claimed_until <= now())
    return exists().where(IndexRebuild.finished_at.is_(None), free)


async def keep_writing(runtime: Runtime, stopping: asyncio.Event) -> None:
    """Write the index until `stopping`, waiting for the lock where another process has it, and
    for the engine where it fails, longer each time."""

    async def rest(seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), seconds)

    pause = _RETRY
    while not stopping.is_set():
        try:
            async with writing(runtime, background=True) as indexer:
                while not stopping.is_set():
                    if not await indexer.step():
                        await rest(_PAUSE)
                    pause = _RETRY
        except WriterBusy:
            await rest(_RETRY)
        except Exception as error:
            # What failed is still marked: the next try begins from what is on disk.
            if isinstance(error, EngineFailed):
                log.warning("the index cannot be written at present", error=str(error))
            else:
                log.error("indexing failed", exc_info=error)
            await rest(pause)
            pause = min(pause * 2, _LONGEST_RETRY)


async def catch_up(
    runtime: Runtime, *, vectors: bool = False, progress: Progress | None = None
) -> None:
    """Return when all records marked so far are found by their words, and `vectors` by meaning.

    Raises IndexBehind where another process writes and makes no progress in
    `KCT_INDEX_WAIT_SECONDS`, EngineFailed.
    """
    parts = [Part.WORDS, Part.VECTORS] if vectors and runtime.embedder else [Part.WORDS]
    with suppress(WriterBusy):
        async with writing(runtime) as indexer:
            await indexer.words()
            if vectors:
                await indexer.vectors(progress)
    await _wait(runtime, parts, progress)


async def prepare(runtime: Runtime) -> None:
    """Make what readers need; an index that had to be made is empty, for a writer to fill."""
    if await asyncio.to_thread(runtime.engine.live) is None:
        async with runtime.database.write() as session:
            await session.execute(delete(LiveIndex).where(LiveIndex.engine == runtime.engine.name))
        await asyncio.to_thread(runtime.engine.prepare)


async def rebuild(runtime: Runtime, progress: Progress | None = None) -> None:
    """Build the index anew, here or in the process that writes it. Raises IndexBehind."""
    wish = IndexRebuild(id=new_id())
    async with runtime.database.write() as session:
        session.add(wish)
    with suppress(WriterBusy):
        async with writing(runtime) as indexer:
            if not await _granted(runtime, wish.id):
                await indexer.rebuild(progress)
            await indexer.words()
            await indexer.vectors(progress)
    limit = time.monotonic() + runtime.settings.index_wait_seconds
    while not await _granted(runtime, wish.id):
        async with runtime.database.read() as session:
            if await rebuilding(session):
                limit = time.monotonic() + runtime.settings.index_wait_seconds
        if time.monotonic() > limit:
            raise IndexBehind(
                "the process that writes the index has been asked to rebuild it, "
                "and has not finished yet"
            )
        await asyncio.sleep(_PAUSE)


async def _granted(runtime: Runtime, wish: uuid.UUID) -> bool:
    async with runtime.database.read() as session:
        return (await session.get_one(IndexRebuild, wish)).finished_at is not None


async def repair(runtime: Runtime) -> int:
    """Bring to the index what it has not as the lists have it; how many records differed."""
    differing = 0
    for kind in IndexKind:
        indexed = await runtime.index.contents(kind)
        expected: dict[str, str] = {}
        async for ids in published_ids(runtime.database, kind):
            records = await published(runtime.database, kind, ids)
            expected |= {str(one.id): document(one).digest for one in records}
        ids = [
            uuid.UUID(one)
            for one in expected.keys() | indexed.keys()
            if expected.get(one) != indexed.get(one)
        ]
        async with runtime.database.write() as session:
            await mark(session, kind, ids)
        differing += len(ids)
    await catch_up(runtime)
    return differing


async def _wait(runtime: Runtime, parts: list[Part], progress: Progress | None) -> None:
    best = total = await backlog(runtime.database, *parts)
    limit = time.monotonic() + runtime.settings.index_wait_seconds
    while left := await backlog(runtime.database, *parts):
        if left < best:
            best, limit = left, time.monotonic() + runtime.settings.index_wait_seconds
        if progress is not None:
            progress(max(total - left, 0), total)
        if time.monotonic() > limit:
            raise IndexBehind(
                f"the process that writes the index has not caught up: {left} records wait for it"
            )
        await asyncio.sleep(_PAUSE)
