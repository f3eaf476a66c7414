"""What firms deduct beyond their R&D expenses (研发费用加计扣除).

The rules are data with their dates and sources: the rates (`rd_deductions.json`) and which expenses
and trades count (`rd_scopes.json`).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kechuangtong.policies.rules import Rule, in_force, read


@dataclass(frozen=True, slots=True)
class Rate:
    """So many percent more than was spent; intangible assets are amortized at 100 more than it."""

    rule: Rule
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Scope:
    """The percentage at which commissioned R&D counts, the one of all that other related expenses
    may reach, and the trades that are left out."""

    rule: Rule
    commissioned_percent: Decimal
    other_percent: Decimal
    excluded_trades: frozenset[str]


def rate(on: date, kind: str) -> Rate | None:
    """The best rate in force on a day for a kind of firm."""
    rates = [
        Rate(rule, rule.decimal("percent"))
        for rule in read("rd_deductions")
        if rule.in_force(on) and (rule.values["kinds"] is None or kind in rule.values["kinds"])
    ]
    # Of equal ones the latest says it: what was a privilege became everyone's.
    return max(rates, key=lambda one: (one.percent, one.rule.in_force_from), default=None)


def scope(on: date) -> Scope | None:
    """Which expenses and trades count on a day."""
    rule = in_force(read("rd_scopes"), on)
    if rule is None:
        return None
    return Scope(
        rule=rule,
        commissioned_percent=rule.decimal("commissioned_percent"),
        other_percent=rule.decimal("other_percent"),
        excluded_trades=frozenset(rule.values["excluded_trades"]),
    )
