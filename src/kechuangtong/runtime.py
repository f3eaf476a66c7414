"""What a running process holds: settings, database, index, embedder; opened and closed as one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from fastapi import Depends, Request

from kechuangtong.core.db import Database
from kechuangtong.matching.embedding import Embedder, embedder_from
from kechuangtong.search.embedded import EmbeddedIndex
from kechuangtong.search.port import SearchIndex
from kechuangtong.settings import Settings


@dataclass(frozen=True)
class Runtime:
    """One process's open resources."""

    settings: Settings
    database: Database
    index: SearchIndex

    @cached_property
    def embedder(self) -> Embedder | None:
        """The embedding model, loaded when it is first needed; None: words alone."""
        return embedder_from(self.settings)


@asynccontextmanager
async def open_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """Open what a process needs, and close it at the end."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.resolved_database_url)
    try:
        yield Runtime(settings, database, EmbeddedIndex(settings.index_dir))
    finally:
        await database.close()


def _runtime(request: Request) -> Runtime:
    runtime = request.app.state.runtime
    assert isinstance(runtime, Runtime)
    return runtime


RuntimeDep = Annotated[Runtime, Depends(_runtime)]
