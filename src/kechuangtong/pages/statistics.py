"""Figures of the lists, and one's own organization's, as charts (统计)."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.errors import NotFound
from kechuangtong.core.language import Text
from kechuangtong.core.trade import Cooperation, ListKind, OrganizationKind, Stage
from kechuangtong.interests import queries
from kechuangtong.models import Organization
from kechuangtong.pages import labels
from kechuangtong.pages.choosing import own_organizations
from kechuangtong.pages.rendering import page, page_router
from kechuangtong.runtime import RuntimeDep
from kechuangtong.statistics import service
from kechuangtong.statistics.schemas import (
    Breakdown,
    Budgets,
    Funnel,
    ListStatistics,
    ListStatisticsQuery,
)

router = page_router()

_OTHERS: Final = Text("其他", "Others")
_UNSTATED: Final = Text("未填写", "Not stated")
_ANONYMOUS: Final = Text("匿名企业", "Enterprises, not named")
_SEVERAL_WAYS: Final = Text("一条可有多种方式，各计一次。", "A record counts for each of its ways.")
_NAMED: Final = Text("不含匿名需求。", "Without anonymous demands.")
_MEDIAN: Final = Text("首次答复：中位数 {days} 天。", "First answer: a median of {days} days.")
_EARLIER: Final = Text("更早：{count} 条。", "Earlier: {count}.")
_TEN_THOUSAND: Final = Decimal(10_000)


class StatisticsQuery(ListStatisticsQuery):
    """Which list, and which of one's own organizations."""

    organization_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Row:
    """One figure of a chart; `path` is where its label leads."""

    label: str
    count: int
    path: str | None = None


@router.get("/statistics")
async def show_statistics(
    request: Request,
    runtime: RuntimeDep,
    actor: Annotated[Actor, Depends(requires(Permission.SERVICE_READ))],
    query: Annotated[StatisticsQuery, Query()],
) -> HTMLResponse:
    """Both lists in figures, one at a time, and an organization's own to its people."""
    async with runtime.database.snapshot() as session:
        organizations = await own_organizations(session, actor, Permission.INTERESTS_READ)
        own = await _own(session, organizations, query.organization_id)
        totals = await service.totals(session)
        found = await service.of_list(session, query.kind)
    return page(
        request,
        "statistics.html",
        kind=query.kind,
        lists=labels.LISTS.items(),
        totals=totals,
        organizations=organizations,
        own=own,
        list=_list(found),
    )


async def _own(
    session: AsyncSession, organizations: Sequence[Organization], wanted: uuid.UUID | None
) -> dict[str, Any] | None:
    chosen = [one for one in organizations if wanted in (None, one.id)]
    if not chosen:
        if wanted is not None:
            raise NotFound
        return None
    records = await service.of_organization(session, chosen[0].id)
    interests = await queries.statistics(session, chosen[0].id)
    return {
        "name": chosen[0].name,
        "achievements": _named(records.achievements, labels.STATES),
        "demands": _named(records.demands, labels.STATES),
        "received": _named(interests.received.states, labels.INTERESTS),
        "sent": _named(interests.sent.states, labels.INTERESTS),
        "days_received": _days(interests.received.days_to_answer),
        "days_sent": _days(interests.sent.days_to_answer),
    }


def _list(found: ListStatistics) -> dict[str, Any]:
    stages = _chart(found.by_stage, _UNSTATED, labels.STAGES, Stage)
    ways = _chart(found.by_cooperation, _UNSTATED, labels.WAYS, Cooperation)
    kinds = _chart(found.by_organization_kind, _ANONYMOUS, labels.ORGANIZATIONS, OrganizationKind)
    owners = [Row(one.name, one.count, f"/organizations/{one.id}") for one in found.organizations]
    demands = found.kind is ListKind.DEMAND
    stage = Text("要求的成熟阶段", "Stage required") if demands else Text("成熟阶段", "Stage")
    named = str(_NAMED) if demands else None
    breakdowns = [
        (Text("所属领域", "Fields"), _chart(found.by_field, _UNSTATED), None),
        (stage, stages, None),
        (Text("所在地", "Places"), _chart(found.by_place, _UNSTATED), None),
        (Text("合作方式", "Ways of cooperation"), ways, str(_SEVERAL_WAYS)),
        (Text("单位性质", "Kinds of organization"), kinds, None),
        (Text("发布最多的单位", "Organizations with most records"), owners, named),
    ]
    if found.by_budget is not None:
        breakdowns.insert(2, (Text("预算", "Budgets"), _budgets(found.by_budget), None))
    earlier = _EARLIER.format(count=f"{found.by_month.earlier:,}")
    return {
        "months": [Row(one.value, one.count) for one in found.by_month.items],
        "earlier": str(earlier) if found.by_month.earlier else None,
        "funnel": _funnel(found.funnel),
        "days": _days(found.funnel.days_to_answer),
        "breakdowns": [
            (str(name), str(name), rows, note) for name, rows, note in breakdowns if rows
        ],
    }


def _chart(
    found: Breakdown,
    unstated: Text,
    names: Mapping[Any, Text] | None = None,
    values: type[StrEnum] | None = None,
) -> list[Row]:
    """What is counted, with its names; of the trade's values those that there are none of are
    left out."""
    rows = []
    for one in found.items:
        if values is None or names is None:
            rows.append(Row(one.value, one.count))
        elif one.count:
            rows.append(Row(str(names[values(one.value)]), one.count))
    rest = ((_OTHERS, found.others), (unstated, found.unstated))
    return rows + [Row(str(name), count) for name, count in rest if count]


def _named(counts: Mapping[Any, int], names: Mapping[Any, Text]) -> list[Row]:
    return [Row(str(names[one]), count) for one, count in counts.items()]


def _budgets(found: Budgets) -> list[Row]:
    rows = []
    for one in found.bands:
        low = f"{one.low / _TEN_THOUSAND:,.0f}"
        if one.high is None:
            name = Text(f"{low} 万元及以上", f"¥{one.low:,.0f} and more")
        elif one.low == 0:
            name = Text(f"{one.high / _TEN_THOUSAND:,.0f} 万元以下", f"below ¥{one.high:,.0f}")
        else:
            high = f"{one.high / _TEN_THOUSAND:,.0f}"
            name = Text(f"{low}–{high} 万元", f"¥{one.low:,.0f}–{one.high:,.0f}")
        rows.append(Row(str(name), one.count))
    rest: Iterable[tuple[Text, int]] = (
        (Text("面议", "Negotiable"), found.negotiable),
        (_UNSTATED, found.unstated),
    )
    return rows + [Row(str(name), count) for name, count in rest]


def _funnel(found: Funnel) -> list[Row]:
    return [
        Row(str(name), count)
        for name, count in (
            (Text("已发布", "Published"), found.published),
            (Text("匹配被评为有用", "With a useful match"), found.useful),
            (Text("有对接意向", "With an interest"), found.interested),
            (Text("已引荐", "Introduced"), found.introduced),
        )
    ]


def _days(days: float | None) -> str | None:
    return None if days is None else str(_MEDIAN.format(days=days))
