"""Random sequences of bookings: no overlap above capacity, no lost booking, right fees."""

import os
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from instruments.conftest import ALL_DAY
from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Role
from kechuangtong.bookings import service as bookings
from kechuangtong.bookings.errors import (
    CancelTooLate,
    NotYet,
    SeriesConflicts,
    SlotTaken,
    WrongBookingState,
)
from kechuangtong.bookings.schemas import BookingCreate, SeriesCreate, UsageRecord
from kechuangtong.bookings.states import HOLDING, TRANSITIONS, Action
from kechuangtong.core import migrations
from kechuangtong.core.clock import CITY
from kechuangtong.core.db import Database, new_id
from kechuangtong.core.errors import AppError, Forbidden
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.models import Booking, BookingItem, Instrument, InstrumentPrice, Organization
from kechuangtong.models.booking import BookingState
from kechuangtong.models.instrument import InstrumentKind, InstrumentState, UserClass

LONG = bool(os.environ.get("KCT_TEST_LONG"))
MONDAY = datetime(2027, 3, 1, tzinfo=CITY)
# By time alone, and by others' bookings that make room.
BY_ITSELF = {
    BookingState.REQUESTED: {BookingState.LAPSED},
    BookingState.WAITING: {BookingState.REQUESTED, BookingState.APPROVED, BookingState.LAPSED},
}

HOURS = st.integers(0, 60)
LENGTHS = st.integers(1, 6)
BOOK = st.tuples(st.just("book"), HOURS, LENGTHS, st.integers(1, 2), st.booleans())
SERIES = st.tuples(st.just("series"), HOURS, LENGTHS, st.booleans())
DONE = st.sampled_from(sorted(set(Action) - {Action.LAPSE, Action.RATE}))
USED = st.one_of(st.none(), st.decimals(0, 20, places=2))
ACT = st.tuples(st.just("act"), st.integers(0, 9), DONE, st.booleans(), USED)
PASS = st.tuples(st.just("pass"), st.integers(1, 12))
STEPS = st.lists(st.one_of(BOOK, BOOK, SERIES, ACT, ACT, PASS), min_size=3, max_size=8)
PRICES = st.dictionaries(
    st.integers(-2, 3), st.decimals(0, 5_000, places=2), min_size=1, max_size=3
)


@dataclass(frozen=True)
class Place:
    """A database without a service around it, and two organizations in it."""

    database: Database
    university: uuid.UUID
    enterprise: uuid.UUID


@pytest.fixture
async def place(database_url: str) -> AsyncIterator[Place]:
    """One database for all sequences, of each kind."""
    database = Database(database_url)
    await migrations.migrate(database)
    ids = {OrganizationKind.UNIVERSITY: new_id(), OrganizationKind.ENTERPRISE: new_id()}
    async with database.write() as session:
        session.add_all(
            Organization(id=one, kind=kind, name=kind.value, name_key=kind.value)
            for kind, one in ids.items()
        )
    yield Place(database, *ids.values())
    await database.close()


@dataclass
class Run:
    """One sequence on an instrument of its own, and what was answered."""

    place: Place
    instrument_id: uuid.UUID
    capacity: int
    prices: dict[int, Decimal]
    told: dict[uuid.UUID, BookingState] = field(default_factory=dict)
    hour: int = 0

    def __post_init__(self) -> None:
        organizations = {"buyer": self.place.enterprise, "scholar": self.place.university}
        self.buyer, self.scholar = (
            Actor(kind="user", name=name, id=new_id(), roles={organization: Role.MANAGER})
            for name, organization in organizations.items()
        )

    def wish(self, start: int, length: int, units: int = 1) -> dict[str, Any]:
        starts_at = MONDAY + timedelta(hours=start)
        return {
            "instruments": [{"instrument_id": self.instrument_id, "units": units}],
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(hours=length),
        }

    async def book(self, start: int, length: int, units: int, wait: bool) -> None:
        body = {**self.wish(start, length, units), "if_full": "wait" if wait else "refuse"}
        refused = waits = False
        try:
            async with self.place.database.write() as session:
                made = await bookings.book(session, self.buyer, BookingCreate(**body))
        except SlotTaken:
            refused = True
        except AppError:
            assert start <= self.hour or units > self.capacity
        else:
            self.told[made.id] = made.stored_state
            waits = made.stored_state is BookingState.WAITING
        if refused or waits:
            # Who waits may have come first to what has become free meanwhile.
            others = [one for one in self.told.values() if one is BookingState.WAITING]
            assert len(others) > waits or await self.free(start, length) < units

    async def series(self, start: int, length: int, skip: bool) -> None:
        body = {
            **self.wish(start, length),
            "rule": "FREQ=DAILY;COUNT=2",
            "conflicts": "skip" if skip else "refuse",
        }
        try:
            async with self.place.database.write() as session:
                made = await bookings.book_series(session, self.buyer, SeriesCreate(**body))
        except SeriesConflicts:
            return
        else:
            assert len(made.bookings) + len(made.skipped) == 2
            self.told |= {one.id: one.state for one in made.bookings}

    async def act(self, index: int, action: Action, by_staff: bool, hours: Decimal | None) -> None:
        if not self.told:
            return
        booking_id = list(self.told)[index % len(self.told)]
        actor = self.scholar if by_staff else self.buyer
        try:
            async with self.place.database.write() as session:
                done = await bookings.act(
                    session,
                    actor,
                    booking_id,
                    action,
                    expected_versions=None,
                    usage=UsageRecord(hours=hours),
                )
        except (Forbidden, WrongBookingState, NotYet, CancelTooLate):
            return
        else:
            assert done.stored_state in TRANSITIONS[self.now(booking_id, action)].values()
            self.told[booking_id] = done.stored_state

    def now(self, booking_id: uuid.UUID, action: Action) -> BookingState:
        """A state that a booking can have, as it was told last, in which it has an action."""
        last = self.told[booking_id]
        return next(
            one
            for one in (last, *BY_ITSELF.get(last, ()), BookingState.APPROVED)
            if action in TRANSITIONS[one]
        )

    async def stored(self) -> list[Booking]:
        async with self.place.database.read() as session:
            found = await session.scalars(
                select(Booking)
                .where(Booking.items.any(instrument_id=self.instrument_id))
                .options(joinedload(Booking.items))
            )
            return list(found.unique())

    async def free(self, start: int, length: int) -> int:
        """How many units nobody has in any of these hours, counted hour by hour."""
        taken = {
            item.unit
            for one in await self.stored()
            if one.state in HOLDING
            for item in one.items
            for hour in range(start, start + length)
            if item.starts_at <= MONDAY + timedelta(hours=hour) < item.ends_at
        }
        return self.capacity - len(taken)

    async def check(self) -> list[Booking]:
        stored = await self.stored()
        assert {one.id for one in stored} == set(self.told)  # none lost, none made by itself
        units = defaultdict(list)
        for one in stored:
            last = self.told[one.id]
            reached = {last} | BY_ITSELF.get(last, set())
            reached |= {after for state in reached for after in BY_ITSELF.get(state, ())}
            assert one.state in reached
            for item in one.items:
                assert item.holds == (one.stored_state in HOLDING)
                if item.holds:
                    assert 1 <= item.unit <= self.capacity
                    units[item.unit].append((item.starts_at, item.ends_at))
                if one.stored_state is BookingState.FINISHED:
                    self.check_fee(one, item.hours, item.price, item.fee)
                else:
                    assert item.hours is item.price is item.fee is None
        for periods in units.values():
            assert all(one[1] <= other[0] for one, other in pairwise(sorted(periods)))
        return stored

    async def use_all(self, stored: list[Booking], hours: Decimal | None) -> None:
        for index, booking_id in enumerate(self.told):
            (one,) = (one for one in stored if one.id == booking_id)
            if Action.FINISH in TRANSITIONS[one.state]:
                await self.act(index, Action.FINISH, True, hours)
                assert self.told[booking_id] is BookingState.FINISHED

    def check_fee(
        self, booking: Booking, hours: Decimal, price: Decimal | None, fee: Decimal | None
    ) -> None:
        day = (booking.starts_at.astimezone(CITY).date() - MONDAY.date()).days
        begun = [one for one in self.prices if one <= day]
        assert price == (self.prices[max(begun)] if begun else None)
        if price is None:
            assert fee is None
        else:
            assert fee == (hours * price).quantize(Decimal("0.01"), ROUND_HALF_UP)


async def _instrument(
    place: Place, capacity: int, approval: bool, prices: dict[int, Decimal]
) -> uuid.UUID:
    instrument_id = new_id()
    async with place.database.write() as session:
        # What waits from sequences before would be looked at in each step.
        await session.execute(delete(BookingItem))
        await session.execute(delete(Booking))
        session.add(
            Instrument(
                id=instrument_id,
                organization_id=place.university,
                kind=InstrumentKind.INSTRUMENT,
                name="随机仪器",
                state=InstrumentState.PUBLISHED,
                capacity=capacity,
                opening_hours=ALL_DAY,
                step_minutes=60,
                approval_required=approval,
                hold_minutes=600,
                cancel_minutes=120,
            )
        )
        await session.flush()  # the prices refer to it
        for days, amount in prices.items():
            first: date = MONDAY.date() + timedelta(days=days)
            session.add(
                InstrumentPrice(
                    instrument_id=instrument_id,
                    user_class=UserClass.ENTERPRISE,
                    valid_from=first,
                    amount=amount,
                )
            )
    return instrument_id


@given(st.integers(1, 3), st.booleans(), PRICES, STEPS, USED)
@settings(
    max_examples=5_000 if LONG else 100,
    deadline=None,
    derandomize=not LONG,
    suppress_health_check=list(HealthCheck),
)
async def test_any_sequence_of_bookings(
    place: Place,
    capacity: int,
    approval: bool,
    prices: dict[int, Decimal],
    steps: list[tuple[Any, ...]],
    used: Decimal | None,
) -> None:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        instrument_id = await _instrument(place, capacity, approval, prices)
        run = Run(place, instrument_id, capacity, prices)
        for what, *values in steps:
            if what == "pass":
                run.hour += values[0]
                traveller.shift(timedelta(hours=values[0]))
                await bookings.tend(place.database)
            else:
                await getattr(run, what)(*values)
        stored = await run.check()
        traveller.shift(timedelta(days=6))  # then all that was approved is used
        await run.use_all(stored, used)
        await run.check()
