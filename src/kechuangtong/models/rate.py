"""How often callers called, counted across processes."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from kechuangtong.models.base import Base


class RateCount(Base):
    """Calls of one caller in one window of time, which ends at `expires_at`."""

    __tablename__ = "rate_counts"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    count: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(index=True)
