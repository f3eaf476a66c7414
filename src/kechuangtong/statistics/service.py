"""Counts over the other domains, read only."""

import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import ANONYMOUS
from kechuangtong.core.clock import CITY, today
from kechuangtong.core.trade import Cooperation, ListKind, OrganizationKind, PriceKind, Stage
from kechuangtong.interests import queries
from kechuangtong.lists.public import LISTS, published
from kechuangtong.lists.queries import in_state
from kechuangtong.lists.sight import owner_known
from kechuangtong.matching import feedback
from kechuangtong.models import (
    Achievement,
    Demand,
    Interest,
    Introduction,
    MatchFeedback,
    Organization,
)
from kechuangtong.models.feedback import Verdict
from kechuangtong.models.listing import ListingState
from kechuangtong.statistics.schemas import (
    Breakdown,
    BudgetBand,
    Budgets,
    Count,
    FeedbackCounts,
    Funnel,
    ListStatistics,
    Months,
    OrganizationCount,
    OwnStatistics,
    Statistics,
    Totals,
)

_MONTHS: Final = 24
_SHOWN: Final = 12
_ORGANIZATIONS: Final = 10
# A median of fewer would tell of single answers.
_LEAST_ANSWERS: Final = 5
_BANDS: Final = [Decimal(yuan) for yuan in (0, 100_000, 500_000, 1_000_000, 5_000_000)]


async def totals(session: AsyncSession) -> Totals:
    """How many there are."""
    public = {kind: await _count(session, LISTS[kind].model, published(kind)) for kind in ListKind}
    expressed, introduced = await queries.totals(session)
    return Totals(
        organizations=await _count(session, Organization, Organization.merged_into_id.is_(None)),
        achievements=public[ListKind.ACHIEVEMENT],
        demands=public[ListKind.DEMAND],
        interests=expressed,
        introductions=introduced,
    )


async def statistics(session: AsyncSession) -> Statistics:
    """How many there are, and what was said of matches."""
    verdicts, reasons = await feedback.counts(session)
    return Statistics(
        **dict(await totals(session)),
        feedback=FeedbackCounts(verdicts=verdicts, reasons=reasons),
    )


async def of_list(session: AsyncSession, kind: ListKind) -> ListStatistics:
    """Counts of what is public in a list, as of one moment in a snapshot."""
    model = LISTS[kind].model
    stage = Achievement.stage if kind is ListKind.ACHIEVEMENT else Demand.required_stage
    by_stage = dict(await _grouped(session, kind, stage))
    total = sum(by_stage.values())
    owners, kinds = await _organizations(session, kind, total)
    return ListStatistics(
        kind=kind,
        published=total,
        by_month=await _months(session, kind, total),
        by_field=await _most_frequent(session, kind, model.field, total),
        by_stage=_each_of(Stage, by_stage, total),
        by_place=await _most_frequent(session, kind, model.place, total),
        by_cooperation=await _ways(session, kind),
        by_organization_kind=kinds,
        by_budget=await _budgets(session) if kind is ListKind.DEMAND else None,
        organizations=owners,
        funnel=await _funnel(session, kind, total),
    )


async def of_organization(session: AsyncSession, organization_id: uuid.UUID) -> OwnStatistics:
    """An organization's records by state, for its own people."""
    states = {}
    for kind in ListKind:
        model = LISTS[kind].model
        in_states = [func.count().filter(in_state(model, state)) for state in ListingState]
        of = model.organization_id == organization_id
        counts = (await session.execute(select(*in_states).where(of))).one()
        states[kind] = dict(zip(ListingState, counts, strict=True))
    return OwnStatistics(
        organization_id=organization_id,
        achievements=states[ListKind.ACHIEVEMENT],
        demands=states[ListKind.DEMAND],
    )


async def _count(session: AsyncSession, model: type[Any], where: ColumnElement[bool]) -> int:
    return await session.scalar(select(func.count()).select_from(model).where(where)) or 0


async def _grouped(
    session: AsyncSession, kind: ListKind, column: SQLColumnExpression[Any]
) -> Iterable[tuple[Any, int]]:
    rows = await session.execute(
        select(column, func.count()).where(published(kind)).group_by(column)
    )
    return [(value, count) for value, count in rows]


async def _most_frequent(
    session: AsyncSession, kind: ListKind, column: SQLColumnExpression[Any], total: int
) -> Breakdown:
    """By a free text: its most frequent values."""
    count = func.count()
    rows = await session.execute(
        select(column, count)
        .where(published(kind))
        .group_by(column)
        .order_by(column.is_(None).desc(), count.desc(), column)
        .limit(_SHOWN + 1)  # the records that do not say are the first row, if there are any
    )
    found = {value: number for value, number in rows}  # noqa: C416
    unstated = found.pop(None, 0)
    shown = [Count(value=value, count=number) for value, number in found.items()][:_SHOWN]
    stated = sum(one.count for one in shown)
    return Breakdown(items=shown, others=total - stated - unstated, unstated=unstated)


def _each_of(values: type[StrEnum], counts: dict[Any, int], total: int) -> Breakdown:
    """By one of the trade's values: all that there are, in their order."""
    items = [Count(value=one.value, count=counts.get(one, 0)) for one in values]
    stated = sum(one.count for one in items)
    return Breakdown(items=items, others=0, unstated=total - stated)


async def _ways(session: AsyncSession, kind: ListKind) -> Breakdown:
    counts: Counter[str] = Counter()
    unstated = 0
    for ways, count in await _grouped(session, kind, LISTS[kind].model.cooperation):
        counts.update(dict.fromkeys(ways, count))
        unstated += 0 if ways else count
    items = [Count(value=one.value, count=counts[one.value]) for one in Cooperation]
    return Breakdown(items=items, others=0, unstated=unstated)


async def _months(session: AsyncSession, kind: ListKind, total: int) -> Months:
    """One range of the index a month."""
    this = today().year * 12 + today().month - 1
    begins = [
        datetime(month // 12, month % 12 + 1, 1, tzinfo=CITY)
        for month in range(this - _MONTHS + 1, this + 2)
    ]
    published_at = LISTS[kind].model.published_at
    ranges = [
        select(func.count())
        .where(published(kind), published_at >= begin, published_at < end)
        .scalar_subquery()
        for begin, end in pairwise(begins)
    ]
    counts = (await session.execute(select(*ranges))).one()
    items = [
        Count(value=f"{begin:%Y-%m}", count=count)
        for begin, count in zip(begins, counts, strict=False)
    ]
    return Months(items=items, earlier=total - sum(counts))


async def _organizations(
    session: AsyncSession, kind: ListKind, total: int
) -> tuple[list[OrganizationCount], Breakdown]:
    """Those with most records, and records by the kind of their organization; as anyone knows
    whose they are."""
    model = LISTS[kind].model
    owned = (
        select(model.organization_id, func.count().label("records"))
        .where(published(kind), owner_known(ANONYMOUS, model))
        .group_by(model.organization_id)
        .subquery()
    )
    rows = await session.execute(
        select(Organization.id, Organization.name, Organization.kind, owned.c.records)
        .join(owned, Organization.id == owned.c.organization_id)
        .order_by(owned.c.records.desc(), Organization.id)
    )
    most: list[OrganizationCount] = []
    kinds: Counter[OrganizationKind] = Counter()
    for owner_id, name, of_kind, count in rows:
        kinds[of_kind] += count
        if len(most) < _ORGANIZATIONS:
            most.append(OrganizationCount(id=owner_id, name=name, kind=of_kind, count=count))
    return most, _each_of(OrganizationKind, kinds, total)


async def _budgets(session: AsyncSession) -> Budgets:
    columns = Demand.__table__.c
    amount = func.coalesce(columns.budget_high, columns.budget_low)
    ends = [*_BANDS[1:], None]
    within = [
        and_(amount >= low, amount < high) if high is not None else amount >= low
        for low, high in zip(_BANDS, ends, strict=True)
    ]
    said = [columns.budget_kind == one for one in (PriceKind.NEGOTIABLE, PriceKind.UNKNOWN)]
    counts = await session.execute(
        select(*(func.count().filter(one) for one in [*within, *said])).where(
            published(ListKind.DEMAND)
        )
    )
    *bands, negotiable, unstated = counts.one()
    return Budgets(
        bands=[
            BudgetBand(low=low, high=high, count=count)
            for low, high, count in zip(_BANDS, ends, bands, strict=True)
        ],
        negotiable=negotiable,
        unstated=unstated,
    )


async def _funnel(session: AsyncSession, kind: ListKind, total: int) -> Funnel:
    """Of the records that are public, how many have got how far."""
    model = LISTS[kind].model

    async def records(of: type[Any], *where: ColumnElement[bool]) -> int:
        record_id = of.demand_id if kind is ListKind.DEMAND else of.achievement_id
        known = select(record_id.label("id")).where(record_id.is_not(None), *where).distinct()
        named = known.subquery()
        # Not a join: SQLite would begin it with the whole list.
        public = exists().where(model.id == named.c.id, published(kind))
        return await session.scalar(select(func.count()).select_from(named).where(public)) or 0

    return Funnel(
        published=total,
        useful=await records(MatchFeedback, MatchFeedback.verdict == Verdict.USEFUL),
        interested=await records(Interest),
        introduced=await records(Introduction),
        days_to_answer=await queries.days_to_answer(
            session, Interest.subject_kind == kind, least=_LEAST_ANSWERS
        ),
    )
