"""Durable work: what was begun is finished, also when the process dies in between.

Work runs as DBOS workflows, whose state is in a database of its own. A step works in a thread
with its own event loop and connections, so that it never holds up the API, and keeps its
progress in our tables: run again, it goes on where it was.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import structlog
from anyio import to_thread
from dbos import DBOS, DBOSConfig, SetWorkflowID
from dbos._error import DBOSException

from kechuangtong.core.db import Database
from kechuangtong.imports import service as imports
from kechuangtong.runtime import Runtime
from kechuangtong.search.indexing import keep_writing
from kechuangtong.settings import Settings

log = structlog.get_logger()

# A short import may end before the process does; a longer one goes on in the next.
_STOPPING_SECONDS = 5

# DBOS runs plain functions and is one a process; this is the process's settings for them.
_settings: Settings | None = None


@asynccontextmanager
async def working(runtime: Runtime) -> AsyncIterator[None]:
    """Do the background work while this is open: imports, and writing the index."""
    async with running_jobs(runtime.settings):
        await start_waiting_imports(runtime.database)
        embedder = await to_thread.run_sync(lambda: runtime.embedder)
        indexing = asyncio.create_task(
            keep_writing(runtime.settings, runtime.database, embedder), name="indexing"
        )
        try:
            yield
        finally:
            indexing.cancel()
            with suppress(asyncio.CancelledError):
                await indexing


@asynccontextmanager
async def running_jobs(settings: Settings) -> AsyncIterator[None]:
    """Run durable work while this is open, what an earlier process left unfinished first."""
    global _settings
    _settings = settings
    config: DBOSConfig = {
        "name": "kechuangtong",
        "system_database_url": _system_database(settings),
        # Work begun by an older release is for this one to finish.
        "application_version": "1",
        "log_level": "WARNING",
    }
    DBOS(config=config)
    await to_thread.run_sync(DBOS.launch)
    try:
        yield
    finally:
        await to_thread.run_sync(
            partial(DBOS.destroy, workflow_completion_timeout_sec=_STOPPING_SECONDS)
        )


def _system_database(settings: Settings) -> str:
    if settings.uses_sqlite:
        return f"sqlite:///{settings.data_dir / 'jobs.sqlite'}"
    return settings.resolved_database_url.replace("+psycopg", "")


async def start_import(import_id: uuid.UUID) -> None:
    """Run an import; one that runs or has run is not begun again."""

    def start() -> None:
        with SetWorkflowID(f"import-{import_id}"):
            DBOS.start_workflow(_import_workflow, str(import_id))

    await to_thread.run_sync(start)


async def start_waiting_imports(database: Database) -> None:
    """Start what was accepted by a process that died before it could begin."""
    for import_id in await imports.unfinished(database):
        await start_import(import_id)


@DBOS.workflow(name="import")
def _import_workflow(import_id: str) -> None:
    try:
        _import_step(import_id)
    except DBOSException:
        raise  # the process is stopping: the next one goes on
    except Exception as error:
        log.error("import failed", import_id=import_id, exc_info=error)
        _run(partial(imports.fail_unexpectedly, import_id=uuid.UUID(import_id)))


@DBOS.step(name="import_file", retries_allowed=True, max_attempts=3)
def _import_step(import_id: str) -> None:
    assert _settings is not None
    _run(partial(imports.run_import, settings=_settings, import_id=uuid.UUID(import_id)))


def _run(work: Callable[[Database], Coroutine[Any, Any, object]]) -> None:
    async def with_database() -> None:
        assert _settings is not None
        database = Database(_settings.resolved_database_url)
        try:
            await work(database)
        finally:
            await database.close()

    asyncio.run(with_database())
