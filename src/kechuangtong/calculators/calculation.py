"""What every calculation answers with: what was asked, what came out, how, by which rules, and what
to be careful about."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import BaseModel, Field, PlainSerializer

from kechuangtong.core.language import Text
from kechuangtong.core.schemas import Input
from kechuangtong.policies.rules import Rule

I = TypeVar("I", bound=BaseModel)  # noqa: E741
R = TypeVar("R", bound=BaseModel)

Percent = Annotated[
    Decimal,
    Field(ge=0, le=100, max_digits=7, decimal_places=4, description="In percent (%)"),
    PlainSerializer(lambda percent: f"{percent.normalize():f}", return_type=str, when_used="json"),
]
Balance = Annotated[
    Decimal,
    Field(decimal_places=2),
    PlainSerializer(lambda yuan: f"{yuan:.2f}", return_type=str, when_used="json"),
]
"""A sum in yuan that can lie below zero."""
Day = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2100, 12, 31))]
Year = Annotated[int, Field(ge=1990, le=2100)]

_UNVERIFIED = Text(
    "“{title}”的数额或日期未经核实，请以发布机关的文本为准。",
    'Figures or dates of "{title}" are not verified; ask the body that issued it.',
)
REGION_UNKNOWN: Final = (
    "region_unknown",
    Text(
        "未指明地区，或没有收录该地区的规定：按全国规则计算。",
        "No region is named, or no rule of it is known: the country's is taken.",
    ),
)


class RuleRead(BaseModel):
    """A dated rule and where it is from."""

    id: str
    title: str
    region: str | None = Field(description="The province that it is of; null: the whole country")
    source: str
    in_force_from: date
    in_force_until: date | None
    verified: bool = Field(description="Whether the source gives these figures and dates (已核实)")
    note: str | None
    values: dict[str, Any] = Field(
        description="Its figures: yuan and percentages as decimal strings (规则数值)"
    )

    @classmethod
    def of(cls, rule: Rule) -> "RuleRead":
        """A rule in the caller's language."""
        return cls(
            id=rule.id,
            title=str(rule.title),
            region=rule.region,
            source=rule.source,
            in_force_from=rule.in_force_from,
            in_force_until=rule.in_force_until,
            verified=rule.verified,
            note=None if rule.note is None else str(rule.note),
            values=dict(rule.values),
        )


class Caution(BaseModel):
    """What to be careful about in a result."""

    code: str
    text: str


class Step(BaseModel):
    """One step of the calculation."""

    text: str
    amount: Balance | None = Field(description="What it came to, in yuan")


class Dated(Input):
    """A question to the rules of a day."""

    on: Day | None = Field(
        default=None, description="The day whose rules are asked; null: today (适用日期)"
    )


class Calculation(BaseModel, Generic[I, R]):
    """A result with everything that it stands on."""

    name: str
    inputs: I = Field(description="What was asked, as understood (输入)")
    results: R = Field(description="What came out; parts add up exactly (结果)")
    steps: list[Step] = Field(description="How it came out (计算过程)")
    rules: list[RuleRead] = Field(description="The rules that it stands on (依据)")
    warnings: list[Caution] = Field(description="What to be careful about (提示)")


class Paper:
    """The sheet on which a calculation is written down, in the caller's language."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._rules: dict[str, Rule] = {}
        self._cautions: dict[str, Caution] = {}

    def step(self, text: Text, amount: Decimal | None = None) -> None:
        """Write a step down, and what it came to."""
        self._steps.append(Step(text=str(text), amount=amount))

    def by(self, rule: Rule) -> None:
        """Name a rule; one that is not verified is warned of."""
        if rule.id not in self._rules and not rule.verified:
            text = str(_UNVERIFIED.format(title=rule.title))
            self._cautions[rule.id] = Caution(code="unverified", text=text)
        self._rules[rule.id] = rule

    def warn(self, code: str, text: Text) -> None:
        """Warn of something, once."""
        self._cautions[code] = Caution(code=code, text=str(text))

    def warn_all(self, cautions: Iterable[tuple[str, Text]]) -> None:
        """Warn of several things."""
        for code, text in cautions:
            self.warn(code, text)

    @property
    def rules(self) -> list[RuleRead]:
        """The rules that were named."""
        return [RuleRead.of(rule) for rule in self._rules.values()]

    @property
    def warnings(self) -> list[Caution]:
        """What was warned of."""
        return list(self._cautions.values())

    def answer(self, name: str, inputs: I, results: R) -> Calculation[I, R]:
        """The whole sheet."""
        return Calculation[I, R](
            name=name,
            inputs=inputs,
            results=results,
            steps=self._steps,
            rules=self.rules,
            warnings=self.warnings,
        )


def percent(value: Decimal) -> str:
    """A percentage as texts write it."""
    return f"{value.normalize():f}%"


def yuan(value: Decimal) -> str:
    """An amount as texts write it."""
    return f"{value:,.2f}"
