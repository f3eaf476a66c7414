"""The yearly report of transfers (科技成果转化年度报告, 促进科技成果转化法 art. 21)."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.clock import today
from kechuangtong.core.errors import Forbidden
from kechuangtong.core.money import split
from kechuangtong.deals.states import Pricing
from kechuangtong.models import (
    Contract,
    ContractParty,
    ContractRegistration,
    DealStep,
    Organization,
    PaymentReceipt,
)
from kechuangtong.models.contract import (
    ContractKind,
    ContractSide,
    ContractState,
    RegistrationState,
)
from kechuangtong.models.deal import DealState
from kechuangtong.statistics.deals.schemas import (
    YearContract,
    YearLine,
    YearlyQuery,
    YearOfDeals,
    YearSums,
)

_LARGEST: Final = 10
_NOTHING: Final = Decimal(0)
_PRICINGS: Final = (*Pricing, None)


class _Line(NamedTuple):
    kind: ContractKind
    pricing: Pricing | None


async def report(session: AsyncSession, actor: Actor, query: YearlyQuery) -> YearOfDeals:
    """What an organization sold in a year, or all of them; to be asked in a snapshot.

    Raises Forbidden for others' organizations, and for all where one does not see all.
    """
    whose, year = query.organization_id, query.year or today().year
    if not (actor.sees_all if whose is None else actor.sees(whose)):
        raise Forbidden(loc=("query", "organization_id"))
    first, last = date(year, 1, 1), date(year, 12, 31)
    contracts = await _contracts(session, whose, first, last)
    pricings = await _pricings(session, [one.deal_id for one in contracts])
    received = await _received(session, whose, contracts, first, last)
    lines: defaultdict[_Line, list[YearSums]] = defaultdict(list)
    for one in contracts:
        line = _Line(one.kind, pricings.get(one.deal_id))
        lines[line].append(_of_contract(one, whose, received[one.id], first, last))
    name = None
    if whose is not None:
        name = await session.scalar(select(Organization.name).where(Organization.id == whose))
    signed = [one for one in contracts if _signed(one, first, last)]
    signed.sort(key=lambda one: (-one.total, one.id))
    return YearOfDeals(
        year=year,
        organization_id=whose,
        organization=name,
        total=_sum([one for of_line in lines.values() for one in of_line]),
        lines=[
            YearLine(kind=kind, pricing=pricing, **dict(_sum(lines[_Line(kind, pricing)])))
            for kind in ContractKind
            for pricing in _PRICINGS
            if _Line(kind, pricing) in lines
        ],
        largest=[
            _shown(one, pricings.get(one.deal_id), received[one.id]) for one in signed[:_LARGEST]
        ],
    )


async def _contracts(
    session: AsyncSession, whose: uuid.UUID | None, first: date, last: date
) -> Sequence[Contract]:
    """Contracts of which something counts in the year."""
    in_year: list[ColumnElement[bool]] = [
        (Contract.state == ContractState.SIGNED) & Contract.signed_on.between(first, last),
        exists().where(
            ContractRegistration.contract_id == Contract.id,
            ContractRegistration.state == RegistrationState.REGISTERED,
            ContractRegistration.decided_on.between(first, last),
        ),
        exists().where(
            PaymentReceipt.contract_id == Contract.id,
            PaymentReceipt.received_on.between(first, last),
        ),
    ]
    statement = (
        select(Contract)
        .where(or_(*in_year))
        .order_by(Contract.id)
        .options(selectinload(Contract.parties), selectinload(Contract.registrations))
    )
    if whose is not None:
        statement = statement.where(
            exists().where(
                ContractParty.contract_id == Contract.id,
                ContractParty.organization_id == whose,
                ContractParty.side == ContractSide.SELLER,
            )
        )
    return (await session.scalars(statement)).all()


async def _pricings(
    session: AsyncSession, deal_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, Pricing]:
    """How the prices of deals came to be, as the signing says."""
    rows = await session.execute(
        select(DealStep.deal_id, DealStep.details)
        .where(DealStep.deal_id.in_(deal_ids), DealStep.to_state == DealState.SIGNED)
        .order_by(DealStep.number)
    )
    return {row.deal_id: Pricing(told) for row in rows if (told := row.details.get("pricing"))}


async def _received(
    session: AsyncSession,
    whose: uuid.UUID | None,
    contracts: Sequence[Contract],
    first: date,
    last: date,
) -> dict[uuid.UUID, Decimal]:
    """The money of the year by contract: of one organization, what of it is its own."""
    received = dict.fromkeys((one.id for one in contracts), _NOTHING)
    # Whose money was is kept as it was at the time, also by the name of who was merged since.
    names = select(Organization.id).where(
        or_(Organization.id == whose, Organization.merged_into_id == whose)
    )
    own = frozenset() if whose is None else frozenset(map(str, await session.scalars(names)))
    for receipt in await session.scalars(
        select(PaymentReceipt).where(
            PaymentReceipt.contract_id.in_(received),
            PaymentReceipt.received_on.between(first, last),
        )
    ):
        received[receipt.contract_id] += receipt.amount if whose is None else _own(receipt, own)
    return received


def _own(receipt: PaymentReceipt, whose: Collection[str]) -> Decimal:
    own = [
        Decimal(part["amount"])
        for part in receipt.parts
        if part["side"] == ContractSide.SELLER and part["organization_id"] in whose
    ]
    return sum(own, _NOTHING)


def _of_contract(
    one: Contract, whose: uuid.UUID | None, received: Decimal, first: date, last: date
) -> YearSums:
    def part(amount: Decimal | None) -> Decimal:
        return _share(one, whose, amount or _NOTHING)

    signed = _signed(one, first, last)
    registration = _registration(one)
    registered = None
    if registration is not None and _within(registration.decided_on, first, last):
        registered = registration
    return YearSums(
        contracts=int(signed),
        amount=part(one.total if signed else None),
        technical=part(one.technical if signed else None),
        registered=int(registered is not None),
        registered_amount=part(None if registered is None else registered.total),
        registered_technical=part(None if registered is None else registered.technical),
        received=received,
    )


def _share(one: Contract, whose: uuid.UUID | None, amount: Decimal) -> Decimal:
    """What of an amount is one seller's, to the cent; all of it where none is meant."""
    if whose is None:
        return amount
    sellers = one.of_side(ContractSide.SELLER)
    parts = split(amount, [party.share or _NOTHING for party in sellers])
    own = [its for party, its in zip(sellers, parts, strict=True) if party.organization_id == whose]
    return sum(own, _NOTHING)


def _signed(one: Contract, first: date, last: date) -> bool:
    return one.state is ContractState.SIGNED and _within(one.signed_on, first, last)


def _within(day: date | None, first: date, last: date) -> bool:
    return day is not None and first <= day <= last


def _registration(one: Contract) -> ContractRegistration | None:
    granted = [two for two in one.registrations if two.state is RegistrationState.REGISTERED]
    return granted[-1] if granted else None


def _sum(lines: Sequence[YearSums]) -> YearSums:
    return YearSums(
        **{
            name: sum((getattr(one, name) for one in lines), start=0)
            for name in YearSums.model_fields
        }
    )


def _shown(one: Contract, pricing: Pricing | None, received: Decimal) -> YearContract:
    assert one.signed_on is not None
    registration = _registration(one)
    return YearContract(
        id=one.id,
        deal_id=one.deal_id,
        title=one.title,
        kind=one.kind,
        pricing=pricing,
        sellers=[party.name for party in one.of_side(ContractSide.SELLER)],
        buyers=[party.name for party in one.of_side(ContractSide.BUYER)],
        signed_on=one.signed_on,
        amount=one.total,
        technical=one.technical,
        register_number=None if registration is None else registration.number,
        registered_on=None if registration is None else registration.decided_on,
        received=received,
    )
