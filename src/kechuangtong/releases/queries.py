"""Deals that are public: signed, and with the consent of both sides."""

import uuid
from collections.abc import Collection, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from kechuangtong.core.trade import ListKind
from kechuangtong.lists.public import published
from kechuangtong.models import Achievement, Contract, Deal, DealParty, Demand, PaymentReceipt
from kechuangtong.models.contract import ContractState

# One that was cancelled was in force before.
_ONCE_SIGNED: Final = and_(
    Contract.state.in_((ContractState.SIGNED, ContractState.CANCELLED)),
    Contract.signed_on.is_not(None),
)


class Receipts(NamedTuple):
    """What was received on a contract, until when, and when it was last noted."""

    amount: Decimal
    until: date
    noted_at: datetime


def signed() -> ColumnElement[bool]:
    """Whether a deal has a contract that was signed."""
    return exists().where(Contract.deal_id == Deal.id, _ONCE_SIGNED)


def public() -> ColumnElement[bool]:
    """Whether a deal is public."""
    return and_(
        Deal.published_by_seller_at.is_not(None), Deal.published_by_buyer_at.is_not(None), signed()
    )


async def deals(session: AsyncSession, *, after: uuid.UUID | None, limit: int) -> Sequence[Deal]:
    """Public deals with their parties, by id."""
    statement = select(Deal).where(public()).order_by(Deal.id).limit(limit)
    if after is not None:
        statement = statement.where(Deal.id > after)
    parties = selectinload(Deal.parties).joinedload(DealParty.organization, innerjoin=True)
    return (await session.scalars(statement.options(parties))).all()


async def contracts(session: AsyncSession, deal_ids: Collection[uuid.UUID]) -> Sequence[Contract]:
    """The contracts of deals that were signed, in the order in which they were made."""
    found = await session.scalars(
        select(Contract).where(Contract.deal_id.in_(deal_ids), _ONCE_SIGNED).order_by(Contract.id)
    )
    return found.all()


async def receipts(
    session: AsyncSession, contract_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, Receipts]:
    """What was received on contracts, without what was taken back."""
    rows = await session.execute(
        select(
            PaymentReceipt.contract_id,
            func.sum(PaymentReceipt.amount),
            func.max(PaymentReceipt.received_on),
            func.max(PaymentReceipt.created_at),
        )
        .where(PaymentReceipt.contract_id.in_(contract_ids))
        .group_by(PaymentReceipt.contract_id)
    )
    return {row[0]: Receipts(*row[1:]) for row in rows.tuples()}


async def titles(
    session: AsyncSession, kind: ListKind, ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, str]:
    """The titles of those of the records that are published."""
    model = Achievement if kind is ListKind.ACHIEVEMENT else Demand
    rows = await session.execute(
        select(model.id, model.title).where(model.id.in_(ids), published(kind))
    )
    return {row.id: row.title for row in rows}
