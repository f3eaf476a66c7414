"""Statistics (统计) over HTTP: counts over the other domains, read only."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.errors import Forbidden
from kechuangtong.core.openapi import answers
from kechuangtong.core.schemas import Input
from kechuangtong.interests import queries
from kechuangtong.interests.schemas import InterestStatistics
from kechuangtong.lists.queries import in_state
from kechuangtong.matching import feedback
from kechuangtong.models import Achievement, Demand, Organization
from kechuangtong.models.feedback import FeedbackReason, Verdict
from kechuangtong.models.listing import ListingState
from kechuangtong.sample import ids

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
    """Counts over the lists, what was said of matches, and first contacts."""

    organizations: int
    achievements: Annotated[int, Field(description="Published achievements (已发布成果)")]
    demands: Annotated[int, Field(description="Published demands (已发布需求)")]
    feedback: FeedbackCounts
    interests: Annotated[int, Field(description="Interests expressed (对接意向)")]
    introductions: Annotated[int, Field(description="Introductions made (引荐)")]


class InterestStatisticsQuery(Input):
    """Whose interests."""

    organization_id: Annotated[
        uuid.UUID,
        Field(description="One's own organization", json_schema_extra={"example": ids.ENTERPRISE}),
    ]


@router.get("", summary="Statistics (统计)", responses=answers(401, 422))
async def statistics(session: ReadSession) -> Statistics:
    """How many records there are, how often matches were called useful or wrong, and why, and how
    many first contacts came of them."""
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


@router.get(
    "/interests",
    summary="How an organization's interests fare (对接统计)",
    responses=answers(401, 403, 422),
)
async def interest_statistics(
    session: ReadSession,
    actor: Annotated[Actor, Depends(requires(Permission.INTERESTS_READ))],
    query: Annotated[InterestStatisticsQuery, Query()],
) -> InterestStatistics:
    """What an organization sent and received by state, declines by reason, and how soon the first
    answer came; for its own people."""
    if not actor.sees(query.organization_id):
        raise Forbidden(loc=("query", "organization_id"))
    return await queries.statistics(session, query.organization_id)
