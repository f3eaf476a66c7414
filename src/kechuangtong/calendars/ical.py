"""Bookings and closures as iCalendar (RFC 5545), in UTC."""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import icalendar

from kechuangtong.bookings.states import HOLDING
from kechuangtong.core.language import Text
from kechuangtong.models import Booking, BookingItem, Instrument, InstrumentClosure
from kechuangtong.models.booking import BookingState

_DOMAIN: Final = "kechuangtong"
_ASK_AGAIN: Final = timedelta(hours=1)

_TENTATIVE: Final = frozenset({BookingState.WAITING, BookingState.REQUESTED})
_CONFIRMED: Final = frozenset({BookingState.APPROVED, BookingState.IN_USE, BookingState.FINISHED})

_OWN: Final = Text("我的仪器预约", "My bookings of instruments")
_BUSY: Final = Text("已占用", "Busy")
_CLOSED: Final = Text("停机：{reason}", "Closed: {reason}")
_STATES: Final = {
    BookingState.WAITING: Text("（候补）", " (waiting list)"),
    BookingState.REQUESTED: Text("（待批准）", " (requested)"),
}


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """A calendar as it is sent; its tag changes with its content."""

    content: bytes
    version: int = 1

    @property
    def tag(self) -> str:
        """What tells this content from every other."""
        return hashlib.sha256(self.content).hexdigest()[:32]


def of_person(bookings: Iterable[Booking]) -> CalendarFile:
    """The bookings that are for a person, by the instruments' names."""
    calendar = _calendar(str(_OWN))
    for booking in bookings:
        event = _event(booking, booking.items, uid=str(booking.id))
        named = {one.instrument_id: one.instrument for one in booking.items}.values()
        event.add("summary", _titled("、".join(one.name for one in named), booking, booking.items))
        if places := "；".join(dict.fromkeys(one.place for one in named if one.place)):
            event.add("location", places)
        _describe(event, booking)
        calendar.add_component(event)
    return CalendarFile(calendar.to_ical())


def of_instrument(
    instrument: Instrument,
    closures: Iterable[InstrumentClosure],
    bookings: Iterable[Booking],
    names: Mapping[uuid.UUID, str],
    *,
    seen: Callable[[Booking], bool],
) -> CalendarFile:
    """An instrument's closures and bookings; of bookings that are not `seen` the times alone."""
    calendar = _calendar(instrument.name)
    for closure in closures:
        event = icalendar.Event()
        event.add("uid", f"{closure.id}@{_DOMAIN}")
        event.add("summary", str(_CLOSED.format(reason=closure.reason)))
        event.add("status", "CONFIRMED")
        event.add("transp", "OPAQUE")
        event.add("sequence", 0)
        _timed(event, closure.starts_at, closure.ends_at, closure.created_at, closure.created_at)
        calendar.add_component(event)
    for booking in bookings:
        items = [one for one in booking.items if one.instrument_id == instrument.id]
        event = _event(booking, items, uid=f"{booking.id}.{instrument.id}")
        if seen(booking):
            person = names.get(booking.user_id) if booking.user_id else None
            who = " · ".join(filter(None, (booking.organization.name, person)))
            event.add("summary", _titled(who, booking, items))
            _describe(event, booking)
        else:
            event.add("summary", _titled(str(_BUSY), booking, items))
        calendar.add_component(event)
    return CalendarFile(calendar.to_ical())


def _calendar(name: str) -> icalendar.Calendar:
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//kechuangtong//bookings//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("x-wr-timezone", "Asia/Shanghai")
    calendar.add("refresh-interval", _ASK_AGAIN, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    return calendar


def _event(booking: Booking, items: Sequence[BookingItem], *, uid: str) -> icalendar.Event:
    event = icalendar.Event()
    event.add("uid", f"{uid}@{_DOMAIN}")
    event.add("status", _status(booking.state))
    event.add("transp", "OPAQUE" if booking.state in HOLDING else "TRANSPARENT")
    event.add("sequence", booking.version)
    ends_at = max(one.ends_at for one in items)  # what ended early is free for the rest
    _timed(event, booking.starts_at, ends_at, booking.created_at, booking.updated_at)
    return event


def _timed(
    event: icalendar.Event,
    starts_at: datetime,
    ends_at: datetime,
    created_at: datetime,
    updated_at: datetime,
) -> None:
    event.add("dtstart", starts_at)
    if ends_at > starts_at:
        event.add("dtend", ends_at)
    event.add("created", created_at)
    event.add("last-modified", updated_at)
    event.add("dtstamp", updated_at)


def _status(state: BookingState) -> str:
    if state in _TENTATIVE:
        return "TENTATIVE"
    return "CONFIRMED" if state in _CONFIRMED else "CANCELLED"


def _titled(title: str, booking: Booking, items: Sequence[BookingItem]) -> str:
    one_instrument = len({one.instrument_id for one in items}) == 1
    count = f" ×{len(items)}" if one_instrument and len(items) > 1 else ""
    return f"{title}{count}{_STATES.get(booking.state, '')}"


def _describe(event: icalendar.Event, booking: Booking) -> None:
    if text := "\n".join(filter(None, (booking.purpose, booking.reason))):
        event.add("description", text)
