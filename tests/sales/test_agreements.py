"""Agreed prices: on notice for as long as the rules say, with their deal; objections; and the
makers' first refusal."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine

from conftest import Service
from kechuangtong.core.clock import now, today
from kechuangtong.models.sale import SaleObject, SaleState, SaleWay
from people import change
from sales.conftest import negotiated

NAMES = ({"name": "完成人", "contribution": "100"},)


async def test_an_agreement_of_a_deal_is_on_notice_with_it(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
    achievement: str,
) -> None:
    deal = f"/v1/deals/{await negotiated(service, achievement)}"
    first = today()
    body = {
        "achievement_id": achievement,
        "way": "agreement",
        "object": "license",
        "title": "普通许可",
        "summary": "五年。",
        "price": "300000",
        "notice_from": str(first),
        "notice_until": str(first + timedelta(days=14)),
        "buyer_id": str(service.enterprise),
        "buyer_related": False,
        "deal_id": deal.rsplit("/", 1)[1],
    }
    short = await scholar.post("/v1/sales", json=body)
    assert (short.status_code, short.json()["code"]) == (422, "notice_too_short")
    body["notice_until"] = until = str(first + timedelta(days=20))
    own = await scholar.post("/v1/sales", json={**body, "buyer_id": str(service.university)})
    assert (own.status_code, own.json()["code"]) == (422, "buyer_not_in_deal")
    paths = []
    for _ in range(2):
        made = (await scholar.post("/v1/sales", json=body)).raise_for_status()
        paths.append(made.headers["Location"])
    path, second = paths
    assert (await change(scholar, second, {"buyer_related": None}, "PATCH")).status_code == 422
    cheaper = (await change(scholar, second, {"price": "290000"}, "PATCH")).raise_for_status()
    assert (cheaper.json()["price"], cheaper.json()["notice_until"]) == ("290000.00", until)
    assert cheaper.json()["buyer"]["id"] == str(service.enterprise)
    (await change(scholar, f"{path}/publish")).raise_for_status()
    # The deal is on notice until the same day, so another agreement of it cannot be.
    shown = (await scholar.get(deal)).json()
    assert shown["state"] == "price_notice"
    assert (shown["price_notice"]["price"], shown["price_notice"]["until"]) == ("300000.00", until)
    assert (await change(scholar, f"{second}/publish")).status_code == 409
    for client, sees in ((scholar, True), (buyer, True), (anyone, False)):
        notice = (await client.get(path)).json()
        assert (notice["notice_from"], notice["notice_until"]) == (str(first), until)
        assert (notice["buyer_related"], notice["price"]) == (False, "300000.00")
        assert (notice["buyer"] is not None) is sees
        assert (notice["deal_id"] is not None) is sees

    text = {"text": "请说明定价依据。"}
    objection = (await buyer.post(f"{path}/objections", json=text)).raise_for_status().json()
    noted = {**text, "objector": "一位校友"}
    (await scholar.post(f"{path}/objections", json=noted)).raise_for_status()
    for client, count in ((scholar, 2), (buyer, 1)):
        assert len((await client.get(f"{path}/objections")).json()["items"]) == count
    assert (await anyone.get(f"{path}/objections")).status_code == 401
    assert (await scholar.get(path)).json()["open_objections"] == 2
    assert (await buyer.get(path)).json()["open_objections"] is None
    decide = f"{path}/objections/{objection['id']}/decide"
    no, yes = ({"outcome": one, "answer": "见评估。"} for one in ("dismissed", "upheld"))
    assert (await scholar.post(decide, json=no)).status_code == 428
    assert (await change(scholar, decide, no)).json()["open_objections"] == 1
    assert (await change(scholar, decide, yes)).json()["code"] == "objection_decided"
    assert (await scholar.get("/v1/inbox?waiting=true")).json()["items"] != []
    (other,) = (
        one
        for one in (await scholar.get(f"{path}/objections")).json()["items"]
        if one["outcome"] is None
    )
    ended = await change(scholar, f"{path}/objections/{other['id']}/decide", yes)
    assert (ended.json()["state"], ended.json()["fail_reason"]) == ("failed", "objection_upheld")
    assert (await scholar.get(deal)).json()["state"] == "negotiation"
    kinds = {one["kind"] for one in (await buyer.get("/v1/inbox")).json()["items"]}
    assert "sale_objection_decided" in kinds
    waiting = (await scholar.get("/v1/inbox?waiting=true")).json()["items"]
    assert [one for one in waiting if one["kind"].startswith("sale_")] == []

    # Withdrawn, it is negotiated again, too; and the next notice can begin.
    (await change(scholar, f"{second}/publish")).raise_for_status()
    assert (await scholar.get(deal)).json()["state"] == "price_notice"
    (await change(scholar, f"{second}/withdraw", {"reason": "重新定价。"})).raise_for_status()
    texts = [one["text"] for one in (await buyer.get("/v1/inbox")).json()["items"]]
    assert "“普通许可”已撤回：重新定价。" in texts
    assert (await scholar.get(deal)).json()["state"] == "negotiation"


async def test_a_notice_closes_with_its_last_day_and_no_objection_is_left(
    scholar: httpx.AsyncClient, buyer: httpx.AsyncClient, make_sale: Any, service: Service
) -> None:
    path = await make_sale(SaleWay.AGREEMENT, buyer_id=service.enterprise)
    assert (await change(scholar, f"{path}/award", {})).json()["code"] == "wrong_state"
    objection = (await buyer.post(f"{path}/objections", json={"text": "过低。"})).json()
    with time_machine.travel(now() + timedelta(minutes=11), tick=True):
        late = await buyer.post(f"{path}/objections", json={"text": "过低。"})
        assert late.json()["code"] == "wrong_state"
        assert (await change(scholar, f"{path}/award", {})).json()["code"] == "objection_open"
        dismissed = {"outcome": "dismissed", "answer": "依评估。"}
        decide = f"{path}/objections/{objection['id']}/decide"
        assert (await change(scholar, decide, dismissed)).json()["state"] == "closed"
        award = (await change(scholar, f"{path}/award", {})).json()["award"]
        assert (award["price"], award["related"], award["to_maker"]) == ("100.00", False, False)
        assert (await buyer.get(path)).json()["award"]["organization"] is not None


async def test_a_job_achievement_is_transferred_once_its_makers_were_asked(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    achievement: str,
    make_sale: Any,
) -> None:
    closed = {"object": SaleObject.TRANSFER, "minutes": -1}
    path = await make_sale(SaleWay.AGREEMENT, SaleState.CLOSED, **closed)
    offer, answered = f"{path}/first-refusal", f"{path}/first-refusal/answer"
    until = {"answer_until": str(today() + timedelta(days=3))}
    assert (await scholar.post(offer, json=until)).json()["code"] == "no_first_refusal"
    unit = {"organization_id": str(service.university), "share": "100"}
    ownership = {"kind": "unit_owned", "from_on": str(today()), "units": [unit]}
    put = {**ownership, "inventors": NAMES}
    (await scholar.put(f"/v1/achievements/{achievement}/ownership", json=put)).raise_for_status()

    assert (await change(scholar, f"{path}/award", {})).json()["code"] == "first_refusal_needed"
    past = {"answer_until": str(today() - timedelta(days=1))}
    assert (await scholar.post(offer, json=past)).status_code == 422
    made = await scholar.post(offer, json=until)
    assert (made.json()["price"], made.json()["answer"]) == ("100.00", "open")
    assert (await scholar.post(offer, json=until)).json()["code"] == "first_refusal_open"
    assert (await change(scholar, f"{path}/award", {})).json()["code"] == "first_refusal_open"
    assert (await scholar.get(path)).json()["first_refusal"]["answer"] == "open"
    assert (await buyer.get(path)).json()["first_refusal"] is None
    early = {"answer": "taken", "on": str(today() - timedelta(days=1))}
    assert (await change(scholar, answered, early)).status_code == 422
    taken = (await change(scholar, answered, {"answer": "taken"})).raise_for_status().json()
    assert taken["first_refusal"]["answered_on"] == str(today())
    assert (await change(scholar, answered, {"answer": "declined"})).json()["code"] == (
        "nothing_to_answer"
    )
    award = (await change(scholar, f"{path}/award", {})).json()["award"]
    assert (award["to_maker"], award["related"]) == (True, True)
    assert (award["organization"], award["price"]) == (None, "100.00")

    # Declined, or not answered in time, it goes to the buyer.
    declined = await make_sale(SaleWay.AGREEMENT, SaleState.CLOSED, **closed)
    (await scholar.post(f"{declined}/first-refusal", json=until)).raise_for_status()
    await change(scholar, f"{declined}/first-refusal/answer", {"answer": "declined"})
    award = (await change(scholar, f"{declined}/award", {})).json()["award"]
    assert (award["to_maker"], award["related"]) == (False, False)
    lapsed = await make_sale(SaleWay.AGREEMENT, SaleState.CLOSED, **closed)
    (await scholar.post(f"{lapsed}/first-refusal", json=until)).raise_for_status()
    token = scholar.headers.pop("Authorization")
    with time_machine.travel(now() + timedelta(days=4), tick=True):
        scholar.headers["Authorization"] = f"Bearer {await service.token('scholar')}"
        assert (await scholar.get(lapsed)).json()["first_refusal"]["answer"] == "lapsed"
        assert (await change(scholar, f"{lapsed}/award", {})).json()["state"] == "awarded"
    scholar.headers["Authorization"] = token


@pytest.mark.parametrize("_place", ["sqlite"], indirect=True)  # no question of storage
async def test_what_the_makers_took_is_asked_anew_once_a_higher_price_stands(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    achievement: str,
    make_sale: Any,
) -> None:
    unit = {"organization_id": str(service.university), "share": "100"}
    put = {"kind": "unit_owned", "from_on": str(today()), "units": [unit], "inventors": NAMES}
    (await scholar.put(f"/v1/achievements/{achievement}/ownership", json=put)).raise_for_status()
    path = await make_sale(SaleWay.AUCTION, object=SaleObject.TRANSFER, minutes=1)
    offer, answered = f"{path}/first-refusal", f"{path}/first-refusal/answer"
    until = {"answer_until": str(today() + timedelta(days=3))}
    (await scholar.post(offer, json=until)).raise_for_status()  # at 100, from which it starts
    (await change(scholar, answered, {"answer": "taken"})).raise_for_status()
    assert (await scholar.post(offer, json=until)).json()["code"] == "first_refusal_taken"
    (await buyer.post(f"{path}/bids", json={"amount": "200"})).raise_for_status()
    with time_machine.travel(now() + timedelta(minutes=2), tick=True):
        assert (await change(scholar, f"{path}/award", {})).json()["code"] == (
            "first_refusal_needed"
        )
        assert (await scholar.post(offer, json=until)).json()["price"] == "200.00"
        (await change(scholar, answered, {"answer": "taken"})).raise_for_status()
        award = (await change(scholar, f"{path}/award", {})).json()["award"]
    assert (award["to_maker"], award["price"]) == (True, "200.00")
