"""Webhooks: who is told of events over HTTP, what is to be told, and each try to tell it."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.models.base import Base, Record, choice
from kechuangtong.models.event import Event


class DisabledReason(StrEnum):
    """Why an endpoint was disabled other than by its own people."""

    GONE = "gone"  # 对方答复 410
    FAILING = "failing"  # 连续多日失败


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"  # 待送达
    SUCCEEDED = "succeeded"  # 已送达
    FAILED = "failed"  # 未送达


class Webhook(Record, Base):
    """An address of an organization that is told of events: names, or beginnings (`deal.*`).

    Its secrets are not stored: `secret_number` says which of those that are derived is signed with
    (`webhooks.signing`), and until a day after `rotated_at` the one before is, too.
    """

    __tablename__ = "webhooks"

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    url: Mapped[str] = mapped_column(String(2_000))
    description: Mapped[str | None] = mapped_column(String(200))
    event_types: Mapped[list[str]]
    active: Mapped[bool] = mapped_column(default=True)
    disabled_reason: Mapped[DisabledReason | None] = mapped_column(choice(DisabledReason))
    failing_since: Mapped[datetime | None]
    secret_number: Mapped[int] = mapped_column(default=1)
    rotated_at: Mapped[datetime | None]


class WebhookDelivery(Base):
    """An event that an endpoint is told of, once: its id is the message's, however often it is
    sent.

    `attempts` counts all tries, `tries` those since it was last to be sent. The next is made at
    `due_at`; until `busy_until` one is being made. What is shown of an answer is the latest.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("webhook_id", "event_id"),
        Index(None, "webhook_id", "id"),
        Index(None, "state", "due_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    webhook_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"))
    type: Mapped[str] = mapped_column(String(50))
    state: Mapped[DeliveryState] = mapped_column(
        choice(DeliveryState), default=DeliveryState.PENDING
    )
    attempts: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(default=now)
    busy_until: Mapped[datetime | None]
    status: Mapped[int | None]
    duration_ms: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]

    webhook: Mapped[Webhook] = relationship(lazy="raise")
    event: Mapped[Event] = relationship(lazy="raise")


class WebhookAttempt(Base):
    """One try of a delivery, numbered from 1: what was answered within how many milliseconds, or
    why nothing was; `excerpt` is how the answer's body begins."""

    __tablename__ = "webhook_attempts"

    delivery_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    status: Mapped[int | None]
    duration_ms: Mapped[int]
    error: Mapped[str | None] = mapped_column(String(500))
    excerpt: Mapped[str | None] = mapped_column(String(1_000))
