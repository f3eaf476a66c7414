"""By when a registry decides on a technology contract (认定登记期限)."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from kechuangtong.calculators.calculation import REGION_UNKNOWN, Calculation, Day, Paper
from kechuangtong.calculators.errors import NoRuleThen
from kechuangtong.core.language import Text
from kechuangtong.core.schemas import Input, Line, Yuan
from kechuangtong.policies import holidays, registration
from kechuangtong.policies.rules import Rule

NAME: Final = "registration-deadline"

_HOLIDAYS = Text(
    "{years} 年的节假日安排未收录，只按周末和日期固定的节日计算，实际期限可能更晚。",
    "The holidays of {years} are not in the table: weekends and holidays of a fixed date are "
    "counted alone, and the real end may be later.",
)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day of a registry's term, and what it stands on.

    `days` are working days where `working_days`, else calendar days. `cautions` have a code and a
    text each: `unverified`, `region_unknown`, `holidays_unknown`.
    """

    due_on: date
    days: int
    working_days: bool
    rule: Rule
    cautions: tuple[tuple[str, Text], ...]

    def written(self) -> Paper:
        """A sheet with the rule and what to be careful about, in the caller's language."""
        paper = Paper()
        paper.by(self.rule)
        paper.warn_all(self.cautions)
        return paper


def registration_deadline(
    accepted_on: date, amount: Decimal, disputed: bool, region: str | None = None
) -> Deadline:
    """The last day on which a registry decides on a contract that it accepted on a day.

    `amount` is the technology amount (技术交易额) in yuan; `region` begins with the name of the
    province. The day of acceptance does not count, and a last day that is a day of rest moves to
    the next that is worked (民法典 art. 201, 203). Raises NoRuleThen for days before the table's
    first rule.
    """
    term = registration.at(accepted_on, region)
    if term is None:
        raise NoRuleThen(loc=("body", "accepted_on"))
    days = term.days
    is_large = term.large_from is not None and amount >= term.large_from
    if term.large_days is not None and (is_large or disputed):
        days = term.large_days
    if term.working_days:
        due_on = holidays.after_working_days(accepted_on, days)
    else:
        due_on = holidays.at_work(accepted_on + timedelta(days=days))
    cautions = []
    if term.rule.region is None:
        cautions.append(REGION_UNKNOWN)
    unknown = [
        str(year) for year in range(accepted_on.year, due_on.year + 1) if not holidays.known(year)
    ]
    if unknown:
        cautions.append(("holidays_unknown", _HOLIDAYS.format(years=", ".join(unknown))))
    return Deadline(due_on, days, term.working_days, term.rule, tuple(cautions))


class DeadlineInput(Input):
    """A contract that a registry has accepted."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "accepted_on": "2026-11-27",
                "amount": "1200000.00",
                "disputed": False,
                "region": "四川省成都市",
            }
        }
    )

    accepted_on: Annotated[Day, Field(description="When the registry accepted it (受理日期)")]
    amount: Annotated[Yuan, Field(description="Technology amount in yuan (技术交易额)")]
    disputed: Annotated[bool, Field(description="Whether it is disputed (有争议)")] = False
    region: Annotated[Line | None, Field(description="Begins with the province's name (地区)")] = (
        None
    )


class DeadlineResult(BaseModel):
    """The registry's term."""

    due_on: date = Field(description="Its last day (截止日期)")
    days: int = Field(description="How many days (期限天数)")
    working_days: bool = Field(description="Whether they are working days (工作日)")


def calculate(inputs: DeadlineInput) -> Calculation[DeadlineInput, DeadlineResult]:
    """By when the registry decides. Raises NoRuleThen."""
    found = registration_deadline(inputs.accepted_on, inputs.amount, inputs.disputed, inputs.region)
    paper = found.written()
    kind = Text("个工作日", "working days") if found.working_days else Text("日", "calendar days")
    paper.step(
        Text(
            f"适用“{found.rule.title.zh}”：{found.days} {kind.zh}",
            f'By "{found.rule.title.en}": {found.days} {kind.en}',
        )
    )
    paper.step(
        Text(
            f"自受理次日（{inputs.accepted_on} 之后）起算，末日为 {found.due_on}",
            f"Counted from the day after {inputs.accepted_on}; the last is {found.due_on}",
        )
    )
    results = DeadlineResult(due_on=found.due_on, days=found.days, working_days=found.working_days)
    return paper.answer(NAME, inputs, results)
