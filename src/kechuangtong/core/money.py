"""Sums that are divided, and still add up."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

CENT: Final = Decimal("0.01")
HUNDRED: Final = Decimal(100)


def split(total: Decimal, shares: Sequence[Decimal], *, unit: Decimal = CENT) -> list[Decimal]:
    """All of a total in parts that stand to each other as the shares do, in whole units.

    By largest remainders: each part is its share rounded down, and what is left goes, a unit each,
    to those that lost most by that; of equal ones to the first. A part is thus less than a unit
    away from its share. A total below zero is divided as the one above it is. Raises ValueError
    where the total is not a number of units, a share is below zero, or there is none above it.
    """
    weights = [Fraction(share) for share in shares]
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("shares are not below zero, and one is above it")
    units = Fraction(total) / Fraction(unit)
    if units.denominator != 1:
        raise ValueError(f"{total} is no number of {unit}")
    exact = [abs(units) * weight / whole for weight in weights]
    parts = [int(one) for one in exact]
    left = int(abs(units)) - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda at: parts[at] - exact[at])
    for at in by_remainder[:left]:
        parts[at] += 1
    sign = -1 if units < 0 else 1
    return [sign * part * unit for part in parts]


def part(total: Decimal, percent: Decimal) -> Decimal:
    """So many percent of a total, to the nearest cent (halves up)."""
    return (total * percent / HUNDRED).quantize(CENT, ROUND_HALF_UP)
