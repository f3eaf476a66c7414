"""Deals from the first interest to the last receipt: how they open, who is told, who takes part."""

import uuid
from datetime import date, timedelta

import httpx
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from booking import ANY, code
from conftest import Service
from deals.conftest import ago, step, steps
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.deals.register_numbers import check_register_number
from kechuangtong.models import DealStep, Demand, Event
from kechuangtong.organizations.service import create_organization
from kechuangtong.policies import price_notice
from people import change, signed_in

EXCHANGE = {"sale_reference": "西南联合产权交易所 G32026SC1000123"}


async def inbox(client: httpx.AsyncClient) -> list[tuple[str, str, bool]]:
    """Kinds, texts and what waits, newest first."""
    items = (await client.get("/v1/inbox")).json()["items"]
    return [(one["kind"], one["text"], one["waiting"]) for one in items]


async def test_a_deal_goes_from_an_interest_to_its_completion(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    achievement: str,
    demand: str,
) -> None:
    body = {"achievement_id": achievement, "demand_id": demand, "on": ago(60)}
    opened = await buyer.post("/v1/deals", json=body)
    assert opened.status_code == 201, opened.text
    deal, made = opened.headers["Location"], opened.json()
    assert (made["state"], made["opened_by"], made["waiting_for"]) == (
        "interest",
        "buyer",
        ["seller"],
    )
    assert set(made["match"]) == {"score", "grade", "ranker", "reasons"}
    assert [(one["side"], one["leading"]) for one in made["parties"]] == [
        ("seller", True),
        ("buyer", True),
    ]
    assert made["actions"] == [{"action": "terminate", "side": "buyer"}]
    assert await inbox(scholar) == [
        ("deal_opened", "锦城机电有限公司就“余热除湿机组”建立了交易。", True)
    ]

    agreed = await step(scholar, deal, "agree_introduction", opened.headers["ETag"], on=ago(59))
    assert agreed.json()["state"] == "introduced"
    assert code(await step(scholar, deal, "terminate", opened.headers["ETag"], reason="x")) == (
        412,
        "stale",
    )
    assert (await inbox(scholar))[0][2] is False
    assert (await inbox(buyer))[0][:2] == (
        "deal_step",
        "蜀江大学在交易“余热除湿机组”中：同意引荐。",
    )

    first = (await step(buyer, deal, "agree_confidentiality", on=ago(58), note="文本见附件")).json()
    assert (first["state"], first["waiting_for"]) == ("introduced", ["seller"])
    assert first["agreements"] == [
        {"action": "agree_confidentiality", "side": "buyer", "on": ago(58)}
    ]
    assert (await inbox(scholar))[0][2] is True
    assert code(await step(buyer, deal, "agree_confidentiality")) == (409, "already_agreed")
    second = (await step(scholar, deal, "agree_confidentiality", on=ago(57))).json()
    assert (second["state"], second["agreements"]) == ("confidential", [])
    assert (await inbox(scholar))[0][2] is False
    (await step(buyer, deal, "start_negotiation", on=ago(50))).raise_for_status()

    # A university that agreed on a price: on notice, fifteen days, the first not counted.
    assert code(await step(buyer, deal, "sign_contract")) == (409, "price_notice_required")
    price = {"price": "1200000", "way": "transfer"}
    noted = (await step(scholar, deal, "publish_price", on=ago(20), **price)).json()
    assert noted["price_notice"] == {
        "price": "1200000.00", "way": "transfer", "related": False, "from": ago(20), "until": ago(5)
    }  # fmt: skip
    assert code(await step(buyer, deal, "sign_contract", on=ago(5))) == (
        409,
        "price_notice_running",
    )
    assert (await step(buyer, deal, "sign_contract", on=ago(4))).json()["state"] == "price_notice"
    back = await step(scholar, deal, "return_to_negotiation", on=ago(4), reason="完成人有异议")
    assert (back.json()["state"], back.json()["agreements"]) == ("negotiation", [])
    (await step(scholar, deal, "publish_price", on=ago(3), **price)).raise_for_status()
    running = (await scholar.get(deal)).json()
    assert (running["price_notice"]["until"], running["waiting_for"]) == (ago(-12), [])
    assert "sign_contract" not in {one["action"] for one in running["actions"]}
    (await step(scholar, deal, "return_to_negotiation", reason="改为挂牌")).raise_for_status()
    for told, status, why in (
        ({"pricing": "listing"}, 409, "sale_not_awarded"),
        ({"pricing": "auction"}, 409, "sale_not_awarded"),
        ({"pricing": "no_achievement"}, 409, "achievement_sold"),
        ({"pricing": "no_achievement", **EXCHANGE}, 422, "extra_forbidden"),
        (EXCHANGE, 422, "extra_forbidden"),
    ):
        assert code(await step(scholar, deal, "sign_contract", **told)) == (status, why), told
    listed = {"pricing": "listing", **EXCHANGE}
    assert (await step(scholar, deal, "sign_contract", **listed)).status_code == 200
    assert (await step(buyer, deal, "sign_contract")).json()["state"] == "signed"

    (await step(scholar, deal, "apply_registration")).raise_for_status()
    numbers = {"12": "register_number_invalid", "2026 9901 00 000123": "register_number_invalid"}
    for number, why in numbers.items():
        assert code(await step(scholar, deal, "register", register_number=number)) == (422, why)
    (
        await step(scholar, deal, "register", register_number="2026-5101-00-000123")
    ).raise_for_status()
    (await step(buyer, deal, "start_performing")).raise_for_status()
    for amount in ("300000", "900000.00"):
        paid = await step(scholar, deal, "record_receipt", amount=amount)
        assert paid.json()["state"] == "receipts"
    (await step(scholar, deal, "complete")).raise_for_status()
    done = await step(buyer, deal, "complete")
    assert (done.json()["state"], done.json()["actions"]) == ("completed", [])
    assert code(await step(buyer, deal, "terminate", reason="晚了")) == (409, "wrong_state")

    history = await steps(buyer, deal)
    assert [one["number"] for one in history] == list(range(1, len(history) + 1))
    assert {one["user"] for one in history} == {None, "buyer"}  # others' people have no names here
    found = {one["action"]: one for one in history}
    assert found["register"]["details"] == {"register_number": "2026510100000123"}
    assert found["sign_contract"]["details"] == listed
    assert found["record_receipt"]["details"] == {"amount": "900000.00"}
    assert found["agree_confidentiality"]["organization"]["name"] == "蜀江大学"
    some = await buyer.get(f"{deal}/steps?limit=2")
    more = await buyer.get(some.links["next"]["url"])
    assert [one["number"] for one in more.json()["items"]][:2] == [3, 4]

    async with service.runtime.database.read() as session:
        of_deal = Event.subject_kind == "deal"
        logged = (await session.scalars(select(Event).where(of_deal).order_by(Event.id))).all()
    assert [one.action for one in logged] == [
        "deal.created",
        *(f"deal.{one['action']}" for one in history[1:]),
    ]
    assert [one.after["step"] for one in logged[1:]] == [one["number"] for one in history[1:]]
    data = (await buyer.get("/v1/auth/me/data")).json()
    assert [one["number"] for one in data["deal_steps"]] == [
        one["number"] for one in history if one["user"]
    ]

    database = service.runtime.database
    for statement in ("UPDATE deal_steps SET note = ''", "DELETE FROM deal_steps"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with database.write() as session:
                await session.execute(text(statement))


async def test_what_belongs_to_a_step_is_told_and_nothing_else(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    deal: str,
) -> None:
    async def refused(
        client: httpx.AsyncClient, action: str, **values: object
    ) -> tuple[int, str, str]:
        answer = await step(client, deal, action, **values)
        return answer.status_code, answer.json()["code"], answer.json()["errors"][0]["loc"][-1]

    assert await refused(buyer, "terminate") == (422, "missing", "reason")
    assert await refused(scholar, "agree_introduction", reason="x") == (
        422,
        "extra_forbidden",
        "reason",
    )
    assert await refused(scholar, "agree_introduction", on=ago(-1)) == (422, "day_in_future", "on")
    assert await refused(scholar, "agree_introduction", on=ago(61)) == (
        422,
        "day_before_step",
        "on",
    )
    assert await refused(scholar, "agree_introduction", side="buyer") == (
        403,
        "forbidden",
        "deal_id",
    )
    assert await refused(admin, "terminate", reason="x") == (422, "side_unnamed", "side")
    assert await refused(admin, "create", side="buyer") == (409, "wrong_state", "action")
    assert (await scholar.post(f"{deal}/steps", json={"action": "terminate"})).status_code == 428
    assert (await steps(admin, deal))[0]["user"] == "buyer"
    # An administrator does what either side may.
    agreed = await step(admin, deal, "agree_introduction")
    assert agreed.json()["state"] == "introduced"
    assert (await steps(scholar, deal))[1]["organization"]["name"] == "蜀江大学"
    assert (
        await step(admin, deal, "terminate", side="buyer", reason="双方要求")
    ).status_code == 200


async def test_how_a_deal_opens(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    achievement: str,
    demand: str,
) -> None:
    async def opens(client: httpx.AsyncClient, **body: object) -> httpx.Response:
        return await client.post("/v1/deals", json=body)

    assert code(await opens(buyer)) == (422, "deal_subject_missing")
    assert code(await opens(buyer, demand_id=demand)) == (409, "own_record")
    assert code(await opens(buyer, achievement_id=str(uuid.uuid4()))) == (422, "record_not_found")
    assert code(await opens(buyer, achievement_id=achievement, on=ago(-1))) == (
        422,
        "day_in_future",
    )
    assert code(await opens(buyer, introduction_id=str(uuid.uuid4()))) == (
        422,
        "introduction_unknown",
    )
    async with await signed_in(service, "third", member_of=await third_party(service)) as third:
        both = await opens(third, achievement_id=achievement, demand_id=demand)
        assert code(both) == (422, "not_own_record")
        named = await opens(
            third, achievement_id=achievement, organization_id=str(service.enterprise)
        )
        assert named.status_code == 403
    offered = await opens(scholar, demand_id=demand, title="烘房改造")
    assert (offered.json()["opened_by"], offered.json()["title"]) == ("seller", "烘房改造")
    assert code(await opens(scholar, demand_id=demand)) == (409, "deal_exists")

    # Of an anonymous demand nothing is told before the introduction, and then one deal.
    async with service.runtime.database.write() as session:
        await session.execute(update(Demand).values(anonymous=True))
    assert code(await opens(scholar, demand_id=demand)) == (409, "demand_anonymous")
    interested = {"subject_kind": "demand", "demand_id": demand, "achievement_id": achievement}
    sent = await scholar.post("/v1/interests", json={**interested, "message": "可现场试用"})
    path = sent.raise_for_status().headers["Location"]
    met = await buyer.post(f"{path}/accept", headers=ANY)
    introduction = {"introduction_id": met.raise_for_status().json()["introduction_id"]}
    assert code(await opens(buyer, **introduction, demand_id=demand)) == (422, "introduction_alone")
    key = {"Idempotency-Key": "open"}
    made = [await buyer.post("/v1/deals", json=introduction, headers=key) for _ in range(2)]
    assert made[0].status_code == 201
    assert made[0].json() == made[1].json()
    shown = made[0].json()
    assert (shown["state"], shown["opened_by"], shown["title"]) == (
        "introduced",
        "seller",
        "烘房除湿",
    )
    assert shown["match"] == sent.json()["match"]
    assert shown["introduction_id"] == introduction["introduction_id"]
    assert code(await opens(scholar, **introduction)) == (409, "deal_exists")
    assert ("deal_opened", "锦城机电有限公司就“烘房除湿”建立了交易。", False) in await inbox(
        scholar
    )

    async def listed(client: httpx.AsyncClient, query: str) -> list[str]:
        answer = await client.get(f"/v1/deals?{query}")
        return [one["title"] for one in answer.raise_for_status().json()["items"]]

    assert await listed(buyer, "") == ["烘房除湿", "烘房改造"]
    assert await listed(buyer, "state=interest") == ["烘房改造"]
    assert await listed(buyer, f"achievement_id={achievement}") == ["烘房除湿"]
    assert await listed(buyer, "side=seller") == []
    assert await listed(scholar, f"side=seller&organization_id={service.university}") == [
        "烘房除湿",
        "烘房改造",
    ]
    assert await listed(scholar, "limit=1") == ["烘房除湿"]
    assert (await buyer.get(f"/v1/deals?organization_id={service.university}")).status_code == 403
    columns = (await buyer.get("/v1/deals/board")).json()["columns"]
    counts = {one["state"]: one["count"] for one in columns if one["count"]}
    assert (len(columns), counts) == (13, {"interest": 1, "introduced": 1})
    assert columns[0]["deals"][0]["waiting_for"] == ["buyer"]
    async with await signed_in(
        service, "fourth", member_of=await third_party(service, "丁")
    ) as fourth:
        assert await listed(fourth, "") == []
        assert all(
            one["count"] == 0 for one in (await fourth.get("/v1/deals/board")).json()["columns"]
        )
        assert (await fourth.get(f"/v1/deals/{shown['id']}")).status_code == 404


async def third_party(service: Service, name: str = "丙") -> uuid.UUID:
    async with service.runtime.database.write() as session:
        kind = OrganizationKind.INSTITUTE
        made = await create_organization(session, OPERATOR, name=f"{name}研究院", kind=kind)
    return made.id


async def test_others_take_part_on_a_side_until_the_contract_is_signed(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    deal: str,
) -> None:
    third_id, fourth_id = str(await third_party(service)), str(await third_party(service, "丁"))
    third = await signed_in(service, "third", member_of=uuid.UUID(third_id))
    assert (await third.get(deal)).status_code == 404

    async def add(client: httpx.AsyncClient, one: str, **side: str) -> httpx.Response:
        return await client.post(f"{deal}/parties", json={"organization_id": one, **side})

    added = await add(scholar, third_id)
    assert [one["side"] for one in added.raise_for_status().json()["parties"]] == [
        "seller",
        "buyer",
        "seller",
    ]
    assert code(await add(scholar, third_id)) == (409, "party_exists")
    assert code(await add(scholar, fourth_id, side="buyer")) == (403, "forbidden")
    assert code(await add(scholar, str(uuid.uuid4()))) == (422, "organization_unknown")
    assert code(await add(admin, fourth_id)) == (422, "side_unnamed")
    agreed = await step(third, deal, "agree_introduction")
    assert agreed.json()["state"] == "introduced"
    assert (await steps(buyer, deal))[1]["organization"]["name"] == "丙研究院"
    assert len(await inbox(scholar)) == 2  # what a partner of its side did, too

    leaves = f"{deal}/parties/{third_id}"
    assert (await buyer.delete(leaves)).status_code == 403
    leads = await scholar.delete(f"{deal}/parties/{service.university}")
    assert code(leads) == (409, "party_leads")
    assert (await scholar.delete(leaves)).status_code == 204
    assert (await third.get(deal)).status_code == 404
    assert (await scholar.delete(leaves)).status_code == 404

    # Who is merged into another is that other in deals, too; the two sides are never one.
    (await add(scholar, third_id)).raise_for_status()
    (await add(scholar, fourth_id)).raise_for_status()
    tag = (await scholar.get(deal)).headers["ETag"]

    async def merge(one: str, into: str) -> httpx.Response:
        return await change(admin, f"/v1/organizations/{one}/merge", {"into": into})

    assert code(await merge(third_id, str(service.enterprise))) == (409, "on_both_sides")
    (await merge(fourth_id, third_id)).raise_for_status()
    (await merge(str(service.university), third_id)).raise_for_status()
    seen = await third.get(deal)
    assert seen.headers["ETag"] != tag
    parties = {(one["organization"]["name"], one["side"]) for one in seen.json()["parties"]}
    assert parties == {("丙研究院", "seller"), ("锦城机电有限公司", "buyer")}
    assert code(await add(buyer, fourth_id)) == (409, "organization_merged")
    async with service.runtime.database.read() as session:
        moved = select(DealStep.organization_id).where(DealStep.number == 2)
        assert str(await session.scalar(moved)) == third_id

    (await step(third, deal, "start_negotiation")).raise_for_status()
    for client in (third, buyer):
        signed = await step(client, deal, "sign_contract", pricing="auction", **EXCHANGE)
        signed.raise_for_status()
    last = str(await third_party(service, "戊"))
    assert code(await add(buyer, last)) == (409, "parties_fixed")
    await third.aclose()


async def test_documents_are_for_the_parties_or_for_one_side(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    deal: str,
) -> None:
    async def send(
        client: httpx.AsyncClient, name: str = "协议.txt", **form: object
    ) -> httpx.Response:
        files = {"file": (name, f"{name} 的内容".encode())}
        return await client.post(f"{deal}/documents", files=files, data=form)

    async def names(client: httpx.AsyncClient) -> list[str]:
        return [one["name"] for one in (await client.get(f"{deal}/documents")).json()["items"]]

    shared, hidden = await send(buyer), await send(scholar, "底价.txt", own_side="true")
    kept = await send(scholar, "保密.txt", step="1")
    assert [one.status_code for one in (shared, hidden, kept)] == [201] * 3
    assert (shared.json()["side"], hidden.json()["own_side"], kept.json()["step"]) == (
        "buyer",
        True,
        1,
    )
    assert code(await send(scholar, step="9")) == (422, "step_unknown")
    assert code(await send(scholar, side="buyer")) == (403, "forbidden")
    assert code(await send(scholar, "x.exe")) == (422, "attachment_type_refused")
    async with await signed_in(service, "third", member_of=await third_party(service)) as third:
        assert (await send(third)).status_code == 404
        assert (await third.get(f"{deal}/documents")).status_code == 404
        assert (await third.get(shared.headers["Location"])).status_code == 404
        assert (await third.get(f"/v1/attachments/{shared.json()['id']}")).status_code == 404
    assert len(await service.runtime.attachments.keys()) == 3  # what was refused is not kept
    assert await names(buyer) == ["协议.txt", "保密.txt"]
    assert await names(scholar) == await names(admin) == ["协议.txt", "底价.txt", "保密.txt"]
    for client, sees in ((scholar, 200), (buyer, 404)):
        got = await client.get(hidden.headers["Location"])
        assert got.status_code == sees
    got = await scholar.get(shared.headers["Location"])
    assert (got.text, got.headers["Content-Type"]) == ("协议.txt 的内容", "text/plain")
    cached = {"If-None-Match": got.headers["ETag"]}
    assert (await scholar.get(shared.headers["Location"], headers=cached)).status_code == 304
    assert (await scholar.delete(shared.headers["Location"])).status_code == 403
    assert code(await scholar.delete(kept.headers["Location"])) == (409, "document_stays")
    assert (await buyer.delete(shared.headers["Location"])).status_code == 204
    assert await names(buyer) == ["保密.txt"]
    assert len(await service.runtime.attachments.keys()) == 2
    async with service.runtime.database.read() as session:
        about = Event.subject_kind == "attachment"
        logged = (await session.scalars(select(Event.action).where(about).order_by(Event.id))).all()
    assert logged == [
        *["attachment.created"] * 3,
        *["attachment.downloaded"] * 2,
        "attachment.deleted",
    ]


def test_a_price_notice_ends_so_many_days_after_its_first() -> None:
    rule = price_notice.at(date(2026, 3, 1), "四川省成都市")
    assert rule is not None
    assert (rule.region, rule.until(date(2026, 3, 1))) == (None, date(2026, 3, 16))
    here = price_notice.at(date(2026, 3, 1), "浙江省杭州市")
    assert here is not None
    assert (here.region, here.days) == ("浙江省", 15)
    assert price_notice.at(date(2015, 9, 30), None) is None
    for day, place in ((date(2026, 1, 1), None), (date(2026, 1, 1), "浙江省")):
        found = price_notice.at(day, place)
        assert found is not None
        assert found.source
        assert found.until(day) - day == timedelta(days=found.days)


def test_register_numbers_show_what_is_wrong_with_them() -> None:
    on = date(2026, 11, 27)
    for good, digits in (
        ("2026510100000123", "2026510100000123"),
        ("２０２６ 5101-00-000123", "2026510100000123"),
        ("09440300010001", "09440300010001"),
        ("99110000000001", "99110000000001"),
    ):
        assert check_register_number(good, on) == digits
    for bad, why in (
        ("202651010000012", "digits"),
        ("20265101000001234", "digits"),
        ("2026S10100000123", "digits"),
        ("2027510100000123", "year 2027"),
        ("1987510100000123", "year 1987"),
        ("27510100000123", "year 2027"),
        ("2026990100000123", "region 9901"),
        ("2026510100000000", "serial"),
        ("", "digits"),
    ):
        with pytest.raises(ValueError) as told:
            check_register_number(bad, on)
        assert why in told.value.args[0].en, bad
