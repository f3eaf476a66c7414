"""The processes that do background work, and what they do from time to time."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from kechuangtong.core.clock import now
from kechuangtong.models.base import Base


class Worker(Base):
    """A process that works, and when it last said so: what one held that fell silent, others do."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(default=now)


class Schedule(Base):
    """Work that is done again and again, and when it was last begun and then finished."""

    __tablename__ = "schedules"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    last_run_at: Mapped[datetime]
