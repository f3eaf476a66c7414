"""Writers of SQLite wait for each other, and for nothing else."""

import math
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from kechuangtong.core import text as texts
from kechuangtong.core.db import Database, _begun


async def test_what_waiting_does_not_help_is_not_waited_for(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'kept.sqlite'}")
    async with database.write() as session:
        connection = await session.connection()
        with pytest.raises(OperationalError, match="within a transaction"):
            await connection.run_sync(lambda one: _begun(one, limit=math.inf))
    await database.close()


def test_long_texts_that_callers_send_are_not_kept() -> None:
    kept = texts._kept.cache_info().currsize
    assert texts.normalize("縣" * 1_001) == "县" * 1_001
    assert texts._kept.cache_info().currsize == kept
    texts.normalize("縣名，不久前没有见过")
    assert texts._kept.cache_info().currsize <= 256
