"""The append-only event log: history, audit, and what webhooks tell of."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kechuangtong.core.clock import now
from kechuangtong.models.base import Base

# Compared by its characters, so that a beginning (`achievement.`) is a range of the index.
_ACTION = String(50).with_variant(String(50, collation="C"), "postgresql")


class Event(Base):
    """Who did what to which record, when, from where, with the record before and after.

    Persons are told by their ids alone, so that the log stays whole when one is forgotten.
    """

    __tablename__ = "events"
    # One for each filter of the audit, with its newest first.
    __table_args__ = (
        Index(None, "at", "id"),
        Index(None, "subject_kind", "at", "id"),
        Index(None, "action", "at", "id"),
        Index(None, "address", "at", "id"),
        Index(None, "actor_id", "at", "id"),
        Index(None, "subject_id", "at", "id"),
        Index(None, "request_id", "at", "id"),
    )

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    at: Mapped[datetime] = mapped_column(default=now)
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[uuid.UUID | None]
    key_id: Mapped[uuid.UUID | None]
    address: Mapped[str | None] = mapped_column(String(45))
    action: Mapped[str] = mapped_column(_ACTION)
    subject_kind: Mapped[str] = mapped_column(String(30))
    subject_id: Mapped[uuid.UUID]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    request_id: Mapped[str | None] = mapped_column(String(64))


class UntoldEvent(Base):
    """An event that webhooks were not told of yet: written with it, and taken away in the
    transaction that makes its deliveries.

    A cursor over the log would not do: ids are given out before the commit, so that one which is
    committed late stands before what was read already.
    """

    __tablename__ = "untold_events"

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"), primary_key=True)
    event: Mapped[Event] = relationship(lazy="raise")
