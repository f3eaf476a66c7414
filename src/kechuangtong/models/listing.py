"""What the two lists share: a record that an organization publishes for matching."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, query_expression, relationship

from kechuangtong.core.clock import today
from kechuangtong.models.base import Record, choice
from kechuangtong.models.organization import Organization


class ListingState(StrEnum):
    """Where a record of a list stands. Expired is never stored: a published one past its date."""

    DRAFT = "draft"  # 草稿
    SUBMITTED = "submitted"  # 待审核
    RETURNED = "returned"  # 退回修改
    PUBLISHED = "published"  # 已发布
    WITHDRAWN = "withdrawn"  # 已撤回
    EXPIRED = "expired"  # 已过期


def counted_by(*columns: str) -> list[Index]:
    """Indexes out of which public records are counted by columns: no record has to be read."""
    return [Index(None, "state", *one.split(), "valid_until") for one in columns]


class Listing(Record):
    """A record of a list. `identity` tells it from the others of its organization."""

    number: Mapped[str | None] = mapped_column(String(200))
    identity: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str | None] = mapped_column(Text)
    field: Mapped[str | None] = mapped_column(String(200), index=True)
    keywords: Mapped[list[str]] = mapped_column(default=list)
    cooperation: Mapped[list[str]] = mapped_column(default=list)
    place: Mapped[str | None] = mapped_column(String(200))
    contact: Mapped[dict[str, Any] | None]
    valid_until: Mapped[date | None]
    stored_state: Mapped[ListingState] = mapped_column(
        "state", choice(ListingState), default=ListingState.DRAFT
    )
    published_at: Mapped[datetime | None]

    @declared_attr
    def organization_id(cls) -> Mapped[uuid.UUID]:
        return mapped_column(ForeignKey("organizations.id"), index=True)

    @declared_attr
    def organization(cls) -> Mapped[Organization]:
        return relationship(lazy="raise")

    @declared_attr
    def introduced(cls) -> Mapped[bool | None]:
        """Whether who asks was introduced for the record; unknown where the query does not tell."""
        return query_expression()

    @property
    def past(self) -> bool:
        """Whether the last day of validity is over."""
        return self.valid_until is not None and self.valid_until < today()

    @property
    def state(self) -> ListingState:
        """The state that is shown: a published record past its date has expired."""
        if self.stored_state is ListingState.PUBLISHED and self.past:
            return ListingState.EXPIRED
        return self.stored_state
