"""A Meilisearch server: its tasks, indexes and keys, and its failures as the port's."""

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import meilisearch
from meilisearch.errors import MeilisearchApiError, MeilisearchError
from pydantic import SecretStr
from requests.exceptions import RequestException

from kechuangtong.core.trade import IndexKind
from kechuangtong.search.meilisearch.schema import EMBEDDER, SETTINGS
from kechuangtong.search.port import DocumentsRefused, EngineFailed

# How long the server may take to accept what is sent, in seconds.
_TIMEOUT: Final = 60


def connect(url: str, key: str | None) -> meilisearch.Client:
    """A client for one thread: it keeps what it is about to send in itself."""
    return meilisearch.Client(url, key, timeout=_TIMEOUT)


def remove(client: meilisearch.Client, prefix: str) -> None:
    """Remove the indexes whose names begin so."""
    with failures():
        names = [one.uid for one in client.get_indexes({"limit": 1_000})["results"]]
        tasks = [client.delete_index(one).task_uid for one in names if one.startswith(prefix)]
    for task in tasks:
        wait_for(client, task)


def create(client: meilisearch.Client, names: Iterable[str]) -> None:
    """Make the indexes that are not there, with their settings."""
    with failures():
        there = {one.uid for one in client.get_indexes({"limit": 1_000})["results"]}
        tasks = []
        for name in names:
            if name not in there:
                tasks.append(client.create_index(name, {"primaryKey": "id"}).task_uid)
                tasks.append(client.index(name).update_settings(SETTINGS).task_uid)
    for task in tasks:
        wait_for(client, task, existing="index_already_exists")


def fits(client: meilisearch.Client, names: Mapping[IndexKind, str]) -> bool:
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
    client = connect(url, master_key.get_secret_value())
    return {name: _make_key(client, name, values) for name, values in _KEYS.items()}


def _make_key(client: meilisearch.Client, name: str, values: dict[str, Any]) -> str:
    uid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"kechuangtong/{name}"))
    with failures():
        try:
            found = client.get_key(uid)
            if sorted(found.indexes) == sorted(values["indexes"]):
                return found.key
            client.delete_key(uid)  # made anew with the same id it is the same, for more indexes
        except MeilisearchApiError as error:
            if error.code != "api_key_not_found":
                raise
        named = {"uid": uid, "name": f"kechuangtong {name}", "expiresAt": None, **values}
        return client.create_key(named).key


_KEYS: Final[dict[str, dict[str, Any]]] = {
    "search": {"actions": ["search"], "indexes": [f"{one.value}s" for one in IndexKind]},
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
    if code == "task_not_found":  # the server was emptied
        return EngineFailed(f"Meilisearch: {message}")
    if code == "index_not_found":
        return IndexMissing(f"Meilisearch: {message}")
    if kind == "invalid_request":
        return DocumentsRefused(f"Meilisearch: {message}")
    return EngineFailed(f"Meilisearch: {message}")
