"""The income tax of a resident firm that transfers technology (技术转让所得税收优惠)."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from kechuangtong.calculators.calculation import (
    Balance,
    Calculation,
    Paper,
    Percent,
    percent,
    yuan,
)
from kechuangtong.calculators.errors import NoRuleThen
from kechuangtong.core.language import Text
from kechuangtong.core.money import part
from kechuangtong.core.schemas import Input, Line, Yuan, YuanSum
from kechuangtong.policies import transfer_taxes

NAME: Final = "transfer-tax-relief"
_NOTHING: Final = Decimal("0.00")

_VAT = Text(
    "技术转让、技术开发及同一发票上的相关咨询、服务，合同经认定后可免征增值税。",
    "Transfer, development and consulting or services on the same invoice are exempt of VAT once "
    "the contract is recognized.",
)
_PARTLY = Text(
    "非独占许可自 {since} 起才纳入；这里计入了全年的所得，请只填其后的部分。",
    "Non-exclusive licences count since {since}; the whole year is counted here: give what came "
    "after it alone.",
)


class TransferKind(StrEnum):
    """What is transferred."""

    OWNERSHIP = "ownership"  # 所有权转让
    EXCLUSIVE_LICENCE = "exclusive_licence"  # 全球独占许可使用权
    NON_EXCLUSIVE_LICENCE = "non_exclusive_licence"  # 非独占许可使用权


class Subject(StrEnum):
    """Technology that the relief is for; anything else is `other`."""

    PATENT = "patent"  # 专利
    SOFTWARE = "software"  # 计算机软件著作权
    LAYOUT = "layout"  # 集成电路布图设计权
    PLANT_VARIETY = "plant_variety"  # 植物新品种
    BIOMEDICINE = "biomedicine"  # 生物医药新品种
    OTHER = "other"  # 其他


class Transfer(Input):
    """One transfer of the year."""

    name: Line | None = None
    kind: Annotated[TransferKind, Field(description="What is transferred (转让方式)")]
    subject: Annotated[Subject, Field(description="Of what kind it is (技术类别)")] = Subject.PATENT
    licence_years: Annotated[
        int | None, Field(ge=0, le=100, description="How long a licence is (许可年限)")
    ] = None
    related: Annotated[
        bool,
        Field(description="To whom holds 100%, or is held, directly or not (100% 关联方)"),
    ] = False
    income: Annotated[Yuan, Field(description="收入, in yuan")]
    costs: Annotated[
        Yuan, Field(description="Costs, taxes and the share of expenses (成本、税费、分摊费用)")
    ] = _NOTHING


class TransferTaxInput(Input):
    """The transfers of a firm in a year."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "year": 2025,
                "transfers": [
                    {"kind": "ownership", "income": "6800000.00", "costs": "800000.00"},
                    {
                        "kind": "non_exclusive_licence",
                        "licence_years": 5,
                        "income": "1500000.00",
                        "costs": "300000.00",
                    },
                ],
            }
        }
    )

    year: Annotated[int, Field(ge=2008, le=2100, description="纳税年度")]
    transfers: Annotated[list[Transfer], Field(min_length=1, max_length=50)]
    tax_percent: Annotated[Percent, Field(description="The firm's rate (所得税税率)")] = Decimal(25)


class TransferResult(BaseModel):
    """Whether one transfer counts."""

    name: str | None
    income: Balance = Field(description="What is left of it after costs (所得)")
    eligible: bool
    reason: str | None = Field(description="Why it does not count")


class TransferTaxResult(BaseModel):
    """`eligible_income` is `exempt`, `halved_untaxed` and `halved_taxable` together."""

    transfers: list[TransferResult]
    eligible_income: YuanSum = Field(description="Income that the relief is for (符合条件的所得)")
    other_income: YuanSum = Field(description="Income without it (不符合条件的所得)")
    exempt: YuanSum = Field(description="免税所得")
    halved_untaxed: YuanSum = Field(description="Of what is above, not taxed (减半免征部分)")
    halved_taxable: YuanSum = Field(description="Of what is above, taxed (减半应税部分)")
    taxable: YuanSum = Field(description="Taxable in all (应税所得合计)")
    tax: YuanSum = Field(description="应纳税额")
    tax_without: YuanSum = Field(description="Tax without the relief (不享受优惠的税额)")
    saving: YuanSum = Field(description="节税额")


def calculate(inputs: TransferTaxInput) -> Calculation[TransferTaxInput, TransferTaxResult]:
    """The year's tax with the relief, and what it saves. Raises NoRuleThen."""
    last_day = date(inputs.year, 12, 31)
    relief = transfer_taxes.relief(last_day)
    if relief is None:
        raise NoRuleThen(loc=("body", "year"))
    paper = Paper()
    paper.by(relief.rule)
    found = [_judge(paper, one, relief, last_day) for one in inputs.transfers]
    eligible = max(sum((one.income for one in found if one.eligible), _NOTHING), _NOTHING)
    other = max(sum((one.income for one in found if not one.eligible), _NOTHING), _NOTHING)
    exempt = min(eligible, relief.exempt_up_to.quantize(_NOTHING))
    above = eligible - exempt
    halved = part(above, relief.taxed_percent)
    paper.step(Text("符合条件的技术转让所得", "Income that the relief is for"), eligible)
    paper.step(
        Text(
            f"其中不超过 {yuan(relief.exempt_up_to)} 元的部分免税",
            f"Of it up to {yuan(relief.exempt_up_to)} is exempt",
        ),
        exempt,
    )
    paper.step(
        Text(
            f"超过部分 {yuan(above)} 按 {percent(relief.taxed_percent)} 计税",
            f"Of the {yuan(above)} above it {percent(relief.taxed_percent)} is taxed",
        ),
        halved,
    )
    taxable = halved + other
    tax = part(taxable, inputs.tax_percent)
    without = part(eligible + other, inputs.tax_percent)
    paper.step(
        Text(
            f"应纳税额 = {yuan(taxable)} × {percent(inputs.tax_percent)}",
            f"Tax = {yuan(taxable)} × {percent(inputs.tax_percent)}",
        ),
        tax,
    )
    vat = transfer_taxes.vat_exemption(last_day)
    if vat is not None:
        paper.by(vat)
        paper.warn("vat", _VAT)
    results = TransferTaxResult(
        transfers=found,
        eligible_income=eligible,
        other_income=other,
        exempt=exempt,
        halved_untaxed=above - halved,
        halved_taxable=halved,
        taxable=taxable,
        tax=tax,
        tax_without=without,
        saving=without - tax,
    )
    return paper.answer(NAME, inputs, results)


def _judge(
    paper: Paper, one: Transfer, relief: transfer_taxes.Relief, last_day: date
) -> TransferResult:
    """Whether a transfer counts, and why not."""
    reason = _against(paper, one, relief, last_day)
    return TransferResult(
        name=one.name,
        income=one.income - one.costs,
        eligible=reason is None,
        reason=None if reason is None else str(reason),
    )


def _against(
    paper: Paper, one: Transfer, relief: transfer_taxes.Relief, last_day: date
) -> Text | None:
    if one.related:
        return Text(
            "与直接或间接持股之和达到 100% 的关联方之间的转让不享受",
            "between parties of which one holds all of the other it does not count",
        )
    if one.subject is Subject.OTHER:
        return Text("不属于规定的技术类别", "it is not technology that the relief is for")
    if one.kind is TransferKind.OWNERSHIP:
        return None
    if one.kind is TransferKind.NON_EXCLUSIVE_LICENCE:
        rule = transfer_taxes.non_exclusive(last_day)
        if rule is None:
            return Text("当年非独占许可不纳入", "non-exclusive licences did not count in that year")
        paper.by(rule)
        if rule.in_force_from.year == last_day.year:
            paper.warn("partly_in_force", _PARTLY.format(since=rule.in_force_from))
    if one.licence_years is None or one.licence_years < relief.least_licence_years:
        return Text(
            f"许可年限不足 {relief.least_licence_years} 年或未填",
            f"the licence is shorter than {relief.least_licence_years} years, or its length is "
            "not given",
        )
    return None
