"""Times that recur by rule: in the city's days, bounded, with reasons for rules that are none."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from time import perf_counter

import pytest

from kechuangtong.bookings import fees
from kechuangtong.bookings.series import times
from kechuangtong.core.clock import CITY
from kechuangtong.instruments.hours import Period


def first(day: int, hour: int = 7) -> Period:
    """Two hours of a day of March 2027, whose first day is a Monday, in the city."""
    start = datetime(2027, 3, day, hour, tzinfo=CITY).astimezone(UTC)
    return Period(start, start + timedelta(hours=2))


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("FREQ=DAILY;COUNT=3", ["03-01", "03-02", "03-03"]),
        ("RRULE:FREQ=DAILY;INTERVAL=10;UNTIL=20270321", ["03-01", "03-11", "03-21"]),
        ("FREQ=DAILY;BYDAY=MO,FR;COUNT=3", ["03-01", "03-05", "03-08"]),
        ("freq=weekly;byday=MO,WE;count=4", ["03-01", "03-03", "03-08", "03-10"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU;COUNT=3", ["03-01", "03-14", "03-15"]),
        ("FREQ=MONTHLY;BYMONTHDAY=1,-1;COUNT=3", ["03-01", "03-31", "04-01"]),
        ("FREQ=MONTHLY;BYDAY=1MO,-1FR;COUNT=3", ["03-01", "03-26", "04-05"]),
        # 7:00 in the city is the day before in UTC: UNTIL counts by the instant, days by the city.
        ("FREQ=DAILY;UNTIL=20270302T230000Z", ["03-01", "03-02", "03-03"]),
        ("FREQ=DAILY;UNTIL=20270302T225959Z", ["03-01", "03-02"]),
        ("FREQ=DAILY;UNTIL=20270302T070000", ["03-01", "03-02"]),
    ],
)
def test_times_of_a_rule(rule: str, days: list[str]) -> None:
    found = times(rule, first(1))
    assert [f"{one.starts_at.astimezone(CITY):%m-%d}" for one in found] == days
    assert {f"{one.starts_at.astimezone(CITY):%H:%M}" for one in found} == {"07:00"}
    assert {one.length for one in found} == {timedelta(hours=2)}


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("", "no rule"),
        ("every day", "no rule"),
        ("FREQ=DAILY;COUNT=3;COUNT=4", "no rule"),
        ("FREQ=HOURLY;COUNT=3", "FREQ=HOURLY"),
        ("FREQ=YEARLY;COUNT=3", "FREQ=YEARLY"),
        ("FREQ=DAILY", "COUNT or UNTIL"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270401", "COUNT or UNTIL"),
        ("FREQ=DAILY;COUNT=0", "COUNT=0"),
        ("FREQ=DAILY;COUNT=101", "COUNT=101"),
        ("FREQ=DAILY;COUNT=３", "COUNT=３"),
        ("FREQ=DAILY;UNTIL=20281231", "at most 100 times"),
        ("FREQ=MONTHLY;INTERVAL=6;COUNT=10", "in two years"),
        ("FREQ=DAILY;UNTIL=2027-04-01", "UNTIL=2027-04-01"),
        ("FREQ=DAILY;UNTIL=20270101", "first time"),
        ("FREQ=WEEKLY;BYDAY=TU;COUNT=3", "first time"),
        ("FREQ=WEEKLY;BYDAY=1MO;COUNT=3", "1MO"),
        ("FREQ=WEEKLY;BYDAY=XX;COUNT=3", "XX"),
        ("FREQ=DAILY;INTERVAL=2;BYDAY=MO;COUNT=3", "BYDAY"),
        ("FREQ=DAILY;BYMONTH=2;COUNT=3", "BYMONTH"),
        ("FREQ=MONTHLY;BYMONTHDAY=32;COUNT=3", "BYMONTHDAY=32"),
        ("FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1;COUNT=3", "BYDAY"),
        ("FREQ=DAILY;BYSETPOS=1;COUNT=3", "BYSETPOS"),
    ],
)
def test_rules_that_are_none_or_do_not_end(rule: str, says: str) -> None:
    with pytest.raises(ValueError) as raised:
        times(rule, first(1))
    assert says in raised.value.args[0].en


def test_a_rule_whose_day_never_comes_again_ends_soon() -> None:
    begun = perf_counter()
    with pytest.raises(ValueError):  # the 31st of June, every twelve months
        times(
            "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31;COUNT=3",
            Period(*(one + timedelta(days=92) for one in first(1))),
        )
    assert perf_counter() - begun < 2


def test_fees_are_hours_times_the_price_in_force() -> None:
    prices = [
        (datetime(2027, 3, day, tzinfo=CITY).date(), Decimal(amount))
        for day, amount in ((10, "12.50"), (1, "10.00"), (20, "0.00"))
    ]
    days = (datetime(2027, 2, 28, tzinfo=CITY).date(), *(one for one, _ in sorted(prices)))
    assert [fees.price_in_force(prices, one) for one in days] == [
        None,
        Decimal("10.00"),
        Decimal("12.50"),
        Decimal("0.00"),
    ]
    assert fees.fee(Decimal("1.35"), Decimal("333.33")) == Decimal("450.00")  # 449.9955
    assert fees.fee(Decimal("0.50"), Decimal("0.01")) == Decimal("0.01")  # half a cent goes up
    assert fees.booked_hours(
        Period(first(1).starts_at, first(1).starts_at + timedelta(minutes=50))
    ) == (Decimal("0.83"))
