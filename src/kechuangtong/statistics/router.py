"""Statistics (统计) over HTTP: counts over the other domains, read only."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.errors import Forbidden
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import link_next
from kechuangtong.interests import queries
from kechuangtong.interests.schemas import InterestStatistics
from kechuangtong.runtime import RuntimeDep
from kechuangtong.statistics import instruments, service
from kechuangtong.statistics.schemas import (
    ListStatistics,
    ListStatisticsQuery,
    OrganizationStatisticsQuery,
    OwnStatistics,
    Statistics,
    YearOfInstruments,
    YearQuery,
)

router = APIRouter(
    prefix="/v1/statistics",
    tags=["statistics"],
    dependencies=[Depends(requires(Permission.SERVICE_READ))],
)


@router.get("", summary="Statistics (统计)", responses=answers(401, 422))
async def statistics(session: ReadSession) -> Statistics:
    """How many records there are, how often matches were called useful or wrong, and why, and how
    many first contacts came of them."""
    return await service.statistics(session)


@router.get("/lists", summary="What is in a list (清单统计)", responses=answers(401, 422))
async def list_statistics(
    runtime: RuntimeDep, query: Annotated[ListStatisticsQuery, Query()]
) -> ListStatistics:
    """The public records of a list by field, stage, place, cooperation, kind of organization, month
    and budget; the organizations with most of them; and how far records have come."""
    async with runtime.database.snapshot() as session:
        return await service.of_list(session, query.kind)


@router.get(
    "/records",
    summary="An organization's own records (本单位清单统计)",
    responses=answers(401, 403, 422),
)
async def own_statistics(
    session: ReadSession,
    actor: Annotated[Actor, Depends(requires(Permission.IMPORTS_READ))],
    query: Annotated[OrganizationStatisticsQuery, Query()],
) -> OwnStatistics:
    """An organization's records by state, for its own people."""
    if not actor.sees(query.organization_id):
        raise Forbidden(loc=("query", "organization_id"))
    return await service.of_organization(session, query.organization_id)


@router.get(
    "/interests",
    summary="How an organization's interests fare (对接统计)",
    responses=answers(401, 403, 422),
)
async def interest_statistics(
    session: ReadSession,
    actor: Annotated[Actor, Depends(requires(Permission.INTERESTS_READ))],
    query: Annotated[OrganizationStatisticsQuery, Query()],
) -> InterestStatistics:
    """What an organization sent and received by state, declines by reason, and how soon the first
    answer came; for its own people."""
    if not actor.sees(query.organization_id):
        raise Forbidden(loc=("query", "organization_id"))
    return await queries.statistics(session, query.organization_id)


@router.get(
    "/instruments",
    summary="How instruments were used in a year (仪器年度使用情况)",
    responses=answers(401, 403, 422),
)
async def instrument_statistics(
    runtime: RuntimeDep,
    actor: Annotated[Actor, Depends(requires(Permission.BOOKINGS_READ))],
    request: Request,
    response: Response,
    query: Annotated[YearQuery, Query()],
) -> YearOfInstruments:
    """Hours, outside share, services and fees of an organization's instruments out of finished
    bookings, for its own people; those that reach the line, and those that were not used: `idle`.

    The year is the city's (Asia/Shanghai). Hours of use and shares have one decimal.
    """
    async with runtime.database.snapshot() as session:
        year = await instruments.yearly(session, actor, query)
    link_next(request, response, year.next_cursor)
    return year
