"""What brokers get for a deal (中介报酬、技术经理人佣金)."""

from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kechuangtong.calculators.calculation import (
    Calculation,
    Dated,
    Paper,
    Percent,
    percent,
    yuan,
)
from kechuangtong.calculators.errors import NoRuleThen
from kechuangtong.core.clock import today
from kechuangtong.core.language import Text
from kechuangtong.core.money import CENT, HUNDRED, part, split
from kechuangtong.core.schemas import Input, Line, Yuan, YuanSum
from kechuangtong.policies.rules import in_force, read

NAME: Final = "commission"
_NOTHING: Final = Decimal("0.00")

_ONE_WAY = Text(
    "比例、固定金额、分段三者选其一", "it is either a percentage, or an amount, or brackets"
)
_BRACKETS = Text(
    "各段上限须递增，只有最后一段没有上限",
    "brackets rise, and the last alone has no upper end",
)
_NO_SHARES = Text("份额之和须大于 0", "the shares together must be above 0")
_ABOVE = Text("佣金大于交易额，请核对。", "The commission is more than the deal; look at it again.")


class Bracket(Input):
    """A part of the amount, from the end of the one before."""

    up_to: Annotated[Yuan | None, Field(description="Its upper end; null: none (上限)")] = None
    percent: Percent


class BrokerShare(Input):
    """A broker who gets a part."""

    name: Line
    share: Annotated[
        Decimal,
        Field(ge=0, max_digits=9, decimal_places=4, description="In relation to the others (份额)"),
    ]


class CommissionInput(Dated):
    """A deal and what was agreed with its brokers."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "amount": "3000000.00",
                "brackets": [
                    {"up_to": "1000000.00", "percent": "5"},
                    {"up_to": "5000000.00", "percent": "3"},
                    {"percent": "1"},
                ],
                "vat_percent": "6",
                "brokers": [{"name": "甲", "share": "2"}, {"name": "乙", "share": "1"}],
            }
        }
    )

    amount: Annotated[Yuan, Field(description="The deal's amount in yuan (交易额)")]
    percent: Annotated[Percent | None, Field(description="Of the amount (佣金比例)")] = None
    fixed: Annotated[Yuan | None, Field(description="A fixed sum in yuan (固定金额)")] = None
    brackets: Annotated[
        list[Bracket],
        Field(max_length=20, description="Each percentage holds within its bracket (分段比例)"),
    ] = []
    vat_percent: Annotated[
        Percent | None, Field(description="The broker's rate; null: not told (增值税税率)")
    ] = None
    vat_included: Annotated[
        bool, Field(description="Whether what was agreed has the tax in it (含税)")
    ] = True
    brokers: Annotated[list[BrokerShare], Field(max_length=20, description="经纪人")] = []

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.percent is not None, self.fixed is not None, bool(self.brackets))
        if sum(ways) != 1:
            raise ValueError(_ONE_WAY)
        ends = [one.up_to for one in self.brackets]
        if ends and (ends[-1] is not None or not _rise(ends[:-1])):
            raise ValueError(_BRACKETS)
        if self.brokers and not sum(one.share for one in self.brokers):
            raise ValueError(_NO_SHARES)
        return self


def _rise(ends: list[Decimal | None]) -> bool:
    """Whether all ends are there, each above the one before, the first above nothing."""
    return all(
        low is not None and high is not None and low < high
        for low, high in pairwise([_NOTHING, *ends])
    )


class BracketResult(BaseModel):
    """What one bracket comes to."""

    amount: YuanSum = Field(description="Of the deal's amount lies in it (落入金额)")
    percent: Percent
    commission: YuanSum


class BrokerResult(BaseModel):
    """What one broker gets."""

    name: str
    net: YuanSum
    vat: YuanSum
    gross: YuanSum


class CommissionResult(BaseModel):
    """`gross` is `net` and `vat`; brokers' parts add up to each."""

    brackets: list[BracketResult]
    net: YuanSum = Field(description="Without tax (不含税)")
    vat: YuanSum = Field(description="增值税")
    gross: YuanSum = Field(description="With it (含税)")
    brokers: list[BrokerResult]


def calculate(inputs: CommissionInput) -> Calculation[CommissionInput, CommissionResult]:
    """The commission, its tax, and what each broker gets. Raises NoRuleThen."""
    rule = in_force(read("commissions"), inputs.on or today())
    if rule is None:
        raise NoRuleThen(loc=("body", "on"))
    paper = Paper()
    paper.by(rule)
    brackets, agreed = _agreed(paper, inputs)
    if agreed > inputs.amount:
        paper.warn("above_amount", _ABOVE)
    # Each broker invoices, and so is taxed, on their own.
    names = [one.name for one in inputs.brokers]
    parts = [agreed]
    if inputs.brokers:
        parts = split(agreed, [one.share for one in inputs.brokers])
        paper.step(
            Text(
                f"按份额分给 {len(parts)} 人，各计到分",
                f"Split among {len(parts)} by their shares, to the cent",
            ),
            agreed,
        )
    taxed = [_taxed(inputs, one) for one in parts]
    net = sum((own for own, _ in taxed), _NOTHING)
    vat = sum((tax for _, tax in taxed), _NOTHING)
    if inputs.vat_percent is not None:
        says = f"{yuan(net)} + {yuan(vat)} ({percent(inputs.vat_percent)})"
        text = Text(f"不含税金额与增值税：{says}", f"Without tax, and the tax: {says}")
        paper.step(text, net + vat)
    results = CommissionResult(
        brackets=brackets,
        net=net,
        vat=vat,
        gross=net + vat,
        brokers=[
            BrokerResult(name=name, net=own, vat=tax, gross=own + tax)
            for name, (own, tax) in zip(names, taxed, strict=False)
        ],
    )
    return paper.answer(NAME, inputs, results)


def _agreed(paper: Paper, inputs: CommissionInput) -> tuple[list[BracketResult], Decimal]:
    """The sum that was agreed, and what each bracket comes to."""
    if inputs.fixed is not None:
        paper.step(Text("约定的固定金额", "A fixed sum was agreed"), inputs.fixed)
        return [], inputs.fixed
    if inputs.percent is not None:
        agreed = part(inputs.amount, inputs.percent)
        says = f"{yuan(inputs.amount)} × {percent(inputs.percent)}"
        paper.step(Text(says, says), agreed)
        return [], agreed
    found = []
    begins = _NOTHING
    for one in inputs.brackets:
        ends = inputs.amount if one.up_to is None else min(one.up_to, inputs.amount)
        within = max(ends - begins, _NOTHING)
        found.append(
            BracketResult(amount=within, percent=one.percent, commission=part(within, one.percent))
        )
        if within:
            says = f"{yuan(within)} × {percent(one.percent)}"
            paper.step(Text(says, says), found[-1].commission)
        begins = max(begins, ends)
    return found, sum((one.commission for one in found), _NOTHING)


def _taxed(inputs: CommissionInput, agreed: Decimal) -> tuple[Decimal, Decimal]:
    """Net and tax of one's part. Where no rate was told, nothing is taken out."""
    rate = inputs.vat_percent
    if rate is None:
        return agreed, _NOTHING
    if not inputs.vat_included:
        return agreed, part(agreed, rate)
    net = (agreed * HUNDRED / (HUNDRED + rate)).quantize(CENT, ROUND_HALF_UP)
    return net, agreed - net
