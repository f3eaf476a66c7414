"""What a firm deducts beyond its R&D expenses of a year (研发费用加计扣除)."""

from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from kechuangtong.calculators.calculation import (
    Calculation,
    Paper,
    Percent,
    percent,
    yuan,
)
from kechuangtong.calculators.errors import NoRuleThen
from kechuangtong.core.language import Text
from kechuangtong.core.money import CENT, HUNDRED, part
from kechuangtong.core.schemas import Input, Yuan, YuanSum
from kechuangtong.policies import research

NAME: Final = "rd-deduction"
_NOTHING: Final = Decimal("0.00")

_EXCLUDED = Text("该行业不适用加计扣除。", "Firms of this trade are left out.")
_BY_MONTHS = Text(
    "当年比例有变化，按月份平均为 {percent}；按实际发生数计算可能不同。",
    "The rate changed within the year; by months it is {percent}. By what was really spent in each "
    "part it may differ.",
)
_NO_SCOPE = Text(
    "没有收录 {year} 年其他相关费用和委托研发的规定，这两项未计入。",
    "The rules of {year} for other related and commissioned expenses are not in the table; neither "
    "is counted.",
)
_OVER_LIMIT = Text(
    "其他相关费用超过限额，只计入 {limit}。",
    "Other related expenses are over their limit; {limit} of them count.",
)


class FirmKind(StrEnum):
    """What a firm is; the last six are trades that are left out."""

    GENERAL = "general"  # 一般企业
    MANUFACTURING = "manufacturing"  # 制造业
    TECHNOLOGY_SME = "technology_sme"  # 科技型中小企业
    INTEGRATED_CIRCUITS = "integrated_circuits"  # 集成电路
    MACHINE_TOOLS = "machine_tools"  # 工业母机
    TOBACCO = "tobacco"  # 烟草制造业
    ACCOMMODATION_CATERING = "accommodation_catering"  # 住宿和餐饮业
    WHOLESALE_RETAIL = "wholesale_retail"  # 批发和零售业
    REAL_ESTATE = "real_estate"  # 房地产业
    LEASING_BUSINESS_SERVICES = "leasing_business_services"  # 租赁和商务服务业
    ENTERTAINMENT = "entertainment"  # 娱乐业


class ResearchInput(Input):
    """A firm's R&D of a year."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "year": 2025,
                "kind": "manufacturing",
                "own_expenses": "2700000.00",
                "other_expenses": "400000.00",
                "commissioned": "500000.00",
                "amortization": "200000.00",
            }
        }
    )

    year: Annotated[int, Field(ge=2008, le=2100, description="纳税年度")]
    kind: Annotated[FirmKind, Field(description="What the firm is (企业类型)")] = FirmKind.GENERAL
    own_expenses: Annotated[
        Yuan,
        Field(
            description="People, direct inputs, depreciation, amortization, design and trials, "
            "expensed (人员人工、直接投入、折旧、摊销、设计试验费)"
        ),
    ] = _NOTHING
    other_expenses: Annotated[Yuan, Field(description="Other related expenses (其他相关费用)")] = (
        _NOTHING
    )
    commissioned: Annotated[
        Yuan, Field(description="Commissioned in China, as spent (委托境内研发费用)")
    ] = _NOTHING
    amortization: Annotated[
        Yuan,
        Field(description="The year's of intangible assets that R&D made (无形资产当年摊销额)"),
    ] = _NOTHING
    tax_percent: Annotated[Percent, Field(description="The firm's rate (所得税税率)")] = Decimal(25)


class ResearchResult(BaseModel):
    """`extra` is deducted beyond what was spent: of the expenses, and of the amortization."""

    percent: Annotated[
        Decimal,
        PlainSerializer(lambda rate: f"{rate.normalize():f}", return_type=str, when_used="json"),
        Field(description="加计扣除比例, in percent"),
    ]
    counted_other: YuanSum = Field(description="计入的其他相关费用")
    counted_commissioned: YuanSum = Field(description="计入的委托研发费用")
    base: YuanSum = Field(description="Expenses that count (可加计扣除的费用)")
    extra_expenses: YuanSum = Field(description="费用加计扣除额")
    extra_amortization: YuanSum = Field(description="无形资产加计摊销额")
    extra: YuanSum = Field(description="加计扣除合计")
    saving: YuanSum = Field(description="Tax that it saves (节税额)")


def calculate(inputs: ResearchInput) -> Calculation[ResearchInput, ResearchResult]:
    """What is deducted beyond the expenses, and the tax that it saves. Raises NoRuleThen."""
    paper = Paper()
    scope = research.scope(date(inputs.year, 12, 31))
    other = commissioned = _NOTHING
    excluded = False
    if scope is not None:
        paper.by(scope.rule)
        excluded = inputs.kind in scope.excluded_trades
        limit = _limit(inputs.own_expenses, scope.other_percent)
        other = min(inputs.other_expenses, limit)
        if inputs.other_expenses > limit:
            paper.warn("other_over_limit", _OVER_LIMIT.format(limit=yuan(limit)))
        paper.step(
            Text(
                f"其他相关费用限额 = {yuan(inputs.own_expenses)} × {percent(scope.other_percent)} "
                f"÷ (1 − {percent(scope.other_percent)}) = {yuan(limit)}，计入",
                f"Limit of other related expenses = {yuan(inputs.own_expenses)} × "
                f"{percent(scope.other_percent)} ÷ (1 − {percent(scope.other_percent)}) = "
                f"{yuan(limit)}; counted",
            ),
            other,
        )
        commissioned = part(inputs.commissioned, scope.commissioned_percent)
        paper.step(
            Text(
                f"委托研发按 {percent(scope.commissioned_percent)} 计入",
                f"Commissioned R&D counts at {percent(scope.commissioned_percent)}",
            ),
            commissioned,
        )
    elif inputs.other_expenses or inputs.commissioned:
        paper.warn("scope_unknown", _NO_SCOPE.format(year=inputs.year))
    if excluded:
        paper.warn("excluded_trade", _EXCLUDED)
    rate = Decimal(0) if excluded else _rate(paper, inputs)
    base = inputs.own_expenses + other + commissioned
    extra_expenses, extra_amortization = part(base, rate), part(inputs.amortization, rate)
    extra = extra_expenses + extra_amortization
    paper.step(
        Text(
            f"费用加计扣除 = {yuan(base)} × {percent(rate)}",
            f"Extra of expenses = {yuan(base)} × {percent(rate)}",
        ),
        extra_expenses,
    )
    if inputs.amortization:
        paper.step(
            Text(
                f"无形资产按 {percent(HUNDRED + rate)} 摊销，加计 {yuan(inputs.amortization)} × "
                f"{percent(rate)}",
                f"Intangible assets are amortized at {percent(HUNDRED + rate)}: extra "
                f"{yuan(inputs.amortization)} × {percent(rate)}",
            ),
            extra_amortization,
        )
    saving = part(extra, inputs.tax_percent)
    paper.step(
        Text(
            f"节税额 = {yuan(extra)} × {percent(inputs.tax_percent)}（应纳税所得足够时）",
            f"Saves {yuan(extra)} × {percent(inputs.tax_percent)} where there is enough income",
        ),
        saving,
    )
    results = ResearchResult(
        percent=rate,
        counted_other=other,
        counted_commissioned=commissioned,
        base=base,
        extra_expenses=extra_expenses,
        extra_amortization=extra_amortization,
        extra=extra,
        saving=saving,
    )
    return paper.answer(NAME, inputs, results)


def _limit(own: Decimal, other_percent: Decimal) -> Decimal:
    """The most of other expenses, so that they are that percentage of all with themselves."""
    return (own * other_percent / (HUNDRED - other_percent)).quantize(CENT, ROUND_DOWN)


def _rate(paper: Paper, inputs: ResearchInput) -> Decimal:
    """The year's percentage: the mean of its months, for rates have changed within a year."""
    months = []
    for month in range(1, 13):
        found = research.rate(date(inputs.year, month, 1), inputs.kind)
        if found is None:
            raise NoRuleThen(loc=("body", "year"))
        paper.by(found.rule)
        months.append(found.percent)
    rate = (sum(months, Decimal()) / len(months)).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    if len(set(months)) > 1:
        paper.warn("rate_changed", _BY_MONTHS.format(percent=percent(rate)))
    return rate
