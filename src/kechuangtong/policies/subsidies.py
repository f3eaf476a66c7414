"""What a city pays for technology deals (技术交易补助).

The rules are data (`subsidies.json`) with their dates and sources. They say what is subsidized and
on what; a rate that is not known is in no rule.
"""

from dataclasses import dataclass
from datetime import date

from kechuangtong.policies.rules import Rule, in_force, read


@dataclass(frozen=True, slots=True)
class Subsidy:
    """The kinds of contract that are subsidized."""

    rule: Rule
    contract_kinds: frozenset[str]


def at(on: date, region: str) -> Subsidy | None:
    """The subsidy of a region on a day, if it has one."""
    rule = in_force(read("subsidies"), on, region)
    return None if rule is None else Subsidy(rule, frozenset(rule.values["contract_kinds"]))
