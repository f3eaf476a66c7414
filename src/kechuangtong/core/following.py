"""Watching durable work that another process may do."""

import uuid
from asyncio import sleep
from collections.abc import AsyncIterator, Collection
from typing import Any, Final, Protocol, TypeVar

from kechuangtong.core.db import Database

_LOOK_AGAIN_SECONDS: Final = 0.5


class Work(Protocol):
    """Work with a state, so many of its pieces done."""

    state: Any
    done: Any


W = TypeVar("W", bound=Work)


async def follow(
    database: Database, model: type[W], work_id: uuid.UUID, ended: Collection[object]
) -> AsyncIterator[W]:
    """The work each time it has moved on, until its state is one of those in which it has ended."""
    seen = None
    while True:
        async with database.read() as session:
            work = await session.get_one(model, work_id)
        if (reached := (work.state, work.done)) != seen:
            seen = reached
            yield work
        if work.state in ended:
            return
        await sleep(_LOOK_AGAIN_SECONDS)
