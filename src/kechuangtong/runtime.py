"""What a running process holds: settings, database, index, embedder; opened and closed as one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from fastapi import Depends, Request

from kechuangtong.accounts.limits import Limiter
from kechuangtong.attachments.store import Store, store_from
from kechuangtong.core.db import Database
from kechuangtong.matching.embedding import Embedder, embedder_from
from kechuangtong.search.embedded import EmbeddedEngine
from kechuangtong.search.meilisearch.engine import MeilisearchEngine
from kechuangtong.search.port import SearchEngine, SearchIndex
from kechuangtong.settings import Settings


@dataclass(frozen=True)
class Runtime:
    """One process's open resources."""

    settings: Settings
    database: Database
    engine: SearchEngine
    index: SearchIndex

    @cached_property
    def embedder(self) -> Embedder | None:
        """The embedding model, loaded when it is first needed; None: words alone."""
        return embedder_from(self.settings)

    @cached_property
    def limiter(self) -> Limiter:
        """What counts the calls."""
        return Limiter(self.settings, self.database)

    @cached_property
    def attachments(self) -> Store:
        """Where the content of attachments is kept."""
        return store_from(self.settings)


def engine_from(
    settings: Settings, *, prefix: str = "", timeout: float | None = None
) -> SearchEngine:
    """The engine that the settings name. Raises RuntimeError.

    On a server `prefix` sets indexes apart; a search may take `timeout` seconds there.
    """
    if settings.search == "embedded":
        return EmbeddedEngine(settings.index_dir)
    if not settings.meilisearch_urls:
        raise RuntimeError("KCT_SEARCH=meilisearch needs KCT_MEILISEARCH_URL")
    return MeilisearchEngine(
        settings.meilisearch_urls,
        settings.meilisearch_key,
        timeout=timeout or settings.meilisearch_timeout_seconds,
        prefix=prefix,
    )


@asynccontextmanager
async def open_runtime(
    settings: Settings, engine: SearchEngine | None = None
) -> AsyncIterator[Runtime]:
    """Open what a process needs, and close it at the end; the engine is that of the settings
    unless another is given."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = engine or engine_from(settings)
    database = Database(settings.resolved_database_url)
    index = engine.reader()
    try:
        yield Runtime(settings, database, engine, index)
    finally:
        await index.close()
        await database.close()


def _runtime(request: Request) -> Runtime:
    runtime = request.app.state.runtime
    assert isinstance(runtime, Runtime)
    return runtime


RuntimeDep = Annotated[Runtime, Depends(_runtime)]
