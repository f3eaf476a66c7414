"""Ownership of an achievement (成果权属): whose it is, and how its reward is shared."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kechuangtong.core.clock import now, today
from kechuangtong.core.db import new_id
from kechuangtong.models.base import Base, choice
from kechuangtong.models.organization import Organization


class OwnershipKind(StrEnum):
    """How the rights in a job achievement (职务科技成果) are divided."""

    UNIT_OWNED = "unit_owned"  # 单位所有
    SHARED = "shared"  # 赋权：成果完成人持有所有权份额
    LONG_TERM_USE = "long_term_use"  # 单位所有，成果完成人有长期使用权


class Ownership(Base):
    """One version of an achievement's ownership, numbered from 1; none is ever changed.

    It holds from the day `from_on` on, and stands before every version of a lower number there.
    `use_years` is the term of a long-term right of use.
    """

    __tablename__ = "ownerships"
    __table_args__ = (UniqueConstraint("achievement_id", "number"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    achievement_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("achievements.id", ondelete="CASCADE")
    )
    number: Mapped[int]
    kind: Mapped[OwnershipKind] = mapped_column(choice(OwnershipKind))
    from_on: Mapped[date]
    use_years: Mapped[int | None]
    agreement: Mapped[str | None] = mapped_column(String(500))
    agreed_on: Mapped[date | None]
    attachment_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("attachments.id", ondelete="SET NULL")
    )
    user_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=now)

    units: Mapped[list["OwnershipUnit"]] = relationship(
        lazy="raise", order_by=lambda: OwnershipUnit.position
    )
    inventors: Mapped[list["Inventor"]] = relationship(
        lazy="raise", order_by=lambda: Inventor.position
    )


class OwnershipUnit(Base):
    """A unit's share of the rights in an achievement, in percent."""

    __tablename__ = "ownership_units"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    ownership_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("ownerships.id", ondelete="CASCADE"), index=True
    )
    position: Mapped[int]
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    share: Mapped[Decimal] = mapped_column(Numeric(7, 4))

    organization: Mapped[Organization] = relationship(lazy="raise")


class Inventor(Base):
    """A person who has a part in an achievement: `share` of the rights and `contribution` to it,
    by which its reward is divided, both in percent."""

    __tablename__ = "inventors"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    ownership_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("ownerships.id", ondelete="CASCADE"), index=True
    )
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(100))
    share: Mapped[Decimal] = mapped_column(Numeric(7, 4))
    contribution: Mapped[Decimal] = mapped_column(Numeric(7, 4))
    main: Mapped[bool]
    transfer_staff: Mapped[bool]


class Preference(StrEnum):
    """What came of an offer of first refusal (优先受让权)."""

    OPEN = "open"  # 待答复
    TAKEN = "taken"  # 行使优先受让权
    DECLINED = "declined"  # 放弃
    LAPSED = "lapsed"  # 逾期未答复; never stored: an open one past its last day


class FirstRefusal(Base):
    """A transfer offered to the makers of a job achievement at the price at which it stands; the
    owner notes what they answer until the day `answer_until`."""

    __tablename__ = "first_refusals"
    __table_args__ = (Index(None, "sale_id", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    sale_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sales.id", ondelete="CASCADE"))
    price: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    answer_until: Mapped[date]
    stored_answer: Mapped[Preference] = mapped_column(
        "answer", choice(Preference), default=Preference.OPEN
    )
    answered_on: Mapped[date | None]
    note: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(default=now)

    @property
    def answer(self) -> Preference:
        """What came of it, as it is shown."""
        if self.stored_answer is Preference.OPEN and self.answer_until < today():
            return Preference.LAPSED
        return self.stored_answer
