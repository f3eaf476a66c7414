"""Who signs in, for whom they act, and answers kept for repeated requests."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kechuangtong.core.clock import now
from kechuangtong.models.base import Base, Record


class User(Record, Base):
    """A person who signs in; an administrator acts for the whole platform."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("name"),)

    name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str] = mapped_column(String(200))
    administrator: Mapped[bool] = mapped_column(default=False)
    memberships: Mapped[list["Membership"]] = relationship(lazy="raise")


class Membership(Base):
    """A user acts for an organization."""

    __tablename__ = "memberships"

    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    organization_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    )
    created_at: Mapped[datetime] = mapped_column(default=now)


class IdempotentAnswer(Base):
    """The answer to a request that bore an Idempotency-Key, kept for its repetition."""

    __tablename__ = "idempotent_answers"

    caller: Mapped[str] = mapped_column(String(64), primary_key=True)
    route: Mapped[str] = mapped_column(String(300), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)
