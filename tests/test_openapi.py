"""The API as it is documented: complete, current, and true on the demo's data."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from conftest import application, quick_hash, serving_demo
from examples import SIGN_IN, operations, request_for
from kechuangtong.accounts.deps import CurrentActor
from kechuangtong.accounts.permissions import Permission, PlatformRole
from kechuangtong.attachments.store import store_from
from kechuangtong.core import migrations
from kechuangtong.core.db import Database, new_id
from kechuangtong.models import User
from kechuangtong.sample.service import (
    AUDITOR,
    EDITOR,
    PASSWORD,
    REVIEWER,
    USER,
    load_sample,
    store_sample,
)
from kechuangtong.settings import Settings

EXPORTED = Path(__file__).parents[1] / "openapi" / "openapi.json"
# What ends the sign-ins of its caller, and who calls: each a person that no other needs after.
ENDS_SIGN_INS = {
    "/v1/auth/sign-out": EDITOR,
    "/v1/auth/sign-out-everywhere": EDITOR,
    "/v1/auth/password-resets/complete": EDITOR,
    "/v1/auth/password": AUDITOR,
    "/v1/auth/me/erase": REVIEWER,
    "/v1/users/{user_id}/erase": USER,
}


@cache
def app() -> FastAPI:
    """The application, which knows its document once it was asked for it."""
    return application(Settings())


@cache
def document() -> dict[str, Any]:
    exported: dict[str, Any] = json.loads(EXPORTED.read_text(encoding="utf-8"))
    return exported


def test_the_exported_document_is_current() -> None:
    assert document() == json.loads(json.dumps(app().openapi()))


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
    count = 0
    for context, _ in documented(app()):
        count += 1
        assert any(_permissions(context.dependant)), context.path
    assert count > 30


def test_every_operation_documents_what_its_dependencies_answer_with() -> None:
    for context, operation in documented(app()):
        dependant = context.dependant
        expected = {"422"}  # unknown query parameters
        if _asks_who_calls(dependant):
            expected.add("401")  # a token that is none
            if set(_permissions(dependant)) != {Permission.SERVICE_READ}:
                expected.add("403")  # a key without the scope, if nobody else
        headers = {
            parameter["name"]
            for parameter in operation.get("parameters", [])
            if parameter["in"] == "header"
        }
        if "if-match" in headers:
            expected |= {"412", "428"}
        if "requestBody" in operation or "idempotency-key" in headers:
            expected |= {"400", "413"}
        assert expected <= operation["responses"].keys(), context.path


def documented(app: FastAPI) -> Iterator[tuple[RouteContext, dict[str, Any]]]:
    """The routes that are in the app's document, each with its operation."""
    paths = app.openapi()["paths"]
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in context.methods or ():
                yield context, paths[context.path][method.lower()]


def _asks_who_calls(dependant: Any) -> bool:
    return dependant.call is CurrentActor.__metadata__[0].dependency or any(
        _asks_who_calls(inner) for inner in dependant.dependencies
    )


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
    serving = application(settings)
    transport = httpx.ASGITransport(serving)
    async with (
        serving.router.lifespan_context(serving),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        token = (await client.post("/v1/auth/token", data=SIGN_IN)).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


async def test_every_documented_example_answers_on_the_demo(tmp_path: Path) -> None:
    # What one operation publishes another cannot delete: deleting is tried on data of its own,
    # and there what ends sign-ins comes last.
    for number, deletes in enumerate((False, True)):
        async with demo(tmp_path / str(number)) as client:
            for method, path, operation in operations(document()):
                if path.startswith("/v1/auth/oidc/"):
                    continue  # the demo has no identity provider; tests/accounts/test_oidc.py has
                if (method == "delete") == deletes and path not in ENDS_SIGN_INS:
                    answer = await _try(client, method, path, operation)
                    assert answer.status_code < 300, (method, path, answer.text)
            for path, name in ENDS_SIGN_INS.items() if deletes else ():
                form = {"username": name, "password": PASSWORD}
                token = (await client.post("/v1/auth/token", data=form)).json()["access_token"]
                client.headers["Authorization"] = f"Bearer {token}"
                operation = document()["paths"][path]["post"]
                answer = await _try(client, "post", path, operation)
                assert answer.status_code < 300, (path, answer.text)


async def _try(
    client: httpx.AsyncClient, method: str, path: str, operation: dict[str, Any]
) -> httpx.Response:
    request = request_for(document(), method, path, operation)
    if "If-Match" in request["headers"]:
        changed = request["url"]
        while "ETag" not in (read := await client.get(changed)).headers:  # it is of what is above
            changed = changed.rpartition("/")[0]
        request["headers"]["If-Match"] = read.headers["ETag"]
    return await client.request(**request)


# Requests of every kind, good and bad, to every operation, by two callers.

LONG = bool(os.environ.get("KCT_TEST_LONG"))
OPERATIONS = len(list(operations(document())))
SCHEMA = schemathesis.openapi.from_path(EXPORTED)
SCHEMA.config.phases.coverage.enabled = LONG  # each limit of each value: some 90 an operation
ANY_REQUEST = SCHEMA.parametrize()
EXAMPLES = hypothesis_settings(
    max_examples=60 if LONG else 3,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
]
asked = Counter[tuple[str, str]]()


class Demo:
    """A served demo and an administrator of it, who is another one when the one before may no
    more: some requests end a sign-in, lock or erase their caller."""

    def __init__(self, client: httpx.Client, database: Database) -> None:
        self.address = str(client.base_url)
        self._client = client
        self._database = database
        self._headers: dict[str, str] = {}

    def by_an_administrator(self, case: Any) -> Any:
        """The answer to a request by one who is signed in."""
        answer = case.call(base_url=self.address, headers=self._headers)
        if answer.status_code == 401 and not self._signed_in():
            name = asyncio.run(self._administrator())
            form = {"username": name, "password": SIGN_IN["password"]}
            token = self._client.post("/v1/auth/token", data=form).raise_for_status().json()
            self._headers = {"Authorization": f"Bearer {token['access_token']}"}
            answer = case.call(base_url=self.address, headers=self._headers)
        return answer

    def _signed_in(self) -> bool:
        return self._client.get("/v1/auth/me", headers=self._headers).is_success

    async def _administrator(self) -> str:
        name = f"administrator {new_id()}"
        async with self._database.write() as session:
            user = User(name=name, platform_role=PlatformRole.ADMINISTRATOR)
            user.password_hash = quick_hash(SIGN_IN["password"])
            session.add(user)
        await self._database.close()
        return name


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    data_dir = tmp_path_factory.mktemp("fuzzed")
    settings = Settings(data_dir=data_dir, database_url=None)
    with serving_demo(data_dir) as address:
        with httpx.Client(base_url=address, trust_env=False) as client:
            yield Demo(client, Database(settings.resolved_database_url))


def test_a_query_far_over_its_limit_is_told_so_by_the_api(fuzzed: Demo) -> None:
    connection = HTTPConnection(fuzzed.address.removeprefix("http://"))
    connection.request("GET", f"/v1/search?q={'-' * 100_000}")
    answer = connection.getresponse()
    assert (answer.status, json.load(answer)["code"]) == (422, "query_too_long")
    connection.close()


@ANY_REQUEST
@EXAMPLES
def test_any_request_of_anyone_is_answered_as_documented(case: Any, fuzzed: Demo) -> None:
    asked["anyone", case.operation.label] += 1
    case.headers.pop("X-API-Key", None)  # of no key, so that nothing else would be looked at
    case.call_and_validate(base_url=fuzzed.address, checks=CHECKS)


@ANY_REQUEST
@EXAMPLES
def test_any_request_of_an_administrator_is_answered_as_documented(case: Any, fuzzed: Demo) -> None:
    asked["administrator", case.operation.label] += 1
    case.headers.pop("X-API-Key", None)
    case.validate_response(fuzzed.by_an_administrator(case), checks=CHECKS)


def test_so_many_requests_were_tried() -> None:
    if not asked:
        pytest.skip("none was to be tried in this run")
    assert len(asked) == 2 * OPERATIONS
    print(asked.total(), "requests")
    assert asked.total() >= (10_000 if LONG else 200)
