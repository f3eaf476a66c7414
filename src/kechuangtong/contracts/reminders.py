"""Reminders of payments: told to both sides before they are due, and once they are overdue."""

import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.contracts import ledger, queries
from kechuangtong.contracts.payments import log_payment
from kechuangtong.contracts.service import tell
from kechuangtong.core.clock import today
from kechuangtong.core.db import Database, hold
from kechuangtong.models import PaymentDue
from kechuangtong.models.notice import NoticeKind

BEFORE: Final = timedelta(days=7)
"""So long before a payment is due its two sides are told."""


async def remind(database: Database) -> int:
    """Tell both sides of what is due soon or overdue, of each payment once before and once after
    its day; how many were told of. To be called daily; called twice, it tells once."""
    async with database.read() as session:
        ids = await queries.to_remind(session, today() + BEFORE)
    told = 0
    for due_id in ids:
        async with database.write() as session:
            await hold(session, f"payment {due_id}")
            told += await _remind(session, due_id)
    return told


async def _remind(session: AsyncSession, due_id: uuid.UUID) -> bool:
    due = await queries.due_to_remind(session, due_id)
    if due is None or due.due_on is None:
        return False
    book = await ledger.of_contract(session, due.contract)
    if not book.open(due):
        return False
    return await _tell(session, book, due)


async def _tell(session: AsyncSession, book: ledger.Ledger, due: PaymentDue) -> bool:
    assert due.due_on is not None
    past = ledger.is_past(due)
    when, still_open = due.due_on.isoformat(), f"{book.open(due):.2f}"
    told = await tell(
        session,
        book.contract,
        NoticeKind.PAYMENT_OVERDUE if past else NoticeKind.PAYMENT_DUE,
        by=None,
        key=f"due {due.id} {due.due_on} {'after' if past else 'before'}",
        when=when,
        fee=still_open,
    )
    if told:
        logged = {"due_id": str(due.id), "due_on": when, "open": still_open}
        log_payment(session, OPERATOR, book.contract, "overdue" if past else "due", logged)
    return told
