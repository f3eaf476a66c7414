"""Reading sales: those that were published are everyone's, drafts their owner's."""

import uuid
from collections.abc import Collection, Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.clock import now
from kechuangtong.core.paging import PageQuery, decode_id
from kechuangtong.deals.queries import parties_of
from kechuangtong.models import (
    FirstRefusal,
    Organization,
    Sale,
    SaleBid,
    SaleEntrant,
    SaleObjection,
)
from kechuangtong.models.sale import SaleState, SaleWay
from kechuangtong.organizations.service import keep
from kechuangtong.sales.schemas import SaleQuery

_SHOWN = (
    joinedload(Sale.achievement, innerjoin=True),
    joinedload(Sale.organization, innerjoin=True),
    joinedload(Sale.buyer),
    joinedload(Sale.awarded_to),
)
_OF_ENTRANT = joinedload(SaleEntrant.organization, innerjoin=True)

Part = TypeVar("Part", SaleBid, SaleEntrant, SaleObjection)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """What was published is everyone's to read, all else its owner's."""
    if actor.sees_all:
        return true()
    return or_(Sale.published_at.is_not(None), Sale.organization_id.in_(actor.organization_ids))


def over() -> ColumnElement[bool]:
    """Sales whose time is over, though that is not stored yet; as `Sale.over`."""
    return and_(Sale.stored_state == SaleState.OPEN, Sale.closes_at <= now())


def _in_vain() -> ColumnElement[bool]:
    """As `Sale.in_vain`."""
    return or_(
        and_(Sale.way == SaleWay.LISTING, Sale.applications_count == 0),
        and_(Sale.way == SaleWay.AUCTION, Sale.highest.is_(None)),
        and_(Sale.reserve.is_not(None), Sale.highest.is_not(None), Sale.highest < Sale.reserve),
    )


def in_state(state: SaleState) -> ColumnElement[bool]:
    """The shown state as a condition; as `Sale.state`."""
    match state:
        case SaleState.OPEN:
            return and_(Sale.stored_state == state, Sale.closes_at > now())
        case SaleState.CLOSED:
            return or_(Sale.stored_state == state, and_(over(), ~_in_vain()))
        case SaleState.FAILED:
            return or_(Sale.stored_state == state, and_(over(), _in_vain()))
        case _:
            return Sale.stored_state == state


async def sale(
    session: AsyncSession, actor: Actor, sale_id: uuid.UUID, *, to_change: bool = False
) -> Sale | None:
    """One sale, where the actor may see it; whoever gets it to change it is alone with it."""
    statement = select(Sale).where(Sale.id == sale_id, visible_to(actor)).options(*_SHOWN)
    if not to_change:
        return await session.scalar(statement)
    own = select(Sale.organization_id).where(Sale.id == sale_id)
    buyer = select(Sale.buyer_id).where(Sale.id == sale_id)
    deal_id = select(Sale.deal_id).where(Sale.id == sale_id).scalar_subquery()
    sides = own.union(buyer, parties_of(deal_id))  # those of its deal, which may be held next
    await keep(session, Organization.id.in_(sides))
    return await session.scalar(statement.with_for_update(of=Sale))


async def sales(session: AsyncSession, actor: Actor, query: SaleQuery) -> Sequence[Sale]:
    """Up to `limit + 1` sales that the actor may see, newest first."""
    statement = (
        select(Sale)
        .where(visible_to(actor))
        .order_by(Sale.id.desc())
        .limit(query.limit + 1)
        .options(*_SHOWN)
    )
    if query.state is not None:
        statement = statement.where(in_state(query.state))
    if query.way is not None:
        statement = statement.where(Sale.way == query.way)
    if query.organization_id is not None:
        statement = statement.where(Sale.organization_id == query.organization_id)
    if query.achievement_id is not None:
        statement = statement.where(Sale.achievement_id == query.achievement_id)
    if query.cursor is not None:
        statement = statement.where(Sale.id < decode_id(query.cursor))
    return (await session.scalars(statement)).all()


async def ids_over(session: AsyncSession) -> Sequence[uuid.UUID]:
    """Sales whose time is over, though that is not stored yet."""
    return (await session.scalars(select(Sale.id).where(over()).order_by(Sale.id))).all()


async def entrants(
    session: AsyncSession, sale_id: uuid.UUID, of: Collection[uuid.UUID] | None = None
) -> Sequence[SaleEntrant]:
    """Who has applied for a sale or bids in it, the first first; of some organizations alone."""
    statement = (
        select(SaleEntrant)
        .where(SaleEntrant.sale_id == sale_id)
        .order_by(SaleEntrant.number)
        .options(_OF_ENTRANT)
    )
    if of is not None:
        statement = statement.where(SaleEntrant.organization_id.in_(of))
    return (await session.scalars(statement)).all()


async def next_number(session: AsyncSession, sale_id: uuid.UUID) -> int:
    """The number of who comes next to a sale that is held."""
    last = await session.scalar(
        select(func.max(SaleEntrant.number)).where(SaleEntrant.sale_id == sale_id)
    )
    return (last or 0) + 1


async def highest_bid(session: AsyncSession, sale_id: uuid.UUID) -> SaleBid | None:
    """The bid that leads."""
    return await session.scalar(
        select(SaleBid)
        .where(SaleBid.sale_id == sale_id)
        .order_by(SaleBid.amount.desc())
        .limit(1)
        .options(joinedload(SaleBid.entrant, innerjoin=True).options(_OF_ENTRANT))
    )


def _page(statement: Select[Part], model: type[Part], query: PageQuery) -> Select[Part]:
    """The newest first: a number, as an amount, grows with the id."""
    statement = statement.order_by(model.id.desc()).limit(query.limit + 1)
    if query.cursor is not None:
        statement = statement.where(model.id < decode_id(query.cursor))
    return statement


async def bids_page(
    session: AsyncSession, sale_id: uuid.UUID, query: PageQuery
) -> Sequence[SaleBid]:
    """Up to `limit + 1` bids, the newest first."""
    statement = select(SaleBid).where(SaleBid.sale_id == sale_id)
    shown = joinedload(SaleBid.entrant, innerjoin=True).options(_OF_ENTRANT)
    return (await session.scalars(_page(statement, SaleBid, query).options(shown))).all()


async def entrants_page(
    session: AsyncSession, sale_id: uuid.UUID, query: PageQuery
) -> Sequence[SaleEntrant]:
    """Up to `limit + 1` of those who applied or bid, the newest first."""
    statement = select(SaleEntrant).where(SaleEntrant.sale_id == sale_id)
    return (await session.scalars(_page(statement, SaleEntrant, query).options(_OF_ENTRANT))).all()


async def objections_page(
    session: AsyncSession,
    sale_id: uuid.UUID,
    of: Collection[uuid.UUID] | None,
    query: PageQuery,
) -> Sequence[SaleObjection]:
    """Up to `limit + 1` objections, the newest first; those of some organizations alone."""
    statement = select(SaleObjection).where(SaleObjection.sale_id == sale_id)
    if of is not None:
        statement = statement.where(SaleObjection.organization_id.in_(of))
    shown = joinedload(SaleObjection.organization, innerjoin=True)
    return (await session.scalars(_page(statement, SaleObjection, query).options(shown))).all()


async def open_objections(session: AsyncSession, sale_id: uuid.UUID) -> int:
    """How many objections are still to be decided."""
    return (
        await session.scalar(
            select(func.count())
            .select_from(SaleObjection)
            .where(SaleObjection.sale_id == sale_id, SaleObjection.outcome.is_(None))
        )
        or 0
    )


async def objectors(session: AsyncSession, sale_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """The organizations that objected."""
    found = await session.scalars(
        select(SaleObjection.organization_id).where(SaleObjection.sale_id == sale_id)
    )
    return frozenset(found)


async def last_offer(session: AsyncSession, sale_id: uuid.UUID) -> FirstRefusal | None:
    """The last offer of first refusal in a sale."""
    return await session.scalar(
        select(FirstRefusal)
        .where(FirstRefusal.sale_id == sale_id)
        .order_by(FirstRefusal.id.desc())
        .limit(1)
    )


async def has_entrant(session: AsyncSession, sale_id: uuid.UUID, of: uuid.UUID) -> bool:
    """Whether an organization has applied or bid."""
    found = exists().where(SaleEntrant.sale_id == sale_id, SaleEntrant.organization_id == of)
    return bool(await session.scalar(select(found)))
