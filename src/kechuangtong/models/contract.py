"""Technology contracts (技术合同), what is to be paid by them, and what was received."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Numeric, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.models.base import Base, Record, choice
from kechuangtong.models.deal import Deal, DealSide


class ContractKind(StrEnum):
    """The five kinds of technology contracts (民法典 843)."""

    DEVELOPMENT = "development"  # 技术开发
    TRANSFER = "transfer"  # 技术转让
    LICENSE = "license"  # 技术许可
    CONSULTING = "consulting"  # 技术咨询
    SERVICE = "service"  # 技术服务


class SubKind(StrEnum):
    """What a contract is more closely; each of one kind."""

    COMMISSIONED = "commissioned"  # 委托开发
    COOPERATIVE = "cooperative"  # 合作开发
    TECHNICAL_SERVICE = "technical_service"  # 一般技术服务
    TRAINING = "training"  # 技术培训
    INTERMEDIATION = "intermediation"  # 技术中介


class ContractState(StrEnum):
    """Where a contract stands."""

    DRAFT = "draft"  # 草拟
    SIGNED = "signed"  # 已签订
    CANCELLED = "cancelled"  # 已解除
    DISCARDED = "discarded"  # 已作废


class ProposalState(StrEnum):
    """Where what one side proposes to the other stands."""

    PROPOSED = "proposed"  # 待对方确认
    CONFIRMED = "confirmed"  # 已确认
    DROPPED = "dropped"  # 已放弃


class ProposalKind(StrEnum):
    """What one side proposes to the other."""

    AMENDMENT = "amendment"  # 变更
    CANCELLATION = "cancellation"  # 解除


class ContractSide(StrEnum):
    """On which side a party stands; brokers stand between the two."""

    SELLER = "seller"  # 卖方
    BUYER = "buyer"  # 买方
    BROKER = "broker"  # 中介方


class RegistrationState(StrEnum):
    """Where the registration (认定登记) of a contract stands."""

    APPLIED = "applied"  # 已申请
    ACCEPTED = "accepted"  # 已受理
    REGISTERED = "registered"  # 予以登记
    REFUSED = "refused"  # 不予登记


class DueSource(StrEnum):
    """What a payment is due by."""

    PLAN = "plan"  # 约定价款
    ROYALTY = "royalty"  # 提成


class Contract(Record, Base):
    """The contract of a deal: `content` is what is agreed, as `contracts.schemas` has it, and
    beside it stands what is asked for in lists.

    `seller_confirmed_at` and `buyer_confirmed_at` are of the draft as it stands; by both it is
    signed. `versions` counts what was in force, one after the other.
    """

    __tablename__ = "contracts"
    __table_args__ = (
        Index(
            "uq_contracts_deal_id",
            "deal_id",
            unique=True,
            sqlite_where=text("state IN ('draft', 'signed')"),
            postgresql_where=text("state IN ('draft', 'signed')"),
        ),
        Index(None, "state", "id"),
    )

    deal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("deals.id"))
    state: Mapped[ContractState] = mapped_column(choice(ContractState), default=ContractState.DRAFT)
    title: Mapped[str] = mapped_column(String(300))
    kind: Mapped[ContractKind] = mapped_column(choice(ContractKind))
    total: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    technical: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    content: Mapped[dict[str, Any]]
    versions: Mapped[int] = mapped_column(default=0)
    seller_confirmed_at: Mapped[datetime | None]
    buyer_confirmed_at: Mapped[datetime | None]
    signed_on: Mapped[date | None]
    cancelled_on: Mapped[date | None]

    deal: Mapped[Deal] = relationship(lazy="raise")
    parties: Mapped[list["ContractParty"]] = relationship(
        lazy="raise",
        cascade="all, delete-orphan",
        order_by=lambda: (ContractParty.side, ContractParty.position),
    )
    proposals: Mapped[list["ContractProposal"]] = relationship(
        lazy="raise", order_by=lambda: ContractProposal.id
    )
    registrations: Mapped[list["ContractRegistration"]] = relationship(
        lazy="raise", order_by=lambda: ContractRegistration.id
    )

    def of_side(self, side: ContractSide) -> list["ContractParty"]:
        """The parties of a side, in their order."""
        return [one for one in self.parties if one.side is side]

    def confirmed_at(self, side: DealSide) -> datetime | None:
        """When a side confirmed the draft as it stands."""
        return self.seller_confirmed_at if side is DealSide.SELLER else self.buyer_confirmed_at

    @property
    def open_proposals(self) -> list["ContractProposal"]:
        """What waits for the other side's answer; there is at most one of each kind."""
        return [one for one in self.proposals if one.state is ProposalState.PROPOSED]

    @property
    def registration(self) -> "ContractRegistration | None":
        """The registration that was last applied for."""
        return self.registrations[-1] if self.registrations else None


class ContractParty(Base):
    """Who stands in a contract: sellers and buyers with shares in percent that add up to 100, and
    brokers with a commission, an amount or a percentage of what is received.

    A broker that is no organization of the platform has a name alone.
    """

    __tablename__ = "contract_parties"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    contract_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("contracts.id", ondelete="CASCADE"), index=True
    )
    side: Mapped[ContractSide] = mapped_column(choice(ContractSide))
    position: Mapped[int]
    organization_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("organizations.id"), index=True
    )
    name: Mapped[str] = mapped_column(String(200))
    share: Mapped[Decimal | None] = mapped_column(Numeric(7, 4))
    commission_amount: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    commission_percent: Mapped[Decimal | None] = mapped_column(Numeric(7, 4))


class ContractVersion(Base):
    """What was agreed, from a day on until the next version: only ever added to."""

    __tablename__ = "contract_versions"

    contract_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("contracts.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]
    reason: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(default=now)


class ContractProposal(Base):
    """An amendment (变更) or the cancellation (解除) of a contract that a side proposes.

    `content` is what would be agreed instead, null of a cancellation.
    """

    __tablename__ = "contract_proposals"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    contract_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("contracts.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[ProposalKind] = mapped_column(choice(ProposalKind))
    by: Mapped[DealSide] = mapped_column(choice(DealSide))
    state: Mapped[ProposalState] = mapped_column(
        choice(ProposalState), default=ProposalState.PROPOSED
    )
    content: Mapped[dict[str, Any] | None]
    reason: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(default=now)
    decided_at: Mapped[datetime | None]


class ContractRegistration(Base):
    """One application for registration: its days, and what became of it.

    `total` and `technical` are the amounts that the certificate states (成交额, 技术交易额).
    """

    __tablename__ = "contract_registrations"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    contract_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("contracts.id", ondelete="CASCADE"), index=True
    )
    state: Mapped[RegistrationState] = mapped_column(choice(RegistrationState))
    office: Mapped[str | None] = mapped_column(String(200))
    disputed: Mapped[bool] = mapped_column(default=False)
    applied_on: Mapped[date]
    accepted_on: Mapped[date | None]
    decided_on: Mapped[date | None]
    number: Mapped[str | None] = mapped_column(String(20), unique=True)
    total: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    technical: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    reason: Mapped[str | None] = mapped_column(String(500))


class PaymentDue(Base):
    """A payment that is due: an instalment of the plan (its `number`, from 1), or the royalty of a
    period. `due_on` is null until a milestone is reached."""

    __tablename__ = "payments_due"
    __table_args__ = (
        UniqueConstraint("contract_id", "number"),
        UniqueConstraint("contract_id", "period_start"),
        Index(None, "due_on", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    contract_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("contracts.id", ondelete="CASCADE"))
    source: Mapped[DueSource] = mapped_column(choice(DueSource))
    number: Mapped[int | None]
    period_start: Mapped[date | None]
    milestone: Mapped[str | None] = mapped_column(String(200))
    due_on: Mapped[date | None]
    amount: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    created_at: Mapped[datetime] = mapped_column(default=now)

    contract: Mapped[Contract] = relationship(lazy="raise")


class PaymentReceipt(Base):
    """Money received (到款), only ever added to: what was wrong is taken back by another of the
    same amount below zero that names it.

    `due_id` is null of a royalty that was paid without a report. `parts` says what of it is whose:
    the sellers' shares and the brokers' commissions, adding up to it.
    """

    __tablename__ = "payment_receipts"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    contract_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("contracts.id", ondelete="CASCADE"), index=True
    )
    due_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payments_due.id"), index=True)
    reverses_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("payment_receipts.id"), unique=True
    )
    amount: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    received_on: Mapped[date]
    invoice_number: Mapped[str | None] = mapped_column(String(50))
    note: Mapped[str | None] = mapped_column(Text)
    parts: Mapped[list[dict[str, Any]]]
    user_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class RoyaltyReport(Base):
    """What the buyer reports of a period, and the royalty (提成) that follows from it."""

    __tablename__ = "royalty_reports"
    __table_args__ = (UniqueConstraint("contract_id", "period_start"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    contract_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("contracts.id", ondelete="CASCADE"))
    period_start: Mapped[date]
    period_end: Mapped[date]
    base_amount: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    rate: Mapped[Decimal] = mapped_column(Numeric(7, 4))
    amount: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    user_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
