"""What rules say of the makers of job achievements (职务科技成果完成人): the least term of a
long-term right of use, and the least time to answer an offer of first refusal.

The rules are data (`ownership.json`) with their dates and sources.
"""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Least:
    """A least number (of years, or of days) in force from the first date until the last, if any;
    None where the rule names none."""

    number: int | None
    in_force_from: date
    in_force_until: date | None
    verified: bool
    source: str


@cache
def _table(name: str, unit: str) -> tuple[Least, ...]:
    path = files("kechuangtong.policies").joinpath("ownership.json")
    return tuple(
        Least(
            number=entry[unit],
            in_force_from=date.fromisoformat(entry["in_force_from"]),
            in_force_until=date.fromisoformat(until)
            if (until := entry["in_force_until"])
            else None,
            verified=entry["verified"],
            source=entry["source"],
        )
        for entry in json.loads(path.read_text(encoding="utf-8"))[name]
    )


def _at(table: tuple[Least, ...], on: date) -> int | None:
    for one in table:
        if one.in_force_from <= on and (one.in_force_until is None or on <= one.in_force_until):
            return one.number
    return None


def years_of_use(on: date) -> int | None:
    """The least years of a long-term right of use (长期使用权) that begins on a day."""
    return _at(_table("long_term_use", "minimum_years"), on)


def days_to_answer(on: date) -> int | None:
    """The least days to answer an offer of first refusal (优先受让权) that is made on a day."""
    return _at(_table("first_refusal", "minimum_days"), on)
