"""Mandates: who does what in which state, what excludes what, also at the same time."""

import asyncio
import uuid
from datetime import timedelta

import httpx
import time_machine

from brokering import ANY, broker, mandate, put, wish
from conftest import Service
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.accounts.permissions import Role
from kechuangtong.brokers.states import (
    MANDATE_ACTS,
    MANDATE_TRANSITIONS,
    MandateAction,
    MandateSide,
)
from kechuangtong.core.clock import now, today
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.models import Broker, Mandate, Membership
from kechuangtong.models.broker import BrokerState, MandateState
from kechuangtong.organizations.service import create_organization

BODIES = {
    MandateAction.DECLINE: {"comment": "业务已满"},
    MandateAction.REVOKE: {},
    MandateAction.RESIGN: {"comment": "另有安排"},
}


async def publish(
    client: httpx.AsyncClient, kind: str, organization_id: uuid.UUID, title: str
) -> str:
    """The id of a published record."""
    body = {"organization_id": str(organization_id), "title": title}
    path = (await client.post(f"/v1/{kind}s", json=body)).raise_for_status().headers["Location"]
    (await client.post(f"{path}/publish", headers=ANY)).raise_for_status()
    return path.rsplit("/", 1)[1]


async def act(
    client: httpx.AsyncClient, mandate_id: object, action: MandateAction
) -> httpx.Response:
    path = f"/v1/mandates/{mandate_id}/{action.value}"
    return await client.post(path, json=BODIES.get(action), headers=ANY)


async def test_a_mandate_moves_as_the_table_says_by_the_side_it_names(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    demand = await publish(buyer, "demand", service.enterprise, "烘房除湿")
    broker_id, own = await broker(service, "苏明溪")
    _, other = await broker(service, "池望舒", of=service.enterprise)
    mandate_id = await mandate(service, broker_id, service.enterprise, demand_id=demand)
    sides = {MandateSide.BROKER: own, MandateSide.ORGANIZATION: buyer}
    for state, actions in MANDATE_TRANSITIONS.items():
        ended = state is MandateState.ENDED
        stored = MandateState.ACCEPTED if ended else state
        ends_on = today() - timedelta(days=1) if ended else today()
        for action in MandateAction:
            await put(service, Mandate, mandate_id, stored_state=stored, ends_on=ends_on)
            answer = await act(sides[MANDATE_ACTS[action]], mandate_id, action)
            if action in actions:
                assert answer.json()["state"] == actions[action], (state, action)
            else:
                assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    await put(service, Mandate, mandate_id, stored_state=MandateState.OFFERED)
    for action in MandateAction:
        wrong = buyer if MANDATE_ACTS[action] is MandateSide.BROKER else own
        # The broker's institution reads it; who acts is the broker in person.
        for caller, status in ((wrong, 403), (scholar, 403), (other, 403), (anyone, 401)):
            assert (await act(caller, mandate_id, action)).status_code == status, action
    lists = {own: 1, scholar: 1, buyer: 1, other: 1}
    for caller, count in lists.items():
        assert len((await caller.get("/v1/mandates")).json()["items"]) == count
    assert (await anyone.get("/v1/mandates")).status_code == 401


async def test_what_may_be_offered_and_what_each_side_is_told(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    demand = await publish(buyer, "demand", service.enterprise, "烘房除湿")
    achievement = await publish(scholar, "achievement", service.university, "除湿机组")
    first, own = await broker(service, "苏明溪", contact={"phone": "028-1"})
    second, _ = await broker(service, "池望舒")
    hidden, _ = await broker(service, "文知远", state=BrokerState.SUSPENDED)

    async def offer(broker_id: uuid.UUID, **values: object) -> tuple[int, str]:
        body = wish(broker_id, **{"demand_id": demand, **values})
        answer = await buyer.post("/v1/mandates", json=body)
        return answer.status_code, answer.json().get("code") or answer.json()["id"]

    assert await offer(first, achievement_id=achievement) == (422, "validation_failed")
    assert await offer(first, commission_amount="1.00") == (422, "validation_failed")
    assert await offer(first, commission_percent="100.01") == (422, "validation_failed")
    assert (await offer(first, demand_id=None, achievement_id=achievement))[0] == 403
    assert await offer(first, demand_id=str(uuid.uuid4())) == (422, "record_not_found")
    assert await offer(hidden) == (422, "broker_unknown")
    past = {"starts_on": "2020-01-01", "ends_on": "2020-02-01"}
    assert await offer(first, **past) == (422, "period_over")
    conflict = {"organization_id": str(service.enterprise), "since": str(today())}
    made = await own.post(f"/v1/brokers/{first}/conflicts", json=conflict)
    assert await offer(first) == (409, "conflict_of_interest")
    await own.delete(f"/v1/brokers/{first}/conflicts/{made.json()['id']}")

    status, mandate_id = await offer(first, exclusive=True)
    assert status == 201
    told = (await scholar.get("/v1/inbox")).json()["items"]
    assert [(one["kind"], one["waiting"]) for one in told] == [("mandate_offered", True)]
    assert "苏明溪" in told[0]["text"]
    assert await offer(first) == (409, "mandate_exists")
    assert await offer(second) == (409, "mandate_exclusive")
    later = {
        "starts_on": str(today() + timedelta(days=31)),
        "ends_on": str(today() + timedelta(days=60)),
    }
    assert (await offer(second, **later))[0] == 201
    again = {"exclusive": True, "starts_on": later["ends_on"], "ends_on": later["ends_on"]}
    assert await offer(first, **again) == (409, "mandate_exclusive")

    # A conflict that was declared meanwhile, and a registration that is over.
    made = await own.post(f"/v1/brokers/{first}/conflicts", json=conflict)
    refused = await act(own, mandate_id, MandateAction.ACCEPT)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict_of_interest")
    await own.delete(f"/v1/brokers/{first}/conflicts/{made.json()['id']}")
    await put(service, Broker, first, stored_state=BrokerState.SUSPENDED)
    refused = await act(own, mandate_id, MandateAction.ACCEPT)
    assert (refused.status_code, refused.json()["code"]) == (409, "broker_not_practising")
    await put(service, Broker, first, stored_state=BrokerState.REGISTERED)
    read = await buyer.get(f"/v1/mandates/{mandate_id}")
    assert (read.json()["contact"], read.json()["possible"]) == (None, ["revoke"])
    accepted = await act(own, mandate_id, MandateAction.ACCEPT)
    assert accepted.json()["contact"]["phone"] == "028-1"
    told = (await buyer.get("/v1/inbox")).json()["items"]
    assert [one["kind"] for one in told] == ["mandate_accepted", "broker_conflict"]
    waiting = (await scholar.get("/v1/inbox?waiting=true")).json()["items"]
    assert len(waiting) == 1  # the other's
    with time_machine.travel(now() + timedelta(days=32), tick=False):
        async with service.client(await service.token("buyer")) as client:
            assert (await client.get(f"/v1/mandates/{mandate_id}")).json()["state"] == "ended"
            found = (await client.get("/v1/mandates?state=ended")).json()["items"]
            assert [one["id"] for one in found] == [mandate_id]


async def test_of_exclusive_mandates_at_the_same_time_one_is_made(
    service: Service, buyer: httpx.AsyncClient
) -> None:
    demand = await publish(buyer, "demand", service.enterprise, "烘房除湿")
    brokers = [(await broker(service, f"经纪人{number}"))[0] for number in range(4)]
    answers = await asyncio.gather(
        *(
            buyer.post("/v1/mandates", json=wish(one, demand_id=demand, exclusive=number != 1))
            for number, one in enumerate(brokers)
        )
    )
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]
    refused = {one.json()["code"] for one in answers if one.status_code == 409}
    assert refused == {"mandate_exclusive"}


async def test_a_key_for_an_organization_is_not_the_broker_that_its_person_is(
    service: Service, buyer: httpx.AsyncClient
) -> None:
    demand = await publish(buyer, "demand", service.enterprise, "烘房除湿")
    broker_id, own = await broker(service, "苏明溪", contact={"phone": "028-1"})
    given = await mandate(service, broker_id, service.enterprise, demand_id=demand)
    conflict = {"organization_id": str(service.enterprise), "since": "2020-01-01"}
    await own.post(f"/v1/brokers/{broker_id}/conflicts", json=conflict)
    async with service.runtime.database.write() as session:
        other = await create_organization(
            session, OPERATOR, name="岷江装备有限公司", kind=OrganizationKind.ENTERPRISE
        )
        user_id = (await session.get_one(Broker, broker_id)).user_id
        session.add(Membership(user_id=user_id, organization_id=other.id, role=Role.MEMBER))
    for confined, seen in ((str(other.id), 0), (str(service.university), 1), (None, 1)):
        body = {"name": "同步", "scopes": ["brokers:read"], "organization_id": confined}
        secret = (await own.post("/v1/api-keys", json=body)).json()["secret"]
        async with service.client(secret) as program:
            assert len((await program.get("/v1/mandates")).json()["items"]) == seen, confined
            read = await program.get(f"/v1/mandates/{given}")
            assert read.status_code == (200 if seen else 404)
            shown = (await program.get(f"/v1/brokers/{broker_id}")).json()
            assert (shown["contact"] is not None) == (shown["user_id"] is not None) == bool(seen)
            told = await program.get(f"/v1/brokers/{broker_id}/conflicts")
            assert len(told.json()["items"]) == seen
