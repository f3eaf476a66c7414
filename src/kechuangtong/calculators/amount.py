"""The technology amount of a contract (技术交易额): what of the total is for technology."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from kechuangtong.calculators.calculation import Calculation, Dated, Paper, yuan
from kechuangtong.calculators.errors import DeductionsAboveTotal, NoRuleThen
from kechuangtong.core.clock import today
from kechuangtong.core.language import Text
from kechuangtong.core.schemas import Input, Line, Yuan, YuanSum
from kechuangtong.policies.rules import in_force, read

NAME: Final = "transaction-amount"

_KEPT = Text(
    "“{names}”是合理数量标的物的直接成本，不扣除；超出合理数量的部分请另列为原材料或设备。",
    '"{names}" are direct costs of a reasonable quantity of the deliverable and are not deducted; '
    "what goes beyond it belongs to materials or equipment.",
)


class DeductionKind(StrEnum):
    """What money that is not for technology is for."""

    EQUIPMENT = "equipment"  # 设备
    INSTRUMENTS = "instruments"  # 仪器
    PARTS = "parts"  # 零部件
    MATERIALS = "materials"  # 原材料
    OTHER = "other"  # 其他非技术性费用
    DELIVERABLE = "deliverable"  # 合理数量标的物的直接成本: stays in


class Deduction(Input):
    """A cost that is in the total."""

    kind: DeductionKind
    amount: Yuan
    name: Line | None = None


class AmountInput(Dated):
    """A contract's total, and what of it is not for technology."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "total": "3000000.00",
                "deductions": [
                    {"kind": "equipment", "amount": "800000.00", "name": "发酵罐"},
                    {"kind": "deliverable", "amount": "150000.00", "name": "样机一套"},
                ],
            }
        }
    )

    total: Annotated[Yuan, Field(description="成交额: the contract's total in yuan")]
    deductions: Annotated[
        list[Deduction], Field(max_length=50, description="Costs in it (非技术性费用)")
    ] = []


class AmountResult(BaseModel):
    """The total in its two parts."""

    total: YuanSum
    deducted: YuanSum = Field(description="Not for technology (扣除额)")
    kept: YuanSum = Field(description="Cost of the deliverable, which stays in (不扣除的直接成本)")
    amount: YuanSum = Field(description="技术交易额: the total without what is deducted")


def _sum(deductions: Iterable[Deduction]) -> Decimal:
    return sum((one.amount for one in deductions), Decimal("0.00"))


def calculate(inputs: AmountInput) -> Calculation[AmountInput, AmountResult]:
    """The technology amount, from nothing to the total. Raises DeductionsAboveTotal where more is
    deducted than there is, and NoRuleThen."""
    rule = in_force(read("transaction_amounts"), inputs.on or today())
    if rule is None:
        raise NoRuleThen(loc=("body", "on"))
    paper = Paper()
    paper.by(rule)
    kept = [one for one in inputs.deductions if one.kind is DeductionKind.DELIVERABLE]
    deducted = _sum(one for one in inputs.deductions if one.kind is not DeductionKind.DELIVERABLE)
    # What stays in is a part of the total, too.
    if deducted + _sum(kept) > inputs.total:
        raise DeductionsAboveTotal
    paper.step(Text("合同总额（成交额）", "The contract's total"), inputs.total)
    paper.step(
        Text(
            "设备、仪器、零部件、原材料及其他非技术性费用合计",
            "Equipment, instruments, parts, materials and other costs that are not for technology",
        ),
        deducted,
    )
    if kept:
        names = "、".join(one.name or yuan(one.amount) for one in kept)
        paper.warn("deliverable_not_deducted", _KEPT.format(names=names))
    amount = inputs.total - deducted
    paper.step(
        Text(
            f"技术交易额 = {yuan(inputs.total)} − {yuan(deducted)}",
            f"Technology amount = {yuan(inputs.total)} − {yuan(deducted)}",
        ),
        amount,
    )
    results = AmountResult(total=inputs.total, deducted=deducted, kept=_sum(kept), amount=amount)
    return paper.answer(NAME, inputs, results)
