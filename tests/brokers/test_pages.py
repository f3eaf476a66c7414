"""The directories, a broker's page, and a mandate that is answered, without a browser."""

import httpx

from brokering import ANY, broker, mandate
from conftest import PASSWORD, Service
from forms import send
from kechuangtong.models.broker import MandateState

EVIL = "<script>alert(1)</script>"


async def test_directories_and_the_answer_to_a_mandate(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    more = {"fields": ["节能环保"], "introduction": EVIL, "contact": {"phone": "028-1"}}
    broker_id, own = await broker(service, "苏明溪", **more)
    offer = {"services": ["brokerage"], "description": EVIL}
    path = f"/v1/service-institutions/{service.university}"
    assert (await scholar.put(path, json=offer, headers=ANY)).status_code == 200
    body = {"organization_id": str(service.enterprise), "title": "烘房除湿"}
    demand = (await buyer.post("/v1/demands", json=body)).raise_for_status().json()["id"]
    offered = MandateState.OFFERED
    mandate_id = await mandate(
        service, broker_id, service.enterprise, state=offered, demand_id=demand
    )
    shown = {
        "/brokers?q=蘇明溪": "苏明溪",
        "/brokers?grade=senior": "没有找到",
        f"/brokers/{broker_id}": "节能环保",
        "/service-institutions?service=brokerage": "蜀江大学",
        "/service-institutions?standing=council": "没有找到",
    }
    for page, text in shown.items():
        answer = await anyone.get(page)
        assert answer.status_code == 200, page
        assert text in answer.text, page
        assert EVIL not in answer.text, page
        assert "028-1" not in answer.text, page  # it was not marked public
    assert (await anyone.get("/brokers?grade=master")).status_code == 422
    page = f"/mandates/{mandate_id}"
    assert (await anyone.get(page)).headers["location"].startswith("/sign-in")
    assert "接受委托" in (await own.get(page)).text
    async with service.client() as guest:
        await send(guest, "/sign-in", {"username": "buyer", "password": PASSWORD})
        assert "接受委托" not in (await guest.get(page)).text
        stale = await send(guest, f"{page}/revoke", {"version": "7"}, at=page)
        assert (stale.status_code, "刚刚有了变化" in stale.text) == (412, True)
        revoked = await send(guest, f"{page}/revoke", {"version": "1"}, at=page)
        assert revoked.status_code == 303
        assert "已撤销" in (await guest.get(page)).text
