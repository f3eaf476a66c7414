"""Editions (动态清单): a list as it was on a day, under a number."""

import uuid
from datetime import date, datetime

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.core.trade import ListKind
from kechuangtong.models.base import Base, choice


class Edition(Base):
    """What was published on a day, with what came, went and changed since the edition before.

    `sha256` is that of its NDJSON; null from when a record in it was masked until it is asked for.
    """

    __tablename__ = "editions"
    __table_args__ = (UniqueConstraint("kind", "number"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[ListKind] = mapped_column(choice(ListKind))
    number: Mapped[int]
    date: Mapped[date]
    created_at: Mapped[datetime] = mapped_column(default=now)
    count: Mapped[int]
    came: Mapped[int]
    went: Mapped[int]
    changed: Mapped[int]
    sha256: Mapped[str | None] = mapped_column(String(64))


class EditionRecord(Base):
    """A record as the public saw it, in all editions from `first` to `last`; null: up to the
    newest. So what stays as it is is kept once.

    `text` is its line of the NDJSON, `digest` that line's. `masked`: its enterprise has become
    anonymous since, and is not told any more.
    """

    __tablename__ = "edition_records"
    __table_args__ = (Index(None, "kind", "first"), Index(None, "kind", "last", "record_id"))

    kind: Mapped[ListKind] = mapped_column(choice(ListKind), primary_key=True)
    record_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    first: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int | None]
    digest: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    masked: Mapped[bool] = mapped_column(default=False)
