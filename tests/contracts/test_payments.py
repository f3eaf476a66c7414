"""Money: what is due, received, taken back, overdue and reminded of."""

import asyncio
import uuid
from datetime import datetime, timedelta
from typing import Any

import httpx
import time_machine
from sqlalchemy import select

from conftest import Service
from contracting import act, code, deal_state, sign
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.contracts.reminders import remind
from kechuangtong.core.clock import CITY
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.models import Event, Notice
from kechuangtong.organizations.service import create_organization

NOON = datetime(2031, 3, 1, 12, tzinfo=CITY)


async def caller(service: Service, name: str) -> httpx.AsyncClient:
    """One whose token is good at the time that is set."""
    return service.client(await service.token(name))


async def payments(client: httpx.AsyncClient, contract: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/v1/contracts/{contract}/payments")).json()
    return found


async def test_receipts_are_shared_taken_back_and_add_up(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    async with service.runtime.database.write() as session:
        broker = await create_organization(
            session, OPERATOR, name="技转中心", kind=OrganizationKind.SERVICE_INSTITUTION
        )
    parties = [
        {"side": "broker", "organization_id": str(broker.id), "commission_percent": "3.3333"}
    ]
    contract = await sign(service, scholar, buyer, parties=parties)
    first, second, third = (await payments(buyer, contract))["payments"]
    assert [one["paid_by"][0]["amount"] for one in (first, second)] == ["399999.60"] * 2

    async def receive(amount: str, due: Any = first, on: str = "2026-11-01") -> httpx.Response:
        body = {"due_id": due and due["id"], "amount": amount, "received_on": on}
        return await act(scholar, contract, "receipts", **body)

    assert code(await receive("1.00", None)) == (422, "due_unnamed")
    assert code(await receive("1.00", {"id": str(uuid.uuid4())})) == (422, "due_unknown")
    assert code(await receive("1.00", on="2199-01-01")) == (422, "date_in_future")
    for amount in ("0.00", "-1.00", "1.001", "NaN"):
        assert code(await receive(amount)) == (422, "validation_failed")
    taken = await receive("100000.01")
    assert [(one["side"], one["name"], one["amount"]) for one in taken.json()["parts"]] == [
        ("seller", "蜀江大学", "96666.71"),
        ("broker", "技转中心", "3333.30"),
    ]
    assert await deal_state(buyer, contract) == "receipts"
    more = await receive("299999.60")
    assert code(more) == (409, "more_than_open")
    assert more.json()["open"] == "299999.59"
    reverse = f"receipts/{taken.json()['id']}/reverse"
    assert code(await act(buyer, contract, reverse, reason="错")) == (403, "forbidden")
    back = (await act(scholar, contract, reverse, reason="重复")).json()
    assert (back["amount"], back["reverses_id"]) == ("-100000.01", taken.json()["id"])
    assert code(await act(scholar, contract, reverse, reason="错")) == (409, "reversed_already")
    again = f"receipts/{back['id']}/reverse"
    assert code(await act(scholar, contract, again, reason="错")) == (409, "reversed_already")
    assert (await receive("399999.60")).json()["parts"][1]["amount"] == "13333.19"
    found = await payments(buyer, contract)
    assert found["sums"] == {
        "due": "1200000.00",
        "received": "399999.60",
        "unallocated": "0.00",
        "open": "800000.40",
        "overdue": "0.00",
    }
    assert [one["amount"] for one in found["receipts"]] == ["100000.01", "-100000.01", "399999.60"]
    assert [one["open"] for one in found["payments"]] == ["0.00", "399999.60", "400000.80"]
    (listed,) = (await buyer.get("/v1/contracts")).json()["items"]
    assert listed["payments"] == found["sums"]
    still_open = (await buyer.get("/v1/payments?open=true")).json()["items"]
    assert [one["number"] for one in still_open] == [3, 2]
    reach = f"payments/{third['id']}/reach"
    assert code(await act(scholar, contract, reach, due_on="2031-09-01")) == (403, "forbidden")
    dated = await act(buyer, contract, reach, due_on="2031-09-01")
    assert dated.json()["due_on"] == "2031-09-01"
    assert code(await act(buyer, contract, reach, due_on="2031-09-02")) == (409, "already_dated")
    async with service.runtime.database.read() as session:
        events = await session.scalars(
            select(Event.action).where(Event.action.startswith("payment.")).order_by(Event.id)
        )
        told = await session.scalars(
            select(Notice.kind).where(Notice.kind.in_(["payment_received", "payment_reversed"]))
        )
        assert sorted(told) == ["payment_received", "payment_received", "payment_reversed"]
    assert list(events) == [
        f"payment.{one}" for one in ("received", "reversed", "received", "dated")
    ]


async def test_receipts_at_once_never_exceed_what_is_open(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    contract = await sign(service, scholar, buyer)
    due = (await payments(buyer, contract))["payments"][0]
    body = {"due_id": due["id"], "amount": "200000.00", "received_on": "2026-11-01"}
    answers = await asyncio.gather(*(act(scholar, contract, "receipts", **body) for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]
    (receipt,) = (await payments(buyer, contract))["receipts"]
    reverse = f"receipts/{receipt['id']}/reverse"
    answers = await asyncio.gather(
        *(act(scholar, contract, reverse, reason="错") for _ in range(3))
    )
    assert sorted(one.status_code for one in answers) == [201, 409, 409]
    assert (await payments(buyer, contract))["sums"]["received"] == "0.00"


async def test_royalties_are_reported_by_period_and_due(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    royalty = {
        "base": "净销售额",
        "rate": "5",
        "period": "month",
        "from_on": "2026-08-01",
        "until_on": "2199-12-31",
        "minimum": "100.00",
    }
    plan = {"kind": "royalty", "royalty": royalty}
    contract = await sign(service, scholar, buyer, payment=plan)

    async def report(start: str, base: str = "12345.67") -> httpx.Response:
        body = {"period_start": start, "base_amount": base}
        return await act(buyer, contract, "royalty-reports", **body)

    assert code(await report("2026-08-02")) == (422, "period_unknown")
    assert code(await report("2199-12-01")) == (409, "period_not_over")
    assert (await report("2026-08-01")).json()["amount"] == "617.28"
    assert code(await report("2026-08-01")) == (409, "period_reported")
    assert (await report("2026-09-01", "0")).json()["amount"] == "100.00"
    loose = {"amount": "50.00", "received_on": "2026-11-01"}
    assert (await act(scholar, contract, "receipts", **loose)).status_code == 201
    # Who noted it finds it among what is kept of a person.
    for client, name in ((scholar, "receipts"), (buyer, "royalty_reports")):
        data = (await client.get("/v1/auth/me/data")).json()
        assert {one["contract_id"] for one in data[name]} == {contract.rsplit("/", 1)[-1]}, name
    found = await payments(scholar, contract)
    assert [(one["period_start"], one["due_on"], one["amount"]) for one in found["payments"]] == [
        ("2026-08-01", "2026-09-30", "617.28"),
        ("2026-09-01", "2026-10-30", "100.00"),
    ]
    sums = found["sums"]
    assert (sums["unallocated"], sums["open"], sums["overdue"]) == ("50.00", "717.28", "717.28")
    assert len((await scholar.get("/v1/payments?overdue=true")).json()["items"]) == 2
    assert (await scholar.get("/v1/payments?overdue=false")).json()["items"] == []
    later = {"kind": "royalty", "royalty": {**royalty, "from_on": "2026-09-01"}}
    changes = {"payment": later}
    amended = await act(buyer, contract, "amendments", reason="改", changes=changes)
    assert code(amended) == (409, "royalty_reported")


async def test_both_sides_are_reminded_once_before_and_once_after(service: Service) -> None:
    database = service.runtime.database

    async def told() -> list[tuple[str, str]]:
        async with database.read() as session:
            kinds = ["payment_due", "payment_overdue"]
            notices = await session.scalars(
                select(Notice).where(Notice.kind.in_(kinds)).order_by(Notice.id)
            )
            return [(str(one.kind), one.data["fee"]) for one in notices]

    with time_machine.travel(NOON) as clock:
        scholar, buyer = await caller(service, "scholar"), await caller(service, "buyer")
        contract = await sign(service, scholar, buyer)
        due = (await payments(buyer, contract))["payments"][0]  # on 20 March
        expected: list[tuple[str, str]] = []
        for days, kind in ((11, None), (12, "payment_due"), (19, None), (20, "payment_overdue")):
            clock.move_to(NOON + timedelta(days))
            assert await remind(database) == (kind is not None), days
            assert await remind(database) == 0
            expected += [] if kind is None else [(kind, "399999.60")] * 2
            assert await told() == expected
        buyer = await caller(service, "buyer")
        (overdue,) = (await buyer.get("/v1/payments?overdue=true")).json()["items"]
        assert (overdue["id"], overdue["overdue"]) == (due["id"], True)
        assert (await payments(buyer, contract))["sums"]["overdue"] == "399999.60"
        # Of what has come nobody is reminded.
        scholar = await caller(service, "scholar")
        second = (await payments(buyer, contract))["payments"][1]
        body = {"due_id": second["id"], "amount": second["amount"], "received_on": "2031-03-21"}
        assert (await act(scholar, contract, "receipts", **body)).status_code == 201
        clock.move_to(NOON + timedelta(200))
        assert await remind(database) == 0
        async with database.read() as session:
            events = await session.scalars(
                select(Event.action)
                .where(Event.action.in_(["payment.due", "payment.overdue"]))
                .order_by(Event.id)
            )
            assert list(events) == ["payment.due", "payment.overdue"]
