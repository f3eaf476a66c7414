"""Statistics (统计) over HTTP: counts over the other domains, read only."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.errors import Forbidden
from kechuangtong.core.openapi import answers
from kechuangtong.interests import queries
from kechuangtong.interests.schemas import InterestStatistics
from kechuangtong.statistics.schemas import InterestStatisticsQuery, Statistics
from kechuangtong.statistics.service import totals

router = APIRouter(
    prefix="/v1/statistics",
    tags=["statistics"],
    dependencies=[Depends(requires(Permission.SERVICE_READ))],
)


@router.get("", summary="Statistics (统计)", responses=answers(401, 422))
async def statistics(session: ReadSession) -> Statistics:
    """How many records there are, how often matches were called useful or wrong, and why, and how
    many first contacts came of them."""
    return await totals(session)


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
