"""Alembic's environment: the database is that of the settings (KCT_DATABASE_URL, KCT_DATA_DIR)."""

import asyncio
from typing import Any

from alembic import context
from sqlalchemy import JSON, Connection, Enum, text

from kechuangtong.core.db import create_engine
from kechuangtong.models import Base
from kechuangtong.models.base import Instant
from kechuangtong.settings import Settings

# One migration at a time, and none that waits for ever behind a long transaction.
_LOCK = 5101_2026


def _plain_types(kind: str, item: Any, _context: object) -> str | bool:  # noqa: ANN401
    """Write our own types into a migration as what the database sees of them."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    if kind == "type" and isinstance(item, JSON):
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


def _run(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET lock_timeout = '10s'"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        render_item=_plain_types,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _connect() -> None:
    engine = create_engine(Settings().resolved_database_url)
    async with engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


if (given := context.config.attributes.get("connection")) is not None:
    _run(given)
else:
    asyncio.run(_connect())
