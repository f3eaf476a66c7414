"""Opening hours and free times: arithmetic of wall clock time, units and steps."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kechuangtong.core.clock import CITY
from kechuangtong.instruments.hours import Hours, Period, merged, without
from kechuangtong.instruments.queries import distance_km
from kechuangtong.instruments.slots import Room, aligned_down, aligned_up, nearest
from kechuangtong.policies import instrument_classes


def at(day: int, clock: str) -> datetime:
    """An instant of March 2027, whose first day is a Monday, in the city."""
    hour, minute = map(int, clock.split(":"))
    return (datetime(2027, 3, day, tzinfo=CITY) + timedelta(hours=hour, minutes=minute)).astimezone(
        UTC
    )


def period(day: int, opens: str, closes: str) -> Period:
    return Period(at(day, opens), at(day, closes))


def test_hours_of_weekdays_with_exceptions() -> None:
    weekly = [
        {"weekday": 1, "opens": "08:30", "closes": "12:00"},
        {"weekday": 1, "opens": "13:30", "closes": "18:00"},
        {"weekday": 2, "opens": "20:00", "closes": "24:00"},
        {"weekday": 3, "opens": "00:00", "closes": "02:00"},
    ]
    exceptions = [
        {"date": "2027-03-08", "spans": []},
        {"date": "2027-03-09", "spans": [{"opens": "10:00", "closes": "11:00"}]},
    ]
    hours = Hours.read(weekly, exceptions)
    assert hours.open_periods(Period(at(1, "00:00"), at(11, "00:00"))) == [
        period(1, "08:30", "12:00"),
        period(1, "13:30", "18:00"),
        Period(at(2, "20:00"), at(3, "02:00")),  # through the night
        period(9, "10:00", "11:00"),  # the Monday before is closed
        period(10, "00:00", "02:00"),
    ]
    # The first morning hours in the city are the day before in UTC.
    assert hours.open_periods(period(3, "01:00", "05:00")) == [period(3, "01:00", "02:00")]
    assert hours.open_periods(period(4, "00:00", "24:00")) == []


INSTANTS = st.integers(0, 40).map(lambda hours: at(1, "00:00") + timedelta(hours=hours))
PERIODS = st.lists(
    st.tuples(INSTANTS, INSTANTS).filter(lambda one: one[0] < one[1]).map(lambda one: Period(*one)),
    max_size=8,
)


@given(PERIODS, PERIODS)
@hypothesis_settings(max_examples=100, derandomize=True, deadline=None)
def test_what_is_left_is_what_was_there_and_is_not_taken(
    there: list[Period], taken: list[Period]
) -> None:
    left = without(merged(there), taken)
    for hour in range(41):
        instant = at(1, "00:00") + timedelta(hours=hour)
        inside = [
            any(one.starts_at <= instant < one.ends_at for one in periods)
            for periods in (there, taken, left)
        ]
        assert inside[2] == (inside[0] and not inside[1])
    assert all(one.ends_at <= other.starts_at for one, other in pairwise(left))


def test_a_booking_keeps_to_one_unit() -> None:
    room = Room(
        [period(1, "08:00", "18:00")],
        {1: [period(1, "09:00", "10:00")], 2: [period(1, "10:00", "11:00")]},
        capacity=2,
    )
    assert (
        room.units_for(period(1, "09:00", "11:00")) == []
    )  # one at each instant, but none for all
    assert not room.has(1, period(1, "09:00", "11:00"))
    assert room.units_for(period(1, "08:00", "09:00")) == [1, 2]  # the smaller gap first
    assert room.units_for(period(1, "17:00", "19:00")) == []
    assert room.has(2, period(1, "11:00", "12:00"))
    assert dict(room.gaps) == {
        period(1, "08:00", "09:00"): 1,
        period(1, "10:00", "18:00"): 1,
        period(1, "08:00", "10:00"): 1,
        period(1, "11:00", "18:00"): 1,
    }
    assert Room([period(1, "08:00", "18:00")], {}, 3).gaps == {period(1, "08:00", "18:00"): 3}


def test_the_nearest_free_times() -> None:
    room = Room(
        [period(1, "08:00", "12:00"), period(1, "13:00", "18:00")],
        {1: [period(1, "09:00", "10:20"), period(1, "14:00", "15:00")]},
        capacity=1,
    )
    wanted = period(1, "09:30", "10:30")
    assert nearest([(room, 1)], wanted, step=30, count=4) == [
        period(1, "10:30", "11:30"),
        period(1, "08:00", "09:00"),
        period(1, "11:00", "12:00"),
        period(1, "13:00", "14:00"),
    ]
    assert nearest([(room, 2)], wanted, step=30) == []
    other = Room(room.open, {1: [period(1, "10:00", "11:30")]}, capacity=1)
    both = nearest([(room, 1), (other, 1)], wanted, step=30, count=2)
    assert both == [period(1, "08:00", "09:00"), period(1, "13:00", "14:00")]
    assert room.first(timedelta(minutes=90), step=30) == period(1, "10:30", "12:00")
    assert room.first(timedelta(hours=4), step=30) is None
    assert aligned_up(at(1, "10:20"), 30) == at(1, "10:30")
    assert aligned_up(at(1, "10:30"), 30) == at(1, "10:30")
    assert aligned_down(at(1, "10:29"), 720) == at(1, "00:00")  # of the city's day, not of UTC's


def test_distances_and_names_of_classes() -> None:
    # Tianfu Square to Chengdu East railway station, as measured on a map: 7.7 km.
    assert 7 < distance_km((30.6574, 104.0657), (30.6297, 104.1405)) < 8.5
    assert distance_km((0, 179.5), (0, -179.5)) < 112  # over the date line
    assert instrument_classes.names_of("010203") == ["分析仪器", "质谱仪器"]
    assert instrument_classes.names_of("130000") == []
