"""Instruments of the university that are open all day."""

import uuid
from collections.abc import Awaitable, Callable

import httpx
import pytest

from booking import ANY
from conftest import Service

ALL_DAY = [{"weekday": day, "opens": "00:00", "closes": "24:00"} for day in range(1, 8)]

Publish = Callable[..., Awaitable[str]]


@pytest.fixture
def publish(service: Service, scholar: httpx.AsyncClient) -> Publish:
    """Publishes an instrument of the university; gives its id."""

    async def published(
        name: str = "透射电镜", *, by: httpx.AsyncClient = scholar, **values: object
    ) -> str:
        owner: uuid.UUID = values.pop("owner", service.university)  # type: ignore[assignment]
        body = {"organization_id": str(owner), "name": name, "opening_hours": ALL_DAY, **values}
        made = (await by.post("/v1/instruments", json=body)).raise_for_status()
        path = made.headers["Location"]
        (await by.post(f"{path}/publish", headers=ANY)).raise_for_status()
        return str(made.json()["id"])

    return published
