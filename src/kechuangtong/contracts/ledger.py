"""What is due by a contract and what has come of it: the rows of the plan, sums over them."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.contracts import queries
from kechuangtong.contracts.content import ContractContent
from kechuangtong.contracts.errors import ReceivedAlready, RoyaltyReported
from kechuangtong.contracts.plan import Payment, royalty_of
from kechuangtong.contracts.schemas import PaymentSums
from kechuangtong.core.clock import now, today
from kechuangtong.core.db import new_id
from kechuangtong.models import Contract, PaymentDue, PaymentReceipt
from kechuangtong.models.contract import ContractState, DueSource

_NOTHING: Final = Decimal(0)


@dataclass
class Ledger:
    """The payments of a contract."""

    contract: Contract
    dues: list[PaymentDue] = field(default_factory=list)
    receipts: list[PaymentReceipt] = field(default_factory=list)

    def received(self, due: PaymentDue) -> Decimal:
        """What has come of a payment."""
        of_it = (one.amount for one in self.receipts if one.due_id == due.id)
        return sum(of_it, _NOTHING)

    def open(self, due: PaymentDue) -> Decimal:
        """What has not; of a contract that was cancelled nothing is waited for."""
        if self.contract.state is not ContractState.SIGNED:
            return _NOTHING
        return due.amount - self.received(due)

    def overdue(self, due: PaymentDue) -> Decimal:
        """What of it was due before today."""
        return self.open(due) if is_past(due) else _NOTHING

    def sums(self) -> PaymentSums:
        """Over all payments."""
        return PaymentSums(
            due=sum((one.amount for one in self.dues), _NOTHING),
            received=sum((one.amount for one in self.receipts), _NOTHING),
            unallocated=sum((one.amount for one in self.receipts if one.due_id is None), _NOTHING),
            open=sum(map(self.open, self.dues), _NOTHING),
            overdue=sum(map(self.overdue, self.dues), _NOTHING),
        )


def is_past(due: PaymentDue) -> bool:
    """Whether the day on which it is due lies before today."""
    return due.due_on is not None and due.due_on < today()


async def of_contracts(
    session: AsyncSession, contracts: Collection[Contract]
) -> dict[uuid.UUID, Ledger]:
    """The payments of some contracts."""
    ledgers = {one.id: Ledger(one) for one in contracts}
    for due in await queries.dues(session, ledgers):
        ledgers[due.contract_id].dues.append(due)
    for receipt in await queries.receipts(session, ledgers):
        ledgers[receipt.contract_id].receipts.append(receipt)
    return ledgers


async def of_contract(session: AsyncSession, contract: Contract) -> Ledger:
    """The payments of a contract."""
    return (await of_contracts(session, [contract]))[contract.id]


async def plan(session: AsyncSession, contract: Contract, content: ContractContent) -> None:
    """Let what is due be what a contract plans from now on.

    An instalment keeps its place, and with it what was received of it. Raises ReceivedAlready
    where less would be due than was received, RoyaltyReported where a period that was reported is
    none any more.
    """
    ledger = await check_plan(session, contract, content)
    rows = _of_plan(ledger.dues)
    former, payments = _planned(ContractContent.model_validate(contract.content)), _planned(content)
    named = {one.due_id for one in ledger.receipts}
    for number, row in rows.items():
        if number in payments:
            continue
        if row.id in named:  # of a receipt that was taken back: both stay
            row.amount = _NOTHING
        else:
            await session.delete(row)
    for number, payment in payments.items():
        row = rows.get(number) or PaymentDue(
            id=new_id(),
            contract_id=contract.id,
            source=DueSource.PLAN,
            number=number,
            created_at=now(),
        )
        planned = former.get(number)
        if planned is None or (planned.due_on, planned.milestone) != (None, payment.milestone):
            row.due_on = None  # else it is the day on which the same milestone was reached, if any
        row.due_on = payment.due_on or row.due_on
        row.milestone, row.amount = payment.milestone, payment.amount
        session.add(row)


async def check_plan(session: AsyncSession, contract: Contract, content: ContractContent) -> Ledger:
    """The payments of a contract, which a new plan leaves possible. Raises ReceivedAlready,
    RoyaltyReported."""
    ledger = await of_contract(session, contract)
    payments = _planned(content)
    for number, row in _of_plan(ledger.dues).items():
        received = ledger.received(row)
        planned = payments[number].amount if number in payments else _NOTHING
        if received > planned:
            raise ReceivedAlready(number=number, amount=f"{received:.2f}")
    reports = await queries.reports(session, contract.id)
    # To its end, too: a period that grew could not be reported again for what was added.
    reported = {(one.period_start, one.period_end) for one in reports}
    royalty = royalty_of(content.payment)
    periods = {(one.start, one.end) for one in royalty.periods()} if royalty and reported else set()
    if not reported <= periods:
        raise RoyaltyReported
    return ledger


def _planned(content: ContractContent) -> dict[int, Payment]:
    if content.payment is None:
        return {}
    return {one.number: one for one in content.payment.payments(content.total)}


def _of_plan(dues: Iterable[PaymentDue]) -> dict[int, PaymentDue]:
    return {one.number: one for one in dues if one.number is not None}
