"""Reading deals: those of one's own organizations."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased, joinedload, selectinload

from kechuangtong.accounts.actor import Actor
from kechuangtong.brokers.mandates import in_force
from kechuangtong.brokers.queries import of_person, practising
from kechuangtong.core.errors import Forbidden
from kechuangtong.core.paging import CursorInvalid, decode_cursor, decode_id
from kechuangtong.deals.schemas import DealQuery, StepQuery
from kechuangtong.deals.states import ENDED
from kechuangtong.models import (
    Broker,
    Contract,
    Deal,
    DealBroker,
    DealParty,
    DealStep,
    Mandate,
    Organization,
    Sale,
    SaleObjection,
    User,
)
from kechuangtong.models.contract import ContractState
from kechuangtong.models.deal import DealSide, DealState
from kechuangtong.models.sale import SaleState, SaleWay
from kechuangtong.organizations.service import keep

WHO_ACTS = (
    selectinload(Deal.parties).joinedload(DealParty.organization, innerjoin=True),
    selectinload(Deal.brokers).options(
        joinedload(DealBroker.broker, innerjoin=True).joinedload(
            Broker.organization, innerjoin=True
        ),
        joinedload(DealBroker.mandate, innerjoin=True).joinedload(
            Mandate.organization, innerjoin=True
        ),
    ),
)
"""What `policy.sides` looks at."""
SHOWN = (joinedload(Deal.achievement), joinedload(Deal.demand), *WHO_ACTS)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """What lies between the parties is for their people, and for a broker while it acts for one."""
    if actor.sees_all:
        return true()
    own = _of(actor.organization_ids)
    return or_(own, _brokered_by(actor)) if actor.broker else own


async def deal(
    session: AsyncSession, actor: Actor, deal_id: uuid.UUID, *, to_change: bool = False
) -> Deal | None:
    """One deal, where the actor may see it; whoever gets it to change it is alone with it."""
    statement = select(Deal).where(Deal.id == deal_id, visible_to(actor)).options(*SHOWN)
    if not to_change:
        return await session.scalar(statement)
    await keep(session, Organization.id.in_(parties_of(deal_id)))
    return await session.scalar(statement.with_for_update(of=Deal))


def parties_of(deal_id: Any) -> Select[uuid.UUID]:  # noqa: ANN401
    """The organizations of a deal."""
    return select(DealParty.organization_id).where(DealParty.deal_id == deal_id)


async def deals(session: AsyncSession, actor: Actor, query: DealQuery) -> Sequence[Deal]:
    """Up to `limit + 1` deals, newest first. Raises Forbidden for others' organizations."""
    statement = (
        _whose(actor, query.organization_id)
        .options(*SHOWN)
        .order_by(Deal.id.desc())
        .limit(query.limit + 1)
    )
    if query.side is not None:
        named = query.organization_id
        own = actor.organization_ids if named is None else {named}
        statement = statement.where(_of(own, DealParty.side == query.side))
    if query.state is not None:
        statement = statement.where(Deal.state == query.state)
    if query.achievement_id is not None:
        statement = statement.where(Deal.achievement_id == query.achievement_id)
    if query.demand_id is not None:
        statement = statement.where(Deal.demand_id == query.demand_id)
    if query.cursor is not None:
        statement = statement.where(Deal.id < decode_id(query.cursor))
    return (await session.scalars(statement)).all()


async def has_contract(session: AsyncSession, deal_id: uuid.UUID) -> bool:
    """Whether there is a contract of a deal that is drafted or signed."""
    live = (ContractState.DRAFT, ContractState.SIGNED)
    there = exists().where(Contract.deal_id == deal_id, Contract.state.in_(live))
    return bool(await session.scalar(select(there)))


async def price_objection_open(session: AsyncSession, deal: Deal) -> bool:
    """Whether an objection to a price of the deal's that is or was on notice is undecided."""
    undecided = (SaleState.OPEN, SaleState.CLOSED)
    found = exists().where(
        SaleObjection.sale_id == Sale.id,
        SaleObjection.outcome.is_(None),
        Sale.stored_state.in_(undecided),
        _sale_of(deal, Sale.buyer_id),
    )
    return bool(await session.scalar(select(found)))


async def sale_awarded(session: AsyncSession, deal: Deal, way: SaleWay) -> bool:
    """Whether a sale in this way has awarded the deal's achievement to one of its buyers."""
    found = exists().where(
        Sale.stored_state == SaleState.AWARDED,
        Sale.way == way,
        Sale.awarded_to_id.in_(_buyers(deal)),
        _sale_of(deal, Sale.awarded_to_id),
    )
    return bool(await session.scalar(select(found)))


async def counts(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID | None
) -> dict[DealState, int]:
    """How many deals there are in each state that has any. Raises Forbidden."""
    statement = _whose(actor, organization_id).with_only_columns(Deal.state, func.count())
    rows = await session.execute(statement.group_by(Deal.state))
    return {row[0]: row[1] for row in rows}


async def first_of(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID | None,
    state: DealState,
    limit: int,
) -> Sequence[Deal]:
    """The deals in a state that have not changed for longest; of what has ended, the last."""
    last = Deal.updated_at.desc() if state in ENDED else Deal.updated_at
    statement = _whose(actor, organization_id).where(Deal.state == state).options(*SHOWN)
    return (await session.scalars(statement.order_by(last, Deal.id).limit(limit))).all()


async def open_deal(
    session: AsyncSession, organization_id: uuid.UUID, subject: ColumnElement[bool]
) -> uuid.UUID | None:
    """A deal of an organization on a record that has not ended."""
    return await session.scalar(
        select(Deal.id).where(subject, Deal.state.not_in(ENDED), _of({organization_id})).limit(1)
    )


async def deal_of(session: AsyncSession, introduction_id: uuid.UUID) -> uuid.UUID | None:
    """The deal that an introduction has led to."""
    return await session.scalar(select(Deal.id).where(Deal.introduction_id == introduction_id))


async def histories(
    session: AsyncSession, deal_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[DealStep]]:
    """All steps of some deals, the first first."""
    found: dict[uuid.UUID, list[DealStep]] = {one: [] for one in deal_ids}
    steps = await session.scalars(
        select(DealStep).where(DealStep.deal_id.in_(deal_ids)).order_by(DealStep.number)
    )
    for step in steps:
        found[step.deal_id].append(step)
    return found


async def steps(
    session: AsyncSession, deal_id: uuid.UUID, query: StepQuery
) -> Sequence[tuple[DealStep, str | None]]:
    """Up to `limit + 1` steps, the first first, with the names of those who did them."""
    statement = (
        select(DealStep, User.name)
        .outerjoin(User, User.id == DealStep.user_id)
        .where(DealStep.deal_id == deal_id)
        .options(joinedload(DealStep.organization))
        .order_by(DealStep.number)
        .limit(query.limit + 1)
    )
    if query.cursor is not None:
        statement = statement.where(DealStep.number > _number(query.cursor))
    return [(step, name) for step, name in await session.execute(statement)]


def _number(cursor: str) -> int:
    (text,) = decode_cursor(cursor, 1)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise CursorInvalid
    return int(text)


def _of(organization_ids: Collection[uuid.UUID], *more: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(
        DealParty.deal_id == Deal.id, DealParty.organization_id.in_(organization_ids), *more
    )


def _buyers(deal: Deal) -> list[uuid.UUID]:
    return [one.organization_id for one in deal.of_side(DealSide.BUYER)]


def _sale_of(deal: Deal, buyer: InstrumentedAttribute[uuid.UUID | None]) -> ColumnElement[bool]:
    """Sales that name the deal, or that name none and are of its achievement and for its buyer."""
    unnamed = and_(Sale.deal_id.is_(None), buyer.in_(_buyers(deal)))
    return and_(Sale.achievement_id == deal.achievement_id, or_(Sale.deal_id == deal.id, unnamed))


def _brokered_by(actor: Actor) -> ColumnElement[bool]:
    """As `policy.acting`, as a condition."""
    other, others = aliased(DealBroker), aliased(Mandate)
    not_agreed = exists().where(
        other.deal_id == DealBroker.deal_id,
        other.broker_id == DealBroker.broker_id,
        other.side != DealBroker.side,
        other.mandate_id == others.id,
        in_force(others),
        or_(other.agreed_by_other_at.is_(None), DealBroker.agreed_by_other_at.is_(None)),
    )
    return exists().where(
        DealBroker.deal_id == Deal.id,
        DealBroker.broker_id == Broker.id,
        of_person(actor),
        practising(),
        DealBroker.mandate_id == Mandate.id,
        in_force(Mandate),
        ~not_agreed,
    )


def _whose(actor: Actor, organization_id: uuid.UUID | None) -> Select[Any]:
    statement = select(Deal).where(visible_to(actor))
    if organization_id is None:
        return statement
    if not actor.sees(organization_id):
        raise Forbidden(loc=("query", "organization_id"))
    return statement.where(_of({organization_id}))
