"""Deals in figures (交易统计), from a match to money received, as charts."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import today
from kechuangtong.core.errors import NotFound
from kechuangtong.core.language import Text
from kechuangtong.core.schemas import Input
from kechuangtong.deals import texts
from kechuangtong.pages.choosing import own_organizations
from kechuangtong.pages.rendering import page, page_router
from kechuangtong.runtime import RuntimeDep
from kechuangtong.statistics.deals.figures import broken_down
from kechuangtong.statistics.deals.schemas import (
    By,
    DealGroup,
    DealStatistics,
    DealStatisticsQuery,
    FunnelStep,
    Terminated,
)

router = page_router()

_MONTHS: Final = 24
_SHOWN: Final = 12
_UNSTATED: Final = Text("未填写", "Not stated")
_DAYS: Final = Text("（中位数 {days} 天）", " (median {days} days)")
_STEPS: Final = {
    FunnelStep.USEFUL: Text("匹配被评为有用", "Matches called useful"),
    FunnelStep.INTEREST: Text("对接意向", "Interests"),
    FunnelStep.INTRODUCTION: Text("引荐", "Introductions"),
    FunnelStep.DEAL: Text("建立交易", "Deals"),
    FunnelStep.CONFIDENTIAL: Text("签保密协议", "Confidentiality"),
    FunnelStep.NEGOTIATION: Text("洽谈", "Negotiation"),
    FunnelStep.SIGNED: Text("签订合同", "Contract signed"),
    FunnelStep.REGISTERED: Text("认定登记", "Registered"),
    FunnelStep.RECEIVED: Text("到款", "Money received"),
    FunnelStep.COMPLETED: Text("完成", "Completed"),
}
_FEW: Final = Text("合同过少的不公布金额。", "Where there are few contracts, amounts are not told.")


class DealFiguresQuery(Input):
    """All deals, or those of one's own organization."""

    organization_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Row:
    """One figure of a chart."""

    label: str
    count: int | Decimal
    path: str | None = None


@router.get("/statistics/deals")
async def show_deal_figures(
    request: Request,
    runtime: RuntimeDep,
    actor: Annotated[Actor, Depends(requires(Permission.SERVICE_READ))],
    query: Annotated[DealFiguresQuery, Query()],
) -> HTMLResponse:
    """The funnel, amounts, fields, regions and months of all deals, or of an organization's own to
    its people."""
    asked = DealStatisticsQuery(organization_id=query.organization_id)
    async with runtime.database.snapshot() as session:
        own = await own_organizations(session, actor, Permission.DEALS_READ)
        if query.organization_id not in (None, *(one.id for one in own)):
            raise NotFound
        by_field, by_region, by_month = await broken_down(
            session, actor, asked, [By.FIELD, By.REGION, By.MONTH]
        )
    return page(
        request,
        "deal_figures.html",
        own=own,
        chosen=query.organization_id,
        total=by_field.total,
        few=_FEW,
        funnel=_funnel(by_field),
        months=[(str(caption), rows) for caption, rows in _months(by_month)],
        charts=[
            (str(caption), str(heading), rows, note)
            for caption, heading, rows, note in (
                *_breakdown(by_field, Text("领域", "Field")),
                *_breakdown(by_region, Text("地区", "Region")),
                *_ends(by_field.terminated),
            )
        ],
    )


def _funnel(found: DealStatistics) -> list[Row]:
    return [
        Row(
            str(_STEPS[one.step]) + ("" if one.days is None else str(_DAYS.format(days=one.days))),
            one.count or 0,
        )
        for one in found.total.funnel
    ]


def _months(found: DealStatistics) -> list[tuple[Text, list[Row]]]:
    """The last two years, month by month."""
    groups = {one.value: one for one in found.groups}
    this = today().year * 12 + today().month - 1
    names = [f"{one // 12}-{one % 12 + 1:02}" for one in range(this - _MONTHS + 1, this + 1)]

    def rows(step: FunnelStep) -> list[Row]:
        return [Row(name, _count(groups[name], step) if name in groups else 0) for name in names]

    return [
        (Text("按月建立的交易", "Deals by month"), rows(FunnelStep.DEAL)),
        (Text("按月签订的合同", "Contracts signed by month"), rows(FunnelStep.SIGNED)),
    ]


def _count(group: DealGroup, step: FunnelStep) -> int:
    return next(one.count or 0 for one in group.funnel if one.step is step)


def _breakdown(
    found: DealStatistics, of: Text
) -> Iterable[tuple[Text, Text, list[Row], str | None]]:
    """How many deals each value has, and the amounts that are told."""
    shown = found.groups[:_SHOWN]
    deals = [Row(_name(one), _count(one, FunnelStep.DEAL)) for one in shown]
    if deals:
        yield Text(f"按{of.zh}的交易", f"Deals by {of.en.lower()}"), of, deals, None
    amounts = [Row(_name(one), one.amount) for one in shown if one.amount]
    few = any(one.amount is None for one in shown)
    if amounts:
        caption = Text(f"按{of.zh}的成交额（元）", f"Totals by {of.en.lower()} (CNY)")
        yield caption, of, amounts, str(_FEW) if few else None


def _name(group: DealGroup) -> str:
    return str(_UNSTATED) if group.value is None else group.value


def _ends(found: Terminated) -> Iterable[tuple[Text, Text, list[Row], str | None]]:
    if not found.count:
        return
    states = [Row(str(texts.STATES[one.state]), one.count) for one in found.by_state]
    yield Text("终止时的状态", "Where deals ended"), Text("状态", "State"), states, None
    causes = [
        Row(str(_UNSTATED if one.cause is None else texts.CAUSES[one.cause]), one.count)
        for one in found.by_cause
    ]
    yield Text("终止原因", "Why deals ended"), Text("原因", "Cause"), causes, None
