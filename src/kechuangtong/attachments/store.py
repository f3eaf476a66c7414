"""Where the content of attachments is kept: a folder, or a bucket of an S3 server.

Keys are the attachments' ids. A write is whole or not there at all.
"""

import uuid
from collections.abc import AsyncIterator, Awaitable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar, cast

import obstore
import structlog
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, S3Store

from kechuangtong.core.errors import Unavailable
from kechuangtong.core.language import Text
from kechuangtong.settings import Settings

if TYPE_CHECKING:
    from obstore.store import ObjectStore, S3Config

log = structlog.get_logger()

BLOCK: Final = 1 << 20
_PART: Final = 5 << 20  # the least that S3 takes, but for the last
_TIMEOUT: Final = timedelta(seconds=60)
_RETRYING: Final = timedelta(seconds=10)

T = TypeVar("T")


class StoreUnavailable(Unavailable):
    code = "attachments_unavailable"
    text = Text("附件存储暂不可用，请稍后再试。", "The store of attachments is not available.")


class Store:
    """Contents by id. Its methods raise StoreUnavailable."""

    def __init__(self, objects: "ObjectStore") -> None:
        self._objects = objects

    async def put(self, key: uuid.UUID, blocks: AsyncIterator[bytes]) -> None:
        """Keep a content that comes block by block."""
        await _answered(
            obstore.put_async(self._objects, str(key), blocks, chunk_size=_PART, max_concurrency=2)
        )

    async def open(self, key: uuid.UUID) -> AsyncIterator[bytes]:
        """A content that is there, block by block."""
        found = await _answered(obstore.get_async(self._objects, str(key)))

        async def blocks() -> AsyncIterator[bytes]:
            async for block in found.stream(BLOCK):
                yield bytes(block)

        return blocks()

    async def delete(self, key: uuid.UUID) -> None:
        """Let go of a content; one that is not there is no failure."""
        try:
            await obstore.delete_async(self._objects, str(key))
        except (NotFoundError, FileNotFoundError):
            pass
        except (BaseError, OSError) as error:
            raise _told(error) from error

    async def keys(self) -> list[tuple[uuid.UUID, datetime]]:
        """The ids of all contents, with the time of their writing."""
        found = []
        async for listed in obstore.list(self._objects, chunk_size=1_000):
            for one in listed:
                try:
                    found.append((uuid.UUID(one["path"]), one["last_modified"]))
                except ValueError:
                    continue  # none of ours
        return found


def store_from(settings: Settings) -> Store:
    """The store that the settings name."""
    if settings.attachments_url is None:
        return Store(LocalStore(settings.data_dir / "attachments", mkdir=True))
    given = {
        "endpoint": settings.s3_endpoint,
        "region": settings.s3_region,
        "access_key_id": settings.s3_access_key and settings.s3_access_key.get_secret_value(),
        "secret_access_key": settings.s3_secret_key and settings.s3_secret_key.get_secret_value(),
    }
    return Store(
        S3Store.from_url(
            settings.attachments_url,
            config=cast("S3Config", {name: value for name, value in given.items() if value}),
            client_options={
                "allow_http": (settings.s3_endpoint or "").startswith("http://"),
                "timeout": _TIMEOUT,
            },
            retry_config={"max_retries": 2, "retry_timeout": _RETRYING},
        )
    )


async def _answered(asked: Awaitable[T]) -> T:
    try:
        return await asked
    except (BaseError, OSError) as error:
        raise _told(error) from error


def _told(error: Exception) -> StoreUnavailable:
    log.error("store of attachments", error=str(error)[:500])
    return StoreUnavailable()
