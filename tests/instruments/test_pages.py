"""Pages on which one finds an instrument, books it and sees it through, without a browser."""

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
import time_machine

from booking import act, at, book
from conftest import PASSWORD, Service
from forms import send
from instruments.conftest import Publish
from kechuangtong.core.clock import CITY

EVIL = "<script>alert(1)</script>"


@asynccontextmanager
async def browser(service: Service, name: str) -> AsyncIterator[httpx.AsyncClient]:
    """Someone signed in by the pages."""
    async with service.client() as client:
        await send(client, "/sign-in", {"username": name, "password": PASSWORD})
        yield client


@pytest.fixture
async def staff(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """One of the university's people, at a browser."""
    async with browser(service, "scholar") as client:
        yield client


@pytest.fixture
async def guest(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """One of the enterprise's people, at a browser."""
    async with browser(service, "buyer") as client:
        yield client


async def read(client: httpx.AsyncClient, path: str, **headers: str) -> str:
    """A page that is there, and on which nothing that was typed runs."""
    answer = await client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    assert EVIL not in answer.text
    assert "style=" not in answer.text
    return answer.text


def typed(start: float, end: float, **more: str) -> dict[str, str]:
    """The form of a booking, so many hours after the Monday's beginning."""
    starts_at, ends_at = (f"{at(one).astimezone(CITY):%Y-%m-%dT%H:%M}" for one in (start, end))
    return {"starts_at": starts_at, "ends_at": ends_at, **more}


def cells(page: str, hour: int) -> list[str]:
    """What the row of an hour of the week says, without what only screen readers read."""
    row = page.split(f'<th scope="row">{hour}时</th>')[1].split("</tr>")[0]
    row = re.sub(r'<span class="hidden">[^<]*</span>', "", row)
    return [re.sub(r"<[^>]+>", "", one).strip() for one in row.split("</td>")[:-1]]


async def test_instruments_are_found_with_their_next_free_time(
    publish: Publish, scholar: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    microscope = await publish(
        f"透射电镜 {EVIL}", class_code="030101", latitude=30.6, longitude=104.1, functions=EVIL
    )
    far = await publish("远方电镜", class_code="030101", latitude=31.9, longitude=104.1)
    closed = await publish("从不开放", opening_hours=[])
    found = await read(anyone, "/instruments?q=&class=&free_hours=&cursor=")
    assert [found.index(one) for one in (closed, far, microscope)]  # all, with empty fields
    card = found.split(closed)[1].split("</li>")[0]
    assert "近两周没有空闲" in card
    week = f"free_from={at(0):%Y-%m-%d}&free_to={at(100):%Y-%m-%d}"
    path = f"/instruments?class=0301&near=30.65,104.06&within_km=20&free_hours=3&{week}"
    near = await read(anyone, path)
    assert (microscope in near, far in near, closed in near) == (True, False, False)
    assert "公里" in near
    free = html.unescape(re.findall(r'href="(/instruments/[^"]+#book)"', near)[0])
    assert "登录后预约" in await read(anyone, free)
    for wrong in ("near=somewhere", "free_hours=x", "free_hours=1&free_to=2020-01-01", "class=3"):
        answer = await anyone.get(f"/instruments?q=电镜&{wrong}")
        assert (answer.status_code, 'role="alert"' in answer.text) == (422, True), wrong
        assert 'value="电镜"' in answer.text
    assert "Next free" in await read(anyone, "/instruments", **{"Accept-Language": "en"})


async def test_a_week_is_read_and_booked_and_seen_through(
    service: Service,
    publish: Publish,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    staff: httpx.AsyncClient,
    guest: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    opening = [{"weekday": 1, "opens": "08:30", "closes": "18:00"}]
    instrument = await publish(
        f"电镜 {EVIL}",
        capacity=2,
        opening_hours=opening,
        original_value="8650000",
        class_code="010101",
        contact={"name": "蒲老师", "phone": "028-1234567"},
        rules=EVIL,
    )
    path = f"/instruments/{instrument}"
    price = {"user_class": "enterprise", "valid_from": "2026-01-01", "amount": "1900.50"}
    await scholar.post(f"/v1{path}/prices", json={**price, "valid_from": f"{at(0):%Y-%m-%d}"})
    closure = {"starts_at": at(17).isoformat(), "ends_at": at(18).isoformat(), "reason": EVIL}
    (await scholar.post(f"/v1{path}/closures", json=closure)).raise_for_status()
    await book(scholar, instrument, 9, 11)
    week = f"{path}?week={at(50):%Y-%m-%d}"
    page = await read(anyone, week)
    assert "865 万元" in page
    assert ("电子光学仪器" in page, "028-1234567" in page) == (True, False)
    assert "1,900.50 元" in page
    assert cells(page, 8) == ["空", *"––––––"]
    assert cells(page, 9)[0] == "1/2"
    assert cells(page, 17)[0] == "–"
    assert "18时" not in page  # it is never open then
    ahead = re.findall(r'href="\?week=([^"#]+)#week"', page)
    assert ahead == [
        f"{at(0) - timedelta(days=7):%Y-%m-%d}",
        f"{at(0) + timedelta(days=7):%Y-%m-%d}",
    ]
    fill = html.unescape(page.split('<th scope="row">8时')[1].split('href="')[1].split('"')[0])
    assert f'value="{at(8.5):%Y-%m-%dT%H:%M}"' in await read(guest, path + fill)
    assert "028-1234567" in await read(guest, path)

    # Booked, refused for want of room with the nearest times, and waiting for it.
    form = typed(9, 11, units="1", purpose=EVIL)
    sent = await send(guest, f"{path}/bookings", form, at=path)
    assert sent.status_code == 303, sent.text
    booking = sent.headers["Location"]
    assert cells(await read(guest, week), 9)[0] == "我"
    assert cells(await read(anyone, week), 9)[0] == "满"
    full = await send(guest, f"{path}/bookings", form, at=path)
    assert (full.status_code, "已被预约" in full.text, EVIL in full.text) == (409, True, False)
    near = html.unescape(re.findall(r'<li><a href="(\?starts_at[^"]+)"', full.text)[0])
    filled = await read(guest, path + near)
    assert f'value="{at(11):%Y-%m-%dT%H:%M}"' in filled
    assert f"{html.escape(EVIL)}</textarea>" in filled
    waiting = await send(guest, f"{path}/bookings", {**form, "if_full": "wait"}, at=path)
    assert "候补" in await read(guest, waiting.headers["Location"])
    for wrong in ({**form, "starts_at": "x"}, {**form, "units": "9"}, typed(11, 9)):
        answer = await send(guest, f"{path}/bookings", wrong, at=path)
        assert (answer.status_code, 'role="alert"' in answer.text) == (422, True), wrong
        assert f'value="{html.escape(wrong["ends_at"])}"' in answer.text
    forged = await guest.post(f"{path}/bookings", data={**form, "form_token": "x"})
    assert (forged.status_code, "页面已过期" in forged.text) == (403, True)

    # Its staff is told and decides; the user may only cancel.
    assert f'href="{booking}"' in await read(staff, "/inbox")
    assert f'href="{booking}"' in (await read(staff, "/bookings")).split("本单位的</h2>")[0]
    assert "收到的" not in await read(anyone, "/sign-in")
    shown = await read(staff, booking)
    seen = dict(re.findall(r'name="(version)" value="(\d+)"', shown))
    mine = await read(guest, booking)
    assert (f"{booking}/approve" in mine, f"{booking}/cancel" in mine) == (False, True)
    assert (await send(guest, f"{booking}/approve", seen, at=booking)).status_code == 403
    assert (await send(guest, f"{booking}/rate", seen, at=booking)).status_code == 422
    unnamed = await send(staff, f"{booking}/decline", {**seen, "reason": " "}, at=booking)
    assert unnamed.status_code == 422
    assert (await send(staff, f"{booking}/nothing", seen, at=booking)).status_code == 404
    assert (await send(staff, f"{booking}/approve", seen, at=booking)).headers[
        "Location"
    ] == booking
    stale = {**seen, "reason": "磁性样品"}
    late = await send(staff, f"{booking}/cancel", stale, at=booking)
    assert (late.status_code, "刚刚有了变化" in late.text) == (412, True)
    assert "磁性样品</textarea>" in late.text
    assert "已批准" in await read(guest, "/bookings")
    with time_machine.travel(at(10), tick=False):
        async with browser(service, "scholar") as there:
            begun = await read(there, booking)
            assert f"{booking}/no-show" in begun
            seen = dict(re.findall(r'name="(version)" value="(\d+)"', begun))
            used = {**seen, "hours": "1.5", "samples": "3", "content": EVIL}
            wrong = await send(there, f"{booking}/finish", {**used, "hours": "-1"}, at=booking)
            assert (wrong.status_code, 'value="-1"' in wrong.text) == (422, True)
            assert (await send(there, f"{booking}/finish", used, at=booking)).status_code == 303
        async with browser(service, "buyer") as there:
            finished = await read(there, booking)
            assert "2,850.75 元" in finished
            seen = dict(re.findall(r'name="(version)" value="(\d+)"', finished))
            rated = {**seen, "rating": "4", "comment": EVIL}
            assert (await send(there, f"{booking}/rate", rated, at=booking)).status_code == 303
            assert "4 / 5" in await read(there, booking)


async def test_what_one_may_not_see_or_book_is_not_offered(
    service: Service,
    publish: Publish,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    guest: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    body = {"organization_id": str(service.university), "name": "草稿仪器"}
    draft = (await scholar.post("/v1/instruments", json=body)).json()["id"]
    assert (await guest.get(f"/instruments/{draft}")).status_code == 404
    internal = await publish("内部仪器", share_mode="internal", qualification_required=True)
    page = await read(guest, f"/instruments/{internal}")
    assert ("目前不能预约" in page, "/bookings" in page.split('id="book"')[1]) == (True, False)
    assert "最早空闲" not in await read(guest, "/instruments")
    assert "目前不能预约" not in await read(anyone, f"/instruments/{await publish('共享仪器')}")
    own = await book(scholar, await publish("自用仪器"), 9, 10)
    declined = await act(scholar, own, "cancel", reason="停电")
    assert declined.status_code == 200
    path = f"/bookings/{own['id']}"
    assert (await guest.get(path)).status_code == 404
    assert (
        await send(guest, f"{path}/cancel", {"version": "1"}, at="/bookings")
    ).status_code == 404
    for hidden in (path, "/bookings"):
        assert (await anyone.get(hidden)).headers["Location"].startswith("/sign-in?next=")
    unread = await anyone.get(f"/instruments/{internal}?week=nonsense")
    assert unread.status_code == 422


async def test_weeks_on_end_are_booked_and_decided_at_once(
    publish: Publish, scholar: httpx.AsyncClient, staff: httpx.AsyncClient, guest: httpx.AsyncClient
) -> None:
    instrument = await publish()
    path = f"/instruments/{instrument}"
    await book(scholar, instrument, 9 + 7 * 24, 10 + 7 * 24)
    form = typed(9, 11, times="3", purpose="每周一次")
    refused = await send(guest, f"{path}/bookings", form, at=path)
    assert refused.status_code == 409
    assert f"{at(9 + 7 * 24):%Y-%m-%d}" in refused.text.split("这些时间不能预约")[1]
    assert ('name="times" value="3"' in refused.text, "每周一次</textarea>" in refused.text) == (
        True,
        True,
    )
    for wrong in ("0", "101", "x", "2;COUNT=9"):
        answer = await send(guest, f"{path}/bookings", {**form, "times": wrong}, at=path)
        assert (answer.status_code, 'role="alert"' in answer.text) == (422, True), wrong
    made = await send(guest, f"{path}/bookings", {**form, "conflicts": "skip"}, at=path)
    series = made.headers["Location"]
    first, second = re.findall(r'href="(/bookings/[0-9a-f-]{36})"', await read(guest, series))
    assert series in await read(guest, first)
    seen = dict(re.findall(r'name="(version|series_id)" value="([^"]+)"', await read(staff, first)))
    assert (await send(guest, f"{first}/approve", seen, at=first)).status_code == 403
    unsaid = await send(staff, f"{first}/decline", seen, at=first)
    assert unsaid.status_code == 422
    assert (await send(staff, f"{first}/approve", seen, at=first)).headers["Location"] == first
    for one in (first, second):
        assert "已批准" in await read(guest, one)
    again = await send(staff, f"{first}/approve", seen, at=first)
    assert (again.status_code, "没有待批准" in again.text) == (409, True)


async def test_an_instrument_is_booked_on_behalf_of_others(
    service: Service,
    publish: Publish,
    buyer: httpx.AsyncClient,
    staff: httpx.AsyncClient,
    guest: httpx.AsyncClient,
) -> None:
    await publish("企业的仪器", by=buyer, owner=service.enterprise)  # so it is known to others
    instrument = await publish(share_mode="internal")
    shared = f"/instruments/{await publish('共享仪器')}"
    async with browser(service, "admin") as admin:
        assert "on_behalf" in await read(admin, f"/instruments/{instrument}")
        form = typed(9, 11, on_behalf="锦城机电有限公司")
        unnamed = await send(admin, f"{shared}/bookings", typed(9, 11), at=shared)
        unknown = await send(admin, f"{shared}/bookings", {**form, "on_behalf": EVIL}, at=shared)
        assert (unnamed.status_code, unknown.status_code) == (422, 422)
        assert f'name="on_behalf" value="{html.escape(EVIL)}"' in unknown.text
        made = (await send(admin, f"{shared}/bookings", form, at=shared)).headers["Location"]
        assert made in await read(admin, "/bookings")
        assert made in await read(guest, "/bookings")
    full = await send(staff, f"{shared}/bookings", form, at=shared)
    free = html.unescape(re.findall(r'<li><a href="(\?starts_at[^"]+)"', full.text)[0])
    assert 'name="on_behalf" value="锦城机电有限公司"' in await read(staff, shared + free)
    other = await send(staff, f"{shared}/bookings", {**form, **typed(12, 13)}, at=shared)
    assert "锦城机电有限公司" in await read(guest, other.headers["Location"])
    assert "on_behalf" not in await read(guest, shared)
    # By another's name nobody books who is not the instrument's staff.
    forged = {**typed(14, 15), "on_behalf": "蜀江大学"}
    assert (await send(guest, f"{shared}/bookings", forged, at=shared)).status_code == 403
