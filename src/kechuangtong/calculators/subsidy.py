"""What a city adds to a technology deal (技术交易补助), as Chengdu's guide of 2021 shapes it."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kechuangtong.calculators.calculation import Calculation, Day, Paper, Percent, percent, yuan
from kechuangtong.calculators.errors import NoRuleThen
from kechuangtong.core.language import Text
from kechuangtong.core.money import part
from kechuangtong.core.schemas import Input, Line, Yuan, YuanSum
from kechuangtong.policies import subsidies

NAME: Final = "subsidy"
_NOTHING: Final = Decimal("0.00")

_WINDOW = Text("窗口的起日不得晚于止日", "the window begins no later than it ends")
_RATE_UNKNOWN = Text(
    "补助比例未核实：只给出基数；请按当年指南填写比例和上限。",
    "The rate is not known: the base alone is told. Give rate and limit as the year's guide has "
    "them.",
)
_RATE_GIVEN = Text(
    "比例和上限由您填写，未经核实。", "Rate and limit are as you gave them; they are not verified."
)


class SubsidyRole(StrEnum):
    """Who applies."""

    SELLER = "seller"  # 卖方
    BUYER = "buyer"  # 买方
    INTERMEDIARY = "intermediary"  # 中介机构


class ContractKind(StrEnum):
    """Kinds of technology contract (民法典 art. 843)."""

    DEVELOPMENT = "development"  # 技术开发
    TRANSFER = "transfer"  # 技术转让
    LICENCE = "licence"  # 技术许可
    CONSULTING = "consulting"  # 技术咨询
    SERVICE = "service"  # 技术服务


class Commission(StrEnum):
    """What an intermediary's contract says."""

    NONE = "none"  # 无委托合同
    FRAMEWORK = "framework"  # 框架协议
    NAMED = "named"  # 载明具体项目的委托合同


class Payment(Input):
    """Money of the deal."""

    amount: Yuan
    invoiced_on: Annotated[Day | None, Field(description="开票日期")] = None
    received_on: Annotated[Day | None, Field(description="到账日期")] = None


class SubsidyInput(Input):
    """A deal, and what was paid of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "region": "四川省成都市",
                "role": "seller",
                "contract_kind": "transfer",
                "registered": True,
                "amount": "2000000.00",
                "window_from": "2025-01-01",
                "window_until": "2025-12-31",
                "payments": [
                    {
                        "amount": "1200000.00",
                        "invoiced_on": "2025-03-01",
                        "received_on": "2025-03-18",
                    },
                    {"amount": "800000.00", "invoiced_on": "2025-12-20"},
                ],
            }
        }
    )

    region: Annotated[Line, Field(description="Province and city (地区)")] = "四川省成都市"
    role: Annotated[SubsidyRole, Field(description="Who applies (申报方)")]
    contract_kind: Annotated[ContractKind, Field(description="合同类型")]
    registered: Annotated[bool, Field(description="Whether it is registered (已认定登记)")]
    amount: Annotated[Yuan, Field(description="技术交易额, in yuan")]
    window_from: Annotated[Day, Field(description="窗口起日")]
    window_until: Annotated[Day, Field(description="窗口止日")]
    payments: Annotated[list[Payment], Field(max_length=50)] = []
    commission: Annotated[
        Commission, Field(description="An intermediary's contract (中介的委托合同)")
    ] = Commission.NONE
    percent: Annotated[
        Percent | None, Field(description="As the year's guide has it (补助比例)")
    ] = None
    limit: Annotated[Yuan | None, Field(description="The most, in yuan (补助上限)")] = None

    @model_validator(mode="after")
    def _the_window_is_one(self) -> Self:
        if self.window_from > self.window_until:
            raise ValueError(_WINDOW)
        return self


class SubsidyResult(BaseModel):
    """The base, and the subsidy where a rate was given."""

    eligible: bool
    reasons: list[str] = Field(description="What speaks against it (不符合之处)")
    counted: YuanSum = Field(description="Invoiced and received in the window (已开票且到账)")
    base: YuanSum = Field(description="补助基数")
    subsidy: YuanSum | None = Field(description="Null without a rate (补助额)")


def calculate(inputs: SubsidyInput) -> Calculation[SubsidyInput, SubsidyResult]:
    """The base of a subsidy, and with a rate given the subsidy. Raises NoRuleThen where the region
    has no rule of the window's last day."""
    rule = subsidies.at(inputs.window_until, inputs.region)
    if rule is None:
        raise NoRuleThen(loc=("body", "region"))
    paper = Paper()
    paper.by(rule.rule)
    reasons = _against(inputs, rule)
    counted = sum((one.amount for one in inputs.payments if _counts(inputs, one)), _NOTHING)
    paper.step(
        Text(
            f"{inputs.window_from} 至 {inputs.window_until} 已开票且到账",
            f"Invoiced and received from {inputs.window_from} to {inputs.window_until}",
        ),
        counted,
    )
    base = _NOTHING if reasons else min(inputs.amount, counted)
    if not reasons:
        paper.step(
            Text(
                f"基数不超过技术交易额 {yuan(inputs.amount)}",
                f"The base is at most the technology amount {yuan(inputs.amount)}",
            ),
            base,
        )
    subsidy = None
    if inputs.percent is None:
        paper.warn("rate_unknown", _RATE_UNKNOWN)
    else:
        paper.warn("rate_given", _RATE_GIVEN)
        subsidy = part(base, inputs.percent)
        paper.step(
            Text(
                f"{yuan(base)} × {percent(inputs.percent)}",
                f"{yuan(base)} × {percent(inputs.percent)}",
            ),
            subsidy,
        )
        if inputs.limit is not None and subsidy > inputs.limit:
            subsidy = inputs.limit
            paper.step(Text("不超过上限", "At most the limit"), subsidy)
    results = SubsidyResult(
        eligible=not reasons,
        reasons=[str(one) for one in reasons],
        counted=counted,
        base=base,
        subsidy=subsidy,
    )
    return paper.answer(NAME, inputs, results)


def _counts(inputs: SubsidyInput, payment: Payment) -> bool:
    """Whether it was both invoiced and received in the window."""
    return all(
        day is not None and inputs.window_from <= day <= inputs.window_until
        for day in (payment.invoiced_on, payment.received_on)
    )


def _against(inputs: SubsidyInput, rule: subsidies.Subsidy) -> list[Text]:
    reasons = []
    if not inputs.registered:
        reasons.append(Text("合同未认定登记", "the contract is not registered"))
    if inputs.contract_kind not in rule.contract_kinds:
        reasons.append(
            Text("只补助技术转让、技术开发合同", "transfer and development alone are subsidized")
        )
    if inputs.role is SubsidyRole.INTERMEDIARY and inputs.commission is not Commission.NAMED:
        reasons.append(
            Text(
                "中介须有载明具体项目的委托合同，框架协议不算",
                "an intermediary needs a commission contract that names the project, no framework "
                "agreement",
            )
        )
    return reasons
