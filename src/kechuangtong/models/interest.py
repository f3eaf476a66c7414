"""Interest (对接意向) and introduction (引荐): the first contact of two sides."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.core.trade import ListKind
from kechuangtong.models.achievement import Achievement
from kechuangtong.models.base import Base, Record, choice
from kechuangtong.models.demand import Demand
from kechuangtong.models.organization import Organization


class InterestState(StrEnum):
    """Where an interest stands."""

    EXPRESSED = "expressed"  # 待答复
    ASKED = "asked"  # 已提问，待对方答复
    ACCEPTED = "accepted"  # 已接受
    DECLINED = "declined"  # 已谢绝
    WITHDRAWN = "withdrawn"  # 已撤回


class DeclineReason(StrEnum):
    """Why an interest is declined. Those that say something of the pair are those of feedback."""

    OTHER_FIELD = "other_field"  # 领域不符
    OTHER_PROBLEM = "other_problem"  # 领域相同，但不解决此问题
    TOO_EARLY = "too_early"  # 成熟度不够
    TOO_DEAR = "too_dear"  # 价格过高
    TOO_FAR = "too_far"  # 距离太远
    ALREADY_KNOWN = "already_known"  # 已了解
    NO_LONGER_OPEN = "no_longer_open"  # 已失效
    RIGHTS_BOUND = "rights_bound"  # 权利已许可或转让他人
    NO_CAPACITY = "no_capacity"  # 暂无力量
    PARTNER_UNSUITABLE = "partner_unsuitable"  # 合作方不合适


class Interest(Record, Base):
    """An organization's interest in a record of another's: `subject_kind` says in which of the two.

    The other of `achievement_id` and `demand_id`, where it is set, is the record of one's own that
    it comes from, as in a match, and `match` what the ranking said of the two. `owner_id` is the
    organization that answers; it first did so at `answered_at`.
    """

    __tablename__ = "interests"
    __table_args__ = (
        Index(None, "organization_id", "state"),
        Index(None, "owner_id", "state"),
    )

    subject_kind: Mapped[ListKind] = mapped_column(choice(ListKind))
    achievement_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("achievements.id"), index=True
    )
    demand_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("demands.id"), index=True)
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id"))
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id"))
    user_id: Mapped[uuid.UUID | None]
    state: Mapped[InterestState] = mapped_column(
        choice(InterestState), default=InterestState.EXPRESSED
    )
    reason: Mapped[DeclineReason | None] = mapped_column(choice(DeclineReason))
    match: Mapped[dict[str, Any] | None]
    answered_at: Mapped[datetime | None]

    achievement: Mapped[Achievement | None] = relationship(lazy="raise")
    demand: Mapped[Demand | None] = relationship(lazy="raise")
    organization: Mapped[Organization] = relationship(foreign_keys=organization_id, lazy="raise")
    owner: Mapped[Organization] = relationship(foreign_keys=owner_id, lazy="raise")
    introduction: Mapped["Introduction | None"] = relationship(
        back_populates="interest", lazy="raise"
    )

    @property
    def subject(self) -> Achievement | Demand:
        """The record that the interest is in."""
        subject = self.demand if self.subject_kind is ListKind.DEMAND else self.achievement
        assert subject is not None
        return subject


class InterestMessage(Base):
    """What one side wrote to the other."""

    __tablename__ = "interest_messages"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    interest_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("interests.id", ondelete="CASCADE"), index=True
    )
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id"))
    user_id: Mapped[uuid.UUID | None]
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Introduction(Base):
    """Both sides have agreed to meet: each sees who the other is and whom to call.

    A deal can start from it. `accepted_by` is the person who agreed for the owner.
    """

    __tablename__ = "introductions"
    __table_args__ = (
        Index(None, "demand_id", "organization_id"),
        Index(None, "achievement_id", "organization_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    interest_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("interests.id"), unique=True)
    achievement_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("achievements.id"))
    demand_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("demands.id"))
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    accepted_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=now)

    interest: Mapped[Interest] = relationship(back_populates="introduction", lazy="raise")


class SavedSearch(Record, Base):
    """A search that an organization keeps, told of what is new in it; `query` is its parameters.

    What was published after `seen_until` is new.
    """

    __tablename__ = "saved_searches"

    organization_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    name: Mapped[str] = mapped_column(String(200))
    query: Mapped[dict[str, Any]]
    mail: Mapped[bool] = mapped_column(default=True)
    seen_until: Mapped[datetime] = mapped_column(default=now)
