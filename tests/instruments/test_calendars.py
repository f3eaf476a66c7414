"""Calendar feeds, read back by a calendar library."""

import html
import re
from datetime import timedelta
from typing import Any

import httpx
import icalendar
from sqlalchemy import select, update

from booking import ANY, act, at, book, code, wish
from conftest import Service
from forms import send
from instruments.conftest import Publish
from instruments.test_pages import EVIL, browser, read
from kechuangtong.accounts.permissions import Role
from kechuangtong.core.clock import now
from kechuangtong.models import CalendarFeed, Event, Membership, User


async def subscribe(client: httpx.AsyncClient, **values: Any) -> tuple[str, str]:
    """The id and the path of a new feed."""
    made = await client.post("/v1/calendar-feeds", json={"name": "手机", **values})
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store"), made.text
    shown = made.json()
    return shown["id"], "/v1" + shown["url"].split("/v1")[1]


async def events(anyone: httpx.AsyncClient, path: str) -> dict[str, Any]:
    """The events of a feed by summary."""
    answer = (await anyone.get(path)).raise_for_status()
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    calendar = icalendar.Calendar.from_ical(answer.content)
    assert (calendar["VERSION"], bool(calendar["PRODID"])) == ("2.0", True)
    found = calendar.walk("VEVENT")
    assert all(one["DTSTAMP"] and one["UID"] for one in found)
    assert len({str(one["UID"]) for one in found}) == len(found)
    return {str(one["SUMMARY"]): one for one in found}


async def test_an_instrument_and_a_person_in_a_calendar(
    service: Service,
    anyone: httpx.AsyncClient,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    publish: Publish,
) -> None:
    instrument = await publish("电镜，一号;", place="成都市", capacity=3)
    closure = {"starts_at": at(90).isoformat(), "ends_at": at(99).isoformat(), "reason": "校准"}
    await scholar.post(f"/v1/instruments/{instrument}/closures", json=closure)
    purpose = "析出相观察；\n3 个样品, 保密" + "长" * 100
    requested = await book(buyer, instrument, 9, 11, purpose=purpose)
    two = [{"instrument_id": instrument, "units": 2}]
    body = {**wish(instrument, 11, 12), "instruments": two}
    mine = (await scholar.post("/v1/bookings", json=body)).raise_for_status().json()
    cancelled = await book(buyer, instrument, 13, 14)
    await act(buyer, cancelled, "cancel", reason="样品未好")

    _, owner_path = await subscribe(scholar, instrument_id=instrument)
    _, other_path = await subscribe(buyer, instrument_id=instrument)
    _, person_path = await subscribe(buyer)

    # The owner's people see who comes.
    seen = await events(anyone, owner_path)
    wanted = seen["锦城机电有限公司 · buyer（待批准）"]
    assert (wanted["STATUS"], wanted["DESCRIPTION"]) == ("TENTATIVE", purpose)
    assert (wanted.start, wanted.end) == (at(9), at(11))
    assert wanted["LAST-MODIFIED"].dt - now() < timedelta(minutes=1)
    assert seen["蜀江大学 · scholar ×2"]["STATUS"] == "CONFIRMED"
    assert seen["锦城机电有限公司 · buyer"]["STATUS"] == "CANCELLED"
    assert seen["锦城机电有限公司 · buyer"]["TRANSP"] == "TRANSPARENT"
    assert (seen["停机：校准"].start, seen["停机：校准"]["TRANSP"]) == (at(90), "OPAQUE")
    # Others see that it is taken, and their own.
    taken = await events(anyone, other_path)
    assert set(taken) == {
        "已占用 ×2",
        "停机：校准",
        "锦城机电有限公司 · buyer",
        "锦城机电有限公司 · buyer（待批准）",
    }
    assert "scholar" not in (await anyone.get(other_path)).text
    assert mine["id"] in taken["已占用 ×2"]["UID"]
    person = await events(anyone, person_path)
    assert {one["STATUS"] for one in person.values()} == {"TENTATIVE", "CANCELLED"}
    assert person["电镜，一号;（待批准）"]["LOCATION"] == "成都市"

    # What changes keeps its UID and gets a higher SEQUENCE; the tag changes with it.
    first = await anyone.get(person_path)
    tag = {"If-None-Match": first.headers["ETag"]}
    assert (await anyone.get(person_path, headers=tag)).status_code == 304
    assert (await act(scholar, requested, "approve")).status_code == 200
    assert (await anyone.get(person_path, headers=tag)).status_code == 200
    approved = next(
        one
        for one in icalendar.Calendar.from_ical((await anyone.get(person_path)).content).walk(
            "VEVENT"
        )
        if one["STATUS"] == "CONFIRMED"
    )
    assert approved["UID"] == person["电镜，一号;（待批准）"]["UID"]
    assert approved["SEQUENCE"] > person["电镜，一号;（待批准）"]["SEQUENCE"]
    english = await anyone.get(other_path, headers={"Accept-Language": "en"})
    assert "Busy" in english.text


async def test_a_feed_ends(
    service: Service,
    anyone: httpx.AsyncClient,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    publish: Publish,
) -> None:
    instrument = await publish()
    feed_id, path = await subscribe(buyer, instrument_id=instrument)
    _, other = await subscribe(buyer, instrument_id=instrument)
    _, own = await subscribe(buyer)
    missing = {"name": "x", "instrument_id": str(service.university)}
    refused = await buyer.post("/v1/calendar-feeds", json=missing)
    assert code(refused) == (422, "instrument_unknown")
    assert refused.json()["errors"][0]["loc"] == ["body", "instrument_id"]
    assert (await anyone.get("/v1/calendar-feeds/no-such-token.ics")).status_code == 404

    # Whoever it is not does not end it, nor see it; the secret is nowhere.
    assert code(await scholar.delete(f"/v1/calendar-feeds/{feed_id}")) == (404, "not_found")
    assert (await scholar.get("/v1/calendar-feeds")).json()["items"] == []
    listed = await buyer.get("/v1/calendar-feeds", params={"limit": "2"})
    assert (len(listed.json()["items"]), listed.json()["next_cursor"] is None) == (2, False)
    async with service.runtime.database.read() as session:
        stored = (await session.scalars(select(CalendarFeed))).all()
        logged = (
            await session.scalars(select(Event).where(Event.subject_kind == "calendar_feed"))
        ).all()
    token = path.split("/")[-1].removesuffix(".ics")
    assert len(logged) == 3
    for text in (
        listed.text,
        *(str(one.after) for one in logged),
        *(one.token_hash for one in stored),
    ):
        assert token not in text
    data = (await buyer.get("/v1/auth/me/data")).json()
    assert len(data["calendar_feeds"]) == 3
    assert "token_hash" not in data["calendar_feeds"][0]

    assert (await anyone.get(path)).status_code == 200
    for _ in range(2):
        assert (await buyer.delete(f"/v1/calendar-feeds/{feed_id}")).status_code == 204
    assert (await anyone.get(path)).status_code == 404
    # What one may not see any more is not shown in a calendar, either.
    assert (await anyone.get(other)).status_code == 200
    await scholar.post(f"/v1/instruments/{instrument}/withdraw", headers=ANY)
    assert (await anyone.get(other)).status_code == 404

    async def locked(at_: object) -> None:
        async with service.runtime.database.write() as session:
            await session.execute(update(User).where(User.name == "buyer").values(locked_at=at_))

    assert (await anyone.get(own)).status_code == 200
    await locked(now())
    assert (await anyone.get(own)).status_code == 404
    await locked(None)
    assert (await anyone.get(own)).status_code == 200
    async with service.runtime.database.write() as session:
        colleague = User(name="colleague")
        session.add(colleague)
        await session.flush()
        manages = {"organization_id": service.enterprise, "role": Role.MANAGER}
        session.add(Membership(user_id=colleague.id, **manages))
    erased = await admin.post(f"/v1/users/{data['account'][0]['id']}/erase")
    assert erased.status_code == 204
    assert (await anyone.get(own)).status_code == 404
    async with service.runtime.database.read() as session:
        assert (await session.scalars(select(CalendarFeed))).all() == []


async def test_feeds_are_made_and_revoked_on_a_page(
    service: Service, publish: Publish, anyone: httpx.AsyncClient, scholar: httpx.AsyncClient
) -> None:
    instrument = await publish(f"电镜 {EVIL}")
    draft = {"organization_id": str(service.university), "name": "草稿仪器"}
    hidden = (await scholar.post("/v1/instruments", json=draft)).json()["id"]
    here = "/calendar-feeds"
    async with browser(service, "buyer") as guest, browser(service, "scholar") as staff:
        chosen = f"{here}?instrument_id={instrument}"
        assert html.escape(chosen) in await read(guest, f"/instruments/{instrument}")
        assert here in await read(guest, "/bookings")
        assert f'<option value="{instrument}" selected>' in await read(guest, chosen)
        assert "草稿仪器" not in await read(guest, f"{here}?instrument_id={hidden}")
        form = {"name": EVIL, "instrument_id": instrument}
        made = await send(guest, here, form)
        assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
        assert EVIL not in made.text
        (path,) = re.findall(r'value="http[^"]+(/v1/calendar-feeds/[^"]+\.ics)"', made.text)
        assert (await anyone.get(path)).status_code == 200
        assert path not in await read(guest, here)
        assert (await send(guest, here, {"name": "手机"})).status_code == 201
        shown = await read(guest, here)
        assert (shown.count("/revoke"), "本人的预约" in shown) == (2, True)
        for wrong in ({"name": " "}, {**form, "instrument_id": "x"}, {**form, "name": "x" * 101}):
            assert (await send(guest, here, wrong)).status_code == 422
        unseen = await send(guest, here, {"name": "手机日历", "instrument_id": hidden})
        assert (unseen.status_code, 'value="手机日历"' in unseen.text) == (422, True)
        end = re.findall(r'action="([^"]+/revoke)"', shown)[1]  # the newest is the first
        assert (await send(staff, end, at=here)).status_code == 404
        assert (await send(guest, end, at=here)).headers["Location"] == here
        assert (await anyone.get(path)).status_code == 404
        assert "已撤销" in await read(guest, here)
