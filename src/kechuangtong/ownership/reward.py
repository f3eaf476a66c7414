"""How a reward is divided among those who made an achievement."""

from collections.abc import Sequence
from decimal import Decimal

from kechuangtong.core.money import split
from kechuangtong.models import Inventor


def reward_split(amount: Decimal, inventors: Sequence[Inventor]) -> list[Decimal]:
    """The yuan of each person by contribution, in their order; they add up to the amount."""
    return split(amount, [one.contribution for one in inventors])
