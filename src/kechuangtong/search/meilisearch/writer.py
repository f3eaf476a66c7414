"""Writing into Meilisearch servers."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import meilisearch
from meilisearch.index import Index

from kechuangtong.core.trade import IndexKind
from kechuangtong.search.meilisearch.schema import EMBEDDER, among, fields
from kechuangtong.search.meilisearch.server import failures, fits, wait_for
from kechuangtong.search.port import Document, EngineFailed, Vector

# Documents that are sent at once.
_BATCH: Final = 1_000


class MeilisearchWriter:
    """The writing side: what is put is sent in batches, and waited for when it is committed.

    Several servers get the same, and what is committed is in all of them.
    """

    def __init__(
        self, clients: Sequence[meilisearch.Client], names: Mapping[IndexKind, str], *, new: bool
    ) -> None:
        self._clients = clients
        self._names = dict(names)
        self._new = new
        self._documents: dict[IndexKind, dict[str, dict[str, Any]]] = {one: {} for one in IndexKind}
        self._gone: dict[IndexKind, list[str]] = {one: [] for one in IndexKind}
        self._tasks: list[tuple[meilisearch.Client, int]] = []

    def put(self, documents: Sequence[Document]) -> None:
        """See the port."""
        if sum(map(len, self._documents.values())) >= _BATCH:
            self._send()
        for one in documents:
            self._documents[one.kind].setdefault(one.id, {}).update(fields(one))

    def put_vectors(self, kind: IndexKind, vectors: Sequence[tuple[str, Vector]]) -> None:
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

    def delete(self, kind: IndexKind, ids: Sequence[str]) -> None:
        """See the port."""
        for one in ids:
            self._documents[kind].pop(one, None)
        self._gone[kind] += ids

    def commit(self) -> None:
        """See the port."""
        try:
            self._send()
            for client, task in self._tasks:
                wait_for(client, task)
        finally:
            # What failed is still marked: another may bring something newer before it is tried.
            self._tasks = []
            self._documents = {one: {} for one in IndexKind}
            self._gone = {one: [] for one in IndexKind}

    def check(self) -> None:
        """See the port."""
        if not all(fits(client, self._names) for client in self._clients):
            raise EngineFailed("the index is gone, or is not as it was made")

    def close(self) -> None:
        """See the port."""

    @property
    def names(self) -> Mapping[IndexKind, str]:
        """The indexes that it writes."""
        return self._names

    def take_place(self, names: Mapping[IndexKind, str]) -> None:
        """Write from now on what has these names."""
        self._names = dict(names)
        self._new = False

    def _send(self) -> None:
        """Send what was put and deleted; `commit` waits for it."""
        with failures():
            for client in self._clients:
                for kind, documents in self._documents.items():
                    index = client.index(self._names[kind])
                    tasks = []
                    if sent := self._with_vectors(index, documents):
                        tasks.append(index.update_documents(sent, "id").task_uid)
                    if gone := self._gone[kind]:
                        tasks.append(index.delete_documents(filter=among(gone)).task_uid)
                    self._tasks += [(client, task) for task in tasks]
        self._documents = {one: {} for one in IndexKind}
        self._gone = {one: [] for one in IndexKind}

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
        for one, document in documents.items():
            if one in present and present[one] == document.get("vector_digest"):
                sent.append({k: v for k, v in document.items() if k != "_vectors"})
            elif one in present:
                sent.append(document)
            elif "kind" in document:
                sent.append({"_vectors": {EMBEDDER: None}, **document})
        return sent
