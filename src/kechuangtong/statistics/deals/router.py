"""Figures of deals (交易统计) over HTTP."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.openapi import answers, file
from kechuangtong.runtime import RuntimeDep
from kechuangtong.statistics.deals import figures, yearly
from kechuangtong.statistics.deals.schemas import (
    DealStatistics,
    DealStatisticsQuery,
    YearlyQuery,
    YearOfDeals,
)
from kechuangtong.statistics.deals.workbook import xlsx

router = APIRouter(prefix="/v1/statistics/deals", tags=["statistics"])

Reader = Annotated[Actor, Depends(requires(Permission.DEALS_READ))]
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get(
    "",
    summary="From a match to money received (交易漏斗与金额)",
    responses=answers(401, 403, 422),
)
async def deal_statistics(
    runtime: RuntimeDep,
    actor: Annotated[Actor, Depends(requires(Permission.SERVICE_READ))],
    query: Annotated[DealStatisticsQuery, Query()],
) -> DealStatistics:
    """How many matches were called useful, and how many interests, introductions and deals came of
    them; how many deals ever reached confidentiality, negotiation, a contract, registration, money
    and their end; the amounts; and where and why deals were terminated.

    What counts when: a match by the day of its feedback, interests and introductions by the day
    they were made, a deal in each step by the first day on which its history says it got there, a
    contract (成交额, 技术交易额) by the day of its signing, money by the day it was received; the
    days are the city's. A deal's field is that of its achievement, else of its demand, and its
    region the place of its leading seller.

    Everyone gets the figures of all deals, whole or by field, region or month. Amounts of fewer
    than three contracts are null there, and so are those of the next larger group where they could
    be subtracted from the whole. Administrators and auditors ask for any part, an organization's
    people for its own (`organization_id`), and are told all amounts. Organizations and brokers have
    no matches, interests and introductions counted for them.
    """
    async with runtime.database.snapshot() as session:
        return await figures.of_deals(session, actor, query)


@router.get(
    "/yearly",
    summary="The yearly report of transfers (科技成果转化年度报告)",
    responses=answers(401, 403, 422),
)
async def yearly_report(
    runtime: RuntimeDep, actor: Reader, query: Annotated[YearlyQuery, Query()]
) -> YearOfDeals:
    """What an organization sold in a year, for its own people: contracts, registrations and money
    received by kind of contract and way of pricing (定价方式), and the largest contracts; what a
    public institute reports to its supervising body (促进科技成果转化法 art. 21). Administrators
    and auditors get that of all organizations without `organization_id`.

    A contract counts in the year of its signing, a registration in that of its decision, money in
    that in which it was received; the year is the city's. Of a contract of several sellers an
    organization has its part by its share. Rewards paid to persons are not kept here.
    """
    async with runtime.database.snapshot() as session:
        return await yearly.report(session, actor, query)


@router.get(
    "/yearly.xlsx",
    summary="Download the yearly report (下载年度报告 Excel)",
    response_class=Response,
    responses={
        **file("A spreadsheet with the sums and the largest contracts", _XLSX, binary=True),
        **answers(401, 403, 422),
    },
)
async def download_yearly_report(
    runtime: RuntimeDep, actor: Reader, query: Annotated[YearlyQuery, Query()]
) -> Response:
    """The yearly report as a spreadsheet with Chinese headers, in yuan."""
    async with runtime.database.snapshot() as session:
        report = await yearly.report(session, actor, query)
    content = await to_thread.run_sync(xlsx, report)
    disposition = f'attachment; filename="deals-{report.year}.xlsx"'
    return Response(content, media_type=_XLSX, headers={"Content-Disposition": disposition})
