"""How a contract is paid (民法典 846): at once, by instalments, by royalties, or in shares."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final, Literal, Self

from dateutil.relativedelta import relativedelta
from pydantic import Field, PlainSerializer, model_validator

from kechuangtong.core.language import Text
from kechuangtong.core.money import HUNDRED, part, split
from kechuangtong.core.schemas import Input, Line, Yuan
from kechuangtong.lists.schemas import Day

_AMOUNT_OR_PERCENT = Text("每期付款填金额或比例之一", "an instalment has an amount or a percentage")
_WHEN = Text("每期付款须有日期或条件", "a payment has a day or a milestone")
_ALIKE = Text(
    "各期付款或都填金额，或都填比例", "all instalments have amounts, or all have percentages"
)
_PERCENTAGES = Text(
    "各期比例之和须为 100%，现为 {sum}%", "the percentages add up to 100, these to {sum}"
)
_AMOUNTS = Text(
    "各期金额之和须为 {total}，现为 {sum}", "the amounts add up to {total}, these to {sum}"
)
_STEPS = Text(
    "提成比例的变化日期须依次递增，且在提成期间之内",
    "steps of a rate follow each other, within the term",
)
_TERM = Text("提成期间的止日不得早于起日", "a term does not end before it begins")
_ONE_OR_OTHER = Text("股权填比例或股数", "shares are told by their percentage or number")

Percent = Annotated[
    Decimal,
    Field(ge=0, le=100, decimal_places=4),
    PlainSerializer(lambda percent: f"{percent:.4f}", return_type=str, when_used="json"),
]
"""So many of a hundred, to four decimals."""


class Period(StrEnum):
    """How often a royalty is reported and paid."""

    MONTH = "month"  # 按月
    QUARTER = "quarter"  # 按季
    HALF_YEAR = "half_year"  # 按半年
    YEAR = "year"  # 按年


_MONTHS: Final = {Period.MONTH: 1, Period.QUARTER: 3, Period.HALF_YEAR: 6, Period.YEAR: 12}


class When(Input):
    """When a payment is due: on a day, or once a milestone is reached, or both named."""

    due_on: Annotated[Day | None, Field(description="The day on which it is due (付款日)")] = None
    milestone: Annotated[
        Line | None, Field(description="What it depends on, e.g. 验收合格后 (付款条件)")
    ] = None

    @model_validator(mode="after")
    def _is_due_some_time(self) -> Self:
        if self.due_on is None and self.milestone is None:
            raise ValueError(_WHEN)
        return self


class Instalment(When):
    """One of several payments: an amount, or a percentage of the whole."""

    amount: Annotated[Yuan, Field(gt=0)] | None = None
    percent: Annotated[Percent, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if (self.amount is None) == (self.percent is None):
            raise ValueError(_AMOUNT_OR_PERCENT)
        return self


Instalments = Annotated[list[Instalment], Field(min_length=1, max_length=60)]


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment of a plan, numbered from 1."""

    number: int
    due_on: date | None
    milestone: str | None
    amount: Decimal


class RoyaltyStep(Input):
    """Another rate from a day on: the periods that begin then or later have it."""

    from_on: Day
    rate: Percent


@dataclass(frozen=True, slots=True)
class RoyaltyPeriod:
    """A period of a royalty, both days in it, and the rate that holds in it in percent."""

    start: date
    end: date
    rate: Decimal


class Royalty(Input):
    """A part of what the buyer earns (提成), by the period.

    The rate may be fixed, rising or falling (递增、递减). `minimum` is owed for each period at
    least; `cap` is the most that is owed in all.
    """

    base: Annotated[Line, Field(description="What the rate is of, e.g. 净销售额 (提成基数)")]
    rate: Annotated[Percent, Field(gt=0, description="In percent, from the beginning (提成比例)")]
    steps: Annotated[
        list[RoyaltyStep], Field(max_length=30, description="Later rates (比例变化)")
    ] = []
    period: Period = Period.YEAR
    from_on: Day
    until_on: Day
    minimum: Annotated[Yuan | None, Field(description="Of each period (最低提成)")] = None
    cap: Annotated[Yuan | None, Field(description="Of all periods together (提成封顶)")] = None
    due_days: Annotated[
        int, Field(ge=0, le=365, description="Days after the period's end in which it is paid")
    ] = 30

    @model_validator(mode="after")
    def _a_term_with_steps_in_it(self) -> Self:
        if self.until_on < self.from_on:
            raise ValueError(_TERM)
        days = [self.from_on, *(step.from_on for step in self.steps)]
        later = all(one < following for one, following in pairwise(days))
        if not later or days[-1] > self.until_on:
            raise ValueError(_STEPS)
        return self

    def periods(self) -> Iterator[RoyaltyPeriod]:
        """The periods one after the other; the last ends with the term."""
        months = _MONTHS[self.period]
        count = 0
        start = self.from_on
        while start <= self.until_on:
            count += 1
            following = self.from_on + relativedelta(months=months * count)
            rate = self.rate
            for step in self.steps:
                if step.from_on <= start:
                    rate = step.rate
            end = min(following - timedelta(days=1), self.until_on)
            yield RoyaltyPeriod(start, end, rate)
            start = following

    def owed(self, period: RoyaltyPeriod, base_amount: Decimal, before: Decimal) -> Decimal:
        """The royalty of a period in yuan, where those before amount to `before`."""
        amount = max(part(base_amount, period.rate), self.minimum or Decimal(0))
        return amount if self.cap is None else max(min(amount, self.cap - before), Decimal(0))


class LumpSum(When):
    """All of it at once (一次总付)."""

    kind: Literal["lump_sum"]

    def payments(self, total: Decimal) -> list[Payment]:
        return [Payment(1, self.due_on, self.milestone, total)] if total else []


class ByInstalments(Input):
    """All of it in several payments (一次总算、分期支付)."""

    kind: Literal["instalments"]
    instalments: Instalments

    def payments(self, total: Decimal) -> list[Payment]:
        return _parted(self.instalments, total)


class ByRoyalty(Input):
    """A royalty alone (提成支付)."""

    kind: Literal["royalty"]
    royalty: Royalty

    def payments(self, total: Decimal) -> list[Payment]:
        return []


class EntryFeeAndRoyalty(Input):
    """An entry fee, and a royalty beside it (提成支付附加预付入门费)."""

    kind: Literal["entry_fee_and_royalty"]
    entry_fee: Annotated[Yuan, Field(gt=0, description="A part of the total (入门费)")]
    instalments: Annotated[Instalments, Field(description="How the entry fee is paid")]
    royalty: Royalty

    def payments(self, total: Decimal) -> list[Payment]:
        return _parted(self.instalments, self.entry_fee)


class InShares(Input):
    """Shares of a company as the price (作价入股): no money is due."""

    kind: Literal["shares"]
    company: Annotated[Line, Field(description="Of which company (标的公司)")]
    percent: Annotated[Percent, Field(gt=0)] | None = None
    number: Annotated[int, Field(ge=1, le=10**15)] | None = None
    value: Annotated[Yuan, Field(description="What they count as: the total (作价金额)")]

    @model_validator(mode="after")
    def _so_many(self) -> Self:
        if self.percent is None and self.number is None:
            raise ValueError(_ONE_OR_OTHER)
        return self

    def payments(self, total: Decimal) -> list[Payment]:
        return []


PaymentPlan = Annotated[
    LumpSum | ByInstalments | ByRoyalty | EntryFeeAndRoyalty | InShares,
    Field(discriminator="kind"),
]


def royalty_of(plan: PaymentPlan | None) -> Royalty | None:
    """The royalty of a plan that has one."""
    return plan.royalty if isinstance(plan, ByRoyalty | EntryFeeAndRoyalty) else None


def check_instalments(instalments: list[Instalment], total: Decimal) -> None:
    """Raises ValueError where they do not add up to the total, to the cent."""
    percentages = [one.percent for one in instalments if one.percent is not None]
    amounts = [one.amount for one in instalments if one.amount is not None]
    if percentages and amounts:
        raise ValueError(_ALIKE)
    if percentages and (added := sum(percentages, Decimal(0))) != HUNDRED:
        raise ValueError(_PERCENTAGES.format(sum=f"{added:f}"))
    if amounts and (added := sum(amounts, Decimal(0))) != total:
        raise ValueError(_AMOUNTS.format(total=f"{total:.2f}", sum=f"{added:.2f}"))


def _parted(instalments: list[Instalment], total: Decimal) -> list[Payment]:
    weights = [one.percent or one.amount or Decimal(0) for one in instalments]
    return [
        Payment(number, one.due_on, one.milestone, amount)
        for number, (one, amount) in enumerate(
            zip(instalments, split(total, weights), strict=True), 1
        )
        if amount
    ]
