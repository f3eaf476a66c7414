"""Payments (付款、到款) of contracts over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from kechuangtong.accounts.deps import IdempotentSession, ReadSession
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.contracts import payments, reading
from kechuangtong.contracts.http import ContractId, RoyaltyId
from kechuangtong.contracts.schemas import (
    ContractPayments,
    MilestoneReached,
    PaymentQuery,
    PaymentRead,
    ReceiptCreate,
    ReceiptRead,
    ReceiptReverse,
    RoyaltyReportCreate,
    RoyaltyReportRead,
)
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.deals.http import Reader, Writer
from kechuangtong.lists.http import of_sample
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1", tags=["contracts"], route_class=IdempotentRoute)

ReceiptId = Annotated[uuid.UUID, of_sample(ids.RECEIPT)]
PaymentToDateId = Annotated[uuid.UUID, of_sample(ids.PAYMENT_TO_DATE)]


@router.get("/payments", summary="List payments (应付款列表)", responses=answers(401, 403, 422))
async def list_payments(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PaymentQuery, Query()],
) -> Page[PaymentRead]:
    """What is due by the signed contracts of the caller's organizations, on either side, newest
    first; `overdue=true` gives what was due before today and has not come."""
    page = await reading.payments(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.get(
    "/contracts/{contract_id}/payments",
    summary="Payments of a contract (合同款项)",
    responses=answers(401, 403, 404, 422),
)
async def get_contract_payments(
    contract_id: ContractId, session: ReadSession, actor: Reader
) -> ContractPayments:
    """What is due, received, open and overdue, with the shares of each party: parts always add up
    to the cent."""
    return await reading.payments_of(session, actor, contract_id)


@router.post(
    "/contracts/{contract_id}/payments/{payment_id}/reach",
    summary="Date a milestone's payment (付款条件达成)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def reach_milestone(
    contract_id: ContractId,
    payment_id: PaymentToDateId,
    session: IdempotentSession,
    actor: Writer,
    body: MilestoneReached,
) -> PaymentRead:
    """By the buyer: what the payment waits for has come about, and it is due on a day."""
    return reading.payment(*await payments.reach(session, actor, contract_id, payment_id, body))


@router.post(
    "/contracts/{contract_id}/receipts",
    status_code=201,
    summary="Record a receipt (记录到款)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def record_receipt(
    contract_id: ContractId, session: IdempotentSession, actor: Writer, body: ReceiptCreate
) -> ReceiptRead:
    """By the seller. It is divided among the brokers' commissions and the sellers by their shares;
    the deal goes on with its first receipt."""
    return reading.receipt(await payments.receive(session, actor, contract_id, body))


@router.post(
    "/contracts/{contract_id}/receipts/{receipt_id}/reverse",
    status_code=201,
    summary="Take a receipt back (冲销到款)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def reverse_receipt(
    contract_id: ContractId,
    receipt_id: ReceiptId,
    session: IdempotentSession,
    actor: Writer,
    body: ReceiptReverse,
) -> ReceiptRead:
    """Receipts are never changed: another of the same amount below zero names it."""
    return reading.receipt(await payments.reverse(session, actor, contract_id, receipt_id, body))


@router.post(
    "/contracts/{contract_id}/royalty-reports",
    status_code=201,
    summary="Report for a royalty (报告提成基数)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def report_royalty(
    contract_id: RoyaltyId, session: IdempotentSession, actor: Writer, body: RoyaltyReportCreate
) -> RoyaltyReportRead:
    """By the buyer, once for each period that is over: the royalty is computed with the rate of the
    period, its minimum and the cap, and is due."""
    return RoyaltyReportRead.model_validate(
        await payments.report(session, actor, contract_id, body)
    )
