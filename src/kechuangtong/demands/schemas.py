"""What a demand (需求) is on the way in and out."""

import uuid
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from kechuangtong.core.schemas import Line, PriceValue, TrlValue
from kechuangtong.core.trade import PriceKind, Stage
from kechuangtong.lists.schemas import (
    Bulk,
    ListingFields,
    ListingRead,
    OrganizationBrief,
    required_in_create,
)
from kechuangtong.sample.ids import sample_id

EXAMPLE: dict[str, Any] = {
    "title": "烘干车间低能耗除湿技术",
    "description": "现用冷冻除湿能耗高，希望利用 60 ℃ 左右的工艺余热除湿，能耗降低 30% 以上。",
    "field": "绿色低碳",
    "keywords": ["除湿", "余热利用"],
    "required_stage": "pilot",
    "cooperation": ["license", "joint_development"],
    "budget": {"kind": "fixed", "low": "800000.00"},
    "place": "四川省成都市",
    "valid_until": "2028-12-31",
}


class DemandFields(ListingFields):
    """The fields of a demand; those not given stay as they are, or unknown."""

    anonymous: Annotated[
        bool,
        Field(
            description="Published without the enterprise's name (匿名发布), which the texts must "
            "not hold either; it is shown to those with whom it agrees to meet"
        ),
    ] = False
    required_stage: Annotated[
        Stage | None, Field(description="At least this stage (要求的成熟阶段)")
    ] = None
    required_trl: Annotated[
        TrlValue | None, Field(description="At least this level (要求的技术成熟度)")
    ] = None
    budget: Annotated[PriceValue, Field(description="Budget (预算)")] = PriceValue(
        kind=PriceKind.UNKNOWN
    )


class DemandCreate(DemandFields):
    """A new demand, made as a draft."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"organization_id": "01900000-0000-7000-8000-00000000e013", **EXAMPLE}
        }
    )

    organization_id: uuid.UUID
    title: Annotated[Line, Field(description="Title (需求名称)")]


class DemandPatch(DemandFields):
    """A change: only the fields that are given are changed."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"budget": {"kind": "negotiable"}, "place": "四川省德阳市"}}
    )

    title: Annotated[
        Line, Field(description="Title (需求名称)", json_schema_extra=required_in_create)
    ] = ""


class DemandBulk(Bulk):
    """The same for many demands at once."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"action": "withdraw", "ids": [str(sample_id("d0033"))]}}
    )


class DemandRead(ListingRead):
    """A demand as it is shown."""

    organization: OrganizationBrief | None = Field(
        description="Null where the demand is anonymous (匿名) and the caller was not introduced"
    )
    number: str | None = Field(description="Null where the organization is not shown")
    anonymous: bool
    required_stage: Stage | None
    required_trl: TrlValue | None
    budget: PriceValue
