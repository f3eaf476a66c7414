"""Money in yuan: dividing it to the cent."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Final

_CENT: Final = Decimal("0.01")


def split(total: Decimal, shares: Sequence[Decimal]) -> list[Decimal]:
    """Divide an amount of whole cents in proportion to shares; the parts add up to it exactly.

    Each is rounded down to the cent, and the cents that are left go to those of the largest
    remainders, the first among equals. Raises ValueError where the shares have no sum above zero.
    """
    whole = sum(shares)
    if whole <= 0 or min(shares) < 0:
        raise ValueError("shares are not negative, and one of them is above zero")
    exact = [total * share / whole for share in shares]
    parts = [one.quantize(_CENT, ROUND_DOWN) for one in exact]
    left = int((total - sum(parts)) / _CENT)
    by_remainder = sorted(range(len(shares)), key=lambda i: (parts[i] - exact[i], i))
    for index in by_remainder[:left]:
        parts[index] += _CENT
    return parts
