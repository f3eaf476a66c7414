"""Statistics (统计) over HTTP: counts over the other domains, read only."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.openapi import answers
from kechuangtong.lists.queries import in_state
from kechuangtong.matching import feedback
from kechuangtong.models import Achievement, Demand, Organization
from kechuangtong.models.feedback import FeedbackReason, Verdict
from kechuangtong.models.listing import ListingState

router = APIRouter(
    prefix="/v1/statistics",
    tags=["statistics"],
    dependencies=[Depends(requires(Permission.SERVICE_READ))],
)


class FeedbackCounts(BaseModel):
    """What people said of matches (匹配反馈)."""

    verdicts: dict[Verdict, int]
    reasons: dict[FeedbackReason, int]


class Statistics(BaseModel):
    """Counts over the lists and what was said of matches."""

    organizations: int
    achievements: Annotated[int, Field(description="Published achievements (已发布成果)")]
    demands: Annotated[int, Field(description="Published demands (已发布需求)")]
    feedback: FeedbackCounts


@router.get("", summary="Statistics (统计)", responses=answers(401, 422))
async def statistics(session: ReadSession) -> Statistics:
    """How many records there are, and how often matches were called useful or wrong, and why."""
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
    return Statistics(
        organizations=organizations or 0,
        achievements=published[Achievement] or 0,
        demands=published[Demand] or 0,
        feedback=FeedbackCounts(verdicts=verdicts, reasons=reasons),
    )
