"""The search port: what an index promises, whichever engine keeps it.

Engine scores order what an engine finds; they are never shown as the quality of a match.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from kechuangtong.core.trade import ListKind

Vector = NDArray[np.float32]
Sort = Literal["relevance", "newest"]


@dataclass(frozen=True, slots=True)
class Document:
    """What of a published record the index holds; texts as typed, folding is the index's."""

    kind: ListKind
    id: str
    title: str
    keywords: tuple[str, ...]
    text: str
    organization: str
    organization_id: str
    field: str | None
    stage: str | None
    cooperation: tuple[str, ...]
    place: str | None
    published_at: datetime
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions that must all hold; of several values any one. `valid_on`: not expired then."""

    field: tuple[str, ...] | None = None
    organization_id: tuple[str, ...] | None = None
    stage: tuple[str, ...] | None = None
    cooperation: tuple[str, ...] | None = None
    place: tuple[str, ...] | None = None
    valid_on: date | None = None
    published_after: datetime | None = None
    published_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record proposed for matching: its place among the words, its cosine, or both."""

    id: str
    word_rank: int | None = None
    word_score: float | None = None
    vector_score: float | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A record found for a person."""

    id: str
    score: float


@dataclass(frozen=True, slots=True)
class Results:
    """One page of hits, how many there are in all, and counts by facet."""

    hits: list[Hit]
    total: int
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)


class SearchIndex(Protocol):
    """The reading side."""

    engine: str

    async def propose(
        self,
        kind: ListKind,
        terms: Sequence[tuple[str, float]],
        vector: Vector | None,
        filter: Filter,  # noqa: A002
        limit: int = 200,
    ) -> list[Candidate]:
        """About `limit` candidates, from weighted words and vector neighbours together."""
        ...

    async def search(
        self,
        kind: ListKind,
        q: str,
        filter: Filter,  # noqa: A002
        facets: Sequence[str],
        sort: Sort,
        offset: int,
        limit: int,
    ) -> Results:
        """What a person's words find: all of the words, or any where nothing has them all."""
        ...

    async def count(self, kind: ListKind) -> int:
        """How many records the index holds."""
        ...

    async def ids(self, kind: ListKind) -> list[str]:
        """All records that the index holds."""
        ...


class IndexWriter(Protocol):
    """The writing side; used by one thread of the one process that may write."""

    def put(self, documents: Sequence[Document]) -> None:
        """Add or replace documents; the vector that a record has stays."""

    def put_vectors(self, kind: ListKind, vectors: Sequence[tuple[str, Vector]]) -> None:
        """Set the vectors (384 floats) of records."""

    def delete(self, kind: ListKind, ids: Sequence[str]) -> None:
        """Take records out, with their vectors."""

    def commit(self) -> None:
        """Make what was done durable, and visible to every reader."""

    def close(self) -> None:
        """Let go of the index."""
