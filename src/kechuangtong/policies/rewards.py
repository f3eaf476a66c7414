"""The least that those get who made what a unit transfers (职务科技成果转化奖励).

The rules are data with their dates and sources: the floors of the award (`rewards.json`), what
part of it goes to whom (`reward_shares.json`), how cash is taxed (`reward_taxes.json`).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kechuangtong.policies.rules import Rule, in_force, read


@dataclass(frozen=True, slots=True)
class Floor:
    """Percentages: of net income, of shares, and of each year's operating profit, the last for so
    many years from the start of production."""

    rule: Rule
    income_percent: Decimal
    shares_percent: Decimal
    profit_percent: Decimal
    least_years: int
    most_years: int


@dataclass(frozen=True, slots=True)
class Parts:
    """The least percentages of the award that go to main contributors and to the office that
    brought the transfer about, null where the rule says nothing of it."""

    rule: Rule
    main_percent: Decimal
    office_percent: Decimal | None


@dataclass(frozen=True, slots=True)
class CashTax:
    """The percentage of a cash award that counts as wages."""

    rule: Rule
    counted_percent: Decimal


def floor(on: date, region: str | None = None) -> Floor | None:
    """The floor in force on a day in a region, or the country's."""
    rule = in_force(read("rewards"), on, region)
    if rule is None:
        return None
    return Floor(
        rule=rule,
        income_percent=rule.decimal("income_percent"),
        shares_percent=rule.decimal("shares_percent"),
        profit_percent=rule.decimal("profit_percent"),
        least_years=rule.values["least_years"],
        most_years=rule.values["most_years"],
    )


def parts(on: date, region: str | None = None) -> Parts | None:
    """What part of the award goes to whom, on a day in a region or the country."""
    rule = in_force(read("reward_shares"), on, region)
    if rule is None:
        return None
    return Parts(rule, rule.decimal("main_percent"), rule.optional("office_percent"))


def cash_tax(on: date) -> CashTax | None:
    """How a cash award is taxed on a day."""
    rule = in_force(read("reward_taxes"), on)
    return None if rule is None else CashTax(rule, rule.decimal("counted_percent"))
