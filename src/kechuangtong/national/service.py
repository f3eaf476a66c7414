"""An organization's instruments and services as records of the national platform."""

import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.clock import CITY
from kechuangtong.core.errors import Forbidden
from kechuangtong.models import Booking, BookingItem, Instrument, Organization, User
from kechuangtong.models.booking import BookingState
from kechuangtong.models.instrument import InstrumentState
from kechuangtong.national.records import KINDS, SERVICES, TYPES, RecordType, Service, Value, filled

_AT_ONCE = 500

Part = tuple[RecordType, list[Mapping[str, Value]]]


async def check(session: AsyncSession, actor: Actor, organization_id: uuid.UUID) -> Organization:
    """The organization whose records are exported, by its people. Raises Forbidden."""
    organization = await session.get(Organization, organization_id)
    if organization is None or not actor.sees(organization_id):
        raise Forbidden(loc=("query", "organization_id"))
    return organization


async def parts(
    session: AsyncSession, organization_id: uuid.UUID, year: int
) -> AsyncIterator[Part]:
    """The records in parts, all of one type after all of the other; a type without any has one
    empty part. Instruments are those published, services those that began in the year."""
    for record_type in TYPES:
        yield record_type, []
        if record_type.kind is not None:
            instruments = await session.stream_scalars(
                select(Instrument)
                .where(
                    Instrument.organization_id == organization_id,
                    Instrument.kind == record_type.kind,
                    Instrument.state == InstrumentState.PUBLISHED,
                )
                .order_by(Instrument.id)
            )
            async for some in instruments.partitions(_AT_ONCE):
                yield record_type, [filled(record_type, one) for one in some]
    rows = await session.stream(
        select(
            Instrument.id.label("instrument_id"),
            Instrument.number,
            func.sum(BookingItem.fee).label("fee"),
            func.sum(BookingItem.hours).label("hours"),
            Booking.starts_at,
            Booking.ends_at,
            Booking.content,
            User.name.label("person"),
            Organization.name.label("organization"),
            Booking.rating,
        )
        .join(BookingItem, BookingItem.booking_id == Booking.id)
        .join(Instrument, BookingItem.instrument_id == Instrument.id)
        .join(Organization, Booking.organization_id == Organization.id)
        .outerjoin(User, and_(Booking.user_id == User.id, User.erased_at.is_(None)))
        .where(
            Booking.owner_id == organization_id,
            Booking.stored_state == BookingState.FINISHED,
            Booking.starts_at >= datetime(year, 1, 1, tzinfo=CITY),
            Booking.starts_at < datetime(year + 1, 1, 1, tzinfo=CITY),
            Instrument.kind.in_(KINDS),
        )
        .group_by(Booking.id, Instrument.id, User.id, Organization.id)
        .order_by(Booking.starts_at, Booking.id, Instrument.id)
    )
    async for group in rows.partitions(_AT_ONCE):
        yield SERVICES, [filled(SERVICES, Service(**dict(one._mapping))) for one in group]
