"""Reading the log: filtered, newest first, with the names that persons have at present."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select, tuple_

from kechuangtong.core.paging import CursorInvalid, decode_cursor
from kechuangtong.events.schemas import EventFilter, EventRead
from kechuangtong.models import Event, User

_SHOWN = [getattr(Event, name) for name in EventRead.model_fields if name != "actor_name"]


_NEWEST_FIRST = (Event.at.desc(), Event.id.desc())


def events(*conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """All events that the conditions leave, newest first."""
    return (
        select(*_SHOWN, User.name.label("actor_name"))
        .outerjoin(User, User.id == Event.actor_id)
        .where(*conditions)
        .order_by(*_NEWEST_FIRST)
    )


def first(count: int, *conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The newest of them; sorted by an index's entries alone, which are much smaller."""
    ids = select(Event.id).where(*conditions).order_by(*_NEWEST_FIRST).limit(count)
    return events(Event.id.in_(ids))


def conditions(query: EventFilter) -> list[ColumnElement[bool]]:
    """The filters of a query as conditions."""
    found: list[ColumnElement[bool]] = [
        getattr(Event, name) == value
        for name in ("actor_id", "subject_kind", "subject_id", "address", "request_id")
        if (value := getattr(query, name)) is not None
    ]
    if query.action is not None:
        if query.action.endswith("."):  # a range of the index: what follows the dot is the slash
            found += [Event.action >= query.action, Event.action < query.action[:-1] + "/"]
        else:
            found.append(Event.action == query.action)
    if query.after is not None:
        found.append(Event.at >= query.after)
    if query.before is not None:
        found.append(Event.at < query.before)
    return found


def position(event: EventRead) -> list[str]:
    """Where the page after this event begins."""
    return [event.at.isoformat(), str(event.id)]


def beyond(cursor: str) -> ColumnElement[bool]:
    """What comes after a cursor. Raises CursorInvalid."""
    at, identifier = decode_cursor(cursor, 2)
    try:
        place = (datetime.fromisoformat(at).astimezone(UTC), int(identifier))
    except (ValueError, OverflowError):
        raise CursorInvalid from None
    if not 0 < place[1] < 2**63:
        raise CursorInvalid
    return tuple_(Event.at, Event.id) < place
