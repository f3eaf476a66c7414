"""Counts over the other domains, read only."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.interests import queries
from kechuangtong.lists.queries import in_state
from kechuangtong.matching import feedback
from kechuangtong.models import Achievement, Demand, Organization
from kechuangtong.models.listing import ListingState
from kechuangtong.statistics.schemas import FeedbackCounts, Statistics


async def totals(session: AsyncSession) -> Statistics:
    """How many there are of everything."""
    shown = {
        Achievement: in_state(Achievement, ListingState.PUBLISHED),
        Demand: in_state(Demand, ListingState.PUBLISHED),
    }
    published = {
        model: await session.scalar(select(func.count()).select_from(model).where(condition))
        for model, condition in shown.items()
    }
    organizations = await session.scalar(
        select(func.count()).select_from(Organization).where(Organization.merged_into_id.is_(None))
    )
    verdicts, reasons = await feedback.counts(session)
    expressed, introduced = await queries.totals(session)
    return Statistics(
        organizations=organizations or 0,
        achievements=published[Achievement] or 0,
        demands=published[Demand] or 0,
        feedback=FeedbackCounts(verdicts=verdicts, reasons=reasons),
        interests=expressed,
        introductions=introduced,
    )
