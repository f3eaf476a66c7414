"""What every answer says to browsers, what other sites may do, what is refused in production."""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import PASSWORD, Service, running
from deployment import Deployment
from kechuangtong import cli
from kechuangtong.accounts.service import create_user
from kechuangtong.organizations import service as organizations
from kechuangtong.production import NotForProduction, check_settings
from kechuangtong.runtime import open_runtime
from kechuangtong.sample.service import PASSWORD as DEMO_PASSWORD
from kechuangtong.sample.service import USER as DEMO_USER
from kechuangtong.settings import Settings

EXPORTED = Path(__file__).parents[1] / "openapi" / "openapi.json"
SITE = "https://www.kct.example"
KEY = "8d7c1f0a94e25b36d8a1c7f3e09b4d62"
SQLITE = pytest.mark.parametrize("_place", ["sqlite"], indirect=True)


def browser(service: Service, base: str = "http://test", **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(service.app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=base, headers=headers)


async def every_answer(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> dict[str, httpx.Response]:
    """One answer of each kind, whoever gives it: routes, handlers, and what stands around them."""
    answers = {
        "list": await client.get("/v1/organizations"),
        "page": await client.get("/docs"),
        "asset": await client.get("/docs-assets/swagger-ui.css"),
        "no such path": await client.get("/v1/nothing"),
        "not signed in": await client.get("/v1/auth/me", headers={"Authorization": "Bearer x"}),
        "invalid": await client.get("/v1/organizations?limit=0"),
        "too large": await client.post("/v1/matches/search", content=b"x" * 1_100_000),
        "options": await client.options("/v1/organizations"),
    }

    async def mistake(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(organizations, "list_organizations", mistake)
        answers["mistake"] = await client.get("/v1/organizations")
    expected = [200, 200, 200, 404, 401, 422, 413, 204, 500]
    assert [one.status_code for one in answers.values()] == expected
    assert answers["mistake"].json()["code"] == "internal_error"
    assert answers["too large"].json()["code"] == "body_too_large"
    return answers


@SQLITE
async def test_every_answer_tells_browsers_to_be_careful(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    production = settings.model_copy(update={"environment": "production"})
    async with running(production) as service:
        async with browser(service, "https://test", Origin=SITE) as client:
            for name, answer in (await every_answer(client, monkeypatch)).items():
                headers = answer.headers
                assert headers["X-Content-Type-Options"] == "nosniff", name
                assert headers["X-Frame-Options"] == "DENY", name
                assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], name
                assert headers["Referrer-Policy"] == "no-referrer", name
                assert headers["Cross-Origin-Resource-Policy"] == "same-origin", name
                assert "max-age" in headers["Strict-Transport-Security"], name
                assert headers["X-Request-ID"], name
                assert "Access-Control-Allow-Origin" not in headers, name
        token = await service.token("scholar")
        async with service.client(token) as scholar, service.client() as anyone:
            private = await scholar.get("/v1/organizations")
            public = await anyone.get("/v1/organizations")
            assert private.headers["Cache-Control"] == "no-store"
            assert "Cache-Control" not in public.headers
            assert "Strict-Transport-Security" not in public.headers  # it came by http


@SQLITE
async def test_pages_of_named_sites_may_call_and_read_failures(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = settings.model_copy(update={"cors_origins": f"{SITE}, https://other.example"})
    async with running(named) as service:
        async with browser(service, Origin=SITE) as client:
            for name, answer in (await every_answer(client, monkeypatch)).items():
                assert answer.headers["Access-Control-Allow-Origin"] == SITE, name
                assert "Access-Control-Allow-Credentials" not in answer.headers, name
                exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
                assert exposed == {"ETag", "Link", "Location", "Retry-After", "X-Request-ID"}, name
            asked = {
                "Access-Control-Request-Method": "PATCH",
                "Access-Control-Request-Headers": "authorization, content-type, if-match, idempotency-key",
            }
            path = f"/v1/organizations/{service.university}"
            preflight = await client.options(path, headers=asked)
            assert preflight.status_code == 200
            assert preflight.headers["Access-Control-Allow-Origin"] == SITE
            assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
            assert preflight.headers["X-Content-Type-Options"] == "nosniff"
            stranger = {"Origin": "https://elsewhere.example"}
            for answer in (
                await client.options(path, headers=asked | stranger),
                await client.get(path, headers=stranger),
            ):
                assert "Access-Control-Allow-Origin" not in answer.headers


def unbounded(schema: dict[str, Any], schemas: dict[str, Any], path: str) -> Iterator[str]:
    """The texts and lists in a schema that may be of any length."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        yield from unbounded(schemas[name], schemas, path)
    choices = schema.get("anyOf", [])
    if any(one.get("type") == "number" for one in choices):
        return  # an amount, of so many digits
    for one in choices:
        yield from unbounded(one, schemas, path)
    for name, one in schema.get("properties", {}).items():
        yield from unbounded(one, schemas, f"{path}.{name}")
    if schema.get("type") == "array":
        if "maxItems" not in schema:
            yield path
        yield from unbounded(schema["items"], schemas, f"{path}[]")
    if schema.get("type") == "object" and schema.get("additionalProperties"):
        yield path
    bounds = {"maxLength", "enum", "const", "format", "pattern", "contentMediaType"}
    if schema.get("type") == "string" and not bounds & schema.keys():
        yield path


def test_what_callers_send_is_bounded() -> None:
    document = json.loads(EXPORTED.read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    found = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for one in operation.get("parameters", []):
                if one["in"] != "header":  # all headers together have a limit of the server's
                    found |= set(
                        unbounded(one["schema"], schemas, f"{method} {path} {one['name']}")
                    )
            for media in operation.get("requestBody", {}).get("content", {}).values():
                found |= set(unbounded(media["schema"], schemas, f"{method} {path} "))
            if not path.startswith("/health/"):
                assert "429" in operation["responses"], path
    # As long as the body may be, or looked at only so far; a query's length is a setting.
    form = {f"post /v1/auth/token .{name}" for name in (
        "username", "password", "refresh_token", "scope", "client_id", "client_secret"
    )}  # fmt: skip
    assert found == form | {
        "post /v1/matches/search .text",
        "post /v1/saved-searches .query.q",
        "patch /v1/saved-searches/{search_id} .query.q",
        "get /v1/search q",
    }


def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> str:
    """The one line by which a command refuses."""
    monkeypatch.setattr(sys, "argv", ["kechuangtong", *arguments])
    monkeypatch.setattr(cli.logs, "configure", lambda: None)  # it is for a whole process
    with pytest.raises(SystemExit) as ended:
        cli.main()
    told = capsys.readouterr().err
    assert (ended.value.code, told.count("\n")) == (1, 1), told
    return told


def test_production_refuses_what_anyone_could_guess(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("KCT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("KCT_ENVIRONMENT", "production")
    monkeypatch.setattr(cli.socket, "create_server", None)  # nothing is served
    for key in (None, "short", "a" * 40, "please-change-me-please-change-me-1"):
        monkeypatch.setenv("KCT_SECRET_KEY", key or "")
        for command in ("serve", "worker"):
            assert "KCT_SECRET_KEY" in refused(monkeypatch, capsys, command)
    monkeypatch.setenv("KCT_SECRET_KEY", KEY)
    assert "production" in refused(monkeypatch, capsys, "demo", "--no-serve")

    async def show() -> None:
        async with open_runtime(Settings()) as runtime, runtime.database.write() as session:
            await create_user(session, name=DEMO_USER, password=DEMO_PASSWORD)

    asyncio.run(show())
    assert DEMO_USER in refused(monkeypatch, capsys, "serve")
    monkeypatch.setenv("KCT_MEILISEARCH_MASTER_KEY", "fifteen bytes!!")
    assert "KCT_MEILISEARCH_MASTER_KEY" in refused(monkeypatch, capsys, "worker")


@pytest.mark.parametrize(
    "user_and_password",
    [
        "kct:kct",
        "kct:postgres",
        "kct:Password",
        "kct:change-me",
        "postgres:postgres",
        "kct:changeme1",
    ],
)
def test_a_database_password_that_is_guessed_is_refused(user_and_password: str) -> None:
    def check(credentials: str, environment: str = "production") -> None:
        url = f"postgresql+psycopg://{credentials}@db/kechuangtong"
        check_settings(Settings(environment=environment, database_url=url, secret_key=KEY))

    with pytest.raises(NotForProduction, match="KCT_DATABASE_URL") as told:
        check(user_and_password)
    assert user_and_password.split(":")[1] not in str(told.value).lower().split()
    check("kct:f81d4fae7dec11d0")
    check("kct")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KCT_RATE_PER_CALLER", "often"),
        ("KCT_SMTP_URL", "http://mail.kct.example"),
        ("KCT_SMTP_URL", "smtp://li:secret-word@"),
        ("KCT_SMTP_URL", "smtp://li:secret-word@host:port"),
        ("KCT_MAIL_FROM", "nobody"),
        ("KCT_TRUSTED_PROXIES", "*"),
        ("KCT_CORS_ORIGINS", "www.kct.example"),
    ],
)
def test_a_setting_that_is_wrong_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    name: str,
    value: str,
) -> None:
    monkeypatch.setenv("KCT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv(name, value)
    told = refused(monkeypatch, capsys, "check")
    assert f"{name}: " in told
    assert "secret-word" not in told


def test_mail_needs_a_sender(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KCT_SMTP_URL", "smtp://mail.kct.example")
    assert "KCT_MAIL_FROM: " in refused(monkeypatch, capsys, "check")


def test_secrets_are_never_shown() -> None:
    secrets = [f"hidden-{n}-hidden-{n}-hidden-{n}-hidden-{n}" for n in range(6)]
    settings = Settings(
        database_url=f"postgresql+psycopg://kct:{secrets[0]}@db/kct",
        secret_key=secrets[1],
        smtp_url=f"smtp://li:{secrets[2]}@host",
        mail_from="no-reply@kct.example",
        meilisearch_key=secrets[3],
        meilisearch_master_key=secrets[4],
        embeddings_key=secrets[5],
    )
    for shown in (repr(settings), str(settings), f"{settings!r}"):
        assert not [one for one in secrets if one in shown]


def test_logs_hold_no_secrets(tmp_path: Path) -> None:
    serving = Deployment(
        {"KCT_DATA_DIR": str(tmp_path), "KCT_EMBEDDINGS": "none", "KCT_SECRET_KEY": KEY}
    )
    try:
        serving.done("user", "create", "root", "--administrator", KCT_NEW_PASSWORD=PASSWORD)
        client = serving.serve()
        token = client.headers["Authorization"].removeprefix("Bearer ")
        wrong = {"username": "root", "password": "a-wrong-password"}
        assert client.post("/v1/auth/token", data=wrong).status_code == 401
        assert client.get("/v1/auth/me").status_code == 200
        assert client.get(f"/v1/organizations?access_token={token}").status_code == 422
        guessed = {"Authorization": "Bearer guessed-token"}
        assert client.get("/v1/auth/me", headers=guessed).status_code == 401
        serving.processes[-1].terminate()
        serving.processes[-1].wait(30)
    finally:
        serving.stop()
    logged = (tmp_path / "processes.log").read_text(encoding="utf-8")
    for secret in (PASSWORD, "a-wrong-password", token, "guessed-token", KEY):
        assert secret not in logged
