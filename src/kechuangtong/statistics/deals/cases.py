"""What happened, as figures of deals are counted from it: each match, contact and deal with its
days."""

import dataclasses
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, case, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from kechuangtong.core.clock import CITY
from kechuangtong.core.trade import ListKind
from kechuangtong.deals.states import Cause
from kechuangtong.models import (
    Achievement,
    Broker,
    Contract,
    Deal,
    DealBroker,
    DealParty,
    DealStep,
    Demand,
    Interest,
    Introduction,
    MatchFeedback,
    Organization,
    PaymentReceipt,
)
from kechuangtong.models.contract import ContractState
from kechuangtong.models.deal import DealSide, DealState
from kechuangtong.models.feedback import Verdict
from kechuangtong.statistics.deals.schemas import DealStatisticsQuery, FunnelStep

_REACHED: Final = {
    DealState.CONFIDENTIAL: FunnelStep.CONFIDENTIAL,
    DealState.NEGOTIATION: FunnelStep.NEGOTIATION,
    DealState.SIGNED: FunnelStep.SIGNED,
    DealState.REGISTERED: FunnelStep.REGISTERED,
    DealState.RECEIPTS: FunnelStep.RECEIVED,
    DealState.COMPLETED: FunnelStep.COMPLETED,
}


@dataclass(frozen=True)
class Signed:
    """A contract in force: the day of its signing, 成交额 and 技术交易额."""

    on: date
    amount: Decimal
    technical: Decimal


@dataclass(frozen=True)
class Received:
    """Money received on a contract, or taken back; and on which day."""

    contract_id: uuid.UUID
    on: date
    amount: Decimal


@dataclass(frozen=True)
class End:
    """When a deal was terminated, in which state and why."""

    on: date
    state: DealState
    cause: Cause | None


@dataclass
class Case:
    """A deal: what it is counted by, and its days."""

    field: str | None = None
    region: str | None = None
    organizations: set[uuid.UUID] = dataclasses.field(default_factory=set)
    brokers: set[uuid.UUID] = dataclasses.field(default_factory=set)
    reached: dict[FunnelStep, date] = dataclasses.field(default_factory=dict)
    end: End | None = None
    signed: list[Signed] = dataclasses.field(default_factory=list)
    received: list[Received] = dataclasses.field(default_factory=list)

    def reach(self, step: FunnelStep, on: date) -> None:
        """It got to a step; the first day counts."""
        self.reached[step] = min(on, self.reached.get(step, on))


@dataclass(frozen=True)
class Contact:
    """A match called useful, an interest or an introduction."""

    step: FunnelStep
    on: date
    field: str | None
    region: str | None


async def cases(
    session: AsyncSession, query: DealStatisticsQuery, *, parties: bool = False
) -> list[Case]:
    """The deals that are asked for, whenever they happened; their parties and brokers where they
    are wanted, too."""
    wanted = _wanted(query).subquery()
    found = {
        deal_id: Case(field=of_field, region=region)
        for deal_id, of_field, region in await session.execute(select(wanted))
    }
    ids = select(wanted.c.id)
    firsts = (func.min(DealStep.on).filter(DealStep.to_state == state) for state in _REACHED)
    for deal_id, opened_on, *days in await session.execute(
        select(DealStep.deal_id, func.min(DealStep.on), *firsts)
        .where(DealStep.deal_id.in_(ids))
        .group_by(DealStep.deal_id)
    ):
        found[deal_id].reach(FunnelStep.DEAL, opened_on)
        for step, on in zip(_REACHED.values(), days, strict=True):
            if on is not None:
                found[deal_id].reach(step, on)
    for end in await session.scalars(
        select(DealStep).where(
            DealStep.deal_id.in_(ids),
            DealStep.to_state == DealState.TERMINATED,
            DealStep.from_state != DealState.TERMINATED,
        )
    ):
        assert end.from_state is not None
        cause = end.details.get("cause")
        found[end.deal_id].end = End(end.on, end.from_state, cause and Cause(cause))
    if parties:
        await _parties(session, ids, found)
    await _money(session, ids, found)
    return list(found.values())


async def _parties(
    session: AsyncSession, deal_ids: Select[tuple[uuid.UUID]], found: dict[uuid.UUID, Case]
) -> None:
    for deal_id, organization_id in await session.execute(
        select(DealParty.deal_id, DealParty.organization_id).where(DealParty.deal_id.in_(deal_ids))
    ):
        found[deal_id].organizations.add(organization_id)
    for deal_id, broker_id in await session.execute(
        select(DealBroker.deal_id, DealBroker.broker_id).where(DealBroker.deal_id.in_(deal_ids))
    ):
        found[deal_id].brokers.add(broker_id)


async def _money(
    session: AsyncSession, deal_ids: Select[tuple[uuid.UUID]], found: dict[uuid.UUID, Case]
) -> None:
    contracts = select(Contract.deal_id, Contract.signed_on, Contract.total, Contract.technical)
    in_force = contracts.where(
        Contract.deal_id.in_(deal_ids), Contract.state == ContractState.SIGNED
    )
    for deal_id, on, amount, technical in await session.execute(in_force):
        if on is not None:
            found[deal_id].signed.append(Signed(on, amount, technical))
    reversing = aliased(PaymentReceipt)
    receipts = (
        select(
            Contract.deal_id,
            PaymentReceipt.contract_id,
            PaymentReceipt.received_on,
            PaymentReceipt.amount,
            or_(
                PaymentReceipt.reverses_id.is_not(None),
                exists().where(reversing.reverses_id == PaymentReceipt.id),
            ),
        )
        .join(Contract, PaymentReceipt.contract_id == Contract.id)
        .where(Contract.deal_id.in_(deal_ids))
    )
    for deal_id, contract_id, on, amount, taken_back in await session.execute(receipts):
        found[deal_id].received.append(Received(contract_id, on, amount))
        if not taken_back:
            found[deal_id].reach(FunnelStep.RECEIVED, on)


def _wanted(query: DealStatisticsQuery) -> Select[tuple[uuid.UUID, str | None, str | None]]:
    """Deals with their field and the place of their leading seller."""
    first = (
        select(func.min(DealParty.position))
        .where(DealParty.deal_id == Deal.id, DealParty.side == DealSide.SELLER)
        .correlate(Deal)
        .scalar_subquery()
    )
    place = (
        select(func.min(Organization.place))
        .join(DealParty, DealParty.organization_id == Organization.id)
        .where(
            DealParty.deal_id == Deal.id,
            DealParty.side == DealSide.SELLER,
            DealParty.position == first,
        )
        .correlate(Deal)
        .scalar_subquery()
    )
    of_field = func.coalesce(Achievement.field, Demand.field)
    statement = (
        select(Deal.id, of_field.label("field"), place.label("place"))
        .outerjoin(Achievement, Deal.achievement_id == Achievement.id)
        .outerjoin(Demand, Deal.demand_id == Demand.id)
    )
    if query.organization_id is not None:
        statement = statement.where(
            exists().where(
                DealParty.deal_id == Deal.id, DealParty.organization_id == query.organization_id
            )
        )
    if query.broker_id is not None:
        statement = statement.where(
            exists().where(DealBroker.deal_id == Deal.id, DealBroker.broker_id == query.broker_id)
        )
    return statement.where(*_where(query, of_field, place))


def _where(
    query: DealStatisticsQuery, of_field: ColumnElement[Any], place: ColumnElement[Any]
) -> Iterator[ColumnElement[bool]]:
    if query.field is not None:
        yield of_field == query.field
    if query.region is not None:
        yield place.contains(query.region, autoescape=True)


async def contacts(session: AsyncSession, query: DealStatisticsQuery) -> list[Contact]:
    """Matches called useful, interests and introductions that are asked for, whenever they
    happened; they have no brokers."""
    seller = case(
        (Interest.subject_kind == ListKind.DEMAND, Interest.organization_id),
        else_=Interest.owner_id,
    )
    own = query.organization_id
    useful = (
        _of_records(query, MatchFeedback, MatchFeedback.created_at)
        .join(Organization, Organization.id == Achievement.organization_id)
        .where(MatchFeedback.verdict == Verdict.USEFUL)
    )
    interests = _of_records(query, Interest, Interest.created_at).join(
        Organization, Organization.id == seller
    )
    introductions = (
        _of_records(query, Introduction, Introduction.created_at)
        .join(Interest, Introduction.interest_id == Interest.id)
        .join(Organization, Organization.id == seller)
    )
    if own is not None:
        useful = useful.where(
            or_(Achievement.organization_id == own, Demand.organization_id == own)
        )
        interests = interests.where(or_(Interest.organization_id == own, Interest.owner_id == own))
        introductions = introductions.where(
            or_(Introduction.organization_id == own, Introduction.owner_id == own)
        )
    asked = {
        FunnelStep.USEFUL: useful,
        FunnelStep.INTEREST: interests,
        FunnelStep.INTRODUCTION: introductions,
    }
    return [
        Contact(step, at.astimezone(CITY).date(), of_field, place)
        for step, statement in asked.items()
        for at, of_field, place in await session.execute(statement)
    ]


def _of_records(query: DealStatisticsQuery, model: type[Any], at: Any) -> Select[Any]:  # noqa: ANN401
    """The instants, fields and places of what is said of records, the seller to be joined."""
    of_field: ColumnElement[Any] = func.coalesce(Achievement.field, Demand.field)
    return (
        select(at, of_field, Organization.place)
        .select_from(model)
        .outerjoin(Achievement, model.achievement_id == Achievement.id)
        .outerjoin(Demand, model.demand_id == Demand.id)
        .where(*_where(query, of_field, Organization.__table__.c.place))
    )


async def names(
    session: AsyncSession, model: type[Organization] | type[Broker], ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, str]:
    """The names of organizations or brokers."""
    rows = await session.execute(select(model.id, model.name).where(model.id.in_(list(ids))))
    return {row.id: row.name for row in rows}
