"""Imports of spreadsheets, and what became of each row."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from kechuangtong.core.clock import now
from kechuangtong.core.trade import ImportKind
from kechuangtong.models.base import Base, choice


class ImportState(StrEnum):
    """Where an import stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"  # 已取消: the rows done until then stay
    UNDONE = "undone"  # 已撤销


class Outcome(StrEnum):
    """What became of a row."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


class Import(Base):
    """One file on its way into a list: `done` of `total` rows have been dealt with. `mapping` is
    what callers say of columns, `columns` as what each was read."""

    __tablename__ = "imports"
    __table_args__ = (Index(None, "file_hash", "kind"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[ImportKind] = mapped_column(choice(ImportKind))
    organization_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("organizations.id"), index=True
    )
    user_id: Mapped[uuid.UUID | None]
    key_id: Mapped[uuid.UUID | None]
    file_name: Mapped[str] = mapped_column(String(255))
    file_hash: Mapped[str] = mapped_column(String(64))
    dry_run: Mapped[bool] = mapped_column(default=False)
    state: Mapped[ImportState] = mapped_column(choice(ImportState), default=ImportState.QUEUED)
    sheet: Mapped[str | None] = mapped_column(String(255))
    header_row: Mapped[int | None]
    columns: Mapped[dict[str, Any] | None]
    mapping: Mapped[dict[str, Any] | None]
    total: Mapped[int | None]
    done: Mapped[int] = mapped_column(default=0)
    counts: Mapped[dict[str, Any]] = mapped_column(
        default=lambda: {outcome.value: 0 for outcome in Outcome}
    )
    failure_code: Mapped[str | None] = mapped_column(String(50))
    failure_zh: Mapped[str | None] = mapped_column(String(500))
    failure_en: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


class ColumnMapping(Base):
    """What an organization's people have said of columns of their lists: header as typed, and its
    field or null. Where an organization is merged into another, what that one has said counts."""

    __tablename__ = "column_mappings"

    organization_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[ImportKind] = mapped_column(choice(ImportKind), primary_key=True)
    columns: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class ImportRow(Base):
    """A row with content and its outcome; `identity` finds its repetitions in the same file.

    `version` is the record's after the row, and `before` how a record that it changed was.
    """

    __tablename__ = "import_rows"
    __table_args__ = (Index(None, "import_id", "owner", "identity"),)

    import_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True
    )
    row: Mapped[int] = mapped_column(primary_key=True)
    outcome: Mapped[Outcome] = mapped_column(choice(Outcome))
    of_row: Mapped[int | None]
    owner: Mapped[str | None] = mapped_column(String(450))
    identity: Mapped[str | None] = mapped_column(String(64))
    record_id: Mapped[uuid.UUID | None]
    version: Mapped[int | None]
    before: Mapped[dict[str, Any] | None]
    problems: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
