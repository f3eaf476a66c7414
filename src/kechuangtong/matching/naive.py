"""What Meilisearch finds by itself, to measure ours against: texts as they are, its own settings,
a demand's whole text as the query, alone or in its own hybrid search.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import meilisearch
import numpy as np
from numpy.typing import NDArray

from kechuangtong.core.db import new_id
from kechuangtong.matching.embedding import DIMENSIONS, Vector
from kechuangtong.search.meilisearch.server import failures, wait_for

Scores = Callable[[str], NDArray[np.float64]]

_HITS: Final = 1_000
_EMBEDDER: Final = "naive"


@contextmanager
def naive_meilisearch(
    url: str,
    key: str | None,
    achievements: Mapping[str, tuple[str, Vector]],
    demands: Mapping[str, tuple[str, Vector]],
) -> Iterator[dict[str, Scores]]:
    """Rankings of all achievements for a demand, by name, while this is open.

    Records are texts with their vectors, by id. What a ranking does not return scores 0.
    """
    client = meilisearch.Client(url, key, timeout=600)
    index = client.index(f"scratch-{new_id().hex}")
    places = {one: place for place, one in enumerate(achievements)}
    settings = {
        "embedders": {_EMBEDDER: {"source": "userProvided", "dimensions": DIMENSIONS}},
        "pagination": {"maxTotalHits": _HITS},
    }
    documents = [
        {"id": place, "text": text, "_vectors": {_EMBEDDER: vector.tolist()}}
        for place, (text, vector) in enumerate(achievements.values())
    ]

    def scores(demand: str, **more: Any) -> NDArray[np.float64]:  # noqa: ANN401
        found = np.zeros(len(places))
        hits = index.search(demands[demand][0], {"limit": _HITS, **more})["hits"]
        for rank, hit in enumerate(hits):
            found[hit["id"]] = _HITS - rank
        return found

    def hybrid(demand: str) -> NDArray[np.float64]:
        vector = demands[demand][1].tolist()
        return scores(demand, vector=vector, hybrid={"embedder": _EMBEDDER, "semanticRatio": 0.5})

    with failures():
        wait_for(client, index.update_settings(settings).task_uid)
        wait_for(client, index.add_documents(documents, "id").task_uid)
        try:
            yield {"meilisearch_text": scores, "meilisearch_hybrid": hybrid}
        finally:
            wait_for(client, index.delete().task_uid)
