"""Durable work: what was begun is finished, also when the process dies in between.

Work runs as DBOS workflows, whose state is in a database of its own. A step works in a thread
with its own event loop and connections, so that it never holds up the API, and keeps its
progress in our tables: run again, it goes on where it was. Several processes share the work; each
says that it lives, and what one held that fell silent another goes on with.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import structlog
from anyio import to_thread
from dbos import DBOS, DBOSConfig, SetWorkflowID
from dbos import error as dbos_errors
from sqlalchemy import delete, select, update
from sqlalchemy.exc import InterfaceError, OperationalError

from kechuangtong.core.clock import now
from kechuangtong.core.db import Database, hold, new_id, upsert
from kechuangtong.imports import apart
from kechuangtong.imports import service as imports
from kechuangtong.jobs import schedules
from kechuangtong.mail import delivery
from kechuangtong.matching.router import matcher
from kechuangtong.matching.runs import work as match_runs
from kechuangtong.models import Worker
from kechuangtong.runtime import Runtime, open_runtime
from kechuangtong.search.indexing import keep_writing
from kechuangtong.search.port import EngineFailed
from kechuangtong.settings import Settings
from kechuangtong.webhooks import delivery as webhooks

log = structlog.get_logger()

# A short import may end before the process does; a longer one goes on in the next.
_STOPPING_SECONDS: Final = 5
# How often a worker looks for work that waits, and says that it lives, in seconds.
_PAUSE: Final = 0.5
_SIGN_OF_LIFE: Final = 5.0
# A worker silent for so long is dead.
_SILENCE: Final = timedelta(seconds=20)

# DBOS runs plain functions and is one a process; this is the process's settings for them, and
# whether any has run.
_settings: Settings | None = None
_has_run = False


@dataclass(frozen=True)
class Kind:
    """A kind of work. A key names one piece of it, which is begun once and then finished."""

    name: str
    at_once: int  # in a process
    # What waits, oldest first; whoever asks again before it has begun may be told again.
    waiting: Callable[[Database], Awaitable[Collection[str]]]
    # Does a piece, or goes on with it; what fails but for database and index is a mistake of ours.
    work: Callable[[Runtime, str], Awaitable[object]]
    # Ends a piece that cannot be done.
    fail: Callable[[Runtime, str], Awaitable[object]]

    @property
    def queue(self) -> str:
        return f"{self.name}s"


_KINDS: Final = (
    Kind(
        "import",
        at_once=2,
        waiting=imports.waiting,
        work=lambda runtime, key: apart.run(runtime.database, runtime.settings, uuid.UUID(key)),
        fail=lambda runtime, key: imports.fail_unexpectedly(runtime.database, uuid.UUID(key)),
    ),
    Kind(
        "match_run",
        at_once=1,
        waiting=match_runs.waiting,
        work=lambda runtime, key: match_runs.run(
            runtime.database, matcher(runtime), uuid.UUID(key)
        ),
        fail=lambda runtime, key: match_runs.fail(runtime.database, uuid.UUID(key)),
    ),
    Kind(
        "mail",
        at_once=8,
        waiting=delivery.waiting,
        work=delivery.deliver,
        fail=delivery.give_up,
    ),
    Kind(
        "schedule",
        at_once=1,
        waiting=schedules.waiting,
        work=schedules.run,
        fail=schedules.leave,
    ),
    Kind(
        "webhook",
        at_once=8,
        waiting=webhooks.waiting,
        work=webhooks.deliver,
        fail=webhooks.give_up,
    ),
)


@asynccontextmanager
async def working(runtime: Runtime) -> AsyncIterator[None]:
    """Do the background work while this is open, and write the index."""
    stopping = asyncio.Event()
    async with running_jobs(runtime.settings) as worker:
        await to_thread.run_sync(lambda: runtime.embedder)  # loaded before anyone waits for it
        tasks = [
            asyncio.create_task(keep_writing(runtime, stopping), name="indexing"),
            asyncio.create_task(_keep_starting(runtime.database, worker, stopping), name="jobs"),
        ]
        try:
            yield
        finally:
            stopping.set()
            _, unfinished = await asyncio.wait(tasks, timeout=_STOPPING_SECONDS)
            for task in unfinished:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
    async with runtime.database.write() as session:
        # What it leaves unfinished others may take at once.
        await session.execute(
            update(Worker)
            .where(Worker.id == worker)
            .values(seen_at=datetime.min.replace(tzinfo=UTC))
        )


@asynccontextmanager
async def running_jobs(settings: Settings) -> AsyncIterator[str]:
    """Run durable work while this is open; the name of this worker.

    On SQLite there is one at a time, always of the same name, which goes on with its own.
    """
    global _settings, _has_run
    _settings, _has_run = settings, False
    worker = "local" if settings.uses_sqlite else str(new_id())
    config: DBOSConfig = {
        "name": "kechuangtong",
        "system_database_url": _system_database(settings),
        "executor_id": worker,
        # Work begun by an older release is for this one to finish.
        "application_version": "1",
        "notification_listener_polling_interval_sec": 0.1,  # as long its thread takes to end
        "log_level": "WARNING",
    }
    DBOS(config=config)
    await to_thread.run_sync(_launch)
    try:
        yield worker
    finally:
        # It looks for what still runs after a second at the earliest.
        seconds = _STOPPING_SECONDS if _has_run else 0
        await to_thread.run_sync(partial(DBOS.destroy, workflow_completion_timeout_sec=seconds))


def _launch() -> None:
    DBOS.launch()
    for kind in _KINDS:
        DBOS.register_queue(
            kind.queue, worker_concurrency=kind.at_once, polling_interval_sec=_PAUSE
        )


def _system_database(settings: Settings) -> str:
    if settings.uses_sqlite:
        return f"sqlite:///{settings.data_dir / 'jobs.sqlite'}"
    return settings.resolved_database_url.replace("+psycopg", "")


async def _keep_starting(database: Database, worker: str, stopping: asyncio.Event) -> None:
    """Start work that waits, and what dead workers held, until `stopping`."""
    signed = 0.0
    enqueued: dict[str, set[str]] = {kind.name: set() for kind in _KINDS}
    while not stopping.is_set():
        try:
            if time.monotonic() > signed + _SIGN_OF_LIFE:
                await _take_over(database, worker)
                signed = time.monotonic()
            for kind in _KINDS:
                waiting = await kind.waiting(database)
                new = [key for key in waiting if key not in enqueued[kind.name]]
                if new:
                    await to_thread.run_sync(_enqueue, kind, new)
                enqueued[kind.name] = set(waiting)
        except Exception as error:
            log.error("work cannot be started at present", exc_info=error)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _PAUSE)


async def _take_over(database: Database, worker: str) -> None:
    """Say that this worker lives, and go on with what those held that no longer say so."""
    async with database.write() as session:
        await hold(session, "workers")
        await upsert(
            session,
            Worker.__table__,  # type: ignore[arg-type]
            [{"id": worker, "seen_at": now()}],
            keys=["id"],
            update={"seen_at": now()},
        )
        silent = list(
            await session.scalars(select(Worker.id).where(Worker.seen_at < now() - _SILENCE))
        )
        if silent:
            taken = await to_thread.run_sync(_resume, silent)
            log.info("work of silent workers taken over", workers=silent, workflows=taken)
            await session.execute(delete(Worker).where(Worker.id.in_(silent)))


def _resume(workers: list[str]) -> list[str]:
    taken: list[str] = []
    for kind in _KINDS:
        held = DBOS.list_workflows(
            name=kind.name, executor_id=workers, status="PENDING", load_input=False
        )
        ids = [one.workflow_id for one in held]
        DBOS.resume_workflows(ids, queue_name=kind.queue)
        taken += ids
    return taken


def _enqueue(kind: Kind, keys: list[str]) -> None:
    """Have work done; what was enqueued anywhere is not begun again."""
    for key in keys:
        with SetWorkflowID(f"{kind.name}-{key}"):
            DBOS.enqueue_workflow(kind.queue, _WORKFLOWS[kind.name], key)


class _Broken(Exception):
    """A mistake of ours, which would be made again."""


def _workflow(kind: Kind) -> Callable[[str], None]:
    """The durable form of a kind of work."""

    # A database or an index that restarts is back within two minutes.
    @DBOS.step(
        name=f"{kind.name}_step",
        retries_allowed=True,
        max_attempts=8,
        should_retry=lambda error: not isinstance(error, _Broken),
    )
    def step(key: str) -> None:
        try:
            _run(kind.work, key)
        except (OperationalError, InterfaceError, EngineFailed, apart.Interrupted):
            raise
        except Exception as error:
            raise _Broken(f"{type(error).__name__}: {error}") from error

    @DBOS.workflow(name=kind.name)
    def workflow(key: str) -> None:
        try:
            step(key)
        except (dbos_errors.DBOSMaxStepRetriesExceeded, _Broken) as error:
            log.error("work failed", kind=kind.name, key=key, exc_info=error)
            _run(kind.fail, key)

    return workflow


_WORKFLOWS: Final = {kind.name: _workflow(kind) for kind in _KINDS}


def _run(work: Callable[[Runtime, str], Awaitable[object]], key: str) -> None:
    global _has_run
    _has_run = True

    async def with_runtime() -> None:
        assert _settings is not None
        async with open_runtime(_settings) as runtime:
            await work(runtime, key)

    asyncio.run(with_runtime())
