"""Instruments (仪器设备) that are shared: what they are, when they are open, what they cost."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.models.base import Base, Record, choice
from kechuangtong.models.organization import Organization


class InstrumentKind(StrEnum):
    """What is shared."""

    INSTRUMENT = "instrument"  # 单台套
    LARGE_FACILITY = "large_facility"  # 大型装置
    SERVICE_UNIT = "service_unit"  # 服务单元
    COMPUTING_RESOURCE = "computing_resource"  # 计算资源


class UsageUnit(StrEnum):
    """What use is counted in: an hour of one of the units that can be booked."""

    HOUR = "hour"  # 机时
    CARD_HOUR = "card_hour"  # 卡时
    CORE_HOUR = "core_hour"  # 核时


class InstrumentStatus(StrEnum):
    """How an instrument runs (运行状态)."""

    NORMAL = "normal"  # 正常
    STANDBY = "standby"  # 待机
    REMOTE = "remote"  # 远程服务中
    OCCASIONAL_FAULTS = "occasional_faults"  # 偶有故障
    FREQUENT_FAULTS = "frequent_faults"  # 故障频繁
    AWAITING_REPAIR = "awaiting_repair"  # 待修
    AWAITING_SCRAPPING = "awaiting_scrapping"  # 待报废

    @property
    def runs(self) -> bool:
        """Whether the instrument can be used."""
        return self not in (self.AWAITING_REPAIR, self.AWAITING_SCRAPPING)


class ShareMode(StrEnum):
    """Who may use an instrument (共享模式)."""

    EXTERNAL = "external"  # 外部共享
    INTERNAL = "internal"  # 内部共享
    NONE = "none"  # 不共享


class InstrumentState(StrEnum):
    """Where the record of an instrument stands."""

    DRAFT = "draft"  # 草稿
    PUBLISHED = "published"  # 已发布
    WITHDRAWN = "withdrawn"  # 已撤回


class UserClass(StrEnum):
    """Of which class a user is, for the price."""

    INTERNAL = "internal"  # 本单位
    ACADEMIC = "academic"  # 高校、科研院所、实验室
    ENTERPRISE = "enterprise"  # 企业
    OTHER = "other"  # 其他

    @classmethod
    def of(cls, organization: Organization, *, owner_id: uuid.UUID) -> "UserClass":
        """The class of an organization at an instrument of the owner's."""
        if organization.id == owner_id:
            return cls.INTERNAL
        return _CLASSES.get(organization.kind, cls.OTHER)


_CLASSES = {
    OrganizationKind.UNIVERSITY: UserClass.ACADEMIC,
    OrganizationKind.INSTITUTE: UserClass.ACADEMIC,
    OrganizationKind.LABORATORY: UserClass.ACADEMIC,
    OrganizationKind.ENTERPRISE: UserClass.ENTERPRISE,
}


class Instrument(Record, Base):
    """An instrument, facility, service unit or computing resource of an organization.

    `capacity` is how many can be booked at one time: bookings take the units 1 to capacity.
    `opening_hours` and `opening_exceptions` are spans of wall clock time in the city.
    """

    __tablename__ = "instruments"
    __table_args__ = (
        UniqueConstraint("organization_id", "number"),
        Index(None, "state", "class_code"),
        Index(None, "state", "latitude", "longitude"),
    )

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    kind: Mapped[InstrumentKind] = mapped_column(choice(InstrumentKind))
    number: Mapped[str | None] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str | None] = mapped_column(String(200))
    model: Mapped[str | None] = mapped_column(String(200))
    manufacturer: Mapped[str | None] = mapped_column(String(200))
    country: Mapped[str | None] = mapped_column(String(3))
    class_code: Mapped[str | None] = mapped_column(String(6))
    original_value: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    commissioned_on: Mapped[date | None]
    disciplines: Mapped[list[str]] = mapped_column(default=list)
    functions: Mapped[str | None] = mapped_column(Text)
    specifications: Mapped[str | None] = mapped_column(Text)
    services: Mapped[str | None] = mapped_column(Text)
    status: Mapped[InstrumentStatus] = mapped_column(
        choice(InstrumentStatus), default=InstrumentStatus.NORMAL
    )
    share_mode: Mapped[ShareMode] = mapped_column(choice(ShareMode), default=ShareMode.EXTERNAL)
    rules: Mapped[str | None] = mapped_column(String(500))
    reference_price: Mapped[str | None] = mapped_column(String(500))
    booking_url: Mapped[str | None] = mapped_column(String(500))
    place: Mapped[str | None] = mapped_column(String(200))
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    contact: Mapped[dict[str, Any] | None]

    unit: Mapped[UsageUnit] = mapped_column(choice(UsageUnit), default=UsageUnit.HOUR)
    capacity: Mapped[int] = mapped_column(default=1)
    opening_hours: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    opening_exceptions: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    lead_minutes: Mapped[int] = mapped_column(default=0)
    cancel_minutes: Mapped[int] = mapped_column(default=0)
    shortest_minutes: Mapped[int] = mapped_column(default=30)
    longest_minutes: Mapped[int] = mapped_column(default=1_440)
    step_minutes: Mapped[int] = mapped_column(default=15)
    approval_required: Mapped[bool] = mapped_column(default=True)
    hold_minutes: Mapped[int] = mapped_column(default=2_880)
    qualification_required: Mapped[bool] = mapped_column(default=False)

    state: Mapped[InstrumentState] = mapped_column(
        choice(InstrumentState), default=InstrumentState.DRAFT
    )
    published_at: Mapped[datetime | None]

    organization: Mapped[Organization] = relationship(lazy="raise")


class InstrumentClosure(Base):
    """A time in which an instrument is closed (停机), as for maintenance."""

    __tablename__ = "instrument_closures"
    __table_args__ = (Index(None, "instrument_id", "ends_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    instrument_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("instruments.id", ondelete="CASCADE")
    )
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=now)


class InstrumentPrice(Base):
    """What an hour of one unit costs a class of users, in yuan, from a day until the next price."""

    __tablename__ = "instrument_prices"
    __table_args__ = (UniqueConstraint("instrument_id", "user_class", "valid_from"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    instrument_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("instruments.id", ondelete="CASCADE")
    )
    user_class: Mapped[UserClass] = mapped_column(choice(UserClass))
    valid_from: Mapped[date]
    amount: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    created_at: Mapped[datetime] = mapped_column(default=now)


class Qualification(Base):
    """A person may use an instrument by itself (上机资格), from a day on, until another if any."""

    __tablename__ = "qualifications"

    instrument_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("instruments.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    note: Mapped[str | None] = mapped_column(String(200))
    granted_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
