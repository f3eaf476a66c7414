"""Ownership (权属) on the way in and out."""

import hashlib
import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from kechuangtong.calculators.calculation import Caution, RuleRead
from kechuangtong.calculators.calculation import Percent as RulePercent
from kechuangtong.core.language import Text
from kechuangtong.core.schemas import Input, Line, Output, ShortLine, Yuan, YuanSum
from kechuangtong.lists.schemas import Day, OrganizationBrief
from kechuangtong.models.ownership import OwnershipKind
from kechuangtong.sample import ids

_WHOLE: Final = Decimal(100)
_SUM = Text("各单位与完成人的份额合计须为 100", "the shares of units and inventors add up to 100")
_CONTRIBUTIONS = Text("各人的贡献占比合计须为 100", "the contributions add up to 100")
_TWICE = Text("同一单位只能列一次", "a unit is named once")
_NOT_SHARED = Text(
    "只有赋权（shared）的成果，完成人才持有份额", "inventors hold shares where it is `shared` alone"
)
_SHARED = Text("赋权（shared）须有持有份额的完成人", "`shared` needs an inventor with a share")
_USERS = Text("长期使用权须有成果完成人", "a long-term right of use is that of inventors")
_YEARS = Text("长期使用权须填年限，其他情形不填", "`use_years` belongs to a long-term right of use")

Percent = Annotated[
    Decimal,
    Field(ge=0, le=100, max_digits=7, decimal_places=4),
    PlainSerializer(lambda percent: f"{percent:.4f}", return_type=str, when_used="json"),
]


class UnitShare(Input):
    """A unit (单位) and its share of the rights."""

    organization_id: uuid.UUID
    share: Annotated[Percent, Field(description="Percent of the rights (份额)")]


class InventorValue(Input):
    """A person who has a part in the achievement (成果完成人、转化人员)."""

    name: Annotated[ShortLine, Field(description="Name (姓名), never shown to others")]
    share: Annotated[Percent, Field(description="Percent of the rights (份额)")] = Decimal(0)
    contribution: Annotated[
        Percent, Field(description="Percent of the reward (贡献占比); all add up to 100")
    ]
    main: Annotated[bool, Field(description="A main contributor (重要贡献人员)")] = False
    transfer_staff: Annotated[bool, Field(description="Of the transfer staff (转化人员)")] = False


class OwnershipTerms(Input):
    """What an ownership says beside who has a part in it."""

    kind: Annotated[OwnershipKind, Field(description="How the rights are divided (权属类型)")]
    from_on: Annotated[Day, Field(description="The first day on which it holds (生效日期)")]
    use_years: Annotated[
        int | None,
        Field(ge=1, le=100, strict=True, description="Years of a long-term right of use (年限)"),
    ] = None


class OwnershipPut(OwnershipTerms):
    """A new version of an achievement's ownership; those before it are kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "kind": "shared",
                "from_on": "2026-09-01",
                "units": [{"organization_id": ids.ORGANIZATION, "share": "30"}],
                "inventors": [
                    {"name": "罗知远", "share": "42", "contribution": "60", "main": True},
                    {"name": "方宁", "share": "28", "contribution": "35"},
                    {"name": "贺书", "contribution": "5", "transfer_staff": True},
                ],
                "agreement": "锦江理工赋权〔2026〕7 号协议",
                "agreed_on": "2026-08-20",
            }
        }
    )

    units: Annotated[list[UnitShare], Field(max_length=20, description="Units (单位份额)")]
    inventors: Annotated[
        list[InventorValue], Field(max_length=100, description="Inventors (成果完成人)")
    ] = []
    agreement: Annotated[Line | None, Field(description="The agreement (协议名称、文号)")] = None
    agreed_on: Annotated[Day | None, Field(description="Its date (协议日期)")] = None
    attachment_id: Annotated[
        uuid.UUID | None, Field(description="An attachment of the achievement that holds it")
    ] = None

    @model_validator(mode="after")
    def _all_agree(self) -> Self:
        of_inventors = sum((one.share for one in self.inventors), Decimal(0))
        if len({one.organization_id for one in self.units}) < len(self.units):
            raise ValueError(_TWICE)
        if sum((one.share for one in self.units), of_inventors) != _WHOLE:
            raise ValueError(_SUM)
        if self.inventors and sum(one.contribution for one in self.inventors) != _WHOLE:
            raise ValueError(_CONTRIBUTIONS)
        if of_inventors and self.kind is not OwnershipKind.SHARED:
            raise ValueError(_NOT_SHARED)
        if not of_inventors and self.kind is OwnershipKind.SHARED:
            raise ValueError(_SHARED)
        if (self.use_years is not None) != (self.kind is OwnershipKind.LONG_TERM_USE):
            raise ValueError(_YEARS)
        if self.kind is OwnershipKind.LONG_TERM_USE and not self.inventors:
            raise ValueError(_USERS)
        return self


class UnitRead(Output):
    """A unit and its share."""

    organization: OrganizationBrief
    share: Percent


class InventorRead(Output):
    """A person with what it has a part in."""

    name: str
    share: Percent
    contribution: Percent
    main: bool
    transfer_staff: bool


class OwnershipRead(BaseModel):
    """An ownership. Persons, the agreement and its file are shown to the achievement's own
    organization alone, and to auditors; others see how many persons there are and their share."""

    achievement_id: uuid.UUID
    version: Annotated[int, Field(description="Counts from 1; none is ever changed (版本)")]
    kind: OwnershipKind
    from_on: date
    use_years: int | None
    units: list[UnitRead]
    inventors_count: Annotated[int, Field(description="How many persons (完成人数)")]
    inventors_share: Annotated[Percent, Field(description="What they hold together (份额合计)")]
    inventors: Annotated[list[InventorRead] | None, Field(description="Null for others")]
    agreement: str | None
    agreed_on: date | None
    attachment_id: uuid.UUID | None
    created_at: datetime

    @property
    def tag(self) -> str:
        """It is not shown alike to all, so the version alone is not enough."""
        shown = hashlib.sha256(self.model_dump_json().encode()).hexdigest()
        return f"{self.version}-{shown[:16]}"


class OwnershipQuery(Input):
    """On which day."""

    on: Annotated[Day | None, Field(description="On this day (某日); today without it")] = None


class RewardQuery(OwnershipQuery):
    """What is to be divided."""

    amount: Annotated[
        Yuan,
        Field(
            description="Yuan to divide among the persons (奖励总额)",
            json_schema_extra={"example": "700000.00"},
        ),
    ]


class RewardPart(BaseModel):
    """What one person gets."""

    name: str
    contribution: Percent
    main: bool
    transfer_staff: bool
    amount: Yuan


class FloorRead(Output):
    """The least that those get together who made it, in percent: of net income, of shares, and of
    each of the first years' operating profits (奖励最低标准)."""

    income_percent: RulePercent
    shares_percent: RulePercent
    profit_percent: RulePercent
    least_years: int
    most_years: int


class RewardRead(BaseModel):
    """A reward divided by contribution: the parts add up to the amount, to the cent.

    `main` and `transfer_staff` are what main contributors and transfer staff get together, on
    which some places have rules.
    """

    achievement_id: uuid.UUID
    ownership_version: int
    amount: Yuan
    main: YuanSum
    transfer_staff: YuanSum
    parts: list[RewardPart]
    floor: Annotated[
        FloorRead | None, Field(description="Of the owner's region on the day, else the country's")
    ]
    rules: Annotated[
        list[RuleRead], Field(description="Of the floor, and of who gets what part (依据)")
    ]
    warnings: Annotated[list[Caution], Field(description="What to be careful about (提示)")]
