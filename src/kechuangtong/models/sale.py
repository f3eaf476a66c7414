"""Sales (成果定价与交易): by a price that is agreed and made public, by listing, or by auction."""

import uuid
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from sqlalchemy import ForeignKey, Index, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kechuangtong.core.clock import CITY, now
from kechuangtong.core.db import new_id
from kechuangtong.models.achievement import Achievement
from kechuangtong.models.base import Base, Record, choice
from kechuangtong.models.organization import Organization


class SaleWay(StrEnum):
    """How the price of an achievement is found (转化法 art. 18)."""

    AGREEMENT = "agreement"  # 协议定价，公示
    LISTING = "listing"  # 挂牌交易
    AUCTION = "auction"  # 拍卖


class SaleObject(StrEnum):
    """What is sold (转化法 art. 18: 转让、许可或者作价投资)."""

    TRANSFER = "transfer"  # 转让
    LICENSE = "license"  # 许可
    EQUITY = "equity"  # 作价投资


class SaleState(StrEnum):
    """Where a sale stands. Time closes an open one, which is stored when it is next touched."""

    DRAFT = "draft"  # 草稿
    OPEN = "open"  # 进行中（公示、挂牌、竞价）
    CLOSED = "closed"  # 已截止，待成交
    AWARDED = "awarded"  # 已成交
    FAILED = "failed"  # 未成交
    WITHDRAWN = "withdrawn"  # 已撤回


class FailReason(StrEnum):
    """Why nothing was sold."""

    NO_BIDS = "no_bids"  # 无人竞价
    NO_APPLICATIONS = "no_applications"  # 无人申请
    RESERVE_NOT_MET = "reserve_not_met"  # 未达保留价
    OBJECTION_UPHELD = "objection_upheld"  # 异议成立


class Outcome(StrEnum):
    """What came of an objection."""

    UPHELD = "upheld"  # 异议成立
    DISMISSED = "dismissed"  # 异议不成立


_DAY: Final = timedelta(days=1)


class Sale(Record, Base):
    """An achievement for sale. `price` is the one agreed, asked, or to start from; `reserve` is
    nobody's to know but the owner's.

    `highest`, `bids_count` and `applications_count` say how the sale stands without a look at what
    was bid. A price notice runs from the beginning of its first day to the end of its last.
    """

    __tablename__ = "sales"
    __table_args__ = (Index(None, "state", "closes_at"),)

    achievement_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("achievements.id", ondelete="CASCADE"), index=True
    )
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    deal_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("deals.id"), index=True)
    way: Mapped[SaleWay] = mapped_column(choice(SaleWay))
    object: Mapped[SaleObject] = mapped_column(choice(SaleObject))
    title: Mapped[str] = mapped_column(String(200))
    summary: Mapped[str] = mapped_column(Text)
    price: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    increment: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    reserve: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    extension_minutes: Mapped[int | None]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    buyer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organizations.id"), index=True)
    buyer_related: Mapped[bool | None]
    stored_state: Mapped[SaleState] = mapped_column(
        "state", choice(SaleState), default=SaleState.DRAFT
    )
    published_at: Mapped[datetime | None]
    applications_count: Mapped[int] = mapped_column(default=0)
    bids_count: Mapped[int] = mapped_column(default=0)
    highest: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    stored_fail_reason: Mapped[FailReason | None] = mapped_column("fail_reason", choice(FailReason))
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)
    awarded_to_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("organizations.id"), index=True
    )
    awarded_to_maker: Mapped[bool] = mapped_column(default=False)
    awarded_price: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    awarded_bidder: Mapped[int | None]
    awarded_related: Mapped[bool | None]

    achievement: Mapped[Achievement] = relationship(lazy="raise")
    organization: Mapped[Organization] = relationship(foreign_keys=organization_id, lazy="raise")
    buyer: Mapped[Organization | None] = relationship(foreign_keys=buyer_id, lazy="raise")
    awarded_to: Mapped[Organization | None] = relationship(foreign_keys=awarded_to_id, lazy="raise")

    @property
    def over(self) -> bool:
        """Whether its time is over, though that may not be stored yet."""
        return self.stored_state is SaleState.OPEN and self.closes_at <= now()

    @property
    def in_vain(self) -> FailReason | None:
        """Why there is nothing to award when its time is over; None where there is."""
        if self.way is SaleWay.LISTING and not self.applications_count:
            return FailReason.NO_APPLICATIONS
        if self.way is SaleWay.AUCTION and self.highest is None:
            return FailReason.NO_BIDS
        if self.reserve is not None and self.highest is not None and self.highest < self.reserve:
            return FailReason.RESERVE_NOT_MET
        return None

    @property
    def state(self) -> SaleState:
        """The state that is shown."""
        if not self.over:
            return self.stored_state
        return SaleState.CLOSED if self.in_vain is None else SaleState.FAILED

    @property
    def fail_reason(self) -> FailReason | None:
        """Why nothing was sold, if so."""
        return self.in_vain if self.over else self.stored_fail_reason

    @property
    def standing(self) -> Decimal:
        """The price as it stands: the highest bid, or what is asked."""
        return self.price if self.highest is None else self.highest

    @property
    def notice_from(self) -> date | None:
        """The first day of the price notice."""
        if self.way is not SaleWay.AGREEMENT:
            return None
        return self.opens_at.astimezone(CITY).date()

    @property
    def notice_until(self) -> date | None:
        """The last day of the price notice."""
        if self.way is not SaleWay.AGREEMENT:
            return None
        return self.closes_at.astimezone(CITY).date() - _DAY


class SaleEntrant(Base):
    """An organization that applied for a listing or bids in an auction: others see its `number`.

    `related` says that it is related to the makers or to the owner.
    """

    __tablename__ = "sale_entrants"
    __table_args__ = (UniqueConstraint("sale_id", "number"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    sale_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sales.id", ondelete="CASCADE"))
    number: Mapped[int]
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    user_id: Mapped[uuid.UUID | None]
    related: Mapped[bool]
    message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)

    organization: Mapped[Organization] = relationship(lazy="raise")


class SaleBid(Base):
    """A bid: no two of a sale are of one amount."""

    __tablename__ = "sale_bids"
    __table_args__ = (UniqueConstraint("sale_id", "amount"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    sale_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sales.id", ondelete="CASCADE"))
    entrant_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("sale_entrants.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[uuid.UUID | None]
    amount: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    created_at: Mapped[datetime] = mapped_column(default=now)

    entrant: Mapped[SaleEntrant] = relationship(lazy="raise")


class SaleObjection(Base):
    """An objection (异议) to an agreed price: of an organization, or of whom the owner names."""

    __tablename__ = "sale_objections"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    sale_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("sales.id", ondelete="CASCADE"), index=True
    )
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    user_id: Mapped[uuid.UUID | None]
    objector: Mapped[str | None] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    outcome: Mapped[Outcome | None] = mapped_column(choice(Outcome))
    answer: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)

    organization: Mapped[Organization] = relationship(lazy="raise")
