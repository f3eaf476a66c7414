"""Waiting for what happens in the background, with a limit."""

import time
from collections.abc import Awaitable, Callable

import anyio


async def until(done: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    """Return when it is done; fail when it is not in time."""
    limit = time.monotonic() + seconds
    while not await done():
        assert time.monotonic() < limit, "it did not happen in time"
        await anyio.sleep(0.05)
