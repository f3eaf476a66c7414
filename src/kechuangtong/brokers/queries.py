"""Reading brokers: the directory, and what not everyone sees of it."""

import uuid
from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from kechuangtong.accounts.actor import Actor
from kechuangtong.brokers.schemas import BrokerQuery
from kechuangtong.core.clock import today
from kechuangtong.core.paging import decode_id
from kechuangtong.core.text import fold, identity
from kechuangtong.models import Broker, BrokerConflict, BrokerTraining, Organization
from kechuangtong.models.broker import ON_REGISTER, BrokerState
from kechuangtong.reviews.queries import of_district

_SHOWN = joinedload(Broker.organization, innerjoin=True)


def practising() -> ColumnElement[bool]:
    """Those who are registered and whose certificate holds."""
    return Broker.stored_state.in_(ON_REGISTER) & (Broker.valid_until >= today())


def of_person(actor: Actor) -> ColumnElement[bool]:
    """The brokers that the actor acts as in person: one, or none."""
    return Broker.user_id == (actor.id if actor.broker else None)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Practising ones are everyone's to read, all others their own people's and reviewers'."""
    if actor.sees_all:
        return Broker.id.is_not(None)
    here = select(Organization.id).where(of_district(actor, Organization.place))
    return or_(
        practising(),
        of_person(actor),
        Broker.organization_id.in_(actor.organization_ids),
        Broker.organization_id.in_(here) & (Broker.stored_state != BrokerState.DRAFT),
    )


def in_state(state: BrokerState) -> ColumnElement[bool]:
    """The shown state as a condition."""
    if state is BrokerState.EXPIRED:
        return Broker.stored_state.in_(ON_REGISTER) & (Broker.valid_until < today())
    if state in ON_REGISTER:
        return (Broker.stored_state == state) & (Broker.valid_until >= today())
    return Broker.stored_state == state


async def broker(
    session: AsyncSession, actor: Actor, broker_id: uuid.UUID, *, to_change: bool = False
) -> Broker | None:
    """One broker, where the actor may see it; who gets it to change it is alone with it."""
    statement = select(Broker).where(Broker.id == broker_id, visible_to(actor)).options(_SHOWN)
    return await session.scalar(statement.with_for_update(of=Broker) if to_change else statement)


async def brokers(session: AsyncSession, actor: Actor, query: BrokerQuery) -> Sequence[Broker]:
    """Up to `limit + 1` brokers of the directory, newest first; without a state practising ones."""
    statement: Select[Broker] = (
        select(Broker)
        .join(Broker.organization)
        .where(visible_to(actor))
        .where(practising() if query.state is None else in_state(query.state))
        .order_by(Broker.id.desc())
        .limit(query.limit + 1)
    )
    for word in (query.q or "").split():
        named = identity(word)
        statement = statement.where(
            or_(
                Broker.text_key.contains(named, autoescape=True),
                Organization.name_key.contains(named, autoescape=True),
            )
        )
    if query.grade is not None:
        statement = statement.where(Broker.grade == query.grade)
    if query.field is not None:
        named = f"|{identity(query.field)}|"
        statement = statement.where(Broker.fields_key.contains(named, autoescape=True))
    if query.place is not None:
        statement = statement.where(
            Broker.places_key.contains(identity(query.place), autoescape=True)
        )
    if query.institution is not None:
        statement = statement.where(Broker.organization_id == query.institution)
    if query.cursor is not None:
        statement = statement.where(Broker.id < decode_id(query.cursor))
    return (await session.scalars(statement.options(_SHOWN))).all()


async def of_user(session: AsyncSession, user_id: uuid.UUID) -> Broker | None:
    """The broker that a person is."""
    return await session.scalar(select(Broker).where(Broker.user_id == user_id).options(_SHOWN))


async def hours(session: AsyncSession, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Decimal]:
    """The hours of all courses of each broker."""
    rows = await session.execute(
        select(BrokerTraining.broker_id, func.sum(BrokerTraining.hours))
        .where(BrokerTraining.broker_id.in_(ids))
        .group_by(BrokerTraining.broker_id)
    )
    return {broker_id: Decimal(total) for broker_id, total in rows}


async def conflicts_with(
    session: AsyncSession, broker_id: uuid.UUID, organization_ids: Sequence[uuid.UUID]
) -> BrokerConflict | None:
    """A conflict that a broker declared with one of some organizations, and that has begun."""
    return await session.scalar(
        select(BrokerConflict)
        .where(
            BrokerConflict.broker_id == broker_id,
            BrokerConflict.organization_id.in_(organization_ids),
            BrokerConflict.since <= today(),
        )
        .options(joinedload(BrokerConflict.organization))
        .order_by(BrokerConflict.id)
        .limit(1)
    )


def keys(values: Sequence[str]) -> str:
    """Lines as they are searched: folded, each between bars."""
    return "|" + "".join(f"{identity(one)}|" for one in values)


def folded(*texts: str | None) -> str:
    """Texts as they are searched: no words of one run into the next."""
    return "|".join("".join(fold(one).split()) for one in texts if one)
