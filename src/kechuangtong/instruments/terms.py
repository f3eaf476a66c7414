"""What staff sets beside an instrument's record: closures, prices, who is qualified."""

import uuid
from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import now, today
from kechuangtong.core.db import new_id, violated
from kechuangtong.core.errors import NotFound
from kechuangtong.core.paging import Page, PageQuery, decode_id
from kechuangtong.events import log
from kechuangtong.instruments.errors import (
    PersonUnknown,
    PriceHolds,
    PriceInForce,
    PriceInPast,
    PriceListed,
)
from kechuangtong.instruments.schemas import (
    ClosureCreate,
    ClosureRead,
    PriceCreate,
    PriceRead,
    QualificationPut,
    QualificationRead,
)
from kechuangtong.instruments.service import get, own
from kechuangtong.models import (
    Instrument,
    InstrumentClosure,
    InstrumentPrice,
    Qualification,
    User,
)
from kechuangtong.models.instrument import UserClass


async def closures(
    session: AsyncSession, actor: Actor, instrument_id: uuid.UUID, query: PageQuery
) -> Page[ClosureRead]:
    """Closures that are not over, in the order in which they were made. Raises NotFound."""
    await get(session, actor, instrument_id)
    statement = (
        select(InstrumentClosure)
        .where(InstrumentClosure.instrument_id == instrument_id, InstrumentClosure.ends_at > now())
        .order_by(InstrumentClosure.id)
        .limit(query.limit + 1)
    )
    if query.cursor is not None:
        statement = statement.where(InstrumentClosure.id > decode_id(query.cursor))
    rows: Sequence[InstrumentClosure] = (await session.scalars(statement)).all()
    return Page[ClosureRead].of(
        rows, query.limit, lambda one: [str(one.id)], ClosureRead.model_validate
    )


async def close(
    session: AsyncSession, actor: Actor, instrument_id: uuid.UUID, values: ClosureCreate
) -> InstrumentClosure:
    """Close an instrument for a time: nothing more is booked in it. What is booked there already
    `bookings.closures` looks after. Raises NotFound, Forbidden."""
    instrument = await own(session, actor, instrument_id)
    closure = InstrumentClosure(
        id=new_id(),
        instrument_id=instrument.id,
        created_at=now(),
        **values.model_dump(exclude={"cancel_bookings"}),
    )
    session.add(closure)
    _log(session, actor, instrument, "closed", after={"closure": _plain(closure)})
    return closure


async def reopen(
    session: AsyncSession, actor: Actor, instrument_id: uuid.UUID, closure_id: uuid.UUID
) -> None:
    """Take a closure back. Raises NotFound, Forbidden."""
    instrument = await own(session, actor, instrument_id)
    closure = await session.get(InstrumentClosure, closure_id)
    if closure is None or closure.instrument_id != instrument.id:
        raise NotFound
    await session.delete(closure)
    _log(session, actor, instrument, "reopened", before={"closure": _plain(closure)})


def _plain(closure: InstrumentClosure) -> dict[str, Any]:
    return ClosureRead.model_validate(closure).model_dump(mode="json")


async def prices(
    session: AsyncSession, actor: Actor, instrument_id: uuid.UUID, query: PageQuery
) -> Page[PriceRead]:
    """The prices of an instrument, those that were and those to come, in the order in which they
    were set. Raises NotFound."""
    await get(session, actor, instrument_id)
    statement = (
        select(InstrumentPrice)
        .where(InstrumentPrice.instrument_id == instrument_id)
        .order_by(InstrumentPrice.id)
        .limit(query.limit + 1)
    )
    if query.cursor is not None:
        statement = statement.where(InstrumentPrice.id > decode_id(query.cursor))
    rows: Sequence[InstrumentPrice] = (await session.scalars(statement)).all()
    return Page[PriceRead].of(
        rows, query.limit, lambda one: [str(one.id)], PriceRead.model_validate
    )


async def prices_in_force(
    session: AsyncSession, ids: Collection[uuid.UUID], on: date
) -> dict[tuple[uuid.UUID, UserClass], Decimal]:
    """What some instruments cost on a day, by instrument and class of users, where that is set."""
    rows = await session.execute(
        select(InstrumentPrice.instrument_id, InstrumentPrice.user_class, InstrumentPrice.amount)
        .where(InstrumentPrice.instrument_id.in_(ids), InstrumentPrice.valid_from <= on)
        .order_by(InstrumentPrice.valid_from)
    )
    return {(instrument_id, user_class): amount for instrument_id, user_class, amount in rows}


async def set_price(
    session: AsyncSession, actor: Actor, instrument_id: uuid.UUID, values: PriceCreate
) -> InstrumentPrice:
    """A price from a later day on, the first one also from today. Raises NotFound, Forbidden,
    PriceInPast, PriceHolds, PriceListed."""
    instrument = await own(session, actor, instrument_id)
    if values.valid_from < today():
        raise PriceInPast
    if values.valid_from == today():
        in_force = await prices_in_force(session, [instrument.id], today())
        if (instrument.id, values.user_class) in in_force:  # use of today has begun with it
            raise PriceHolds
    price = InstrumentPrice(
        id=new_id(), instrument_id=instrument.id, created_at=now(), **values.model_dump()
    )
    session.add(price)
    try:
        await session.flush()  # one price a class and day, as the database says
    except IntegrityError as error:
        if "uq_instrument_prices" in violated(error):
            raise PriceListed from error
        raise
    after = PriceRead.model_validate(price).model_dump(mode="json")
    _log(session, actor, instrument, "priced", after={"price": after})
    return price


async def drop_price(
    session: AsyncSession, actor: Actor, instrument_id: uuid.UUID, price_id: uuid.UUID
) -> None:
    """Take back a price that has not begun. Raises NotFound, Forbidden, PriceInForce."""
    instrument = await own(session, actor, instrument_id)
    price = await session.get(InstrumentPrice, price_id)
    if price is None or price.instrument_id != instrument.id:
        raise NotFound
    if price.valid_from <= today():
        raise PriceInForce
    before = PriceRead.model_validate(price).model_dump(mode="json")
    await session.delete(price)
    _log(session, actor, instrument, "price_dropped", before={"price": before})


async def qualifications(
    session: AsyncSession, actor: Actor, instrument_id: uuid.UUID, query: PageQuery
) -> Page[QualificationRead]:
    """Who is qualified for an instrument: its staff sees all, everyone else oneself. Raises
    NotFound."""
    instrument = await get(session, actor, instrument_id)
    statement = (
        select(Qualification, User.name)
        .join(User, User.id == Qualification.user_id)
        .where(Qualification.instrument_id == instrument.id)
        .order_by(Qualification.user_id)
        .limit(query.limit + 1)
    )
    if not (actor.sees_all or actor.may(Permission.INSTRUMENTS_WRITE, instrument.organization_id)):
        statement = statement.where(Qualification.user_id == actor.id)
    if query.cursor is not None:
        statement = statement.where(Qualification.user_id > decode_id(query.cursor))
    rows = (await session.execute(statement)).all()
    return Page[QualificationRead].of(
        rows, query.limit, lambda row: [str(row[0].user_id)], lambda row: _shown(*row)
    )


async def qualify(
    session: AsyncSession,
    actor: Actor,
    instrument_id: uuid.UUID,
    user_id: uuid.UUID,
    values: QualificationPut,
) -> QualificationRead:
    """Say how long a person is qualified, anew where it is already. Raises NotFound, Forbidden,
    PersonUnknown."""
    instrument = await own(session, actor, instrument_id)
    user = await session.get(User, user_id)
    if user is None or user.erased_at is not None:
        raise PersonUnknown(loc=("path", "user_id"))
    found = await session.get(Qualification, (instrument.id, user_id))
    before = None if found is None else _shown(found, user.name)
    qualification = found or Qualification(
        instrument_id=instrument.id, user_id=user_id, created_at=now()
    )
    for name, value in values.model_dump().items():
        setattr(qualification, name, value)
    qualification.granted_by = actor.id
    session.add(qualification)
    shown = _shown(qualification, user.name)
    _log(session, actor, instrument, "qualified", before=_bare(before), after=_bare(shown))
    return shown


async def disqualify(
    session: AsyncSession, actor: Actor, instrument_id: uuid.UUID, user_id: uuid.UUID
) -> None:
    """A person is qualified no more; what it has booked stands. Raises NotFound, Forbidden."""
    instrument = await own(session, actor, instrument_id)
    qualification = await session.get(Qualification, (instrument.id, user_id))
    if qualification is None:
        raise NotFound
    await session.delete(qualification)
    before = _bare(_shown(qualification, ""))
    _log(session, actor, instrument, "disqualified", before=before)


def _shown(qualification: Qualification, name: str) -> QualificationRead:
    return QualificationRead(
        user=name,
        **{
            field: getattr(qualification, field)
            for field in QualificationRead.model_fields
            if field != "user"
        },
    )


def _bare(shown: QualificationRead | None) -> dict[str, Any] | None:
    """A qualification as the log keeps it: it tells persons by their ids."""
    if shown is None:
        return None
    return {"qualification": shown.model_dump(mode="json", exclude={"user", "note"})}


def _log(
    session: AsyncSession,
    actor: Actor,
    instrument: Instrument,
    what: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    log.record(
        session,
        actor,
        f"instrument.{what}",
        subject_kind="instrument",
        subject_id=instrument.id,
        before=before,
        after=after,
    )
