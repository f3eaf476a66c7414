"""What people say of matches."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.models.base import Base, choice


class Verdict(StrEnum):
    """Whether a match helped."""

    USEFUL = "useful"  # 有用
    WRONG = "wrong"  # 不合适


class FeedbackReason(StrEnum):
    """Why a match is wrong."""

    OTHER_FIELD = "other_field"  # 领域不符
    OTHER_PROBLEM = "other_problem"  # 领域相同，但不解决此问题
    TOO_EARLY = "too_early"  # 成熟度不够
    TOO_DEAR = "too_dear"  # 价格过高
    TOO_FAR = "too_far"  # 距离太远
    ALREADY_KNOWN = "already_known"  # 已了解
    NO_LONGER_OPEN = "no_longer_open"  # 已失效


class MatchFeedback(Base):
    """What one user says of one pair, with how the pair was ranked when it was said."""

    __tablename__ = "match_feedback"
    __table_args__ = (UniqueConstraint("user_id", "demand_id", "achievement_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    demand_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("demands.id", ondelete="CASCADE"), index=True
    )
    achievement_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("achievements.id", ondelete="CASCADE"), index=True
    )
    verdict: Mapped[Verdict] = mapped_column(choice(Verdict))
    reasons: Mapped[list[str]] = mapped_column(default=list)
    comment: Mapped[str | None] = mapped_column(Text)
    ranker: Mapped[str] = mapped_column(String(50))
    score: Mapped[float]
    grade: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
