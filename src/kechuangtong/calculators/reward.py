"""What those get who made what a unit transfers (职务科技成果转化奖励)."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kechuangtong.calculators.calculation import (
    REGION_UNKNOWN,
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
from kechuangtong.core.money import part, split
from kechuangtong.core.schemas import Input, Line, Yuan, YuanSum
from kechuangtong.policies import rewards

NAME: Final = "reward"
_NOTHING: Final = Decimal("0.00")

_FIELDS: Final = {
    "income": Text("转让或许可收入（income）", "income"),
    "costs": Text("直接成本（costs）", "costs"),
    "shares_value": Text("股权价值（shares_value）", "shares_value"),
    "profits": Text("各年营业利润（profits）", "profits"),
}
_NEEDED = Text("此转化方式须填{field}", "this way needs {field}")
_NOT_NEEDED = Text("此转化方式不填{field}", "this way has no {field}")
_NO_SHARES = Text("份额之和须大于 0", "the shares together must be above 0")
_BELOW_FLOOR = Text(
    "国家设立的研究开发机构、高等院校的规定或约定不得低于最低标准（第四十五条）：按 {floor} 计算，"
    "不按 {agreed}。",
    "Rules and agreements of institutes and universities set up by the state may not fall below "
    "the floor (art. 45): {floor} is taken, not {agreed}.",
)
_BELOW_AGREED = Text(
    "规定或约定的 {agreed} 低于无约定时的 {floor}；有规定或约定的从其规定或约定（第四十四条）。",
    "The rule or agreement, {agreed}, is below the {floor} that holds without one; it goes before "
    "(art. 44).",
)
_NO_NET_INCOME = Text(
    "成本不小于收入，没有净收入。", "The costs are no less than the income: nothing is left."
)
_FEWER_YEARS = Text(
    "只填了 {given} 年；自投产起应连续提取至少 {least} 年。",
    "Years given: {given}; it is taken for at least {least} years from the start of production.",
)
_YEARS_BEYOND = Text(
    "规定只及前 {most} 年，其后的利润未计入。",
    "The rule goes as far as {most} years; later profits are not counted.",
)
_MAIN_BELOW = Text(
    "主要贡献人员的份额低于奖励总额的 {least}。",
    "Main contributors get less than {least} of the award.",
)
_OFFICE_BELOW = Text(
    "转化工作人员的份额低于奖励总额的 {least}。",
    "The people who brought the transfer about get less than {least} of the award.",
)
_TAX_CONDITIONS = Text(
    "现金奖励减半计入工资薪金所得须符合条件：非营利单位、三年内发放、合同经认定登记。",
    "Half of the cash counts as wages where the unit is non-profit, pays within three years and "
    "has registered the contract.",
)


def _about(text: Text, field: str) -> Text:
    name = _FIELDS[field]
    return Text(text.zh.format(field=name.zh), text.en.format(field=name.en))


class RewardWay(StrEnum):
    """How the achievement is transferred (转化法 art. 16)."""

    TRANSFER = "transfer"  # 转让
    LICENCE = "licence"  # 许可
    SHARES = "shares"  # 作价投资
    OWN_USE = "own_use"  # 自行实施或合作实施


class Owner(StrEnum):
    """Whose achievement it is."""

    STATE = "state"  # 国家设立的研究开发机构、高等院校
    OTHER = "other"  # 企业和其他单位


class ContributorRole(StrEnum):
    """What someone did."""

    MAIN = "main"  # 主要贡献人员
    OFFICE = "office"  # 转化工作人员
    OTHER = "other"  # 其他人员


class Contributor(Input):
    """Someone who gets a part of the award."""

    name: Line
    role: ContributorRole = ContributorRole.MAIN
    share: Annotated[
        Decimal,
        Field(ge=0, max_digits=9, decimal_places=4, description="In relation to the others (份额)"),
    ]


class RewardInput(Dated):
    """What a transfer brought, and who gets of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "way": "licence",
                "region": "四川省成都市",
                "income": "1000000.00",
                "costs": "120000.00",
                "agreed_percent": "70",
                "contributors": [
                    {"name": "负责人", "role": "main", "share": "60"},
                    {"name": "骨干", "role": "main", "share": "35"},
                    {"name": "技术转移办公室", "role": "office", "share": "5"},
                ],
            }
        }
    )

    way: Annotated[RewardWay, Field(description="How it is transferred (转化方式)")]
    region: Annotated[Line | None, Field(description="Begins with the province's name (地区)")] = (
        None
    )
    owner: Annotated[Owner, Field(description="Whose it is (完成单位)")] = Owner.STATE
    income: Annotated[
        Yuan | None, Field(description="Of a transfer or licence, in yuan (转让或许可收入)")
    ] = None
    costs: Annotated[Yuan | None, Field(description="Direct costs of the deal (直接成本)")] = None
    shares_value: Annotated[
        Yuan | None, Field(description="What the shares are worth, in yuan (股权作价)")
    ] = None
    profits: Annotated[
        list[Yuan],
        Field(
            max_length=20,
            description="Of own use: operating profit of each year from the start of production; "
            "0 for a loss (各年营业利润)",
        ),
    ] = []
    agreed_percent: Annotated[
        Percent | None,
        Field(description="By the unit's rule or an agreement (单位规定或约定的比例)"),
    ] = None
    contributors: Annotated[
        list[Contributor], Field(max_length=50, description="Who shares it (奖励对象)")
    ] = []

    @model_validator(mode="after")
    def _what_the_way_has(self) -> Self:
        deal = self.way in (RewardWay.TRANSFER, RewardWay.LICENCE)
        given = {
            "income": (self.income is not None, deal),
            "shares_value": (self.shares_value is not None, self.way is RewardWay.SHARES),
            "profits": (bool(self.profits), self.way is RewardWay.OWN_USE),
        }
        for field, (is_given, is_needed) in given.items():
            if is_given != is_needed:
                raise ValueError(_about(_NEEDED if is_needed else _NOT_NEEDED, field))
        if self.costs is not None and not deal:
            raise ValueError(_about(_NOT_NEEDED, "costs"))
        if self.contributors and not sum(one.share for one in self.contributors):
            raise ValueError(_NO_SHARES)
        return self


class ContributorResult(BaseModel):
    """What one gets."""

    name: str
    role: ContributorRole
    amount: YuanSum
    taxable: YuanSum | None = Field(description="Of it counts as wages (计入工资薪金所得)")


class RewardResult(BaseModel):
    """The award, and who gets what; `base` is `award` and `remaining`."""

    base: YuanSum = Field(description="Net income, worth of the shares, or profits (基数)")
    floor_percent: Percent = Field(description="The least that the rule asks for (最低比例)")
    percent: Percent = Field(description="What was taken (采用比例)")
    award: YuanSum = Field(description="奖励总额")
    remaining: YuanSum = Field(description="What the unit keeps (单位留存)")
    taxable: YuanSum | None = Field(
        description="Of a cash award counts as wages; null where the rule does not hold"
    )
    contributors: list[ContributorResult]


def calculate(inputs: RewardInput) -> Calculation[RewardInput, RewardResult]:
    """The award of a transfer, split to the cent. Raises NoRuleThen."""
    on = inputs.on or today()
    floor = rewards.floor(on, inputs.region)
    if floor is None:
        raise NoRuleThen(loc=("body", "on"))
    paper = Paper()
    paper.by(floor.rule)
    if floor.rule.region is None:
        paper.warn(*REGION_UNKNOWN)
    least, bases = _bases(paper, inputs, floor)
    taken = _taken(paper, inputs, least)
    base = sum(bases, _NOTHING)
    award = sum((part(one, taken) for one in bases), _NOTHING)
    paper.step(
        Text(
            f"奖励 = {yuan(base)} × {percent(taken)}" + ("（逐年计算）" if len(bases) > 1 else ""),
            f"Award = {yuan(base)} × {percent(taken)}"
            + (" (year by year)" if len(bases) > 1 else ""),
        ),
        award,
    )
    shared = _shared(paper, inputs, award, on)
    taxable = _taxed(paper, inputs, award, shared, on)
    results = RewardResult(
        base=base,
        floor_percent=least,
        percent=taken,
        award=award,
        remaining=base - award,
        taxable=taxable,
        contributors=shared,
    )
    return paper.answer(NAME, inputs, results)


def _bases(
    paper: Paper, inputs: RewardInput, floor: rewards.Floor
) -> tuple[Decimal, list[Decimal]]:
    """The rule's percentage for the way, and what it is taken of, year by year where it is."""
    if inputs.way is RewardWay.SHARES:
        assert inputs.shares_value is not None
        paper.step(Text("作价投资形成的股份", "Shares for the achievement"), inputs.shares_value)
        return floor.shares_percent, [inputs.shares_value]
    if inputs.way is RewardWay.OWN_USE:
        years = inputs.profits[: floor.most_years]
        if len(inputs.profits) < floor.least_years:
            values = {"given": len(inputs.profits), "least": floor.least_years}
            paper.warn("fewer_years", _FEWER_YEARS.format(**values))
        if len(inputs.profits) > floor.most_years:
            paper.warn("years_beyond", _YEARS_BEYOND.format(most=floor.most_years))
        paper.step(
            Text(
                f"投产后 {len(years)} 年的营业利润合计",
                f"Operating profits of {len(years)} years together",
            ),
            sum(years, _NOTHING),
        )
        return floor.profit_percent, years
    assert inputs.income is not None
    costs = inputs.costs or _NOTHING
    net = max(inputs.income - costs, _NOTHING)
    if inputs.income <= costs:
        paper.warn("no_net_income", _NO_NET_INCOME)
    paper.step(
        Text(
            f"净收入 = {yuan(inputs.income)} − 直接成本 {yuan(costs)}",
            f"Net income = {yuan(inputs.income)} − direct costs {yuan(costs)}",
        ),
        net,
    )
    return floor.income_percent, [net]


def _taken(paper: Paper, inputs: RewardInput, least: Decimal) -> Decimal:
    """The percentage that holds: of the state's units at least the rule's, of others the agreed."""
    agreed = inputs.agreed_percent
    if agreed is None or agreed >= least:
        return least if agreed is None else agreed
    said = {"floor": percent(least), "agreed": percent(agreed)}
    if inputs.owner is Owner.STATE:
        paper.warn("below_floor", _BELOW_FLOOR.format(**said))
        return least
    paper.warn("below_floor_agreed", _BELOW_AGREED.format(**said))
    return agreed


def divided(
    paper: Paper,
    award: Decimal,
    shares: Sequence[Decimal],
    parts: rewards.Parts | None,
    *,
    main: Decimal,
    office: Decimal,
) -> list[Decimal]:
    """What each gets of an award, to the cent and together all of it.

    `main` and `office` are what main contributors and the transfer office get together, in percent:
    where that is less than the rule's least it is warned of, as `main_below` or `office_below`.
    """
    if parts is not None:
        paper.by(parts.rule)
        if main < parts.main_percent:
            paper.warn("main_below", _MAIN_BELOW.format(least=percent(parts.main_percent)))
        if parts.office_percent is not None and office < parts.office_percent:
            paper.warn("office_below", _OFFICE_BELOW.format(least=percent(parts.office_percent)))
    return split(award, shares)


def _shared(paper: Paper, inputs: RewardInput, award: Decimal, on: date) -> list[ContributorResult]:
    """Who gets what of the award."""
    people = inputs.contributors
    if not people:
        return []
    amounts = divided(
        paper,
        award,
        [one.share for one in people],
        rewards.parts(on, inputs.region),
        main=_share(people, ContributorRole.MAIN),
        office=_share(people, ContributorRole.OFFICE),
    )
    paper.step(
        Text(
            f"按份额分给 {len(people)} 人，各计到分，合计等于奖励总额",
            f"Split among {len(people)} by their shares, to the cent; together it is the award",
        ),
        award,
    )
    return [
        ContributorResult(name=one.name, role=one.role, amount=amount, taxable=None)
        for one, amount in zip(people, amounts, strict=True)
    ]


def _share(people: Sequence[Contributor], role: ContributorRole) -> Decimal:
    """What percentage those of a role get together."""
    whole = sum(one.share for one in people)
    return 100 * sum((one.share for one in people if one.role is role), Decimal()) / whole


def _taxed(
    paper: Paper,
    inputs: RewardInput,
    award: Decimal,
    shared: Sequence[ContributorResult],
    on: date,
) -> Decimal | None:
    """How much of the award counts as wages, noted with each who gets of it."""
    tax = rewards.cash_tax(on)
    in_cash = inputs.way in (RewardWay.TRANSFER, RewardWay.LICENCE)
    if tax is None or not in_cash or inputs.owner is not Owner.STATE:
        return None
    paper.by(tax.rule)
    paper.warn("tax_conditions", _TAX_CONDITIONS)
    for one in shared:
        one.taxable = part(one.amount, tax.counted_percent)
    if shared:
        taxable = sum((one.taxable for one in shared if one.taxable is not None), _NOTHING)
    else:
        taxable = part(award, tax.counted_percent)
    paper.step(
        Text(
            f"现金奖励的 {percent(tax.counted_percent)} 计入工资薪金所得",
            f"{percent(tax.counted_percent)} of the cash counts as wages",
        ),
        taxable,
    )
    return taxable
