"""From two spreadsheets to money received, through the public API alone."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import (
    PASSWORD,
    Service,
    free_port,
    meilisearch_process,
    running,
    settings_for,
)
from kechuangtong.jobs.service import working
from sending import send, workbook
from waiting import until

ACHIEVEMENTS = [
    [
        "低品位余热驱动的固体除湿机组",
        "利用工业余热再生转轮，用于烘房与车间除湿",
        "中试",
        "120万",
        "",
    ],
    ["石墨烯导热膜卷对卷制备", "用于手机散热的导热膜", "小试", "80万", ""],
    ["", "没有名称的一行", "", "", ""],
]
DEMANDS = [
    ["烘房除濕能耗過高", "希望利用厂内余热为烘房除湿，降低电耗", "200万"],
    ["镀锌板表面缺陷在线检测", "板速每秒三米", "面议"],
]


# A server of one's own: the indexes' names are the same in every installation.
@asynccontextmanager
async def _on(engine: str, folder: Path, place: str) -> AsyncIterator[Service]:
    settings = settings_for(folder, place)
    async with AsyncExitStack() as stack:
        if engine == "meilisearch":
            key, port = "a master key for the tests", free_port()
            (folder / "server").mkdir()
            stack.enter_context(meilisearch_process(folder / "server", port, key))
            url = f"http://127.0.0.1:{port}"
            chosen = {"search": engine, "meilisearch_url": url, "meilisearch_key": key}
            settings = settings.model_copy(update=chosen)
        service = await stack.enter_async_context(running(settings))
        if service.runtime.engine.shared:  # then others do the work in the background
            await stack.enter_async_context(working(service.runtime))
        yield service


@pytest.fixture(params=["embedded", "meilisearch"])
async def told(
    request: pytest.FixtureRequest, tmp_path: Path, _place: str
) -> AsyncIterator[Service]:
    """A running service, on each database and each engine."""
    if request.param == "meilisearch" and shutil.which("meilisearch") is None:
        pytest.skip("there is no Meilisearch: no binary on the path")
    async with _on(request.param, tmp_path, _place) as service:
        yield service


async def _sign_in(service: Service, name: str) -> httpx.AsyncClient:
    async with service.client() as client:
        form = {"username": name, "password": PASSWORD}
        answer = (await client.post("/v1/auth/token", data=form)).raise_for_status()
    return service.client(answer.json()["access_token"])


async def test_from_two_spreadsheets_to_money_received(told: Service) -> None:
    scholar, buyer = await _sign_in(told, "scholar"), await _sign_in(told, "buyer")
    async with scholar, buyer:
        achieved = await send(scholar, workbook(ACHIEVEMENTS))
        wanted = await send(
            buyer,
            workbook(DEMANDS, ["需求名称", "需求描述", "预算"]),
            kind="demand",
            file_name="需求.xlsx",
        )
        assert (achieved["counts"]["created"], achieved["counts"]["refused"]) == (2, 1)
        assert wanted["counts"]["created"] == 2
        found = (await buyer.get(f"/v1/demands?organization_id={told.enterprise}")).json()
        demand = next(one for one in found["items"] if one["title"].startswith("烘房"))
        matches: dict[str, Any] = {}

        async def matched() -> bool:
            answer = await buyer.get(f"/v1/demands/{demand['id']}/matches")
            matches.update(answer.json() if answer.status_code == 200 else {})
            return bool(matches.get("items"))

        await until(matched, 60)
        best = matches["items"][0]
        assert best["achievement"]["title"].startswith("低品位余热")
        assert "shared_terms" in [reason["code"] for reason in best["reasons"]["for"]]
