"""The Meilisearch engine."""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import meilisearch
from pydantic import SecretStr

from kechuangtong.core.trade import IndexKind
from kechuangtong.search.meilisearch.reader import MeilisearchIndex
from kechuangtong.search.meilisearch.schema import SCHEMA, SETTINGS
from kechuangtong.search.meilisearch.server import (
    connect,
    create,
    failures,
    fits,
    remove,
    wait_for,
)
from kechuangtong.search.meilisearch.writer import MeilisearchWriter
from kechuangtong.search.port import IndexWriter


class MeilisearchEngine:
    """The engine on a server, or on several that hold the same; a new index is made beside the
    live one and swapped with it.

    `prefix` sets the indexes of one use of a server apart from those of another.
    """

    name = "meilisearch"
    shared = True

    def __init__(
        self, urls: Sequence[str], key: SecretStr | None, *, timeout: float = 1.5, prefix: str = ""
    ) -> None:
        self._urls = urls
        self._key = (key.get_secret_value() if key else None) or None
        self._timeout = timeout
        self._prefix = prefix
        self._names = {kind: f"{prefix}{kind.value}s" for kind in IndexKind}

    def reader(self) -> MeilisearchIndex:
        """See the port."""
        return MeilisearchIndex(self._urls, self._key, self._names, self._timeout)

    def lock(self) -> AbstractContextManager[None]:
        """See the port; there is none to hold."""
        return nullcontext()

    def about(self) -> dict[str, str | int]:
        """See the port."""
        settings = hashlib.sha256(json.dumps(SETTINGS, sort_keys=True).encode()).hexdigest()
        servers = hashlib.sha256(" ".join(sorted(self._urls)).encode()).hexdigest()
        return {"schema": SCHEMA, "settings": settings[:16], "servers": servers[:16]}

    def live(self) -> MeilisearchWriter | None:
        """See the port."""
        clients = self._connect()
        if not all(fits(client, self._names) for client in clients):
            return None
        return MeilisearchWriter(clients, self._names, new=False)

    def new(self) -> MeilisearchWriter:
        """See the port; what an earlier try left is removed."""
        mark = uuid.uuid4().hex[:12]
        names = {kind: f"{self._prefix}next-{mark}-{kind.value}s" for kind in IndexKind}
        clients = self._connect()
        for client in clients:
            remove(client, f"{self._prefix}next-")
            create(client, names.values())
        return MeilisearchWriter(clients, names, new=True)

    def make_live(self, writer: IndexWriter) -> None:
        """See the port; all kinds change places at once."""
        assert isinstance(writer, MeilisearchWriter)
        pairs: list[Mapping[str, list[str] | bool]] = [
            {"indexes": [self._names[kind], writer.names[kind]]} for kind in IndexKind
        ]
        for client in self._connect():
            create(client, self._names.values())
            with failures():
                swapped = client.swap_indexes(pairs).task_uid
            wait_for(client, swapped)
            remove(client, f"{self._prefix}next-")
        writer.take_place(self._names)

    def prepare(self) -> None:
        """See the port."""
        for client in self._connect():
            create(client, self._names.values())

    def remove(self) -> None:
        """See the port."""
        assert self._prefix, "only scratch indexes are removed"
        for client in self._connect():
            remove(client, self._prefix)

    def _connect(self) -> list[meilisearch.Client]:
        return [connect(url, self._key) for url in self._urls]
