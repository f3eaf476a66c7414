"""How a resident firm's income of technology transfer is taxed (技术转让所得税收优惠).

The rules are data (`transfer_taxes.json`) with their dates and sources.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kechuangtong.policies.rules import Rule, read, rule

_VAT = ("transfer-vat-2016", "transfer-vat-2026")


@dataclass(frozen=True, slots=True)
class Relief:
    """Up to so many yuan a year are exempt; of the rest so many percent are taxed. Licences last at
    least so many years."""

    rule: Rule
    exempt_up_to: Decimal
    taxed_percent: Decimal
    least_licence_years: int


def relief(on: date) -> Relief | None:
    """The relief in force on a day."""
    found = rule("transfer_taxes", "transfer-income-tax")
    if not found.in_force(on):
        return None
    return Relief(
        rule=found,
        exempt_up_to=found.decimal("exempt_up_to"),
        taxed_percent=found.decimal("taxed_percent"),
        least_licence_years=found.values["least_licence_years"],
    )


def non_exclusive(on: date) -> Rule | None:
    """The rule by which non-exclusive licences count, if it was in force on a day."""
    found = rule("transfer_taxes", "transfer-non-exclusive")
    return found if found.in_force(on) else None


def vat_exemption(on: date) -> Rule | None:
    """The exemption of value-added tax in force on a day."""
    for one in read("transfer_taxes"):
        if one.id in _VAT and one.in_force(on):
            return one
    return None
