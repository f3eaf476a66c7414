"""Forms of the pages, sent as a browser without script sends them."""

import re
from typing import Any

import httpx


async def send(
    client: httpx.AsyncClient, path: str, fields: dict[str, Any] | None = None, **more: Any
) -> httpx.Response:
    """Opens the page `at` (the form's own address unless it is named) and sends a form of it with
    its token; where it leads is not followed."""
    shown = await client.get(more.pop("at", path))
    token = re.search(r'name="form_token" value="([^"]+)"', shown.text)
    data = {"form_token": token[1] if token else "", **(fields or {})}
    return await client.post(path, data=data, **more)
