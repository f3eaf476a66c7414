"""The schema: made by migrations as the models have it, on both databases."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from kechuangtong.core import migrations
from kechuangtong.core.db import Database
from kechuangtong.models import Base


async def test_migrations_make_what_the_models_have(database_url: str) -> None:
    database = Database(database_url)
    assert await migrations.current(database) is None
    with pytest.raises(migrations.SchemaStale):
        await migrations.check(database)
    await migrations.migrate(database)
    await migrations.check(database)

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await database.close()
