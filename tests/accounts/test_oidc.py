"""Signing in at an institution's own identity provider, which these tests run themselves."""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import anyio
import httpx
import pytest
import time_machine
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import ValidationError
from sqlalchemy import func, select, update
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from conftest import PASSWORD, Service, free_port, running
from kechuangtong.accounts.service import create_user
from kechuangtong.core.clock import now
from kechuangtong.models import Identity, User
from kechuangtong.settings import Settings
from waiting import until

CLIENT, SECRET = "kechuangtong", "a secret : of the client"
KEY, OTHER_KEY = (RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}) for _ in range(2))


@dataclass
class Provider:
    """A provider; what it says of the person, and how the next token is wrong, is set from here."""

    issuer: str
    person: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: KEY)
    algorithm: str = "RS256"
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    async def configuration(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
            }
        )

    async def jwks(self, _request: Request) -> Response:
        encrypting = {"kty": "unheard of", "kid": "two", "use": "enc"}
        return JSONResponse({"keys": [KEY.as_dict(private=False), encrypting]})

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        code = uuid.uuid4().hex
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer, "session_state": "x"}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}")

    async def token(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        assert request.headers["Authorization"] == f"Basic {basic}"
        asked = self.codes.pop(form["code"][0], None)
        verifier = hashlib.sha256(form["code_verifier"][0].encode()).digest()
        if (
            asked is None
            or form["redirect_uri"] != [asked["redirect_uri"]]
            or base64.urlsafe_b64encode(verifier).decode().rstrip("=") != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        at = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": at, "exp": at + 300}
        claims |= {"nonce": asked["nonce"], **self.person, **self.claims}
        header = {"alg": self.algorithm, "kid": "one"}
        if self.algorithm == "none":
            token = ".".join(
                base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=")
                for one in (header, claims)
            )
            return JSONResponse({"id_token": f"{token}."})
        return JSONResponse({"access_token": "x", "id_token": jwt.encode(header, claims, self.key)})


@asynccontextmanager
async def serving(provider: Provider) -> AsyncIterator[None]:
    """The provider at its address, for the block."""
    routes = [
        Route("/.well-known/openid-configuration", provider.configuration),
        Route("/jwks", provider.jwks),
        Route("/authorize", provider.authorize),
        Route("/token", provider.token, methods=["POST"]),
    ]
    port = urlsplit(provider.issuer).port
    config = uvicorn.Config(
        Starlette(routes=routes), host="127.0.0.1", port=port, log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)

    async def started() -> bool:
        return server.started

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server._serve)
        await until(started)
        yield
        server.should_exit = True


def institution(provider: Provider, **values: str) -> dict[str, str]:
    return {
        "name": "university",
        "title": "蜀江大学统一身份认证",
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "organization": "蜀江大学",
        **values,
    }


@pytest.fixture
def provider() -> Provider:
    person = {"sub": "20260001", "preferred_username": "zhang", "email": "zhang@example.edu.cn"}
    return Provider(f"http://127.0.0.1:{free_port()}", {**person, "email_verified": True})


@pytest.fixture
async def service(
    settings: Settings, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    configured = [institution(provider), institution(provider, name="lost", organization="无此")]
    monkeypatch.setenv("KCT_OIDC_PROVIDERS", json.dumps(configured))
    ours = {"oidc_providers": Settings().oidc_providers, "public_url": "http://test/"}
    async with running(settings.model_copy(update=ours)) as one:
        yield one


async def go(client: httpx.AsyncClient, name: str = "university", page: str | None = None) -> str:
    """To the provider and back to the door: the address of the callback."""
    sent = await client.get(f"/v1/auth/oidc/{name}", params={"page": page} if page else {})
    assert sent.status_code == 302, sent.text
    cookie = sent.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert f"Path=/v1/auth/oidc/{name}" in cookie
    async with httpx.AsyncClient(trust_env=False) as browser:
        return str((await browser.get(sent.headers["Location"])).headers["Location"])


async def sign_in(client: httpx.AsyncClient, name: str = "university") -> httpx.Response:
    return await client.get(await go(client, name))


async def test_who_comes_first_becomes_a_member_and_later_the_same_user(
    service: Service, provider: Provider
) -> None:
    async with serving(provider), service.client() as client:
        listed = (await client.get("/v1/auth/oidc")).json()["items"]
        assert listed[0] == {"name": "university", "title": "蜀江大学统一身份认证"}
        assert SECRET not in str(listed)

        people = []
        for _ in range(2):
            answer = await sign_in(client)
            assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
            async with service.client(answer.json()["access_token"]) as person:
                people.append((await person.get("/v1/auth/me")).json())
        assert people[0] == people[1]
        assert people[0]["name"] == "zhang@university"
        assert people[0]["roles"] == {str(service.university): "member"}
        async with service.runtime.database.read() as session:
            user = await session.get_one(User, uuid.UUID(people[0]["id"]))
        assert (user.email, user.password_hash) == ("zhang@example.edu.cn", None)
        form = {"username": user.name, "password": PASSWORD}
        assert (await client.post("/v1/auth/token", data=form)).status_code == 401

        # Another person with the same name and address is another user, and takes neither.
        provider.person |= {"sub": "20260002"}
        answer = await sign_in(client)
        async with service.client(answer.json()["access_token"]) as person:
            other = (await person.get("/v1/auth/me")).json()
        assert other["id"] != people[0]["id"]
        assert other["name"].startswith("zhang@university-")
        async with service.runtime.database.write() as session:
            user = await session.get_one(User, uuid.UUID(other["id"]))
            assert user.email is None
            owner = await create_user(
                session, name="owner", password=PASSWORD, email="li@example.edu.cn"
            )
        # Nor is a user of ours found by an address, vouched for or not.
        provider.person |= {"sub": "20260003", "email": "li@example.edu.cn"}
        answer = await sign_in(client)
        async with service.client(answer.json()["access_token"]) as person:
            assert (await person.get("/v1/auth/me")).json()["id"] != str(owner.id)

        lost = await sign_in(client, "lost")  # the settings name an organization that is not there
        assert lost.status_code == 200, "known already at the issuer"
        provider.person |= {"sub": "20260004"}
        lost = await sign_in(client, "lost")
        assert (lost.status_code, lost.json()["code"]) == (503, "oidc_unavailable")

        async with service.runtime.database.write() as session:
            await session.execute(update(User).values(locked_at=now()))
        provider.person |= {"sub": "20260001"}
        locked = await sign_in(client)
        assert (locked.status_code, locked.json()["code"]) == (401, "user_locked")


async def test_whatever_is_not_right_is_refused(service: Service, provider: Provider) -> None:
    async with serving(provider), service.client() as client:
        at = int(time.time())
        for claims in (
            {"nonce": "another"},
            {"nonce": None},
            {"aud": "another"},
            {"aud": ["another"], "azp": CLIENT},
            {"aud": [CLIENT, "another"], "azp": "another"},
            {"iss": "http://127.0.0.1:1"},
            {"exp": at - 61},
            {"iat": at + 120},
            {"sub": ""},
            {"sub": 5},
            {"sub": "x" * 256},
        ):
            provider.claims = claims
            refused = await sign_in(client)
            assert (refused.status_code, refused.json()["code"]) == (401, "oidc_refused"), claims
        provider.claims = {}
        provider.key = OTHER_KEY  # of the same name, but not the one that the provider shows
        assert (await sign_in(client)).json()["code"] == "oidc_refused"
        provider.key, provider.algorithm = KEY, "none"
        assert (await sign_in(client)).json()["code"] == "oidc_refused"
        provider.algorithm = "RS256"

        for change in ({"state": "another"}, {"state": ""}):
            address = httpx.URL(await go(client)).copy_merge_params(change)
            refused = await client.get(address)
            assert (refused.status_code, refused.json()["code"]) == (401, "oidc_state_invalid")
        for change in ({"error": "access_denied"}, {"iss": "http://127.0.0.1:1"}):
            address = httpx.URL(await go(client)).copy_merge_params(change)
            assert (await client.get(address)).json()["code"] == "oidc_refused"
        # Begun in one browser, it is not finished in another, nor at another provider.
        address = await go(client)
        async with service.client() as other:
            assert (await other.get(address)).json()["code"] == "oidc_state_invalid"
            other.cookies.set("kct_oidc", client.cookies["kct_oidc"])
            elsewhere = address.replace("/university/", "/lost/")
            assert (await other.get(elsewhere)).json()["code"] == "oidc_state_invalid"
            token = await service.token("scholar")  # signed by the same key, for another use
            other.cookies.set("kct_oidc", token)
            assert (await other.get(address)).json()["code"] == "oidc_state_invalid"
        with time_machine.travel(time.time() + 601):
            assert (await client.get(address)).json()["code"] == "oidc_state_invalid"
        async with service.runtime.database.read() as session:
            assert await session.scalar(select(func.count()).select_from(Identity)) == 0

        # Good once: neither the browser's way back nor, with its cookie kept, the code.
        address = await go(client)
        kept = client.cookies["kct_oidc"]
        assert (await client.get(address)).status_code == 200
        assert "kct_oidc" not in client.cookies
        assert (await client.get(address)).json()["code"] == "oidc_state_invalid"
        again = await client.get(address, headers={"Cookie": f"kct_oidc={kept}"})
        assert again.json()["code"] == "oidc_refused"

        unknown = await client.get("/v1/auth/oidc/nobody")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


async def test_a_provider_that_is_down_or_another_is_said_so(
    service: Service, provider: Provider
) -> None:
    async with service.client() as client:
        async with serving(provider):
            address = await go(client)
            provider.issuer += "/another"
            refused = await client.get("/v1/auth/oidc/university")
            assert (refused.status_code, refused.json()["code"]) == (503, "oidc_unavailable")
        for path in ("/v1/auth/oidc/university", address):
            down = await client.get(path)
            assert (down.status_code, down.json()["code"]) == (503, "oidc_unavailable")
            assert down.headers["Retry-After"]


def test_settings_refuse_what_cannot_be_trusted(provider: Provider) -> None:
    for wrong in (
        {"issuer": "http://sso.example.edu.cn"},
        {"name": "../x"},
        {"role": "king"},
    ):
        with pytest.raises(ValidationError):
            Settings(oidc_providers=[institution(provider, **wrong)])
    shown = repr(Settings(oidc_providers=[institution(provider)]))
    assert SECRET not in shown


async def test_from_a_page_one_comes_back_to_it_signed_in_by_a_cookie(
    service: Service, provider: Provider
) -> None:
    async with serving(provider), service.client() as client:
        shown = await client.get("/sign-in", params={"next": "/uploads"})
        assert "/v1/auth/oidc/university?page=/uploads" in shown.text
        for page, leads_to in (("/uploads", "/uploads"), ("//evil.example", "/")):
            back = await client.get(await go(client, page=page))
            assert (back.status_code, back.headers["Location"]) == (303, leads_to)
            assert "access_token" not in back.text
            assert (await client.get("/v1/auth/me")).json()["name"] == "zhang@university"
            client.cookies.delete("kct_session")
