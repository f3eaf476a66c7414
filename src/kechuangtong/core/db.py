"""The database: one code path for SQLite and PostgreSQL, and the only place that commits."""

import hashlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import uuid_utils
from sqlalchemy import Connection, Table, event, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

_WRITER = {"kct_writer": True}
_LAST = "kct_last"
_PATIENCE = 60_000  # milliseconds that a writer of SQLite waits for another
_LOOKS = 20  # milliseconds in which it looks several times whether it may begin


def new_id() -> uuid.UUID:
    """A UUIDv7: sortable by time, safe to show."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


class Database:
    """Reading and writing sessions over one engine.

    On SQLite a writer begins with `BEGIN IMMEDIATE`: a transaction that reads before it writes
    cannot be upgraded safely there (8 tasks kept 61 of 400 updates without it, all with it).
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = create_engine(url)
        self._writers = self.engine.execution_options(**_WRITER)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session that sees the committed state and changes nothing."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """A reading session to which everything stays as it was at its first question."""
        async with self.read() as session:
            if not self.url.startswith("sqlite"):  # there every transaction reads so
                repeatable = {"isolation_level": "REPEATABLE READ"}
                await session.connection(execution_options=repeatable)
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is one transaction: committed at the end, or nothing of it."""
        async with AsyncSession(self._writers, expire_on_commit=False) as session:
            async with session.begin():
                yield session
                for work in session.info.pop(_LAST, ()):
                    await work(session)

    @asynccontextmanager
    async def write_at_once(self) -> AsyncIterator[AsyncSession]:
        """A writing session that waits for no other. Raises OperationalError where it had to."""
        engine = self._writers.execution_options(kct_at_once=True)
        async with AsyncSession(engine, expire_on_commit=False) as session:
            async with session.begin():
                if not self.url.startswith("sqlite"):
                    await session.execute(text("SET LOCAL lock_timeout = '1ms'"))
                yield session

    async def close(self) -> None:
        await self.engine.dispose()


def create_engine(url: str) -> AsyncEngine:
    """An engine with what each database needs to keep its promises; failures, which are logged, do
    not show values."""
    if not url.startswith("sqlite"):
        return create_async_engine(url, pool_pre_ping=True, hide_parameters=True)
    engine = create_async_engine(url, connect_args={"timeout": 60}, hide_parameters=True)

    @event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: object) -> None:  # noqa: ANN401
        connection.isolation_level = None  # we begin transactions ourselves, below
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={_PATIENCE}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if not options.get("kct_writer"):
            connection.exec_driver_sql("BEGIN")
            return
        at_once = options.get("kct_at_once")
        limit = time.monotonic() + (0 if at_once else _PATIENCE / 1000)
        connection.exec_driver_sql(f"PRAGMA busy_timeout={0 if at_once else _LOOKS}")
        try:
            while not _begun(connection, limit):
                pass
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={_PATIENCE}")

    return engine


def _begun(connection: Connection, limit: float) -> bool:
    """Whether a writer of SQLite has begun. The longer one wait, the rarer SQLite looks whether it
    may, up to every 100 ms; beside a writer that pauses for less between its transactions, it would
    wait for all of them. So there are many short waits, until the limit."""
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as error:
        busy = getattr(error.orig, "sqlite_errorname", None) == "SQLITE_BUSY"
        if not busy or time.monotonic() > limit:
            raise
        return False
    return True


async def upsert(
    session: AsyncSession,
    table: Table,
    rows: list[dict[str, Any]],
    *,
    keys: list[str],
    update: Mapping[str, Any] | None = None,
) -> None:
    """Insert rows; where the keys stand already, update (expressions over `table`) or leave."""
    if not rows:
        return
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = (sqlite if is_sqlite else postgresql).insert(table)
    if update is None:
        statement = insert.on_conflict_do_nothing(index_elements=keys)
    else:
        statement = insert.on_conflict_do_update(index_elements=keys, set_=dict(update))
    await session.execute(statement, rows)


def do_last(session: AsyncSession, work: Callable[[AsyncSession], Awaitable[None]]) -> None:
    """Let work be done right before a writing session's transaction is committed; asked for twice,
    it is done once. A lock that it takes is held for that moment alone."""
    session.info.setdefault(_LAST, {})[work] = None


async def hold(session: AsyncSession, name: str) -> None:
    """Let others who hold the same name wait until this transaction ends.

    On SQLite all writers wait for each other already.
    """
    if session.get_bind().dialect.name == "postgresql":
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
        await session.execute(select(func.pg_advisory_xact_lock(key)))


def violated(error: IntegrityError) -> str:
    """The name of the constraint that an insert or update broke, the same on both databases."""
    diagnostic = getattr(error.orig, "diag", None)
    if diagnostic is not None:
        return str(diagnostic.constraint_name)
    message = str(error.orig)
    if "UNIQUE constraint failed: " in message:
        columns = message.split(": ", 1)[1].split(", ")
        table = columns[0].split(".")[0]
        return "_".join(["uq", table, *(column.split(".")[1] for column in columns)])
    return message
