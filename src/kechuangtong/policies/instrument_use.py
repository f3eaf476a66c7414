"""From how many hours a year on an instrument counts as fully used (机时饱满).

The lines are data (`instrument_use.json`) with their dates and sources.
"""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class UseLine:
    """A line in hours a year of one set, in force from the first date until the last, if any."""

    hours_a_year: int
    in_force_from: date
    in_force_until: date | None
    source: str
    verified: bool


@cache
def lines() -> tuple[UseLine, ...]:
    """All lines, in the order of the table."""
    path = files("kechuangtong.policies").joinpath("instrument_use.json")
    return tuple(
        UseLine(
            hours_a_year=entry["hours_a_year"],
            in_force_from=date.fromisoformat(entry["in_force_from"]),
            in_force_until=date.fromisoformat(until)
            if (until := entry["in_force_until"])
            else None,
            source=entry["source"],
            verified=entry["verified"],
        )
        for entry in json.loads(path.read_text(encoding="utf-8"))["lines"]
    )


def at(on: date) -> UseLine | None:
    """The line in force on a day."""
    for one in lines():
        if one.in_force_from <= on and (one.in_force_until is None or on <= one.in_force_until):
            return one
    return None
