"""Match runs (批量匹配): one list, or a part of it, matched against the other; pairs are kept."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.core.trade import ListKind
from kechuangtong.models.base import Base, choice


class MatchRunState(StrEnum):
    """Where a match run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"  # 已取消: the pairs found until then stay


class PairChange(StrEnum):
    """What became of a pair since the run before."""

    NEW = "new"  # 新增
    KEPT = "kept"  # 保留
    GONE = "gone"  # 消失


class MatchRun(Base):
    """What was asked of which list, for an organization or (null) the platform, and how far it is:
    `done` of `total` records, in the order of their ids up to `reached`.

    `query` is the question, `query_hash` finds the earlier runs of the same; `previous_id` is the
    one that it is compared with.
    """

    __tablename__ = "match_runs"
    __table_args__ = (Index(None, "organization_id", "query_hash"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organizations.id"))
    user_id: Mapped[uuid.UUID | None]
    key_id: Mapped[uuid.UUID | None]
    kind: Mapped[ListKind] = mapped_column(choice(ListKind))
    query: Mapped[dict[str, Any]]
    query_hash: Mapped[str] = mapped_column(String(64))
    state: Mapped[MatchRunState] = mapped_column(
        choice(MatchRunState), default=MatchRunState.QUEUED
    )
    previous_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("match_runs.id", ondelete="SET NULL"), index=True
    )
    total: Mapped[int | None]
    done: Mapped[int] = mapped_column(default=0)
    reached: Mapped[uuid.UUID] = mapped_column(default=uuid.UUID(int=0))
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    ranker: Mapped[str | None] = mapped_column(String(50))
    engine: Mapped[str | None] = mapped_column(String(50))
    degraded_zh: Mapped[str | None] = mapped_column(String(500))
    degraded_en: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class MatchRunPair(Base):
    """A pair that a run found, or (gone) that the run before had found: `record_id` is of the list
    that was matched, `other_id` of the other.

    `record_version` and `other_version` are those of the records as they were judged; `reasons`
    point into them. `grade_before` is the grade that a kept pair had.
    """

    __tablename__ = "match_run_pairs"
    __table_args__ = (Index(None, "run_id", "score", "record_id", "other_id"),)

    run_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("match_runs.id", ondelete="CASCADE"), primary_key=True
    )
    record_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    other_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    change: Mapped[PairChange] = mapped_column(choice(PairChange))
    score: Mapped[float]
    grade: Mapped[int]
    grade_before: Mapped[int | None]
    record_version: Mapped[int]
    other_version: Mapped[int]
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
