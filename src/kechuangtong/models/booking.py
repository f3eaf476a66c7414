"""Bookings (预约) of instruments, and the units that they hold."""

import uuid
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Numeric, String, Text, literal_column
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.models.base import Base, Record, choice
from kechuangtong.models.instrument import Instrument, UserClass
from kechuangtong.models.organization import Organization


class BookingState(StrEnum):
    """Where a booking stands. Lapsed is also shown of one that waited for approval too long and has
    not been noted as such yet."""

    WAITING = "waiting"  # 候补
    REQUESTED = "requested"  # 待批准
    APPROVED = "approved"  # 已批准
    IN_USE = "in_use"  # 使用中
    FINISHED = "finished"  # 已完成
    DECLINED = "declined"  # 已谢绝
    CANCELLED = "cancelled"  # 已取消
    LAPSED = "lapsed"  # 逾期失效
    NO_SHOW = "no_show"  # 爽约


class Booking(Record, Base):
    """Instruments of one owner for one time: all of them, or none.

    `organization_id` uses them, and `user_id` is the person for whom they are booked; where the
    owner's staff booked on behalf of them, `created_by` is another. A request that is not decided
    lapses at `held_until`, one that waits for a place at its beginning.
    """

    __tablename__ = "bookings"
    __table_args__ = (
        Index(None, "organization_id", "starts_at"),
        Index(None, "owner_id", "starts_at"),
        Index(None, "state", "held_until"),
    )

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id"))
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id"))
    user_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    created_by: Mapped[uuid.UUID | None]
    user_class: Mapped[UserClass] = mapped_column(choice(UserClass))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    stored_state: Mapped[BookingState] = mapped_column("state", choice(BookingState))
    held_until: Mapped[datetime | None]
    purpose: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(String(500))
    series_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    samples: Mapped[int | None]
    content: Mapped[str | None] = mapped_column(String(500))
    rating: Mapped[int | None]
    comment: Mapped[str | None] = mapped_column(String(500))

    organization: Mapped[Organization] = relationship(foreign_keys=organization_id, lazy="raise")
    owner: Mapped[Organization] = relationship(foreign_keys=owner_id, lazy="raise")
    items: Mapped[list["BookingItem"]] = relationship(
        lazy="raise", order_by=lambda: (BookingItem.instrument_id, BookingItem.unit)
    )

    @property
    def state(self) -> BookingState:
        """The state that is shown."""
        if self.held_until is not None and self.held_until <= now():
            return BookingState.LAPSED
        return self.stored_state


class BookingItem(Base):
    """One unit of an instrument in a booking: held for its time while it `holds`.

    What is not approved holds until `held_until` at most. What waits has no unit: 0. `hours` are
    those of use, `price` the one that was in force at the booking's start, both null before the end
    or, the price, where there was none.
    """

    __tablename__ = "booking_items"
    __table_args__ = (
        Index(None, "instrument_id", "ends_at"),
        # The database's own word on it; on SQLite one writer at a time looks before it writes.
        ExcludeConstraint(
            ("instrument_id", "="),
            ("unit", "="),
            (literal_column("tstzrange(starts_at, ends_at)"), "&&"),
            where="holds",
            name="no_overlap_booking_items",
        ).ddl_if(dialect="postgresql"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    booking_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("bookings.id", ondelete="CASCADE"), index=True
    )
    instrument_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("instruments.id"))
    unit: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    holds: Mapped[bool]
    held_until: Mapped[datetime | None]
    hours: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    price: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    fee: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))

    instrument: Mapped[Instrument] = relationship(lazy="raise")
