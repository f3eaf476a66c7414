"""Working days (工作日): weekends, and the State Council's yearly arrangement of holidays.

Each autumn a notice of the General Office says which days of the next year are free and which
weekend days are worked instead. Of years whose notice is not in the table (`holidays.json`) the
holidays with a fixed date are known alone: those of the moon's calendar and the exchanged days are
not.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The free days of a year, and the weekend days that are worked."""

    year: int
    source: str
    rest: frozenset[date]
    work: frozenset[date]


@dataclass(frozen=True, slots=True)
class FixedHolidays:
    """Holidays that have the same date each year, as `MM-DD`."""

    in_force_from: date
    in_force_until: date | None
    source: str
    days: frozenset[str]


@cache
def _data() -> Any:  # noqa: ANN401
    path = files("kechuangtong.policies").joinpath("holidays.json")
    return json.loads(path.read_text(encoding="utf-8"))


@cache
def arrangements() -> Mapping[int, Arrangement]:
    """The years whose notice is known."""
    return MappingProxyType({one["year"]: _arrangement(one) for one in _data()["years"]})


def _arrangement(entry: dict[str, Any]) -> Arrangement:
    rest: set[date] = set()
    for first, last in entry["rest"]:
        day = date.fromisoformat(first)
        while day <= date.fromisoformat(last):
            rest.add(day)
            day += _DAY
    work = frozenset(map(date.fromisoformat, entry["work"]))
    return Arrangement(entry["year"], entry["source"], frozenset(rest), work)


@cache
def fixed() -> tuple[FixedHolidays, ...]:
    """The holidays of a fixed date, by time."""
    return tuple(
        FixedHolidays(
            in_force_from=date.fromisoformat(one["in_force_from"]),
            in_force_until=date.fromisoformat(until) if (until := one["in_force_until"]) else None,
            source=one["source"],
            days=frozenset(one["days"]),
        )
        for one in _data()["fixed"]
    )


def known(year: int) -> bool:
    """Whether the year's notice is in the table."""
    return year in arrangements()


def is_working(day: date) -> bool:
    """Whether a day is worked, as far as its year is known."""
    arrangement = arrangements().get(day.year)
    if arrangement is not None:
        return day in arrangement.work or (day.weekday() < 5 and day not in arrangement.rest)
    return day.weekday() < 5 and not any(
        one.in_force_from <= day
        and (one.in_force_until is None or day <= one.in_force_until)
        and f"{day:%m-%d}" in one.days
        for one in fixed()
    )


def after_working_days(start: date, count: int) -> date:
    """The day on which a term of so many working days ends, its first day not counted (民法典
    art. 201)."""
    day = start
    while count:
        day += _DAY
        count -= is_working(day)
    return day


def at_work(day: date) -> date:
    """The day itself where it is worked, else the next that is (民法典 art. 203)."""
    while not is_working(day):
        day += _DAY
    return day
