"""A service without a worker, so that a test does each step itself, and a receiver beside it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI

from conftest import Service, running, settings_for
from kechuangtong.app import create_app
from kechuangtong.runtime import open_runtime
from kechuangtong.settings import Settings
from receiving import Receiver

_apps: list[FastAPI] = []


def _the_app(settings: Settings) -> FastAPI:
    """One application for all tests here, on the database of each: an application prepares its
    routes when it is first asked, which takes longer than a test. Nothing works behind it."""
    if not _apps:
        _apps.append(create_app(settings))
    (app,) = _apps

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncIterator[None]:
        async with open_runtime(settings) as runtime:
            app.state.runtime = runtime
            yield

    def lifespan(app: FastAPI) -> AbstractAsyncContextManager[None]:
        return opened(app)

    app.router.lifespan_context = lifespan
    return app


@pytest.fixture
async def service(
    tmp_path: Path, _place: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    """A service, on each database; webhooks may go to this machine."""
    monkeypatch.setattr("conftest.create_app", _the_app)
    usual = settings_for(tmp_path, _place).model_dump()
    async with running(Settings(**usual | {"webhooks_allow": "127.0.0.0/8"})) as one:
        yield one


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().running() as one:
        yield one
