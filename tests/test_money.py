"""Sums that are divided add up to the cent, whatever the shares."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kechuangtong.core.money import part, split

AMOUNTS = st.decimals(
    min_value=Decimal("-999999999999.99"), max_value=Decimal("999999999999.99"), places=2
)
SHARES = st.lists(
    st.decimals(min_value=0, max_value=100, places=4), min_size=1, max_size=12
).filter(any)


@settings(max_examples=30, deadline=None)
@given(total=AMOUNTS, shares=SHARES)
def test_parts_add_up_and_are_next_to_their_shares(total: Decimal, shares: list[Decimal]) -> None:
    parts = split(total, shares)
    assert sum(parts) == total
    whole = sum(shares)
    for its, share in zip(parts, shares, strict=True):
        assert abs(its * whole - total * share) < Decimal("0.01") * whole
        assert its == its.quantize(Decimal("0.01"))
        assert its == 0 or share > 0
    assert split(-total, shares) == [-one for one in parts]


@pytest.mark.parametrize(
    ("total", "shares", "parts"),
    [
        ("0.01", ["1", "1", "1"], ["0.01", "0.00", "0.00"]),
        ("100.00", ["33.3333", "33.3333", "33.3334"], ["33.33", "33.33", "33.34"]),
        ("0.05", ["70", "30"], ["0.04", "0.01"]),
        ("10.00", ["0", "100"], ["0.00", "10.00"]),
        ("0.00", ["50", "50"], ["0.00", "0.00"]),
    ],
)
def test_what_is_left_goes_to_who_lost_most(
    total: str, shares: list[str], parts: list[str]
) -> None:
    assert split(Decimal(total), list(map(Decimal, shares))) == list(map(Decimal, parts))


@pytest.mark.parametrize(
    ("total", "shares"), [("1.00", ["0"]), ("1.00", ["-1", "2"]), ("0.001", ["1"])]
)
def test_what_cannot_be_divided_is_refused(total: str, shares: list[str]) -> None:
    with pytest.raises(ValueError, match=r"share|number"):
        split(Decimal(total), list(map(Decimal, shares)))


def test_shares_are_divided_in_units_of_their_own() -> None:
    thirds = split(Decimal(100), [Decimal(1)] * 3, unit=Decimal("0.0001"))
    assert thirds == [Decimal("33.3334"), Decimal("33.3333"), Decimal("33.3333")]
    assert part(Decimal("0.10"), Decimal("5")) == Decimal("0.01")  # halves go up
