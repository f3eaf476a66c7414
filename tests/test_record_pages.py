"""Pages on which one sees whom a record suits and makes the first contact, without a browser."""

import html
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from conftest import PASSWORD, Service
from forms import send
from kechuangtong.search.indexing import catch_up

EVIL = "<script>alert(1)</script>"
ESCAPED = html.escape(EVIL)


@asynccontextmanager
async def browser(service: Service, name: str) -> AsyncIterator[httpx.AsyncClient]:
    """Someone signed in by the pages."""
    async with service.client() as client:
        await send(client, "/sign-in", {"username": name, "password": PASSWORD})
        yield client


@pytest.fixture
async def seller(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """One of the university's people, at a browser."""
    async with browser(service, "scholar") as client:
        yield client


@pytest.fixture
async def purchaser(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """One of the enterprise's people, at a browser."""
    async with browser(service, "buyer") as client:
        yield client


async def listed(
    client: httpx.AsyncClient,
    kind: str,
    organization_id: uuid.UUID,
    title: str,
    *,
    publish: bool = True,
    **values: Any,
) -> str:
    """The id of a record, published unless it is to stay a draft."""
    body = {"organization_id": str(organization_id), "title": title, **values}
    made = await client.post(f"/v1/{kind}s", json=body)
    path = made.raise_for_status().headers["Location"]
    if publish:
        (await client.post(f"{path}/publish", headers={"If-Match": "*"})).raise_for_status()
    return str(made.json()["id"])


def hidden_fields(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form of a page that is sent to an address."""
    form = page.split(f'action="{action}"', 1)[1].split("</form>", 1)[0]
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in found}


async def interest_page(client: httpx.AsyncClient, path: str) -> str:
    """A page that is there."""
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_match_shows_bars_reasons_and_the_shared_words_where_they_stand(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    seller: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    """Traditional characters and full width are marked as typed; what is typed runs nowhere."""
    demand = await listed(
        buyer,
        "demand",
        service.enterprise,
        f"烘房余热除湿 {EVIL}",
        description=f"希望利用余热除湿，采用 PLC 控制。{EVIL}",
        keywords=["余热", EVIL],
        required_stage="industrial",
        budget={"kind": "fixed", "low": "800000"},
    )
    achievement = await listed(
        scholar,
        "achievement",
        service.university,
        f"餘熱除濕機組 ＰＬＣ {EVIL}",
        description=f"前言。{EVIL}餘熱再生轉輪除濕，ＰＬＣ控制。",
        application=EVIL,
        keywords=[EVIL],
        stage="laboratory",
        price={"kind": "range", "low": "1200000", "high": "1500000"},
        evaluations=[{"evaluator": EVIL, "level": EVIL}],
    )
    await catch_up(service.runtime)
    page = await interest_page(anyone, f"/demands/{demand}")
    assert EVIL not in page
    assert ESCAPED in page
    assert "<mark>餘熱</mark>" in page
    assert "<mark>ＰＬＣ</mark>" in page
    assert "<mark>余热</mark>" in page
    api = (await anyone.get(f"/v1/demands/{demand}/matches")).json()["items"][0]
    (shared,) = [one for one in api["reasons"]["for"] if one["code"] == "shared_terms"]
    assert len(shared["data"]["terms"]) > 1
    title = api["achievement"]["title"]
    for term in shared["data"]["terms"]:
        place = term["achievement"]
        assert term["weight"] > 0
        if place["field"] == "title":
            assert f"<mark>{title[place['start'] : place['end']]}</mark>" in page
        assert f'value="{term["weight"]}"' in page
    assert f'value="{api["score"]}" aria-label="匹配度"' in page
    assert "80 万元" in page
    against = [one["text"] for one in api["reasons"]["against"]]
    assert any("未达到" in one for one in against)
    for text in against:
        assert html.escape(text) in page
    assert '<li class="bad"><span aria-hidden="true">−</span> 价格' in page
    assert "<style" not in page
    assert "style=" not in page
    assert "没有向量模型" in page  # less than it could be, and it says so
    english = await anyone.get(f"/achievements/{achievement}", headers={"Accept-Language": "en"})
    assert "Asking price" in english.text
    assert "CNY 1,200,000 to CNY 1,500,000" in english.text
    assert EVIL not in english.text
    for path in (
        f"/search?q={EVIL}",
        "/search?q=除湿&kind=demand",
        "/search?q=除湿",
        f"/search?field={EVIL}",
        f"/organizations/{service.university}",
    ):
        found = await interest_page(anyone, path)
        assert EVIL not in found, path
        assert "style=" not in found, path

    matched = await send(anyone, "/matches", {"text": f"餘熱除濕 {EVIL}", "kind": "achievement"})
    assert matched.status_code == 200
    assert "<mark>餘熱</mark>" in matched.text
    assert ESCAPED in matched.text
    assert EVIL not in matched.text
    empty = await send(anyone, "/matches", {"text": " "})
    assert empty.status_code == 422
    assert 'role="alert"' in empty.text

    # What one says of a match is kept, and shown where it was said.
    said = {"demand_id": demand, "achievement_id": achievement, "next": f"/demands/{demand}#x"}
    wrong = {**said, "verdict": "wrong", "reason": ["too_early", "too_dear"], "comment": EVIL}
    sent = await send(seller, "/matches/feedback", wrong, at=f"/demands/{demand}")
    assert (sent.status_code, sent.headers["Location"]) == (303, f"/demands/{demand}#x")
    shown = await interest_page(seller, f"/achievements/{achievement}")
    summary = shown.split("<summary>")[1].split("</summary>")[0]
    assert ("不合适" in summary, "成熟度不够" in summary) == (True, True)
    forged = await seller.post("/matches/feedback", data={**wrong, "form_token": "x"})
    assert (forged.status_code, "页面已过期" in forged.text) == (403, True)
    assert "feedback" not in await interest_page(anyone, f"/demands/{demand}")


async def test_search_narrows_down_and_is_kept(
    service: Service,
    scholar: httpx.AsyncClient,
    seller: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    for n in range(21):
        values = {"field": "绿色低碳" if n % 2 else "装备", "stage": "pilot"}
        await listed(
            scholar, "achievement", service.university, f"余热<b>机组</b>第{n}号", **values
        )
    await catch_up(service.runtime)
    page = await interest_page(anyone, "/search?q=余热")
    assert "共 21 条" in page
    assert '<em class="found">余热</em>&lt;b&gt;' in page
    following = html.unescape(page.split("下一页")[0].rsplit('href="', 1)[1].split('"')[0])
    assert "第" in await interest_page(anyone, following)
    refine = html.unescape(page.split(">绿色低碳</a>")[0].rsplit('href="', 1)[1].split('"')[0])
    assert dict(parse_qsl(urlsplit(refine).query)) == {"q": "余热", "field": "绿色低碳"}
    narrowed = await interest_page(anyone, f"{refine}&sort=newest")
    assert "共 10 条" in narrowed
    assert '<input type="hidden" name="field" value="绿色低碳">' in narrowed
    wider = html.unescape(narrowed.split(">绿色低碳 <span")[0].rsplit('href="', 1)[1].split('"')[0])
    assert dict(parse_qsl(urlsplit(wider).query)) == {"q": "余热", "sort": "newest"}
    nothing = await interest_page(anyone, "/search?q=余热&stage=concept&place=无此地")
    assert "没有找到" in nothing
    assert "去掉上面已选的条件" in nothing
    long = await anyone.get("/search", params={"q": "长" * 2_001})
    assert (long.status_code, "文本匹配" in long.text) == (422, True)
    assert f"{'长' * 2_001}</textarea>" in long.text
    assert (await anyone.get("/search?nothing=1")).status_code == 422

    assert "订阅此检索" not in page
    mine = await interest_page(seller, refine)
    fields = hidden_fields(mine, "/saved-searches")
    saved = await send(seller, "/saved-searches", {**fields, "name": EVIL}, at=refine)
    assert saved.headers["Location"] == "/saved-searches"
    kept = await interest_page(seller, "/saved-searches")
    assert ESCAPED in kept
    (one,) = (await seller.get("/v1/saved-searches")).json()["items"]
    assert (one["query"]["q"], one["query"]["field"], one["mail"]) == ("余热", ["绿色低碳"], False)
    led = await seller.get(f"/saved-searches/{one['id']}/results")
    assert led.status_code == 303
    assert parse_qsl(urlsplit(led.headers["Location"]).query) == [
        ("field", "绿色低碳"),
        ("q", "余热"),
        ("sort", "newest"),
    ]
    unnamed = await send(seller, "/saved-searches", {**fields, "name": ""}, at=refine)
    assert unnamed.status_code == 422
    delete = f"/saved-searches/{one['id']}/delete"
    at = {"at": "/saved-searches"}
    assert (await send(seller, delete, {"version": "99"}, **at)).status_code == 412
    await send(seller, delete, hidden_fields(kept, delete), **at)
    assert (await seller.get("/v1/saved-searches")).json()["items"] == []


async def test_an_interest_goes_from_a_form_to_the_contacts(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    seller: httpx.AsyncClient,
    purchaser: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    contact = {"contact": {"name": "陈工", "phone": "028-12345678"}}
    achievement = await listed(
        scholar, "achievement", service.university, f"余热除湿 {EVIL}", **contact
    )
    demand = await listed(buyer, "demand", service.enterprise, "烘房余热除湿", anonymous=True)
    await catch_up(service.runtime)
    page = await interest_page(purchaser, f"/demands/{demand}")
    form = html.unescape(re.findall(r'href="(/interests/new\?[^"]+)"', page)[0])
    assert dict(parse_qsl(urlsplit(form).query)) == {
        "subject_kind": "achievement",
        "achievement_id": achievement,
        "demand_id": demand,
    }
    asked = await anyone.get(form)
    assert asked.headers["Location"].startswith("/sign-in?next=/interests/new%3F")
    fields = hidden_fields(await interest_page(purchaser, form), "/interests")
    refused = await send(purchaser, "/interests", {**fields, "message": " "}, at=form)
    assert (refused.status_code, "至少 1 " in refused.text) == (422, True)
    sent = await send(purchaser, "/interests", {**fields, "message": EVIL}, at=form)
    path = sent.headers["Location"]
    again = await send(purchaser, "/interests", {**fields, "message": "再问一次"}, at=form)
    assert (again.status_code, "再问一次</textarea>" in again.text) == (409, True)
    assert "已有一个待处理的意向" in again.text
    own = {"subject_kind": "achievement", "achievement_id": achievement, "message": "自己的"}
    assert (await send(seller, "/interests", own, at="/inbox")).status_code == 409
    own_page = await interest_page(seller, f"/achievements/{achievement}?limit=1")
    assert "/interests/new" not in own_page.split('id="matches"')[0]

    # The other side is told, and not whose the demand is.
    notice = await interest_page(seller, "/inbox")
    assert f'href="{path}"' in notice
    assert 'class="unread"' in notice
    received = await interest_page(seller, path)
    for shown in (notice, received, await interest_page(seller, "/interests?box=received")):
        assert "锦城机电" not in shown
        assert str(service.enterprise) not in shown
        assert EVIL not in shown
    assert ESCAPED in received
    assert "028-12345678" not in await interest_page(purchaser, path)
    (one,) = (await seller.get("/v1/inbox")).json()["items"]
    read = f"/inbox/{one['id']}/read"
    assert (await send(seller, read, {"next": "//evil"}, at="/inbox")).headers["Location"] == "/"
    assert 'class="unread"' not in await interest_page(seller, "/inbox")
    assert (await send(purchaser, read, at="/inbox")).status_code == 404
    assert (await send(seller, "/inbox/read-all", at="/inbox")).headers["Location"] == "/inbox"

    # Each side is offered what it may do; what was seen is what is changed.
    seen = hidden_fields(received, f"{path}/ask")
    mine = await interest_page(purchaser, path)
    assert (f"{path}/accept" in mine, f"{path}/withdraw" in mine) == (False, True)
    wrong_side = await send(purchaser, f"{path}/accept", seen, at=path)
    assert wrong_side.status_code == 403
    empty = await send(seller, f"{path}/ask", {**seen, "message": ""}, at=path)
    assert empty.status_code == 422
    question = await send(seller, f"{path}/ask", {**seen, "message": "多少风量？"}, at=path)
    assert (question.status_code, question.headers["Location"]) == (303, path)
    late = {**seen, "reason": "too_far", "message": "太远了"}
    stale = await send(seller, f"{path}/decline", late, at=path)
    assert (stale.status_code, "刚刚有了变化" in stale.text) == (412, True)
    assert "太远了</textarea>" in stale.text
    assert (await send(seller, f"{path}/nothing", seen, at=path)).status_code == 404
    for name in ("ask", "accept"):  # no form of the page: CSRF
        forged = {**seen, "form_token": "x", "message": "伪造"}
        assert (await seller.post(f"{path}/{name}", data=forged)).status_code == 403
    answer = hidden_fields(await interest_page(purchaser, path), f"{path}/answer")
    await send(purchaser, f"{path}/answer", {**answer, "message": "8000 立方米"}, at=path)
    accept = hidden_fields(await interest_page(seller, path), f"{path}/accept")
    assert (await send(seller, f"{path}/accept", accept, at=path)).status_code == 303

    for client in (seller, purchaser):
        met = await interest_page(client, path)
        assert "028-12345678" in met
        assert "锦城机电有限公司" in met
        assert f'action="{path}/' not in met
        meeting = re.findall(r'href="(/introductions/[^"]+)"', met)[0]
        introduction = await interest_page(client, meeting)
        assert "陈工" in introduction
        assert EVIL not in introduction
    assert meeting in await interest_page(purchaser, "/inbox")
    for hidden in (path, meeting):
        assert (await anyone.get(hidden)).headers["Location"].startswith("/sign-in")


async def test_what_one_may_not_see_is_not_there(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    seller: httpx.AsyncClient,
    purchaser: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    draft = await listed(scholar, "achievement", service.university, "未公开", publish=False)
    hidden = await listed(buyer, "demand", service.enterprise, "余热除湿", anonymous=True)
    await catch_up(service.runtime)
    assert "草稿" in await interest_page(seller, f"/achievements/{draft}")
    subject = f"/interests/new?subject_kind=achievement&achievement_id={draft}"
    for client, path in (
        (purchaser, f"/achievements/{draft}"),
        (anyone, f"/achievements/{draft}"),
        (anyone, f"/achievements/{uuid.uuid4()}"),
        (anyone, "/demands/nothing"),
        (purchaser, subject),
        (seller, f"/interests/{uuid.uuid4()}"),
        (seller, f"/saved-searches/{uuid.uuid4()}/results"),
        (anyone, f"/organizations/{service.enterprise}"),
    ):
        answer = await client.get(path)
        assert answer.status_code == 404, path
        assert "未公开" not in answer.text
    for path in (f"/demands/{hidden}", "/search?kind=demand", "/search?kind=demand&q=余热"):
        shown = await interest_page(seller, path)
        assert "匿名企业" in shown
        assert "锦城" not in shown
        assert str(service.enterprise) not in shown
    assert f"/organizations/{service.enterprise}" in await interest_page(
        purchaser, f"/demands/{hidden}"
    )
    assert (await seller.get("/interests/new?subject_kind=demand")).status_code == 422
