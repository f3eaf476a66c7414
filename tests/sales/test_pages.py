"""Pages of sales, without a browser: what is open is seen by all, and bid for by a form."""

from typing import Any

import httpx
import pytest

from conftest import PASSWORD, Service
from forms import send
from kechuangtong.core.clock import today
from kechuangtong.models.sale import SaleState, SaleWay

EVIL = "<script>alert(1)</script>"

pytestmark = pytest.mark.parametrize("_place", ["sqlite"], indirect=True)


async def read(client: httpx.AsyncClient, path: str) -> str:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    assert EVIL not in answer.text
    assert "style=" not in answer.text
    return answer.text


async def test_a_sale_is_found_applied_for_and_bid_for_by_its_page(
    service: Service,
    scholar: httpx.AsyncClient,
    rival: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
    achievement: str,
    make_sale: Any,
) -> None:
    auction = (await make_sale(SaleWay.AUCTION, title=EVIL, summary=EVIL))[3:]
    listing = (await make_sale(SaleWay.LISTING))[3:]
    notice = (await make_sale(SaleWay.AGREEMENT))[3:]
    draft = (await make_sale(SaleWay.LISTING, SaleState.DRAFT))[3:]
    found = await read(anyone, "/sales")
    assert all(one in found for one in (auction, listing, notice))
    assert draft not in found
    assert (await anyone.get(draft)).status_code == 404
    for path, shows in ((auction, "起拍价"), (listing, "挂牌价格"), (notice, "公示期")):
        shown = await read(anyone, path)
        assert shows in shown
        assert "保留价" not in shown
        assert "<form method" not in shown.split("<main")[1]

    async with service.client() as guest:
        await send(guest, "/sign-in", {"username": "buyer", "password": PASSWORD})
        assert "至少 100.00" in await read(guest, auction)
        low = await send(guest, f"{auction}/bids", {"amount": "99"}, at=auction)
        assert (low.status_code, "出价至少为 100.00 元" in low.text) == (409, True)
        nothing = await send(guest, f"{auction}/bids", {"amount": ""}, at=auction)
        assert nothing.status_code == 422
        done = await send(guest, f"{auction}/bids", {"amount": "120", "related": "yes"}, at=auction)
        assert (done.status_code, done.headers["location"]) == (303, auction)
        shown = await read(guest, auction)
        assert "120.00 元" in shown
        assert "关联方" in shown
        assert "锦城机电有限公司" in shown
        assert "锦城机电有限公司" not in await read(anyone, auction)

        assert f"{listing}/bids" not in await read(guest, listing)
        words = {"message": EVIL}
        done = await send(guest, f"{listing}/applications", words, at=listing)
        assert done.status_code == 303
        (await rival.post(f"/v1{listing}/applications", json={})).raise_for_status()
        shown = await read(guest, listing)
        assert f"{listing}/applications" not in shown
        assert f"{listing}/bids" in shown
        assert "&lt;script&gt;" in shown
        again = await send(guest, f"{listing}/applications", words, at=auction)
        assert again.status_code == 409

        people = [{"name": "司马昀", "contribution": "100", "main": True}]
        unit = {"organization_id": str(service.university), "share": "100"}
        body = {"kind": "unit_owned", "from_on": str(today()), "units": [unit], "inventors": people}
        await scholar.put(f"/v1/achievements/{achievement}/ownership", json=body)
        assert "司马昀" not in await read(guest, f"/achievements/{achievement}")
    async with service.client() as staff:
        await send(staff, "/sign-in", {"username": "scholar", "password": PASSWORD})
        assert "司马昀" in await read(staff, f"/achievements/{achievement}")
        assert "保留价" in await read(staff, auction)
        assert draft in await read(staff, "/sales?state=draft")


async def test_an_owner_publishes_awards_and_decides_objections_by_the_page(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient, make_sale: Any
) -> None:
    draft = (await make_sale(SaleWay.LISTING, SaleState.DRAFT))[3:]
    over = (await make_sale(SaleWay.LISTING, SaleState.CLOSED, minutes=-1))[3:]
    notice = (await make_sale(SaleWay.AGREEMENT, minutes=900))[3:]
    async with service.client() as guest, service.client() as staff:
        await send(guest, "/sign-in", {"username": "buyer", "password": PASSWORD})
        await send(staff, "/sign-in", {"username": "scholar", "password": PASSWORD})

        async def does(by: httpx.AsyncClient, sale: str, what: str, **fields: str) -> int:
            now_at = (await scholar.get(f"/v1{sale}")).json()["version"]
            told = {"version": str(now_at), **fields}
            return (await send(by, f"{sale}/{what}", told, at=sale)).status_code

        assert "现在可以" not in await read(guest, notice)
        assert await does(guest, notice, "objections", text="") == 422
        assert await does(guest, notice, "objections", text=EVIL) == 303
        assert "待处理" in await read(guest, notice)
        shown = await read(staff, notice)
        objection = shown.split(f"{notice}/objections/")[1].split('"')[0]
        decide = f"objections/{objection}"
        decision = {"outcome": "dismissed", "answer": "价格依评估确定"}
        assert await does(guest, notice, decide, **decision) == 403
        assert await does(staff, notice, decide, **decision) == 303
        assert "价格依评估确定" in await read(guest, notice)

        stale = await send(staff, f"{draft}/publish", {"version": "99"}, at=draft)
        assert (stale.status_code, "刚刚有了变化" in stale.text) == (412, True)
        assert await does(staff, draft, "publish") == 303
        assert await does(guest, draft, "applications") == 303
        assert await does(guest, draft, "withdraw", reason="x") == 403
        assert await does(staff, draft, "withdraw", reason="") == 422
        assert await does(staff, draft, "withdraw", reason="权属待明确") == 303
        assert "权属待明确" in await read(guest, draft)
        assert await does(staff, over, "award", bidder="7") in (409, 422)
        assert "确认成交" in await read(staff, over)
        assert (await buyer.get(f"/v1{over}")).json()["award"] is None
