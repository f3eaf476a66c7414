"""A service whose worker rests, so that a test does each step itself, and a receiver beside it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from conftest import Service, running, settings_for
from kechuangtong.settings import Settings
from receiving import Receiver


@pytest.fixture
async def service(
    tmp_path: Path, _place: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    """A service, on each database, that does no work in the background; webhooks may go to this
    machine."""
    monkeypatch.setattr("kechuangtong.app.working", lambda _: nullcontext())
    usual = settings_for(tmp_path, _place).model_dump()
    async with running(Settings(**usual | {"webhooks_allow": "127.0.0.0/8"})) as one:
        yield one


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().running() as one:
        yield one
