"""From two spreadsheets to money received, through the public API alone."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import time_machine
from pydantic import SecretStr

from conftest import (
    PASSWORD,
    Service,
    free_port,
    meilisearch_process,
    running,
    settings_for,
)
from kechuangtong.core.clock import now
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
            chosen = {"search": engine, "meilisearch_url": url, "meilisearch_key": SecretStr(key)}
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
    return service.client(answer.json()["access_token"], **{"If-Match": "*"})


async def _post(client: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"/v1/{path}", json=body)
    assert answer.is_success, (path, answer.text)
    done: dict[str, Any] = answer.json()
    return done


async def _best_match(service: Service, buyer: httpx.AsyncClient) -> tuple[str, str]:
    """The demand of the enterprise and the achievement that fits it best, found by matching."""
    mine = await buyer.get("/v1/demands", params={"organization_id": str(service.enterprise)})
    demand = next(one for one in mine.json()["items"] if one["title"].startswith("烘房"))
    items: list[dict[str, Any]] = []

    async def matched() -> bool:
        answer = await buyer.get(f"/v1/demands/{demand['id']}/matches")
        items[:] = answer.json()["items"] if answer.is_success else []
        return bool(items)

    await until(matched, 60)
    best = items[0]
    assert best["achievement"]["title"].startswith("低品位余热")
    assert "shared_terms" in [reason["code"] for reason in best["reasons"]["for"]]
    return demand["id"], best["achievement"]["id"]


async def test_from_two_spreadsheets_to_money_received(told: Service) -> None:
    scholar, buyer = await _sign_in(told, "scholar"), await _sign_in(told, "buyer")
    achieved = await send(scholar, workbook(ACHIEVEMENTS))
    assert (achieved["counts"]["created"], achieved["counts"]["refused"]) == (2, 1)  # type: ignore[index]
    header = ["需求名称", "需求描述", "预算"]
    wanted = await send(buyer, workbook(DEMANDS, header), kind="demand", file_name="需求.xlsx")
    assert wanted["counts"]["created"] == 2  # type: ignore[index]
    demand, achievement = await _best_match(told, buyer)

    interest = await _post(
        buyer,
        "interests",
        subject_kind="achievement",
        achievement_id=achievement,
        demand_id=demand,
        message="烘房余热是否够用？",
    )
    accepted = await _post(scholar, f"interests/{interest['id']}/accept")
    deal = await _post(buyer, "deals", introduction_id=accepted["introduction_id"])
    assert deal["match"]["reasons"]["for"]  # why the two fit is kept
    steps = f"deals/{deal['id']}/steps"
    for client, action in (
        (buyer, "agree_confidentiality"),
        (scholar, "agree_confidentiality"),
        (buyer, "start_negotiation"),
    ):
        await _post(client, steps, action=action)
    await _post(scholar, steps, action="publish_price", price="900000.00", way="transfer")

    contract = await _post(
        scholar,
        "contracts",
        deal_id=deal["id"],
        title="固体除湿机组技术转让",
        kind="transfer",
        know_how="转轮除湿机组的设计图纸、配方和调试方法。",
        subject="转让余热驱动的固体除湿机组的全部技术秘密。",
        performance="签订后三个月内交付资料并指导调试。",
        confidentiality="保密十年。",
        results="后续改进归改进方。",
        acceptance="样机连续运行七天。",
        total="900000.00",
        payment={
            "kind": "instalments",
            "instalments": [
                {"percent": "33.3333", "due_on": "2030-01-31"},
                {"percent": "66.6667", "milestone": "验收合格"},
            ],
        },
    )
    assert contract["missing"] == []
    path = f"contracts/{contract['id']}"
    await _post(scholar, f"{path}/confirm")
    early = await buyer.post(f"/v1/{path}/confirm", json={})
    assert (early.status_code, early.json()["code"]) == (409, "price_notice_running")

    with time_machine.travel(now() + timedelta(days=16)):
        scholar, buyer = await _sign_in(told, "scholar"), await _sign_in(told, "buyer")
        today = now().date().isoformat()
        contract = await _post(buyer, f"{path}/confirm")
        assert contract["state"] == "signed"
        await _post(scholar, f"{path}/registration", applied_on=today)
        await _post(scholar, f"{path}/registration/accept", accepted_on=today)
        number = "2026510100000001"
        await _post(scholar, f"{path}/registration/grant", decided_on=today, number=number)
        await _post(buyer, steps, action="start_performing")
        payments = (await scholar.get(f"/v1/{path}/payments")).json()
        second = payments["payments"][1]["id"]
        await _post(buyer, f"{path}/payments/{second}/reach", due_on=today)
        for due in payments["payments"]:
            await _post(
                scholar,
                f"{path}/receipts",
                due_id=due["id"],
                amount=due["amount"],
                received_on=today,
            )
        paid = (await buyer.get(f"/v1/{path}")).json()["payments"]
        assert (paid["received"], paid["open"]) == ("900000.00", "0.00")
        for client in (buyer, scholar):
            deal = await _post(client, steps, action="complete")
        assert deal["state"] == "completed"
        history = (await buyer.get(f"/v1/{steps}")).json()["items"]
        assert [one["number"] for one in history] == list(range(1, len(history) + 1))
        organization = {"organization_id": str(told.university)}
        answer = await scholar.get("/v1/statistics/deals", params=organization)
        figures = answer.json()["total"]
        assert (figures["contracts"], figures["received"]) == (1, "900000.00")
        assert {one["count"] for one in figures["funnel"]} == {1}
