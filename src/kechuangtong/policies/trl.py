"""Scales of technology readiness (技术成熟度): which there are, and since when.

A level means nothing without its scale. The scales are data (`trl_scales.json`), each with its
dates and its source; names of levels are null where the source could not be read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from kechuangtong.core.language import Text


@dataclass(frozen=True, slots=True)
class Scale:
    """One scale: levels 1 to `levels`, in force from the first date until the last, if any."""

    id: str
    name: Text
    levels: int
    level_names: tuple[str, ...] | None
    in_force_from: date
    in_force_until: date | None
    source: str
    verified: bool

    def in_force(self, on: date) -> bool:
        """Whether the scale was in force on a day."""
        return self.in_force_from <= on and (
            self.in_force_until is None or on <= self.in_force_until
        )


@cache
def _table() -> tuple[str, Mapping[str, Scale]]:
    text = files("kechuangtong.policies").joinpath("trl_scales.json").read_text(encoding="utf-8")
    data = json.loads(text)
    found = {
        entry["id"]: Scale(
            id=entry["id"],
            name=Text(**entry["name"]),
            levels=entry["levels"],
            level_names=tuple(names) if (names := entry["level_names"]) else None,
            in_force_from=date.fromisoformat(entry["in_force_from"]),
            in_force_until=date.fromisoformat(until)
            if (until := entry["in_force_until"])
            else None,
            source=entry["source"],
            verified=entry["verified"],
        )
        for entry in data["scales"]
    }
    return data["default"], MappingProxyType(found)


def scales() -> Mapping[str, Scale]:
    """All scales by their id."""
    return _table()[1]


def scale(scale_id: str) -> Scale:
    """The scale of an id. Raises KeyError."""
    return scales()[scale_id]


def default() -> Scale:
    """The scale that a level belongs to when nobody says which."""
    return scale(_table()[0])


def at(on: date) -> tuple[Scale, ...]:
    """The scales in force on a day, in the order of the table."""
    return tuple(one for one in scales().values() if one.in_force(on))
