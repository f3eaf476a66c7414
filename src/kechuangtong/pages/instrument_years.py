"""How an organization's instruments were used in a year (仪器年度使用情况), as charts."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import Field, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import today
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Line
from kechuangtong.models.instrument import UsageUnit
from kechuangtong.pages.choosing import chosen_organization, own_organizations
from kechuangtong.pages.rendering import page, page_router
from kechuangtong.runtime import RuntimeDep
from kechuangtong.statistics.instruments import yearly
from kechuangtong.statistics.schemas import (
    InstrumentYear,
    UnitYear,
    YearOfInstruments,
    YearQuery,
)

router = page_router()


class YearShown(PageQuery):
    """Which year of whose instruments; what is left empty in the form is not asked for."""

    organization: Line | None = None
    year: Annotated[int | None, Field(ge=2000, le=2100)] = None
    instrument_id: uuid.UUID | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Any) -> Any:  # noqa: ANN401
        return {name: one for name, one in values.items() if one != ""}


@dataclass(frozen=True)
class Row:
    """One figure of a chart; `path` is where its label leads."""

    label: str
    count: float
    path: str | None = None


@router.get("/statistics/instruments")
async def show_year(
    request: Request,
    runtime: RuntimeDep,
    actor: Annotated[Actor, Depends(requires(Permission.BOOKINGS_READ))],
    query: Annotated[YearShown, Query()],
) -> HTMLResponse:
    """Hours, outside share and fees of a year, of all of an organization's instruments or of one
    alone."""
    async with runtime.database.snapshot() as session:
        own = await own_organizations(session, actor, Permission.BOOKINGS_READ)
        organization = await chosen_organization(session, actor, query.organization, own)
        found = None
        if organization is not None:
            found = await _year(session, actor, query, organization.id)
    return page(
        request,
        "instrument_years.html",
        query=query,
        own=own,
        organization=organization,
        year=query.year or today().year,
        this_year=today().year,
        found=found,
        months=[] if found is None else [(one, _months(one)) for one in found.totals],
        charts=[] if found is None else _charts(found, query),
    )


async def _year(
    session: AsyncSession, actor: Actor, query: YearShown, organization_id: uuid.UUID
) -> YearOfInstruments:
    asked = YearQuery(
        organization_id=organization_id,
        year=query.year,
        instrument_id=query.instrument_id,
        limit=query.limit,
        cursor=query.cursor,
    )
    return await yearly(session, actor, asked)


def _months(total: UnitYear) -> list[Row]:
    return [Row(one.month, float(one.own_hours + one.outside_hours)) for one in total.by_month]


def _charts(found: YearOfInstruments, query: YearShown) -> list[tuple[Text, list[Row], int | None]]:
    """Each with its caption, its rows, and the line that it is compared with."""

    def rows(items: Sequence[InstrumentYear], figure: str) -> list[Row]:
        return [
            Row(one.name, float(value), _path(found, query, one.instrument_id))
            for one in items
            if (value := getattr(one, figure)) is not None
        ]

    machines = [one for one in found.items if one.unit is UsageUnit.HOUR]
    others = [one for one in found.items if one.unit is not UsageUnit.HOUR]
    charts = [
        (Text("台均机时（小时）", "Hours of each set"), rows(machines, "hours_a_set"), True),
        (Text("卡时、核时", "Card-hours, core-hours"), rows(others, "hours"), False),
        (Text("外部共享比例（%）", "Outside share (%)"), rows(found.items, "outside_share"), False),
        (Text("费用（元）", "Fees (CNY)"), rows(found.items, "fee"), False),
    ]
    return [(name, one, found.line_hours if lined else None) for name, one, lined in charts if one]


def _path(found: YearOfInstruments, query: YearShown, instrument_id: uuid.UUID) -> str | None:
    if query.instrument_id is not None:
        return f"/instruments/{instrument_id}"
    whose = found.organization_id
    return f"?organization={whose}&year={found.year}&instrument_id={instrument_id}"
