"""Contracts (技术合同) and their payments on the way in and out."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

from kechuangtong.calculators.calculation import Caution, RuleRead
from kechuangtong.contracts.content import ContractContent, ContractTerms
from kechuangtong.contracts.plan import Percent
from kechuangtong.contracts.states import Action
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import FreeText, Input, Line, Output, Yuan, YuanSum
from kechuangtong.lists.schemas import Day
from kechuangtong.models.contract import (
    ContractKind,
    ContractSide,
    ContractState,
    DueSource,
    ProposalKind,
    ProposalState,
    RegistrationState,
)
from kechuangtong.models.deal import DealSide
from kechuangtong.sample import ids

Reason = Annotated[FreeText, StringConstraints(min_length=1, max_length=500)]
SignedYuan = Annotated[
    Decimal, PlainSerializer(lambda yuan: f"{yuan:.2f}", return_type=str, when_used="json")
]
"""An amount that may lie below zero, as of a receipt that was reversed."""

_SIDE: Final = "For which side; needed by who acts for both (代表哪一方)"


EXAMPLE: Final[dict[str, Any]] = {
    "title": "挂面烘房热泵与太阳能联合供热系统开发",
    "kind": "development",
    "sub_kind": "commissioned",
    "subject": "为两条挂面烘房线设计、制造并调试热泵与太阳能联合供热系统，吨面能耗下降三成以上。",
    "performance": "2026 年 12 月起十二个月，在委托方厂区完成设计、安装和调试。",
    "confidentiality": "双方对工艺参数和图纸保密五年。",
    "results": "专利申请权归受托方，委托方可免费实施；后续改进归改进方。",
    "acceptance": "连续运行三十天，由双方共同测试能耗。",
    "total": "1200000.00",
    "deductions": [{"name": "热泵机组", "kind": "equipment", "amount": "380000.00"}],
    "payment": {
        "kind": "instalments",
        "instalments": [
            {"percent": "30", "due_on": "2026-12-20"},
            {"percent": "50", "milestone": "设备安装完成", "due_on": "2027-06-30"},
            {"percent": "20", "milestone": "验收合格"},
        ],
    },
}


class ContractCreate(ContractContent):
    """A draft of the contract of a deal: all of it may be changed until both sides confirm."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"deal_id": ids.DEAL_TO_CONTRACT, **EXAMPLE}}
    )

    deal_id: uuid.UUID

    def content(self) -> ContractContent:
        """What the contract says."""
        said = self.model_dump(exclude={"deal_id"}, exclude_unset=True)
        return ContractContent.model_validate(said)


class ContractPatch(ContractTerms):
    """What is to change in a draft; what is not named stays."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"acceptance": "连续运行四十五天，由双方共同测试能耗。"}}
    )


class SideChoice(Input):
    """For which side it is done."""

    model_config = ConfigDict(json_schema_extra={"example": {"side": "seller"}})

    side: Annotated[DealSide | None, Field(description=_SIDE)] = None


class AmendmentCreate(SideChoice):
    """An amendment (变更) that one side proposes to the other."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "side": "seller",
                "reason": "设备到货推迟，工期顺延一个月。",
                "changes": {"ends_on": "2027-12-31"},
            }
        }
    )

    reason: Reason
    changes: Annotated[ContractTerms, Field(description="What is not named stays (变更内容)")]


class CancellationCreate(SideChoice):
    """The cancellation (解除) of a contract that one side proposes to the other."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"side": "buyer", "reason": "生产线已停用，不再需要。"}}
    )

    reason: Reason


class ProposalAnswer(SideChoice):
    """The other side confirms."""

    model_config = ConfigDict(json_schema_extra={"example": {"side": "buyer"}})


class RegistrationApply(Input):
    """The contract was handed in for registration (认定登记)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"applied_on": "2026-11-20", "office": "成都市技术合同登记点"}
        }
    )

    applied_on: Day
    office: Annotated[Line | None, Field(description="登记机构")] = None
    disputed: Annotated[bool, Field(description="In dispute: it may take longer (有争议)")] = False


class RegistrationAccept(Input):
    """The registry has accepted it: from this day its time runs."""

    model_config = ConfigDict(json_schema_extra={"example": {"accepted_on": "2026-11-23"}})

    accepted_on: Day


class RegistrationRefuse(Input):
    """The registry does not register it (不予登记)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"decided_on": "2026-11-26", "reason": "材料不全，补正后可再次申请。"}
        }
    )

    decided_on: Day
    reason: Reason


class RegistrationGrant(Input):
    """The registry has registered it; both amounts stand on the certificate, those of the contract
    where nothing is said."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"decided_on": "2026-11-26", "number": "2026510102000123"}}
    )

    decided_on: Day
    number: Annotated[
        Annotated[FreeText, StringConstraints(min_length=1, max_length=40)],
        Field(description="16 digits, of the old form 14 (认定登记编号)"),
    ]
    total: Annotated[Yuan | None, Field(description="成交额")] = None
    technical: Annotated[Yuan | None, Field(description="技术交易额")] = None


class ReceiptCreate(Input):
    """Money that the seller received (到款)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "due_id": ids.PAYMENT_DUE,
                "amount": "60000.00",
                "received_on": "2026-11-25",
                "invoice_number": "26512000000012345678",
            }
        }
    )

    due_id: Annotated[
        uuid.UUID | None,
        Field(description="Of which payment; a royalty may come without a report (对应款项)"),
    ] = None
    amount: Annotated[Yuan, Field(gt=0)]
    received_on: Day
    invoice_number: Annotated[
        Annotated[FreeText, StringConstraints(min_length=1, max_length=50)] | None,
        Field(description="发票号码"),
    ] = None
    note: Annotated[Reason | None, Field(description="备注")] = None


class ReceiptReverse(Input):
    """Why a receipt is taken back (冲销)."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "重复录入。"}})

    reason: Reason


class RoyaltyReportCreate(Input):
    """What the buyer reports of a period of the royalty."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"period_start": "2026-07-01", "base_amount": "1850000.00"}}
    )

    period_start: Annotated[Day, Field(description="The first day of the period (期间起日)")]
    base_amount: Annotated[Yuan, Field(description="What the rate is of (提成基数)")]


class MilestoneReached(Input):
    """A milestone is reached: its payment is due on a day."""

    model_config = ConfigDict(json_schema_extra={"example": {"due_on": "2027-12-10"}})

    due_on: Day


class MissingItem(BaseModel):
    """What a contract lacks, and the article that asks for it."""

    code: str
    text: str
    article: str


class RegistrationDeadline(BaseModel):
    """By when the registry decides on what it has accepted, and the rule that says so."""

    due_on: Annotated[date, Field(description="The last day (截止日期)")]
    days: Annotated[int, Field(description="How many days (期限天数)")]
    working_days: Annotated[bool, Field(description="Whether they are working days (工作日)")]
    rule: RuleRead
    warnings: Annotated[list[Caution], Field(description="What to be careful about (提示)")]


class RegistrationRead(Output):
    """One application for registration (认定登记), and what became of it."""

    id: uuid.UUID
    state: RegistrationState
    office: str | None
    disputed: bool
    applied_on: date
    accepted_on: date | None
    decided_on: date | None
    number: str | None
    total: YuanSum | None
    technical: YuanSum | None
    reason: str | None
    deadline: Annotated[
        RegistrationDeadline | None,
        Field(description="Of what was accepted; null where no rule is known (登记期限)"),
    ] = None


class ProposalRead(Output):
    """What one side proposed to the other; `content` is what would be agreed instead."""

    id: uuid.UUID
    kind: ProposalKind
    by: DealSide
    state: ProposalState
    reason: str
    content: ContractContent | None
    created_at: datetime
    decided_at: datetime | None


class PaymentSums(BaseModel):
    """What is due by a contract, and what has come of it, in yuan."""

    due: YuanSum
    received: Annotated[YuanSum, Field(description="Of all of it, reversals taken off")]
    unallocated: Annotated[YuanSum, Field(description="Of `received`, what no payment is named of")]
    open: Annotated[YuanSum, Field(description="Of what is due; of a cancelled contract nothing")]
    overdue: Annotated[YuanSum, Field(description="Of `open`, what was due before today")]


class ContractRead(BaseModel):
    """A contract in a list."""

    id: uuid.UUID
    deal_id: uuid.UUID
    state: ContractState
    title: str
    kind: ContractKind
    total: Annotated[YuanSum, Field(description="成交额")]
    technical: Annotated[YuanSum, Field(description="技术交易额: the total without deductions")]
    signed_on: date | None
    cancelled_on: date | None
    versions: Annotated[int, Field(description="How many were in force, this one included")]
    registration: RegistrationState | None
    payments: PaymentSums
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def tag(self) -> str:
        return str(self.version)


class ContractDetail(ContractRead):
    """A contract as it stands."""

    content: ContractContent
    missing: Annotated[
        list[MissingItem], Field(description="What it lacks before it can be signed (缺少的内容)")
    ]
    confirmed_by: Annotated[list[DealSide], Field(description="Of the draft as it stands")]
    registrations: list[RegistrationRead]
    proposals: Annotated[list[ProposalRead], Field(description="The last hundred")]
    possible: Annotated[list[Action], Field(description="What the caller may do now")]


class VersionRead(Output):
    """What was agreed until the next version."""

    number: int
    content: ContractContent
    reason: str | None
    created_at: datetime


class PartRead(Output):
    """What of a sum is a party's."""

    side: ContractSide
    organization_id: uuid.UUID | None
    name: str | None
    amount: SignedYuan


class PaymentRead(BaseModel):
    """A payment that is due, and what has come of it."""

    id: uuid.UUID
    contract_id: uuid.UUID
    contract_title: str
    source: DueSource
    number: Annotated[int | None, Field(description="Of the plan, from 1 (期次)")]
    period_start: Annotated[date | None, Field(description="Of a royalty (提成期间)")]
    milestone: str | None
    due_on: Annotated[date | None, Field(description="Null until its milestone is reached")]
    amount: YuanSum
    received: YuanSum
    open: YuanSum
    overdue: bool
    paid_by: Annotated[list[PartRead], Field(description="The buyers' shares")]
    paid_to: Annotated[list[PartRead], Field(description="The sellers' shares, before commissions")]


class ReceiptRead(BaseModel):
    """Money received; one below zero takes back the one that it names."""

    id: uuid.UUID
    due_id: uuid.UUID | None
    reverses_id: uuid.UUID | None
    amount: SignedYuan
    received_on: date
    invoice_number: str | None
    note: str | None
    parts: Annotated[
        list[PartRead], Field(description="Whose it is: shares and commissions, adding up to it")
    ]
    created_at: datetime


class RoyaltyReportRead(Output):
    """What was reported of a period, and the royalty that follows."""

    id: uuid.UUID
    period_start: date
    period_end: date
    base_amount: YuanSum
    rate: Percent
    amount: YuanSum
    created_at: datetime


class ContractPayments(BaseModel):
    """All payments of a contract."""

    sums: PaymentSums
    payments: list[PaymentRead]
    receipts: list[ReceiptRead]
    royalty_reports: list[RoyaltyReportRead]


class ContractQuery(PageQuery):
    """Filters of the list; several of them must all hold."""

    deal_id: uuid.UUID | None = None
    state: ContractState | None = None
    kind: ContractKind | None = None
    organization_id: Annotated[uuid.UUID | None, Field(description="Of one's own")] = None


class PaymentQuery(PageQuery):
    """Filters of the list; several of them must all hold."""

    overdue: Annotated[bool | None, Field(description="Was due before today, and is open")] = None
    open: Annotated[bool | None, Field(description="Not all of it has come (未付清)")] = None
    organization_id: Annotated[uuid.UUID | None, Field(description="Of one's own")] = None
