"""What comes together at the edges: mergings, brokers, registrations and ends beside contracts."""

import asyncio
import uuid
from collections.abc import Awaitable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from brokering import broker, mandate
from conftest import Service
from contracting import ANY, act, code, draft, negotiated, sign
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.contracts import service as contracts
from kechuangtong.core.clock import now, today
from kechuangtong.core.db import new_id
from kechuangtong.deals import queries as deals
from kechuangtong.inbox.service import notify
from kechuangtong.models import Contract, DealBroker, DealStep, Sale
from kechuangtong.models.deal import DealSide, DealState
from kechuangtong.models.notice import NoticeKind
from kechuangtong.models.sale import SaleObject, SaleWay
from kechuangtong.sales import queries as sales
from people import change


async def new(admin: httpx.AsyncClient, name: str) -> str:
    body = {"name": name, "kind": "service_institution"}
    return str((await admin.post("/v1/organizations", json=body)).raise_for_status().json()["id"])


async def test_merged_parties_keep_their_money_and_the_contract_stays_whole(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    institute, agency, twin = [await new(admin, name) for name in ("分所", "技转中心", "技转")]
    university = str(service.university)
    parties = [
        {"side": "seller", "organization_id": university, "share": "60"},
        {"side": "seller", "organization_id": institute, "share": "40"},
        {"side": "broker", "organization_id": agency, "commission_percent": "10"},
    ]
    both: list[str] = []
    for _ in range(2):
        deal = await negotiated(service, **{institute: DealSide.SELLER})
        both.append((await draft(scholar, deal, parties=parties))["id"])
    signed, drafted = both
    for client in (scholar, buyer):
        assert (await act(client, signed, "confirm")).status_code == 200
    due = (await buyer.get(f"/v1/contracts/{signed}/payments")).json()["payments"][0]["id"]

    async def receive() -> list[tuple[str, str]]:
        body = {"due_id": due, "amount": "1000.00", "received_on": "2026-11-01"}
        parts = (await act(scholar, signed, "receipts", **body)).raise_for_status().json()["parts"]
        return [(one["organization_id"], one["amount"]) for one in parts]

    assert await receive() == [(university, "540.00"), (institute, "360.00"), (agency, "100.00")]
    changes = {"ends_on": "2031-12-31"}
    amended = await act(buyer, signed, "amendments", reason="顺延", changes=changes)
    proposal = amended.raise_for_status().json()["proposals"][0]["id"]
    for one, into in ((institute, university), (agency, twin)):
        (await change(admin, f"/v1/organizations/{one}/merge", {"into": into})).raise_for_status()

    year = f"/v1/statistics/deals/yearly?organization_id={university}&year=2026"
    assert (await scholar.get(year)).json()["total"]["received"] == "900.00"
    accept = await act(scholar, signed, f"amendments/{proposal}/confirm")
    assert accept.status_code == 200, accept.text
    assert await receive() == [(university, "900.00"), (twin, "100.00")]
    for contract in both:
        shown = (await buyer.get(f"/v1/contracts/{contract}")).raise_for_status().json()
        told = [(one["organization_id"], one["share"]) for one in shown["content"]["parties"]]
        assert told == [
            (university, "100.0000"),
            (str(service.enterprise), "100.0000"),
            (twin, None),
        ]
    path = f"/v1/contracts/{drafted}"
    assert (await scholar.patch(path, json={"title": "新"}, headers=ANY)).status_code == 200
    assert (await act(scholar, drafted, "confirm")).status_code == 200


@pytest.mark.parametrize("_place", ["sqlite"], indirect=True)  # no question of storage
async def test_a_broker_of_a_side_writes_its_contract_and_does_not_sign_it(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    body = {"organization_id": str(service.university), "title": "余热除湿机组"}
    path = (await scholar.post("/v1/achievements", json=body)).headers["Location"]
    achievement = path.rsplit("/", 1)[1]
    deal = await negotiated(service)
    broker_id, client = await broker(service, "经理人甲")
    entrusted = await mandate(service, broker_id, service.enterprise, achievement_id=achievement)
    made = await draft(scholar, deal)
    async with service.runtime.database.write() as session:
        session.add(
            DealBroker(
                deal_id=uuid.UUID(deal),
                broker_id=broker_id,
                side=DealSide.BUYER,
                mandate_id=entrusted,
            )
        )
    shown = await client.get(f"/v1/contracts/{made['id']}")
    assert shown.status_code == 200, shown.text
    assert set(shown.json()["possible"]) == {"change", "discard"}
    changed = {"title": "新"}
    path = f"/v1/contracts/{made['id']}"
    assert (await client.patch(path, json=changed, headers=ANY)).status_code == 200
    refused = await act(client, made["id"], "confirm", side="buyer")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("_place", ["sqlite"], indirect=True)  # no question of storage
async def test_what_the_registry_decides_brings_no_receipt_again(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    contract = await sign(service, scholar, buyer)
    async with service.runtime.database.write() as session:
        await session.execute(update(Contract).values(signed_on=date(2026, 10, 1)))
    due = (await buyer.get(f"/v1/contracts/{contract}/payments")).json()["payments"][0]["id"]
    receipt = {"due_id": due, "amount": "5.00", "received_on": "2026-11-01"}
    for verb, body in (
        ("receipts", receipt),
        ("registration", {"applied_on": "2026-11-02"}),
        ("registration/grant", {"decided_on": "2026-11-05", "number": "2026510102000321"}),
    ):
        assert (await act(scholar, contract, verb, **body)).is_success
    async with service.runtime.database.read() as session:
        steps = await session.scalars(select(DealStep).order_by(DealStep.number))
        taken = [one.action for one in steps]
    assert taken.count("record_receipt") == 1, taken


@pytest.mark.parametrize("_place", ["sqlite"], indirect=True)  # no question of storage
async def test_nothing_is_signed_once_the_deal_has_ended(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    deal = await negotiated(service, state=DealState.PERFORMING)
    made = await draft(scholar, deal)
    assert (await act(scholar, made["id"], "confirm")).status_code == 200
    for client in (scholar, buyer):
        step = {"action": "complete", "on": str(today())}
        answer = await client.post(f"/v1/deals/{deal}/steps", json=step, headers=ANY)
        assert answer.is_success, answer.text
    assert code(await act(buyer, made["id"], "confirm")) == (409, "deal_ended")


@pytest.mark.parametrize("_place", ["sqlite"], indirect=True)  # no question of storage
async def test_a_reported_period_stays_the_same(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    royalty = {
        "base": "净销售额",
        "rate": "5",
        "period": "month",
        "from_on": "2026-01-01",
        "until_on": "2027-12-31",
    }
    contract = await sign(service, scholar, buyer, payment={"kind": "royalty", "royalty": royalty})
    report = {"period_start": "2026-01-01", "base_amount": "100.00"}
    assert (await act(buyer, contract, "royalty-reports", **report)).status_code == 201
    for values, status in (
        ({"period": "year"}, 409),  # February would be of a year that was reported
        ({"until_on": "2026-01-15"}, 409),
        ({"until_on": "2026-12-31", "rate": "6"}, 201),
    ):
        changes: dict[str, Any] = {"payment": {"kind": "royalty", "royalty": royalty | values}}
        answer = await act(buyer, contract, "amendments", reason="改", changes=changes)
        assert answer.status_code == status, (values, answer.text)


async def test_a_step_and_a_merging_at_once_wait_for_each_other_and_both_are_done(
    service: Service, scholar: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    deal = uuid.UUID(await negotiated(service))
    first, second, agency = [await new(admin, name) for name in ("新名", "更新名", "技转中心")]
    named = [{"side": "broker", "organization_id": agency, "commission_percent": "1"}]
    contract = uuid.UUID((await draft(scholar, str(deal), parties=named))["id"])
    body = {"organization_id": str(service.university), "title": "余热除湿机组"}
    path = (await scholar.post("/v1/achievements", json=body)).headers["Location"]
    sale = Sale(
        id=new_id(),
        achievement_id=uuid.UUID(path.rsplit("/", 1)[1]),
        organization_id=service.university,
        way=SaleWay.LISTING,
        object=SaleObject.LICENSE,
        title="余热除湿机组",
        summary="",
        price=Decimal(1),
        opens_at=now(),
        closes_at=now() + timedelta(days=1),
    )
    async with service.runtime.database.write() as session:
        session.add(sale)

    def hold_deal(session: AsyncSession) -> Awaitable[Any]:
        return deals.deal(session, OPERATOR, deal, to_change=True)

    def hold_sale(session: AsyncSession) -> Awaitable[Any]:
        return sales.sale(session, OPERATOR, sale.id, to_change=True)

    def hold_contract(session: AsyncSession) -> Awaitable[Any]:
        return contracts.hold(session, OPERATOR, contract)

    for hold, one, into in (
        (hold_deal, str(service.university), first),
        (hold_sale, first, second),
        (hold_contract, agency, second),
    ):
        async with service.runtime.database.write() as session:
            assert await hold(session) is not None
            path = f"/v1/organizations/{one}/merge"
            merging = asyncio.create_task(change(admin, path, {"into": into}))
            await asyncio.sleep(0.5)  # so that it waits
            about: dict[str, Any] = {"subject_kind": "deal", "subject_id": deal, "title": ""}
            kind = NoticeKind.DEAL_STEP
            await notify(session, uuid.UUID(one), kind, key=one, action="complete", **about)
        assert (await merging).status_code == 200
