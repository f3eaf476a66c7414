"""The embedded engine: words in tantivy, vectors in a file searched exactly by usearch.

    index/lock              held by the one process that writes
    index/current           the name of the live generation, replaced atomically
    index/<generation>/<kind>/words/        a tantivy index
    index/<generation>/<kind>/vectors.f16   rows of 384 half floats, appended
    index/<generation>/<kind>/vectors.ids   the record of each row, 16 bytes each

Readers, in this process or another, notice commits and new generations by themselves. A vector
file only grows: a later row of a record supersedes an earlier one, and a row that a crash left
incomplete is cut off; the next generation leaves behind what is superseded.
"""

import asyncio
import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import Any, Final, ParamSpec

import numpy as np
import tantivy
from tantivy import Occur, Query
from usearch.compiled import MetricKind
from usearch.index import search

from kechuangtong.core import text as texts
from kechuangtong.core.trade import IndexKind
from kechuangtong.matching.embedding import DIMENSIONS
from kechuangtong.search.port import (
    CHOICES,
    Candidate,
    Document,
    EngineFailed,
    Filter,
    Hit,
    IndexWriter,
    Results,
    Sort,
    Vector,
    WriterBusy,
    fuse,
)
from kechuangtong.search.query import query_words

P = ParamSpec("P")

SCHEMA: Final = 3
_NEVER: Final = date.max.toordinal()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FACETS: Final = 100


class _Vectors:
    """A kind's vector file as a reader sees it: the newest complete row of each record."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._size = 0
        self._ids: list[str] = []
        self._rows: dict[str, int] = {}
        self._matrix: np.ndarray[Any, np.dtype[np.float16]] = np.empty((0, DIMENSIONS), np.float16)

    def refresh(self) -> None:
        ids, vectors = self._folder / "vectors.ids", self._folder / "vectors.f16"
        if not ids.exists():
            return
        # Buffers reach the disk in pieces: count what is whole in both.
        size = min(ids.stat().st_size // 16, vectors.stat().st_size // (DIMENSIONS * 2))
        if size == self._size:
            return
        with ids.open("rb") as file:
            file.seek(self._size * 16)
            new = file.read((size - self._size) * 16)
        for start in range(0, len(new), 16):
            one = str(uuid.UUID(bytes=new[start : start + 16]))
            self._rows[one] = len(self._ids)
            self._ids.append(one)
        self._size = size
        self._matrix = np.memmap(vectors, np.float16, "r", shape=(size, DIMENSIONS))

    def nearest(self, vector: Vector, count: int) -> list[tuple[str, float]]:
        """Up to `count` records and their cosines, nearest first; all rows where it is more."""
        if self._size == 0:
            return []
        wanted = min(count, self._size)
        found = search(self._matrix, vector.astype(np.float16), wanted, MetricKind.IP, exact=True)
        return [
            (one, 1.0 - float(distance))
            for row, distance in zip(found.keys, found.distances, strict=True)
            if self._rows[one := self._ids[int(row)]] == int(row)
        ]

    def __len__(self) -> int:
        return self._size


class _Kind:
    """One kind of records of a generation, opened for reading."""

    def __init__(self, folder: Path) -> None:
        self.words = tantivy.Index.open(str(folder / "words"))
        self.vectors = _Vectors(folder)
        self.lock = Lock()

    def refresh(self) -> tantivy.Searcher:
        with self.lock:
            self.vectors.refresh()
            self.words.reload()
            return self.words.searcher()


class EmbeddedIndex:
    """The reading side; safe to use from several threads, beside a writer anywhere."""

    engine = "embedded"

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = Lock()
        self._generation: str | None = None
        self._kinds: dict[IndexKind, _Kind] = {}

    async def propose(
        self,
        kind: IndexKind,
        terms: Sequence[tuple[str, float]],
        vector: Vector | None,
        filter: Filter,  # noqa: A002
        limit: int = 200,
    ) -> list[Candidate]:
        """See the port; words and neighbours are fused by the sum of reciprocal ranks."""
        return await asyncio.to_thread(self._propose, kind, terms, vector, filter, limit)

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
        """See the port."""
        return await asyncio.to_thread(self._search, kind, q, filter, facets, sort, offset, limit)

    async def count(self, kind: IndexKind) -> int:
        """See the port."""
        return await asyncio.to_thread(self._count, kind)

    async def contents(self, kind: IndexKind) -> dict[str, str]:
        """See the port."""
        return await asyncio.to_thread(self._contents, kind)

    def _contents(self, kind: IndexKind) -> dict[str, str]:
        opened = self._open(kind)
        if opened is None:
            return {}
        searcher = opened.refresh()
        found = searcher.search(Query.all_query(), max(searcher.num_docs, 1), count=False)
        documents = [searcher.doc(address) for _, address in found.hits]
        return {str(one["id"][0]): bytes(one["digest"][0]).decode() for one in documents}

    async def close(self) -> None:
        """See the port; files are let go of with the object."""

    def _open(self, kind: IndexKind) -> _Kind | None:
        current = self.root / "current"
        with self._lock:
            for _ in range(3):  # a generation may be replaced between reading and opening it
                name = current.read_text() if current.exists() else None
                if name == self._generation:
                    break
                folders = {one: self.root / str(name) / one.value for one in IndexKind}
                try:
                    # One that was made before a kind was there serves what it has until it is
                    # rebuilt.
                    self._kinds = {
                        one: _Kind(folder) for one, folder in folders.items() if folder.is_dir()
                    }
                    self._generation = name
                except (ValueError, OSError):
                    continue
            return self._kinds.get(kind)

    def _count(self, kind: IndexKind) -> int:
        opened = self._open(kind)
        return 0 if opened is None else int(opened.refresh().num_docs)

    def _propose(
        self,
        kind: IndexKind,
        terms: Sequence[tuple[str, float]],
        vector: Vector | None,
        wanted: Filter,
        limit: int,
    ) -> list[Candidate]:
        opened = self._open(kind)
        if opened is None:
            return []
        searcher = opened.refresh()
        by_words = self._by_words(opened, searcher, terms, wanted, limit)
        by_vector = (
            [] if vector is None else self._by_vector(opened, searcher, vector, wanted, limit)
        )
        return fuse(by_words, by_vector, limit)

    def _by_words(
        self,
        opened: _Kind,
        searcher: tantivy.Searcher,
        terms: Sequence[tuple[str, float]],
        wanted: Filter,
        limit: int,
    ) -> list[tuple[str, float]]:
        if not terms:
            return []
        schema = opened.words.schema
        either = [
            (Occur.Should, Query.boost_query(Query.term_query(schema, field, term), weight * boost))
            for term, weight in terms
            for field, boost in (("title", 2.0), ("keywords", 1.5), ("body", 1.0))
        ]
        query = Query.boolean_query(
            [(Occur.Must, Query.boolean_query(either)), *_conditions(schema, wanted)]
        )
        found = searcher.search(query, limit, count=False)
        return [(_id(searcher, address), score) for score, address in found.hits]

    def _by_vector(
        self,
        opened: _Kind,
        searcher: tantivy.Searcher,
        vector: Vector,
        wanted: Filter,
        limit: int,
    ) -> list[tuple[str, float]]:
        schema = opened.words.schema
        conditions = _conditions(schema, wanted)
        reach = limit + limit // 4
        while True:
            nearest = opened.vectors.nearest(vector, reach)
            among = Query.term_set_query(schema, "id", [one for one, _ in nearest])
            query = Query.boolean_query([(Occur.Must, among), *conditions])
            found = searcher.search(query, max(len(nearest), 1), count=False)
            allowed = {_id(searcher, address) for _, address in found.hits}
            kept = [(one, score) for one, score in nearest if one in allowed]
            if len(kept) >= limit or reach >= len(opened.vectors):
                return kept[:limit]
            reach *= 4

    def _search(
        self,
        kind: IndexKind,
        q: str,
        wanted: Filter,
        facets: Sequence[str],
        sort: Sort,
        offset: int,
        limit: int,
    ) -> Results:
        opened = self._open(kind)
        words = query_words(q)
        if opened is None or (q.strip() and not words):
            return Results([], 0, {one: [] for one in facets})
        searcher = opened.refresh()
        schema = opened.words.schema
        for occur in (Occur.Must, Occur.Should):
            parts = [(occur, _word(schema, one)) for one in words]
            text = Query.boolean_query(parts) if parts else Query.all_query()
            query = Query.boolean_query([(Occur.Must, text), *_conditions(schema, wanted)])
            by_date = "published" if sort == "newest" or not words else None
            found: Any = searcher.search(query, limit, offset=offset, order_by_field=by_date)
            if found.count or len(words) < 2:
                break
        return Results(
            hits=[Hit(_id(searcher, address), score or 0.0) for score, address in found.hits],
            total=found.count,
            facets={one: _facet(searcher, query, one) for one in facets},
        )


def _word(schema: tantivy.Schema, word: str) -> Query:
    """A word in any field: as a word, as a part of a longer Chinese one, or nearly (Latin)."""
    anywhere = [
        Query.boost_query(Query.term_query(schema, field, word), boost)
        for field, boost in (("title", 4.0), ("keywords", 2.0), ("body", 1.0))
    ]
    if not word.isascii():
        characters: list[str | tuple[int, str]] = list(word)
        part = (
            Query.phrase_query(schema, "characters", characters)
            if len(characters) > 1
            else Query.term_query(schema, "characters", word)
        )
        anywhere.append(Query.boost_query(part, 0.5))
    elif len(word) >= 5:
        anywhere += [
            Query.boost_query(Query.fuzzy_term_query(schema, field, word, distance=1), boost)
            for field, boost in (("title", 0.8), ("keywords", 0.6), ("body", 0.4))
        ]
    return Query.disjunction_max_query(anywhere)


def _conditions(schema: tantivy.Schema, wanted: Filter) -> list[tuple[Occur, Query]]:
    sets = {name: values for name in CHOICES if (values := getattr(wanted, name)) is not None}
    conditions = [Query.term_set_query(schema, name, list(values)) for name, values in sets.items()]
    if wanted.valid_on is not None:
        conditions.append(_at_least(schema, "valid_until", wanted.valid_on.toordinal()))
    if wanted.published_after is not None:
        conditions.append(_at_least(schema, "published", _micros(wanted.published_after)))
    if wanted.published_before is not None:
        conditions.append(
            Query.range_query(
                schema,
                "published",
                tantivy.FieldType.Integer,
                upper_bound=_micros(wanted.published_before),
                include_upper=False,
            )
        )
    return [(Occur.Must, Query.const_score_query(one, 0.0)) for one in conditions]


def _at_least(schema: tantivy.Schema, field: str, value: int) -> Query:
    return Query.range_query(schema, field, tantivy.FieldType.Integer, lower_bound=value)


def _micros(instant: datetime) -> int:
    return int((instant - _EPOCH).total_seconds() * 1_000_000)


def _id(searcher: tantivy.Searcher, address: tantivy.DocAddress) -> str:
    return str(searcher.doc(address)["id"][0])


def _facet(searcher: tantivy.Searcher, query: Query, name: str) -> list[tuple[str, int]]:
    counted = searcher.aggregate(query, {"of": {"terms": {"field": name, "size": _FACETS}}})
    return [(str(one["key"]), int(one["doc_count"])) for one in counted["of"]["buckets"]]


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_bytes_field("digest", stored=True)
    for name in ("title", "keywords", "body"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("characters", tokenizer_name="whitespace", index_option="position")
    for name in CHOICES:
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("valid_until", indexed=True, fast=True)
    builder.add_integer_field("published", indexed=True, fast=True)
    return builder.build()


def _characters(*parts: str) -> str:
    """Each Chinese character as a word: phrases of them find any part of a text."""
    return " ".join(
        one for part in parts for one in texts.fold(part) if not one.isascii() and one.isalnum()
    )


def _tantivy_document(one: Document) -> tantivy.Document:
    keywords = " ".join(one.keywords)
    document = tantivy.Document()
    document.add_text("id", one.id)
    document.add_bytes("digest", one.digest.encode())
    document.add_text("title", " ".join(texts.words(one.title)))
    document.add_text("keywords", " ".join(texts.words(keywords)))
    document.add_text("body", " ".join(texts.words(f"{one.text}\n{one.organization or ''}")))
    document.add_text(
        "characters",
        _characters(one.title, "，", keywords, "，", one.text, one.organization or ""),
    )
    for name in CHOICES:
        value = getattr(one, name)
        for each in value if isinstance(value, tuple) else (value,):
            if each is not None:
                document.add_text(name, str(each))
    until = _NEVER if one.valid_until is None else one.valid_until.toordinal()
    document.add_integer("valid_until", until)
    document.add_integer("published", _micros(one.published_at))
    return document


def _writing(method: Callable[P, None]) -> Callable[P, None]:
    """What fails in writing to the disk, as the port has it."""

    @wraps(method)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(*args, **kwargs)
        except (OSError, ValueError) as error:
            raise EngineFailed(f"the index cannot be written: {error}") from error

    return wrapped


class EmbeddedWriter:
    """The writing side of one generation; the caller holds the lock."""

    def __init__(self, root: Path, generation: str, *, new: bool) -> None:
        self.root = root
        self.generation = generation
        if not (new or self.folder.is_dir()):
            raise FileNotFoundError(self.folder)
        self._writers: dict[IndexKind, tantivy.IndexWriter] = {}
        self._files: dict[IndexKind, tuple[Any, Any]] = {}
        for kind in IndexKind:
            folder = self.folder / kind.value
            (folder / "words").mkdir(parents=True, exist_ok=True)
            index = tantivy.Index(_schema(), str(folder / "words"))
            self._writers[kind] = index.writer(heap_size=50_000_000, num_threads=1)
            self._files[kind] = _open_rows(folder)

    @property
    def folder(self) -> Path:
        """The generation's folder."""
        return self.root / self.generation

    @_writing
    def put(self, documents: Sequence[Document]) -> None:
        """See the port."""
        for one in documents:
            writer = self._writers[one.kind]
            writer.delete_documents_by_term("id", one.id)
            writer.add_document(_tantivy_document(one))

    @_writing
    def put_vectors(self, kind: IndexKind, vectors: Sequence[tuple[str, Vector]]) -> None:
        """See the port."""
        ids, rows = self._files[kind]
        for one, vector in vectors:
            rows.write(np.asarray(vector, np.float16).tobytes())
            ids.write(uuid.UUID(one).bytes)

    def delete(self, kind: IndexKind, ids: Sequence[str]) -> None:
        """See the port. A vector without its words is never proposed: it may stay in the file."""
        for one in ids:
            self._writers[kind].delete_documents_by_term("id", one)

    @_writing
    def commit(self) -> None:
        """See the port; rows before ids, so that an id always has its row."""
        for kind, writer in self._writers.items():
            ids, rows = self._files[kind]
            for file in (rows, ids):
                file.flush()
                os.fsync(file.fileno())
            writer.commit()

    def check(self) -> None:
        """See the port."""
        if not self.folder.is_dir():
            raise EngineFailed(f"the index is gone: {self.folder}")

    def close(self) -> None:
        """See the port; what was not committed is forgotten."""
        for kind, writer in self._writers.items():
            writer.rollback()
            writer.wait_merging_threads()
            for file in self._files[kind]:
                file.close()


def _open_rows(folder: Path) -> tuple[Any, Any]:
    """The vector files, cut to their last whole row, opened for appending: ids and rows."""
    ids, rows = folder / "vectors.ids", folder / "vectors.f16"
    row = DIMENSIONS * 2
    sizes = [path.stat().st_size if path.exists() else 0 for path in (ids, rows)]
    whole = min(sizes[0] // 16, sizes[1] // row)
    opened = []
    for path, size in ((ids, 16), (rows, row)):
        file = path.open("ab")
        file.truncate(whole * size)
        opened.append(file)
    return opened[0], opened[1]


class EmbeddedEngine:
    """The engine in a folder; a new generation is made beside the live one."""

    name = "embedded"
    shared = False

    def __init__(self, root: Path) -> None:
        self.root = root

    def reader(self) -> EmbeddedIndex:
        """See the port."""
        return EmbeddedIndex(self.root)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """See the port; the system lets go of it when the process ends, however it does."""
        self.root.mkdir(parents=True, exist_ok=True)
        file = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise WriterBusy("another process writes the index") from error
            yield
        finally:
            os.close(file)

    def about(self) -> dict[str, str | int]:
        """See the port."""
        return {"schema": SCHEMA}

    def prepare(self) -> None:
        """See the port; readers take an absent folder for an empty index."""

    def live(self) -> EmbeddedWriter | None:
        """See the port."""
        try:
            return EmbeddedWriter(self.root, (self.root / "current").read_text(), new=False)
        except (OSError, ValueError):
            return None

    def new(self) -> EmbeddedWriter:
        """See the port."""
        return EmbeddedWriter(self.root, uuid.uuid4().hex, new=True)

    def make_live(self, writer: IndexWriter) -> None:
        """See the port."""
        assert isinstance(writer, EmbeddedWriter)
        pointer = self.root / "current.new"
        pointer.write_text(writer.generation)
        pointer.replace(self.root / "current")
        for other in self.root.iterdir():
            if other.is_dir() and other.name != writer.generation:
                shutil.rmtree(other, ignore_errors=True)

    def remove(self) -> None:
        """See the port."""
        shutil.rmtree(self.root, ignore_errors=True)
