"""Figures of deals (交易统计) out of what happened; of few deals everyone is told no amounts."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from statistics import median
from typing import Final

from anyio import to_thread
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.errors import ScopeMissing
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.errors import Forbidden, NotSignedIn
from kechuangtong.deals.states import Cause
from kechuangtong.models import Broker, Organization
from kechuangtong.models.deal import DealState
from kechuangtong.statistics.deals.cases import Case, Contact, cases, contacts, names
from kechuangtong.statistics.deals.schemas import (
    BEFORE_DEALS,
    OF_DEALS,
    By,
    CauseCount,
    DealFigures,
    DealGroup,
    DealStatistics,
    DealStatisticsQuery,
    FunnelStep,
    StateCount,
    StepFigures,
    Terminated,
)

# Amounts and times of fewer would tell of single deals.
LEAST: Final = 3
_GROUPS: Final = 100
_CAUSES: Final = (*Cause, None)
_OF_PARTIES: Final = (By.ORGANIZATION, By.BROKER)

# A step or amount of a case on a day, to the values that it counts for.
_Values = Callable[[Case | Contact, date], Iterable[str | None]]


@dataclass
class _Sum:
    """What counts for one value."""

    steps: Counter[FunnelStep] = field(default_factory=Counter)
    days: defaultdict[FunnelStep, list[int]] = field(default_factory=lambda: defaultdict(list))
    contracts: int = 0
    amount: Decimal = Decimal(0)
    technical: Decimal = Decimal(0)
    paying: set[uuid.UUID] = field(default_factory=set)
    received: Decimal = Decimal(0)


async def of_deals(
    session: AsyncSession, actor: Actor, query: DealStatisticsQuery
) -> DealStatistics:
    """The figures that are asked for, to be asked in a snapshot. Everyone gets those of all deals;
    an organization's own are its people's. Raises Forbidden, NotSignedIn, ScopeMissing."""
    (statistics,) = await broken_down(session, actor, query, [query.by])
    if query.by in _OF_PARTIES:
        model = Organization if query.by is By.ORGANIZATION else Broker
        ids = {one.value: uuid.UUID(one.value) for one in statistics.groups if one.value}
        named = await names(session, model, ids.values())
        for group in statistics.groups:
            group.name = None if group.value is None else named.get(ids[group.value])
    return statistics


async def broken_down(
    session: AsyncSession, actor: Actor, query: DealStatisticsQuery, by: Sequence[By | None]
) -> list[DealStatistics]:
    """As `of_deals`, in several ways at once, and without names."""
    queries = [query.model_copy(update={"by": one}) for one in by]
    everyone = [_for_everyone(actor, one) for one in queries]
    found = await cases(session, query, parties=not set(by).isdisjoint(_OF_PARTIES))
    first = [] if query.broker_id is not None else await contacts(session, query)

    def counted() -> list[DealStatistics]:
        return [
            figures(found, first, one, everyone=told)
            for one, told in zip(queries, everyone, strict=True)
        ]

    return await to_thread.run_sync(counted)  # of many deals it takes a while


def _for_everyone(actor: Actor, query: DealStatisticsQuery) -> bool:
    """Whether only what everyone is told may be told."""
    in_scope = actor.in_scope(Permission.DEALS_READ)
    if in_scope and actor.sees_all:
        return False
    if not query.narrowed and query.by not in _OF_PARTIES:
        return True
    # Whoever could ask for parts could subtract them from the whole.
    if actor.kind == "anonymous":
        raise NotSignedIn
    if not in_scope:
        raise ScopeMissing(Permission.DEALS_READ)
    if query.organization_id is None or not actor.sees(query.organization_id):
        raise Forbidden(loc=("query", "organization_id"))
    return False


def figures(
    found: Sequence[Case],
    first: Sequence[Contact],
    query: DealStatisticsQuery,
    *,
    everyone: bool,
) -> DealStatistics:
    """The figures of some deals, and of the contacts that came before."""
    total = _sums(found, first, query, lambda one, on: (None,)).get(None, _Sum())
    groups = {} if query.by is None else _sums(found, first, query, _VALUES[query.by])
    tells_contacts = query.broker_id is None
    statistics = DealStatistics(
        by=query.by,
        total=DealFigures.model_validate(_figures(total, tells_contacts)),
        terminated=_terminated(found, query),
        groups=[
            DealGroup(
                value=value,
                name=None,
                **_figures(one, tells_contacts and query.by not in _OF_PARTIES),
            )
            for value, one in _ordered(groups, query.by)
        ],
        left_out=max(len(groups) - _GROUPS, 0),
    )
    if everyone:
        _hide([statistics.total])
        _hide(statistics.groups)  # and only then are some left out, which the whole could tell, too
    statistics.groups = statistics.groups[:_GROUPS]
    if query.by is By.MONTH:
        statistics.groups.reverse()
    return statistics


def _months(one: Case | Contact, on: date) -> tuple[str]:
    return (f"{on:%Y-%m}",)


def _parties(one: Case | Contact, on: date) -> list[str]:
    return [str(party) for party in one.organizations] if isinstance(one, Case) else []


def _brokers(one: Case | Contact, on: date) -> list[str]:
    return [str(broker) for broker in one.brokers] if isinstance(one, Case) else []


_VALUES: Final[dict[By, _Values]] = {
    By.FIELD: lambda one, on: (one.field,),
    By.REGION: lambda one, on: (one.region,),
    By.ORGANIZATION: _parties,
    By.BROKER: _brokers,
    By.MONTH: _months,
}


def _sums(
    found: Iterable[Case], first: Iterable[Contact], query: DealStatisticsQuery, values: _Values
) -> dict[str | None, _Sum]:
    sums: defaultdict[str | None, _Sum] = defaultdict(_Sum)
    for contact in first:
        if query.within(contact.on):
            for value in values(contact, contact.on):
                sums[value].steps[contact.step] += 1
    for one in found:
        for step, on, days in _steps(one):
            if query.within(on):
                for value in values(one, on):
                    sums[value].steps[step] += 1
                    if days is not None:
                        sums[value].days[step].append(days)
        for contract in one.signed:
            if query.within(contract.on):
                for value in values(one, contract.on):
                    sums[value].contracts += 1
                    sums[value].amount += contract.amount
                    sums[value].technical += contract.technical
        for receipt in one.received:
            if query.within(receipt.on):
                for value in values(one, receipt.on):
                    sums[value].paying.add(receipt.contract_id)
                    sums[value].received += receipt.amount
    return sums


def _steps(one: Case) -> Iterator[tuple[FunnelStep, date, int | None]]:
    """The steps that a deal has reached, when, and how many days after the one before."""
    before: date | None = None
    for step in OF_DEALS:
        on = one.reached.get(step)
        if on is not None:
            # Some do things in another order: no negative time.
            yield step, on, None if before is None else max((on - before).days, 0)
            before = on


def _ordered(groups: dict[str | None, _Sum], by: By | None) -> list[tuple[str | None, _Sum]]:
    """Those first that are shown rather than others: the last months, else the most deals."""
    if by is By.MONTH:
        return sorted(groups.items(), key=lambda one: one[0] or "", reverse=True)
    return sorted(
        groups.items(),
        key=lambda one: (-one[1].steps[FunnelStep.DEAL], -one[1].contracts, one[0] or "\uffff"),
    )


def _figures(one: _Sum, tells_contacts: bool) -> dict[str, object]:
    return {
        "contracts": one.contracts,
        "amount": one.amount,
        "technical": one.technical,
        "paying": len(one.paying),
        "received": one.received,
        "funnel": [
            StepFigures(
                step=step,
                count=one.steps[step] if tells_contacts or step not in BEFORE_DEALS else None,
                days=median(days) if len(days := one.days[step]) >= LEAST else None,
            )
            for step in FunnelStep
        ],
    }


def _hide(shown: Sequence[DealFigures]) -> None:
    """Take away the amounts of too few deals; and where all others would tell those, too, of the
    next larger group."""
    for count, amounts in (("contracts", ("amount", "technical")), ("paying", ("received",))):
        some = sorted(
            (one for one in shown if getattr(one, count)), key=lambda one: getattr(one, count)
        )
        hidden = [one for one in some if getattr(one, count) < LEAST]
        if hidden and sum(getattr(one, count) for one in hidden) < LEAST:
            hidden = some[: len(hidden) + 1]
        for one in hidden:
            for amount in amounts:
                setattr(one, amount, None)


def _terminated(found: Iterable[Case], query: DealStatisticsQuery) -> Terminated:
    ends = [one.end for one in found if one.end is not None and query.within(one.end.on)]
    causes, states = Counter(one.cause for one in ends), Counter(one.state for one in ends)
    return Terminated(
        count=len(ends),
        by_cause=[
            CauseCount(cause=cause, count=causes[cause]) for cause in _CAUSES if causes[cause]
        ],
        by_state=[
            StateCount(state=state, count=states[state]) for state in DealState if states[state]
        ],
    )
