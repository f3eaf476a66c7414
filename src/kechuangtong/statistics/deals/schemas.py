"""Figures of deals as they are asked for and shown."""

import uuid
from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import BaseModel, Field, model_validator

from kechuangtong.contracts.schemas import SignedYuan
from kechuangtong.core.language import Text
from kechuangtong.core.schemas import Input, Line, YuanSum
from kechuangtong.deals.states import Cause, Pricing
from kechuangtong.models.contract import ContractKind
from kechuangtong.models.deal import DealState
from kechuangtong.sample import ids

_ORDER: Final = Text("结束日期不得早于开始日期", "ends before it begins")


class FunnelStep(StrEnum):
    """The steps from a match to money received, in their order."""

    USEFUL = "useful"  # 匹配被评为有用
    INTEREST = "interest"  # 对接意向
    INTRODUCTION = "introduction"  # 引荐
    DEAL = "deal"  # 建立交易
    CONFIDENTIAL = "confidential"  # 签保密协议
    NEGOTIATION = "negotiation"  # 洽谈
    SIGNED = "signed"  # 签订合同
    REGISTERED = "registered"  # 认定登记
    RECEIVED = "received"  # 到款
    COMPLETED = "completed"  # 完成


BEFORE_DEALS: Final = (FunnelStep.USEFUL, FunnelStep.INTEREST, FunnelStep.INTRODUCTION)
OF_DEALS: Final = tuple(one for one in FunnelStep if one not in BEFORE_DEALS)


class By(StrEnum):
    """By what figures are broken down."""

    FIELD = "field"  # 技术领域
    REGION = "region"  # 地区
    ORGANIZATION = "organization"  # 单位
    BROKER = "broker"  # 技术经理人
    MONTH = "month"  # 月份


class DealStatisticsQuery(Input):
    """Which deals, in which time, and broken down by what."""

    by: Annotated[
        By | None,
        Field(
            description="By field (领域) or region (地区): a deal counts once. By organization "
            "(单位) or broker (技术经理人): it counts for each of its own. By month (月份): each "
            "step and amount counts where it happened"
        ),
    ] = None
    from_: Annotated[
        date | None, Field(alias="from", description="What happened on or after this day (起)")
    ] = None
    until: Annotated[date | None, Field(description="What happened on or before this day (止)")] = (
        None
    )
    field: Annotated[Line | None, Field(description="A field (领域), whole")] = None
    region: Annotated[
        Line | None, Field(description="Part of the place of the leading seller (地区)")
    ] = None
    organization_id: Annotated[
        uuid.UUID | None, Field(description="Deals of which it is a party (单位)")
    ] = None
    broker_id: Annotated[
        uuid.UUID | None, Field(description="Deals that a broker carries on (技术经理人)")
    ] = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.from_ is not None and self.until is not None and self.until < self.from_:
            raise ValueError(_ORDER)
        return self

    @property
    def narrowed(self) -> bool:
        """Whether less than all deals of all times is asked for."""
        return any(one is not None for name, one in self if name != "by")

    def within(self, day: date) -> bool:
        """Whether something that happened on a day counts."""
        return (self.from_ is None or self.from_ <= day) and (
            self.until is None or day <= self.until
        )


class StepFigures(BaseModel):
    """How many reached a step, and how soon."""

    step: FunnelStep
    count: Annotated[
        int | None,
        Field(
            description="How many reached it in the time: matches called useful, interests, "
            "introductions, and then deals, each by the first day on which it ever got there, "
            "whatever became of it after. A deal may pass over a step. null: not told by this "
            "breakdown or for this filter"
        ),
    ]
    days: Annotated[
        float | None,
        Field(
            description="Median days (中位天数) to it from the last step before that the same deal "
            "had reached; null before deals, and of fewer than three"
        ),
    ]


class Amounts(BaseModel):
    """Amounts in yuan; null: of too few to be told to everyone."""

    contracts: Annotated[
        int, Field(description="Contracts signed in the time and not cancelled since (合同数)")
    ]
    amount: Annotated[
        YuanSum | None, Field(description="成交额: totals of these, as they were last amended")
    ]
    technical: Annotated[YuanSum | None, Field(description="技术交易额 of these")]
    paying: Annotated[int, Field(description="Contracts on which money was received in the time")]
    received: Annotated[
        SignedYuan | None,
        Field(description="到款额: received in the time, without what was taken back"),
    ]


class DealFigures(Amounts):
    """The funnel and the amounts of some deals."""

    funnel: Annotated[list[StepFigures], Field(description="All steps in their order")]


class DealGroup(DealFigures):
    """The figures of one value of a breakdown."""

    value: Annotated[
        str | None,
        Field(description="The value: an id for organizations and brokers; null: not stated"),
    ]
    name: Annotated[str | None, Field(description="Whose id it is")]


class CauseCount(BaseModel):
    """Deals that ended for one cause."""

    cause: Annotated[Cause | None, Field(description="null: it was not told")]
    count: int


class StateCount(BaseModel):
    """Deals that ended at a state."""

    state: DealState
    count: int


class Terminated(BaseModel):
    """Deals that were terminated in the time (终止)."""

    count: int
    by_cause: Annotated[
        list[CauseCount],
        Field(description="Why (终止原因), in their order; what was written is not told"),
    ]
    by_state: Annotated[
        list[StateCount], Field(description="The state in which they ended, in the states' order")
    ]


class DealStatistics(BaseModel):
    """Figures of deals, whole and broken down."""

    by: By | None
    total: DealFigures
    terminated: Terminated
    groups: Annotated[
        list[DealGroup],
        Field(
            description="Months in their order, the newest hundred; else the hundred values with "
            "most deals. Empty without `by`"
        ),
    ]
    left_out: Annotated[int, Field(description="Values beyond that hundred")]


class YearlyQuery(Input):
    """Whose report, and of which year."""

    organization_id: Annotated[
        uuid.UUID | None,
        Field(
            description="One's own organization (单位); null: of all, for administrators and "
            "auditors",
            json_schema_extra={"example": ids.ORGANIZATION},
        ),
    ] = None
    year: Annotated[
        int | None, Field(ge=2000, le=2100, description="In the city (年度); null: this year")
    ] = None


class YearSums(BaseModel):
    """What came of a year, in yuan: of one organization, its part by its share as a seller."""

    contracts: Annotated[
        int, Field(description="Signed in the year and not cancelled since (合同数)")
    ]
    amount: Annotated[YuanSum, Field(description="成交额 of these, as last amended")]
    technical: Annotated[YuanSum, Field(description="技术交易额 of these")]
    registered: Annotated[int, Field(description="Registered in the year (认定登记数)")]
    registered_amount: Annotated[YuanSum, Field(description="成交额 of the certificates")]
    registered_technical: Annotated[YuanSum, Field(description="技术交易额 of the certificates")]
    received: Annotated[
        SignedYuan,
        Field(
            description="到款额 of the year, of contracts of all years, less what was taken "
            "back; of one organization without the commissions of brokers"
        ),
    ]


class YearLine(YearSums):
    """Contracts of one kind, priced in one way."""

    kind: ContractKind
    pricing: Annotated[
        Pricing | None, Field(description="定价方式, as the deal's history says; null: it does not")
    ]


class YearContract(BaseModel):
    """A contract that was signed in the year."""

    id: uuid.UUID
    deal_id: uuid.UUID
    title: str
    kind: ContractKind
    pricing: Pricing | None
    sellers: list[str]
    buyers: list[str]
    signed_on: date
    amount: Annotated[YuanSum, Field(description="成交额 of the whole contract")]
    technical: Annotated[YuanSum, Field(description="技术交易额 of the whole contract")]
    register_number: str | None
    registered_on: date | None
    received: Annotated[SignedYuan, Field(description="到款额 of the year")]


class YearOfDeals(BaseModel):
    """The yearly report of transfers (科技成果转化年度报告)."""

    year: int
    organization_id: uuid.UUID | None
    organization: str | None
    total: YearSums
    lines: Annotated[
        list[YearLine], Field(description="By kind of contract and way of pricing, in their order")
    ]
    largest: Annotated[
        list[YearContract], Field(description="The ten with the highest 成交额 of those signed")
    ]
