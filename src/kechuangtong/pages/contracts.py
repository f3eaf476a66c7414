"""Contracts (技术合同): one's own, and what they say, cost and brought; confirming, receipts."""

import uuid
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession
from kechuangtong.contracts import names, payments, reading, service
from kechuangtong.contracts.schemas import ContractQuery, ReceiptCreate, ReceiptReverse
from kechuangtong.contracts.states import Action
from kechuangtong.core.errors import Conflict, Invalid, PreconditionFailed, validation_text
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.deals.http import Reader, Writer
from kechuangtong.deals.policy import sides
from kechuangtong.models.deal import DealSide
from kechuangtong.pages.rendering import go, page, page_router
from kechuangtong.runtime import RuntimeDep

router = page_router()

_STALE: Final = Text(
    "此合同刚刚有了变化，下面是它现在的样子，请看过再确认。",
    "This contract has just changed; this is how it stands now: read it, then confirm again.",
)
_VERSIONS: Final = 100


@router.get("/contracts")
async def show_contracts(
    request: Request,
    session: ReadSession,
    actor: Reader,
    query: Annotated[ContractQuery, Query()],
) -> HTMLResponse:
    """Contracts of the deals of one's organizations, with what is overdue."""
    found = await reading.page(session, actor, query)
    return page(request, "contracts.html", found=found, query=query, names=names)


@router.get("/contracts/{contract_id}")
async def show_contract(
    request: Request, contract_id: uuid.UUID, session: ReadSession, actor: Reader
) -> HTMLResponse:
    """A contract, and what can be done now."""
    return await _contract(request, session, actor, contract_id)


@router.post("/contracts/{contract_id}/confirm")
async def confirm_contract(
    request: Request,
    contract_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    version: Annotated[int, Form()] = 0,
    side: Annotated[DealSide | None, Form()] = None,
) -> Response:
    """Confirm the draft as it was read."""
    try:
        async with runtime.database.write() as session:
            await service.confirm(
                session, actor, contract_id, side=side, expected_versions=frozenset({version})
            )
    except PreconditionFailed as error:
        return await _again(request, runtime, actor, contract_id, error.status, _STALE)
    except (Conflict, Invalid) as error:
        return await _again(request, runtime, actor, contract_id, error.status, error.message)
    return go(f"/contracts/{contract_id}")


@router.post("/contracts/{contract_id}/receipts")
async def record_receipt(
    request: Request,
    contract_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    due_id: Annotated[str, Form()] = "",
    amount: Annotated[str, Form()] = "",
    received_on: Annotated[str, Form()] = "",
    invoice_number: Annotated[str, Form()] = "",
) -> Response:
    """Record money that came."""
    typed = {
        "due_id": due_id or None,
        "amount": amount,
        "received_on": received_on,
        "invoice_number": invoice_number.strip() or None,
    }
    try:
        body = ReceiptCreate.model_validate(typed)
        async with runtime.database.write() as session:
            await payments.receive(session, actor, contract_id, body)
    except ValidationError as error:
        text = validation_text(dict(error.errors()[0]))
        return await _again(request, runtime, actor, contract_id, Invalid.status, text, typed)
    except (Conflict, Invalid) as error:
        return await _again(
            request, runtime, actor, contract_id, error.status, error.message, typed
        )
    return go(f"/contracts/{contract_id}#payments")


@router.post("/contracts/{contract_id}/receipts/{receipt_id}/reverse")
async def reverse_receipt(
    request: Request,
    contract_id: uuid.UUID,
    receipt_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Take a receipt back."""
    try:
        body = ReceiptReverse.model_validate({"reason": reason})
        async with runtime.database.write() as session:
            await payments.reverse(session, actor, contract_id, receipt_id, body)
    except ValidationError as error:
        text = validation_text(dict(error.errors()[0]))
        return await _again(request, runtime, actor, contract_id, Invalid.status, text)
    except (Conflict, Invalid) as error:
        return await _again(request, runtime, actor, contract_id, error.status, error.message)
    return go(f"/contracts/{contract_id}#payments")


async def _again(
    request: Request,
    runtime: RuntimeDep,
    actor: Actor,
    contract_id: uuid.UUID,
    status: HTTPStatus,
    problem: Text,
    typed: dict[str, Any] | None = None,
) -> HTMLResponse:
    async with runtime.database.read() as session:
        return await _contract(request, session, actor, contract_id, typed, status, problem)


async def _contract(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    contract_id: uuid.UUID,
    typed: dict[str, Any] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
) -> HTMLResponse:
    contract = await service.get(session, actor, contract_id)
    money = await reading.payments_of(session, actor, contract_id)
    taken_back = {one.reverses_id for one in money.receipts}
    possible = service.possible(actor, contract)
    return page(
        request,
        "contract.html",
        status=status,
        problem=problem,
        names=names,
        contract=await reading.show(session, actor, contract),
        versions=await reading.versions(session, actor, contract_id, PageQuery(limit=_VERSIONS)),
        money=money,
        possible=possible,
        to_confirm=[
            one
            for one in DealSide
            if one in sides(actor, contract.deal) and contract.confirmed_at(one) is None
        ],
        reversible={
            one.id
            for one in money.receipts
            if Action.REVERSE in possible and one.reverses_id is None and one.id not in taken_back
        },
        typed={name: value or "" for name, value in (typed or {}).items()},
    )
