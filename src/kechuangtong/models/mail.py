"""Mail (邮件) on its way: written with what it tells of, sent by a worker."""

import uuid
from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.models.base import Base


class Mail(Base):
    """A mail to one address. What failed waits until `due_at`; without one it is given up, for the
    reason in `problem`. The text of one that was sent by SMTP is forgotten, for it may hold a
    link that lets its reader in."""

    __tablename__ = "mails"
    __table_args__ = (Index(None, "sent_at", "due_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(300))
    text: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime | None] = mapped_column(default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]
    problem: Mapped[str | None] = mapped_column(String(500))
