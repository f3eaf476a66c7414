"""Mandates (委托) on the way in and out."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import ConfigDict, Field, PlainSerializer
from pydantic import model_validator as validator

from kechuangtong.brokers.schemas import BrokerBrief, Comment
from kechuangtong.brokers.states import MandateAction
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Contact, Input, Output, Passage, Yuan
from kechuangtong.interests.schemas import RecordBrief
from kechuangtong.lists.schemas import Day, OrganizationBrief
from kechuangtong.models.broker import MandateState
from kechuangtong.sample import ids

_ONE_RECORD = Text("请指明一项成果或一项需求", "name one achievement or one demand")
_ONE_COMMISSION = Text(
    "佣金请填比例或金额之一", "the commission is a share or an amount: give one of them"
)
_ORDER = Text("结束日期不得早于开始日期", "the last day is not before the first")

Percent = Annotated[
    Decimal,
    Field(ge=0, le=100, decimal_places=2, max_digits=5),
    PlainSerializer(lambda share: f"{share:.2f}", return_type=str, when_used="json"),
]


class MandateCreate(Input):
    """A mandate for one record of the organization that gives it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "broker_id": ids.BROKER,
                "achievement_id": str(ids.sample_id("a0003")),
                "exclusive": False,
                "starts_on": "2026-01-01",
                "ends_on": "2036-12-31",
                "commission_percent": "3.50",
                "terms": "促成签约后按实际到账金额分期支付。",
            }
        }
    )

    broker_id: Annotated[uuid.UUID, Field(description="To whom (经纪人)")]
    achievement_id: Annotated[uuid.UUID | None, Field(description="For it (成果)")] = None
    demand_id: Annotated[uuid.UUID | None, Field(description="Or for it (需求)")] = None
    exclusive: Annotated[
        bool, Field(strict=True, description="No other for the record meanwhile (独家)")
    ] = False
    starts_on: Annotated[Day, Field(description="First day (开始日期)")]
    ends_on: Annotated[Day, Field(description="Last day (结束日期)")]
    commission_percent: Annotated[
        Percent | None, Field(description="Of the contract sum, in percent (佣金比例)")
    ] = None
    commission_amount: Annotated[
        Yuan | None, Field(description="Or an amount in yuan (佣金金额)")
    ] = None
    terms: Annotated[Passage | None, Field(description="What else is agreed (委托条款)")] = None

    @validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.achievement_id is None) == (self.demand_id is None):
            raise ValueError(_ONE_RECORD)
        if (self.commission_percent is None) == (self.commission_amount is None):
            raise ValueError(_ONE_COMMISSION)
        if self.ends_on < self.starts_on:
            raise ValueError(_ORDER)
        return self


class MandateReason(Input):
    """Why a mandate is declined, revoked or resigned."""

    model_config = ConfigDict(json_schema_extra={"example": {"comment": "近期业务已满。"}})

    comment: Annotated[Comment | None, Field(description="Why (原因)")] = None


class MandateRead(Output):
    """A mandate, as its two sides read it."""

    id: uuid.UUID
    organization: OrganizationBrief
    broker: BrokerBrief
    contact: Annotated[
        Contact | None, Field(description="The broker's, once it has accepted (联系方式)")
    ]
    achievement: RecordBrief | None
    demand: RecordBrief | None
    exclusive: bool
    starts_on: date
    ends_on: date
    commission_percent: Percent | None
    commission_amount: Yuan | None
    terms: str | None
    state: Annotated[MandateState, Field(description="`ended`: past its last day")]
    reason: str | None
    possible: Annotated[list[MandateAction], Field(description="What the caller may do")]
    created_at: datetime
    answered_at: datetime | None
    updated_at: datetime
    version: int


class MandateQuery(PageQuery):
    """Filters of the list; several of them must all hold."""

    state: MandateState | None = None
    organization_id: Annotated[uuid.UUID | None, Field(description="Who gave it")] = None
    broker_id: uuid.UUID | None = None
    achievement_id: uuid.UUID | None = None
    demand_id: uuid.UUID | None = None
