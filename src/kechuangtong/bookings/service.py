"""The life of a booking: wished for, placed on free units, decided, used, paid for.

Whatever is done to the bookings of an owner's instruments is done one after the other: on SQLite by
the writer's transaction, on PostgreSQL by a lock of the owner's name, with an exclusion constraint
as the last word. So what is looked at is what is written upon.
"""

import math
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import OPERATOR, Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.bookings import fees, queries, series
from kechuangtong.bookings.errors import (
    CancelTooLate,
    InstrumentUnknown,
    LengthWrong,
    MoreThanThereAre,
    NotForBooking,
    NothingToDecide,
    NotQualified,
    NotYet,
    OffStep,
    OutsideHours,
    PersonNotThere,
    RuleInvalid,
    SeriesConflicts,
    SeveralOwners,
    SlotTaken,
    TooLate,
    TooManyWait,
    WrongBookingState,
)
from kechuangtong.bookings.schemas import (
    BookedInstrument,
    BookingCreate,
    BookingQuery,
    BookingRead,
    PersonBrief,
    RatingCreate,
    SeriesCreate,
    SeriesRead,
    SkippedTime,
    StatementLine,
    StatementQuery,
    UsageRecord,
)
from kechuangtong.bookings.states import ACTS, HOLDING, TRANSITIONS, Action, Side
from kechuangtong.core.clock import CITY, now
from kechuangtong.core.db import Database, hold, new_id, violated
from kechuangtong.core.errors import AppError, Forbidden, NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.language import Text
from kechuangtong.core.paging import Page
from kechuangtong.events import log
from kechuangtong.inbox import service as inbox
from kechuangtong.instruments.hours import Period
from kechuangtong.instruments.queries import holding, rooms_of, shown, visible_to
from kechuangtong.instruments.slots import Room, nearest, off_step
from kechuangtong.lists.errors import OrganizationMerged, OrganizationUnknown
from kechuangtong.lists.schemas import OrganizationBrief
from kechuangtong.models import (
    Booking,
    BookingItem,
    Instrument,
    InstrumentClosure,
    Membership,
    Organization,
)
from kechuangtong.models.booking import BookingState
from kechuangtong.models.instrument import InstrumentState, ShareMode, UserClass
from kechuangtong.models.notice import NoticeKind
from kechuangtong.organizations.service import acting_organization, get_organization

_EARLY: Final = timedelta(minutes=15)  # so long before its time use may start
# Where free times next to the one that was wanted are looked for.
_BEFORE: Final = timedelta(days=7)
_AFTER: Final = timedelta(days=14)
# So often an organization may wait with one owner: each booking there lets who waits come first.
_MOST_WAITING: Final = 20

_NOTICES: Final = {
    Action.APPROVE: NoticeKind.BOOKING_APPROVED,
    Action.DECLINE: NoticeKind.BOOKING_DECLINED,
    Action.CANCEL: NoticeKind.BOOKING_CANCELLED,
    Action.FINISH: NoticeKind.BOOKING_FINISHED,
    Action.NO_SHOW: NoticeKind.BOOKING_NO_SHOW,
    Action.LAPSE: NoticeKind.BOOKING_LAPSED,
}
# What frees units, so that what waits may move up.
_FREEING: Final = frozenset(
    {Action.DECLINE, Action.CANCEL, Action.FINISH, Action.NO_SHOW, Action.LAPSE}
)


@dataclass(frozen=True)
class _Wish:
    """What is to be booked, for whom, by whom; all that does not depend on the time is checked."""

    instruments: Sequence[tuple[Instrument, int]]
    owner: Organization
    organization: Organization
    user_id: uuid.UUID | None
    purpose: str | None
    by_staff: bool


async def book(session: AsyncSession, actor: Actor, values: BookingCreate) -> Booking:
    """Book instruments, all of them or none; what needs no approval, or is booked by their staff,
    is approved at once. Where there is no room it waits, if that is asked for.

    Raises InstrumentUnknown, SeveralOwners, NotForBooking, MoreThanThereAre, OrganizationUnnamed,
    OrganizationUnknown, OrganizationMerged, Forbidden, PersonNotThere, OffStep, LengthWrong,
    TooLate, NotQualified, OutsideHours, SlotTaken, TooManyWait.
    """
    wish = await _wished(session, actor, values)
    await _tend(session, wish.owner.id)  # who waits comes first
    period = Period(values.starts_at, values.ends_at)
    try:
        return await _make(session, actor, wish, period)
    except SlotTaken as error:
        if values.if_full == "refuse" or error.__cause__ is not None:
            raise
    if await queries.waits(session, wish.organization.id, wish.owner.id) >= _MOST_WAITING:
        raise TooManyWait(most=_MOST_WAITING)
    return await _make(session, actor, wish, period, wait=True)


async def book_series(session: AsyncSession, actor: Actor, values: SeriesCreate) -> SeriesRead:
    """Book the times of a rule, each by itself. Raises what `book` raises, RuleInvalid,
    SeriesConflicts where times are not possible and are not to be skipped, or where none is."""
    wish = await _wished(session, actor, values)
    try:
        periods = series.times(values.rule, Period(values.starts_at, values.ends_at))
    except ValueError as error:
        text = error.args[0]
        assert isinstance(text, Text)
        raise RuleInvalid(zh=text.zh, en=text.en) from None
    await _tend(session, wish.owner.id)
    series_id = new_id()
    made: list[Booking] = []
    skipped: list[SkippedTime] = []
    for period in periods:
        try:
            one = await _make(session, actor, wish, period, series_id=series_id, mailed=not made)
        except AppError as error:
            if error.__cause__ is not None:  # the database's word ends the transaction
                raise
            skipped.append(
                SkippedTime(
                    starts_at=period.starts_at,
                    ends_at=period.ends_at,
                    code=error.code,
                    message=str(error.message),
                )
            )
        else:
            made.append(one)
    if skipped and (values.conflicts == "refuse" or not made):
        raise SeriesConflicts(skipped)
    return SeriesRead(series_id=series_id, bookings=await show(session, made), skipped=skipped)


async def _wished(
    session: AsyncSession, actor: Actor, values: BookingCreate | SeriesCreate
) -> _Wish:
    ids = [one.instrument_id for one in values.instruments]
    owners = set(
        await session.scalars(
            select(Instrument.organization_id).where(Instrument.id.in_(ids), visible_to(actor))
        )
    )
    if len(owners) > 1:
        raise SeveralOwners
    for owner_id in owners:
        await _hold(session, owner_id)
    rows = await session.scalars(
        shown(Instrument.id.in_(ids), visible_to(actor)).execution_options(populate_existing=True)
    )
    found = {one.id: one for one in rows}
    for index, one in enumerate(values.instruments):
        if one.instrument_id not in found:
            raise InstrumentUnknown(loc=("body", "instruments", index, "instrument_id"))
    owner = found[ids[0]].organization
    by_staff = actor.may(Permission.BOOKINGS_MANAGE, owner.id)
    organization = await _user_organization(session, actor, values.organization_id, by_staff)
    # Nobody merges either while something is added to it.
    both = {owner.id, organization.id}
    locked = select(Organization).where(Organization.id.in_(both)).order_by(Organization.id)
    await session.scalars(
        locked.with_for_update(read=True).execution_options(populate_existing=True)
    )
    if organization.merged_into_id is not None or owner.merged_into_id is not None:
        raise OrganizationMerged
    user_id = await _user(session, actor, values.user_id, organization, by_staff)
    for index, one in enumerate(values.instruments):
        instrument = found[one.instrument_id]
        loc = ("body", "instruments", index)
        if not _bookable(instrument, organization):
            raise NotForBooking(name=instrument.name, loc=loc)
        if one.units > instrument.capacity:
            raise MoreThanThereAre(
                name=instrument.name, capacity=instrument.capacity, loc=(*loc, "units")
            )
    return _Wish(
        [(found[one.instrument_id], one.units) for one in values.instruments],
        owner,
        organization,
        user_id,
        values.purpose,
        by_staff,
    )


def _bookable(instrument: Instrument, organization: Organization) -> bool:
    own = organization.id == instrument.organization_id
    shared = instrument.share_mode is ShareMode.EXTERNAL or (
        own and instrument.share_mode is ShareMode.INTERNAL
    )
    published = instrument.state is InstrumentState.PUBLISHED
    return published and shared and instrument.status.runs


async def _user_organization(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID | None, by_staff: bool
) -> Organization:
    """The organization that uses: one's own, or by the instruments' staff another's."""
    if (
        organization_id is None
        or not by_staff
        or actor.may(Permission.BOOKINGS_WRITE, organization_id)
    ):
        return await acting_organization(session, actor, Permission.BOOKINGS_WRITE, organization_id)
    try:
        return await get_organization(session, actor, organization_id)
    except NotFound as error:
        raise OrganizationUnknown(loc=("body", "organization_id")) from error


async def _user(
    session: AsyncSession,
    actor: Actor,
    user_id: uuid.UUID | None,
    organization: Organization,
    by_staff: bool,
) -> uuid.UUID | None:
    """The person who uses: oneself, or a named one of the organization."""
    own = actor.id is not None and organization.id in actor.organization_ids
    if user_id is None:
        return actor.id if own else None
    if user_id == actor.id:
        return user_id
    if not by_staff and not actor.may(Permission.BOOKINGS_MANAGE, organization.id):
        raise Forbidden(loc=("body", "user_id"))
    if await session.get(Membership, (user_id, organization.id)) is None:
        raise PersonNotThere
    return user_id


async def _make(
    session: AsyncSession,
    actor: Actor,
    wish: _Wish,
    period: Period,
    *,
    series_id: uuid.UUID | None = None,
    wait: bool = False,
    mailed: bool = True,
) -> Booking:
    """A booking of what is wished for at a time, all of it or none."""
    for instrument, _ in wish.instruments:
        _check_time(instrument, period)
    booking = Booking(
        id=new_id(),
        organization=wish.organization,
        owner=wish.owner,
        user_id=wish.user_id,
        created_by=actor.id,
        user_class=UserClass.of(wish.organization, owner_id=wish.owner.id),
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        stored_state=BookingState.WAITING,
        held_until=period.starts_at,
        purpose=wish.purpose,
        series_id=series_id,
    )
    for instrument, _ in wish.instruments:
        if not await _qualified(session, wish.user_id, [instrument], booking):
            raise NotQualified(name=instrument.name)
    # Of a series other times are not told: there may be very many.
    units = await _room(session, wish.instruments, period, wait=wait, near=series_id is None)
    booking.items = [
        BookingItem(
            id=new_id(),
            instrument=instrument,
            instrument_id=instrument.id,
            unit=0,
            starts_at=period.starts_at,
            ends_at=period.ends_at,
            holds=False,
            held_until=period.starts_at,
        )
        for instrument, count in wish.instruments
        for _ in range(count)
    ]
    session.add(booking)
    if not wait:
        _place(booking, units, at_once=wish.by_staff)
    await _store(session, booking)
    await _tell_of_new(session, booking, mailed=mailed)
    _log(session, actor, booking, booking.state.value, before=None)
    return booking


async def _qualified(
    session: AsyncSession,
    user_id: uuid.UUID | None,
    instruments: Iterable[Instrument],
    booking: Booking,
) -> bool:
    """Whether a person may use those of the instruments that ask for a qualification."""
    for one in instruments:
        if one.qualification_required and not await queries.qualified(
            session, user_id, one, booking
        ):
            return False
    return True


def _check_time(instrument: Instrument, period: Period) -> None:
    """Raises OffStep, LengthWrong, TooLate."""
    step = instrument.step_minutes
    if off_step(period.starts_at, step) or off_step(period.ends_at, step):
        raise OffStep(name=instrument.name, step=step)
    shortest, longest = instrument.shortest_minutes, instrument.longest_minutes
    if not timedelta(minutes=shortest) <= period.length <= timedelta(minutes=longest):
        raise LengthWrong(name=instrument.name, shortest=shortest, longest=longest)
    if period.starts_at < now() + timedelta(minutes=instrument.lead_minutes):
        raise TooLate(name=instrument.name, lead=instrument.lead_minutes)


async def _room(
    session: AsyncSession,
    instruments: Sequence[tuple[Instrument, int]],
    period: Period,
    *,
    wait: bool = False,
    lead: bool = True,
    near: bool = True,
) -> dict[uuid.UUID, list[int]]:
    """Free units of each instrument, with regard to how long before one books (`lead`). Raises
    OutsideHours, and unless it may `wait` SlotTaken, with the times `near` it that are free."""
    window = Period(max(period.starts_at - _BEFORE, now()), period.ends_at + _AFTER)
    rooms = await rooms_of(session, [one for one, _ in instruments], window, lead=lead)

    def others() -> list[Period]:
        return _nearest(instruments, rooms, period) if near else []

    units = {}
    for instrument, count in instruments:
        room = rooms[instrument.id]
        if not any(one.holds(period) for one in room.open):
            raise OutsideHours(others(), name=instrument.name)
        free = room.units_for(period)[:count]
        if len(free) < count and not wait:
            raise SlotTaken(others(), name=instrument.name)
        units[instrument.id] = free
    return units


def _nearest(
    instruments: Sequence[tuple[Instrument, int]], rooms: dict[uuid.UUID, Room], period: Period
) -> list[Period]:
    """Times next to the one that was wanted in which there is room on all of the instruments."""
    step = math.lcm(*(one.step_minutes for one, _ in instruments))
    return nearest([(rooms[one.id], units) for one, units in instruments], period, step=step)


def _place(booking: Booking, units: dict[uuid.UUID, list[int]], *, at_once: bool) -> None:
    """Put a booking on free units: as approved, or as a request that holds them for a time."""
    instruments = {one.instrument_id: one.instrument for one in booking.items}
    approved = at_once or not any(one.approval_required for one in instruments.values())
    minutes = min(one.hold_minutes for one in instruments.values())
    held_until = None if approved else min(now() + timedelta(minutes=minutes), booking.starts_at)
    booking.stored_state = BookingState.APPROVED if approved else BookingState.REQUESTED
    booking.held_until = held_until
    free = {instrument_id: list(found) for instrument_id, found in units.items()}
    for item in booking.items:
        item.unit = free[item.instrument_id].pop(0)
        item.holds, item.held_until = True, held_until


async def _store(session: AsyncSession, booking: Booking) -> None:
    try:
        await session.flush()  # two on one unit at one time are what the database refuses
    except IntegrityError as error:
        if violated(error) == "no_overlap_booking_items":
            raise SlotTaken([], name=_title(booking)) from error
        raise


async def _hold(session: AsyncSession, owner_id: uuid.UUID) -> None:
    await hold(session, f"bookings {owner_id}")


async def hold_bookings_of(session: AsyncSession, actor: Actor, instrument_id: uuid.UUID) -> None:
    """Let nothing become of the bookings of an instrument's owner until this transaction ends."""
    owner_id = await session.scalar(
        select(Instrument.organization_id).where(Instrument.id == instrument_id, visible_to(actor))
    )
    if owner_id is not None:
        await _hold(session, owner_id)


async def act(
    session: AsyncSession,
    actor: Actor,
    booking_id: uuid.UUID,
    action: Action,
    *,
    expected_versions: frozenset[int] | None,
    reason: str | None = None,
    usage: UsageRecord | None = None,
    rating: RatingCreate | None = None,
) -> Booking:
    """Move a booking on, and tell the other side; what waits for its units moves up.

    Raises NotFound, Forbidden for the wrong side, PreconditionFailed, WrongBookingState,
    CancelTooLate, NotYet.
    """
    owner_id = await queries.owner_of(session, actor, booking_id)
    if owner_id is None:
        raise NotFound
    await _hold(session, owner_id)
    booking = await queries.booking(session, actor, booking_id, to_change=True)
    if booking is None:
        raise NotFound
    _side(actor, booking, action)
    check_version(booking, expected_versions)
    await _act(session, actor, booking, action, reason=reason, usage=usage, rating=rating)
    if action in _FREEING:
        await _tend(session, owner_id)
    return booking


async def decide_series(
    session: AsyncSession,
    actor: Actor,
    series_id: uuid.UUID,
    action: Action,
    *,
    reason: str | None = None,
) -> list[BookingRead]:
    """Approve, or decline, what of a series waits for approval; the other side gets one mail.
    Raises NotFound, Forbidden, NothingToDecide."""
    of_series = Booking.series_id == series_id
    seen = (of_series, queries.visible_to(actor))
    owner_id = await session.scalar(select(Booking.owner_id).where(*seen).limit(1))
    if owner_id is None:
        raise NotFound
    if not actor.may(Permission.BOOKINGS_MANAGE, owner_id):
        raise Forbidden
    await _hold(session, owner_id)
    requested = await queries.bookings(session, of_series, queries.in_state(BookingState.REQUESTED))
    if not requested:
        raise NothingToDecide
    for index, booking in enumerate(requested):
        await _act(session, actor, booking, action, reason=reason, mailed=not index)
    if action in _FREEING:
        await _tend(session, owner_id)
    return await show(session, requested)


async def meet_closure(
    session: AsyncSession, actor: Actor, closure: InstrumentClosure, *, cancel: bool
) -> list[BookingRead]:
    """Cancel what is booked while an instrument is closed, for the closure's reason; what is in
    use, or is not to be cancelled, stays, and its people are told. To be called by who holds the
    owner's bookings. Raises Forbidden."""
    in_its_time = select(BookingItem.booking_id).where(
        BookingItem.instrument_id == closure.instrument_id,
        BookingItem.ends_at > max(closure.starts_at, now()),
        BookingItem.starts_at < closure.ends_at,
        holding(now()),
    )
    met = await queries.bookings(session, Booking.id.in_(in_its_time))
    for booking in met:
        if cancel and Action.CANCEL in TRANSITIONS[booking.state]:
            await _act(session, actor, booking, Action.CANCEL, reason=closure.reason)
        else:
            kind = NoticeKind.BOOKING_MEETS_CLOSURE
            await _tell(
                session, booking, kind, booking.organization, booking.owner, closure=closure
            )
    if cancel and met:
        await _tend(session, met[0].owner_id)
    return sorted(await show(session, met), key=lambda one: (one.starts_at, one.id))


async def _act(
    session: AsyncSession,
    actor: Actor,
    booking: Booking,
    action: Action,
    *,
    reason: str | None = None,
    usage: UsageRecord | None = None,
    rating: RatingCreate | None = None,
    mailed: bool = True,
) -> None:
    side = _side(actor, booking, action)
    if action not in TRANSITIONS[booking.state]:
        raise WrongBookingState(state=booking.state.value, action=action.value)
    _check_moment(booking, action, side)
    before = _snapshot(booking)
    booking.reason = reason or booking.reason
    if action is Action.START:
        booking.started_at = now()
    if action is Action.FINISH:
        await _finish(session, booking, usage or UsageRecord())
    if rating is not None:
        booking.rating, booking.comment = rating.rating, rating.comment
    await _move(session, actor, booking, action, before=before, told=side, mailed=mailed)


def possible(actor: Actor, booking: Booking) -> list[Action]:
    """What the actor may do to a booking as it stands, at this moment."""
    found = []
    for action in TRANSITIONS[booking.state]:
        try:
            _check_moment(booking, action, _side(actor, booking, action))
        except AppError:
            continue
        found.append(action)
    return found


def _side(actor: Actor, booking: Booking, action: Action) -> Side:
    """The side as which the actor acts. Raises Forbidden."""
    if actor.may(Permission.BOOKINGS_MANAGE, booking.owner_id) and Side.OWNER in ACTS[action]:
        return Side.OWNER
    own = actor.id is not None and actor.id in (booking.user_id, booking.created_by)
    permission = Permission.BOOKINGS_WRITE if own else Permission.BOOKINGS_MANAGE
    if Side.USER in ACTS[action] and actor.may(permission, booking.organization_id):
        return Side.USER
    raise Forbidden


def _check_moment(booking: Booking, action: Action, side: Side) -> None:
    """Raises NotYet, CancelTooLate."""
    begins = booking.starts_at
    if action is Action.START and now() < begins - _EARLY:
        raise NotYet
    ends_use = action in (Action.FINISH, Action.NO_SHOW)
    if ends_use and now() < begins and booking.state is not BookingState.IN_USE:
        raise NotYet
    if (action, side, booking.state) == (Action.CANCEL, Side.USER, BookingState.APPROVED):
        minutes = max(one.instrument.cancel_minutes for one in booking.items)
        if now() > begins - timedelta(minutes=minutes):
            raise CancelTooLate


async def _finish(session: AsyncSession, booking: Booking, usage: UsageRecord) -> None:
    """Keep what was used and what it costs: hours times the price in force at the start."""
    period = Period(booking.starts_at, booking.ends_at)
    hours = fees.booked_hours(period) if usage.hours is None else usage.hours
    day = booking.starts_at.astimezone(CITY).date()
    booking.finished_at, booking.samples, booking.content = now(), usage.samples, usage.content
    for instrument_id, items in groupby(booking.items, lambda one: one.instrument_id):
        found = await queries.prices(session, instrument_id, booking.user_class)
        price = fees.price_in_force(found, day)
        for item in items:
            item.hours, item.price = hours, price
            item.fee = None if price is None else fees.fee(hours, price)
            # Its unit is free for others from now on.
            item.ends_at = max(item.starts_at, min(item.ends_at, now()))


async def _move(
    session: AsyncSession,
    actor: Actor,
    booking: Booking,
    action: Action,
    *,
    before: dict[str, Any],
    told: Side | None = None,
    mailed: bool = True,
) -> None:
    """Move a booking by the table of states, and tell the side that has not done it."""
    # What has lapsed by time is stored as lapsed from where it was.
    booking.stored_state = TRANSITIONS[booking.stored_state][action]
    booking.held_until = None
    for item in booking.items:
        item.holds = item.holds and booking.stored_state in HOLDING
        item.held_until = None
    await session.flush()  # notices are told apart by the new version
    await inbox.settle(session, NoticeKind.BOOKING_REQUESTED, [booking.id])
    if action in _NOTICES:
        receiver = booking.owner if told is Side.USER else booking.organization
        sender = booking.organization if told is Side.USER else booking.owner
        await _tell(session, booking, _NOTICES[action], receiver, sender, mailed=mailed)
    _log(session, actor, booking, _DONE.get(action, booking.stored_state.value), before=before)


_DONE: Final = {Action.RATE: "rated"}


async def tend(database: Database) -> int:
    """Note what has lapsed, and let what waits move up where there is room now; how many bookings
    changed. To be called every few minutes; each owner's are one transaction."""
    async with database.read() as session:
        waiting = Booking.stored_state == BookingState.WAITING
        owners = await session.scalars(
            select(Booking.owner_id).where(waiting | queries.overdue()).distinct()
        )
        found = sorted(owners)
    changed = 0
    for owner_id in found:
        async with database.write() as session:
            await _hold(session, owner_id)
            changed += await _tend(session, owner_id)
    return changed


async def _tend(session: AsyncSession, owner_id: uuid.UUID) -> int:
    """Note what has lapsed of an owner's, whose units the database takes for held until then; what
    waits moves up."""
    lapsed = await queries.bookings(session, Booking.owner_id == owner_id, queries.overdue())
    for booking in lapsed:
        await _move(session, OPERATOR, booking, Action.LAPSE, before=_snapshot(booking))
    return len(lapsed) + await _move_up(session, owner_id)


async def _move_up(session: AsyncSession, owner_id: uuid.UUID) -> int:
    """Place what waits for an owner's instruments where there is room now, first come first."""
    waiting = await queries.bookings(
        session,
        Booking.owner_id == owner_id,
        Booking.stored_state == BookingState.WAITING,
        Booking.held_until > now(),
    )
    moved = 0
    for booking in waiting:
        wanted = [
            (items[0].instrument, len(items))
            for _, group in groupby(booking.items, lambda one: one.instrument_id)
            if (items := list(group))
        ]
        if not all(_bookable(one, booking.organization) for one, _ in wanted):
            continue
        if not await _qualified(session, booking.user_id, [one for one, _ in wanted], booking):
            continue
        try:
            period = Period(booking.starts_at, booking.ends_at)
            # It was asked for in time; and nobody is told of other times.
            units = await _room(session, wanted, period, lead=False, near=False)
        except (OutsideHours, SlotTaken):
            continue
        before = _snapshot(booking)
        _place(booking, units, at_once=False)
        await _store(session, booking)
        await _tell(
            session, booking, NoticeKind.BOOKING_MOVED_UP, booking.organization, booking.owner
        )
        await _tell_of_new(session, booking)
        _log(session, OPERATOR, booking, "moved_up", before=before)
        moved += 1
    return moved


async def get(session: AsyncSession, actor: Actor, booking_id: uuid.UUID) -> Booking:
    """A booking of one's own organizations. Raises NotFound."""
    booking = await queries.booking(session, actor, booking_id)
    if booking is None:
        raise NotFound
    return booking


async def page(session: AsyncSession, actor: Actor, query: BookingQuery) -> Page[BookingRead]:
    """One page of the bookings of one's own organizations, newest first. Raises Forbidden."""
    rows = await queries.page(session, actor, query)
    names = await queries.names(session, rows)
    return Page[BookingRead].of(
        rows, query.limit, lambda one: [str(one.id)], lambda one: _shown(one, names)
    )


async def show(session: AsyncSession, bookings: Collection[Booking]) -> list[BookingRead]:
    """Bookings with the names of their people."""
    names = await queries.names(session, bookings)
    return [_shown(one, names) for one in bookings]


async def statement(
    session: AsyncSession, actor: Actor, query: StatementQuery
) -> Page[StatementLine]:
    """One page of what finished bookings of a month come to, by owner, user and class. Raises
    Forbidden, CursorInvalid."""
    rows = await queries.statement(session, actor, query)
    ids = {one.owner_id for one in rows} | {one.organization_id for one in rows}
    organizations = await queries.organizations(session, ids)
    return Page[StatementLine].of(
        rows,
        query.limit,
        lambda row: [str(row.owner_id), str(row.organization_id), row.user_class.value],
        lambda row: StatementLine(
            owner=OrganizationBrief.model_validate(organizations[row.owner_id]),
            organization=OrganizationBrief.model_validate(organizations[row.organization_id]),
            user_class=row.user_class,
            bookings=row.bookings,
            hours=row.hours,
            fee=row.fee or Decimal(0),
            without_price=row.without_price or Decimal(0),
        ),
    )


def _shown(booking: Booking, names: dict[uuid.UUID, str]) -> BookingRead:
    def person(user_id: uuid.UUID | None) -> PersonBrief | None:
        return PersonBrief(id=user_id, name=names[user_id]) if user_id in names else None

    instruments = []
    for _, group in groupby(booking.items, lambda one: one.instrument_id):
        items = list(group)
        first = items[0]
        instruments.append(
            BookedInstrument(
                instrument_id=first.instrument_id,
                name=first.instrument.name,
                units=len(items),
                numbers=[one.unit for one in items if one.unit],
                hours=_sum(one.hours for one in items),
                price=first.price,
                fee=_sum(one.fee for one in items),
            )
        )
    values = {
        name: getattr(booking, name)
        for name in BookingRead.model_fields
        if name not in ("organization", "owner", "user", "created_by", "instruments", "fee")
    }
    return BookingRead(
        **values,
        organization=OrganizationBrief.model_validate(booking.organization),
        owner=OrganizationBrief.model_validate(booking.owner),
        user=person(booking.user_id),
        created_by=person(booking.created_by),
        instruments=instruments,
        fee=_sum(one.fee for one in booking.items),
    )


def _sum(values: Any) -> Decimal | None:  # noqa: ANN401
    known = [one for one in values if one is not None]
    return sum(known, Decimal(0)) if known else None


def _title(booking: Booking) -> str:
    return "、".join(dict.fromkeys(one.instrument.name for one in booking.items))


async def _tell_of_new(session: AsyncSession, booking: Booking, *, mailed: bool = True) -> None:
    """Tell staff of a booking that came in."""
    kinds = {
        BookingState.REQUESTED: NoticeKind.BOOKING_REQUESTED,
        BookingState.APPROVED: NoticeKind.BOOKING_MADE,
        BookingState.WAITING: NoticeKind.BOOKING_WAITS,
    }
    kind = kinds[booking.stored_state]
    await _tell(session, booking, kind, booking.owner, booking.organization, mailed=mailed)


async def _tell(
    session: AsyncSession,
    booking: Booking,
    kind: NoticeKind,
    receiver: Organization,
    sender: Organization,
    *,
    mailed: bool = True,
    closure: InstrumentClosure | None = None,
) -> None:
    fee = _sum(one.fee for one in booking.items)
    await inbox.notify(
        session,
        receiver.id,
        kind,
        subject_kind="booking",
        subject_id=booking.id,
        title=_title(booking),
        key=f"booking {booking.id} {closure.id if closure else booking.version} {kind.value}",
        waiting=kind is NoticeKind.BOOKING_REQUESTED,
        by_mail=mailed and kind is not NoticeKind.BOOKING_WAITS,
        organization=sender.name,
        when=f"{booking.starts_at.astimezone(CITY):%Y-%m-%d %H:%M}",
        comment=closure.reason if closure else booking.reason,
        fee="—" if fee is None else f"{fee:.2f}",
    )


def _snapshot(booking: Booking) -> dict[str, Any]:
    """A booking as the log keeps it: nothing of what was written."""
    return {
        "organization_id": str(booking.organization_id or booking.organization.id),
        "owner_id": str(booking.owner_id or booking.owner.id),
        "user_id": str(booking.user_id) if booking.user_id else None,
        "starts_at": booking.starts_at.isoformat(),
        "ends_at": booking.ends_at.isoformat(),
        "state": booking.stored_state.value,
        "series_id": str(booking.series_id) if booking.series_id else None,
        "items": [
            {
                "instrument_id": str(one.instrument_id),
                "unit": one.unit,
                "hours": None if one.hours is None else f"{one.hours:.2f}",
                "price": None if one.price is None else f"{one.price:.2f}",
                "fee": None if one.fee is None else f"{one.fee:.2f}",
            }
            for one in booking.items
        ],
        "version": booking.version,
    }


def _log(
    session: AsyncSession,
    actor: Actor,
    booking: Booking,
    what: str,
    *,
    before: dict[str, Any] | None,
) -> None:
    log.record(
        session,
        actor,
        f"booking.{what}",
        subject_kind="booking",
        subject_id=booking.id,
        before=before,
        after=_snapshot(booking),
    )
