"""An achievement and a demand, and what is done to the deal that comes of them."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from booking import ANY
from conftest import Service
from kechuangtong.core.clock import today

Publish = Callable[..., Awaitable[str]]


async def publish(
    client: httpx.AsyncClient, kind: str, owner: uuid.UUID, title: str, **values: object
) -> str:
    """The id of a published record."""
    body = {"organization_id": str(owner), "title": title, **values}
    path = (await client.post(f"/v1/{kind}s", json=body)).raise_for_status().headers["Location"]
    (await client.post(f"{path}/publish", headers=ANY)).raise_for_status()
    return path.rsplit("/", 1)[1]


@pytest.fixture
async def achievement(service: Service, scholar: httpx.AsyncClient) -> str:
    """A published achievement of the university."""
    return await publish(scholar, "achievement", service.university, "余热除湿机组")


@pytest.fixture
async def demand(service: Service, buyer: httpx.AsyncClient) -> str:
    """A published demand of the enterprise."""
    return await publish(buyer, "demand", service.enterprise, "烘房除湿")


@pytest.fixture
async def deal(buyer: httpx.AsyncClient, achievement: str) -> str:
    """The path of a deal that the enterprise has opened on the achievement, sixty days ago."""
    body = {"achievement_id": achievement, "on": ago(60)}
    return (await buyer.post("/v1/deals", json=body)).raise_for_status().headers["Location"]


def ago(days: int) -> str:
    """The day so many days before today."""
    return (today() - timedelta(days=days)).isoformat()


async def step(
    client: httpx.AsyncClient, deal: str, action: str, tag: str = "*", **values: Any
) -> httpx.Response:
    """The answer to a step."""
    body = {"action": action, **values}
    return await client.post(f"{deal}/steps", json=body, headers={"If-Match": tag})


async def steps(client: httpx.AsyncClient, deal: str) -> list[dict[str, Any]]:
    """The history of a deal."""
    return (await client.get(f"{deal}/steps?limit=100")).raise_for_status().json()["items"]  # type: ignore[no-any-return]
