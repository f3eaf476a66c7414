"""Contracts (技术合同): one's own, drafted from a deal, changed and confirmed; receipts."""

import uuid
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession
from kechuangtong.contracts import names, payments, reading, service
from kechuangtong.contracts.queries import live_contract
from kechuangtong.contracts.schemas import (
    ContractCreate,
    ContractPatch,
    ContractQuery,
    ReceiptCreate,
    ReceiptReverse,
)
from kechuangtong.core.errors import Conflict, Forbidden, Invalid, validation_text
from kechuangtong.core.language import Text
from kechuangtong.deals import service as deals
from kechuangtong.deals.http import Reader, Writer
from kechuangtong.deals.policy import sides
from kechuangtong.models.deal import DealSide
from kechuangtong.pages import contract_forms as forms
from kechuangtong.pages.contract_page import done, shown
from kechuangtong.pages.rendering import go, page, page_router
from kechuangtong.runtime import RuntimeDep

router = page_router()

_NEW: Final = {"title": "", "total": "", "kind": "", "pricing": "", "form": "draft"}


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


@router.get("/deals/{deal_id}/contract")
async def show_new_contract(
    request: Request, deal_id: uuid.UUID, session: ReadSession, actor: Writer
) -> Response:
    """The form of a new contract; where the deal has one, that."""
    return await _new_contract(request, session, actor, deal_id)


@router.post("/deals/{deal_id}/contract")
async def draft_contract(
    request: Request, deal_id: uuid.UUID, runtime: RuntimeDep, actor: Writer
) -> Response:
    """Draft the contract of a deal: what it still lacks is told on its page."""
    typed = await forms.sent(request)
    problem: Text
    try:
        body = ContractCreate.model_validate({**forms.terms_of(typed), "deal_id": deal_id})
        async with runtime.database.write() as session:
            contract = await service.draft(session, actor, body)
        return go(f"/contracts/{contract.id}")
    except ValidationError as error:
        first = error.errors()[0]
        problem, status = forms.told(first["loc"], validation_text(dict(first))), Invalid.status
    except (Conflict, Invalid) as error:
        problem, status = forms.told(error.loc or (), error.message), error.status
    async with runtime.database.read() as session:
        return await _new_contract(request, session, actor, deal_id, typed, status, problem)


@router.get("/contracts/{contract_id}")
async def show_contract(
    request: Request, contract_id: uuid.UUID, session: ReadSession, actor: Reader
) -> HTMLResponse:
    """A contract, and what can be done now."""
    return await shown(request, session, actor, contract_id)


@router.post("/contracts/{contract_id}")
async def change_contract(
    request: Request,
    contract_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    version: Annotated[int, Form()] = 0,
) -> Response:
    """Change what a draft says."""
    typed = await forms.sent(request)

    async def act(session: AsyncSession) -> None:
        former = service.said(await service.get(session, actor, contract_id))
        body = ContractPatch.model_validate(forms.terms_of(typed, former))
        await service.change(
            session, actor, contract_id, body, expected_versions=frozenset({version})
        )

    return await done(request, runtime, actor, contract_id, act, form="change", typed=typed)


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

    async def act(session: AsyncSession) -> None:
        await service.confirm(
            session, actor, contract_id, side=side, expected_versions=frozenset({version})
        )

    return await done(request, runtime, actor, contract_id, act)


@router.post("/contracts/{contract_id}/discard")
async def discard_contract(
    request: Request,
    contract_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    version: Annotated[int, Form()] = 0,
) -> Response:
    """Give a draft up."""

    async def act(session: AsyncSession) -> None:
        await service.discard(session, actor, contract_id, expected_versions=frozenset({version}))

    return await done(request, runtime, actor, contract_id, act)


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
        "due_id": due_id,
        "amount": amount,
        "received_on": received_on,
        "invoice_number": invoice_number.strip(),
    }

    async def act(session: AsyncSession) -> None:
        said = {
            **typed,
            "due_id": due_id or None,
            "invoice_number": typed["invoice_number"] or None,
        }
        await payments.receive(session, actor, contract_id, ReceiptCreate.model_validate(said))

    return await done(
        request, runtime, actor, contract_id, act, form="receipt", typed=typed, then="#payments"
    )


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

    async def act(session: AsyncSession) -> None:
        body = ReceiptReverse.model_validate({"reason": reason})
        await payments.reverse(session, actor, contract_id, receipt_id, body)

    return await done(request, runtime, actor, contract_id, act, then="#payments")


async def _new_contract(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    deal_id: uuid.UUID,
    typed: dict[str, str] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
) -> Response:
    deal = await deals.get(session, actor, deal_id)
    if not sides(actor, deal):
        raise Forbidden
    if typed is None and (made := await live_contract(session, deal.id)) is not None:
        return go(f"/contracts/{made}")
    return page(
        request,
        "new_contract.html",
        status=status,
        problem=problem,
        deal=deal,
        forms=forms,
        typed=_NEW | {"title": deal.title} if typed is None else typed | {"form": "draft"},
    )
