"""What a sale does to the deal (交易) that it belongs to."""

import uuid

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.clock import today
from kechuangtong.deals import policy, queries
from kechuangtong.deals.service import take
from kechuangtong.deals.states import Action
from kechuangtong.models import Deal, Sale
from kechuangtong.models.deal import DealSide, DealState
from kechuangtong.models.sale import SaleWay
from kechuangtong.sales.errors import DealUnsuitable


async def name(session: AsyncSession, actor: Actor, sale: Sale, deal_id: uuid.UUID | None) -> None:
    """Let a sale belong to a deal in which its owner sells the same achievement. Raises
    DealUnsuitable."""
    if deal_id is not None and deal_id != sale.deal_id:
        deal = await queries.deal(session, actor, deal_id)
        if deal is None or not _suits(actor, sale, deal):
            raise DealUnsuitable
    sale.deal_id = deal_id


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


async def published(session: AsyncSession, actor: Actor, sale: Sale) -> None:
    """Put the price of a deal on notice, with that of the agreement. Raises DealUnsuitable, and
    what the deal's step raises."""
    if sale.deal_id is None or sale.notice_from is None or sale.notice_until is None:
        return
    deal = await queries.deal(session, actor, sale.deal_id, to_change=True)
    if deal is None:
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
    if deal is None or deal.state is not DealState.PRICE_NOTICE:
        return
    await take(
        session,
        actor,
        deal,
        DealSide.SELLER,
        Action.RETURN_TO_NEGOTIATION,
        on=today(),
        details={"reason": reason},
    )
