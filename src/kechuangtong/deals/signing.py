"""What a side signs of how the price came to be, and what of the deal's sales stands against it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.deals import policy, queries
from kechuangtong.deals.errors import AchievementSold, PriceObjectionOpen, SaleNotAwarded
from kechuangtong.deals.states import BY_SALE, Action, Pricing
from kechuangtong.models import Deal, DealStep
from kechuangtong.models.sale import SaleWay

_OF_PRICE = ("pricing", "sale_reference")


def completed(steps: Sequence[DealStep], details: dict[str, Any]) -> dict[str, Any]:
    """What is told with a signature; of the price that which the other side signed, else an
    agreement, where nothing is told."""
    if "pricing" in details:
        return details
    signed = [one for one in policy.agreements(steps) if one.action == Action.SIGN_CONTRACT]
    told = {"pricing": Pricing.AGREEMENT.value} | (signed[0].details if signed else {})
    return {name: told[name] for name in _OF_PRICE if name in told} | details


async def check(session: AsyncSession, deal: Deal, details: dict[str, Any]) -> None:
    """Whether a deal may be signed, as far as its sales tell it (促进科技成果转化法 art. 18).

    A price that a listing or an auction found is that of a sale: awarded here, or by the
    `sale_reference` elsewhere. That none is sold is for the contract to say, by its kind.

    Raises PriceObjectionOpen, SaleNotAwarded, AchievementSold.
    """
    pricing = Pricing(details["pricing"])
    if await queries.price_objection_open(session, deal):
        raise PriceObjectionOpen
    here = pricing in BY_SALE and "sale_reference" not in details
    if here and not await queries.sale_awarded(session, deal, SaleWay(pricing.value)):
        raise SaleNotAwarded
    sells = deal.achievement_id is not None and "contract_id" not in details
    if pricing is Pricing.NO_ACHIEVEMENT and sells:
        raise AchievementSold
