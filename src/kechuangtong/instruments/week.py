"""An instrument's week (周视图): what of each hour is closed, free or taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core.clock import CITY, now
from kechuangtong.instruments.hours import Hours, Period, without
from kechuangtong.instruments.queries import closed_times, taken
from kechuangtong.instruments.slots import Room
from kechuangtong.models import Instrument

DAYS = 7


class HourState(StrEnum):
    """How an hour of the week stands."""

    CLOSED = "closed"  # 不开放
    PAST = "past"  # 已过, or too near to be booked
    FREE = "free"  # 空闲
    PARTLY = "partly"  # 部分空闲: some units, or a part of the hour
    FULL = "full"  # 已满


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour: how it stands, how many units are taken in some of it, and the first instant in it
    from which a unit is free."""

    period: Period
    state: HourState
    taken: int
    free_from: datetime | None


@dataclass(frozen=True, slots=True)
class Week:
    """The days of a week, each with the hours between the earliest opening and the last closing."""

    days: Sequence[tuple[date, Sequence[Hour]]]

    @property
    def period(self) -> Period:
        """From the beginning of its Monday on, in the city."""
        return period_of(self.days[0][0])


def monday_of(day: date) -> date:
    """The first day of a day's week."""
    return day - timedelta(days=day.weekday())


def period_of(monday: date) -> Period:
    """A week's time in the city."""
    begins = datetime.combine(monday, time(), CITY)
    return Period(begins, begins + timedelta(days=DAYS))


async def week_of(session: AsyncSession, instrument: Instrument, day: date) -> Week:
    """The week of an instrument in which a day lies."""
    monday = monday_of(day)
    period = period_of(monday)
    hours = Hours.read(instrument.opening_hours, instrument.opening_exceptions)
    closed = await closed_times(session, [instrument.id], period)
    booked = await taken(session, [instrument.id], period)
    room = Room(
        without(hours.open_periods(period), closed.get(instrument.id, ())),
        booked.get(instrument.id, {}),
        instrument.capacity,
    )
    earliest = now() + timedelta(minutes=instrument.lead_minutes)
    days = [monday + timedelta(days=number) for number in range(DAYS)]
    first, last = _span(hours, days)
    return Week(
        [
            (one, [_hour(room, _at(one, hour), earliest) for hour in range(first, last)])
            for one in days
        ]
    )


def _span(hours: Hours, days: Sequence[date]) -> tuple[int, int]:
    """The first hour in which it opens on one of the days, and the one until which it is open."""
    spans = [
        span
        for day in days
        for span in hours.exceptions.get(day, hours.weekly.get(day.isoweekday(), ()))
    ]
    if not spans:
        return 0, 0
    return min(opens for opens, _ in spans) // 60, -(-max(closes for _, closes in spans) // 60)


def _at(day: date, hour: int) -> Period:
    begins = datetime.combine(day, time(hour), CITY)
    return Period(begins, begins + timedelta(hours=1))


def _hour(room: Room, hour: Period, earliest: datetime) -> Hour:
    free = [max(gap.starts_at, hour.starts_at) for gap in room.gaps if gap.meets(hour)]
    units = sum(any(one.meets(hour) for one in periods) for periods in room.busy.values())
    if not any(one.meets(hour) for one in room.open):
        state = HourState.CLOSED
    elif min(free, default=hour.starts_at) < earliest:
        state = HourState.PAST
    elif not units:
        state = HourState.FREE
    else:
        state = HourState.PARTLY if free else HourState.FULL
    return Hour(hour, state, units, min(free, default=None))
