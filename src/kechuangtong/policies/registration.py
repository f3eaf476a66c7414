"""How long a registry has for a technology contract that it has accepted (认定登记期限).

The terms are data (`registration.json`) with their dates and sources.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kechuangtong.policies.rules import Rule, in_force, read


@dataclass(frozen=True, slots=True)
class Term:
    """So many days from acceptance, working days or calendar days; of contracts whose technology
    amount reaches `large_from` yuan, and of disputed ones, `large_days` where the rule says so."""

    rule: Rule
    days: int
    working_days: bool
    large_from: Decimal | None
    large_days: int | None


def at(on: date, region: str | None = None) -> Term | None:
    """The term in force on a day in a region, or the country's."""
    rule = in_force(read("registration"), on, region)
    if rule is None:
        return None
    return Term(
        rule=rule,
        days=rule.values["days"],
        working_days=rule.values["working_days"],
        large_from=rule.optional("large_from"),
        large_days=rule.values["large_days"],
    )
