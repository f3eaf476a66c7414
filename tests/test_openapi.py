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

from kechuangtong.app import create_app
from kechuangtong.attachments.store import store_from
from kechuangtong.core import migrations
from kechuangtong.core.db import Database
from kechuangtong.sample.service import PASSWORD, USER, load_sample, store_sample
from kechuangtong.settings import Settings

EXPORTED = Path(__file__).parents[1] / "openapi" / "openapi.json"
SIGN_IN = {"username": USER, "password": PASSWORD}
METHODS = {"get", "post", "put", "patch", "delete"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    document = json.loads(EXPORTED.read_text(encoding="utf-8"))
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield method, path, operation


def test_the_exported_document_is_current() -> None:
    document = create_app(Settings()).openapi()
    assert json.loads(EXPORTED.read_text(encoding="utf-8")) == json.loads(json.dumps(document))


def test_every_operation_is_described_with_examples_and_errors() -> None:
    for method, path, operation in operations():
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
    await store_sample(store_from(settings))
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
    document = json.loads(EXPORTED.read_text(encoding="utf-8"))
    # What one operation publishes another cannot delete: deleting is tried on data of its own.
    for number, deletes in enumerate((False, True)):
        async with demo(tmp_path / str(number)) as client:
            for method, path, operation in operations():
                if (method == "delete") == deletes:
                    answer = await _try(client, document, method, path, operation)
                    assert answer.status_code < 300, (method, path, answer.text)


async def _try(
    client: httpx.AsyncClient,
    document: dict[str, Any],
    method: str,
    path: str,
    operation: dict[str, Any],
) -> httpx.Response:
    request: dict[str, Any] = {"headers": {}}
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            example = parameter["examples"]["sample"]["value"]
            path = path.replace("{" + parameter["name"] + "}", example)
        if parameter["name"].lower() == "if-match":
            read = await client.get(path.removesuffix("/publish").removesuffix("/withdraw"))
            request["headers"]["If-Match"] = read.headers["ETag"]
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        request["json"] = _example(document, content["application/json"])
    elif path.endswith("/attachments") and content:
        request["files"] = {"file": ("说明.txt", "说明".encode())}
        request["data"] = {"access": "public"}
    elif "multipart/form-data" in content:
        request["files"] = {"file": ("成果.csv", "成果名称\n例\n".encode())}
        request["data"] = {"kind": "achievement", "organization": "锦江理工大学"}
    elif content:
        request["data"] = SIGN_IN
    return await client.request(method.upper(), path, **request)


def _example(document: dict[str, Any], media: dict[str, Any]) -> Any:
    if "example" in media:
        return media["example"]
    schema = media["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema["example"]


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
