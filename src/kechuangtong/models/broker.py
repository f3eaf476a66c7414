"""Technology brokers (技术经纪人、技术经理人), their mandates (委托), and service institutions."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Numeric, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kechuangtong.core.clock import now, today
from kechuangtong.core.db import new_id
from kechuangtong.core.trade import ListKind
from kechuangtong.models.achievement import Achievement
from kechuangtong.models.base import Base, Record, choice
from kechuangtong.models.deal import DealSide
from kechuangtong.models.demand import Demand
from kechuangtong.models.organization import Organization


class BrokerGrade(StrEnum):
    """The grade of a broker, as its certificate says."""

    JUNIOR = "junior"  # 初级
    INTERMEDIATE = "intermediate"  # 中级
    SENIOR = "senior"  # 高级


class BrokerState(StrEnum):
    """Where a broker's registration stands. Expired is never stored: a certificate past its date.

    A registered broker whose new certificate is under review (`renewing`) stays registered by the
    one before.
    """

    DRAFT = "draft"  # 草稿
    SUBMITTED = "submitted"  # 待审核
    RETURNED = "returned"  # 退回修改
    REGISTERED = "registered"  # 已登记
    RENEWING = "renewing"  # 变更待审
    SUSPENDED = "suspended"  # 已暂停
    ENDED = "ended"  # 已注销
    EXPIRED = "expired"  # 证书已过期


ON_REGISTER = (BrokerState.REGISTERED, BrokerState.RENEWING)


class Broker(Record, Base):
    """A person who brings the two sides together, certified, and employed by an institution.

    `name` is the one that the public reads. Of `contact` the public reads the parts in `public`.
    `proposed` is the certificate under review while the one before holds. `fields_key` and
    `places_key` are what is searched, folded; `reason` is why it was returned or suspended.
    """

    __tablename__ = "brokers"
    __table_args__ = (Index(None, "state", "valid_until"),)

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), unique=True)
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    grade: Mapped[BrokerGrade] = mapped_column(choice(BrokerGrade))
    certificate_number: Mapped[str] = mapped_column(String(100))
    issuer: Mapped[str] = mapped_column(String(200))
    issued_on: Mapped[date]
    valid_until: Mapped[date]
    fields: Mapped[list[str]] = mapped_column(default=list)
    places: Mapped[list[str]] = mapped_column(default=list)
    introduction: Mapped[str | None] = mapped_column(Text)
    contact: Mapped[dict[str, Any] | None]
    public: Mapped[list[str]] = mapped_column(default=list)
    text_key: Mapped[str] = mapped_column(Text)
    fields_key: Mapped[str] = mapped_column(Text)
    places_key: Mapped[str] = mapped_column(Text)
    stored_state: Mapped[BrokerState] = mapped_column(
        "state", choice(BrokerState), default=BrokerState.DRAFT
    )
    reason: Mapped[str | None] = mapped_column(Text)
    proposed: Mapped[dict[str, Any] | None]
    registered_at: Mapped[datetime | None]

    organization: Mapped[Organization] = relationship(lazy="raise")

    @property
    def state(self) -> BrokerState:
        """The state that is shown: a registered broker whose certificate is over has expired."""
        if self.stored_state in ON_REGISTER and self.valid_until < today():
            return BrokerState.EXPIRED
        return self.stored_state

    @property
    def practising(self) -> bool:
        """Whether it may act for others today."""
        return self.state in ON_REGISTER


class BrokerTraining(Base):
    """A course that a broker took: how many hours, at which training base, and when."""

    __tablename__ = "broker_trainings"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    broker_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("brokers.id", ondelete="CASCADE"), index=True
    )
    course: Mapped[str] = mapped_column(String(200))
    hours: Mapped[Decimal] = mapped_column(Numeric(6, 1))
    base: Mapped[str] = mapped_column(String(200))
    on: Mapped[date]


class BrokerConflict(Base):
    """A conflict of interest that a broker declared: with an organization, or in words."""

    __tablename__ = "broker_conflicts"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    broker_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("brokers.id", ondelete="CASCADE"), index=True
    )
    organization_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("organizations.id"), index=True
    )
    text: Mapped[str | None] = mapped_column(Text)
    since: Mapped[date]
    created_at: Mapped[datetime] = mapped_column(default=now)

    organization: Mapped[Organization | None] = relationship(lazy="raise")


class MandateState(StrEnum):
    """Where a mandate stands. Ended is never stored: one past its last day."""

    OFFERED = "offered"  # 已提出
    ACCEPTED = "accepted"  # 已接受
    DECLINED = "declined"  # 已谢绝
    REVOKED = "revoked"  # 已撤销
    RESIGNED = "resigned"  # 已辞任
    ENDED = "ended"  # 已到期


LIVE = (MandateState.OFFERED, MandateState.ACCEPTED)


class Mandate(Record, Base):
    """What an organization entrusts to a broker: one record of its own, from a day until another.

    The commission is a share of the contract sum (成交额) in percent, or an amount in yuan.
    """

    __tablename__ = "mandates"
    __table_args__ = (
        Index(None, "achievement_id", "state"),
        Index(None, "demand_id", "state"),
    )

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    broker_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("brokers.id"), index=True)
    achievement_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("achievements.id"))
    demand_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("demands.id"))
    exclusive: Mapped[bool]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    commission_percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    commission_amount: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    terms: Mapped[str | None] = mapped_column(Text)
    stored_state: Mapped[MandateState] = mapped_column(
        "state", choice(MandateState), default=MandateState.OFFERED
    )
    reason: Mapped[str | None] = mapped_column(Text)
    user_id: Mapped[uuid.UUID | None]
    answered_at: Mapped[datetime | None]

    organization: Mapped[Organization] = relationship(lazy="raise")
    broker: Mapped[Broker] = relationship(lazy="raise")
    achievement: Mapped[Achievement | None] = relationship(lazy="raise")
    demand: Mapped[Demand | None] = relationship(lazy="raise")

    @property
    def state(self) -> MandateState:
        """The state that is shown: what was still live on its last day has ended after it."""
        if self.stored_state in LIVE and self.ends_on < today():
            return MandateState.ENDED
        return self.stored_state

    @property
    def in_force(self) -> bool:
        """Whether the broker may act by it today."""
        return self.state is MandateState.ACCEPTED and self.starts_on <= today()

    @property
    def side(self) -> DealSide:
        """The side of a deal that it is for."""
        return DealSide.BUYER if self.achievement_id is None else DealSide.SELLER

    @property
    def subject_kind(self) -> ListKind:
        """In which of the two lists the record is."""
        return ListKind.DEMAND if self.achievement_id is None else ListKind.ACHIEVEMENT

    @property
    def subject(self) -> Achievement | Demand:
        """The record that it is for."""
        subject = self.demand if self.achievement_id is None else self.achievement
        assert subject is not None
        return subject


class DealBroker(Base):
    """A broker in a deal on a side, by a mandate of that side's.

    On both sides of one deal (双边代理) it acts for neither before each side has agreed: a side's
    people agree to the row of the other side, at its `agreed_by_other_at`.
    """

    __tablename__ = "deal_brokers"

    deal_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("deals.id", ondelete="CASCADE"), primary_key=True
    )
    broker_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("brokers.id"), primary_key=True, index=True
    )
    side: Mapped[DealSide] = mapped_column(choice(DealSide), primary_key=True)
    mandate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("mandates.id"), index=True)
    agreed_at: Mapped[datetime] = mapped_column(default=now)
    agreed_by_other_at: Mapped[datetime | None]

    broker: Mapped[Broker] = relationship(lazy="raise")
    mandate: Mapped[Mandate] = relationship(lazy="raise")


class ServiceKind(StrEnum):
    """What a service institution does for others."""

    TECHNOLOGY_TRANSFER = "technology_transfer"  # 技术转移
    BROKERAGE = "brokerage"  # 技术经纪
    TESTING = "testing"  # 检验检测认证
    INTELLECTUAL_PROPERTY = "intellectual_property"  # 知识产权
    FINANCE = "finance"  # 科技金融
    INCUBATION = "incubation"  # 创业孵化
    CONSULTING = "consulting"  # 科技咨询
    EVALUATION = "evaluation"  # 评估评价
    RESEARCH = "research"  # 研究开发
    DESIGN = "design"  # 工业设计
    PILOT = "pilot"  # 中试、概念验证
    TRAINING = "training"  # 人才培训
    LAW = "law"  # 法律服务
    INFORMATION = "information"  # 科技信息


class Standing(StrEnum):
    """What a member of the alliance is."""

    MEMBER = "member"  # 会员
    COUNCIL = "council"  # 理事
    VICE_PRESIDENT = "vice_president"  # 副理事长
    PRESIDENT = "president"  # 理事长


class MembershipState(StrEnum):
    """Whether membership of the alliance holds."""

    ACTIVE = "active"  # 有效
    SUSPENDED = "suspended"  # 暂停


class ServiceProfile(Record, Base):
    """What an organization offers others as a service, and its place in the alliance (联盟).

    It is no member where `standing` is null.
    """

    __tablename__ = "service_profiles"

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id"), unique=True)
    services: Mapped[list[str]] = mapped_column(default=list)
    description: Mapped[str | None] = mapped_column(Text)
    fields: Mapped[list[str]] = mapped_column(default=list)
    places: Mapped[list[str]] = mapped_column(default=list)
    text_key: Mapped[str] = mapped_column(Text)
    places_key: Mapped[str] = mapped_column(Text)
    standing: Mapped[Standing | None] = mapped_column(choice(Standing))
    member_since: Mapped[date | None]
    membership_state: Mapped[MembershipState | None] = mapped_column(choice(MembershipState))

    organization: Mapped[Organization] = relationship(lazy="raise")
