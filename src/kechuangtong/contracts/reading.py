"""Contracts and their payments as they are shown."""

import uuid
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.calculators.calculation import RuleRead
from kechuangtong.calculators.deadline import registration_deadline
from kechuangtong.calculators.errors import NoRuleThen
from kechuangtong.contracts import ledger, queries
from kechuangtong.contracts.content import ContractContent
from kechuangtong.contracts.items import missing_items
from kechuangtong.contracts.ledger import Ledger
from kechuangtong.contracts.schemas import (
    ContractDetail,
    ContractPayments,
    ContractQuery,
    ContractRead,
    MissingItem,
    PartRead,
    PaymentQuery,
    PaymentRead,
    ProposalRead,
    ReceiptRead,
    RegistrationDeadline,
    RegistrationRead,
    RoyaltyReportRead,
    VersionRead,
)
from kechuangtong.contracts.service import get, possible, said
from kechuangtong.contracts.sharing import Part, shares
from kechuangtong.contracts.states import Action, sides_of
from kechuangtong.core.paging import Page, PageQuery
from kechuangtong.models import Contract, ContractRegistration, PaymentDue, PaymentReceipt
from kechuangtong.models.contract import ContractSide, ContractState
from kechuangtong.models.deal import DealSide

_PROPOSALS = 100


async def page(session: AsyncSession, actor: Actor, query: ContractQuery) -> Page[ContractRead]:
    """One page of the contracts of one's own organizations, newest first. Raises Forbidden."""
    rows = await queries.contracts(session, actor, query)
    books = await ledger.of_contracts(session, rows[: query.limit])
    return Page[ContractRead].of(
        rows,
        query.limit,
        lambda one: [str(one.id)],
        lambda one: ContractRead.model_validate(_shown(books[one.id])),
    )


async def show(session: AsyncSession, actor: Actor, contract: Contract) -> ContractDetail:
    """A contract as it stands, and what the actor may do to it."""
    book = await ledger.of_contract(session, contract)
    content = said(contract)
    missing = missing_items(content) if contract.state is ContractState.DRAFT else []
    return ContractDetail.model_validate(
        {
            **_shown(book),
            "content": content,
            "missing": [
                MissingItem(code=one.code, text=str(one.text), article=one.article)
                for one in missing
            ],
            "confirmed_by": [one for one in DealSide if contract.confirmed_at(one)],
            "registrations": [_registration(contract, one) for one in contract.registrations],
            "proposals": [
                ProposalRead.model_validate(one) for one in contract.proposals[-_PROPOSALS:]
            ],
            "possible": possible(actor, contract),
        }
    )


async def versions(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID, query: PageQuery
) -> Page[VersionRead]:
    """One page of what was agreed, first things first. Raises NotFound."""
    await get(session, actor, contract_id)
    rows = await queries.versions(session, contract_id, query)
    return Page[VersionRead].of(
        rows, query.limit, lambda one: [str(one.number)], VersionRead.model_validate
    )


async def payments_of(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID
) -> ContractPayments:
    """All payments of a contract. Raises NotFound."""
    contract = await get(session, actor, contract_id)
    book = await ledger.of_contract(session, contract)
    reports = await queries.reports(session, contract.id)
    return ContractPayments(
        sums=book.sums(),
        payments=[payment(book, one) for one in book.dues],
        receipts=[receipt(one) for one in book.receipts],
        royalty_reports=[RoyaltyReportRead.model_validate(one) for one in reports],
    )


async def payments(session: AsyncSession, actor: Actor, query: PaymentQuery) -> Page[PaymentRead]:
    """One page of what is due by the signed contracts of one's own organizations, newest first.

    Raises Forbidden.
    """
    rows = await queries.payments(session, actor, query)
    contracts = {one.contract.id: one.contract for one in rows}
    books = await ledger.of_contracts(session, list(contracts.values()))
    return Page[PaymentRead].of(
        rows,
        query.limit,
        lambda one: [str(one.id)],
        lambda one: payment(books[one.contract_id], one),
    )


def payment(book: Ledger, due: PaymentDue) -> PaymentRead:
    """A payment as it is shown, with who pays it and whom."""
    content = ContractContent.model_validate(book.contract.content)
    by, to = (
        _parts(shares(content, side, due.amount))
        for side in (ContractSide.BUYER, ContractSide.SELLER)
    )
    return PaymentRead(
        id=due.id,
        contract_id=due.contract_id,
        contract_title=book.contract.title,
        source=due.source,
        number=due.number,
        period_start=due.period_start,
        milestone=due.milestone,
        due_on=due.due_on,
        amount=due.amount,
        received=book.received(due),
        open=book.open(due),
        overdue=book.overdue(due) > 0,
        paid_by=by,
        paid_to=to,
    )


def receipt(one: PaymentReceipt) -> ReceiptRead:
    """A receipt as it is shown."""
    return ReceiptRead(
        id=one.id,
        due_id=one.due_id,
        reverses_id=one.reverses_id,
        amount=one.amount,
        received_on=one.received_on,
        invoice_number=one.invoice_number,
        note=one.note,
        parts=_parts([Part.from_json(part) for part in one.parts]),
        created_at=one.created_at,
    )


def _registration(contract: Contract, one: ContractRegistration) -> RegistrationRead:
    """A registration with the registry's term: of the place of who applies, for the technology
    amount as it was registered, else as it is agreed."""
    shown = RegistrationRead.model_validate(one)
    if one.accepted_on is None:
        return shown
    (side,) = sides_of(Action.REGISTER, technology_import=contract.content["technology_import"])
    region = contract.deal.of_side(side)[0].organization.place
    amount = contract.technical if one.technical is None else one.technical
    try:
        found = registration_deadline(one.accepted_on, amount, one.disputed, region)
    except NoRuleThen:
        return shown
    shown.deadline = RegistrationDeadline(
        due_on=found.due_on,
        days=found.days,
        working_days=found.working_days,
        rule=RuleRead.of(found.rule),
        warnings=found.written().warnings,
    )
    return shown


def _parts(found: list[Part]) -> list[PartRead]:
    return [PartRead.model_validate(one) for one in found]


def _shown(book: Ledger) -> dict[str, Any]:
    contract = book.contract
    return {
        "id": contract.id,
        "deal_id": contract.deal_id,
        "state": contract.state,
        "title": contract.title,
        "kind": contract.kind,
        "total": contract.total,
        "technical": contract.technical,
        "signed_on": contract.signed_on,
        "cancelled_on": contract.cancelled_on,
        "versions": contract.versions,
        "registration": contract.registration.state if contract.registration else None,
        "payments": book.sums(),
        "created_at": contract.created_at,
        "updated_at": contract.updated_at,
        "version": contract.version,
    }
