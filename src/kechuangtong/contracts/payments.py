"""Money: receipts that the seller records and takes back, royalties that the buyer reports."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.contracts import deal_steps, ledger, queries
from kechuangtong.contracts.errors import (
    AlreadyDated,
    DateInFuture,
    DueUnknown,
    DueUnnamed,
    MoreThanOpen,
    NoRoyalty,
    PeriodNotOver,
    PeriodReported,
    PeriodUnknown,
    ReversedAlready,
)
from kechuangtong.contracts.plan import royalty_of
from kechuangtong.contracts.schemas import (
    MilestoneReached,
    ReceiptCreate,
    ReceiptReverse,
    RoyaltyReportCreate,
)
from kechuangtong.contracts.service import hold, move, said, side_of, tell, touch
from kechuangtong.contracts.sharing import Part, parts, reversed_parts
from kechuangtong.contracts.states import Action
from kechuangtong.core.clock import now, today
from kechuangtong.core.db import new_id
from kechuangtong.core.errors import NotFound
from kechuangtong.events import log
from kechuangtong.models import Contract, PaymentDue, PaymentReceipt, RoyaltyReport
from kechuangtong.models.contract import DueSource
from kechuangtong.models.deal import DealSide
from kechuangtong.models.notice import NoticeKind


async def receive(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID, body: ReceiptCreate
) -> PaymentReceipt:
    """Record money that came, of a payment that is due, or of a royalty that nobody reported.

    Raises NotFound, Forbidden, WrongContractState, DateInFuture, DueUnknown, DueUnnamed,
    MoreThanOpen.
    """
    contract = await hold(session, actor, contract_id)
    side_of(actor, contract, Action.RECEIVE)
    move(contract, Action.RECEIVE)
    if body.received_on > today():
        raise DateInFuture(loc=("body", "received_on"))
    content = said(contract)
    book = await ledger.of_contract(session, contract)
    if body.due_id is not None:
        due = next((one for one in book.dues if one.id == body.due_id), None)
        if due is None:
            raise DueUnknown
        if body.amount > book.open(due):
            raise MoreThanOpen(book.open(due))
    elif royalty_of(content.payment) is None:
        raise DueUnnamed
    former = [Part.from_json(one) for receipt in book.receipts for one in receipt.parts]
    receipt = PaymentReceipt(
        id=new_id(),
        contract_id=contract.id,
        reverses_id=None,
        parts=[one.as_json() for one in parts(content, body.amount, former)],
        user_id=actor.id,
        created_at=now(),
        **body.model_dump(),
    )
    session.add(receipt)
    touch(contract)
    await deal_steps.received(session, actor, contract, receipt)
    await session.flush()  # the log tells what is stored
    log_payment(session, actor, contract, "received", _told(receipt))
    await tell(
        session,
        contract,
        NoticeKind.PAYMENT_RECEIVED,
        by=DealSide.SELLER,
        key=f"received {receipt.id}",
        when=receipt.received_on.isoformat(),
        fee=f"{receipt.amount:.2f}",
    )
    return receipt


async def reverse(
    session: AsyncSession,
    actor: Actor,
    contract_id: uuid.UUID,
    receipt_id: uuid.UUID,
    body: ReceiptReverse,
) -> PaymentReceipt:
    """Take a receipt back, by another of the same amount below zero; both stay.

    Raises NotFound, Forbidden, WrongContractState, ReversedAlready.
    """
    contract = await hold(session, actor, contract_id)
    receipts = {one.id: one for one in await queries.receipts(session, [contract.id])}
    former = receipts.get(receipt_id)
    if former is None:
        raise NotFound
    side_of(actor, contract, Action.REVERSE)
    move(contract, Action.REVERSE)
    taken_back = {one.reverses_id for one in receipts.values()}
    if former.reverses_id is not None or former.id in taken_back:
        raise ReversedAlready
    whose = reversed_parts(Part.from_json(one) for one in former.parts)
    receipt = PaymentReceipt(
        id=new_id(),
        contract_id=contract.id,
        due_id=former.due_id,
        reverses_id=former.id,
        amount=-former.amount,
        received_on=today(),
        invoice_number=former.invoice_number,
        note=body.reason,
        parts=[one.as_json() for one in whose],
        user_id=actor.id,
        created_at=now(),
    )
    session.add(receipt)
    touch(contract)
    await session.flush()  # the log tells what is stored
    log_payment(session, actor, contract, "reversed", _told(receipt))
    await tell(
        session,
        contract,
        NoticeKind.PAYMENT_REVERSED,
        by=DealSide.SELLER,
        key=f"reversed {receipt.id}",
        fee=f"{former.amount:.2f}",
        comment=body.reason,
    )
    return receipt


async def report(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID, body: RoyaltyReportCreate
) -> RoyaltyReport:
    """Report what the rate is of in a period that is over; what follows is due.

    Raises NotFound, Forbidden, WrongContractState, NoRoyalty, PeriodUnknown, PeriodNotOver,
    PeriodReported.
    """
    contract = await hold(session, actor, contract_id)
    side_of(actor, contract, Action.REPORT)
    move(contract, Action.REPORT)
    royalty = royalty_of(said(contract).payment)
    if royalty is None:
        raise NoRoyalty
    period = next((one for one in royalty.periods() if one.start == body.period_start), None)
    if period is None:
        raise PeriodUnknown
    if period.end >= today():
        raise PeriodNotOver(date=period.end)
    former = await queries.reports(session, contract.id)
    if any(one.period_start == period.start for one in former):
        raise PeriodReported
    before = sum((one.amount for one in former), Decimal(0))
    made = RoyaltyReport(
        id=new_id(),
        contract_id=contract.id,
        period_start=period.start,
        period_end=period.end,
        base_amount=body.base_amount,
        rate=period.rate,
        amount=royalty.owed(period, body.base_amount, before),
        user_id=actor.id,
        created_at=now(),
    )
    session.add(made)
    if made.amount:
        session.add(
            PaymentDue(
                id=new_id(),
                contract_id=contract.id,
                source=DueSource.ROYALTY,
                period_start=period.start,
                due_on=period.end + timedelta(days=royalty.due_days),
                amount=made.amount,
                created_at=now(),
            )
        )
    touch(contract)
    await session.flush()  # the log tells what is stored
    told = {"period_start": period.start.isoformat(), "amount": f"{made.amount:.2f}"}
    log_payment(session, actor, contract, "reported", told)
    return made


async def reach(
    session: AsyncSession,
    actor: Actor,
    contract_id: uuid.UUID,
    due_id: uuid.UUID,
    body: MilestoneReached,
) -> tuple[ledger.Ledger, PaymentDue]:
    """Date a payment whose milestone is reached: the buyer says when it is due.

    Raises NotFound, Forbidden, WrongContractState, AlreadyDated.
    """
    contract = await hold(session, actor, contract_id)
    book = await ledger.of_contract(session, contract)
    due = next((one for one in book.dues if one.id == due_id), None)
    if due is None:
        raise NotFound
    side_of(actor, contract, Action.REACH)
    move(contract, Action.REACH)
    if due.due_on is not None:
        raise AlreadyDated
    due.due_on = body.due_on
    touch(contract)
    await session.flush()  # the log tells what is stored
    told = {"due_id": str(due.id), "due_on": body.due_on.isoformat()}
    log_payment(session, actor, contract, "dated", told)
    return book, due


def log_payment(
    session: AsyncSession, actor: Actor, contract: Contract, what: str, told: dict[str, Any]
) -> None:
    """Note in the log what became of a payment of a contract."""
    log.record(
        session,
        actor,
        f"payment.{what}",
        subject_kind="payment",
        subject_id=contract.id,
        before=None,
        after={"deal_id": str(contract.deal_id), "contract_id": str(contract.id), **told},
    )


def _told(receipt: PaymentReceipt) -> dict[str, Any]:
    return {
        "receipt_id": str(receipt.id),
        "reverses_id": str(receipt.reverses_id) if receipt.reverses_id else None,
        "due_id": str(receipt.due_id) if receipt.due_id else None,
        "amount": f"{receipt.amount:.2f}",
        "received_on": receipt.received_on.isoformat(),
    }
