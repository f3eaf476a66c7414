"""Brokers (技术经纪人) on the way in and out."""

import hashlib
import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic import model_validator as validator

from kechuangtong.brokers.states import Action
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import (
    Contact,
    FreeText,
    Input,
    Line,
    Output,
    Passage,
    ShortLine,
    YuanSum,
)
from kechuangtong.lists.schemas import Day, OrganizationBrief, required_in_create
from kechuangtong.matching.schemas import Reason as SuggestionReason
from kechuangtong.models.broker import BrokerGrade, BrokerState
from kechuangtong.models.deal import DealState
from kechuangtong.sample import ids

_PERIOD = Text("有效期须晚于发证日期", "the certificate is valid until a day after it was issued")
_ONE = Text("请填写单位或说明", "name the organization, or say it in words")

ContactPart = Literal["name", "department", "phone", "email"]
Comment = Annotated[FreeText, StringConstraints(min_length=1, max_length=2_000)]


def _once(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


Lines = Annotated[list[ShortLine], Field(max_length=20), AfterValidator(_once)]


class Certificate(Input):
    """A grade and the certificate that shows it."""

    grade: Annotated[BrokerGrade, Field(description="Grade (等级)")]
    certificate_number: Annotated[ShortLine, Field(description="Its number (证书编号)")]
    issuer: Annotated[Line, Field(description="Who issued it (发证机构)")]
    issued_on: Annotated[Day, Field(description="When (发证日期)")]
    valid_until: Annotated[Day, Field(description="Last day of validity (有效期至)")]

    @validator(mode="after")
    def _valid_for_a_time(self) -> Self:
        if self.valid_until <= self.issued_on:
            raise ValueError(_PERIOD)
        return self


class _Loose(Input):
    fields: Annotated[
        Lines, Field(description="Fields, as those of achievements are written (服务领域)")
    ] = []
    places: Annotated[Lines, Field(description="Service area, e.g. 四川省成都市 (服务地区)")] = []
    introduction: Annotated[Passage | None, Field(description="Introduction (个人简介)")] = None
    contact: Annotated[Contact | None, Field(description="Contact point (联系方式)")] = None
    public: Annotated[
        list[ContactPart],
        Field(max_length=4, description="The parts of the contact that everyone reads"),
    ] = []


_EXAMPLE: dict[str, Any] = {
    "grade": "intermediate",
    "certificate_number": "SC-2026-0417",
    "issuer": "四川省技术转移人才培养基地",
    "issued_on": "2026-04-17",
    "valid_until": "2030-04-16",
}


class BrokerCreate(Certificate, _Loose):
    """A broker: oneself, or a person of the institution that one edits for."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                **_EXAMPLE,
                "user_id": ids.BROKER_APPLICANT,
                "organization_id": ids.ORGANIZATION,
                "name": "岳云舟",
                "fields": ["新材料", "化工"],
                "places": ["四川省"],
                "contact": {"phone": "028-00000000"},
                "public": ["phone"],
            }
        }
    )

    user_id: Annotated[
        uuid.UUID | None, Field(description="The person (用户); without it the caller")
    ] = None
    organization_id: Annotated[uuid.UUID, Field(description="The employing institution (所在机构)")]
    name: Annotated[ShortLine, Field(description="The name that everyone reads (姓名)")]


class BrokerPatch(_Loose):
    """What is to be changed; of a registered broker what was reviewed changes by `renew`."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"fields": ["食品加工", "节能环保"], "places": ["四川省"]}}
    )

    name: Annotated[ShortLine, Field(json_schema_extra=required_in_create)] = ""
    organization_id: Annotated[uuid.UUID, Field(json_schema_extra=required_in_create)] = uuid.UUID(
        int=0
    )
    grade: Annotated[BrokerGrade, Field(json_schema_extra=required_in_create)] = BrokerGrade.JUNIOR
    certificate_number: Annotated[ShortLine, Field(json_schema_extra=required_in_create)] = ""
    issuer: Annotated[Line, Field(json_schema_extra=required_in_create)] = ""
    issued_on: Annotated[Day, Field(json_schema_extra=required_in_create)] = date.min
    valid_until: Annotated[Day, Field(json_schema_extra=required_in_create)] = date.min


class BrokerRenew(Certificate):
    """A new certificate, and what else is reviewed where it changes."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {**_EXAMPLE, "grade": "senior", "certificate_number": "SC-2026-0902"}
        }
    )

    name: Annotated[ShortLine | None, Field(description="A new name (姓名)")] = None
    organization_id: Annotated[
        uuid.UUID | None, Field(description="A new institution (所在机构)")
    ] = None


class BrokerComment(Input):
    """Why a broker's record is returned, or its registration suspended."""

    model_config = ConfigDict(json_schema_extra={"example": {"comment": "证书编号查无记录。"}})

    comment: Annotated[Comment, Field(description="Why (原因)")]


class BrokerBrief(Output):
    """A broker in a word."""

    id: uuid.UUID
    name: str
    grade: BrokerGrade
    state: BrokerState


class BrokerRead(Output):
    """A broker. What not everyone reads is null or empty for those who do not."""

    id: uuid.UUID
    name: str
    organization: OrganizationBrief
    grade: BrokerGrade
    certificate_number: str
    issuer: str
    issued_on: date
    valid_until: date
    fields: list[str]
    places: list[str]
    introduction: str | None
    contact: Annotated[
        Contact | None, Field(description="To the public the parts in `public` alone")
    ]
    public: list[ContactPart]
    state: Annotated[
        BrokerState, Field(description="`expired`: registered, the certificate is over")
    ]
    training_hours: Annotated[Decimal, Field(description="Hours of all its courses (培训学时)")]
    user_id: Annotated[uuid.UUID | None, Field(description="For its own and reviewers (用户)")]
    reason: Annotated[str | None, Field(description="Why it was returned or suspended")]
    proposed: Annotated[
        dict[str, Any] | None, Field(description="The certificate that is under review (待审变更)")
    ]
    possible: Annotated[list[Action], Field(description="What the caller may do")]
    registered_at: datetime | None
    updated_at: datetime
    version: int

    @property
    def tag(self) -> str:
        """Of what is shown: it expires without being changed, and is not shown alike to all."""
        shown = hashlib.sha256(self.model_dump_json().encode()).hexdigest()
        return f"{self.version}-{shown[:16]}"


class BrokerQuery(PageQuery):
    """Filters of the directory; several of them must all hold."""

    q: Annotated[
        Line | None, Field(description="Words of name, institution, fields, introduction (检索词)")
    ] = None
    grade: BrokerGrade | None = None
    field: Annotated[Line | None, Field(description="One of its fields (领域)")] = None
    place: Annotated[Line | None, Field(description="A part of a place, e.g. 成都")] = None
    institution: Annotated[uuid.UUID | None, Field(description="Employing institution")] = None
    state: Annotated[
        BrokerState | None,
        Field(description="Others than registered are seen by their own and reviewers alone"),
    ] = None


class TrainingCreate(Input):
    """A course that was taken."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "course": "技术合同认定登记实务",
                "hours": "16.0",
                "base": "国家技术转移人才培养基地（示例）",
                "on": "2026-09-12",
            }
        }
    )

    course: Annotated[Line, Field(description="Course (课程)")]
    hours: Annotated[
        Decimal, Field(gt=0, le=10_000, decimal_places=1, max_digits=6, description="Hours (学时)")
    ]
    base: Annotated[Line, Field(description="Training base (培训基地)")]
    on: Annotated[Day, Field(description="Day of its end (结业日期)")]


class TrainingRead(Output):
    """A course that was taken."""

    id: uuid.UUID
    course: str
    hours: Decimal
    base: str
    on: date


class ConflictCreate(Input):
    """A conflict of interest: with an organization, or in words."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "organization_id": str(ids.sample_id("e016")),
                "text": "配偶在该公司任职。",
                "since": "2024-03-01",
            }
        }
    )

    organization_id: Annotated[
        uuid.UUID | None, Field(description="With whom (冲突单位): no mandate of theirs is taken")
    ] = None
    text: Annotated[Comment | None, Field(description="What it is (说明)")] = None
    since: Annotated[Day, Field(description="Since when (起始日期)")]

    @validator(mode="after")
    def _says_something(self) -> Self:
        if self.organization_id is None and self.text is None:
            raise ValueError(_ONE)
        return self


class ConflictRead(Output):
    """A conflict of interest that was declared."""

    id: uuid.UUID
    organization: OrganizationBrief | None
    text: str | None
    since: date


class SuggestionQuery(Input):
    """The pair, or one record of it, that a broker is sought for."""

    achievement_id: Annotated[
        uuid.UUID | None, Field(json_schema_extra={"example": ids.ACHIEVEMENT})
    ] = None
    demand_id: Annotated[uuid.UUID | None, Field(json_schema_extra={"example": ids.DEMAND})] = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class Suggestion(BaseModel):
    """A broker for a pair, and why."""

    broker: BrokerBrief
    organization: OrganizationBrief
    reasons: list[SuggestionReason]


class Suggestions(BaseModel):
    """Brokers for a pair, the fittest first."""

    items: list[Suggestion]


class BrokerFigures(BaseModel):
    """What became of the pairs that a broker took up (业绩).

    States, days and amounts are told from three deals or contracts on; before, they would tell of
    single ones.
    """

    broker_id: uuid.UUID
    deals: Annotated[int, Field(description="Pairs taken up (承接)")]
    signed: Annotated[int, Field(description="Of these signed (签约)")]
    states: Annotated[
        dict[DealState, int] | None, Field(description="Null where there are fewer than three")
    ]
    days_to_signing: Annotated[
        float | None,
        Field(description="Median days from taking up to signing; null where fewer than three are"),
    ]
    contracts: Annotated[
        int, Field(description="Contracts of these that are signed and not cancelled (合同数)")
    ]
    amount: Annotated[
        YuanSum | None, Field(description="成交额 of these; null where fewer than three are")
    ]
    technical: Annotated[YuanSum | None, Field(description="技术交易额 of these, likewise")]
