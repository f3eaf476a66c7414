"""Contracts at a browser: drafted, confirmed, registered, amended, paid, taken back."""

import re
from datetime import timedelta
from typing import Any

import httpx

from conftest import Service
from contracting import act, draft, negotiated, sign
from forms import send
from kechuangtong.core.clock import today
from people import signed_in_at_a_browser

EVIL = "<script>alert(1)</script>"


async def test_a_contract_is_confirmed_and_its_receipts_are_kept(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    made = await draft(scholar, await negotiated(service), title=EVIL, acceptance=None)
    path = f"/contracts/{made['id']}"
    async with service.client() as first, service.client() as second:
        seller = await signed_in_at_a_browser(first, "scholar")
        other = await signed_in_at_a_browser(second, "buyer")
        shown = (await seller.get(path)).text
        assert EVIL not in shown
        assert "验收标准和方法" in shown
        refused = await send(seller, f"{path}/confirm", {"version": "1"}, at=path)
        assert refused.status_code == 409
        assert "合同缺少必备内容" in refused.text
        await buyer.patch(f"/v1{path}", json={"acceptance": "测试"}, headers={"If-Match": "*"})
        stale = await send(seller, f"{path}/confirm", {"version": "1"}, at=path)
        assert (stale.status_code, "刚刚有了变化" in stale.text) == (412, True)
        for client, version in ((seller, "2"), (other, "3")):
            done = await send(client, f"{path}/confirm", {"version": version}, at=path)
            assert done.headers["location"] == path
        assert "已签订" in (await other.get("/contracts")).text
        assert 'name="received_on"' not in (await other.get(path)).text  # the seller's alone
        due = (await buyer.get(f"/v1{path}/payments")).json()["payments"][0]
        receipt = {"due_id": due["id"], "amount": "abc", "received_on": "2026-11-01"}
        wrong = await send(seller, f"{path}/receipts", receipt, at=path)
        assert (wrong.status_code, 'value="abc"' in wrong.text) == (422, True)
        receipt["amount"] = "100000.00"
        kept = await send(seller, f"{path}/receipts", receipt, at=path)
        assert kept.headers["location"] == f"{path}#payments"
        assert "100,000.00 元" in (await other.get(path)).text
        receipts = (await buyer.get(f"/v1{path}/payments")).json()["receipts"]
        reverse = f"{path}/receipts/{receipts[0]['id']}/reverse"
        await send(seller, reverse, {"reason": "重复"}, at=path)
        assert "-100,000.00 元" in (await other.get(path, headers={"Accept-Language": "zh"})).text
        again = await send(seller, reverse, {"reason": "重复"}, at=path)
        assert again.status_code == 409
        assert (await act(scholar, made["id"], "confirm")).status_code == 409


def version(page: httpx.Response) -> str:
    found = re.search(r'name="version" value="(\d+)"', page.text)
    assert found is not None
    return found[1]


async def test_a_contract_is_drafted_and_filled_in_by_forms(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    deal = f"/deals/{await negotiated(service)}"
    new = f"{deal}/contract"
    async with service.client() as first, service.client() as second:
        seller = await signed_in_at_a_browser(first, "scholar")
        other = await signed_in_at_a_browser(second, "buyer")
        assert f'href="{new}"' in (await seller.get(deal)).text
        main = {"title": EVIL, "kind": "license/", "total": "300000", "subject": "装置的实施许可"}
        rows = {"payment-0-amount": "100000", "payment-0-due_on": "2031-03-01"}
        rows |= {"payment-1-amount": "100000", "payment-1-milestone": "验收合格"}
        for values, says in (
            ({"kind": ""}, "合同类型：缺少此项"),
            ({"total": "三十万"}, "成交额：须为数字"),
            (rows, "各期金额之和须为 300000.00，现为 200000.00"),
            ({"payment-0-amount": "300000"}, "付款 1：每期付款须有日期或条件"),
        ):
            wrong = await send(seller, new, {**main, **values})
            assert (wrong.status_code, says in wrong.text) == (422, True), says
            assert EVIL not in wrong.text
            assert "装置的实施许可</textarea>" in wrong.text
        made = await send(seller, new, {**main, **rows, "payment-1-amount": "200000"})
        assert made.status_code == 303, made.text
        path = made.headers["location"]
        assert (await seller.get(new)).headers["location"] == path
        assert (await send(seller, new, main, at=path)).status_code == 409
        shown = await seller.get(path)
        for text in ("民法典 862、863", "200,000.00 元 验收合格", "补齐上列缺少的内容"):
            assert text in shown.text, text
        assert "确认合同" not in shown.text
        assert path in (await seller.get(deal)).text

        stale = await send(seller, path, {**main, "version": "0"}, at=path)
        assert stale.status_code == 412
        names = ("performance", "confidentiality", "results", "acceptance", "licence_scope")
        filled = {name: f"约定：{name}" for name in names}
        patent = {
            "patent-0-name": "除湿转轮",
            "patent-0-applicant": "某大学",
            "patent-0-filed_on": "2020-01-02",
            "patent-0-application_number": "2020100000001",
            "patent-0-pending": "yes",
        }
        told = {**main, **filled, "licence_type": "sole", "version": version(shown)}
        wrong = await send(seller, path, {**told, **patent}, at=path)
        assert (wrong.status_code, "专利 1：" in wrong.text) == (422, True)
        assert 'value="除湿转轮"' in wrong.text
        kept = await send(seller, path, {**told, "know_how": "配方"}, at=path)
        assert kept.status_code == 303, kept.text
        said = (await scholar.get(f"/v1{path}")).json()
        assert said["missing"] == []
        content = said["content"]
        assert [one["amount"] for one in content["payment"]["instalments"]] == [
            "100000.00",
            "200000.00",
        ]
        assert (content["licence"]["type"], content["licence"]["scope"]) == (
            "sole",
            "约定：licence_scope",
        )
        # Of another kind it is no licence; what the form does not ask for stays.
        again = {"title": "开发", "total": "300000", "kind": "development/commissioned"}
        kept = await send(
            seller, path, {**again, "version": version(await seller.get(path))}, at=path
        )
        assert kept.status_code == 303, kept.text
        content = (await buyer.get(f"/v1{path}")).json()["content"]
        assert (content["licence"], content["know_how"]) == (None, "配方")
        last = {"version": version(await other.get(path))}
        assert (await send(other, f"{path}/discard", last, at=path)).status_code == 303
        assert "已作废" in (await seller.get(path)).text


async def test_what_becomes_of_a_contract_is_noted_by_forms(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    plan: dict[str, Any] = {
        "kind": "entry_fee_and_royalty",
        "entry_fee": "100000",
        "instalments": [{"percent": "100", "milestone": "交付"}],
        "royalty": {
            "base": "净销售额",
            "rate": "3",
            "period": "month",
            "from_on": str(today() - timedelta(days=70)),
            "until_on": str(today() + timedelta(days=900)),
        },
    }
    path = f"/contracts/{await sign(service, scholar, buyer, payment=plan)}"
    day = str(today())
    async with service.client() as first, service.client() as second:
        seller = await signed_in_at_a_browser(first, "scholar")
        other = await signed_in_at_a_browser(second, "buyer")

        async def does(by: httpx.AsyncClient, what: str, **fields: str) -> int:
            return (await send(by, f"{path}/{what}", fields, at=path)).status_code

        assert "记录申请" not in (await other.get(path)).text  # the seller's to do
        assert await does(other, "registration/apply", applied_on=day) == 403
        assert await does(seller, "registration/apply", applied_on="") == 422
        assert await does(seller, "registration/apply", applied_on=day, office="登记点") == 303
        assert await does(seller, "registration/accept", accepted_on=day) == 303
        assert await does(seller, "registration/refuse", decided_on=day, reason="材料不全") == 303
        assert "材料不全" in (await other.get(path)).text
        assert await does(seller, "registration/apply", applied_on=day) == 303
        number = "2026510102000123"
        wrong = await send(
            seller, f"{path}/registration/grant", {"decided_on": day, "number": "12"}, at=path
        )
        assert (wrong.status_code, "编号：" in wrong.text) == (422, True)
        assert await does(seller, "registration/grant", decided_on=day, number=number) == 303
        assert number in (await other.get(path)).text

        due = (await buyer.get(f"/v1{path}/payments")).json()["payments"][0]
        reached = f"payments/{due['id']}/reached"
        assert reached in (await other.get(path)).text
        assert await does(other, reached, due_on="早") == 422
        assert await does(other, reached, due_on=day) == 303
        assert await does(other, reached, due_on=day) == 409
        period = re.search(r'<option value="([0-9-]+)">', (await other.get(path)).text)
        assert period is not None
        report = {"period_start": period[1], "base_amount": "100000"}
        assert await does(other, "royalty-reports", **report) == 303
        assert "100,000.00 元 × 3 % = 3,000.00 元" in (await seller.get(path)).text
        assert await does(other, "royalty-reports", **report) == 409

        same = {"reason": "无", "starts_on": "", "ends_on": "", "total": "1200000"}
        assert await does(seller, "amendments", **same) == 422  # nothing would change
        assert await does(seller, "amendments", **{**same, "ends_on": "2032-01-31"}) == 303
        shown = (await other.get(path)).text
        assert "结束日期：– → 2032-01-31" in shown
        proposal = re.search(r"proposals/([0-9a-f-]+)/confirm", shown)
        assert proposal is not None
        assert await does(seller, f"proposals/{proposal[1]}/confirm") == 403
        assert await does(other, f"proposals/{proposal[1]}/confirm") == 303
        assert await does(other, f"proposals/{proposal[1]}/discard") == 409
        assert (await buyer.get(f"/v1{path}")).json()["content"]["ends_on"] == "2032-01-31"
        assert await does(other, "cancellations", reason="停产") == 303
        taken_back = re.search(r"proposals/([0-9a-f-]+)/discard", (await other.get(path)).text)
        assert taken_back is not None
        assert await does(other, f"proposals/{taken_back[1]}/discard") == 303
        assert "已签订" in (await other.get(path)).text
