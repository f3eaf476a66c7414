"""What a booking costs: hours of use, times the price that was in force at its start."""

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from kechuangtong.instruments.hours import Period

_CENT: Final = Decimal("0.01")


def price_in_force(prices: Iterable[tuple[date, Decimal]], on: date) -> Decimal | None:
    """Of prices with their first days the one that holds on a day; None before the first."""
    begun = [(first, amount) for first, amount in prices if first <= on]
    return max(begun)[1] if begun else None


def booked_hours(period: Period) -> Decimal:
    """The hours of a period, to the hundredth."""
    seconds = Decimal(int(period.length.total_seconds()))
    return (seconds / 3_600).quantize(_CENT, ROUND_HALF_UP)


def fee(hours: Decimal, price: Decimal) -> Decimal:
    """What hours cost in yuan, to the cent."""
    return (hours * price).quantize(_CENT, ROUND_HALF_UP)
