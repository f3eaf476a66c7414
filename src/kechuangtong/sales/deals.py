"""What a sale does to the deal (交易) that it belongs to."""

import uuid

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import OPERATOR, Actor
from kechuangtong.core.clock import today
from kechuangtong.deals import policy, queries
from kechuangtong.deals.service import take
from kechuangtong.deals.states import Action
from kechuangtong.models import Deal, DealParty, Sale
from kechuangtong.models.deal import DealSide, DealState
from kechuangtong.models.sale import SaleWay
from kechuangtong.sales.errors import BuyerNotInDeal, DealUnsuitable


async def name(session: AsyncSession, actor: Actor, sale: Sale, deal_id: uuid.UUID | None) -> None:
    """Let a sale belong to a deal in which its owner sells the same achievement. Raises
    DealUnsuitable."""
    if deal_id is not None and deal_id != sale.deal_id:
        deal = await queries.deal(session, actor, deal_id)
        if deal is None or not _suits(actor, sale, deal):
            raise DealUnsuitable
    sale.deal_id = deal_id


async def buyer(session: AsyncSession, sale: Sale, buyer_id: uuid.UUID | None) -> uuid.UUID | None:
    """Who buys by an agreement: one of the buyers of its deal, the leading one where nobody is
    named. Raises BuyerNotInDeal."""
    if sale.deal_id is None or sale.way is not SaleWay.AGREEMENT:
        return buyer_id
    deal = await queries.deal(session, OPERATOR, sale.deal_id)
    assert deal is not None
    buyers = _buyers(deal)
    if buyer_id is not None and buyer_id not in buyers:
        raise BuyerNotInDeal
    return buyer_id or buyers[0]


def parties(sale: Sale) -> Select[uuid.UUID]:
    """The organizations of the deal that a sale belongs to."""
    return queries.parties_of(sale.deal_id)


def _suits(actor: Actor, sale: Sale, deal: Deal) -> bool:
    sellers = {one.organization_id for one in deal.of_side(DealSide.SELLER)}
    return (
        DealSide.SELLER in policy.sides(actor, deal)
        and deal.achievement_id == sale.achievement_id
        and sale.organization_id in sellers
    )


def _buyers(deal: Deal) -> list[uuid.UUID]:
    return [one.organization_id for one in deal.of_side(DealSide.BUYER)]


async def published(session: AsyncSession, actor: Actor, sale: Sale) -> None:
    """Put the price of a deal on notice, with that of the agreement. Raises DealUnsuitable, and
    what the deal's step raises."""
    if sale.deal_id is None or sale.notice_from is None or sale.notice_until is None:
        return
    deal = await queries.deal(session, actor, sale.deal_id, to_change=True)
    # Since it was drafted, its buyer may have left the deal.
    if deal is None or sale.buyer_id not in _buyers(deal):
        raise DealUnsuitable
    await take(
        session,
        actor,
        deal,
        DealSide.SELLER,
        Action.PUBLISH_PRICE,
        on=today(),
        details={
            "price": f"{sale.price:.2f}",
            "way": sale.object.value,
            "related": bool(sale.buyer_related),
            "from": sale.notice_from.isoformat(),
            "until": sale.notice_until.isoformat(),
        },
    )


async def ended(session: AsyncSession, actor: Actor, sale: Sale, reason: str) -> None:
    """Let a deal whose price is on notice by a sale go back to where that is negotiated."""
    if sale.deal_id is None or sale.way is not SaleWay.AGREEMENT or sale.published_at is None:
        return
    deal = await queries.deal(session, actor, sale.deal_id, to_change=True)
    if deal is not None and deal.state is DealState.PRICE_NOTICE:
        await _return(session, actor, deal, reason)


async def objected(session: AsyncSession, actor: Actor, sale: Sale, reason: str) -> None:
    """Let the deals that are to be signed at a price which was objected to go back to where that is
    negotiated: the one that the sale names, else those of its achievement with its buyer."""
    if sale.deal_id is not None:
        await ended(session, actor, sale, reason)
        return
    found = await session.scalars(
        select(Deal.id)
        .join(DealParty)
        .where(
            Deal.state == DealState.PRICE_NOTICE,
            Deal.achievement_id == sale.achievement_id,
            DealParty.side == DealSide.BUYER,
            DealParty.organization_id == sale.buyer_id,
        )
        .order_by(Deal.id)
    )
    for deal_id in found.all():
        deal = await queries.deal(session, OPERATOR, deal_id, to_change=True)
        if deal is not None and deal.state is DealState.PRICE_NOTICE:
            by = actor if DealSide.SELLER in policy.sides(actor, deal) else OPERATOR
            await _return(session, by, deal, reason)


async def _return(session: AsyncSession, actor: Actor, deal: Deal, reason: str) -> None:
    await take(
        session,
        actor,
        deal,
        DealSide.SELLER,
        Action.RETURN_TO_NEGOTIATION,
        on=today(),
        details={"reason": reason},
    )
