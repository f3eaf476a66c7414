"""Brokers in deals: let in by a mandate, seeing and acting while it lasts, on one side or on both."""

import uuid
from datetime import timedelta
from decimal import Decimal

import httpx

from brokering import ANY, broker, deal, mandate, put
from conftest import Service
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.contracts.schemas import EXAMPLE
from kechuangtong.core.clock import today
from kechuangtong.core.db import new_id
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.models import Broker, Contract, Mandate
from kechuangtong.models.broker import BrokerState, MandateState
from kechuangtong.models.contract import ContractKind, ContractState
from kechuangtong.models.deal import DealState
from kechuangtong.organizations.service import create_organization


async def draft(
    client: httpx.AsyncClient, kind: str, owner: uuid.UUID, title: str = "余热除湿机组"
) -> str:
    body = {"organization_id": str(owner), "title": title}
    return str((await client.post(f"/v1/{kind}s", json=body)).raise_for_status().json()["id"])


async def test_a_broker_sees_and_acts_while_it_is_entrusted(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    achievement = await draft(scholar, "achievement", service.university)
    demand = await draft(buyer, "demand", service.enterprise)
    other = await draft(buyer, "demand", service.enterprise, "包装")
    deal_id = await deal(service, achievement, demand)
    path = f"/v1/deals/{deal_id}"
    # A broker, and one of a party's people, who is no editor there.
    broker_id, own = await broker(service, "苏明溪", of=service.enterprise)
    stranger_id, stranger = await broker(service, "池望舒", of=await _institution(service))
    of_other = await mandate(service, stranger_id, service.enterprise, demand_id=other)
    sells = await mandate(service, stranger_id, service.university, achievement_id=achievement)

    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.get("/v1/deals")).json()["items"] == []

    async def join(client: httpx.AsyncClient, mandate_id: uuid.UUID) -> tuple[int, str]:
        answer = await client.post(f"{path}/brokers", json={"mandate_id": str(mandate_id)})
        return answer.status_code, answer.json().get("code") or answer.json()["side"]

    assert await join(buyer, of_other) == (409, "mandate_of_another")
    assert await join(buyer, sells) == (422, "mandate_unknown")  # the other side's
    buys = await mandate(service, stranger_id, service.enterprise, demand_id=demand)
    assert await join(own, buys) == (403, "forbidden")  # neither the broker nor an editor
    await put(service, Mandate, buys, stored_state=MandateState.REVOKED)
    for values, code in (
        ({"stored_state": MandateState.OFFERED}, "mandate_not_in_force"),
        ({"starts_on": today() + timedelta(days=1)}, "mandate_not_in_force"),
    ):
        await put(service, Mandate, sells, **values)
        assert await join(scholar, sells) == (409, code)
        assert (await join(stranger, sells))[0] == 404  # who may not come in does not see it
        await put(service, Mandate, sells, stored_state=MandateState.ACCEPTED, starts_on=today())
    conflict = {"organization_id": str(service.enterprise), "since": "2020-01-01"}
    declared = await stranger.post(f"/v1/brokers/{stranger_id}/conflicts", json=conflict)
    assert await join(scholar, sells) == (409, "conflict_of_interest")  # with the other side
    await stranger.delete(f"/v1/brokers/{stranger_id}/conflicts/{declared.json()['id']}")
    await put(service, Broker, stranger_id, stored_state=BrokerState.SUSPENDED)
    assert await join(scholar, sells) == (409, "broker_not_practising")
    await put(service, Broker, stranger_id, stored_state=BrokerState.REGISTERED)

    assert await join(stranger, sells) == (201, "seller")
    assert await join(scholar, sells) == (409, "broker_in_deal")
    told = [one["kind"] for one in (await buyer.get("/v1/inbox")).json()["items"]]
    assert told == ["deal_broker_joined", "broker_conflict"]
    (listed,) = (await buyer.get(f"{path}/brokers")).json()["items"]
    assert (listed["acting"], listed["mandate_id"]) == (True, None)
    shown = await stranger.get(path)
    assert {one["side"] for one in shown.json()["actions"]} == {"seller"}
    assert [one["id"] for one in (await stranger.get("/v1/deals")).json()["items"]] == [
        str(deal_id)
    ]
    drafted = await stranger.post("/v1/contracts", json={"deal_id": str(deal_id), **EXAMPLE})
    assert drafted.status_code == 201, drafted.text
    (listed,) = (await stranger.get("/v1/contracts")).json()["items"]
    contract = await stranger.get(f"/v1/contracts/{listed['id']}")
    assert set(contract.json()["possible"]) == {"change", "discard"}  # it signs nothing
    discarded = await stranger.post(f"/v1/contracts/{listed['id']}/discard", headers=ANY)
    assert discarded.status_code == 200, discarded.text
    step = {"action": "start_negotiation"}
    taken = await stranger.post(
        f"{path}/steps", json=step, headers={"If-Match": shown.headers["ETag"]}
    )
    assert taken.json()["state"] == "negotiation"
    ending = {"action": "terminate", "reason": "无"}
    refused = await stranger.post(f"{path}/steps", json=ending, headers=ANY)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    alone = await scholar.post(f"{path}/brokers/{stranger_id}/agree")
    assert (alone.status_code, alone.json()["code"]) == (409, "not_on_both_sides")

    for model, one, wrong, right in (
        (
            Mandate,
            sells,
            {"stored_state": MandateState.REVOKED},
            {"stored_state": MandateState.ACCEPTED},
        ),
        (Mandate, sells, {"ends_on": today() - timedelta(days=1)}, {"ends_on": today()}),
        (
            Broker,
            stranger_id,
            {"valid_until": today() - timedelta(days=1)},
            {"valid_until": today()},
        ),
    ):
        await put(service, model, one, **wrong)
        assert (await stranger.get(path)).status_code == 404, wrong
        step = {"action": "terminate", "reason": "无"}
        assert (await stranger.post(f"{path}/steps", json=step, headers=ANY)).status_code == 404
        await put(service, model, one, **right)
        assert (await stranger.get(path)).status_code == 200, right
    assert (await buyer.delete(f"{path}/brokers/{stranger_id}")).status_code == 403
    assert (await scholar.delete(f"{path}/brokers/{broker_id}")).status_code == 404
    assert (await scholar.delete(f"{path}/brokers/{stranger_id}")).status_code == 204
    assert (await stranger.get(path)).status_code == 404
    assert (await anyone.get(f"{path}/brokers")).status_code == 401


async def test_a_broker_of_both_sides_acts_for_neither_before_each_has_agreed(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    achievement = await draft(scholar, "achievement", service.university)
    demand = await draft(buyer, "demand", service.enterprise)
    path = f"/v1/deals/{await deal(service, achievement, demand)}"
    broker_id, own = await broker(service, "顾临川", of=await _institution(service))
    sells = await mandate(service, broker_id, service.university, achievement_id=achievement)
    buys = await mandate(service, broker_id, service.enterprise, demand_id=demand)
    agree = f"{path}/brokers/{broker_id}/agree"
    first = await scholar.post(f"{path}/brokers", json={"mandate_id": str(sells)})
    assert first.json()["acting"] is True
    second = await own.post(f"{path}/brokers", json={"mandate_id": str(buys)})
    assert (second.status_code, second.json()["acting"]) == (201, False)
    assert (await own.get(path)).status_code == 404
    assert (await own.post(agree)).status_code == 404  # nobody agrees to oneself
    half = (await scholar.post(agree)).json()["items"]
    agreed = {one["side"]: bool(one["agreed_by_other_at"]) for one in half}
    assert agreed == {"seller": False, "buyer": True}
    assert (await own.get(path)).status_code == 404
    both = (await buyer.post(agree)).json()["items"]
    assert [one["acting"] for one in both] == [True, True]
    assert {one["side"] for one in (await own.get(path)).json()["actions"]} == {"seller", "buyer"}
    # One side parts with it: of the other it is the broker alone, and to return is to ask anew.
    assert (await buyer.delete(f"{path}/brokers/{broker_id}")).status_code == 204
    assert {one["side"] for one in (await own.get(path)).json()["actions"]} == {"seller"}
    again = await buyer.post(f"{path}/brokers", json={"mandate_id": str(buys)})
    assert again.json()["acting"] is False
    # A mandate that is over leaves it on the other side alone.
    await put(service, Mandate, buys, stored_state=MandateState.REVOKED)
    assert {one["side"] for one in (await own.get(path)).json()["actions"]} == {"seller"}
    assert (await own.delete(f"{path}/brokers/{broker_id}")).status_code == 204
    assert (await scholar.get(f"{path}/brokers")).json()["items"] == []


async def test_figures_tell_no_single_deals(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
    admin: httpx.AsyncClient,
) -> None:
    achievement = await draft(scholar, "achievement", service.university)
    demand = await draft(buyer, "demand", service.enterprise)
    broker_id, _ = await broker(service, "苏明溪")
    sells = await mandate(service, broker_id, service.university, achievement_id=achievement)
    url = f"/v1/brokers/{broker_id}/figures"
    for count, days in enumerate((10, 20, 60), 1):
        deal_id = await deal(
            service,
            achievement,
            demand,
            state=DealState.SIGNED,
            signed_on=today() + timedelta(days=days),
        )
        joined = await scholar.post(f"/v1/deals/{deal_id}/brokers", json={"mandate_id": str(sells)})
        assert joined.status_code == 201
        for state in (ContractState.SIGNED, ContractState.CANCELLED):
            await _contract(service, deal_id, state, Decimal(1_000 * count))
        figures = (await anyone.get(url)).json()
        assert (figures["deals"], figures["signed"]) == (count, count)
        told = ({"signed": 3}, 20.0) if count == 3 else (None, None)
        assert (figures["states"], figures["days_to_signing"]) == told
        amounts = [figures[name] for name in ("contracts", "amount", "technical")]
        assert amounts == ([3, "6000.00", "3.00"] if count == 3 else [count, None, None])
    for query in ({"by": "broker"}, {"by": "broker", "broker_id": broker_id}):
        statistics = (await admin.get("/v1/statistics/deals", params=query)).json()
        (group,) = statistics["groups"]
        assert (group["value"], group["name"]) == (str(broker_id), "苏明溪")
        assert (group["amount"], statistics["total"]["amount"]) == ("6000.00", "6000.00")
    other = await admin.get("/v1/statistics/deals", params={"broker_id": str(new_id())})
    assert other.json()["total"]["contracts"] == 0


async def _contract(
    service: Service, deal_id: uuid.UUID, state: ContractState, total: Decimal
) -> None:
    async with service.runtime.database.write() as session:
        session.add(
            Contract(
                deal_id=deal_id,
                state=state,
                title="余热除湿机组",
                kind=ContractKind.LICENSE,
                total=total,
                technical=Decimal(1),
                content={},
                signed_on=today(),
            )
        )


async def _institution(service: Service) -> uuid.UUID:
    async with service.runtime.database.write() as session:
        made = await create_organization(
            session, OPERATOR, name="梧桐里经纪", kind=OrganizationKind.SERVICE_INSTITUTION
        )
    return made.id
