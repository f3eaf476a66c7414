"""Contracts at a browser: read, confirmed, paid, taken back."""

import httpx

from conftest import Service
from contracting import act, draft, negotiated
from forms import send
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
