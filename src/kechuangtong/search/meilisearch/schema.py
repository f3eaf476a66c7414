"""How records and questions are put to Meilisearch.

Meilisearch cuts Chinese with a dictionary of its own, and a word that it cut otherwise in a text
than in a query is not found. So it gets each Chinese character as a word, and a word is asked for
as a phrase of its characters: it is then found wherever it stands, as a part of a longer one too.
Latin words stay whole; one typing error in a long one is forgiven.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, Final

from kechuangtong.core.text import fold
from kechuangtong.matching.embedding import DIMENSIONS
from kechuangtong.search.port import CHOICES, Document, Filter

SCHEMA: Final = 2
# How many records a query gives at the most.
MAX_HITS: Final = 10_100
EMBEDDER: Final = "meaning"
_NEVER: Final = date.max.toordinal()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

SETTINGS: Final[dict[str, Any]] = {
    "searchableAttributes": ["title", "keywords", "body"],
    "displayedAttributes": ["id", "digest", "vector_digest"],
    "filterableAttributes": [
        {
            "attributePatterns": ["id", "kind", *CHOICES],
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
    for name in CHOICES:
        values = getattr(wanted, name)
        if values is not None:
            listed = ", ".join(quoted(str(one)) for one in values)
            conditions.append(f"{name} IN [{listed}]")
    if wanted.valid_on is not None:
        conditions.append(f"valid_until >= {wanted.valid_on.toordinal()}")
    if wanted.published_after is not None:
        conditions.append(f"published >= {micros(wanted.published_after)}")
    if wanted.published_before is not None:
        conditions.append(f"published < {micros(wanted.published_before)}")
    return conditions


def among(ids: Iterable[str]) -> str:
    """The condition of being one of these records."""
    return f"id IN [{', '.join(map(quoted, ids))}]"


def quoted(value: str) -> str:
    """A value in a filter, none of its characters an operator."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def micros(instant: datetime) -> int:
    """An instant as a number of microseconds since 1970."""
    return int((instant - _EPOCH).total_seconds() * 1_000_000)


def fields(one: Document) -> dict[str, Any]:
    """A document as it is sent."""
    return {
        "id": one.id,
        "kind": one.kind.value,
        "digest": one.digest,
        "title": spaced(one.title),
        "keywords": [spaced(each) for each in one.keywords],
        "body": spaced(f"{one.text}\n{one.organization or ''}"),
        **{name: getattr(one, name) for name in CHOICES},
        "valid_until": _NEVER if one.valid_until is None else one.valid_until.toordinal(),
        "published": micros(one.published_at),
    }
