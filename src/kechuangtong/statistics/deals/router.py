"""Figures of deals (交易统计) over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.openapi import answers
from kechuangtong.runtime import RuntimeDep
from kechuangtong.statistics.deals import figures
from kechuangtong.statistics.deals.schemas import DealStatistics, DealStatisticsQuery

router = APIRouter(prefix="/v1/statistics/deals", tags=["statistics"])


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
