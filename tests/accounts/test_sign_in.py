"""Signing in, staying signed in by refresh tokens, signing out, and wrong passwords."""

import asyncio
import uuid
from datetime import timedelta

import httpx
import pytest
import time_machine
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select, update

from conftest import PASSWORD, Service
from kechuangtong.accounts import sign_ins
from kechuangtong.accounts.hashing import hash_password, verify_password
from kechuangtong.accounts.tokens import issue_refresh_token
from kechuangtong.core.clock import now
from kechuangtong.models import Event, SignInFailures, User

SCHOLAR = {"username": "scholar", "password": PASSWORD}


async def sign_in(client: httpx.AsyncClient, **form: str) -> dict[str, str]:
    answer = await client.post("/v1/auth/token", data=form or SCHOLAR)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.raise_for_status().json()


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return await client.post("/v1/auth/token", data=form)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def me(service: Service, token: str) -> httpx.Response:
    async with service.client(token) as client:
        return await client.get("/v1/auth/me")


async def test_refresh_tokens_carry_a_sign_in_on_and_are_good_once(
    service: Service, anyone: httpx.AsyncClient
) -> None:
    oauth = {"grant_type": "password", "scope": "", "client_id": "swagger", "client_secret": "x"}
    first = await sign_in(anyone, **SCHOLAR, **oauth)
    assert (first["token_type"], first["expires_in"]) == ("bearer", 1800)
    # Neither token passes for the other, and neither for anything made up.
    assert code(await me(service, first["refresh_token"])) == (401, "not_signed_in")
    for wrong in (first["access_token"], "nonsense"):
        assert code(await refresh(anyone, wrong)) == (401, "refresh_token_invalid")
    other = service.runtime.settings
    forged = issue_refresh_token(other, uuid.uuid4(), 1)
    assert code(await refresh(anyone, forged)) == (401, "refresh_token_invalid")

    second = (await refresh(anyone, first["refresh_token"])).raise_for_status().json()
    assert (await me(service, second["access_token"])).json()["name"] == "scholar"
    # The earlier token again: it is in two hands, so nobody stays signed in by this sign-in.
    elsewhere = await sign_in(anyone)
    assert code(await refresh(anyone, first["refresh_token"])) == (401, "refresh_token_reused")
    assert code(await refresh(anyone, second["refresh_token"])) == (401, "refresh_token_invalid")
    for token in (first["access_token"], second["access_token"]):
        assert code(await me(service, token)) == (401, "not_signed_in")
    assert (await me(service, elsewhere["access_token"])).status_code == 200

    answers = await asyncio.gather(
        *(refresh(anyone, elsewhere["refresh_token"]) for _ in range(20))
    )
    assert sorted(one.status_code for one in answers) == [200] + [401] * 19
    (won,) = (one.json() for one in answers if one.is_success)
    assert code(await refresh(anyone, won["refresh_token"])) == (401, "refresh_token_invalid")

    lasting = await sign_in(anyone)
    with time_machine.travel(now() + timedelta(minutes=31), tick=True):
        assert code(await me(service, lasting["access_token"])) == (401, "not_signed_in")
        async with service.client(lasting["access_token"]) as client:  # as clients send it along
            answer = await refresh(client, lasting["refresh_token"])
            lasting = answer.raise_for_status().json()
    with time_machine.travel(now() + timedelta(days=29), tick=True):
        lasting = (await refresh(anyone, lasting["refresh_token"])).raise_for_status().json()
    with time_machine.travel(now() + timedelta(days=58), tick=True):
        lasting = (await refresh(anyone, lasting["refresh_token"])).raise_for_status().json()
    with time_machine.travel(now() + timedelta(days=89), tick=True):
        answer = await refresh(anyone, lasting["refresh_token"])
        assert code(answer) == (401, "refresh_token_invalid")

    async with service.runtime.database.read() as session:
        actions = (await session.scalars(select(Event.action).order_by(Event.id))).all()
    assert actions.count("user.signed_in") == 3
    assert actions.count("user.refresh_token_reused") == 2


async def test_what_a_sign_in_lacks_is_named(anyone: httpx.AsyncClient) -> None:
    for form, missing in (
        ({}, ["username", "password"]),
        ({"username": "scholar"}, ["password"]),
        ({"grant_type": "refresh_token", **SCHOLAR}, ["refresh_token"]),
        ({"grant_type": "implicit"}, ["grant_type"]),
        ({**SCHOLAR, "otp": "1"}, ["otp"]),
    ):
        answer = await anyone.post("/v1/auth/token", data=form or {"scope": ""})
        assert answer.status_code == 422
        assert [one["loc"] for one in answer.json()["errors"]] == [["body", one] for one in missing]


async def test_signing_out_here_and_everywhere(service: Service, anyone: httpx.AsyncClient) -> None:
    here, there, third = [await sign_in(anyone) for _ in range(3)]
    stranger = await sign_in(anyone, username="buyer", password=PASSWORD)
    async with service.client(here["access_token"], **{"User-Agent": "curl/8"}) as client:
        await refresh(client, third["refresh_token"])
        listed = (await client.get("/v1/auth/sign-ins?limit=2")).json()
        rest = (await client.get(f"/v1/auth/sign-ins?cursor={listed['next_cursor']}")).json()
        assert [one["current"] for one in listed["items"] + rest["items"]] == [False, False, True]
        assert listed["items"][0]["agent"] == "curl/8"
        assert listed["items"][0]["address"] == "127.0.0.1"
        assert listed["items"][0]["used_at"] > listed["items"][0]["created_at"]
        assert (await client.post("/v1/auth/sign-out")).status_code == 204
        assert code(await client.get("/v1/auth/me")) == (401, "not_signed_in")
        assert code(await refresh(anyone, here["refresh_token"])) == (401, "refresh_token_invalid")
    async with service.client(there["access_token"]) as client:
        assert len((await client.get("/v1/auth/sign-ins")).json()["items"]) == 2
        assert (await client.post("/v1/auth/sign-out-everywhere")).status_code == 204
    for token in (there, third):
        assert (await me(service, token["access_token"])).status_code == 401
    assert (await me(service, stranger["access_token"])).status_code == 200
    assert (await anyone.post("/v1/auth/sign-out")).status_code == 401


async def test_wrong_passwords_lock_a_name_whether_it_is_a_users_or_not(
    service: Service, anyone: httpx.AsyncClient
) -> None:
    async def attempt(name: str, password: str = "a wrong password") -> httpx.Response:
        return await anyone.post("/v1/auth/token", data={"username": name, "password": password})

    # What is right in between begins the count anew.
    for _ in range(2):
        for _ in range(3):
            assert code(await attempt("scholar")) == (401, "sign_in_failed")
        await sign_in(anyone)

    at_once = await asyncio.gather(*(attempt("scholar") for _ in range(20)))
    assert sorted(one.status_code for one in at_once) == [401] * 5 + [429] * 15
    one_by_one = [await attempt("nobody") for _ in range(6)]
    assert [one.status_code for one in one_by_one] == [401] * 5 + [429]
    refused, nobody = await attempt("scholar", PASSWORD), one_by_one[-1]
    for answer in (refused, nobody):
        assert code(answer) == (429, "sign_in_locked")
        assert 880 <= int(answer.headers["Retry-After"]) <= 901
        assert "（北京时间）之前不能登录" in answer.json()["detail"]
    assert refused.json().keys() == nobody.json().keys()
    await sign_in(anyone, username="buyer", password=PASSWORD)

    async with service.runtime.database.read() as session:
        (locked,) = await session.scalars(
            select(Event).where(Event.action == "user.sign_in_locked")
        )
        assert PASSWORD not in str(locked.after)
        counts = await session.scalars(select(SignInFailures.count))
        assert sorted(counts) == [5, 5]
    with time_machine.travel(now() + timedelta(minutes=16), tick=True):
        assert code(await attempt("scholar")) == (401, "sign_in_failed")
        await sign_in(anyone)
    with time_machine.travel(now() + timedelta(days=2), tick=True):
        assert code(await attempt("another")) == (401, "sign_in_failed")
        async with service.runtime.database.read() as session:
            assert list(await session.scalars(select(SignInFailures.count))) == [1]


async def test_a_hash_of_other_parameters_is_made_anew_on_signing_in(
    service: Service, anyone: httpx.AsyncClient
) -> None:
    weak = Argon2Hasher(time_cost=1, memory_cost=512, parallelism=1).hash(PASSWORD)
    async with service.runtime.database.write() as session:
        await session.execute(update(User).where(User.name == "scholar").values(password_hash=weak))
    answers = await asyncio.gather(*(sign_in(anyone) for _ in range(4)))
    assert all(one["access_token"] for one in answers)
    async with service.runtime.database.read() as session:
        kept = await session.scalar(select(User.password_hash).where(User.name == "scholar"))
    assert kept is not None
    assert "m=1024" in kept
    await sign_in(anyone)


async def test_a_password_that_is_changed_while_it_is_checked_lets_nobody_in(
    service: Service, anyone: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = await hash_password("泡桐树小学门口的糖油果子", name="scholar")

    async def changed_meanwhile(password: str, stored: str | None) -> tuple[bool, str | None]:
        async with service.runtime.database.write() as session:
            await session.execute(
                update(User).where(User.name == "scholar").values(password_hash=new)
            )
        return await verify_password(password, stored)

    monkeypatch.setattr(sign_ins, "verify_password", changed_meanwhile)
    answer = await anyone.post("/v1/auth/token", data=SCHOLAR)
    assert code(answer) == (401, "sign_in_failed")
