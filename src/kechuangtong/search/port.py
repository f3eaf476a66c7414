"""The search port: what an index promises, whichever engine keeps it.

Engine scores order what an engine finds; they are never shown as the quality of a match.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from kechuangtong.core.trade import IndexKind

Vector = NDArray[np.float32]
Sort = Literal["relevance", "newest"]

# What of a document is compared and counted as a whole.
CHOICES: Final = (
    "field",
    "organization_id",
    "stage",
    "cooperation",
    "place",
    "classes",
    "instrument_kind",
    "share_mode",
)
_FUSION: Final = 60  # of reciprocal ranks (Cormack, Clarke, Büttcher 2009)


class EngineFailed(RuntimeError):
    """The engine cannot be reached, or cannot work at present; the same may go well later."""


class DocumentsRefused(RuntimeError):
    """The engine will not take these documents as they are; it says why."""


class WriterBusy(RuntimeError):
    """Another process writes an index that has one writer at a time."""


@dataclass(frozen=True, slots=True)
class Document:
    """What of a published record the index holds; texts as typed, folding is the index's.

    `classes`: the code of an instrument's class (分类编码) at each of its levels.
    """

    kind: IndexKind
    id: str
    title: str
    keywords: tuple[str, ...]
    text: str
    organization: str | None
    organization_id: str | None
    field: str | None
    stage: str | None
    cooperation: tuple[str, ...]
    place: str | None
    published_at: datetime
    valid_until: date | None
    classes: tuple[str, ...] = ()
    instrument_kind: str | None = None
    share_mode: str | None = None

    @property
    def digest(self) -> str:
        """What tells this content from another of the same record."""
        content = json.dumps(asdict(self), default=str, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions that must all hold; of several values any one. `valid_on`: not expired then."""

    field: tuple[str, ...] | None = None
    organization_id: tuple[str, ...] | None = None
    stage: tuple[str, ...] | None = None
    cooperation: tuple[str, ...] | None = None
    place: tuple[str, ...] | None = None
    classes: tuple[str, ...] | None = None
    instrument_kind: tuple[str, ...] | None = None
    share_mode: tuple[str, ...] | None = None
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
        kind: IndexKind,
        terms: Sequence[tuple[str, float]],
        vector: Vector | None,
        filter: Filter,  # noqa: A002
        limit: int = 200,
    ) -> list[Candidate]:
        """About `limit` candidates, from weighted words and vector neighbours together."""
        ...

    async def search(
        self,
        kind: IndexKind,
        q: str,
        filter: Filter,  # noqa: A002
        facets: Sequence[str],
        sort: Sort,
        offset: int,
        limit: int,
    ) -> Results:
        """What a person's words find: all of the words, or any where nothing has them all."""
        ...

    async def count(self, kind: IndexKind) -> int:
        """How many records the index holds."""
        ...

    async def contents(self, kind: IndexKind) -> dict[str, str]:
        """The digests of all documents that the index holds, by record."""
        ...

    async def close(self) -> None:
        """Let go of what reading needs."""


class IndexWriter(Protocol):
    """The writing side; used by one thread. Raises EngineFailed and DocumentsRefused."""

    def put(self, documents: Sequence[Document]) -> None:
        """Add or replace documents; the vector that a record has stays."""

    def put_vectors(self, kind: IndexKind, vectors: Sequence[tuple[str, Vector]]) -> None:
        """Set the vectors (384 floats) of records that are in the index."""

    def delete(self, kind: IndexKind, ids: Sequence[str]) -> None:
        """Take records out, with their vectors."""

    def commit(self) -> None:
        """Return when what was done is durable, and visible to every reader."""

    def check(self) -> None:
        """Raises EngineFailed where the index is no longer there to be written."""

    def close(self) -> None:
        """Let go of the index; what was not committed may be forgotten."""


class SearchEngine(Protocol):
    """An engine: its reading side, and how its indexes are written and replaced."""

    name: str
    # Whether several processes may write at once.
    shared: bool

    def reader(self) -> SearchIndex:
        """The reading side."""
        ...

    def lock(self) -> AbstractContextManager[None]:
        """The right to write; held where there is one writer at a time. Raises WriterBusy."""
        ...

    def about(self) -> dict[str, str | int]:
        """What an index depends on beside the lists: where it differs, it is built anew."""
        ...

    def prepare(self) -> None:
        """Make what readers need and is not there, empty."""

    def live(self) -> IndexWriter | None:
        """A writer of the live index; None where there is none that is whole."""
        ...

    def new(self) -> IndexWriter:
        """A writer of a new, empty index beside the live one."""
        ...

    def make_live(self, writer: IndexWriter) -> None:
        """Let readers use this index, committed before, from now on; the one before is removed."""

    def remove(self) -> None:
        """Remove the indexes; for those made for a while."""


def fuse(
    by_words: Sequence[tuple[str, float]], by_vector: Sequence[tuple[str, float]], limit: int
) -> list[Candidate]:
    """Candidates out of two rankings (record and score, best first), by the sum of reciprocal
    ranks."""
    fused: dict[str, float] = {}
    for ranking in (by_words, by_vector):
        for rank, (one, _) in enumerate(ranking):
            fused[one] = fused.get(one, 0.0) + 1 / (_FUSION + rank)
    words = {one: (rank, score) for rank, (one, score) in enumerate(by_words)}
    vectors = dict(by_vector)
    return [
        Candidate(
            one,
            word_rank=words[one][0] if one in words else None,
            word_score=words[one][1] if one in words else None,
            vector_score=vectors.get(one),
        )
        for one in sorted(fused, key=lambda one: (-fused[one], one))[:limit]
    ]
