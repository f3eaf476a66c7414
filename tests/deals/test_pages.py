"""Pages on which one opens a deal and carries it on, without a browser."""

import html
import re

import httpx

from booking import ANY, code
from conftest import Service
from deals.conftest import ago, step
from forms import send
from instruments.test_pages import EVIL, browser, read


async def test_a_deal_is_opened_and_carried_on_by_the_pages(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    achievement: str,
    demand: str,
) -> None:
    interested = {"subject_kind": "achievement", "achievement_id": achievement, "demand_id": demand}
    sent = await buyer.post("/v1/interests", json={**interested, "message": "想了解能耗"})
    accepted = await scholar.post(f"{sent.headers['Location']}/accept", headers=ANY)
    introduction = f"/introductions/{accepted.json()['introduction_id']}"
    async with browser(service, "buyer") as guest, browser(service, "scholar") as staff:
        assert "还没有交易" in await read(guest, "/deals")
        assert "建立交易" in await read(guest, introduction)
        fields = {"introduction_id": introduction.rsplit("/", 1)[1]}
        opened = await send(guest, "/deals", fields, at=introduction)
        assert opened.status_code == 303, opened.text
        path = opened.headers["Location"]
        assert path in await read(staff, introduction)
        assert (await send(guest, "/deals", fields, at=introduction)).status_code == 409

        board = await read(staff, "/deals")
        assert re.search(r"已引荐 <span class=\"muted\">1", board)
        assert "待卖方、买方处理" in board
        shown = await read(staff, path)
        for one in ("锦城机电有限公司", "签订保密协议", "匹配", "理由概览", "建立交易"):
            assert one in shown
        english = await read(staff, path, **{"Accept-Language": "en"})
        for one in ("Agree on confidentiality", "Introduced", "What you can do now", "History"):
            assert one in english

        async def act(
            action: str, side: str, by: httpx.AsyncClient, **fields: str
        ) -> httpx.Response:
            version = re.search(r'name="version" value="(\d+)"', (await by.get(path)).text)
            told = {"action": action, "side": side, "version": version[1] if version else "0"}
            return await send(by, f"{path}/steps", {**told, **fields}, at=path)

        stale = await send(
            staff,
            f"{path}/steps",
            {"action": "terminate", "side": "seller", "reason": "x"},
            at=path,
        )
        assert stale.status_code == 412
        assert "刚刚有了变化" in stale.text
        assert (await act("agree_confidentiality", "buyer", guest, note=EVIL)).status_code == 303
        assert "一方已确认" in await read(staff, path)
        assert html.escape(EVIL) in await read(staff, path)
        assert (await act("start_negotiation", "seller", staff)).status_code == 303
        exchange = "西南联合产权交易所 G32026SC1000123"
        told = {"pricing": "auction", "sale_reference": exchange}
        assert (await act("sign_contract", "seller", staff, **told)).status_code == 303
        to_sign = await read(guest, path)
        assert f"拍卖 · {exchange}" in to_sign
        # The other side signs the same, unless it says otherwise.
        assert 'value="auction" selected' in to_sign
        assert f'name="sale_reference" value="{exchange}"' in to_sign
        refused = await act("publish_price", "seller", staff, price="很多", way="license")
        assert refused.status_code == 422
        assert 'value="很多"' in refused.text
        assert re.search(r'value="license" selected', refused.text)
        other = await act("publish_price", "seller", guest, price="5", way="license")
        assert other.status_code == 403
        priced = await act("publish_price", "seller", staff, price="1200000", way="license")
        assert priced.status_code == 303
        assert f"{ago(0)} – {ago(-15)}" in await read(guest, path)
        assert 'value="sign_contract"' not in await read(guest, path)

        files = {"file": ("纪要.txt", "纪要".encode())}
        fields = {"step": "2", "own_side": "yes"}
        added = await send(staff, f"{path}/documents", fields, at=path, files=files)
        assert added.status_code == 303, added.text
        assert re.search(r"纪要.txt</a>.*第 2 步 · 仅本方可见", await read(staff, path), re.DOTALL)
        assert "纪要.txt" not in await read(guest, path)
        assert (await send(staff, f"{path}/documents", at=path)).status_code == 422
        link = re.search(rf'href="(/v1{path}/documents/[^"]+)"', await read(staff, path))
        assert link is not None
        assert (await staff.get(link[1])).text == "纪要"
        assert (await act("terminate", "buyer", guest, reason="预算取消")).status_code == 303
        assert "预算取消" in await read(staff, path)
        assert "现在可以" not in await read(staff, path)
        listed = await read(staff, "/deals?state=terminated")
        assert "余热除湿机组" in listed
    assert code(await step(scholar, f"/v1{path}", "start_negotiation")) == (409, "wrong_state")
