"""Reading contracts and payments: those of the deals of one's own organizations."""

import uuid
from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from kechuangtong.accounts.actor import Actor
from kechuangtong.contracts.schemas import ContractQuery, PaymentQuery
from kechuangtong.core.clock import today
from kechuangtong.core.errors import Forbidden
from kechuangtong.core.paging import CursorInvalid, PageQuery, decode_cursor, decode_id
from kechuangtong.deals.queries import WHO_ACTS, visible_to
from kechuangtong.models import (
    Contract,
    ContractVersion,
    Deal,
    DealParty,
    PaymentDue,
    PaymentReceipt,
    RoyaltyReport,
)
from kechuangtong.models.contract import ContractState

_SHOWN: Final = (
    joinedload(Contract.deal, innerjoin=True).options(*WHO_ACTS),
    selectinload(Contract.parties),
    selectinload(Contract.proposals),
    selectinload(Contract.registrations),
)
LIVE: Final = (ContractState.DRAFT, ContractState.SIGNED)

_RECEIVED: Final = (
    select(func.coalesce(func.sum(PaymentReceipt.amount), 0))
    .where(PaymentReceipt.due_id == PaymentDue.id)
    .correlate(PaymentDue)
    .scalar_subquery()
)
# A sum of SQLite's is off by less than this.
_HALF_A_CENT: Final = Decimal("0.005")
OPEN: Final[ColumnElement[bool]] = PaymentDue.amount - _HALF_A_CENT > _RECEIVED
"""Of payments: not all of it has come."""


async def deal_of(session: AsyncSession, actor: Actor, contract_id: uuid.UUID) -> uuid.UUID | None:
    """The deal of a contract, where the actor may see it."""
    return await session.scalar(
        select(Contract.deal_id)
        .join(Deal, Deal.id == Contract.deal_id)
        .where(Contract.id == contract_id, visible_to(actor))
    )


async def contract(session: AsyncSession, actor: Actor, contract_id: uuid.UUID) -> Contract | None:
    """One contract as it stands now, where the actor may see it."""
    return await session.scalar(
        select(Contract)
        .join(Deal, Deal.id == Contract.deal_id)
        .where(Contract.id == contract_id, visible_to(actor))
        .options(*_SHOWN)
        .execution_options(populate_existing=True)
    )


async def live_contract(session: AsyncSession, deal_id: uuid.UUID) -> uuid.UUID | None:
    """The contract of a deal that is drafted or signed."""
    return await session.scalar(
        select(Contract.id).where(Contract.deal_id == deal_id, Contract.state.in_(LIVE))
    )


async def contracts(
    session: AsyncSession, actor: Actor, query: ContractQuery
) -> Sequence[Contract]:
    """Up to `limit + 1` contracts, newest first. Raises Forbidden for others' organizations."""
    statement = (
        select(Contract)
        .join(Deal, Deal.id == Contract.deal_id)
        .where(visible_to(actor))
        .options(*_SHOWN)
        .order_by(Contract.id.desc())
        .limit(query.limit + 1)
    )
    for name in ("deal_id", "state", "kind"):
        if (value := getattr(query, name)) is not None:
            statement = statement.where(getattr(Contract, name) == value)
    if query.organization_id is not None:
        statement = statement.where(_of(actor, query.organization_id))
    if query.cursor is not None:
        statement = statement.where(Contract.id < decode_id(query.cursor))
    return (await session.scalars(statement)).all()


async def payments(
    session: AsyncSession, actor: Actor, query: PaymentQuery
) -> Sequence[PaymentDue]:
    """Up to `limit + 1` payments of signed contracts, newest first. Raises Forbidden."""
    statement = (
        _due(PaymentDue)
        .options(contains_eager(PaymentDue.contract))
        .where(visible_to(actor))
        .order_by(PaymentDue.id.desc())
        .limit(query.limit + 1)
    )
    if query.open is not None:
        statement = statement.where(OPEN if query.open else ~OPEN)
    if query.overdue is not None:
        overdue = OPEN & func.coalesce(PaymentDue.due_on < today(), False)
        statement = statement.where(overdue if query.overdue else ~overdue)
    if query.organization_id is not None:
        statement = statement.where(_of(actor, query.organization_id))
    if query.cursor is not None:
        statement = statement.where(PaymentDue.id < decode_id(query.cursor))
    return (await session.scalars(statement)).all()


def _due(what: Any) -> Select[Any]:  # noqa: ANN401
    return (
        select(what)
        .select_from(PaymentDue)
        .join(PaymentDue.contract)
        .join(Deal, Deal.id == Contract.deal_id)
        .where(Contract.state == ContractState.SIGNED)
    )


def _of(actor: Actor, organization_id: uuid.UUID) -> ColumnElement[bool]:
    if not actor.sees(organization_id):
        raise Forbidden(loc=("query", "organization_id"))
    return exists().where(
        DealParty.deal_id == Deal.id, DealParty.organization_id == organization_id
    )


async def dues(session: AsyncSession, ids: Collection[uuid.UUID]) -> Sequence[PaymentDue]:
    """What is due by some contracts, in the order in which it is due."""
    found = await session.scalars(
        select(PaymentDue)
        .where(PaymentDue.contract_id.in_(ids))
        .order_by(PaymentDue.number, PaymentDue.period_start, PaymentDue.id)
    )
    return found.all()


async def receipts(session: AsyncSession, ids: Collection[uuid.UUID]) -> Sequence[PaymentReceipt]:
    """What some contracts brought, in the order in which it was recorded."""
    found = await session.scalars(
        select(PaymentReceipt)
        .where(PaymentReceipt.contract_id.in_(ids))
        .order_by(PaymentReceipt.id)
    )
    return found.all()


async def reports(session: AsyncSession, contract_id: uuid.UUID) -> Sequence[RoyaltyReport]:
    """What was reported of a royalty, by period."""
    found = await session.scalars(
        select(RoyaltyReport)
        .where(RoyaltyReport.contract_id == contract_id)
        .order_by(RoyaltyReport.period_start)
    )
    return found.all()


async def versions(
    session: AsyncSession, contract_id: uuid.UUID, query: PageQuery
) -> Sequence[ContractVersion]:
    """Up to `limit + 1` versions, first things first. Raises CursorInvalid."""
    statement = (
        select(ContractVersion)
        .where(ContractVersion.contract_id == contract_id)
        .order_by(ContractVersion.number)
        .limit(query.limit + 1)
    )
    if query.cursor is not None:
        (number,) = decode_cursor(query.cursor, 1)
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise CursorInvalid
        statement = statement.where(ContractVersion.number > int(number))
    return (await session.scalars(statement)).all()


async def to_remind(session: AsyncSession, until: date) -> Sequence[uuid.UUID]:
    """Payments of signed contracts that are open, and due on a day or before it."""
    found = await session.scalars(
        _due(PaymentDue.id)
        .where(PaymentDue.due_on <= until, OPEN)
        .order_by(PaymentDue.due_on, PaymentDue.id)
    )
    return found.all()


async def due_to_remind(session: AsyncSession, due_id: uuid.UUID) -> PaymentDue | None:
    """A payment with its contract and its deal's parties, while the contract is in force."""
    of_contract = contains_eager(PaymentDue.contract).options(*_SHOWN)
    statement = _due(PaymentDue).where(PaymentDue.id == due_id).options(of_contract)
    found: PaymentDue | None = await session.scalar(statement)
    return found
