"""Deals (交易): from the first interest in a pair to money received."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.models.achievement import Achievement
from kechuangtong.models.attachment import Attachment
from kechuangtong.models.base import Base, Record, choice
from kechuangtong.models.demand import Demand
from kechuangtong.models.organization import Organization

if TYPE_CHECKING:
    from kechuangtong.models.broker import DealBroker


class DealState(StrEnum):
    """Where a deal stands."""

    INTEREST = "interest"  # 意向
    INTRODUCED = "introduced"  # 已引荐
    CONFIDENTIAL = "confidential"  # 已签保密协议
    NEGOTIATION = "negotiation"  # 洽谈中
    PRICE_NOTICE = "price_notice"  # 价格公示中
    SIGNED = "signed"  # 合同已签订
    REGISTRATION_APPLIED = "registration_applied"  # 已申请认定登记
    REGISTERED = "registered"  # 已登记
    REGISTRATION_REFUSED = "registration_refused"  # 不予登记
    PERFORMING = "performing"  # 履行中
    RECEIPTS = "receipts"  # 到款中
    COMPLETED = "completed"  # 已完成
    TERMINATED = "terminated"  # 已终止


class DealSide(StrEnum):
    """The two sides of a deal."""

    SELLER = "seller"  # 卖方（让与人、许可人、受托人）
    BUYER = "buyer"  # 买方（受让人、被许可人、委托人）

    @property
    def other(self) -> "DealSide":
        return DealSide.BUYER if self is DealSide.SELLER else DealSide.SELLER


class Deal(Record, Base):
    """A pair that two sides carry on, or one record of either list that they agree upon.

    `match` is what the ranking said of the pair, kept as it was. `opened_by` is the side that
    expressed the interest. A state is never moved but with a step. It is public once it was
    `published_by_seller_at` and `published_by_buyer_at`.
    """

    __tablename__ = "deals"
    __table_args__ = (Index(None, "state", "id"),)

    title: Mapped[str] = mapped_column(String(300))
    achievement_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("achievements.id"), index=True
    )
    demand_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("demands.id"), index=True)
    introduction_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("introductions.id"), unique=True
    )
    opened_by: Mapped[DealSide] = mapped_column(choice(DealSide))
    state: Mapped[DealState] = mapped_column(choice(DealState), default=DealState.INTEREST)
    match: Mapped[dict[str, Any] | None]
    published_by_seller_at: Mapped[datetime | None]
    published_by_buyer_at: Mapped[datetime | None]

    achievement: Mapped[Achievement | None] = relationship(lazy="raise")
    demand: Mapped[Demand | None] = relationship(lazy="raise")
    brokers: Mapped[list["DealBroker"]] = relationship(
        lazy="raise", order_by="(DealBroker.side, DealBroker.broker_id)"
    )
    parties: Mapped[list["DealParty"]] = relationship(
        lazy="raise", order_by=lambda: (DealParty.position, DealParty.organization_id)
    )

    def of_side(self, side: DealSide) -> list["DealParty"]:
        """The parties of a side, the leading one first."""
        return [one for one in self.parties if one.side is side]


class DealParty(Base):
    """An organization on a side of a deal; the first of a side leads it."""

    __tablename__ = "deal_parties"

    deal_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("deals.id", ondelete="CASCADE"), primary_key=True
    )
    organization_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("organizations.id"), primary_key=True, index=True
    )
    side: Mapped[DealSide] = mapped_column(choice(DealSide))
    position: Mapped[int] = mapped_column(default=0)

    organization: Mapped[Organization] = relationship(lazy="raise")


class DealStep(Base):
    """One step of a deal's history, which is only ever added to: numbered from 1 without a gap.

    `on` is the day on which it was done, as its party says; `details` is what belongs to the step
    (a register number, the end of a notice, a reason). `from_state` is null of the first. Where
    both sides must agree, the first one's step leaves the state as it was.
    """

    __tablename__ = "deal_steps"
    __table_args__ = (UniqueConstraint("deal_id", "number"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    deal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("deals.id", ondelete="CASCADE"))
    number: Mapped[int]
    action: Mapped[str] = mapped_column(String(40))
    from_state: Mapped[DealState | None] = mapped_column(choice(DealState))
    to_state: Mapped[DealState] = mapped_column(choice(DealState))
    side: Mapped[DealSide] = mapped_column(choice(DealSide))
    on: Mapped[date]
    organization_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organizations.id"))
    user_id: Mapped[uuid.UUID | None]
    note: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)

    organization: Mapped[Organization | None] = relationship(lazy="raise")


class DealDocument(Base):
    """A file beside a deal, and the step that it belongs to, if any; what belongs to a step stays.

    `own_side` hides it from the other side.
    """

    __tablename__ = "deal_documents"

    attachment_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("attachments.id", ondelete="CASCADE"), primary_key=True
    )
    deal_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("deals.id", ondelete="CASCADE"), index=True
    )
    step_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("deal_steps.id"))
    side: Mapped[DealSide] = mapped_column(choice(DealSide))
    own_side: Mapped[bool] = mapped_column(default=False)

    attachment: Mapped[Attachment] = relationship(lazy="raise")
    step: Mapped[DealStep | None] = relationship(lazy="raise")
