"""Reading instruments: what an actor may see, and when which of them are free."""

import math
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.clock import now
from kechuangtong.core.paging import decode_id
from kechuangtong.instruments.hours import Hours, Period, without
from kechuangtong.instruments.schemas import InstrumentQuery
from kechuangtong.instruments.slots import Room
from kechuangtong.models import Attachment, BookingItem, Instrument, InstrumentClosure
from kechuangtong.models.attachment import AttachedTo
from kechuangtong.models.instrument import InstrumentState, InstrumentStatus, ShareMode

# Where a search looks at hours and places one by one: so many at a time, and so many a page, which
# bounds how long a page takes.
_CHUNK: Final = 30
_EXAMINED: Final = 90
_KM_A_DEGREE: Final = 111.2
_EARTH_KM: Final = 6_371.0
# What tells when an instrument is free, and where it is.
_EXAMINED_COLUMNS: Final = (
    Instrument.id,
    Instrument.latitude,
    Instrument.longitude,
    Instrument.capacity,
    Instrument.opening_hours,
    Instrument.opening_exceptions,
    Instrument.lead_minutes,
    Instrument.step_minutes,
)
_RUNNING: Final = [one for one in InstrumentStatus if one.runs]


class Found(NamedTuple):
    """An instrument that a search has found, with what it was found by."""

    instrument: Instrument
    distance_km: float | None = None
    free: Period | None = None


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Published ones are everyone's to see, all others their organization's people's."""
    if actor.sees_all:
        return true()
    published = Instrument.state == InstrumentState.PUBLISHED
    return or_(published, Instrument.organization_id.in_(actor.organization_ids))


def photographs_of(*instrument_ids: uuid.UUID) -> tuple[ColumnElement[bool], ...]:
    """The photographs of instruments."""
    return (
        Attachment.subject_kind == AttachedTo.INSTRUMENT,
        Attachment.subject_id.in_(instrument_ids),
    )


def shown(*conditions: ColumnElement[bool]) -> Select[Instrument]:
    """Instruments with their organizations."""
    return (
        select(Instrument)
        .where(*conditions)
        .options(joinedload(Instrument.organization, innerjoin=True))
    )


async def get(
    session: AsyncSession, actor: Actor, instrument_id: uuid.UUID, *, to_change: bool = False
) -> Instrument | None:
    """One instrument, where the actor may see it; whoever gets it to change it is alone with it."""
    statement = shown(Instrument.id == instrument_id, visible_to(actor))
    return await session.scalar(
        statement.with_for_update(of=Instrument) if to_change else statement
    )


async def found(
    session: AsyncSession, actor: Actor, query: InstrumentQuery
) -> tuple[list[Found], uuid.UUID | None]:
    """A page of a search, newest first, and the id after which the next begins, if any does."""
    conditions = [visible_to(actor), *_conditions(actor, query)]
    after = None if query.cursor is None else decode_id(query.cursor)
    if query.near is None and query.free_hours is None:
        page = _after(shown(*conditions), after).limit(query.limit + 1)
        rows = (await session.scalars(page)).all()
        more = len(rows) > query.limit
        rows = rows[: query.limit]
        return [Found(one) for one in rows], rows[-1].id if more else None

    hits: list[tuple[uuid.UUID, float | None, Period | None]] = []
    for _ in range(_EXAMINED // _CHUNK):
        statement = _after(select(*_EXAMINED_COLUMNS).where(*conditions), after)
        rows_ = (await session.execute(statement.limit(_CHUNK))).all()
        free = await _first_free(session, query, rows_)
        for row in rows_:
            after = row.id
            distance = _distance(query, row)
            if query.within_km is not None and (distance is None or distance > query.within_km):
                continue
            if query.free_hours is not None and free[row.id] is None:
                continue
            hits.append((row.id, distance, free.get(row.id)))
            if len(hits) == query.limit:
                return await _load(session, hits), after
        if len(rows_) < _CHUNK:
            return await _load(session, hits), None
    return await _load(session, hits), after


def _after(statement: Select[Any], after: uuid.UUID | None) -> Select[Any]:
    ordered = statement.order_by(Instrument.id.desc())
    return ordered if after is None else ordered.where(Instrument.id < after)


async def _load(
    session: AsyncSession, hits: Sequence[tuple[uuid.UUID, float | None, Period | None]]
) -> list[Found]:
    loaded = await session.scalars(shown(Instrument.id.in_([one for one, _, _ in hits])))
    by_id = {one.id: one for one in loaded}
    return [Found(by_id[one], distance, free) for one, distance, free in hits if one in by_id]


async def _first_free(
    session: AsyncSession, query: InstrumentQuery, rows: Sequence[Any]
) -> dict[uuid.UUID, Period | None]:
    if query.free_hours is None or query.free_from is None or query.free_to is None:
        return {}
    window = Period(query.free_from, query.free_to)
    length = timedelta(hours=query.free_hours)
    rooms = await rooms_of(session, rows, window, at_least=length)
    return {row.id: rooms[row.id].first(length, step=row.step_minutes) for row in rows}


async def next_free(
    session: AsyncSession, actor: Actor, ids: Collection[uuid.UUID], window: Period
) -> dict[uuid.UUID, Period]:
    """The first time in a window at which each of some instruments is free for as long as it is
    booked at least; those that are not, or that the actor cannot book, are left out."""
    statement = select(*_EXAMINED_COLUMNS, Instrument.shortest_minutes).where(
        Instrument.id.in_(ids), *_open_to(actor)
    )
    rows = (await session.execute(statement)).all()
    rooms = await rooms_of(session, rows, window)
    found = {}
    for row in rows:
        length = timedelta(minutes=row.shortest_minutes)
        if (first := rooms[row.id].first(length, step=row.step_minutes)) is not None:
            found[row.id] = first
    return found


def _distance(query: InstrumentQuery, row: Any) -> float | None:  # noqa: ANN401
    if query.center is None or row.latitude is None or row.longitude is None:
        return None
    return round(distance_km(query.center, (row.latitude, row.longitude)), 2)


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The distance of two places (latitude, longitude in degrees) on a sphere, in kilometres."""
    lat1, lon1, lat2, lon2 = map(math.radians, (*one, *other))
    half = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * _EARTH_KM * math.asin(min(1, math.sqrt(half)))


def _conditions(actor: Actor, query: InstrumentQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        getattr(Instrument, name) == value
        for name in ("organization_id", "state", "kind", "status", "share_mode")
        if (value := getattr(query, name)) is not None
    ]
    if query.class_ is not None:  # a range of the index
        conditions += [
            Instrument.class_code >= query.class_.ljust(6, "0"),
            Instrument.class_code <= query.class_.ljust(6, "9"),
        ]
    for word in (query.q or "").split():
        texts = (Instrument.name, Instrument.model, Instrument.functions, Instrument.services)
        conditions.append(or_(*(one.icontains(word, autoescape=True) for one in texts)))
    if query.place is not None:
        conditions.append(Instrument.place.contains(query.place, autoescape=True))
    if query.center is not None and query.within_km is not None:
        conditions += _box(query.center, query.within_km)
    if query.free_hours is not None:  # what can be booked at all for so long
        minutes = query.free_hours * 60
        conditions += [
            *_open_to(actor),
            Instrument.shortest_minutes <= minutes,
            Instrument.longest_minutes >= minutes,
        ]
    return conditions


def _open_to(actor: Actor) -> list[ColumnElement[bool]]:
    """What can be booked by the actor at all."""
    return [
        Instrument.state == InstrumentState.PUBLISHED,
        Instrument.status.in_(_RUNNING),
        or_(
            Instrument.share_mode == ShareMode.EXTERNAL,
            (Instrument.share_mode == ShareMode.INTERNAL)
            & Instrument.organization_id.in_(actor.organization_ids),
        ),
    ]


def _box(center: tuple[float, float], km: float) -> list[ColumnElement[bool]]:
    """The degrees around a place that hold a circle; near the poles all longitudes."""
    latitude, longitude = center
    high = km / _KM_A_DEGREE * 1.01
    conditions: list[ColumnElement[bool]] = [
        Instrument.latitude.between(latitude - high, latitude + high)
    ]
    narrow = math.cos(math.radians(min(90, abs(latitude) + high)))
    wide = high / narrow if narrow > 0.01 else 180
    if longitude - wide > -180 and longitude + wide < 180:
        conditions.append(Instrument.longitude.between(longitude - wide, longitude + wide))
    return conditions


async def rooms_of(
    session: AsyncSession,
    instruments: Sequence[Any],
    window: Period,
    *,
    at_least: timedelta = timedelta(),
    lead: bool = True,
) -> dict[uuid.UUID, Room]:
    """What of instruments, or of rows with their hours, is free in a window, from the earliest time
    on that can be booked, or without `lead` from now on. Of those that are never open for
    `at_least` it is not looked what is booked."""
    closed = await closed_times(session, [one.id for one in instruments], window)
    opened: dict[str, list[Period]] = {}  # many instruments have the same hours
    rooms = {}
    for one in instruments:
        minutes = one.lead_minutes if lead else 0
        same = f"{one.opening_hours} {one.opening_exceptions} {minutes}"
        if same not in opened:
            opened[same] = _open(one, window, minutes)
        rooms[one.id] = Room(without(opened[same], closed.get(one.id, ())), {}, one.capacity)
    ids = [
        instrument_id
        for instrument_id, room in rooms.items()
        if any(period.length >= at_least for period in room.open)
    ]
    for instrument_id, taken_ in (await taken(session, ids, window)).items():
        rooms[instrument_id] = replace(rooms[instrument_id], taken=taken_)
    return rooms


def _open(instrument: Any, window: Period, lead_minutes: int) -> list[Period]:  # noqa: ANN401
    earliest = max(window.starts_at, now() + timedelta(minutes=lead_minutes))
    if earliest >= window.ends_at:
        return []
    hours = Hours.read(instrument.opening_hours, instrument.opening_exceptions)
    return hours.open_periods(Period(earliest, window.ends_at))


async def closed_times(
    session: AsyncSession, ids: Collection[uuid.UUID], window: Period
) -> Mapping[uuid.UUID, list[Period]]:
    """When instruments are closed within a window."""
    rows = await session.execute(
        select(
            InstrumentClosure.instrument_id, InstrumentClosure.starts_at, InstrumentClosure.ends_at
        ).where(
            InstrumentClosure.instrument_id.in_(ids),
            InstrumentClosure.ends_at > window.starts_at,
            InstrumentClosure.starts_at < window.ends_at,
        )
    )
    closed = defaultdict(list)
    for instrument_id, starts_at, ends_at in rows:
        closed[instrument_id].append(Period(starts_at, ends_at))
    return closed


def holding(at: datetime) -> ColumnElement[bool]:
    """Items that hold their unit at present: a request that nobody decided in time does not."""
    return BookingItem.holds & or_(BookingItem.held_until.is_(None), BookingItem.held_until > at)


async def taken(
    session: AsyncSession, ids: Collection[uuid.UUID], window: Period
) -> Mapping[uuid.UUID, Mapping[int, list[Period]]]:
    """When which units of instruments are booked within a window."""
    rows = await session.execute(
        select(
            BookingItem.instrument_id,
            BookingItem.unit,
            BookingItem.starts_at,
            BookingItem.ends_at,
        ).where(
            BookingItem.instrument_id.in_(ids),
            BookingItem.ends_at > window.starts_at,
            BookingItem.starts_at < window.ends_at,
            holding(now()),
        )
    )
    booked: dict[uuid.UUID, dict[int, list[Period]]] = defaultdict(lambda: defaultdict(list))
    for instrument_id, unit, starts_at, ends_at in rows:
        booked[instrument_id][unit].append(Period(starts_at, ends_at))
    return booked
