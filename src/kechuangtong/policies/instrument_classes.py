"""The classification of instruments (大型科学仪器设备分类): names of six-digit codes.

A code has three levels of two digits (大类、中类、小类). The table is data
(`instrument_classes.json`) with its date and source; what could not be read is not in it, so the
names of a code go as deep as they are known.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Classification:
    """The names of main classes (two digits) and classes (four), since when and after what."""

    names: Mapping[str, str]
    in_force_from: date
    source: str


@cache
def table() -> Classification:
    """The classification in force."""
    path = files("kechuangtong.policies").joinpath("instrument_classes.json")
    data = json.loads(path.read_text(encoding="utf-8"))
    return Classification(
        names=MappingProxyType(data["names"]),
        in_force_from=date.fromisoformat(data["in_force_from"]),
        source=data["source"],
    )


def levels_of(code: str) -> list[str]:
    """A code at each of its levels, the widest first; of an empty one none."""
    return [code[:length] for length in (2, 4, 6) if len(code) >= length]


def names_of(code: str) -> list[str]:
    """What the levels of a code are called, the widest first, as far as that is known."""
    names = table().names
    return [names[one] for one in levels_of(code) if one in names]
