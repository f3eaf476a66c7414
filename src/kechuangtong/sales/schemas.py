"""Sales (成果定价与交易) on the way in and out."""

import hashlib
import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import FreeText, Input, Instant, Line, Output, Yuan
from kechuangtong.lists.schemas import Day, OrganizationBrief, required_in_create
from kechuangtong.models.ownership import Preference
from kechuangtong.models.sale import FailReason, Outcome, SaleObject, SaleState, SaleWay
from kechuangtong.sample import ids

_TIME_RANGE = Text("时间须在 2000 至 2200 年之间", "an instant is between the years 2000 and 2200")
_ONLY_NOTICE = Text(
    "协议定价须填公示起止日期和买方是否关联，不填起止时间、加价幅度、保留价和延时",
    "an agreement has notice_from, notice_until and buyer_related, and no opens_at, closes_at, "
    "increment, reserve or extension_minutes",
)
_ONLY_TIMES = Text(
    "挂牌、拍卖须填起止时间和加价幅度，不填公示日期和买方",
    "a listing or an auction has opens_at, closes_at and increment, and no notice_from, "
    "notice_until, buyer_id or buyer_related",
)
_ONLY_AUCTION = Text("只有拍卖有保留价和延时", "reserve and extension_minutes are an auction's")
_ORDER = Text("结束须在开始之后", "the end comes after the beginning")
_RESERVE = Text("保留价不得低于起拍价", "the reserve is not below the starting price")


def _sane(value: datetime) -> datetime:
    if not 2000 <= value.year <= 2200:
        raise ValueError(_TIME_RANGE)
    return value


Moment = Annotated[Instant, AfterValidator(_sane)]
Price = Annotated[Yuan, Field(gt=0)]
Summary = Annotated[FreeText, StringConstraints(min_length=1, max_length=5_000)]
Words = Annotated[FreeText, StringConstraints(min_length=1, max_length=5_000)]


class SaleTimes(Input):
    """What a sale may have beside what every sale has; which of it, its way says."""

    increment: Annotated[
        Price | None, Field(description="The least step from bid to bid (加价幅度), yuan")
    ] = None
    reserve: Annotated[
        Price | None,
        Field(description="Below this an auction fails (保留价), yuan; the owner's secret"),
    ] = None
    extension_minutes: Annotated[
        int | None,
        Field(
            ge=1,
            le=60,
            strict=True,
            description="A bid in the last so many minutes lets the auction go on for as many "
            "after it (延时)",
        ),
    ] = None
    opens_at: Annotated[Moment | None, Field(description="From when on (开始时间)")] = None
    closes_at: Annotated[Moment | None, Field(description="Until when (截止时间)")] = None
    notice_from: Annotated[
        Day | None, Field(description="First day of the price notice (公示起)")
    ] = None
    notice_until: Annotated[
        Day | None, Field(description="Last day of the price notice (公示止)")
    ] = None
    buyer_id: Annotated[
        uuid.UUID | None,
        Field(description="The buyer of an agreement (买方), if it is here; of a deal one of its"),
    ] = None
    buyer_related: Annotated[
        bool | None,
        Field(description="Whether the buyer is a maker, or related to one (是否关联)"),
    ] = None
    deal_id: Annotated[
        uuid.UUID | None, Field(description="The deal (交易) that the sale belongs to")
    ] = None


class SaleFields(SaleTimes):
    """What is sold, and how."""

    way: Annotated[SaleWay, Field(description="How the price is found (定价方式)")]
    object: Annotated[SaleObject, Field(description="What is sold (转化方式)")]
    title: Annotated[Line, Field(description="Name (成果名称)")]
    summary: Annotated[Summary, Field(description="Summary (简介)")]
    price: Annotated[
        Price, Field(description="Agreed, asked, or to start from (协议价、挂牌价、起拍价), yuan")
    ]


class SaleCreate(SaleFields):
    """A sale of one's achievement."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "achievement_id": ids.ACHIEVEMENT,
                "way": "listing",
                "object": "license",
                "title": "普通许可：五年",
                "summary": "普通许可，期限五年，含两次现场指导。",
                "price": "300000.00",
                "increment": "10000.00",
                "opens_at": "2030-03-01T01:00:00Z",
                "closes_at": "2030-03-31T09:00:00Z",
            }
        }
    )

    achievement_id: Annotated[uuid.UUID, Field(description="What is sold (成果)")]


class SalePatch(SaleTimes):
    """A change of a draft: only the fields that are given are changed."""

    model_config = ConfigDict(json_schema_extra={"example": {"price": "320000.00"}})

    object: Annotated[SaleObject, Field(json_schema_extra=required_in_create)] = SaleObject.TRANSFER
    title: Annotated[Line, Field(json_schema_extra=required_in_create)] = ""
    summary: Annotated[Summary, Field(json_schema_extra=required_in_create)] = ""
    price: Annotated[Price, Field(json_schema_extra=required_in_create)] = Decimal(0)


_OF_NOTICE: Final = ("notice_from", "notice_until", "buyer_related")
_OF_TIMES: Final = ("opens_at", "closes_at", "increment")
_OF_AUCTION: Final = ("reserve", "extension_minutes")


def check_together(values: SaleFields) -> None:
    """What must hold of all fields. Raises ValueError with a Text."""
    given = {name for name, value in values if value is not None}
    if values.way is SaleWay.AGREEMENT:
        if not given.issuperset(_OF_NOTICE) or given.intersection(_OF_TIMES + _OF_AUCTION):
            raise ValueError(_ONLY_NOTICE)
        assert values.notice_from is not None
        assert values.notice_until is not None
        if values.notice_until < values.notice_from:
            raise ValueError(_ORDER)
        return
    if not given.issuperset(_OF_TIMES) or given.intersection((*_OF_NOTICE, "buyer_id")):
        raise ValueError(_ONLY_TIMES)
    if values.way is not SaleWay.AUCTION and given.intersection(_OF_AUCTION):
        raise ValueError(_ONLY_AUCTION)
    assert values.opens_at is not None
    assert values.closes_at is not None
    if values.closes_at <= values.opens_at:
        raise ValueError(_ORDER)
    if values.reserve is not None and values.reserve < values.price:
        raise ValueError(_RESERVE)


class SaleWithdraw(Input):
    """Why a sale is withdrawn."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "成果权属有待明确。"}})

    reason: Annotated[
        Words, Field(description="Why (撤回原因); of what was published everyone reads it")
    ]


class SaleAward(Input):
    """Whom a sale goes to, where it does not follow from the bids."""

    model_config = ConfigDict(json_schema_extra={"example": {}})

    bidder: Annotated[
        int | None,
        Field(ge=1, le=1_000_000, strict=True, description="The number of an applicant (编号)"),
    ] = None


class BidCreate(Input):
    """A bid."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"organization_id": ids.ENTERPRISE, "amount": "600000.00"}}
    )

    amount: Annotated[Price, Field(description="Yuan (出价)")]
    organization_id: Annotated[
        uuid.UUID | None,
        Field(description="Who bids (竞价单位); needed by who acts for several"),
    ] = None
    related: Annotated[
        bool, Field(description="Whether the bidder is related to the makers (是否关联)")
    ] = False


class ApplicationCreate(Input):
    """An application to buy what is listed."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "organization_id": ids.ENTERPRISE,
                "message": "拟在三条生产线上使用，望面谈交付安排。",
            }
        }
    )

    message: Annotated[Words | None, Field(description="Words to the owner (留言)")] = None
    organization_id: Annotated[
        uuid.UUID | None,
        Field(description="Who applies (申请单位); needed by who acts for several"),
    ] = None
    related: Annotated[
        bool, Field(description="Whether the applicant is related to the makers (是否关联)")
    ] = False


class ObjectionCreate(Input):
    """An objection to an agreed price."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "organization_id": ids.ENTERPRISE,
                "text": "同类成果去年的许可费约为该价格的三倍，请说明定价依据。",
            }
        }
    )

    text: Annotated[Words, Field(description="What is objected to, and why (异议内容)")]
    organization_id: Annotated[
        uuid.UUID | None,
        Field(
            description="Who objects, or the owner that notes it; needed by who acts for several"
        ),
    ] = None
    objector: Annotated[
        Line | None, Field(description="Whose objection it is, where the owner notes it (异议人)")
    ] = None


class ObjectionDecision(Input):
    """What comes of an objection."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "outcome": "dismissed",
                "answer": "该成果仅限一个应用领域，价格依评估确定。",
            }
        }
    )

    outcome: Annotated[Outcome, Field(description="Upheld or dismissed (处理结果)")]
    answer: Annotated[Words, Field(description="Why, for who objected (答复)")]


class FirstRefusalCreate(Input):
    """An offer to the makers, at the price at which the sale stands."""

    model_config = ConfigDict(json_schema_extra={"example": {"answer_until": "2030-03-10"}})

    answer_until: Annotated[Day, Field(description="The last day to answer (答复期限)")]


class FirstRefusalAnswer(Input):
    """What the makers answered."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"answer": "declined", "note": "两位完成人书面放弃。"}}
    )

    answer: Annotated[
        Literal[Preference.TAKEN, Preference.DECLINED], Field(description="Taken or not (答复)")
    ]
    on: Annotated[
        Day | None, Field(description="When they answered (答复日期); today without it")
    ] = None
    note: Annotated[Line | None, Field(description="Who, and how (说明)")] = None


class FirstRefusalRead(Output):
    """An offer of first refusal (优先受让权)."""

    id: uuid.UUID
    price: Yuan
    answer_until: date
    answer: Preference
    answered_on: date | None
    note: str | None
    created_at: datetime


class AwardRead(BaseModel):
    """Whom a sale went to (成交结果)."""

    organization: Annotated[
        OrganizationBrief | None,
        Field(description="Null for who is neither of the two, or a maker"),
    ]
    bidder: Annotated[int | None, Field(description="Its number (编号)")]
    to_maker: Annotated[bool, Field(description="To the makers, who took it first (完成人)")]
    related: Annotated[bool, Field(description="Whether it is related to the makers (是否关联)")]
    price: Yuan
    at: datetime


class SaleRead(BaseModel):
    """A sale as the caller may see it.

    Who buys and the deal are null for others than the two sides, the reserve for all but the owner.
    """

    id: uuid.UUID
    achievement_id: uuid.UUID
    organization: OrganizationBrief
    deal_id: uuid.UUID | None
    way: SaleWay
    object: SaleObject
    title: str
    summary: str
    price: Yuan
    increment: Yuan | None
    reserve: Yuan | None
    extension_minutes: int | None
    opens_at: datetime
    closes_at: datetime
    notice_from: date | None
    notice_until: date | None
    buyer: OrganizationBrief | None
    buyer_related: bool | None
    state: SaleState
    fail_reason: FailReason | None
    reason: Annotated[str | None, Field(description="Why it was withdrawn (撤回原因)")]
    applications_count: int
    bids_count: int
    highest: Annotated[Yuan | None, Field(description="The highest bid (当前最高价)")]
    next_bid: Annotated[
        Yuan | None, Field(description="The least next bid (下一口价); null where there is none")
    ]
    award: AwardRead | None
    published_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


class SaleDetail(SaleRead):
    """A sale with what its own people see beside it."""

    numbers: Annotated[
        list[int], Field(description="The numbers of the caller's organizations (本单位编号)")
    ]
    first_refusal: Annotated[
        FirstRefusalRead | None,
        Field(description="The last offer to the makers; the owner's to see"),
    ]
    open_objections: Annotated[
        int | None, Field(description="Objections to be decided; the owner's to see")
    ]

    @property
    def tag(self) -> str:
        """It is not shown alike to all, and time changes what is shown."""
        shown = hashlib.sha256(self.model_dump_json().encode()).hexdigest()
        return f"{self.version}-{shown[:16]}"


class SaleQuery(PageQuery):
    """Filters of the list; several of them must all hold."""

    state: Annotated[
        SaleState | None, Field(description="As it is shown: time closes an open one (状态)")
    ] = None
    way: SaleWay | None = None
    organization_id: Annotated[uuid.UUID | None, Field(description="Who sells (出让单位)")] = None
    achievement_id: uuid.UUID | None = None


class EntrantRead(BaseModel):
    """Who applied or bids, by number. The organization and its words are for itself, and for the
    owner: of an auction once its time is over."""

    number: int
    organization: OrganizationBrief | None
    related: bool
    message: str | None
    created_at: datetime


class BidRead(BaseModel):
    """A bid."""

    id: uuid.UUID
    bidder: Annotated[int, Field(description="Its number (编号)")]
    organization: Annotated[
        OrganizationBrief | None,
        Field(description="For itself, and for the owner once the time is over"),
    ]
    amount: Yuan
    created_at: datetime


class ObjectionRead(BaseModel):
    """An objection, for who made it and for the owner."""

    id: uuid.UUID
    organization: Annotated[OrganizationBrief, Field(description="Who recorded it")]
    objector: str | None
    text: str
    outcome: Outcome | None
    answer: str | None
    decided_at: datetime | None
    created_at: datetime
