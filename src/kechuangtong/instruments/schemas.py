"""What an instrument (仪器) is on the way in and out."""

import hashlib
import uuid
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any, Self

from fastapi import UploadFile
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Contact, FreeText, Input, Instant, Line, Output, Yuan
from kechuangtong.instruments.hours import minutes_of
from kechuangtong.lists.schemas import Day, OrganizationBrief, required_in_create
from kechuangtong.models.instrument import (
    InstrumentKind,
    InstrumentState,
    InstrumentStatus,
    ShareMode,
    UsageUnit,
    UserClass,
)
from kechuangtong.policies import instrument_classes
from kechuangtong.sample import ids

_INSTANT = Text("时间须在 1900 至 2200 年之间", "an instant is between the years 1900 and 2200")
_SPAN = Text("开始须早于结束", "a span opens before it closes")
_OVERLAP = Text("同一天的时段不得重叠", "spans of one day must not overlap")
_TWICE = Text("同一日期只能出现一次", "each date stands once")
_COORDINATES = Text("经度和纬度须同时给出", "latitude and longitude go together")
_LENGTHS = Text(
    "最短预约不得长于最长预约", "the shortest booking is at most as long as the longest"
)
_STEP = Text("一天须是间隔的整数倍", "a day is a multiple of the step")
_UNITS = Text("卡时、核时只用于计算资源", "card-hours and core-hours are of computing resources")
_NEAR = Text("须形如 30.65,104.06（纬度,经度）", "must be like 30.65,104.06 (latitude,longitude)")
_NEAR_PAIR = Text("near 与 within_km 须同时给出", "near and within_km go together")
_FREE = Text(
    "free_hours、free_from、free_to 须同时给出，起止相隔不超过 31 天",
    "free_hours, free_from and free_to go together, the two instants at most 31 days apart",
)
_PERIOD = Text("须先开始后结束", "a period begins before it ends")
_SPAN_LIMIT = Text("起止相隔不超过 {days} 天", "at most {days} days apart")

Words = Annotated[FreeText, StringConstraints(max_length=500)]
Long = Annotated[FreeText, StringConstraints(max_length=5_000)]
Clock = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Url = Annotated[
    FreeText, StringConstraints(max_length=500, pattern=r"^https?://[!-~]+$", strip_whitespace=True)
]
Minutes = Annotated[int, Field(ge=0, le=525_600)]  # up to a year
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


def _sane(instant: datetime) -> datetime:
    if not 1900 <= instant.year <= 2200:
        raise ValueError(_INSTANT)
    return instant


When = Annotated[Instant, AfterValidator(_sane)]
"""An instant that calendars have around it."""


def check_period(starts_at: datetime, ends_at: datetime, *, days: int | None = None) -> None:
    """Raises ValueError for what does not begin before it ends, or is longer than that."""
    if starts_at >= ends_at:
        raise ValueError(_PERIOD)
    if days is not None and ends_at - starts_at > timedelta(days=days):
        raise ValueError(_SPAN_LIMIT.format(days=days))


class Span(Input):
    """A time of opening on one day, in the city's wall clock time (Asia/Shanghai)."""

    opens: Annotated[Clock, Field(description="e.g. 08:30")]
    closes: Annotated[Clock, Field(description="e.g. 12:00; 24:00 is the end of the day")]

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if minutes_of(self.opens) >= minutes_of(self.closes):
            raise ValueError(_SPAN)
        return self


class WeeklySpan(Span):
    """A time of opening on a weekday."""

    weekday: Annotated[int, Field(ge=1, le=7, description="1 is Monday, 7 Sunday (星期)")]


def _apart(spans: list[Span]) -> None:
    times = sorted((minutes_of(one.opens), minutes_of(one.closes)) for one in spans)
    if any(closes > opens for (_, closes), (opens, _) in pairwise(times)):
        raise ValueError(_OVERLAP)


class DayException(Input):
    """A date with hours of its own; without spans it is closed."""

    date: Day
    spans: Annotated[list[Span], Field(max_length=12)] = []

    @model_validator(mode="after")
    def _spans_do_not_overlap(self) -> Self:
        _apart(self.spans)
        return self


def _weekly(spans: list[WeeklySpan]) -> list[WeeklySpan]:
    for weekday in range(1, 8):
        _apart([one for one in spans if one.weekday == weekday])
    return spans


def _dates(exceptions: list[DayException]) -> list[DayException]:
    if len({one.date for one in exceptions}) < len(exceptions):
        raise ValueError(_TWICE)
    return exceptions


class InstrumentFields(Input):
    """The fields of an instrument; those not given stay as they are, or as by default."""

    kind: Annotated[InstrumentKind, Field(description="What it is (类别)")] = (
        InstrumentKind.INSTRUMENT
    )
    number: Annotated[
        Annotated[FreeText, StringConstraints(min_length=1, max_length=100)] | None,
        Field(description="The organization's own number (单位内编号, innerId)"),
    ] = None
    name_en: Annotated[Line | None, Field(description="English name (英文名称)")] = None
    model: Annotated[Line | None, Field(description="Model (规格型号)")] = None
    manufacturer: Annotated[Line | None, Field(description="Manufacturer (生产制造商)")] = None
    country: Annotated[
        str | None,
        Field(pattern=r"^([A-Z]{2,3}|[0-9]{3})$", description="GB/T 2659, e.g. CHN (产地国别)"),
    ] = None
    class_code: Annotated[
        str | None, Field(pattern=r"^[0-9]{6}$", description="Six-digit class code (分类编码)")
    ] = None
    original_value: Annotated[Yuan | None, Field(description="In yuan (原值，元)")] = None
    commissioned_on: Annotated[Day | None, Field(description="Commissioned on (启用日期)")] = None
    disciplines: Annotated[
        list[Line], Field(max_length=4, description="GB/T 13745, up to four (主要学科领域)")
    ] = []
    functions: Annotated[Long | None, Field(description="What it does (主要功能)")] = None
    specifications: Annotated[Long | None, Field(description="Specifications (技术指标)")] = None
    services: Annotated[Long | None, Field(description="Services offered (服务内容)")] = None
    status: Annotated[InstrumentStatus, Field(description="How it runs (运行状态)")] = (
        InstrumentStatus.NORMAL
    )
    share_mode: Annotated[ShareMode, Field(description="Who may use it (共享模式)")] = (
        ShareMode.EXTERNAL
    )
    rules: Annotated[Words | None, Field(description="Rules (对外开放共享规定)")] = None
    reference_price: Annotated[
        Words | None, Field(description="Prices in words (参考收费标准)")
    ] = None
    booking_url: Annotated[Url | None, Field(description="Where else to book (预约网址)")] = None
    place: Annotated[Line | None, Field(description="Where it stands (安放地址)")] = None
    latitude: Annotated[Latitude | None, Field(description="纬度 (WGS 84)")] = None
    longitude: Annotated[Longitude | None, Field(description="经度 (WGS 84)")] = None
    contact: Annotated[
        Contact | None, Field(description="Contact point (联系人), shown to who is signed in")
    ] = None

    unit: Annotated[UsageUnit, Field(description="What use is counted in (计量单位)")] = (
        UsageUnit.HOUR
    )
    capacity: Annotated[
        int,
        Field(ge=1, le=1_000, description="Units that can be booked at one time (可同时预约数)"),
    ] = 1
    opening_hours: Annotated[
        list[WeeklySpan],
        Field(max_length=84, description="By weekday; none: never open (开放时间)"),
        AfterValidator(_weekly),
    ] = []
    opening_exceptions: Annotated[
        list[DayException],
        Field(max_length=400, description="Dates with hours of their own (例外日期)"),
        AfterValidator(_dates),
    ] = []
    lead_minutes: Annotated[
        Minutes, Field(description="How long before its beginning to book (提前预约时间)")
    ] = 0
    cancel_minutes: Annotated[
        Minutes, Field(description="How long before its beginning users may cancel (取消时限)")
    ] = 0
    shortest_minutes: Annotated[int, Field(ge=1, le=525_600, description="最短预约时长")] = 30
    longest_minutes: Annotated[int, Field(ge=1, le=525_600, description="最长预约时长")] = 1_440
    step_minutes: Annotated[
        int, Field(ge=1, le=1_440, description="Bookings begin and end at a multiple (预约间隔)")
    ] = 15
    approval_required: Annotated[
        bool, Field(description="Whether staff approves each booking (需审批)")
    ] = True
    hold_minutes: Annotated[
        int, Field(ge=1, le=525_600, description="How long a request holds its slot (保留时间)")
    ] = 2_880
    qualification_required: Annotated[
        bool, Field(description="Only for qualified people (须有上机资格)")
    ] = False

    @model_validator(mode="after")
    def _step_divides_the_day(self) -> Self:
        if 1_440 % self.step_minutes:
            raise ValueError(_STEP)
        return self


def check_together(values: InstrumentFields) -> None:
    """What must hold of all fields of an instrument. Raises ValueError."""
    if (values.latitude is None) != (values.longitude is None):
        raise ValueError(_COORDINATES)
    if values.shortest_minutes > values.longest_minutes:
        raise ValueError(_LENGTHS)
    if values.unit is not UsageUnit.HOUR and values.kind is not InstrumentKind.COMPUTING_RESOURCE:
        raise ValueError(_UNITS)


EXAMPLE: dict[str, Any] = {
    "name": "场发射透射电子显微镜",
    "number": "JJ-TEM-02",
    "model": "示例型号 200 kV",
    "country": "CHN",
    "class_code": "010101",
    "original_value": "6800000.00",
    "commissioned_on": "2021-05-20",
    "disciplines": ["430.10"],
    "functions": "材料微观形貌和晶体结构分析。",
    "reference_price": "校内 300 元/小时，校外 800 元/小时。",
    "place": "四川省成都市",
    "latitude": 30.63,
    "longitude": 104.08,
    "opening_hours": [
        {"weekday": day, "opens": opens, "closes": closes}
        for day in range(1, 6)
        for opens, closes in (("08:30", "12:00"), ("13:30", "18:00"))
    ],
    "opening_exceptions": [{"date": "2035-01-01", "spans": []}],
    "lead_minutes": 120,
    "cancel_minutes": 1440,
}


class InstrumentCreate(InstrumentFields):
    """A new instrument, made as a draft."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"organization_id": ids.ORGANIZATION, **EXAMPLE}}
    )

    organization_id: uuid.UUID
    name: Annotated[Line, Field(description="Name (仪器名称)")]

    @model_validator(mode="after")
    def _fields_suit_each_other(self) -> Self:
        check_together(self)
        return self


class InstrumentPatch(InstrumentFields):
    """A change: only the fields that are given are changed; lists are replaced whole."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"status": "occasional_faults", "cancel_minutes": 720}}
    )

    name: Annotated[
        Line, Field(description="Name (仪器名称)", json_schema_extra=required_in_create)
    ] = ""


class InstrumentRead(InstrumentFields, Output):
    """An instrument as it is shown."""

    model_config = ConfigDict(extra="ignore")

    id: uuid.UUID
    organization: OrganizationBrief
    name: str
    class_names: Annotated[
        list[str], Field(description="What the class is called (大类、中类), as far as known")
    ] = []
    contact: Annotated[
        Contact | None, Field(description="Null for who is not signed in (联系人)")
    ] = None
    state: InstrumentState
    published_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int

    @model_validator(mode="after")
    def _name_the_class(self) -> Self:
        self.class_names = instrument_classes.names_of(self.class_code) if self.class_code else []
        return self

    @property
    def tag(self) -> str:
        """Of what is shown: not all see the same, and its organization changes apart from it."""
        shown = hashlib.sha256(self.model_dump_json().encode()).hexdigest()
        return f"{self.version}-{shown[:16]}"


class TimeRead(BaseModel):
    """A time: from an instant until another."""

    model_config = ConfigDict(from_attributes=True)

    starts_at: datetime
    ends_at: datetime


class InstrumentFound(InstrumentRead):
    """An instrument that a search has found."""

    distance_km: Annotated[float | None, Field(description="From `near` (距离)")] = None
    free: Annotated[
        TimeRead | None, Field(description="The first free time of `free_hours` (最早空闲)")
    ] = None


class InstrumentQuery(PageQuery):
    """Filters; several of them must all hold."""

    model_config = ConfigDict(populate_by_name=True)

    organization_id: uuid.UUID | None = None
    state: InstrumentState | None = None
    kind: InstrumentKind | None = None
    status: InstrumentStatus | None = None
    share_mode: ShareMode | None = None
    class_: Annotated[
        str | None,
        Field(alias="class", pattern=r"^[0-9]{2}([0-9]{2}){0,2}$", description="e.g. 0301 (分类)"),
    ] = None
    q: Annotated[
        Line | None, Field(description="Words in name, model, functions or services, all of them")
    ] = None
    place: Annotated[Line | None, Field(description="A part of the place, e.g. 成都")] = None
    near: Annotated[
        str | None, Field(max_length=60, description="latitude,longitude: 30.65,104.06 (附近)")
    ] = None
    within_km: Annotated[float | None, Field(gt=0, le=500, allow_inf_nan=False)] = None
    free_hours: Annotated[
        float | None,
        Field(gt=0, le=744, allow_inf_nan=False, description="Hours on end that are free (空闲)"),
    ] = None
    free_from: When | None = None
    free_to: When | None = None

    @model_validator(mode="after")
    def _what_goes_together(self) -> Self:
        if (self.near is None) != (self.within_km is None):
            raise ValueError(_NEAR_PAIR)
        _ = self.center
        given = [self.free_hours, self.free_from, self.free_to]
        if any(one is not None for one in given):
            if self.free_hours is None or self.free_from is None or self.free_to is None:
                raise ValueError(_FREE)
            if not timedelta() < self.free_to - self.free_from <= timedelta(days=31):
                raise ValueError(_FREE)
        return self

    @property
    def center(self) -> tuple[float, float] | None:
        """Latitude and longitude of `near`."""
        if self.near is None:
            return None
        try:
            latitude, longitude = (float(one) for one in self.near.split(","))
        except ValueError:
            raise ValueError(_NEAR) from None
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
            raise ValueError(_NEAR)
        return latitude, longitude


class AvailabilityQuery(Input):
    """The time that is asked about: 62 days at most."""

    model_config = ConfigDict(populate_by_name=True)

    from_: Annotated[When | None, Field(alias="from", description="Null: now (起)")] = None
    to: Annotated[When | None, Field(description="Null: seven days later (止)")] = None


class FreeRead(BaseModel):
    """So many units are free for the whole of a time."""

    starts_at: datetime
    ends_at: datetime
    units: int


class Availability(BaseModel):
    """What of an instrument is open, and what is free.

    Free times are as long as they can be and may overlap where there are several units: a booking
    that lies in one of them, for so many units, finds room.
    """

    instrument_id: uuid.UUID
    from_: Annotated[datetime, Field(alias="from")]
    to: datetime
    capacity: int
    open: list[TimeRead]
    free: list[FreeRead]

    model_config = ConfigDict(populate_by_name=True)


class ClosureCreate(Input):
    """A time in which an instrument is closed."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "starts_at": "2035-02-01T00:00:00+08:00",
                "ends_at": "2035-02-08T00:00:00+08:00",
                "reason": "年度维护",
            }
        }
    )

    starts_at: When
    ends_at: When
    reason: Annotated[Line, Field(description="Why (停机原因)")]
    cancel_bookings: Annotated[
        bool,
        Field(
            description="Cancel the bookings in its time, for this reason; else their people are "
            "told of the closure (取消受影响的预约)"
        ),
    ] = False

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        check_period(self.starts_at, self.ends_at, days=3_660)
        return self


class ClosureRead(Output):
    """A closure (停机)."""

    id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_at: datetime


class PhotographForm(Input):
    """A photograph, and what it shows."""

    file: Annotated[UploadFile, Field(description="jpg, png or webp")]
    caption: Annotated[Line, Field(description="What it shows, for who cannot see it (说明)")]


class PhotographRead(Output):
    """A photograph (照片)."""

    id: uuid.UUID
    caption: str
    name: str
    media_type: str
    size: Annotated[int, Field(description="In bytes")]
    sha256: str
    created_at: datetime


class PriceCreate(Input):
    """What an hour of one unit costs a class of users from a day on, until the next price."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"user_class": "enterprise", "valid_from": "2035-07-01", "amount": "900.00"}
        }
    )

    user_class: Annotated[UserClass, Field(description="For whom (用户类别)")]
    valid_from: Annotated[
        Day, Field(description="Tomorrow at the earliest; today where none is in force (生效日期)")
    ]
    amount: Annotated[
        Yuan, Field(le=10_000_000, description="Yuan an hour, card-hour or core-hour (单价)")
    ]


class PriceRead(Output):
    """A price (收费标准)."""

    id: uuid.UUID
    user_class: UserClass
    valid_from: date
    amount: Yuan
    created_at: datetime


class QualificationPut(Input):
    """How long a person is qualified."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"valid_from": "2026-01-01", "note": "已通过操作培训"}}
    )

    valid_from: Day
    valid_until: Annotated[Day | None, Field(description="Null: without end (有效期至)")] = None
    note: Line | None = None

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.valid_until is not None and self.valid_from > self.valid_until:
            raise ValueError(_PERIOD)
        return self


class QualificationRead(Output):
    """A qualification (上机资格)."""

    user_id: uuid.UUID
    user: Annotated[str, Field(description="The person's name")]
    valid_from: date
    valid_until: date | None
    note: str | None
    granted_by: uuid.UUID | None
    created_at: datetime
