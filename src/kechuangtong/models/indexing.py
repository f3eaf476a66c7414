"""What stands between the records and the search index: marks, profiles, vectors, counts."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kechuangtong.core.clock import now
from kechuangtong.core.trade import IndexKind
from kechuangtong.models.base import Base, choice


class Part(StrEnum):
    """What of a record is to be brought to the index: words at once, vectors when there is time.

    `replay`: it is in the live index, and must be put once more when the one that is being built
    beside it takes its place. `built`: the index that is being built takes it in, unless it is
    marked anew meanwhile.
    """

    WORDS = "words"
    VECTORS = "vectors"
    REPLAY = "replay"
    BUILT = "built"


class IndexMark(Base):
    """A record that the index must look at again; written with the change, removed when done.

    `revision` grows with each marking, so that a change during indexing is not lost. A process
    that works on a record holds its mark until `claimed_until`, so that no other overtakes it. What
    failed waits until `due_at`; without one it is set aside, for the reason in `problem`.
    """

    __tablename__ = "index_marks"
    __table_args__ = (Index(None, "part", "due_at", "marked_at"),)

    kind: Mapped[IndexKind] = mapped_column(choice(IndexKind), primary_key=True)
    record_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    part: Mapped[Part] = mapped_column(choice(Part))
    revision: Mapped[int] = mapped_column(default=1)
    marked_at: Mapped[datetime] = mapped_column(default=now)
    claimed_by: Mapped[uuid.UUID | None]
    claimed_until: Mapped[datetime | None]
    due_at: Mapped[datetime | None] = mapped_column(default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str | None] = mapped_column(String(500))


class IndexRebuild(Base):
    """A wish that the index be built anew, and the process that does it while `claimed_until`."""

    __tablename__ = "index_rebuilds"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    requested_at: Mapped[datetime] = mapped_column(default=now)
    claimed_by: Mapped[uuid.UUID | None]
    claimed_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class LiveIndex(Base):
    """What an engine's live index was made with; where that is no longer right, it is rebuilt.

    `model` names the vectors that it holds: those are the ones that matching compares.
    """

    __tablename__ = "live_indexes"

    engine: Mapped[str] = mapped_column(String(20), primary_key=True)
    made_with: Mapped[dict[str, Any]]
    model: Mapped[str | None] = mapped_column(String(100))
    live_since: Mapped[datetime] = mapped_column(default=now)


class Profile(Base):
    """What matching needs of a published record, computed once per record (matching.profiles)."""

    __tablename__ = "profiles"

    kind: Mapped[IndexKind] = mapped_column(choice(IndexKind), primary_key=True)
    record_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    format: Mapped[int]
    title_words: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    numbers: Mapped[bytes] = mapped_column(LargeBinary)
    title_hash: Mapped[str] = mapped_column(String(64))
    text_hash: Mapped[str] = mapped_column(String(64))


class Vector(Base):
    """A text's vector, 384 float32 in little-endian order, kept so that it is computed once."""

    __tablename__ = "vectors"

    model: Mapped[str] = mapped_column(String(100), primary_key=True)
    role: Mapped[str] = mapped_column(String(10), primary_key=True)
    text_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class TermCount(Base):
    """In how many published records of both lists a word stands; of the empty word: in all."""

    __tablename__ = "term_counts"

    term: Mapped[str] = mapped_column(String(200), primary_key=True)
    documents: Mapped[int]
