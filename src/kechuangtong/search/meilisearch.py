"""The Meilisearch engine: one index a kind, the same for people's words and for matching.

Meilisearch cuts Chinese with a dictionary of its own, and a word that it cut otherwise in a text
than in a query is not found. So it gets each Chinese character as a word, and a word is asked for
as a phrase of its characters: it is then found wherever it stands, as a part of a longer one too.
Latin words stay whole; one typing error in a long one is forgiven.

A query there is cut after ten words, which must all be found; "any of these words" does not exist
(MAX_WORDS, `_either`). So for matching each term is a query of its own, and what they find is put
together here.
"""

import asyncio
import hashlib
import json
import math
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import httpx
import meilisearch
import structlog
from meilisearch.errors import MeilisearchApiError, MeilisearchError
from meilisearch.index import Index
from pydantic import SecretStr
from requests.exceptions import RequestException

from kechuangtong.core.errors import Unavailable
from kechuangtong.core.language import Text
from kechuangtong.core.text import fold
from kechuangtong.core.trade import ListKind
from kechuangtong.matching.embedding import DIMENSIONS
from kechuangtong.search.port import (
    Candidate,
    Document,
    DocumentsRefused,
    EngineFailed,
    Filter,
    Hit,
    IndexWriter,
    Results,
    Sort,
    Vector,
    fuse,
)
from kechuangtong.search.query import query_words

log = structlog.get_logger()

SCHEMA: Final = 1
# The words of a query that Meilisearch reads; a phrase is one.
MAX_WORDS: Final = 10
# How many records a query gives at the most.
MAX_HITS: Final = 10_100
# How many records each term of a text proposes.
TERM_HITS: Final = 200
EMBEDDER: Final = "meaning"
# Documents that are sent at once, and how long the server may take to accept them, in seconds.
_BATCH: Final = 1_000
_WRITE_TIMEOUT: Final = 60
# Between the tries of a search, in seconds.
_PAUSES: Final = (0.05, 0.3)
_NEVER: Final = date.max.toordinal()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

SETTINGS: Final[dict[str, Any]] = {
    "searchableAttributes": ["title", "keywords", "body"],
    "displayedAttributes": ["id", "digest", "vector_digest"],
    "filterableAttributes": [
        {
            "attributePatterns": [
                "id",
                "kind",
                "field",
                "organization_id",
                "stage",
                "cooperation",
                "place",
            ],
            "features": {"facetSearch": False, "filter": {"equality": True, "comparison": False}},
        },
        {
            "attributePatterns": ["valid_until", "published"],
            "features": {"facetSearch": False, "filter": {"equality": True, "comparison": True}},
        },
    ],
    "sortableAttributes": ["published"],
    "rankingRules": ["sort", "words", "typo", "attributeRank", "proximity", "exactness"],
    "localizedAttributes": [{"attributePatterns": ["*"], "locales": ["cmn"]}],
    "typoTolerance": {
        "enabled": True,
        "minWordSizeForTypos": {"oneTypo": 5, "twoTypos": 255},
        "disableOnNumbers": True,
    },
    "prefixSearch": "disabled",
    "facetSearch": False,
    "faceting": {"maxValuesPerFacet": 100, "sortFacetValuesBy": {"*": "count"}},
    "pagination": {"maxTotalHits": MAX_HITS},
    "searchCutoffMs": 1500,
    "embedders": {EMBEDDER: {"source": "userProvided", "dimensions": DIMENSIONS}},
}


class SearchUnavailable(Unavailable):
    code = "search_unavailable"
    text = Text(
        "检索服务暂不可用，请稍后再试；清单的查看与修改不受影响。",
        "Searching is not available at present; lists can be read and changed as usual.",
    )


def spaced(text: str) -> str:
    """A text as it is indexed: folded, each Chinese character a word, Latin words whole."""
    return "".join(f" {one} " if one.isalnum() and not one.isascii() else one for one in fold(text))


def phrase(word: str) -> str:
    """A word as it is asked for, none of its characters an operator."""
    if word.isascii() and word.isalnum():
        return word
    characters = "".join(one if one.isalnum() else " " for one in spaced(word))
    return f'"{" ".join(characters.split())}"'


def filter_of(wanted: Filter) -> list[str]:
    """The conditions of a filter in Meilisearch's language."""
    conditions = []
    for name in ("field", "organization_id", "stage", "cooperation", "place"):
        values = getattr(wanted, name)
        if values is not None:
            listed = ", ".join(_quoted(str(one)) for one in values)
            conditions.append(f"{name} IN [{listed}]")
    if wanted.valid_on is not None:
        conditions.append(f"valid_until >= {wanted.valid_on.toordinal()}")
    if wanted.published_after is not None:
        conditions.append(f"published >= {_micros(wanted.published_after)}")
    if wanted.published_before is not None:
        conditions.append(f"published < {_micros(wanted.published_before)}")
    return conditions


def _among(ids: Iterable[str]) -> str:
    return f"id IN [{', '.join(map(_quoted, ids))}]"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _micros(instant: datetime) -> int:
    return int((instant - _EPOCH).total_seconds() * 1_000_000)


class MeilisearchIndex:
    """The reading side; a search that is not answered in time, twice asked, is unavailable."""

    engine = "meilisearch"

    def __init__(
        self, url: str, key: str | None, names: Mapping[ListKind, str], timeout: float
    ) -> None:
        self._names = names
        self._timeout = timeout
        # Answers in chunks, as compressed ones are, each wait 40 ms for an acknowledgment.
        headers = {"Accept-Encoding": "identity"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        self._client = httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout)

    async def propose(
        self,
        kind: ListKind,
        terms: Sequence[tuple[str, float]],
        vector: Vector | None,
        filter: Filter,  # noqa: A002
        limit: int = 200,
    ) -> list[Candidate]:
        """See the port; the terms go in several requests beside that of the vector, since the
        queries of one request are answered one after another."""
        asked = [(one, weight) for term, weight in terms if (one := phrase(term)) != '""']
        conditions = filter_of(filter)
        queries = [self._of_term(kind, one, conditions) for one, _ in asked]
        requests = [self._multi(queries[at : at + 8]) for at in range(0, len(queries), 8)]
        if vector is not None:
            requests.append(self._multi([self._of_vector(kind, vector, conditions, limit)]))
        answers = await asyncio.gather(*requests)
        nearest = answers.pop()[0]["hits"] if vector is not None else []
        scores: dict[str, float] = {}
        for (_, weight), answer in zip(
            asked, (one for each in answers for one in each), strict=True
        ):
            for rank, hit in enumerate(answer["hits"]):
                # Titles come first; where all stand equal, the earlier ones.
                scores[hit["id"]] = scores.get(hit["id"], 0.0) + weight * (1 + 1 / (2 + rank))
        by_words = sorted(scores.items(), key=lambda one: (-one[1], one[0]))[:limit]
        by_vector = [(hit["id"], 2 * float(hit["_rankingScore"]) - 1) for hit in nearest]
        return fuse(by_words, by_vector, limit)

    def _of_term(self, kind: ListKind, one: str, conditions: list[str]) -> dict[str, Any]:
        return self._query(kind, q=one, filter=conditions, limit=TERM_HITS)

    def _of_vector(
        self, kind: ListKind, vector: Vector, conditions: list[str], limit: int
    ) -> dict[str, Any]:
        return self._query(
            kind,
            vector=[round(float(one), 6) for one in vector],
            hybrid={"embedder": EMBEDDER, "semanticRatio": 1.0},
            filter=conditions,
            limit=limit,
            showRankingScore=True,
        )

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
        """See the port."""
        words = [one for word in query_words(q) if (one := phrase(word)) != '""']
        if q.strip() and not words:
            return Results([], 0, {one: [] for one in facets})
        page = _Page(filter_of(filter), facets, sort, offset, limit)
        if len(words) <= MAX_WORDS:
            found = await self._found(kind, " ".join(words), page)
        else:
            found = await self._chosen(kind, await self._all_of(kind, words, page), page)
        if found.total == 0 and len(words) > 1:
            found = await self._chosen(kind, await self._any_of(kind, words, page), page)
        return found

    async def count(self, kind: ListKind) -> int:
        """See the port."""
        return (await self._found(kind, "", _Page([], [], "relevance", 0, 0))).total

    async def contents(self, kind: ListKind) -> dict[str, str]:
        """See the port; this needs a write key."""
        found: dict[str, str] = {}
        path = f"/indexes/{self._names[kind]}/documents/fetch"
        while True:
            body = {"fields": ["id", "digest"], "limit": _BATCH, "offset": len(found)}
            page = (await self._post(path, body))["results"]
            found |= {one["id"]: one["digest"] for one in page}
            if len(page) < _BATCH:
                return found

    async def close(self) -> None:
        """See the port."""
        await self._client.aclose()

    async def _found(
        self, kind: ListKind, q: str, page: "_Page", among: Sequence[str] | None = None
    ) -> Results:
        """One page of what Meilisearch finds for up to ten words, among some records or all."""
        conditions = list(page.conditions)
        if among is not None:
            conditions.append(_among(among))
        by_date = page.sort == "newest" or not q
        query = self._query(
            kind,
            q=q,
            filter=conditions,
            # Its own count of hits ends at the most that it gives; that of a facet does not.
            facets=[*page.facets, "kind"],
            sort=["published:desc"] if by_date else [],
            offset=page.offset,
            limit=page.limit,
            showRankingScore=True,
        )
        (answer,) = await self._multi([query])
        counted = answer["facetDistribution"]
        return Results(
            hits=[Hit(hit["id"], float(hit["_rankingScore"])) for hit in answer["hits"]],
            total=sum(counted.get("kind", {}).values()),
            facets={one: list(counted.get(one, {}).items()) for one in page.facets},
        )

    async def _chosen(self, kind: ListKind, ids: list[str], page: "_Page") -> Results:
        """One page of records that were put together here, best first."""
        if not ids:
            return Results([], 0, {one: [] for one in page.facets})
        found = await self._found(kind, "", page, among=ids)
        if page.sort == "newest":
            return found
        shown = ids[page.offset : page.offset + page.limit]
        return Results([Hit(one, 0.0) for one in shown], len(ids), found.facets)

    async def _all_of(self, kind: ListKind, words: Sequence[str], page: "_Page") -> list[str]:
        """The records in which more words stand than a query takes, in the order of the first."""
        groups = [words[at : at + MAX_WORDS] for at in range(0, len(words), MAX_WORDS)]
        lists = await self._lists(kind, [" ".join(group) for group in groups], page, MAX_HITS)
        common = set.intersection(*(set(one) for one, _ in lists))
        return [one for one in lists[0][0] if one in common]

    async def _any_of(self, kind: ListKind, words: Sequence[str], page: "_Page") -> list[str]:
        """The records in which any of the words stands, those with many and rare ones first."""
        lists = await self._lists(kind, words, page, min(1_000, 10_000 // len(words)))
        scores: dict[str, float] = {}
        for ids, total in lists:
            for one in ids:
                scores[one] = scores.get(one, 0.0) + 1 / (1 + math.log1p(total))
        return sorted(scores, key=lambda one: -scores[one])

    async def _lists(
        self, kind: ListKind, queries: Sequence[str], page: "_Page", limit: int
    ) -> list[tuple[list[str], int]]:
        """The ids that each query finds, and how many it finds in all."""
        asked = [self._query(kind, q=one, filter=page.conditions, limit=limit) for one in queries]
        return [
            ([hit["id"] for hit in answer["hits"]], answer["estimatedTotalHits"])
            for answer in await self._multi(asked)
        ]

    def _query(self, kind: ListKind, **values: Any) -> dict[str, Any]:  # noqa: ANN401
        return {
            "indexUid": self._names[kind],
            "attributesToRetrieve": ["id"],
            "matchingStrategy": "all",
            "locales": ["cmn"],
            **values,
        }

    async def _multi(self, queries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answers to queries, each with its own limits. Raises SearchUnavailable."""
        results: list[dict[str, Any]] = (await self._post("/multi-search", {"queries": queries}))[
            "results"
        ]
        return results

    async def _post(self, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._tried(path, body)
            if answer.is_client_error:
                log.warning("search refused", error=answer.text[:500])
            return answer.raise_for_status().json()
        except (TimeoutError, httpx.HTTPError) as error:
            log.warning("search failed", error=f"{type(error).__name__}: {error}")
            raise SearchUnavailable from error

    async def _tried(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """The answer to a request, tried again where the server may be restarting or be full, or
        has closed a connection that was kept."""
        for pause in _PAUSES:
            with suppress(httpx.TransportError):
                answer = await self._client.post(path, json=body)
                if not answer.is_server_error:
                    return answer
            await asyncio.sleep(pause)
        return await self._client.post(path, json=body)


@dataclass(frozen=True, slots=True)
class _Page:
    """What of the found is asked for."""

    conditions: list[str]
    facets: Sequence[str]
    sort: Sort
    offset: int
    limit: int


class MeilisearchWriter:
    """The writing side: what is put is sent in batches, and waited for when it is committed."""

    def __init__(
        self, client: meilisearch.Client, names: Mapping[ListKind, str], *, new: bool
    ) -> None:
        self._client = client
        self._names = dict(names)
        self._new = new
        self._documents: dict[ListKind, dict[str, dict[str, Any]]] = {one: {} for one in ListKind}
        self._gone: dict[ListKind, list[str]] = {one: [] for one in ListKind}
        self._tasks: list[int] = []

    def put(self, documents: Sequence[Document]) -> None:
        """See the port."""
        if sum(map(len, self._documents.values())) >= _BATCH:
            self._send()
        for one in documents:
            self._documents[one.kind].setdefault(one.id, {}).update(_fields(one))

    def put_vectors(self, kind: ListKind, vectors: Sequence[tuple[str, Vector]]) -> None:
        """See the port."""
        for one, vector in vectors:
            self._documents[kind].setdefault(one, {"id": one}).update(
                {
                    "vector_digest": hashlib.sha256(vector.tobytes()).hexdigest()[:16],
                    "_vectors": {
                        EMBEDDER: {
                            "embeddings": [round(float(each), 6) for each in vector],
                            "regenerate": False,
                        }
                    },
                }
            )

    def delete(self, kind: ListKind, ids: Sequence[str]) -> None:
        """See the port."""
        for one in ids:
            self._documents[kind].pop(one, None)
        self._gone[kind] += ids

    def commit(self) -> None:
        """See the port."""
        try:
            self._send()
            for task in self._tasks:
                wait_for(self._client, task)
        finally:
            # What failed is still marked: another may bring something newer before it is tried.
            self._tasks = []
            self._documents = {one: {} for one in ListKind}
            self._gone = {one: [] for one in ListKind}

    def check(self) -> None:
        """See the port."""
        if not fits(self._client, self._names):
            raise EngineFailed("the index is gone, or is not as it was made")

    def close(self) -> None:
        """See the port."""

    @property
    def names(self) -> Mapping[ListKind, str]:
        """The indexes that it writes."""
        return self._names

    def take_place(self, names: Mapping[ListKind, str]) -> None:
        """Write from now on what has these names."""
        self._names = dict(names)
        self._new = False

    def _send(self) -> None:
        """Send what was put and deleted; `commit` waits for it."""
        with failures():
            for kind, documents in self._documents.items():
                index = self._client.index(self._names[kind])
                if sent := self._with_vectors(index, documents):
                    self._tasks.append(index.update_documents(sent, "id").task_uid)
                if self._gone[kind]:
                    gone = _among(self._gone[kind])
                    self._tasks.append(index.delete_documents(filter=gone).task_uid)
        self._documents = {one: {} for one in ListKind}
        self._gone = {one: [] for one in ListKind}

    def _with_vectors(
        self,
        index: Index,
        documents: Mapping[str, dict[str, Any]],
    ) -> list[dict[str, Any]]:
        """The documents with the vectors that the index does not have yet.

        A vector costs far more to take in than words, so it is not sent twice; a new document
        without one must say so; and a record that was deleted does not return for its vector.
        """
        if not documents:
            return []
        present: dict[str, str | None] = {}
        if not self._new:
            asked = {"ids": list(documents), "fields": ["id", "vector_digest"]}
            page = index.get_documents({**asked, "limit": len(documents)})
            present = {one.id: getattr(one, "vector_digest", None) for one in page.results}
        sent = []
        for one, fields in documents.items():
            if one not in present:
                if "kind" not in fields:
                    continue
                fields.setdefault("_vectors", {EMBEDDER: None})
            elif present[one] == fields.get("vector_digest"):
                fields.pop("_vectors", None)
            sent.append(fields)
        return sent


def _fields(one: Document) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind.value,
        "digest": one.digest,
        "title": spaced(one.title),
        "keywords": [spaced(each) for each in one.keywords],
        "body": spaced(f"{one.text}\n{one.organization}"),
        "field": one.field,
        "organization_id": one.organization_id,
        "stage": one.stage,
        "cooperation": list(one.cooperation),
        "place": one.place,
        "valid_until": _NEVER if one.valid_until is None else one.valid_until.toordinal(),
        "published": _micros(one.published_at),
    }


class MeilisearchEngine:
    """The engine on a server; a new index is made beside the live one and swapped with it.

    `prefix` sets the indexes of one use of a server apart from those of another.
    """

    name = "meilisearch"
    shared = True

    def __init__(
        self, url: str, key: SecretStr | None, *, timeout: float = 1.8, prefix: str = ""
    ) -> None:
        self._url = url
        self._key = key.get_secret_value() if key else None
        self._timeout = timeout
        self._prefix = prefix
        self._names = {kind: f"{prefix}{kind.value}s" for kind in ListKind}

    def reader(self) -> MeilisearchIndex:
        """See the port."""
        return MeilisearchIndex(self._url, self._key, self._names, self._timeout)

    def lock(self) -> AbstractContextManager[None]:
        """See the port; there is none to hold."""
        return nullcontext()

    def about(self) -> dict[str, str | int]:
        """See the port."""
        settings = hashlib.sha256(json.dumps(SETTINGS, sort_keys=True).encode()).hexdigest()
        return {"schema": SCHEMA, "settings": settings[:16]}

    def live(self) -> MeilisearchWriter | None:
        """See the port."""
        client = self._client()
        return (
            MeilisearchWriter(client, self._names, new=False) if fits(client, self._names) else None
        )

    def new(self) -> MeilisearchWriter:
        """See the port; what an earlier try left is removed."""
        client = self._client()
        self._remove(client, f"{self._prefix}next-")
        mark = uuid.uuid4().hex[:12]
        names = {kind: f"{self._prefix}next-{mark}-{kind.value}s" for kind in ListKind}
        create(client, names.values())
        return MeilisearchWriter(client, names, new=True)

    def make_live(self, writer: IndexWriter) -> None:
        """See the port; both kinds change places at once."""
        assert isinstance(writer, MeilisearchWriter)
        client = self._client()
        create(client, self._names.values())
        pairs: list[Mapping[str, list[str] | bool]] = [
            {"indexes": [self._names[kind], writer.names[kind]]} for kind in ListKind
        ]
        with failures():
            swapped = client.swap_indexes(pairs).task_uid
        wait_for(client, swapped)
        writer.take_place(self._names)
        self._remove(client, f"{self._prefix}next-")

    def prepare(self) -> bool:
        """See the port."""
        return create(self._client(), self._names.values())

    def remove(self) -> None:
        """Remove the indexes of this prefix."""
        assert self._prefix, "only scratch indexes are removed"
        self._remove(self._client(), self._prefix)

    def _client(self) -> meilisearch.Client:
        # One a thread: a client keeps what it is about to send in itself.
        return meilisearch.Client(self._url, self._key, timeout=_WRITE_TIMEOUT)

    def _remove(self, client: meilisearch.Client, prefix: str) -> None:
        with failures():
            names = [one.uid for one in client.get_indexes({"limit": 1_000})["results"]]
            tasks = [client.delete_index(one).task_uid for one in names if one.startswith(prefix)]
        for task in tasks:
            wait_for(client, task)


def create(client: meilisearch.Client, names: Iterable[str]) -> bool:
    """Make the indexes that are not there, with their settings; whether there were any."""
    with failures():
        there = {one.uid for one in client.get_indexes({"limit": 1_000})["results"]}
        tasks = []
        for name in names:
            if name not in there:
                tasks.append(client.create_index(name, {"primaryKey": "id"}).task_uid)
                tasks.append(client.index(name).update_settings(SETTINGS).task_uid)
    for task in tasks:
        wait_for(client, task, existing="index_already_exists")
    return bool(tasks)


def fits(client: meilisearch.Client, names: Mapping[ListKind, str]) -> bool:
    """Whether the indexes are there with the attributes that ours have."""
    try:
        with failures():
            for name in names.values():
                found = client.index(name).get_settings()
                if found["searchableAttributes"] != SETTINGS["searchableAttributes"]:
                    return False
                if EMBEDDER not in (found.get("embedders") or {}):
                    return False
    except IndexMissing:
        return False
    return True


def make_keys(url: str, master_key: SecretStr) -> dict[str, str]:
    """The search key and the write key of a server, by their names; the same each time."""
    client = meilisearch.Client(url, master_key.get_secret_value(), timeout=_WRITE_TIMEOUT)
    return {name: _make_key(client, name, values) for name, values in _KEYS.items()}


def _make_key(client: meilisearch.Client, name: str, values: dict[str, Any]) -> str:
    uid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"kechuangtong/{name}"))
    with failures():
        try:
            return client.get_key(uid).key
        except MeilisearchApiError as error:
            if error.code != "api_key_not_found":
                raise
        named = {"uid": uid, "name": f"kechuangtong {name}", "expiresAt": None, **values}
        return client.create_key(named).key


_KEYS: Final[dict[str, dict[str, Any]]] = {
    "search": {"actions": ["search"], "indexes": ["achievements", "demands"]},
    # Changing places is a task of the whole server: a key for some indexes may not see it.
    "write": {
        "actions": [
            "search",
            "documents.*",
            "indexes.*",
            "settings.*",
            "tasks.get",
            "stats.get",
            "version",
        ],
        "indexes": ["*"],
    },
}


class IndexMissing(EngineFailed):
    """There is no such index."""


@contextmanager
def failures() -> Iterator[None]:
    """The client's errors as the port's."""
    try:
        yield
    except MeilisearchApiError as error:
        raise _failure(error.code, error.type, str(error.message)) from error
    except (MeilisearchError, RequestException) as error:
        raise EngineFailed(f"Meilisearch: {error}") from error


def wait_for(client: meilisearch.Client, task: int, *, existing: str | None = None) -> None:
    """Return when a task has succeeded, or failed with the code `existing`.

    Raises EngineFailed and DocumentsRefused where it failed or was cancelled.
    """
    pause = 0.01
    with failures():
        while (found := client.get_task(task)).status in ("enqueued", "processing"):
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)
    if found.status != "succeeded":
        error = found.error or {"code": found.status, "type": "system", "message": found.status}
        if error["code"] != existing:
            raise _failure(error["code"], error["type"], error["message"])


def _failure(code: str | None, kind: str | None, message: str) -> Exception:
    if code == "index_not_found":
        return IndexMissing(f"Meilisearch: {message}")
    if kind == "invalid_request":
        return DocumentsRefused(f"Meilisearch: {message}")
    return EngineFailed(f"Meilisearch: {message}")
