"""Contracts of the sample's organizations, each of a deal of its own, for the examples of the
documentation: one that is signed and paid in part, a draft, and those that something waits for."""

import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.contracts import ledger
from kechuangtong.contracts.content import ContractContent
from kechuangtong.contracts.schemas import EXAMPLE
from kechuangtong.contracts.service import keep_version, say
from kechuangtong.contracts.sharing import parts
from kechuangtong.core.clock import now, today
from kechuangtong.core.db import new_id
from kechuangtong.deals.states import Action
from kechuangtong.models import (
    Contract,
    ContractProposal,
    ContractRegistration,
    Deal,
    DealParty,
    DealStep,
    PaymentDue,
    PaymentReceipt,
)
from kechuangtong.models.contract import (
    ContractState,
    DueSource,
    ProposalKind,
    ProposalState,
    RegistrationState,
)
from kechuangtong.models.deal import DealSide, DealState
from kechuangtong.sample import ids

_SELLER: Final = uuid.UUID(ids.ORGANIZATION)
_BUYER: Final = uuid.UUID(ids.ENTERPRISE)
_PARTIES: Final[list[dict[str, Any]]] = [
    {
        "side": "seller",
        "organization_id": ids.ORGANIZATION,
        "name": "锦江理工大学",
        "share": "100",
    },
    {
        "side": "buyer",
        "organization_id": ids.ENTERPRISE,
        "name": "成都蜀烘食品机械有限公司",
        "share": "100",
    },
]
_BROKER: Final = {"side": "broker", "name": "成都某技术转移服务中心", "commission_percent": "3"}
_ROYALTY: Final = {
    "kind": "entry_fee_and_royalty",
    "entry_fee": "200000.00",
    "instalments": [{"amount": "200000.00", "due_on": "2026-09-30"}],
    "royalty": {
        "base": "净销售额",
        "rate": "3",
        "steps": [{"from_on": "2027-07-01", "rate": "2.5"}],
        "period": "quarter",
        "from_on": "2026-07-01",
        "until_on": "2029-06-30",
        "minimum": "10000.00",
        "cap": "900000.00",
    },
}
_SERVICE: Final = {
    **EXAMPLE,
    "title": "烘房能耗测试与改造服务",
    "kind": "service",
    "sub_kind": "technical_service",
    "total": "200000.00",
    "deductions": [{"name": "传感器", "kind": "parts", "amount": "20000.00"}],
    "payment": {
        "kind": "instalments",
        "instalments": [
            {"amount": "60000.00", "due_on": "2026-10-31"},
            {"amount": "100000.00", "due_on": "2026-12-31"},
            {"amount": "40000.00", "milestone": "验收合格"},
        ],
    },
}


def _content(**values: Any) -> ContractContent:  # noqa: ANN401
    return ContractContent.model_validate({**EXAMPLE, "parties": _PARTIES, **values})


async def add_contracts(session: AsyncSession) -> None:
    """The deals, their contracts, what is due by them, and what waits."""
    signed = await _signed(
        session,
        ids.CONTRACT,
        _content(**{**_SERVICE, "parties": [*_PARTIES, _BROKER]}),
        on=date(2026, 10, 8),
    )
    await _payments(session, signed)
    await _drafted(session, ids.CONTRACT_DRAFT, _content())
    await _drafted(session, ids.CONTRACT_TO_DISCARD, _content(title="挂面烘房控制系统开发"))
    await _deal(session, ids.DEAL_TO_CONTRACT, "烘房余热利用", DealState.NEGOTIATION)
    royalty = await _signed(
        session,
        ids.CONTRACT_WITH_ROYALTY,
        _content(
            title="太阳能集热控制软件开发", total="500000.00", deductions=[], payment=_ROYALTY
        ),
        on=date(2026, 7, 1),
    )
    to_cancel = await _signed(
        session,
        ids.CONTRACT_TO_CANCEL,
        _content(title="面条干燥曲线研究", payment={"kind": "lump_sum", "milestone": "验收合格"}),
        on=today(),
    )
    session.add(
        ContractRegistration(
            contract_id=royalty.id,
            state=RegistrationState.APPLIED,
            applied_on=date(2026, 11, 18),
            office="成都市技术合同登记点",
        )
    )
    for contract, amendment, cancellation in (
        (royalty, ids.AMENDMENT, ids.CANCELLATION_TO_DISCARD),
        (to_cancel, ids.AMENDMENT_TO_DISCARD, ids.CANCELLATION),
    ):
        changed = contract.content | {"breach": "逾期付款的，每日按应付款的万分之三支付违约金。"}
        for proposal_id, kind, content, reason in (
            (amendment, ProposalKind.AMENDMENT, changed, "补充违约责任。"),
            (cancellation, ProposalKind.CANCELLATION, None, "生产计划调整。"),
        ):
            session.add(
                ContractProposal(
                    id=uuid.UUID(proposal_id),
                    contract_id=contract.id,
                    kind=kind,
                    by=DealSide.SELLER,
                    state=ProposalState.PROPOSED,
                    content=content,
                    reason=reason,
                )
            )


async def _deal(session: AsyncSession, deal_id: str, title: str, state: DealState) -> Deal:
    deal = Deal(id=uuid.UUID(deal_id), title=title, opened_by=DealSide.BUYER, state=state)
    session.add(deal)
    await session.flush()  # what follows refers to it
    begun = today() - timedelta(days=300)
    for number, (action, to_state) in enumerate(
        ((Action.CREATE, DealState.INTEREST), (Action.START_NEGOTIATION, state)), 1
    ):
        session.add(
            DealStep(
                deal_id=deal.id,
                number=number,
                action=action.value,
                from_state=None if number == 1 else DealState.INTRODUCED,
                to_state=to_state,
                side=DealSide.BUYER,
                on=begun,
                organization_id=_BUYER,
            )
        )
    for side, organization_id in ((DealSide.SELLER, _SELLER), (DealSide.BUYER, _BUYER)):
        session.add(DealParty(deal_id=deal.id, organization_id=organization_id, side=side))
    return deal


async def _drafted(
    session: AsyncSession,
    contract_id: str,
    content: ContractContent,
    state: DealState = DealState.NEGOTIATION,
) -> Contract:
    # The deal of a contract has its number: c5201 of c6001.
    deal = await _deal(session, contract_id.replace("c60", "c52"), content.title, state)
    contract = Contract(
        id=uuid.UUID(contract_id), deal=deal, state=ContractState.DRAFT, versions=0, parties=[]
    )
    say(contract, content)
    session.add(contract)
    await session.flush()  # what follows refers to it
    return contract


async def _signed(
    session: AsyncSession, contract_id: str, content: ContractContent, *, on: date
) -> Contract:
    contract = await _drafted(session, contract_id, content, DealState.SIGNED)
    contract.state, contract.signed_on = ContractState.SIGNED, on
    contract.seller_confirmed_at = contract.buyer_confirmed_at = now()
    keep_version(session, contract, reason=None)
    if contract_id != ids.CONTRACT:
        await ledger.plan(session, contract, content)
    return contract


async def _payments(session: AsyncSession, contract: Contract) -> None:
    """What is due by the first, with ids for the examples, and a receipt of a part of it."""
    content = ContractContent.model_validate(contract.content)
    assert content.payment is not None
    named = (new_id(), uuid.UUID(ids.PAYMENT_DUE), uuid.UUID(ids.PAYMENT_TO_DATE))
    for due_id, one in zip(named, content.payment.payments(content.total), strict=True):
        session.add(
            PaymentDue(
                id=due_id,
                contract_id=contract.id,
                source=DueSource.PLAN,
                number=one.number,
                milestone=one.milestone,
                due_on=one.due_on,
                amount=one.amount,
            )
        )
    await session.flush()  # the receipt refers to one of them
    amount = Decimal("30000.00")
    session.add(
        PaymentReceipt(
            id=uuid.UUID(ids.RECEIPT),
            contract_id=contract.id,
            due_id=named[0],
            amount=amount,
            received_on=today(),
            invoice_number="26512000000012340001",
            parts=[one.as_json() for one in parts(content, amount, [])],
        )
    )
