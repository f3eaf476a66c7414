"""The life of a contract: who may do what in which state, and the deal that follows it."""

import asyncio
import uuid
from datetime import date
from typing import Any

import httpx
from sqlalchemy import select, update

from conftest import Service
from contracting import ANY, PLAN, act, code, deal_state, draft, negotiated, sign
from kechuangtong.accounts.permissions import Role
from kechuangtong.contracts.states import TRANSITIONS, Action, sides_of
from kechuangtong.models import (
    Contract,
    ContractRegistration,
    ContractVersion,
    DealStep,
    Event,
    Membership,
    Notice,
    Organization,
    User,
)
from kechuangtong.models.contract import ContractState
from kechuangtong.models.deal import DealSide, DealState
from people import signed_in, signed_in_at_a_browser

BODIES: dict[Action, tuple[str, dict[str, Any]]] = {
    Action.CONFIRM: ("confirm", {}),
    Action.DISCARD: ("discard", {}),
    Action.AMEND: ("amendments", {"reason": "顺延", "changes": {"breach": "违约金"}}),
    Action.CANCEL: ("cancellations", {"reason": "停产"}),
    Action.REGISTER: ("registration", {"applied_on": "2026-01-01"}),
    Action.RECEIVE: (
        "receipts",
        {"amount": "1.00", "received_on": "2026-01-01", "due_id": str(uuid.uuid4())},
    ),
    Action.REPORT: ("royalty-reports", {"period_start": "2026-01-01", "base_amount": "1"}),
}
# What refuses an action that its side and the state allow, for want of something else.
WANTS = {
    Action.REGISTER: (422, "dates_out_of_order"),
    Action.RECEIVE: (422, "due_unknown"),
    Action.REPORT: (409, "no_royalty"),
}


async def test_every_state_action_and_caller(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    stranger = await signed_in(service, "stranger")
    reader = await signed_in(service, "reader", member_of=service.university)
    async with service.runtime.database.write() as session:
        await session.execute(
            update(Membership)
            .where(Membership.user_id.in_(select_user("reader")))
            .values(role=Role.MEMBER)
        )
    contract = await sign(service, scholar, buyer)
    callers = {DealSide.SELLER: scholar, DealSide.BUYER: buyer}
    for state in ContractState:
        await put(service, contract, state)
        for action, (verb, body) in BODIES.items():
            if state is ContractState.DRAFT and action in (Action.CONFIRM, Action.DISCARD):
                continue  # they are done below
            for side, client in callers.items():
                answer = await act(client, contract, verb, **body)
                where = (state, action, side, answer.text)
                if side not in sides_of(action, technology_import=False):
                    assert code(answer) == (403, "forbidden"), where
                elif action not in TRANSITIONS[state]:
                    assert code(answer) == (409, "wrong_state"), where
                elif action in WANTS:
                    assert code(answer) == WANTS[action], where
                else:
                    assert answer.is_success, where
                    (open_one,) = [
                        one for one in answer.json()["proposals"] if one["state"] == "proposed"
                    ]
                    await act(client, contract, f"{verb}/{open_one['id']}/discard")
    for client, status in ((anyone, 401), (stranger, 403), (reader, 403)):
        for verb, body in BODIES.values():
            assert (await act(client, contract, verb, **body)).status_code == status
    assert (await reader.get(f"/v1/contracts/{contract}")).json()["possible"] == []
    await put(service, contract, ContractState.SIGNED)
    unnamed = await act(admin, contract, "cancellations", reason="停产")
    assert code(unnamed) == (422, "side_unnamed")
    wrong = await act(buyer, contract, "cancellations", reason="停产", side="seller")
    assert code(wrong) == (403, "forbidden")


def select_user(name: str) -> Any:
    return select(User.id).where(User.name == name)


async def put(service: Service, contract: str, state: ContractState) -> None:
    async with service.runtime.database.write() as session:
        of_it = Contract.id == uuid.UUID(contract)
        await session.execute(update(Contract).where(of_it).values(state=state))


async def test_a_draft_is_completed_confirmed_by_both_and_signs_its_deal(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    deal = await negotiated(service)
    made = await draft(
        scholar, deal, acceptance=None, patents=[{"name": "热泵烘房", "pending": True}]
    )
    path = f"/v1/contracts/{made['id']}"
    assert (made["total"], made["technical"]) == ("1200000.00", "820000.00")
    assert [(one["side"], one["share"]) for one in made["content"]["parties"]] == [
        ("seller", "100.0000"),
        ("buyer", "100.0000"),
    ]
    refused = await act(scholar, made["id"], "confirm")
    assert code(refused) == (409, "contract_incomplete")
    codes = ["acceptance", *(f"patent_1_{n}" for n in ("applicant", "filed_on"))]
    assert [one["code"] for one in refused.json()["missing"]] == [
        *codes,
        "patent_1_application_number",
    ]
    assert refused.json()["missing"][0]["article"] == "民法典 845"
    again = await buyer.post("/v1/contracts", json={**_create(made), "deal_id": deal})
    assert code(again) == (409, "contract_exists")
    for body, status, what in (
        ({"total": "1.00"}, 422, "contract_invalid"),
        ({"title": None}, 422, "contract_invalid"),
        ({"color": "red"}, 422, "validation_failed"),
        (
            {"parties": [{"side": "seller", "organization_id": str(service.enterprise)}]},
            422,
            "party_not_in_deal",
        ),
        (
            {"parties": [{"side": "broker", "organization_id": str(uuid.uuid4())}]},
            422,
            "broker_unknown",
        ),
    ):
        answer = await buyer.patch(path, json=body, headers=ANY)
        assert code(answer) == (status, what), body
    invalid = await buyer.patch(path, json={"total": "1.00"}, headers=ANY)
    assert "380000.00" in invalid.json()["detail"]
    assert (await buyer.patch(path, json={})).status_code == 428
    changed = await buyer.patch(
        path, json={"acceptance": "测试", "patents": []}, headers={"If-Match": '"1"'}
    )
    assert (changed.json()["missing"], changed.json()["version"]) == ([], 2)
    assert (await buyer.patch(path, json={}, headers={"If-Match": '"1"'})).status_code == 412

    # The deal is signed by its contract alone.
    step = {"action": "sign_contract", "side": "seller"}
    direct = await scholar.post(f"/v1/deals/{deal}/steps", json=step, headers=ANY)
    assert code(direct) == (409, "contract_decides")
    shown = (await scholar.get(f"/v1/deals/{deal}")).json()
    assert "sign_contract" not in [one["action"] for one in shown["actions"]]

    first = await act(scholar, made["id"], "confirm")
    assert (first.json()["state"], first.json()["confirmed_by"]) == ("draft", ["seller"])
    assert code(await act(scholar, made["id"], "confirm")) == (409, "already_confirmed")
    await buyer.patch(path, json={"breach": "违约金"}, headers=ANY)  # so it is confirmed anew
    assert (await scholar.get(path)).json()["confirmed_by"] == []
    assert (await act(buyer, made["id"], "confirm")).json()["state"] == "draft"
    assert await deal_state(buyer, made["id"]) == "negotiation"
    signed = (await act(scholar, made["id"], "confirm")).json()
    assert (signed["state"], signed["versions"]) == ("signed", 1)
    assert await deal_state(buyer, made["id"]) == "signed"
    async with service.runtime.database.read() as session:
        steps = await session.scalars(
            select(DealStep).where(DealStep.deal_id == uuid.UUID(deal)).order_by(DealStep.number)
        )
        last = [(one.side, one.details) for one in steps][-2:]
        events = await session.scalars(
            select(Event.action).where(Event.subject_kind == "contract").order_by(Event.id)
        )
        notices = await session.scalars(
            select(Notice).where(Notice.subject_kind == "contract").order_by(Notice.id)
        )
        told = [(one.kind.value, one.organization_id, one.waiting) for one in notices]
    pricing = {"pricing": "no_achievement", "contract_id": made["id"]}
    assert last == [(DealSide.BUYER, pricing), (DealSide.SELLER, pricing)]
    assert list(events) == [
        f"contract.{one}"
        for one in ("created", "changed", "confirmed", "changed", "confirmed", "signed")
    ]
    assert told[:3] == [
        ("contract_created", service.enterprise, False),
        ("contract_confirmed", service.enterprise, False),
        ("contract_confirmed", service.university, False),
    ]
    assert {one[1] for one in told[3:]} == {service.university, service.enterprise}

    payments = (await buyer.get(f"{path}/payments")).json()["payments"]
    assert [one["amount"] for one in payments] == ["399999.60", "399999.60", "400000.80"]


def _create(made: dict[str, Any]) -> dict[str, Any]:
    return {name: made["content"][name] for name in ("title", "kind", "total")}


async def test_a_public_owner_signs_a_transfer_only_after_the_notice_of_its_price(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    deal = await negotiated(service)
    made = await draft(scholar, deal, kind="transfer", sub_kind=None, know_how="干燥曲线")
    await act(scholar, made["id"], "confirm")
    refused = await act(buyer, made["id"], "confirm")
    assert code(refused) == (409, "price_notice_required")
    # Nothing of it is kept: neither side stands alone.
    found = (await buyer.get(f"/v1/contracts/{made['id']}")).json()
    assert (found["state"], found["confirmed_by"]) == ("draft", ["seller"])
    path = f"/v1/contracts/{made['id']}"
    place = {"sale_reference": "西南联合产权交易所 G32026SC1000123"}
    misplaced = await buyer.patch(path, json=place, headers=ANY)
    assert code(misplaced) == (422, "contract_invalid")
    await buyer.patch(path, json={"pricing": "auction"}, headers=ANY)
    await act(scholar, made["id"], "confirm")
    assert code(await act(buyer, made["id"], "confirm")) == (409, "sale_not_awarded")
    (await buyer.patch(path, json=place, headers=ANY)).raise_for_status()
    for client in (scholar, buyer):
        assert (await act(client, made["id"], "confirm")).is_success
    history = (await buyer.get(f"/v1/deals/{deal}/steps")).json()["items"]
    assert history[-1]["details"] == {
        "pricing": "auction",
        "contract_id": made["id"],
        **place,
    }
    assert await deal_state(buyer, made["id"]) == "signed"
    discarded = await draft(scholar, await negotiated(service))
    assert (await act(buyer, discarded["id"], "discard")).json()["state"] == "discarded"
    another = await draft(buyer, discarded["deal_id"])
    assert another["state"] == "draft"
    listed = (await scholar.get(f"/v1/contracts?deal_id={another['deal_id']}")).json()["items"]
    assert [one["state"] for one in listed] == ["draft", "discarded"]
    query = f"organization_id={uuid.uuid4()}"
    assert code(await scholar.get(f"/v1/contracts?{query}")) == (403, "forbidden")
    ended = await negotiated(service, state=DealState.TERMINATED)
    body = {"deal_id": ended, **_create(another)}
    assert code(await scholar.post("/v1/contracts", json=body)) == (409, "deal_ended")
    body["deal_id"] = str(uuid.uuid4())
    assert code(await scholar.post("/v1/contracts", json=body)) == (422, "deal_unknown")


async def test_two_confirmations_at_once_sign_once(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    made = await draft(scholar, await negotiated(service))
    answers = await asyncio.gather(
        *(act(client, made["id"], "confirm") for client in (scholar, buyer, scholar, buyer))
    )
    outcomes = sorted(
        (one.status_code, one.json().get("state") or one.json()["code"]) for one in answers
    )
    assert [one for one in outcomes if one[0] == 200] == [(200, "draft"), (200, "signed")]
    assert {one[1] for one in outcomes if one[0] == 409} <= {"already_confirmed", "wrong_state"}
    async with service.runtime.database.read() as session:
        versions = (await session.scalars(select(ContractVersion))).all()
    assert [one.number for one in versions] == [1]
    payments = (await buyer.get(f"/v1/contracts/{made['id']}/payments")).json()["payments"]
    assert len(payments) == 3


async def test_what_one_side_proposes_the_other_decides(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    contract = await sign(service, scholar, buyer)
    path = f"/v1/contracts/{contract}"
    first = (await buyer.get(f"{path}/payments")).json()["payments"][0]
    receipt = {"due_id": first["id"], "amount": "100000.00", "received_on": "2026-11-01"}
    assert (await act(scholar, contract, "receipts", **receipt)).status_code == 201

    async def propose(**changes: Any) -> httpx.Response:
        return await act(buyer, contract, "amendments", reason="顺延", changes=changes)

    assert code(await propose()) == (422, "nothing_changes")
    assert code(await propose(subject=None)) == (409, "contract_incomplete")
    invalid = await propose(total="1.00")
    assert code(invalid) == (422, "contract_invalid")
    assert invalid.json()["errors"][0]["loc"][:2] == ["body", "changes"]
    less = {
        "kind": "instalments",
        "instalments": [
            {"amount": "99999.99", "due_on": "2031-03-20"},
            {"amount": "1100000.01", "milestone": "验收合格"},
        ],
    }
    assert code(await propose(payment=less)) == (409, "received_already")
    plan = {
        "kind": "instalments",
        "instalments": [
            {"amount": "100000.00", "due_on": "2031-04-20"},
            {"amount": "1100000.00", "milestone": "验收合格"},
        ],
    }
    proposed = (await propose(payment=plan, title="新题")).json()
    (proposal,) = proposed["proposals"]
    assert (proposal["by"], proposal["state"], proposed["title"]) == (
        "buyer",
        "proposed",
        "挂面烘房热泵与太阳能联合供热系统开发",
    )
    assert code(await propose(title="另")) == (409, "proposal_open")
    confirm = f"amendments/{proposal['id']}/confirm"
    assert code(await act(buyer, contract, confirm)) == (409, "own_proposal")
    wrong_kind = f"cancellations/{proposal['id']}/confirm"
    assert (await act(scholar, contract, wrong_kind)).status_code == 404
    amended = (await act(scholar, contract, confirm)).json()
    assert (amended["state"], amended["title"], amended["versions"]) == ("signed", "新题", 2)
    assert code(await act(scholar, contract, confirm)) == (409, "proposal_decided")
    versions = (await buyer.get(f"{path}/versions")).json()["items"]
    assert [(one["number"], one["content"]["title"], one["reason"]) for one in versions] == [
        (1, "挂面烘房热泵与太阳能联合供热系统开发", None),
        (2, "新题", "顺延"),
    ]
    assert versions[0]["content"]["payment"]["instalments"][2]["milestone"] == "验收合格"
    second = (await buyer.get(f"{path}/versions?limit=1")).json()["next_cursor"]
    rest = (await buyer.get(f"{path}/versions?cursor={second}")).json()["items"]
    assert [one["number"] for one in rest] == [2]
    bad = await buyer.get(f"{path}/versions?cursor=WyJ4Il0")
    assert code(bad) == (422, "cursor_invalid")
    payments = (await buyer.get(f"{path}/payments")).json()
    rows = [
        (one["number"], one["due_on"], one["amount"], one["open"]) for one in payments["payments"]
    ]
    assert rows == [(1, "2031-04-20", "100000.00", "0.00"), (2, None, "1100000.00", "1100000.00")]
    assert payments["payments"][0]["id"] == first["id"]  # an instalment keeps its place

    offered = (await propose(title="再题")).json()["proposals"][-1]["id"]
    end = (await act(scholar, contract, "cancellations", reason="停产")).json()["proposals"][-1]
    dropped = await act(scholar, contract, f"amendments/{offered}/discard")
    assert [one["state"] for one in dropped.json()["proposals"]] == [
        "confirmed",
        "dropped",
        "proposed",
    ]
    await propose(title="三题")
    cancelled = (await act(buyer, contract, f"cancellations/{end['id']}/confirm")).json()
    assert (cancelled["state"], cancelled["proposals"][-1]["state"]) == ("cancelled", "dropped")
    assert cancelled["payments"]["open"] == "0.00"
    assert cancelled["payments"]["received"] == "100000.00"
    assert await deal_state(buyer, contract) == "terminated"
    assert (await buyer.get("/v1/payments")).json()["items"] == []
    async with service.runtime.database.read() as session:
        waiting = await session.scalars(
            select(Notice.kind).where(Notice.waiting, Notice.subject_kind == "contract")
        )
        assert waiting.all() == []


async def test_registration_is_noted_step_by_step(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    contract = await sign(service, scholar, buyer, payment={**PLAN})
    async with service.runtime.database.write() as session:
        await session.execute(update(Contract).values(signed_on=date(2026, 10, 1)))

    async def step(verb: str, **body: str) -> httpx.Response:
        return await act(scholar, contract, f"registration{verb}", **body)

    assert code(await step("/accept", accepted_on="2026-11-03")) == (409, "no_registration")
    early = await step("", applied_on="2026-09-30")
    assert code(early) == (422, "dates_out_of_order")
    assert code(await step("", applied_on="2199-01-01")) == (422, "date_in_future")
    applied = await step("", applied_on="2026-11-02")
    assert (applied.status_code, applied.json()["registration"]) == (201, "applied")
    assert await deal_state(buyer, contract) == "registration_applied"
    assert code(await step("", applied_on="2026-11-02")) == (409, "registration_open")
    refused = await step("/refuse", decided_on="2026-11-05", reason="材料不全")
    assert refused.json()["registration"] == "refused"
    assert await deal_state(buyer, contract) == "registration_refused"
    first = (await buyer.get(f"/v1/contracts/{contract}/payments")).json()["payments"][0]
    await step("", applied_on="2026-11-06")
    # Money may come while it is waited for; the deal says so once the registry has decided.
    receipt = {"due_id": first["id"], "amount": "5.00", "received_on": "2026-11-07"}
    assert (await act(scholar, contract, "receipts", **receipt)).status_code == 201
    assert await deal_state(buyer, contract) == "registration_applied"
    accepted = (await step("/accept", accepted_on="2026-11-09")).json()
    assert accepted["registration"] == "accepted"
    former, one = accepted["registrations"]
    assert (former["deadline"], one["deadline"]["due_on"]) == (None, "2026-11-30")
    assert (one["deadline"]["days"], one["deadline"]["working_days"]) == (15, True)
    rule = one["deadline"]["rule"]
    assert (rule["id"], rule["verified"], bool(rule["source"])) == (
        "registration-2026",
        False,
        True,
    )
    said = {warning["code"] for warning in one["deadline"]["warnings"]}
    assert said == {"unverified", "region_unknown"}
    async with service.client() as browser:
        await signed_in_at_a_browser(browser, "buyer")
        page = (await browser.get(f"/contracts/{contract}")).text
        assert "2026-11-30" in page
        assert rule["source"] in page
    # In the seller's region its own rule holds; disputed, the longer term of the country's.
    for place, disputed, due_on, rule_id in (
        ("浙江省杭州市", True, "2026-11-19", "registration-zhejiang"),
        ("四川省成都市", True, "2026-12-21", "registration-2026"),
    ):
        async with service.runtime.database.write() as session:
            seller = await session.get_one(Organization, service.university)
            seller.place = place
            await session.execute(update(ContractRegistration).values(disputed=disputed))
        (*_, one) = (await buyer.get(f"/v1/contracts/{contract}")).json()["registrations"]
        found = (one["deadline"]["due_on"], one["deadline"]["rule"]["id"])
        assert found == (due_on, rule_id)
    for body, what in (
        ({"decided_on": "2026-11-08", "number": "2026510102000123"}, "dates_out_of_order"),
        ({"decided_on": "2026-11-20", "number": "12345"}, "register_number_invalid"),
        ({"decided_on": "2026-11-20", "number": "2099510102000123"}, "register_number_invalid"),
        (
            {"decided_on": "2026-11-20", "number": "2026510102000123", "total": "1.00"},
            "technical_exceeds_total",
        ),
    ):
        assert code(await step("/grant", **body)) == (422, what), body
    granted = await step("/grant", decided_on="2026-11-20", number="2026 5101 02 000123")
    (_, registered) = granted.json()["registrations"]
    assert registered["number"] == "2026510102000123"
    assert (registered["total"], registered["technical"]) == ("1200000.00", "820000.00")
    assert await deal_state(buyer, contract) == "receipts"
    other = await sign(service, scholar, buyer, technology_import=True)
    today = (await buyer.get(f"/v1/contracts/{other}")).json()["signed_on"]
    answer = await act(scholar, other, "registration", applied_on=today)
    assert code(answer) == (403, "forbidden")  # of what comes from abroad the buyer registers
    assert (await act(buyer, other, "registration", applied_on=today)).status_code == 201
    number = {"decided_on": today, "number": "2026510102000123"}
    taken = await act(buyer, other, "registration/grant", **number)
    assert code(taken) == (409, "register_number_taken")
