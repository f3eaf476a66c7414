"""The sample, loaded, indexed and with its vectors, for the tests of matching."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kechuangtong.core import migrations
from kechuangtong.runtime import Runtime, open_runtime
from kechuangtong.sample.service import load_sample
from kechuangtong.search.indexing import catch_up
from kechuangtong.settings import Settings


@pytest.fixture(scope="session")
async def sample(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Runtime]:
    """The sample with the model of the package."""
    data_dir: Path = tmp_path_factory.mktemp("sample")
    async with open_runtime(Settings(data_dir=data_dir, database_url=None)) as runtime:
        if runtime.embedder is None:
            pytest.skip("there is no embedding model for this platform")
        await migrations.migrate(runtime.database)
        async with runtime.database.write() as session:
            await load_sample(session)
        await catch_up(runtime, vectors=True)
        yield runtime
