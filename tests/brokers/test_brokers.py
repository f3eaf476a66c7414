"""Brokers: who moves a registration on in which state, what the directory shows and to whom."""

import json
from datetime import timedelta

import httpx
import time_machine
from sqlalchemy import select

from brokering import ANY, CERTIFICATE, broker, person, put
from conftest import Service
from kechuangtong.brokers.states import ACTS, TRANSITIONS, Action, By
from kechuangtong.core.clock import now, today
from kechuangtong.models import Broker, BrokerConflict, BrokerTraining, Event, Organization
from kechuangtong.models.broker import BrokerState
from people import reviewer

BODIES = {
    Action.RETURN: {"comment": "证书不清"},
    Action.SUSPEND: {"comment": "待核实"},
    Action.RENEW: {**CERTIFICATE, "certificate_number": "SC-0902"},
}


async def act(client: httpx.AsyncClient, broker_id: object, action: Action) -> httpx.Response:
    path = f"/v1/brokers/{broker_id}/{action.value}"
    return await client.post(path, json=BODIES.get(action), headers=ANY)


async def test_a_registration_moves_as_the_table_says_by_those_it_names(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    async with service.runtime.database.write() as session:
        university = await session.get_one(Organization, service.university)
        university.place = "四川省成都市"
    broker_id, own = await broker(service, "苏明溪")
    _, colleague = await person(service, "colleague", service.university)
    here = await reviewer(service, "here", "成都市")
    there = await reviewer(service, "there", "绵阳市")
    may = {By.OWN: (own, scholar), By.REVIEW: (here,)}
    for state, actions in TRANSITIONS.items():
        if state is BrokerState.ENDED:
            continue
        for number, action in enumerate(Action):
            callers = may[ACTS[action]]
            caller = callers[number % len(callers)]
            proposed = BODIES[Action.RENEW] if state is BrokerState.RENEWING else None
            await put(service, Broker, broker_id, stored_state=state, proposed=proposed)
            answer = await act(caller, broker_id, action)
            case = (state, action, answer.text)
            if caller is here and state is BrokerState.DRAFT:
                assert answer.status_code == 404, case  # not handed in yet
            elif action in actions:
                assert answer.status_code == 200, case
                assert answer.json()["state"] == actions[action], case
            else:
                assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state"), case
    await put(service, Broker, broker_id, stored_state=BrokerState.REGISTERED)
    for action in Action:
        others = {By.OWN: (colleague, buyer, here), By.REVIEW: (own, scholar, buyer, there)}
        for caller in others[ACTS[action]]:
            assert (await act(caller, broker_id, action)).status_code == 403, action
        assert (await act(anyone, broker_id, action)).status_code == 401, action
    await put(service, Broker, broker_id, stored_state=BrokerState.SUSPENDED)
    seen = {own: 200, colleague: 200, here: 200, there: 404, buyer: 404, anyone: 404}
    for caller, status in seen.items():
        assert (await caller.get(f"/v1/brokers/{broker_id}")).status_code == status


async def test_from_a_draft_to_a_new_certificate(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    user_id, own = await person(service, "gu", service.university)
    body = {
        **CERTIFICATE,
        "organization_id": str(service.university),
        "name": "顾临川",
        "fields": ["食品加工", "节能环保"],
        "places": ["四川省成都市"],
        "contact": {"phone": "028-1", "email": "gu@example.cn"},
        "public": ["phone"],
    }
    elsewhere = await own.post(
        "/v1/brokers", json={**body, "organization_id": str(service.enterprise)}
    )
    assert elsewhere.json()["code"] == "not_of_institution"
    stranger = await buyer.post("/v1/brokers", json={**body, "user_id": str(user_id)})
    assert stranger.status_code == 403
    over = await own.post("/v1/brokers", json={**body, "valid_until": body["issued_on"]})
    assert over.status_code == 422
    made = await own.post("/v1/brokers", json=body)
    assert (made.status_code, made.json()["state"]) == (201, "draft")
    assert made.json()["possible"] == ["submit"]
    again = await scholar.post("/v1/brokers", json={**body, "user_id": str(user_id)})
    assert (again.status_code, again.json()["code"]) == (409, "broker_exists")
    path = made.headers["Location"]
    tag = made.headers["ETag"]
    changed = await own.patch(path, json={"name": "顧臨川"}, headers={"If-Match": tag})
    assert changed.json()["name"] == "顧臨川"
    stale = await scholar.patch(path, json={"name": "别人"}, headers={"If-Match": tag})
    assert stale.status_code == 412
    assert (await anyone.get(path)).status_code == 404
    assert (await own.post(f"{path}/submit", headers=ANY)).json()["state"] == "submitted"
    assert (await own.patch(path, json={"places": []}, headers=ANY)).status_code == 409
    waiting = (await admin.get("/v1/brokers?state=submitted")).json()["items"]
    assert [one["name"] for one in waiting] == ["顧臨川"]
    returned = await admin.post(f"{path}/return", json={"comment": "补证书"}, headers=ANY)
    assert (returned.json()["state"], returned.json()["reason"]) == ("returned", "补证书")
    await own.post(f"{path}/submit", headers=ANY)
    assert (await admin.post(f"{path}/approve", headers=ANY)).json()["state"] == "registered"
    told = [one["kind"] for one in (await scholar.get("/v1/inbox")).json()["items"]]
    assert told == ["broker_approved", "broker_returned"]

    public = (await anyone.get(path)).json()
    shown = {name: value for name, value in public["contact"].items() if value}
    assert (shown, public["user_id"], public["possible"]) == ({"phone": "028-1"}, None, [])
    assert (await own.get(path)).json()["contact"]["email"] == "gu@example.cn"
    await broker(service, "池望舒", grade="junior", fields=["新材料"], places=["重庆市"])
    found = {
        "": 2,
        "?q=顾临川": 1,
        "?q=顧臨川": 1,
        "?q=食品 蜀江": 1,
        "?q=食品 新材料": 0,
        "?q=%25": 0,
        "?grade=junior": 1,
        "?field=新材料": 1,
        "?field=材料": 0,
        "?place=成都": 1,
        f"?institution={service.university}": 2,
        f"?institution={service.enterprise}": 0,
        "?state=draft": 0,
    }
    for query, count in found.items():
        assert len((await anyone.get(f"/v1/brokers{query}")).json()["items"]) == count, query

    refused = await own.patch(path, json={"grade": "senior"}, headers=ANY)
    assert (refused.status_code, refused.json()["code"]) == (409, "reviewed_field")
    assert (await own.patch(path, json={"fields": ["包装"]}, headers=ANY)).status_code == 200
    until = today() + timedelta(days=900)
    renewal = {**CERTIFICATE, "grade": "senior", "valid_until": str(until)}
    renewing = await own.post(f"{path}/renew", json=renewal, headers=ANY)
    assert (renewing.json()["state"], renewing.json()["grade"]) == ("renewing", "intermediate")
    assert (await anyone.get(path)).json()["proposed"] is None
    assert (await admin.post(f"{path}/approve", headers=ANY)).json()["grade"] == "senior"
    with time_machine.travel(now() + timedelta(days=899), tick=False):
        assert (await anyone.get(path)).status_code == 200
        assert (await anyone.get("/v1/brokers?q=顾临川")).json()["items"]
    with time_machine.travel(now() + timedelta(days=902), tick=False):
        assert (await anyone.get(path)).status_code == 404
        assert not (await anyone.get("/v1/brokers?q=顾临川")).json()["items"]
        async with service.client(await service.token("gu")) as later:
            assert (await later.get(path)).json()["state"] == "expired"


async def test_courses_and_conflicts_and_what_is_kept_of_a_person(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    broker_id, own = await broker(service, "石听澜", contact={"phone": "028-7"})
    path = f"/v1/brokers/{broker_id}"
    course = {"course": "实务", "base": "某基地", "on": "2026-03-01"}
    ids = [
        (await own.post(f"{path}/training", json={**course, "hours": hours})).json()["id"]
        for hours in ("16.5", "8")
    ]
    assert (await own.get(path)).json()["training_hours"] == "24.5"
    assert (await buyer.delete(f"{path}/training/{ids[0]}")).status_code == 403
    assert (await scholar.delete(f"{path}/training/{ids[0]}")).status_code == 204
    assert len((await buyer.get(f"{path}/training")).json()["items"]) == 1
    empty = await own.post(f"{path}/conflicts", json={"since": "2020-01-01"})
    assert empty.status_code == 422
    for body in (
        {"organization_id": str(service.enterprise), "since": "2020-01-01"},
        {"text": "兼任某公司顾问", "since": "2020-01-01"},
    ):
        made = await own.post(f"{path}/conflicts", json=body)
        assert made.status_code == 201
    seen = {own: 2, scholar: 2, buyer: 1}
    for caller, count in seen.items():
        assert len((await caller.get(f"{path}/conflicts")).json()["items"]) == count
    assert (await own.delete(f"{path}/conflicts/{made.json()['id']}")).status_code == 204

    data = (await own.get("/v1/auth/me/data")).json()
    assert [one["contact"] for one in data["broker"]] == [{**data["broker"][0]["contact"]}]
    assert (len(data["broker_trainings"]), len(data["broker_conflicts"])) == (1, 1)
    user_id = data["account"][0]["id"]
    assert (await admin.post(f"/v1/users/{user_id}/erase")).is_success
    async with service.runtime.database.read() as session:
        left = await session.get_one(Broker, broker_id)
        assert (left.state, left.contact, left.fields) == (BrokerState.ENDED, None, [])
        assert left.name.startswith("erased-")
        for model in (BrokerTraining, BrokerConflict):
            assert (await session.scalars(select(model))).all() == []
        of_broker = select(Event).where(Event.subject_id == broker_id)
        events = (await session.scalars(of_broker)).all()
        actions = {one.action for one in events}
        assert {"broker.created", "broker.training_added", "broker.ended"} <= actions
        told = json.dumps([[one.before, one.after] for one in events], ensure_ascii=False)
        for personal in ("石听澜", "SC-0417", "028-7"):
            assert personal not in told
    assert (await buyer.get(path)).status_code == 404
