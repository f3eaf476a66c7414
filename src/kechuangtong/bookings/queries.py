"""Reading bookings: those of one's own organizations, and what they come to."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from kechuangtong.accounts.actor import Actor
from kechuangtong.bookings.schemas import BookingQuery, StatementQuery
from kechuangtong.core.clock import CITY, now
from kechuangtong.core.errors import Forbidden
from kechuangtong.core.paging import CursorInvalid, decode_cursor, decode_id
from kechuangtong.models import (
    Booking,
    BookingItem,
    Instrument,
    InstrumentPrice,
    Organization,
    Qualification,
    User,
)
from kechuangtong.models.booking import BookingState
from kechuangtong.models.instrument import UserClass

_SHOWN = (
    joinedload(Booking.organization, innerjoin=True),
    joinedload(Booking.owner, innerjoin=True),
    selectinload(Booking.items).options(joinedload(BookingItem.instrument, innerjoin=True)),
)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """What lies between two organizations is for the people of both."""
    if actor.sees_all:
        return true()
    own = actor.organization_ids
    return or_(Booking.organization_id.in_(own), Booking.owner_id.in_(own))


def overdue() -> ColumnElement[bool]:
    """Bookings that have lapsed, and are not noted as such yet."""
    return and_(
        Booking.stored_state.in_((BookingState.REQUESTED, BookingState.WAITING)),
        Booking.held_until <= now(),
    )


def in_state(state: BookingState) -> ColumnElement[bool]:
    """The state that is shown as a condition."""
    stored = Booking.stored_state == state
    if state is BookingState.LAPSED:
        return or_(stored, overdue())
    if state in (BookingState.REQUESTED, BookingState.WAITING):
        return stored & (Booking.held_until > now())
    return stored


async def owner_of(session: AsyncSession, actor: Actor, booking_id: uuid.UUID) -> uuid.UUID | None:
    """The organization whose instruments are booked, where the actor may see it."""
    return await session.scalar(
        select(Booking.owner_id).where(Booking.id == booking_id, visible_to(actor))
    )


async def booking(
    session: AsyncSession, actor: Actor, booking_id: uuid.UUID, *, to_change: bool = False
) -> Booking | None:
    """One booking, where the actor may see it; whoever gets it to change it is alone with it."""
    statement = (
        select(Booking)
        .where(Booking.id == booking_id, visible_to(actor))
        .options(*_SHOWN)
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement.with_for_update(of=Booking) if to_change else statement)


async def bookings(session: AsyncSession, *conditions: ColumnElement[bool]) -> Sequence[Booking]:
    """Bookings that the conditions leave, first ones first."""
    statement = select(Booking).where(*conditions).options(*_SHOWN).order_by(Booking.id)
    return (await session.scalars(statement)).all()


async def page(session: AsyncSession, actor: Actor, query: BookingQuery) -> Sequence[Booking]:
    """Up to `limit + 1` bookings, newest first. Raises Forbidden for others' organizations."""
    statement: Select[Booking] = (
        select(Booking)
        .where(visible_to(actor))
        .options(*_SHOWN)
        .order_by(Booking.id.desc())
        .limit(query.limit + 1)
    )
    own = actor.organization_ids
    if query.organization_id is not None:
        if not actor.sees(query.organization_id):
            raise Forbidden(loc=("query", "organization_id"))
        own = frozenset({query.organization_id})
        statement = statement.where(
            or_(Booking.organization_id.in_(own), Booking.owner_id.in_(own))
        )
    if query.box is not None:
        side = Booking.organization_id if query.box == "made" else Booking.owner_id
        statement = statement.where(side.in_(own))
    if query.instrument_id is not None:
        of_instrument = select(BookingItem.booking_id).where(
            BookingItem.instrument_id == query.instrument_id
        )
        statement = statement.where(Booking.id.in_(of_instrument))
    if query.state is not None:
        statement = statement.where(in_state(query.state))
    if query.series_id is not None:
        statement = statement.where(Booking.series_id == query.series_id)
    if query.from_ is not None:
        statement = statement.where(Booking.ends_at > query.from_)
    if query.to is not None:
        statement = statement.where(Booking.starts_at < query.to)
    if query.cursor is not None:
        statement = statement.where(Booking.id < decode_id(query.cursor))
    return (await session.scalars(statement)).all()


async def names(session: AsyncSession, bookings: Collection[Booking]) -> dict[uuid.UUID, str]:
    """The names of the people of bookings."""
    ids = {one.user_id for one in bookings} | {one.created_by for one in bookings}
    rows = await session.execute(select(User.id, User.name).where(User.id.in_(ids - {None})))
    return dict(list(rows))


async def qualified(
    session: AsyncSession, user_id: uuid.UUID | None, instrument: Instrument, booked: Booking
) -> bool:
    """Whether a person is qualified for an instrument as long as it is booked."""
    first = booked.starts_at.astimezone(CITY).date()
    last = (booked.ends_at - timedelta.resolution).astimezone(CITY).date()
    found = await session.scalar(
        select(Qualification.user_id).where(
            Qualification.instrument_id == instrument.id,
            Qualification.user_id == user_id,
            Qualification.valid_from <= first,
            or_(Qualification.valid_until.is_(None), Qualification.valid_until >= last),
        )
    )
    return found is not None


async def prices(
    session: AsyncSession, instrument_id: uuid.UUID, user_class: UserClass
) -> list[tuple[Any, Any]]:
    """The prices of an instrument for a class of users: first days and amounts."""
    rows = await session.execute(
        select(InstrumentPrice.valid_from, InstrumentPrice.amount).where(
            InstrumentPrice.instrument_id == instrument_id,
            InstrumentPrice.user_class == user_class,
        )
    )
    return [(valid_from, amount) for valid_from, amount in rows]


async def statement(
    session: AsyncSession, actor: Actor, query: StatementQuery
) -> Sequence[Row[Any]]:
    """Up to `limit + 1` sums of finished bookings of a month by owner, organization and class.
    Raises Forbidden for others' organizations, CursorInvalid."""
    year, month = map(int, query.month.split("-"))
    first = datetime(year, month, 1, tzinfo=CITY)
    last = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=CITY)
    keys = (Booking.owner_id, Booking.organization_id, Booking.user_class)
    unpriced = case((BookingItem.price.is_(None), BookingItem.hours), else_=0)
    wanted = (
        select(
            *keys,
            func.count(Booking.id.distinct()).label("bookings"),
            func.sum(BookingItem.hours).label("hours"),
            func.sum(BookingItem.fee).label("fee"),
            func.sum(unpriced, type_=BookingItem.hours.type).label("without_price"),
        )
        .join(BookingItem, BookingItem.booking_id == Booking.id)
        .where(
            visible_to(actor),
            Booking.stored_state == BookingState.FINISHED,
            Booking.starts_at >= first,
            Booking.starts_at < last,
        )
        .group_by(*keys)
        .order_by(*keys)
        .limit(query.limit + 1)
    )
    if query.organization_id is not None:
        if not actor.sees(query.organization_id):
            raise Forbidden(loc=("query", "organization_id"))
        sides = (Booking.organization_id, Booking.owner_id)
        wanted = wanted.where(or_(*(one == query.organization_id for one in sides)))
    if query.cursor is not None:
        wanted = wanted.where(tuple_(*keys) > _line(query.cursor))
    rows: Sequence[Row[Any]] = (await session.execute(wanted)).all()
    return rows


def _line(cursor: str) -> tuple[uuid.UUID, uuid.UUID, UserClass]:
    owner, organization, user_class = decode_cursor(cursor, 3)
    try:
        return uuid.UUID(owner), uuid.UUID(organization), UserClass(user_class)
    except ValueError:
        raise CursorInvalid from None


async def organizations(
    session: AsyncSession, ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, Organization]:
    """Organizations by their ids."""
    found = await session.scalars(select(Organization).where(Organization.id.in_(ids)))
    return {one.id: one for one in found}


async def waits(session: AsyncSession, organization_id: uuid.UUID, owner_id: uuid.UUID) -> int:
    """How many bookings of an organization wait for places at an owner's instruments."""
    found = await session.scalar(
        select(func.count())
        .select_from(Booking)
        .where(
            Booking.organization_id == organization_id,
            Booking.owner_id == owner_id,
            Booking.stored_state == BookingState.WAITING,
            Booking.held_until > now(),
        )
    )
    return found or 0
