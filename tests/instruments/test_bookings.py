"""Bookings: who does what in which state, who wins a race, what is free, what it costs."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import psycopg
import pytest
import time_machine
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from booking import ANY, act, at, book, code, wish
from conftest import Service
from kechuangtong.bookings.service import tend
from kechuangtong.bookings.states import TRANSITIONS, Action
from kechuangtong.core.clock import CITY, now
from kechuangtong.core.db import new_id, violated
from kechuangtong.models import (
    Booking,
    BookingItem,
    Event,
    Instrument,
    InstrumentPrice,
    Mail,
    Membership,
    Notice,
    User,
)
from kechuangtong.models.booking import BookingState
from kechuangtong.models.instrument import UserClass
from people import signed_in

Publish = Callable[..., Awaitable[str]]


async def renew(service: Service, **clients: httpx.AsyncClient) -> None:
    """Let people sign in again, at another time."""
    for name, client in clients.items():
        client.headers["Authorization"] = f"Bearer {await service.token(name)}"


async def told(service: Service, organization_id: uuid.UUID) -> list[str]:
    async with service.runtime.database.read() as session:
        kinds = await session.scalars(
            select(Notice.kind).where(Notice.organization_id == organization_id).order_by(Notice.id)
        )
        return [one.value for one in kinds]


async def test_of_fifty_who_want_one_slot_as_many_win_as_there_is_room(
    service: Service, buyer: httpx.AsyncClient, publish: Publish
) -> None:
    capacity = 3
    instrument = await publish(capacity=capacity, approval_required=False)
    answers = await asyncio.gather(
        *(buyer.post("/v1/bookings", json=wish(instrument, 9, 11)) for _ in range(50))
    )
    assert Counter(one.status_code for one in answers) == {201: capacity, 409: 50 - capacity}
    units = [one.json()["instruments"][0]["numbers"] for one in answers if one.status_code == 201]
    assert sorted(units) == [[unit] for unit in range(1, capacity + 1)]
    refused = next(one.json() for one in answers if one.status_code == 409)
    assert refused["code"] == "slot_taken"
    free = [datetime.fromisoformat(one["starts_at"]) for one in refused["free_times"]]
    assert free[:2] == [at(7), at(11)]  # the nearest, two hours on end
    async with service.runtime.database.read() as session:
        assert len((await session.scalars(select(BookingItem))).all()) == capacity


async def test_the_database_refuses_two_bookings_of_a_unit_at_one_time(
    service: Service, buyer: httpx.AsyncClient, publish: Publish
) -> None:
    if service.runtime.settings.uses_sqlite:
        pytest.skip("there one writer at a time looks before it writes")
    booking = await book(buyer, await publish(), 9, 11)
    async with service.runtime.database.read() as session:
        item = (await session.scalars(select(BookingItem))).one()
    values = {
        "booking_id": uuid.UUID(booking["id"]),
        "instrument_id": item.instrument_id,
        "starts_at": at(10),
        "ends_at": at(12),
        "holds": True,
    }
    with pytest.raises(IntegrityError) as raised:
        async with service.runtime.database.write() as session:
            session.add(BookingItem(id=new_id(), unit=1, **values))
    assert violated(raised.value) == "no_overlap_booking_items"
    assert isinstance(raised.value.orig, psycopg.errors.ExclusionViolation)
    async with service.runtime.database.write() as session:  # another unit, or what holds nothing
        session.add(BookingItem(id=new_id(), unit=2, **values))
        session.add(BookingItem(id=new_id(), unit=1, **{**values, "holds": False}))


async def test_from_request_to_rating(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient, publish: Publish
) -> None:
    instrument = await publish(cancel_minutes=60)
    async with service.runtime.database.write() as session:
        for days, amount in ((-30, "600.00"), (-3, "333.33"), (20, "999.00")):
            session.add(
                InstrumentPrice(
                    instrument_id=uuid.UUID(instrument),
                    user_class=UserClass.ENTERPRISE,
                    valid_from=(at(0) + timedelta(days=days)).date(),
                    amount=Decimal(amount),
                )
            )
    made = await book(buyer, instrument, 9, 11, purpose="三个样品")
    assert (made["state"], made["user_class"], made["user"]["name"]) == (
        "requested",
        "enterprise",
        "buyer",
    )
    stranger = await signed_in(service, "stranger")
    assert (await stranger.get(f"/v1/bookings/{made['id']}")).status_code == 403  # no organization
    assert code(await act(buyer, made, "approve")) == (403, "forbidden")  # of another's instrument
    assert code(await act(scholar, made, "finish")) == (409, "wrong_state")
    approved = await act(scholar, made, "approve")
    assert (approved.json()["state"], approved.json()["held_until"]) == ("approved", None)
    assert code(await act(scholar, made, "finish")) == (409, "not_yet")
    assert code(await act(buyer, made, "start")) == (409, "not_yet")
    stale = await buyer.post(
        f"/v1/bookings/{made['id']}/cancel", headers={"If-Match": '"1"'}, json={}
    )
    assert code(stale) == (412, "stale")
    with time_machine.travel(at(8.5)):
        await renew(service, scholar=scholar, buyer=buyer)
        assert code(await act(buyer, made, "cancel", reason="晚了")) == (409, "cancel_too_late")
    with time_machine.travel(at(8.9)):
        assert (await act(buyer, made, "start")).json()["state"] == "in_use"
    with time_machine.travel(at(10)):
        await renew(service, scholar=scholar, buyer=buyer)
        finished = (await act(scholar, made, "finish", hours="1.35", samples=3)).json()
        line = finished["instruments"][0]
        assert (line["hours"], line["price"], line["fee"]) == ("1.35", "333.33", "450.00")
        assert (finished["state"], finished["fee"], finished["samples"]) == (
            "finished",
            "450.00",
            3,
        )
        assert code(await act(scholar, made, "rate", rating=5)) == (403, "forbidden")
        rated = (await act(buyer, made, "rate", rating=5, comment="很好")).json()
        assert (rated["rating"], rated["comment"]) == (5, "很好")
        # What was left of the time is free, what was used is not.
        window = {"from": at(9).isoformat(), "to": at(12).isoformat()}
        free = (await buyer.get(f"/v1/instruments/{instrument}/availability", params=window)).json()
        assert [one["starts_at"] for one in free["free"]] == [free["open"][0]["starts_at"]]
    assert await told(service, service.university) == ["booking_requested"]
    assert await told(service, service.enterprise) == ["booking_approved", "booking_finished"]
    async with service.runtime.database.read() as session:
        assert not (await session.scalars(select(Notice.id).where(Notice.waiting))).all()
        actions = await session.scalars(
            select(Event.action).where(Event.action.startswith("booking.")).order_by(Event.id)
        )
        assert [one.removeprefix("booking.") for one in actions] == [
            "requested",
            "approved",
            "in_use",
            "finished",
            "rated",
        ]


async def test_in_no_state_more_can_be_done_than_the_table_says(
    service: Service, scholar: httpx.AsyncClient, publish: Publish
) -> None:
    instrument = await publish()
    booking = await book(scholar, instrument, 9, 11)  # one's own: both sides at once
    bodies: dict[Action, dict[str, Any]] = {
        Action.DECLINE: {"reason": "满"},
        Action.CANCEL: {"reason": "改期"},
        Action.RATE: {"rating": 3},
        Action.FINISH: {"samples": 1},
    }
    for state in BookingState:
        for action in set(Action) - {Action.LAPSE}:
            async with service.runtime.database.write() as session:
                held = state in (BookingState.REQUESTED, BookingState.WAITING)
                until = at(9) if held else None
                await session.execute(update(Booking).values(stored_state=state, held_until=until))
                await session.execute(update(BookingItem).values(unit=1, holds=False))
                await session.execute(update(Booking).values(starts_at=at(9) - timedelta(days=21)))
            answer = await act(scholar, booking, action.value, **bodies.get(action, {}))
            if action in TRANSITIONS[state]:
                assert answer.json()["state"] == TRANSITIONS[state][action].value, answer.text
            else:
                assert code(answer) == (409, "wrong_state"), (state, action)


async def test_a_request_holds_its_slot_for_its_time_and_lapses(
    service: Service, buyer: httpx.AsyncClient, scholar: httpx.AsyncClient, publish: Publish
) -> None:
    instrument = await publish(hold_minutes=60)
    first = await book(buyer, instrument, 9, 11)
    assert code(await buyer.post("/v1/bookings", json=wish(instrument, 10, 12))) == (
        409,
        "slot_taken",
    )
    with time_machine.travel(datetime.now().astimezone() + timedelta(minutes=61)):
        await renew(service, scholar=scholar, buyer=buyer)
        shown = (await buyer.get(f"/v1/bookings/{first['id']}")).json()
        assert shown["state"] == "lapsed"
        assert code(await act(scholar, first, "approve")) == (409, "wrong_state")
        # Nobody noted it yet, and its slot is free all the same.
        second = await book(buyer, instrument, 10, 12)
        third = await book(buyer, instrument, 20, 22)
        for state, ids in (("lapsed", [first]), ("requested", [third, second])):
            found = await buyer.get("/v1/bookings", params={"state": state})
            assert [one["id"] for one in found.json()["items"]] == [one["id"] for one in ids]
    with time_machine.travel(datetime.now().astimezone() + timedelta(minutes=130)):
        assert await tend(service.runtime.database) == 2
        assert await tend(service.runtime.database) == 0
    assert Counter(await told(service, service.enterprise)) == {"booking_lapsed": 3}


async def test_what_waits_moves_up_first_come_first(
    service: Service, buyer: httpx.AsyncClient, scholar: httpx.AsyncClient, publish: Publish
) -> None:
    instrument = await publish()
    first = await book(buyer, instrument, 9, 11)
    too_long = await book(buyer, instrument, 8, 13, if_full="wait")
    second = await book(buyer, instrument, 10, 12, if_full="wait")
    third = await book(buyer, instrument, 9, 10, if_full="wait")
    blocked = await book(buyer, instrument, 12, 13)
    states = [one["state"] for one in (too_long, second, third, blocked)]
    assert states == ["waiting", "waiting", "waiting", "requested"]
    assert second["instruments"][0]["numbers"] == []
    await act(scholar, first, "decline", reason="设备校准")

    async def state(one: dict[str, Any]) -> str:
        return str((await buyer.get(f"/v1/bookings/{one['id']}")).json()["state"])

    found = [await state(one) for one in (too_long, second, third)]
    assert found == ["waiting", "requested", "requested"]  # both found room, the long one none
    kinds = await told(service, service.enterprise)
    assert kinds == ["booking_declined", "booking_moved_up", "booking_moved_up"]
    for one in (second, third, blocked):
        assert (await act(buyer, one, "cancel", reason="不用了")).status_code == 200
    assert await state(too_long) == "requested"


async def test_several_instruments_are_booked_together_or_not_at_all(
    service: Service,
    buyer: httpx.AsyncClient,
    scholar: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    publish: Publish,
) -> None:
    microscope, cutter = await publish("电镜"), await publish("切片机", step_minutes=60)
    cluster = await publish(
        "算力", kind="computing_resource", unit="card_hour", capacity=4, approval_required=False
    )
    await book(buyer, cutter, 10, 12)
    answer = await buyer.post("/v1/bookings", json=wish([microscope, cutter], 11, 13))
    assert code(answer) == (409, "slot_taken")
    free = [datetime.fromisoformat(one["starts_at"]) for one in answer.json()["free_times"]]
    assert free[:2] == [at(12), at(8)]
    both = await book(buyer, [microscope, cutter], 12, 13)
    assert [one["name"] for one in both["instruments"]] == ["电镜", "切片机"]
    assert code(await buyer.post("/v1/bookings", json=wish(microscope, 11, 13))) == (
        409,
        "slot_taken",
    )
    # Three cards of four; the price is for each.
    async with service.runtime.database.write() as session:
        session.add(
            InstrumentPrice(
                instrument_id=uuid.UUID(cluster),
                user_class=UserClass.ENTERPRISE,
                valid_from=at(-700).date(),
                amount=Decimal("12.50"),
            )
        )
    body = wish(cluster, 9, 11)
    body["instruments"] = [{"instrument_id": cluster, "units": 3}]
    cards = (await buyer.post("/v1/bookings", json=body)).json()
    assert (cards["state"], cards["instruments"][0]["numbers"]) == ("approved", [1, 2, 3])
    assert code(await buyer.post("/v1/bookings", json=body)) == (409, "slot_taken")
    with time_machine.travel(at(12)):
        await renew(service, scholar=scholar)
        done = (await act(scholar, cards, "finish")).json()
    assert (done["instruments"][0]["hours"], done["fee"]) == ("6.00", "75.00")

    other = await publish("钳", by=admin, owner=service.enterprise)
    answer = await buyer.post("/v1/bookings", json=wish([microscope, other], 20, 21))
    assert code(answer) == (422, "several_owners")
    answer = await buyer.post("/v1/bookings", json=wish([microscope, str(new_id())], 20, 21))
    assert (code(answer), answer.json()["errors"][0]["loc"]) == (
        (422, "instrument_unknown"),
        ["body", "instruments", 1, "instrument_id"],
    )


async def test_what_an_instrument_asks_of_a_booking(
    service: Service, buyer: httpx.AsyncClient, scholar: httpx.AsyncClient, publish: Publish
) -> None:
    hours = [{"weekday": 1, "opens": "08:30", "closes": "18:00"}]
    instrument = await publish(
        opening_hours=hours, lead_minutes=60, step_minutes=30, longest_minutes=240
    )
    path = f"/v1/instruments/{instrument}"

    async def refused(start: float, end: float, **values: object) -> str:
        answer = await buyer.post("/v1/bookings", json=wish(instrument, start, end, **values))
        return str(answer.json()["code"])

    assert await refused(9.25, 11) == "off_step"
    assert await refused(9, 15) == "length_wrong"
    assert await refused(8, 9) == "outside_hours"
    assert await refused(17.5, 18.5) == "outside_hours"
    assert await refused(24 + 9, 24 + 10) == "outside_hours"  # a Tuesday
    assert await refused(9 - 24 * 35, 10 - 24 * 35) == "too_late"
    closure = {"starts_at": at(12).isoformat(), "ends_at": at(14).isoformat(), "reason": "校准"}
    await book(buyer, instrument, 13, 13.5)
    closed = (await scholar.post(f"{path}/closures", json=closure)).json()
    assert closed["bookings"] == len(closed["affected"]) == 1
    assert await refused(11, 12.5) == "outside_hours"
    await scholar.patch(
        path, headers=ANY, json={"opening_exceptions": [{"date": str(at(0).date()), "spans": []}]}
    )
    assert await refused(9, 10) == "outside_hours"
    await scholar.patch(path, headers=ANY, json={"opening_exceptions": []})
    assert (await scholar.delete(f"{path}/closures/{closed['id']}")).status_code == 204
    await book(buyer, instrument, 11, 12.5)

    body = wish(instrument, 15, 16)
    body["instruments"] = [{"instrument_id": instrument, "units": 2}]
    assert code(await buyer.post("/v1/bookings", json=body)) == (422, "more_than_there_are")
    for field, value in (("share_mode", "internal"), ("status", "awaiting_repair")):
        before = (await scholar.get(path)).json()[field]
        await scholar.patch(path, headers=ANY, json={field: value})
        assert await refused(15, 16) == "not_for_booking"
        if field == "share_mode":
            await book(scholar, instrument, 16, 17)
        await scholar.patch(path, headers=ANY, json={field: before})

    await scholar.patch(path, headers=ANY, json={"qualification_required": True})
    assert await refused(15, 16) == "not_qualified"
    me = (await buyer.get("/v1/auth/me")).json()["id"]
    for until, expected in ((at(-24), "not_qualified"), (at(0), None)):
        valid = {"valid_from": "2026-01-01", "valid_until": str(until.date())}
        put = await scholar.put(f"{path}/qualifications/{me}", json=valid)
        assert put.status_code == 200, put.text
        if expected:
            assert await refused(15, 16) == expected
    made = await book(buyer, instrument, 15, 16)
    assert code(await buyer.put(f"{path}/qualifications/{me}", json=valid)) == (403, "forbidden")
    mine = (await buyer.get(f"{path}/qualifications")).json()["items"]
    assert [one["user_id"] for one in mine] == [me]
    assert made["state"] == "requested"


async def test_on_behalf_of_others(
    service: Service, buyer: httpx.AsyncClient, scholar: httpx.AsyncClient, publish: Publish
) -> None:
    instrument = await publish()
    member = await signed_in(service, "engineer", member_of=service.enterprise)
    async with service.runtime.database.write() as session:
        await session.execute(
            update(Membership)
            .where(Membership.user_id == uuid.UUID((await member.get("/v1/auth/me")).json()["id"]))
            .values(role="member")
        )
    engineer = (await member.get("/v1/auth/me")).json()["id"]
    enterprise = str(service.enterprise)
    # Its staff books for an enterprise that is known: at once, since it would approve anyway.
    unknown = wish(instrument, 9, 11, organization_id=enterprise)
    assert code(await scholar.post("/v1/bookings", json=unknown)) == (422, "organization_unknown")
    async with service.runtime.database.write() as session:
        session.add(  # it becomes known by what it publishes
            Instrument(
                organization_id=service.enterprise, kind="instrument", name="钳", state="published"
            )
        )
    made = await book(scholar, instrument, 9, 11, organization_id=enterprise, user_id=engineer)
    assert (made["state"], made["organization"]["id"]) == ("approved", enterprise)
    assert (made["user"]["name"], made["created_by"]["name"]) == ("engineer", "scholar")
    nobody = wish(instrument, 12, 13, organization_id=enterprise, user_id=str(new_id()))
    assert code(await scholar.post("/v1/bookings", json=nobody)) == (422, "person_not_there")
    # A member books for itself alone, and leaves colleagues' bookings alone; a manager does not.
    buyer_id = (await buyer.get("/v1/auth/me")).json()["id"]
    theirs = wish(instrument, 12, 13, user_id=buyer_id)
    assert code(await member.post("/v1/bookings", json=theirs)) == (403, "forbidden")
    own = await book(buyer, instrument, 14, 15)
    assert code(await act(member, own, "cancel", reason="不用")) == (403, "forbidden")
    assert (await act(member, made, "cancel", reason="不用")).status_code == 200
    for_member = await book(buyer, instrument, 9, 10, user_id=engineer)
    assert (await act(buyer, for_member, "cancel", reason="不用")).status_code == 200


async def test_a_series_lists_or_skips_its_conflicts(
    buyer: httpx.AsyncClient, scholar: httpx.AsyncClient, publish: Publish
) -> None:
    instrument = await publish(approval_required=False)
    await book(buyer, instrument, 9 + 7 * 24, 10 + 7 * 24)
    body = {**wish(instrument, 9, 11), "rule": "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=5"}
    refused = await buyer.post("/v1/bookings/series", json=body)
    assert code(refused) == (409, "series_conflicts")
    conflict = refused.json()["conflicts"][0]
    assert datetime.fromisoformat(conflict["starts_at"]) == at(9 + 7 * 24)
    assert conflict["code"] == "slot_taken"
    assert len((await buyer.get("/v1/bookings")).json()["items"]) == 1  # nothing of it

    answer = await buyer.post("/v1/bookings/series", json={**body, "conflicts": "skip"})
    made = answer.json()
    starts = [datetime.fromisoformat(one["starts_at"]) for one in made["bookings"]]
    assert starts == [at(9), at(9 + 48), at(9 + 9 * 24), at(9 + 14 * 24)]
    assert [one["code"] for one in made["skipped"]] == ["slot_taken"]
    found = await buyer.get("/v1/bookings", params={"series_id": made["series_id"]})
    assert len(found.json()["items"]) == 4
    decided = await scholar.post(f"/v1/bookings/series/{made['series_id']}/approve")
    assert code(decided) == (409, "nothing_to_decide")  # it needs no approval
    wrong = {**body, "rule": "FREQ=HOURLY;COUNT=3"}
    answer = await buyer.post("/v1/bookings/series", json=wrong)
    assert (code(answer), answer.json()["errors"][0]["loc"]) == (
        (422, "rule_invalid"),
        ["body", "rule"],
    )


async def test_the_statement_of_a_month(
    service: Service,
    buyer: httpx.AsyncClient,
    scholar: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    publish: Publish,
) -> None:
    instrument = await publish(approval_required=False)
    path = f"/v1/instruments/{instrument}/prices"
    price = {"user_class": "enterprise", "valid_from": str(at(0).date()), "amount": "100.10"}
    assert (await scholar.post(path, json=price)).status_code == 201
    assert code(await scholar.post(path, json=price)) == (409, "price_listed")
    now_on = {**price, "user_class": "academic", "valid_from": str(now().astimezone(CITY).date())}
    assert (await scholar.post(path, json=now_on)).status_code == 201
    assert code(await scholar.post(path, json=now_on)) == (422, "price_holds")
    past = {**price, "valid_from": "2020-01-01"}
    assert code(await scholar.post(path, json=past)) == (422, "price_in_past")
    made = [await book(buyer, instrument, hour, hour + 2) for hour in (9, 11)]
    made.append(await book(scholar, instrument, 13, 14))
    with time_machine.travel(at(20)):
        await renew(service, scholar=scholar, buyer=buyer, admin=admin)
        too_long = await act(scholar, made[0], "finish", hours="99999999.99")
        assert code(too_long) == (422, "validation_failed")
        for one in made:
            assert (await act(scholar, one, "finish")).status_code == 200
        in_force = (await scholar.get(path)).json()["items"][0]
        dropped = await scholar.delete(f"{path}/{in_force['id']}")
        assert code(dropped) == (409, "price_in_force")
        month = {"month": f"{at(9):%Y-%m}"}
        lines = (await scholar.get("/v1/bookings/statement", params=month)).json()["items"]
        shown = {
            one["user_class"]: [one[name] for name in ("bookings", "hours", "fee", "without_price")]
            for one in lines
        }
        assert shown == {
            "enterprise": [2, "4.00", "400.40", "0.00"],
            "internal": [1, "1.00", "0.00", "1.00"],
        }
        bought = (await buyer.get("/v1/bookings/statement", params=month)).json()["items"]
        assert [one["organization"]["name"] for one in bought] == ["锦城机电有限公司"]
        first = (await admin.get("/v1/bookings/statement", params={**month, "limit": "1"})).json()
        rest = await admin.get(
            "/v1/bookings/statement", params={**month, "cursor": first["next_cursor"]}
        )
        assert len(first["items"] + rest.json()["items"]) == 2
        other = {**month, "organization_id": str(service.university)}
        assert code(await buyer.get("/v1/bookings/statement", params=other)) == (403, "forbidden")
        empty = await scholar.get("/v1/bookings/statement", params={"month": "2020-01"})
        assert empty.json()["items"] == []


async def test_a_series_is_approved_or_declined_at_once(
    service: Service,
    buyer: httpx.AsyncClient,
    scholar: httpx.AsyncClient,
    publish: Publish,
) -> None:
    instrument = await publish()
    async with service.runtime.database.write() as session:  # the buyer wants news by mail
        await session.execute(update(User).where(User.name == "buyer").values(email="b@ex.cn"))
    body = {**wish(instrument, 9, 11), "rule": "FREQ=DAILY;COUNT=3"}

    async def series() -> tuple[str, list[dict[str, Any]]]:
        made = (await buyer.post("/v1/bookings/series", json=body)).raise_for_status().json()
        return f"/v1/bookings/series/{made['series_id']}", made["bookings"]

    path, (first, *_) = await series()
    assert (await act(buyer, first, "cancel", reason="不用了")).status_code == 200
    assert (await buyer.post(f"{path}/approve")).status_code == 403
    assert (await scholar.post(f"/v1/bookings/series/{new_id()}/approve")).status_code == 404
    approved = (await scholar.post(f"{path}/approve")).json()["bookings"]
    assert [one["state"] for one in approved] == ["approved"] * 2
    assert first["id"] not in {one["id"] for one in approved}
    assert await told(service, service.enterprise) == ["booking_approved"] * 2
    assert code(await scholar.post(f"{path}/decline", json={"reason": "晚了"})) == (
        409,
        "nothing_to_decide",
    )

    body |= {**wish(instrument, 12, 13), "rule": "FREQ=DAILY;COUNT=2"}
    path, declined = await series()
    waits = await book(scholar, instrument, 12, 13, if_full="wait")
    assert (await scholar.post(f"{path}/decline", json={})).status_code == 422
    answer = await scholar.post(f"{path}/decline", json={"reason": "样品含磁性颗粒"})
    shown = answer.json()["bookings"]
    assert [one["id"] for one in shown] == [one["id"] for one in declined]
    assert {(one["state"], one["reason"]) for one in shown} == {("declined", "样品含磁性颗粒")}
    moved = (await scholar.get(f"/v1/bookings/{waits['id']}")).json()
    assert moved["state"] != "waiting"
    # Of each series one mail, though each of its bookings has a notice.
    async with service.runtime.database.read() as session:
        subjects = await session.scalars(select(Mail.subject).where(Mail.recipient == "b@ex.cn"))
        sent = Counter(one.split("：")[0] for one in subjects)
    assert (sent["仪器预约已批准"], sent["仪器预约被谢绝"]) == (1, 1)


async def test_a_closure_tells_of_what_is_booked_in_it_or_cancels_it(
    service: Service, buyer: httpx.AsyncClient, scholar: httpx.AsyncClient, publish: Publish
) -> None:
    instrument = await publish(approval_required=False)
    path = f"/v1/instruments/{instrument}/closures"
    closure = {"starts_at": at(10).isoformat(), "ends_at": at(30).isoformat(), "reason": "校准"}
    before, later, inside = [
        await book(buyer, instrument, *hours) for hours in ((7, 9), (29, 31), (9, 11))
    ]
    closed = (await scholar.post(path, json=closure)).json()
    assert [one["id"] for one in closed["affected"]] == [inside["id"], later["id"]]
    assert {one["state"] for one in closed["affected"]} == {"approved"}
    assert closed["bookings"] == 2
    assert await told(service, service.enterprise) == ["booking_meets_closure"] * 2
    notice = (await buyer.get("/v1/inbox")).json()["items"][0]
    assert "校准" in notice["text"]
    assert (await buyer.post(path, json=closure)).status_code == 403
    short = {**closure, "ends_at": at(11).isoformat(), "reason": "又一次"}
    (await scholar.post(path, json=short)).raise_for_status()  # another closure is told of again
    assert await told(service, service.enterprise) == ["booking_meets_closure"] * 3
    # Another that is to cancel them: but for what is in use, and what lies beside it.
    with time_machine.travel(at(9.5), tick=False):
        await renew(service, buyer=buyer, scholar=scholar)
        assert (await act(buyer, inside, "start")).status_code == 200
        again = {**closure, "cancel_bookings": True, "reason": "漏水"}
        closed = (await scholar.post(path, json=again)).json()
        states = {one["id"]: (one["state"], one["reason"]) for one in closed["affected"]}
        assert states == {inside["id"]: ("in_use", None), later["id"]: ("cancelled", "漏水")}
        left = (await buyer.get(f"/v1/bookings/{before['id']}")).json()
        assert left["state"] == "approved"
    news = (await told(service, service.enterprise))[3:]
    assert sorted(news) == ["booking_cancelled", "booking_meets_closure"]
