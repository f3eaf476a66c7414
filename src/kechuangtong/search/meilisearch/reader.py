"""Reading what a Meilisearch server holds: one index a kind, for people's words and for matching.

A query there is cut after ten words, which must all be found; "any of these words" does not exist.
So for matching each term is a query of its own, and what they find is put together here.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx
import structlog

from kechuangtong.core.errors import Unavailable
from kechuangtong.core.language import Text
from kechuangtong.core.trade import IndexKind
from kechuangtong.search.meilisearch.schema import EMBEDDER, among, filter_of, phrase
from kechuangtong.search.port import Candidate, Filter, Hit, Results, Sort, Vector, fuse
from kechuangtong.search.query import query_words

log = structlog.get_logger()

# The words of a query that Meilisearch reads; a phrase is one.
MAX_WORDS: Final = 10
# How many records each term of a text proposes.
TERM_HITS: Final = 200
_PAGE: Final = 1_000
# How many records are put together here: a filter for them takes the server 0.05 s for 1,000, and
# a hundred times as long for ten times as many.
MAX_CHOSEN: Final = 1_000
# Between the tries of a search, in seconds.
_PAUSES: Final = (0.05, 0.3, 0.0)


class SearchUnavailable(Unavailable):
    code = "search_unavailable"
    text = Text(
        "检索服务暂不可用，请稍后再试；清单的查看与修改不受影响。",
        "Searching is not available at present; lists can be read and changed as usual.",
    )


class MeilisearchIndex:
    """The reading side. Of several servers that hold the same, the next is asked where one fails;
    a search that none answers in time is unavailable."""

    engine = "meilisearch"

    def __init__(
        self,
        urls: Sequence[str],
        key: str | None,
        names: Mapping[IndexKind, str],
        timeout: float,
    ) -> None:
        self._names = names
        self._timeout = timeout
        # Answers in chunks, as compressed ones are, each wait 40 ms for an acknowledgment.
        headers = {"Accept-Encoding": "identity"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        self._clients = [
            httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout / len(urls))
            for url in urls
        ]

    async def propose(
        self,
        kind: IndexKind,
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
        async with self._in_time():
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

    def _of_term(self, kind: IndexKind, one: str, conditions: list[str]) -> dict[str, Any]:
        return self._query(kind, q=one, filter=conditions, limit=TERM_HITS)

    def _of_vector(
        self, kind: IndexKind, vector: Vector, conditions: list[str], limit: int
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
        kind: IndexKind,
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
        async with self._in_time():
            if len(words) <= MAX_WORDS:
                found = await self._found(kind, " ".join(words), page)
            else:
                found = await self._chosen(kind, await self._all_of(kind, words, page), page)
            if found.total == 0 and len(words) > 1:
                found = await self._chosen(kind, await self._any_of(kind, words, page), page)
        return found

    async def count(self, kind: IndexKind) -> int:
        """See the port."""
        async with self._in_time():
            return (await self._found(kind, "", _Page([], [], "relevance", 0, 0))).total

    async def contents(self, kind: IndexKind) -> dict[str, str]:
        """See the port; this needs a write key."""
        found: dict[str, str] = {}
        path = f"/indexes/{self._names[kind]}/documents/fetch"
        while True:
            body = {"fields": ["id", "digest"], "limit": _PAGE, "offset": len(found)}
            page = (await self._post(path, body))["results"]
            found |= {one["id"]: one["digest"] for one in page}
            if len(page) < _PAGE:
                return found

    async def close(self) -> None:
        """See the port."""
        for client in self._clients:
            await client.aclose()

    async def _found(
        self, kind: IndexKind, q: str, page: "_Page", ids: Sequence[str] | None = None
    ) -> Results:
        """One page of what Meilisearch finds for up to ten words, among some records or all."""
        conditions = list(page.conditions)
        if ids is not None:
            conditions.append(among(ids))
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

    async def _chosen(self, kind: IndexKind, ids: list[str], page: "_Page") -> Results:
        """One page of records that were put together here, best first."""
        if not ids:
            return Results([], 0, {one: [] for one in page.facets})
        found = await self._found(kind, "", page, ids)
        if page.sort == "newest":
            return found
        shown = ids[page.offset : page.offset + page.limit]
        return Results([Hit(one, 0.0) for one in shown], len(ids), found.facets)

    async def _all_of(self, kind: IndexKind, words: Sequence[str], page: "_Page") -> list[str]:
        """The records in which more words stand than a query takes, in the order of the first."""
        groups = [words[at : at + MAX_WORDS] for at in range(0, len(words), MAX_WORDS)]
        lists = await self._lists(kind, [" ".join(group) for group in groups], page, MAX_CHOSEN)
        common = set.intersection(*(set(one) for one, _ in lists))
        return [one for one in lists[0][0] if one in common]

    async def _any_of(self, kind: IndexKind, words: Sequence[str], page: "_Page") -> list[str]:
        """The records in which any of the words stands, those with many and rare ones first."""
        lists = await self._lists(kind, words, page, MAX_CHOSEN // len(words))
        scores: dict[str, float] = {}
        for ids, total in lists:
            for one in ids:
                scores[one] = scores.get(one, 0.0) + 1 / (1 + math.log1p(total))
        return sorted(scores, key=lambda one: -scores[one])

    async def _lists(
        self, kind: IndexKind, queries: Sequence[str], page: "_Page", limit: int
    ) -> list[tuple[list[str], int]]:
        """The ids that each query finds, and how many it finds in all."""
        sort = ["published:desc"] if page.sort == "newest" else []
        asked = [
            self._query(kind, q=one, filter=page.conditions, sort=sort, limit=limit)
            for one in queries
        ]
        return [
            ([hit["id"] for hit in answer["hits"]], answer["estimatedTotalHits"])
            for answer in await self._multi(asked)
        ]

    def _query(self, kind: IndexKind, **values: Any) -> dict[str, Any]:  # noqa: ANN401
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
        return (await self._tried(path, body)).json()

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """Raises SearchUnavailable where what is asked takes longer than a search may."""
        try:
            async with asyncio.timeout(self._timeout):
                yield
        except TimeoutError as error:
            raise SearchUnavailable from error

    async def _tried(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """The answer of the first server that has one; asked again where it may be restarting or
        be full, or has closed a connection that was kept. Raises SearchUnavailable."""
        for pause in _PAUSES:
            for client in [*self._clients]:
                try:
                    answer = await client.post(path, json=body)
                    if answer.is_success:
                        return answer
                    failure = f"{answer.status_code} {answer.text[:500]}"
                except httpx.TransportError as error:
                    failure = f"{type(error).__name__}: {error}"
                log.info("search failed", url=str(client.base_url), failure=failure)
                # The others are asked first from now on.
                self._clients = [*(one for one in self._clients if one is not client), client]
            await asyncio.sleep(pause)
        raise SearchUnavailable


@dataclass(frozen=True, slots=True)
class _Page:
    """What of the found is asked for."""

    conditions: list[str]
    facets: Sequence[str]
    sort: Sort
    offset: int
    limit: int
