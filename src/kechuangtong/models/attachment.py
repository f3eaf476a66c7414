"""Attachments (附件) of records: who may have them, and where their content is kept."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from kechuangtong.core.clock import now
from kechuangtong.models.base import Base, Record, choice


class AttachedTo(StrEnum):
    """What a file is beside."""

    ACHIEVEMENT = "achievement"  # 成果
    DEMAND = "demand"  # 需求
    INSTRUMENT = "instrument"  # 仪器: its photographs
    DEAL = "deal"  # 交易: its documents


class Access(StrEnum):
    """Who may have an attachment besides the organization's own people."""

    PUBLIC = "public"  # 公开
    SIGNED_IN = "signed_in"  # 登录可见
    LET_IN = "let_in"  # 仅限获准单位: those introduced, and those named


class Attachment(Record, Base):
    """A file beside a record; its content is in the store under its id.

    Photographs have a caption and a position: the first is the main one.
    """

    __tablename__ = "attachments"
    __table_args__ = (Index(None, "subject_kind", "subject_id"),)

    subject_kind: Mapped[AttachedTo] = mapped_column(choice(AttachedTo))
    subject_id: Mapped[uuid.UUID]
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    user_id: Mapped[uuid.UUID | None]
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    access: Mapped[Access] = mapped_column(choice(Access))
    caption: Mapped[str | None] = mapped_column(String(200))
    position: Mapped[int | None]


class AttachmentGrant(Base):
    """An organization that is let in to an attachment."""

    __tablename__ = "attachment_grants"

    attachment_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("attachments.id", ondelete="CASCADE"), primary_key=True
    )
    organization_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    )
    created_at: Mapped[datetime] = mapped_column(default=now)
