"""What is public of deals: those that are signed, by the consent of both sides; and the notices
of agreed prices."""

import uuid
from collections.abc import Collection, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, exists, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from kechuangtong.core.trade import ListKind
from kechuangtong.lists.public import published
from kechuangtong.models import (
    Achievement,
    Contract,
    Deal,
    DealParty,
    Demand,
    PaymentReceipt,
    Sale,
)
from kechuangtong.models.contract import ContractState
from kechuangtong.models.sale import SaleWay

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


def on_notice() -> ColumnElement[bool]:
    """Whether a sale is an agreed price that was made public."""
    return and_(Sale.way == SaleWay.AGREEMENT, Sale.published_at.is_not(None))


async def ids(session: AsyncSession, *, after: uuid.UUID | None, limit: int) -> list[uuid.UUID]:
    """Of public deals and price notices, in one order."""
    both = union_all(select(Deal.id).where(public()), select(Sale.id).where(on_notice())).subquery()
    statement = select(both.c.id).order_by(both.c.id).limit(limit)
    if after is not None:
        statement = statement.where(both.c.id > after)
    return list(await session.scalars(statement))


async def deals(session: AsyncSession, ids: Collection[uuid.UUID]) -> Sequence[Deal]:
    """Those that are public deals, with their parties."""
    parties = selectinload(Deal.parties).joinedload(DealParty.organization, innerjoin=True)
    statement = select(Deal).where(Deal.id.in_(ids), public()).options(parties)
    return (await session.scalars(statement)).all()


async def notices(session: AsyncSession, ids: Collection[uuid.UUID]) -> Sequence[Sale]:
    """Those that are price notices, with who sells."""
    seller = joinedload(Sale.organization, innerjoin=True)
    statement = select(Sale).where(Sale.id.in_(ids), on_notice()).options(seller)
    return (await session.scalars(statement)).all()


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
            PaymentReceipt.contract_id.label("contract_id"),
            func.sum(PaymentReceipt.amount).label("amount"),
            func.max(PaymentReceipt.received_on).label("until"),
            func.max(PaymentReceipt.created_at).label("noted_at"),
        )
        .where(PaymentReceipt.contract_id.in_(contract_ids))
        .group_by(PaymentReceipt.contract_id)
        .having(func.sum(PaymentReceipt.amount) > 0)
    )
    return {one.contract_id: Receipts(one.amount, one.until, one.noted_at) for one in rows}


async def titles(
    session: AsyncSession, kind: ListKind, ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, str]:
    """The titles of those of the records that are published; of an anonymous demand it would tell,
    beside the deal's parties, whose it is."""
    model = Achievement if kind is ListKind.ACHIEVEMENT else Demand
    statement = select(model.id, model.title).where(model.id.in_(ids), published(kind))
    if kind is ListKind.DEMAND:
        statement = statement.where(~Demand.anonymous)
    rows = await session.execute(statement)
    return {row.id: row.title for row in rows}
