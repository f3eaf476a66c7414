"""A deal of the sample that is public, for the examples of the documentation."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core.clock import now
from kechuangtong.models import Deal
from kechuangtong.sample import ids


async def add_publications(session: AsyncSession) -> None:
    """Both sides have agreed."""
    deal = await session.get_one(Deal, uuid.UUID(ids.DEAL_PUBLIC))
    deal.published_by_seller_at = deal.published_by_buyer_at = now()
