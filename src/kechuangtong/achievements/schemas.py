"""What an achievement (成果) is on the way in and out."""

import uuid
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from kechuangtong.core.identifiers import IdentifierError, IntellectualPropertyKind, parse_patent
from kechuangtong.core.schemas import Input, Line, Passage, PriceValue, TrlValue
from kechuangtong.core.trade import PriceKind, Stage
from kechuangtong.lists.schemas import (
    Bulk,
    Day,
    ListingFields,
    ListingRead,
    OrganizationBrief,
    required_in_create,
)
from kechuangtong.sample.ids import sample_id

EXAMPLE: dict[str, Any] = {
    "title": "低温余热驱动的吸附式除湿机组",
    "description": "以 60 ℃ 余热再生的复合吸附剂转轮，除湿能耗较冷冻除湿降低 35%，已完成中试。",
    "field": "绿色低碳",
    "keywords": ["余热利用", "吸附除湿"],
    "stage": "pilot",
    "trl": {"scale": "gb-t-22900-2022", "level": 6, "evidence": "第三方中试检测报告"},
    "intellectual_property": [{"number": "ZL201710601862.3"}],
    "cooperation": ["license", "joint_development"],
    "price": {"kind": "range", "low": "500000.00", "high": "800000.00"},
    "place": "四川省成都市",
}


class IntellectualProperty(Input):
    """A patent or another right (知识产权). Kind and grant follow from a patent's number."""

    number: Annotated[Line, Field(description="e.g. ZL201710601862.3, check digit included")]
    kind: IntellectualPropertyKind | None = None
    granted: Annotated[
        bool | None, Field(strict=True, description="Granted (已授权); null: not known")
    ] = None

    @model_validator(mode="after")
    def _read_the_number(self) -> Self:
        try:
            right = parse_patent(self.number)
        except IdentifierError as error:
            raise ValueError(error.message) from error
        self.number = right.number
        self.kind = right.kind
        self.granted = right.granted if self.granted is None else self.granted
        return self


class Evaluation(Input):
    """An evaluation of the achievement (评价): by whom, when, with what result."""

    evaluator: Annotated[Line | None, Field(description="By whom (评价单位)")] = None
    evaluated_on: Annotated[Day | None, Field(description="When (评价日期)")] = None
    level: Annotated[Line | None, Field(description="Result, e.g. 国内领先 (评价结论)")] = None


class AchievementFields(ListingFields):
    """The fields of an achievement; those not given stay as they are, or unknown."""

    application: Annotated[Passage | None, Field(description="Application (应用领域、前景)")] = None
    stage: Annotated[Stage | None, Field(description="Stage of development (成熟阶段)")] = None
    trl: Annotated[TrlValue | None, Field(description="Readiness level (技术成熟度)")] = None
    intellectual_property: Annotated[
        list[IntellectualProperty], Field(max_length=50, description="知识产权")
    ] = []
    evaluations: Annotated[list[Evaluation], Field(max_length=50, description="评价")] = []
    price: Annotated[PriceValue, Field(description="Asking price (意向价格)")] = PriceValue(
        kind=PriceKind.UNKNOWN
    )
    completed_on: Annotated[Day | None, Field(description="Completed on (完成日期)")] = None


class AchievementCreate(AchievementFields):
    """A new achievement, made as a draft."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"organization_id": "01900000-0000-7000-8000-00000000e001", **EXAMPLE}
        }
    )

    organization_id: uuid.UUID
    title: Annotated[Line, Field(description="Title (成果名称)")]


class AchievementPatch(AchievementFields):
    """A change: only the fields that are given are changed."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"keywords": ["在线监测", "物联网"], "stage": "industrial"}}
    )

    title: Annotated[
        Line, Field(description="Title (成果名称)", json_schema_extra=required_in_create)
    ] = ""


class AchievementBulk(Bulk):
    """The same for many achievements at once."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"action": "withdraw", "ids": [str(sample_id("a0067"))]}}
    )


class AchievementRead(ListingRead):
    """An achievement as it is shown."""

    organization: OrganizationBrief
    application: str | None
    stage: Stage | None
    trl: TrlValue | None
    intellectual_property: list[IntellectualProperty]
    evaluations: list[Evaluation]
    price: PriceValue
    completed_on: Day | None
