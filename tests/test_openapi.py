"""The API as it is documented: complete, current, and true on the demo's data."""

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi.routing import APIRoute, iter_route_contexts
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from examples import SIGN_IN, operations, request_for
from kechuangtong.app import create_app
from kechuangtong.core import migrations
from kechuangtong.core.db import Database
from kechuangtong.sample.service import load_sample
from kechuangtong.settings import Settings

EXPORTED = Path(__file__).parents[1] / "openapi" / "openapi.json"


def document() -> dict[str, Any]:
    exported: dict[str, Any] = json.loads(EXPORTED.read_text(encoding="utf-8"))
    return exported


def test_the_exported_document_is_current() -> None:
    assert document() == json.loads(json.dumps(create_app(Settings()).openapi()))


def test_every_operation_is_described_with_examples_and_errors() -> None:
    for method, path, operation in operations(document()):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["description"], where
        if path.startswith("/v1"):
            assert any(status.startswith("4") for status in operation["responses"]), where
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                assert "example" in str(parameter), where


def test_every_route_names_a_permission() -> None:
    app = create_app(Settings())
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and route.include_in_schema:
            assert any(_permissions(context.dependant)), route.path


def _permissions(dependant: Any) -> Iterator[object]:
    if hasattr(dependant.call, "permission"):
        yield dependant.call.permission
    for inner in dependant.dependencies:
        yield from _permissions(inner)


@asynccontextmanager
async def demo(data_dir: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The demo's administrator, calling a service with the demo's data."""
    settings = Settings(data_dir=data_dir, embeddings="none", database_url=None)
    data_dir.mkdir()
    database = Database(settings.resolved_database_url)
    await migrations.migrate(database)
    async with database.write() as session:
        await load_sample(session)
    await database.close()
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        token = (await client.post("/v1/auth/token", data=SIGN_IN)).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


async def test_every_documented_example_answers_on_the_demo(tmp_path: Path) -> None:
    # What one operation publishes another cannot delete: deleting is tried on data of its own.
    for number, deletes in enumerate((False, True)):
        async with demo(tmp_path / str(number)) as client:
            for method, path, operation in operations(document()):
                if (method == "delete") == deletes:
                    answer = await _try(client, method, path, operation)
                    assert answer.status_code < 300, (method, path, answer.text)


async def _try(
    client: httpx.AsyncClient, method: str, path: str, operation: dict[str, Any]
) -> httpx.Response:
    request = request_for(document(), method, path, operation)
    if "If-Match" in request["headers"]:
        read = await client.get(request["url"].removesuffix("/publish").removesuffix("/withdraw"))
        request["headers"]["If-Match"] = read.headers["ETag"]
    return await client.request(**request)


@pytest.fixture(scope="module")
def token(served: str) -> str:
    answer = httpx.post(f"{served}/v1/auth/token", data=SIGN_IN, trust_env=False)
    return str(answer.raise_for_status().json()["access_token"])


def test_a_query_far_over_its_limit_is_told_so_by_the_api(served: str) -> None:
    connection = HTTPConnection(served.removeprefix("http://"))
    connection.request("GET", f"/v1/search?q={'-' * 100_000}")
    answer = connection.getresponse()
    assert (answer.status, json.load(answer)["code"]) == (422, "query_too_long")
    connection.close()


@schemathesis.openapi.from_path(EXPORTED).parametrize()
@hypothesis_settings(
    max_examples=100 if os.environ.get("KCT_TEST_LONG") else 6,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_any_request_is_answered_as_documented(case: Any, served: str, token: str) -> None:
    case.call_and_validate(
        base_url=served,
        headers={"Authorization": f"Bearer {token}"},
        checks=[
            schemathesis.checks.not_a_server_error,
            schemathesis.checks.status_code_conformance,
            schemathesis.checks.content_type_conformance,
            schemathesis.checks.response_schema_conformance,
        ],
    )
