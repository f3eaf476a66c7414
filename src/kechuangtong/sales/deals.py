"""What a sale does to the deal (交易) that it belongs to."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.deals import policy, queries
from kechuangtong.models import Deal, Sale
from kechuangtong.models.deal import DealSide
from kechuangtong.sales.errors import DealUnsuitable


async def name(
    session: AsyncSession, actor: Actor, sale: Sale, deal_id: uuid.UUID | None
) -> None:
    """Let a sale belong to a deal in which its owner sells the same achievement. Raises
    DealUnsuitable."""
    if deal_id is not None and deal_id != sale.deal_id:
        deal = await queries.deal(session, actor, deal_id)
        if deal is None or not _suits(actor, sale, deal):
            raise DealUnsuitable
    sale.deal_id = deal_id


def _suits(actor: Actor, sale: Sale, deal: Deal) -> bool:
    sellers = {one.organization_id for one in deal.of_side(DealSide.SELLER)}
    return (
        DealSide.SELLER in policy.sides(actor, deal)
        and deal.achievement_id == sale.achievement_id
        and sale.organization_id in sellers
    )


async def published(session: AsyncSession, actor: Actor, sale: Sale) -> None:
    """TODO"""


async def ended(session: AsyncSession, actor: Actor, sale: Sale, reason: str) -> None:
    """TODO"""
