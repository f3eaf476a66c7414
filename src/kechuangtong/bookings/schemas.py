"""What a booking (预约) is on the way in and out."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    model_validator,
)

from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import FreeText, Input, Instant, Yuan, YuanSum
from kechuangtong.instruments.schemas import ClosureRead, When, check_period
from kechuangtong.lists.schemas import OrganizationBrief
from kechuangtong.models.booking import BookingState
from kechuangtong.models.instrument import UserClass
from kechuangtong.sample import ids

_TWICE = Text("同一仪器只能出现一次", "each instrument stands once")

Reason = Annotated[FreeText, StringConstraints(min_length=1, max_length=500)]
Hours = Annotated[
    Decimal,
    Field(ge=0, decimal_places=2),
    PlainSerializer(lambda hours: f"{hours:.2f}", return_type=str, when_used="json"),
]
# Of one booking, of each unit; more than a year.
_LONGEST_USE: Final = 10_000
Box = Literal["made", "received"]


class InstrumentChoice(Input):
    """An instrument to be booked."""

    instrument_id: uuid.UUID
    units: Annotated[int, Field(ge=1, le=1_000, description="e.g. cards (数量)")] = 1


class _Wish(Input):
    """What single bookings and series have in common."""

    instruments: Annotated[
        list[InstrumentChoice],
        Field(min_length=1, max_length=20, description="Of one organization: all, or none (仪器)"),
    ]
    starts_at: When
    ends_at: When
    organization_id: Annotated[
        uuid.UUID | None,
        Field(description="Who uses them; needed by who acts for several, or on behalf (使用单位)"),
    ] = None
    user_id: Annotated[
        uuid.UUID | None, Field(description="The person who uses them; null: oneself (使用人)")
    ] = None
    purpose: Annotated[
        Annotated[FreeText, StringConstraints(max_length=2_000)] | None,
        Field(description="What for, which samples (用途)"),
    ] = None

    @model_validator(mode="after")
    def _each_instrument_once_and_a_period(self) -> Self:
        check_period(self.starts_at, self.ends_at)
        if len({one.instrument_id for one in self.instruments}) < len(self.instruments):
            raise ValueError(_TWICE)
        return self


class BookingCreate(_Wish):
    """A wish for instruments at a time."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "instruments": [{"instrument_id": ids.INSTRUMENT}],
                "starts_at": "2035-03-06T09:00:00+08:00",
                "ends_at": "2035-03-06T11:30:00+08:00",
                "organization_id": ids.ENTERPRISE,
                "purpose": "铝合金析出相观察，3 个样品。",
            }
        }
    )

    if_full: Annotated[
        Literal["refuse", "wait"],
        Field(description="Where there is no room: refuse, or join the waiting list (候补)"),
    ] = "refuse"


class SeriesCreate(_Wish):
    """The same time again and again, by a rule of RFC 5545 with COUNT or UNTIL.

    FREQ is DAILY, WEEKLY or MONTHLY, with INTERVAL, BYDAY, BYMONTHDAY, WKST; wall clock time of the
    city. At most 100 times within two years.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "instruments": [{"instrument_id": ids.INSTRUMENT_CLUSTER, "units": 2}],
                "starts_at": "2035-03-05T20:00:00+08:00",
                "ends_at": "2035-03-06T08:00:00+08:00",
                "organization_id": ids.ENTERPRISE,
                "rule": "FREQ=WEEKLY;BYDAY=MO,TH;COUNT=8",
                "conflicts": "skip",
            }
        }
    )

    rule: Annotated[FreeText, StringConstraints(min_length=1, max_length=300)]
    conflicts: Annotated[
        Literal["refuse", "skip"],
        Field(description="Times that are not possible: refuse all and list them, or skip (冲突)"),
    ] = "refuse"


class BookingReason(Input):
    """Why a booking is declined."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"reason": "样品含磁性颗粒，不宜上机。"}}
    )

    reason: Reason


class BookingCancel(Input):
    """Why a booking is cancelled."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "样品未制备好。"}})

    reason: Reason | None = None


class UsageRecord(Input):
    """What was used (使用记录)."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"hours": "2.25", "samples": 3, "content": "形貌和能谱"}}
    )

    hours: Annotated[
        Annotated[Hours, Field(le=_LONGEST_USE)] | None,
        Field(description="Of each instrument and unit; null: as booked (机时)"),
    ] = None
    samples: Annotated[int | None, Field(ge=0, le=1_000_000, description="样品数")] = None
    content: Annotated[Reason | None, Field(description="What was done (服务内容)")] = None


class RatingCreate(Input):
    """How the user found it."""

    model_config = ConfigDict(json_schema_extra={"example": {"rating": 5, "comment": "很专业"}})

    rating: Annotated[int, Field(ge=1, le=5, description="5 is the best (评价)")]
    comment: Reason | None = None


class PersonBrief(BaseModel):
    """A person."""

    id: uuid.UUID
    name: str


class BookedInstrument(BaseModel):
    """An instrument in a booking; hours and fee are of all its units together."""

    instrument_id: uuid.UUID
    name: str
    units: Annotated[int, Field(description="How many")]
    numbers: Annotated[list[int], Field(description="Which of them; none while it waits (机位)")]
    hours: Annotated[Hours | None, Field(description="Null before the end (机时)")]
    price: Annotated[Yuan | None, Field(description="In force at the start; null: none (单价)")]
    fee: Annotated[YuanSum | None, Field(description="hours × price (费用)")]


class BookingRead(BaseModel):
    """A booking as its two sides see it."""

    id: uuid.UUID
    organization: Annotated[OrganizationBrief, Field(description="Who uses (使用单位)")]
    owner: Annotated[OrganizationBrief, Field(description="Whose instruments (所属单位)")]
    user: Annotated[PersonBrief | None, Field(description="使用人")]
    created_by: PersonBrief | None
    user_class: UserClass
    instruments: list[BookedInstrument]
    starts_at: datetime
    ends_at: datetime
    state: BookingState
    held_until: Annotated[
        datetime | None, Field(description="When it lapses unless it is decided (保留至)")
    ]
    purpose: str | None
    reason: Annotated[str | None, Field(description="Why it was declined or cancelled")]
    series_id: uuid.UUID | None
    started_at: datetime | None
    finished_at: datetime | None
    samples: int | None
    content: str | None
    fee: Annotated[YuanSum | None, Field(description="Of all instruments that have a price (费用)")]
    rating: int | None
    comment: str | None
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def tag(self) -> str:
        """A booking is shown alike to both sides; its state can lapse without being changed."""
        return f"{self.version}-{self.state.value}"


class SkippedTime(BaseModel):
    """A time of a series that is not possible."""

    starts_at: datetime
    ends_at: datetime
    code: str
    message: str


class SeriesRead(BaseModel):
    """What became of a series."""

    series_id: uuid.UUID
    bookings: list[BookingRead]
    skipped: list[SkippedTime]


class SeriesDecided(BaseModel):
    """The bookings of a series that were approved or declined."""

    bookings: list[BookingRead]


class ClosureMade(ClosureRead):
    """A new closure, and the bookings that it meets, as they stand now."""

    bookings: Annotated[int, Field(description="How many there are in its time (受影响的预约)")]
    affected: Annotated[list[BookingRead], Field(description="The first 100 of them")]


class BookingQuery(PageQuery):
    """Filters of the list; several of them must all hold."""

    model_config = ConfigDict(populate_by_name=True)

    box: Annotated[
        Box | None, Field(description="Made by one's organizations, or received by them")
    ] = None
    organization_id: Annotated[uuid.UUID | None, Field(description="Of one's own")] = None
    instrument_id: uuid.UUID | None = None
    state: BookingState | None = None
    series_id: uuid.UUID | None = None
    from_: Annotated[
        Instant | None, Field(alias="from", description="Those that end after it (起)")
    ] = None
    to: Annotated[Instant | None, Field(description="Those that begin before it (止)")] = None


class StatementQuery(PageQuery):
    """Of which month, and whose."""

    month: Annotated[
        str,
        Field(
            pattern=r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$",
            description="Of the bookings' beginnings, in the city (月份)",
            json_schema_extra={"example": "2026-11"},
        ),
    ]
    organization_id: Annotated[uuid.UUID | None, Field(description="Of one's own")] = None


class StatementLine(BaseModel):
    """What an organization used of another's instruments in a month, and what it costs."""

    owner: OrganizationBrief
    organization: OrganizationBrief
    user_class: UserClass
    bookings: int
    hours: Hours
    fee: YuanSum
    without_price: Annotated[
        Hours, Field(description="Hours for which no price was in force: by agreement")
    ]
