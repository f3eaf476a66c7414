"""Rules that change, as data: what each says, since when, until when, and by which source.

A file of rules holds `{"rules": […]}`; its reader gives the figures their types and chooses among
them by date, and by region where regions have rules of their own.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from kechuangtong.core.language import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule, in force from the first date until the last, if any.

    `values` are its figures: amounts in yuan and percentages as decimal strings, days as numbers.
    `verified` tells whether its source gives these figures and dates; `note` what is not known of
    it. `region` is the province that it is of, by the beginning of its name; null: the whole
    country.
    """

    id: str
    title: Text
    source: str
    in_force_from: date
    in_force_until: date | None
    verified: bool
    note: Text | None
    region: str | None
    values: Mapping[str, Any]

    def in_force(self, on: date) -> bool:
        """Whether the rule was in force on a day."""
        return self.in_force_from <= on and (
            self.in_force_until is None or on <= self.in_force_until
        )

    def decimal(self, name: str) -> Decimal:
        """A figure of the rule. Raises KeyError."""
        return Decimal(self.values[name])

    def optional(self, name: str) -> Decimal | None:
        """A figure that the rule may lack."""
        return None if self.values.get(name) is None else self.decimal(name)


@cache
def read(name: str) -> tuple[Rule, ...]:
    """The rules of a file, in its order."""
    path = files("kechuangtong.policies").joinpath(f"{name}.json")
    return tuple(_rule(entry) for entry in json.loads(path.read_text(encoding="utf-8"))["rules"])


def _rule(entry: dict[str, Any]) -> Rule:
    until = entry["in_force_until"]
    return Rule(
        id=entry["id"],
        title=Text(**entry["title"]),
        source=entry["source"],
        in_force_from=date.fromisoformat(entry["in_force_from"]),
        in_force_until=date.fromisoformat(until) if until else None,
        verified=entry["verified"],
        note=Text(**entry["note"]) if entry["note"] else None,
        region=entry["region"],
        values=MappingProxyType(entry["values"]),
    )


def rule(name: str, rule_id: str) -> Rule:
    """The rule of an id in a file. Raises KeyError."""
    for one in read(name):
        if one.id == rule_id:
            return one
    raise KeyError(rule_id)


def in_force(rules: Iterable[Rule], on: date, region: str | None = None) -> Rule | None:
    """The rule in force on a day in a region: its own, else the country's."""
    found = [one for one in rules if one.in_force(on)]
    if region is not None:
        for one in found:
            if one.region is not None and region.startswith(one.region):
                return one
    return next((one for one in found if one.region is None), None)
