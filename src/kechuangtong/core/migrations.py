"""Bringing a database to the schema of this version, and knowing whether it is there."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from kechuangtong.core.db import Database
from kechuangtong.core.language import Text

_PACKAGE = Path(__file__).parents[1]


class SchemaStale(RuntimeError):
    """The database's schema is not that of this version."""

    def __init__(self, found: str | None, expected: str | None) -> None:
        self.message = Text(
            "数据库结构（{found}）与程序（{expected}）不符，请运行 kechuangtong migrate。",
            "The database's schema ({found}) is not this version's ({expected}): "
            "run kechuangtong migrate.",
        ).format(found=found, expected=expected)
        super().__init__(self.message.en)


def _config() -> Config:
    # In an installed wheel the migrations are inside the package, in a checkout beside `src`.
    installed = _PACKAGE / "_migrations"
    folder = installed if installed.is_dir() else _PACKAGE.parents[1] / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder))
    return config


async def migrate(database: Database) -> None:
    """Bring the database to the newest schema."""

    def upgrade(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with database.engine.begin() as connection:
        await connection.run_sync(upgrade)


async def current(database: Database) -> str | None:
    """The schema's revision; None for an empty database."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(
            lambda sync: MigrationContext.configure(sync).get_current_revision()
        )


async def check(database: Database) -> None:
    """Raises SchemaStale where the schema is not that of this version."""
    found, expected = await current(database), _newest()
    if found != expected:
        raise SchemaStale(found, expected)


@cache
def _newest() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()
