"""Instruments: their fields and states, who sees them, and how they are found."""

from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import select

from booking import ANY, at, book, code
from conftest import Service
from instruments.conftest import ALL_DAY, Publish
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.core.db import new_id
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.models import Event, Instrument
from kechuangtong.organizations.service import create_organization

MICROSCOPE = {
    "name": "场发射透射电镜",
    "number": "TEM-01",
    "class_code": "010203",
    "original_value": "8650000.00",
    "commissioned_on": "2020-09-01",
    "disciplines": ["430.10"],
    "contact": {"name": "蒲老师", "phone": "028-00000000"},
    "latitude": 30.63,
    "longitude": 104.08,
}


async def test_the_life_of_a_record(
    service: Service,
    anyone: httpx.AsyncClient,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
) -> None:
    body = {"organization_id": str(service.university), **MICROSCOPE}
    assert code(await buyer.post("/v1/instruments", json=body)) == (403, "forbidden")
    made = await scholar.post("/v1/instruments", json=body)
    path = made.headers["Location"]
    shown = made.json()
    assert {name: shown[name] for name in MICROSCOPE if name != "contact"} == {
        name: value for name, value in MICROSCOPE.items() if name != "contact"
    }
    assert shown["class_names"] == ["分析仪器", "质谱仪器"]
    assert (shown["state"], shown["capacity"], shown["share_mode"]) == ("draft", 1, "external")
    assert code(await scholar.post("/v1/instruments", json=body)) == (409, "instrument_listed")
    assert (await anyone.get(path)).status_code == (await buyer.get(path)).status_code == 404
    assert code(await scholar.post(f"{path}/withdraw", headers=ANY)) == (409, "wrong_state")
    published = await scholar.post(f"{path}/publish", headers={"If-Match": made.headers["ETag"]})
    assert published.json()["published_at"] is not None
    # The public sees all but whom to call; who is signed in sees that, too.
    assert (await anyone.get(path)).json()["contact"] is None
    assert (await buyer.get(path)).json()["contact"]["name"] == "蒲老师"
    assert code(await buyer.patch(path, headers=ANY, json={"capacity": 2})) == (403, "forbidden")
    assert code(await scholar.patch(path, headers={"If-Match": '"1"'}, json={})) == (412, "stale")
    changed = await scholar.patch(path, headers=ANY, json={"capacity": 2, "status": "standby"})
    assert (changed.json()["capacity"], changed.json()["status"]) == (2, "standby")
    assert code(await scholar.delete(path, headers=ANY)) == (409, "wrong_state")
    assert (await scholar.post(f"{path}/withdraw", headers=ANY)).json()["state"] == "withdrawn"
    assert (await anyone.get(path)).status_code == 404
    draft = await scholar.post("/v1/instruments", json={**body, "number": None})
    assert (await scholar.delete(draft.headers["Location"], headers=ANY)).status_code == 204
    async with service.runtime.database.read() as session:
        events = await session.scalars(
            select(Event).where(Event.action.startswith("instrument.")).order_by(Event.id)
        )
        found = list(events)
    assert [one.action.removeprefix("instrument.") for one in found] == [
        "created",
        "published",
        "changed",
        "withdrawn",
        "created",
        "deleted",
    ]
    assert found[0].after is not None
    assert found[0].after["contact"] == ["name", "phone"]


@pytest.mark.parametrize(
    ("values", "loc"),
    [
        ({"class_code": "0301"}, ["body", "class_code"]),
        ({"country": "China"}, ["body", "country"]),
        ({"disciplines": ["1", "2", "3", "4", "5"]}, ["body", "disciplines"]),
        ({"original_value": "-1"}, ["body", "original_value"]),
        ({"rules": "长" * 501}, ["body", "rules"]),
        ({"latitude": 30.6}, ["body"]),
        ({"latitude": 91, "longitude": 104}, ["body", "latitude"]),
        ({"unit": "card_hour"}, ["body"]),
        ({"shortest_minutes": 2_000}, ["body"]),
        ({"step_minutes": 7}, ["body"]),
        ({"booking_url": "javascript:alert(1)"}, ["body", "booking_url"]),
        ({"opening_hours": [{"weekday": 8, "opens": "08:00", "closes": "09:00"}]}, None),
        ({"opening_hours": [{"weekday": 1, "opens": "09:00", "closes": "08:00"}]}, None),
        ({"opening_hours": [{"weekday": 1, "opens": "24:30", "closes": "25:00"}]}, None),
        ({"opening_hours": [*ALL_DAY, ALL_DAY[0]]}, ["body", "opening_hours"]),
        ({"opening_exceptions": [{"date": "2027-01-01"}] * 2}, ["body", "opening_exceptions"]),
    ],
)
async def test_what_is_not_right_is_told_with_its_place(
    service: Service, scholar: httpx.AsyncClient, values: dict[str, object], loc: list[str] | None
) -> None:
    body = {"organization_id": str(service.university), "name": "仪器", **values}
    refused = await scholar.post("/v1/instruments", json=body)
    assert refused.status_code == 422
    place = refused.json()["errors"][0]["loc"]
    assert place == loc if loc is not None else place[:2] == ["body", "opening_hours"]


async def test_a_change_is_checked_with_what_it_leaves(
    scholar: httpx.AsyncClient, publish: Publish
) -> None:
    path = f"/v1/instruments/{await publish(longest_minutes=60)}"
    refused = await scholar.patch(path, headers=ANY, json={"shortest_minutes": 90})
    assert code(refused) == (422, "fields_disagree")
    assert (await scholar.get(path)).json()["shortest_minutes"] == 30


async def test_search_by_class_words_place_and_free_time(
    service: Service, anyone: httpx.AsyncClient, buyer: httpx.AsyncClient, publish: Publish
) -> None:
    city = {"latitude": 30.657, "longitude": 104.066}
    here = await publish("三坐标测量机", class_code="030101", **city)
    busy = await publish("测长仪", class_code="030102", **city)
    await publish("电镜", class_code="010101", **city)
    far = await publish("激光干涉仪", class_code="030199", latitude=31.467, longitude=104.679)
    nowhere = await publish("量块比较仪", class_code="030100")
    await publish("待修的", class_code="030101", status="awaiting_repair", **city)
    nights = [{"weekday": 1, "opens": "20:00", "closes": "22:00"}]
    await publish("夜间两小时", class_code="030101", opening_hours=nights, **city)
    for hour in (0, 2, 4.5, 7, 9.5):  # nothing of three hours is left until noon
        await book(buyer, busy, hour, hour + 2)

    async def found(**query: str) -> list[str]:
        answer = await anyone.get("/v1/instruments", params=query)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]]

    assert nowhere in await found(**{"class": "0301"})
    assert len(await found(**{"class": "0301"})) == 6
    assert len(await found(**{"class": "03"})) == 6
    assert await found(q="三坐标 测量") == [here]
    near = {"class": "0301", "near": "30.60,104.00", "within_km": "20"}
    assert {here, busy} <= set(await found(**near))
    assert not {far, nowhere} & set(await found(**near))
    assert far in await found(**{**near, "within_km": "150"})
    free = {
        **near,
        "free_hours": "3",
        "free_from": at(0).isoformat(),
        "free_to": at(12).isoformat(),
    }
    answer = (await anyone.get("/v1/instruments", params=free)).json()
    assert [one["id"] for one in answer["items"]] == [here]
    (only,) = answer["items"]
    assert 8 < only["distance_km"] < 10
    assert datetime.fromisoformat(only["free"]["starts_at"]) == at(0)
    later = {**free, "free_to": at(16).isoformat()}
    assert set(await found(**later)) == {here, busy}
    # In pages of one, all are found once.
    seen: list[str] = []
    cursor = None
    for _ in range(10):
        params = {**later, "limit": "1"} | ({"cursor": cursor} if cursor else {})
        page = (await anyone.get("/v1/instruments", params=params)).json()
        seen += [one["id"] for one in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == await found(**later)
    for wrong in (
        {"near": "30.6,104"},
        {"near": "north", "within_km": "3"},
        {"free_hours": "3"},
        {"class": "3"},
        {"free_hours": "3", "free_from": at(0).isoformat(), "free_to": at(24 * 40).isoformat()},
    ):
        assert (await anyone.get("/v1/instruments", params=wrong)).status_code == 422, wrong


async def test_availability(
    anyone: httpx.AsyncClient, buyer: httpx.AsyncClient, publish: Publish
) -> None:
    hours = [{"weekday": 1, "opens": "08:00", "closes": "12:00"}]
    instrument = await publish(opening_hours=hours, capacity=2, shortest_minutes=60)
    await book(buyer, instrument, 8, 10)
    await book(buyer, instrument, 8.5, 9.5)
    path = f"/v1/instruments/{instrument}/availability"
    window = {"from": at(0).isoformat(), "to": at(24).isoformat()}
    shown = (await anyone.get(path, params=window)).json()

    def utc(hours: float) -> str:
        return (at(0) + timedelta(hours=hours - 8)).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert shown["open"] == [{"starts_at": utc(8), "ends_at": utc(12)}]
    assert shown["free"] == [
        {"starts_at": utc(9.5), "ends_at": utc(12), "units": 1},
        {"starts_at": utc(10), "ends_at": utc(12), "units": 1},
    ]
    assert (await anyone.get(path)).status_code == 200
    too_long = {"from": at(0).isoformat(), "to": at(24 * 63).isoformat()}
    assert code(await anyone.get(path, params=too_long)) == (422, "window_invalid")


async def test_merged_organizations_bring_their_instruments(
    service: Service, admin: httpx.AsyncClient, buyer: httpx.AsyncClient, publish: Publish
) -> None:
    async with service.runtime.database.write() as session:
        kind = OrganizationKind.UNIVERSITY
        other = await create_organization(session, OPERATOR, name="蜀江大学分校", kind=kind)
        await session.flush()
        session.add(
            Instrument(
                id=(same := new_id()),
                organization_id=other.id,
                kind="instrument",
                name="同号",
                number="A1",
            )
        )
    instrument = await publish(number="A1")
    booking = await book(buyer, instrument, 9, 10)
    path = f"/v1/organizations/{service.university}/merge"
    body = {"into": str(other.id)}
    assert code(await admin.post(path, headers=ANY, json=body)) == (409, "records_conflict")
    await admin.patch(f"/v1/instruments/{same}", headers=ANY, json={"number": "A2"})
    assert (await admin.post(path, headers=ANY, json=body)).status_code == 200
    shown = (await buyer.get(f"/v1/bookings/{booking['id']}")).json()
    assert shown["owner"]["name"] == "蜀江大学分校"
    mine = await admin.get("/v1/instruments", params={"organization_id": str(other.id)})
    assert {one["id"] for one in mine.json()["items"]} == {instrument, str(same)}
