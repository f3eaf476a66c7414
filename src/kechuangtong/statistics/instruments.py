"""How instruments were used in a year (年度使用情况), out of the bookings that are finished."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.clock import CITY, today
from kechuangtong.core.errors import Forbidden
from kechuangtong.core.paging import CursorInvalid, decode_cursor, encode_cursor
from kechuangtong.models import Booking, BookingItem, Instrument
from kechuangtong.models.booking import BookingState
from kechuangtong.models.instrument import InstrumentState, UsageUnit
from kechuangtong.policies import instrument_use
from kechuangtong.policies.instrument_use import UseLine
from kechuangtong.statistics.schemas import (
    InstrumentYear,
    MonthOfUse,
    UnitYear,
    YearOfInstruments,
    YearQuery,
)

_TENTH: Final = Decimal("0.1")
_COLUMNS: Final = (
    Instrument.id,
    Instrument.name,
    Instrument.number,
    Instrument.kind,
    Instrument.unit,
    Instrument.capacity,
)


@dataclass
class _Used:
    """The hours of each month, of the owner's people and of others, and what came of them."""

    own: list[Decimal] = field(default_factory=lambda: [Decimal(0)] * 12)
    outside: list[Decimal] = field(default_factory=lambda: [Decimal(0)] * 12)
    services: int = 0
    outside_services: int = 0
    fee: Decimal = Decimal(0)

    @property
    def hours(self) -> Decimal:
        return sum(self.own, Decimal(0)) + sum(self.outside, Decimal(0))

    def add(self, other: "_Used") -> None:
        self.own = [one + more for one, more in zip(self.own, other.own, strict=True)]
        self.outside = [one + more for one, more in zip(self.outside, other.outside, strict=True)]
        self.services += other.services
        self.outside_services += other.outside_services
        self.fee += other.fee


async def yearly(session: AsyncSession, actor: Actor, query: YearQuery) -> YearOfInstruments:
    """How an organization's instruments were used in a year, the most used first: those that had
    finished bookings in it, and those published by its end that had none. To be asked in a
    snapshot. Raises Forbidden for others' organizations, CursorInvalid."""
    if not actor.sees(query.organization_id):
        raise Forbidden(loc=("query", "organization_id"))
    year = query.year or today().year
    borders = _borders(year)
    used = await _used(session, query, borders)
    rows = await _instruments(session, query, borders[-1], used)
    line = instrument_use.at(date(year, 12, 31))
    listed = [one for one in rows if query.idle is None or (one.id not in used) is query.idle]
    page, next_cursor = _page(listed, used, query)
    return YearOfInstruments(
        year=year,
        organization_id=query.organization_id,
        line_hours=None if line is None else line.hours_a_year,
        line_source=None if line is None else line.source,
        totals=[
            _total(unit, of_unit, used, line, year)
            for unit in UsageUnit
            if (of_unit := [one for one in rows if one.unit is unit])
        ],
        items=[_shown(one, used.get(one.id), line) for one in page],
        next_cursor=next_cursor,
    )


def _borders(year: int) -> list[datetime]:
    """The beginnings of the year's months in the city, and of the next year."""
    months = [datetime(year, month, 1, tzinfo=CITY) for month in range(1, 13)]
    return [*months, datetime(year + 1, 1, 1, tzinfo=CITY)]


async def _used(
    session: AsyncSession, query: YearQuery, borders: Sequence[datetime]
) -> Mapping[uuid.UUID, _Used]:
    begins, ends = borders[0], borders[-1]
    conditions = [
        Booking.owner_id == query.organization_id,
        Booking.stored_state == BookingState.FINISHED,
        Booking.starts_at < ends,
        Booking.ends_at > begins,
    ]
    if query.instrument_id is not None:
        conditions.append(BookingItem.instrument_id == query.instrument_id)
    outside = (Booking.organization_id != Booking.owner_id).label("outside")
    in_year = Booking.starts_at >= begins
    grouped = (
        select(
            BookingItem.instrument_id,
            outside,
            func.count(Booking.id.distinct()).filter(in_year),
            func.sum(BookingItem.fee).filter(in_year),
            *(
                func.sum(BookingItem.hours).filter(
                    Booking.starts_at >= first, Booking.ends_at <= last
                )
                for first, last in pairwise(borders)
            ),
        )
        .join(Booking, BookingItem.booking_id == Booking.id)
        .where(*conditions)
        .group_by(BookingItem.instrument_id, outside)
    )
    used: dict[uuid.UUID, _Used] = defaultdict(_Used)
    for instrument_id, is_outside, services, fee, *sums in await session.execute(grouped):
        of_months = [one or Decimal(0) for one in sums]
        used[instrument_id].add(
            _Used(
                **{"outside" if is_outside else "own": of_months},
                services=services,
                outside_services=services if is_outside else 0,
                fee=fee or Decimal(0),
            )
        )
    # What lies across a border is divided by the time in each month.
    across = or_(*(and_(Booking.starts_at < one, Booking.ends_at > one) for one in borders))
    divided = (
        select(
            BookingItem.instrument_id,
            outside,
            Booking.starts_at,
            Booking.ends_at,
            func.sum(BookingItem.hours),
        )
        .join(Booking, BookingItem.booking_id == Booking.id)
        .where(*conditions, across)
        .group_by(BookingItem.instrument_id, Booking.id)
    )
    for instrument_id, is_outside, starts_at, ends_at, hours in await session.execute(divided):
        months = used[instrument_id].outside if is_outside else used[instrument_id].own
        whole = Decimal((ends_at - starts_at).total_seconds())
        for month, (first, last) in enumerate(pairwise(borders)):
            part = (min(ends_at, last) - max(starts_at, first)).total_seconds()
            if part > 0:
                months[month] += (hours or 0) * Decimal(part) / whole
    return dict(used)


async def _instruments(
    session: AsyncSession, query: YearQuery, ends: datetime, used: Mapping[uuid.UUID, _Used]
) -> Sequence[Any]:
    """Those that were used are the owner's whatever has become of them."""
    published = Instrument.state == InstrumentState.PUBLISHED
    statement = select(*_COLUMNS, and_(published, Instrument.published_at < ends)).where(
        Instrument.organization_id == query.organization_id
    )
    if query.instrument_id is not None:
        statement = statement.where(Instrument.id == query.instrument_id)
    rows = await session.execute(statement)
    return [one for one in rows if one[-1] or one.id in used]


def _page(
    rows: Sequence[Any], used: Mapping[uuid.UUID, _Used], query: YearQuery
) -> tuple[Sequence[Any], str | None]:
    def position(row: Any) -> tuple[Decimal, uuid.UUID]:  # noqa: ANN401
        return -used[row.id].hours if row.id in used else Decimal(0), row.id

    rows = sorted(rows, key=position)
    if query.cursor is not None:
        hours, identifier = decode_cursor(query.cursor, 2)
        try:
            after = Decimal(hours), uuid.UUID(identifier)
            rows = [one for one in rows if position(one) > after]
        except (InvalidOperation, ValueError):
            raise CursorInvalid from None
    page = rows[: query.limit]
    more = len(rows) > query.limit
    return page, encode_cursor([str(part) for part in position(page[-1])]) if more else None


def _figures(used: _Used) -> dict[str, Any]:
    own, outside = (_tenth(sum(one, Decimal(0))) for one in (used.own, used.outside))
    hours = own + outside
    return {
        "hours": hours,
        "own_hours": own,
        "outside_hours": outside,
        "outside_share": _tenth(100 * outside / hours) if hours else None,
        "services": used.services,
        "outside_services": used.outside_services,
        "fee": used.fee,
    }


def _shown(row: Any, used: _Used | None, line: UseLine | None) -> InstrumentYear:  # noqa: ANN401
    idle, used = used is None, used or _Used()
    return InstrumentYear(
        **_figures(used),
        instrument_id=row.id,
        name=row.name,
        number=row.number,
        kind=row.kind,
        unit=row.unit,
        capacity=row.capacity,
        hours_a_set=_tenth(used.hours / row.capacity),
        full=_full(row, used, line),
        idle=idle,
    )


def _full(row: Any, used: _Used, line: UseLine | None) -> bool | None:  # noqa: ANN401
    if line is None or row.unit is not UsageUnit.HOUR:
        return None
    sets: int = row.capacity
    return used.hours >= line.hours_a_year * sets


def _total(
    unit: UsageUnit,
    rows: Iterable[Any],
    used: Mapping[uuid.UUID, _Used],
    line: UseLine | None,
    year: int,
) -> UnitYear:
    whole = _Used()
    instruments = idle = full = sets = 0
    for row in rows:
        of_one = used.get(row.id, _Used())
        whole.add(of_one)
        instruments += 1
        sets += row.capacity
        idle += row.id not in used
        full += _full(row, of_one, line) or False
    return UnitYear(
        **_figures(whole),
        unit=unit,
        instruments=instruments,
        idle=idle,
        full=None if line is None or unit is not UsageUnit.HOUR else full,
        hours_a_set=_tenth(whole.hours / sets),
        by_month=[
            MonthOfUse(month=f"{year}-{month:02}", own_hours=_tenth(own), outside_hours=_tenth(out))
            for month, (own, out) in enumerate(zip(whole.own, whole.outside, strict=True), 1)
        ],
    )


def _tenth(number: Decimal) -> Decimal:
    return number.quantize(_TENTH, ROUND_HALF_UP)
