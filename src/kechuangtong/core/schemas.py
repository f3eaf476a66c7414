"""Shared bases and values of what comes in and what goes out."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Self

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    model_validator,
)

from kechuangtong.core.language import Text
from kechuangtong.core.trade import PriceKind
from kechuangtong.policies import trl

_INSTANT = Text("超出可用的时间范围", "is outside of the range of instants")
NO_NUL = Text("不得含有空字符（NUL）", "must not contain NUL characters")
_EMAIL = Text("不是有效的邮箱地址", "is not a valid e-mail address")
_FIXED = Text("固定价格只填一个数额", "a fixed amount is one amount: low equals high")
_RANGE = Text("区间须有下限或上限，且下限不大于上限", "a range needs low or high, low at most high")
_NO_AMOUNT = Text("此类价格不填数额", "this kind of price has no amount")
_SCALE = Text("没有此等级标准；已有：{scales}", "no such scale; there are: {scales}")
_LEVEL = Text("{scale} 只有 {levels} 级", "{scale} has {levels} levels")


def _without_nul(text: str) -> str:
    if "\x00" in text:  # PostgreSQL text cannot hold it, and no keyboard types it
        raise ValueError(NO_NUL)
    return text


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:  # within its own zone it is a date, in UTC it is none any more
        raise ValueError(_INSTANT) from None


def check_email(text: str) -> str:
    """An address in its one form: what differs in case alone is the same. Raises ValueError."""
    try:
        return validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        raise ValueError(_EMAIL) from None


FreeText = Annotated[str, AfterValidator(_without_nul)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_without_nul)]
ShortLine = Annotated[
    str, StringConstraints(min_length=1, max_length=100), AfterValidator(_without_nul)
]
Passage = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_without_nul)]
Keyword = Annotated[
    str, StringConstraints(min_length=1, max_length=50), AfterValidator(_without_nul)
]
Email = Annotated[
    str, AfterValidator(check_email), Field(max_length=254, json_schema_extra={"format": "email"})
]
Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
YuanSum = Annotated[
    Decimal,
    Field(ge=0, decimal_places=2),
    PlainSerializer(lambda yuan: f"{yuan:.2f}", return_type=str, when_used="json"),
]
"""Several amounts together, of any size."""
Yuan = Annotated[YuanSum, Field(max_digits=14)]


class Input(BaseModel):
    """What a caller sends: unknown fields are refused, texts are trimmed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, from_attributes=True)


class Output(BaseModel):
    """What a caller gets, made from a record."""

    model_config = ConfigDict(from_attributes=True)


class PriceValue(Input):
    """A price or budget in yuan (元), as decimal strings.

    `fixed` has low equal to high (one of them suffices), `range` low or high or both;
    `negotiable` (面议) and `unknown` (未定) have neither.
    """

    kind: PriceKind
    low: Yuan | None = None
    high: Yuan | None = None

    @model_validator(mode="after")
    def _amounts_suit_the_kind(self) -> Self:
        if self.kind is PriceKind.FIXED:
            self.low = self.high if self.low is None else self.low
            self.high = self.low if self.high is None else self.high
            if self.low is None or self.low != self.high:
                raise ValueError(_FIXED)
        elif self.kind is PriceKind.RANGE:
            if self.low is None and self.high is None:
                raise ValueError(_RANGE)
            if self.low is not None and self.high is not None and self.low > self.high:
                raise ValueError(_RANGE)
        elif self.low is not None or self.high is not None:
            raise ValueError(_NO_AMOUNT)
        return self


class Contact(Input):
    """The contact point (联系方式): shown to the organization's own people only."""

    name: Line | None = None
    department: Line | None = None
    phone: Line | None = None
    email: Line | None = None


class TrlValue(Input):
    """A technology readiness level (技术成熟度) on a named scale, and what shows it."""

    scale: Annotated[Line, Field(description="A scale of the policy table (等级标准)")] = Field(
        default_factory=lambda: trl.default().id
    )
    level: Annotated[int, Field(ge=1, strict=True)]
    evidence: Annotated[Line | None, Field(description="What shows the level (依据)")] = None

    @model_validator(mode="after")
    def _the_scale_has_the_level(self) -> Self:
        scale = trl.scales().get(self.scale)
        if scale is None:
            raise ValueError(_SCALE.format(scales=", ".join(trl.scales())))
        if self.level > scale.levels:
            raise ValueError(_LEVEL.format(scale=self.scale, levels=scale.levels))
        return self
