"""A service without a worker, so that a test does each step itself, and a receiver beside it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from conftest import Service, running, settings_for
from kechuangtong.settings import Settings
from receiving import Receiver


@pytest.fixture
async def service(tmp_path: Path, _place: str) -> AsyncIterator[Service]:
    """A service, on each database; webhooks may go to this machine."""
    usual = settings_for(tmp_path, _place).model_dump()
    settings = Settings(**usual | {"webhooks_allow": "127.0.0.0/8"})
    async with running(settings, working=False) as one:
        yield one


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().running() as one:
        yield one
