"""The audit trail: what was done, by whom, read by those who watch over the platform."""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.db import Database, new_id
from kechuangtong.core.errors import NotFound
from kechuangtong.core.paging import Page
from kechuangtong.events import log, queries
from kechuangtong.events.schemas import EventQuery, EventRead, ExportFormat, ExportQuery
from kechuangtong.models import Event

_AT_ONCE = 200  # events of an export in memory at a time
# What spreadsheets take for a formula where a cell begins with it, also in full width.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


async def list_events(session: AsyncSession, query: EventQuery) -> Page[EventRead]:
    """One page of the log, newest first. Raises CursorInvalid."""
    conditions = queries.conditions(query)
    if query.cursor is not None:
        conditions.append(queries.beyond(query.cursor))
    statement = queries.first(query.limit + 1, *conditions)
    rows = [EventRead.model_validate(row) for row in await session.execute(statement)]
    return Page[EventRead].of(rows, query.limit, queries.position, lambda event: event)


async def get_event(session: AsyncSession, event_id: int) -> EventRead:
    """One event. Raises NotFound."""
    row = (await session.execute(queries.events(Event.id == event_id))).one_or_none()
    if row is None:
        raise NotFound
    return EventRead.model_validate(row)


def record_export(session: AsyncSession, actor: Actor, query: ExportQuery) -> None:
    """Note that somebody takes a part of the log away, and which."""
    log.record(
        session,
        actor,
        "audit.exported",
        subject_kind="export",
        subject_id=new_id(),
        before=None,
        after=query.model_dump(mode="json", exclude_none=True),
    )


async def export(database: Database, query: ExportQuery) -> AsyncIterator[bytes]:
    """The events as they are at one moment, a few at a time however many there are.

    In CSV there is a byte order mark before them, by which spreadsheets know the encoding.
    """
    if query.format is ExportFormat.CSV:
        yield "\ufeff".encode() + _csv([list(EventRead.model_fields)])
    statement = queries.events(*queries.conditions(query))
    async with database.read() as session:
        found = await session.stream(statement, execution_options={"yield_per": _AT_ONCE})
        async for rows in found.partitions():
            events = [EventRead.model_validate(row) for row in rows]
            if query.format is ExportFormat.CSV:
                yield _csv(
                    [_cell(value) for value in event.model_dump(mode="json").values()]
                    for event in events
                )
            else:
                yield "".join(event.model_dump_json() + "\n" for event in events).encode()


def _csv(rows: Iterable[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:  # noqa: ANN401
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
