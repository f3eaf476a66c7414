"""How often one may call: exactly so often, by caller and by address, whatever is claimed."""

import asyncio
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import time_machine
from sqlalchemy import text

from conftest import PASSWORD, Service, running
from deployment import Deployment, wait
from kechuangtong.accounts.limits import network
from kechuangtong.app import create_app
from kechuangtong.core.clock import now
from kechuangtong.runtime import open_runtime
from kechuangtong.settings import Settings

LISTS = "/v1/organizations"


def caller(
    service: Service, address: str = "203.0.113.1", token: str | None = None
) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    transport = httpx.ASGITransport(service.app, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)


async def statuses(*calls: httpx.AsyncClient, times: int, path: str = LISTS) -> Counter[int]:
    answers = await asyncio.gather(*(one.get(path) for one in calls for _ in range(times)))
    return Counter(answer.status_code for answer in answers)


async def test_so_many_calls_get_through_as_are_allowed(settings: Settings) -> None:
    limited = Settings(**(settings.model_dump() | {"rate_per_address": "20/minute"}))
    async with running(limited) as service, caller(service) as client:
        assert await statuses(client, times=50) == {200: 20, 429: 30}
        refused = await client.get(LISTS)
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.json()["code"] == "too_many_requests"
        assert [one["type"] for one in refused.json()["errors"]] == ["too_many_requests"]
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert await statuses(client, times=5, path="/health/live") == {200: 5}
        # Neither another address nor who is signed in pays for it.
        async with caller(service, "203.0.113.2") as other:
            assert await statuses(other, times=1) == {200: 1}
        token = await service.token("scholar")
        async with caller(service, token=token) as scholar:
            assert await statuses(scholar, times=30) == {200: 30}
        async with caller(service, token="guessed") as guesser:
            assert await statuses(guesser, times=1) == {429: 1}
        with time_machine.travel(now() + timedelta(seconds=61)):
            assert await statuses(client, times=25) == {200: 20, 429: 5}


async def test_each_caller_has_calls_of_its_own_and_guessing_tokens_is_limited(
    settings: Settings,
) -> None:
    rates = {"rate_per_caller": "10/minute", "rate_per_address": "10/minute"}
    async with running(Settings(**(settings.model_dump() | rates))) as service:
        tokens = [await service.token(name) for name in ("scholar", "buyer")]
        async with (
            caller(service, token=tokens[0]) as first,
            caller(service, token=tokens[1]) as second,
        ):
            assert await statuses(first, second, times=15) == {200: 20, 429: 10}
            assert await statuses(first, times=1) == {429: 1}
        async with caller(service, token="guessed") as guesser:
            assert await statuses(guesser, times=20) == {401: 10, 429: 10}


async def test_attempts_to_sign_in_are_limited(settings: Settings) -> None:
    limited = Settings(**(settings.model_dump() | {"rate_sign_in": "3/minute"}))
    async with running(limited) as service:
        wrong = {"username": "scholar", "password": "wrong password"}
        async with caller(service, "2001:db8::1") as client, caller(service, "2001:db8::2") as same:
            tried = [await one.post("/v1/auth/token", data=wrong) for one in (client, same, client)]
            assert [one.status_code for one in tried] == [401] * 3
            right = {**wrong, "password": PASSWORD}
            assert (await same.post("/v1/auth/token", data=right)).status_code == 429
            assert await statuses(client, times=5) == {200: 5}
        async with caller(service, "2001:db8:0:1::1") as other:
            assert (await other.post("/v1/auth/token", data=right)).status_code == 200
    assert network("2001:db8::1") == network("2001:db8::ffff") != network("2001:db8:0:1::1")
    assert network("192.0.2.1") == "192.0.2.1"


@pytest.mark.parametrize("_place", ["postgresql"], indirect=True)
async def test_processes_share_the_count_and_go_on_without_it(settings: Settings) -> None:
    limited = Settings(**(settings.model_dump() | {"rate_per_address": "20/minute"}))
    async with running(limited) as service, open_runtime(limited) as second:
        app = create_app(limited)
        app.state.runtime = second
        other = Service(app, second, service.university, service.enterprise)
        async with caller(service) as one, caller(other) as two:
            assert await statuses(one, two, times=25) == {200: 20, 429: 30}
            async with second.database.write() as session:
                await session.execute(text("ALTER TABLE rate_counts RENAME TO gone"))
            assert await statuses(one, two, times=5) == {200: 10}


def test_who_calls_is_what_the_connection_says_but_for_trusted_proxies(tmp_path: Path) -> None:
    serving = Deployment(
        {
            "KCT_DATA_DIR": str(tmp_path),
            "KCT_EMBEDDINGS": "none",
            "KCT_RATE_PER_ADDRESS": "3/minute",
        }
    )

    def seen(**settings: str) -> list[int]:
        process = serving.start("serve", "--port", "0", **settings)
        assert process.stdout is not None
        base = process.stdout.readline().split()[1].removesuffix("/v1")
        with httpx.Client(base_url=base, trust_env=False) as client:
            wait(lambda: client.get("/health/live").status_code == 200)
            found = [
                client.get(LISTS, headers={"X-Forwarded-For": f"198.51.100.{n}"}).status_code
                for n in range(5)
            ]
        process.terminate()
        process.wait(30)
        return found

    try:
        assert seen() == [200, 200, 200, 429, 429]
        assert seen(KCT_TRUSTED_PROXIES="127.0.0.0/8, ::1") == [200] * 5
    finally:
        serving.stop()


def test_answers_on_one_connection_do_not_wait_for_each_other(tmp_path: Path) -> None:
    serving = Deployment({"KCT_DATA_DIR": str(tmp_path), "KCT_EMBEDDINGS": "none"})
    process = serving.start("serve", "--port", "0")
    assert process.stdout is not None
    base = process.stdout.readline().split()[1].removesuffix("/v1")
    try:
        with httpx.Client(base_url=base, trust_env=False) as client:
            wait(lambda: client.get("/health/live").status_code == 200)
            times = []
            for _ in range(20):
                begun = time.perf_counter()
                client.get("/health/live")
                times.append(time.perf_counter() - begun)
        # 40 ms is what a client takes to acknowledge the first half of an answer.
        assert sorted(times)[len(times) // 4] < 0.03
    finally:
        serving.stop()
