"""When an instrument is open: spans of wall clock time in the city, as periods of instants."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from kechuangtong.core.clock import CITY


class Period(NamedTuple):
    """From an instant until another, which is not of it any more."""

    starts_at: datetime
    ends_at: datetime

    @property
    def length(self) -> timedelta:
        return self.ends_at - self.starts_at

    def holds(self, other: "Period") -> bool:
        """Whether all of the other lies in this one."""
        return self.starts_at <= other.starts_at and other.ends_at <= self.ends_at

    def meets(self, other: "Period") -> bool:
        """Whether the two have an instant in common."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


def minutes_of(clock: str) -> int:
    """The minutes since midnight of a time like 08:30; 24:00 is the end of the day."""
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


Spans = Sequence[tuple[int, int]]  # in minutes since midnight


@dataclass(frozen=True, slots=True)
class Hours:
    """Spans of opening by ISO weekday (1 is Monday), and those of dates that are exceptions."""

    weekly: Mapping[int, Spans]
    exceptions: Mapping[date, Spans]

    @classmethod
    def read(
        cls, weekly: Iterable[Mapping[str, Any]], exceptions: Iterable[Mapping[str, Any]]
    ) -> "Hours":
        """The hours that an instrument's record holds."""
        by_weekday = defaultdict(list)
        for one in weekly:
            by_weekday[one["weekday"]].append(_span(one))
        return cls(
            by_weekday,
            {
                date.fromisoformat(one["date"]): [_span(span) for span in one["spans"]]
                for one in exceptions
            },
        )

    def open_periods(self, within: Period) -> list[Period]:
        """When it is open within a period, in order; what follows without a gap is one."""
        return merged(
            Period(max(one.starts_at, within.starts_at), min(one.ends_at, within.ends_at))
            for one in self._of_days(within)
            if one.meets(within)
        )

    def _of_days(self, within: Period) -> Iterator[Period]:
        day = within.starts_at.astimezone(CITY).date()
        last = within.ends_at.astimezone(CITY).date()
        while day <= last:
            spans = self.exceptions.get(day)
            if spans is None:
                spans = self.weekly.get(day.isoweekday(), ())
            if spans:
                midnight = datetime.combine(day, time(), CITY)
                for opens, closes in spans:
                    yield Period(_after(midnight, opens), _after(midnight, closes))
            day += timedelta(days=1)


def _span(span: Mapping[str, Any]) -> tuple[int, int]:
    return minutes_of(span["opens"]), minutes_of(span["closes"])


def _after(midnight: datetime, minutes: int) -> datetime:
    return (midnight + timedelta(minutes=minutes)).astimezone(UTC)


def merged(periods: Iterable[Period]) -> list[Period]:
    """Periods in order, those that meet or touch as one."""
    found: list[Period] = []
    for one in sorted(periods):
        if found and one.starts_at <= found[-1].ends_at:
            found[-1] = Period(found[-1].starts_at, max(found[-1].ends_at, one.ends_at))
        else:
            found.append(one)
    return found


def without(periods: Iterable[Period], taken: Iterable[Period]) -> list[Period]:
    """What is left of periods, both in order and each without overlaps, without what is taken."""
    left: list[Period] = []
    others = merged(taken)
    first = 0
    for one in periods:
        start = one.starts_at
        while first < len(others) and others[first].ends_at <= start:
            first += 1
        for other in others[first:]:
            if other.starts_at >= one.ends_at:
                break
            if other.starts_at > start:
                left.append(Period(start, other.starts_at))
            start = max(start, other.ends_at)
        if start < one.ends_at:
            left.append(Period(start, one.ends_at))
    return left
