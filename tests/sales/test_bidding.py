"""Auctions and listings: of equal bids one wins, nobody learns who bids or the reserve too soon,
and time closes what is open."""

import asyncio
import json
import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine
from sqlalchemy import func, select

from conftest import Service
from kechuangtong.core.clock import now
from kechuangtong.models import Event, SaleBid
from kechuangtong.models.sale import SaleState, SaleWay
from kechuangtong.sales.service import tend
from people import change


async def bid(client: httpx.AsyncClient, path: str, amount: object, **more: Any) -> httpx.Response:
    return await client.post(f"{path}/bids", json={"amount": str(amount), **more})


async def told(client: httpx.AsyncClient) -> list[str]:
    return [one["kind"] for one in (await client.get("/v1/inbox")).json()["items"]]


async def test_of_equal_bids_at_once_exactly_one_counts(
    service: Service, buyer: httpx.AsyncClient, rival: httpx.AsyncClient, make_sale: Any
) -> None:
    path = await make_sale(SaleWay.AUCTION)
    sale_id = uuid.UUID(path.rsplit("/", 1)[1])
    for least in (100, 110):
        answers = await asyncio.gather(
            *(bid(client, path, least) for client in (buyer, rival) for _ in range(4))
        )
        assert sorted(one.status_code for one in answers) == [201, *[409] * 7]
        lost = [one.json() for one in answers if one.status_code == 409]
        assert {(one["code"], one["least"]) for one in lost} == {
            ("bid_too_low", f"{least + 10}.00")
        }
    shown = (await buyer.get(path)).json()
    assert (shown["bids_count"], shown["highest"], shown["next_bid"]) == (2, "110.00", "120.00")
    async with service.runtime.database.read() as session:
        count = await session.scalar(select(func.count()).where(SaleBid.sale_id == sale_id))
        logged = await session.scalars(select(Event.after).where(Event.action == "sale.bid"))
        assert all("150" not in json.dumps(one) for one in logged)  # the reserve
    assert count == 2


async def test_an_auction_from_the_first_bid_to_its_award(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    rival: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
    make_sale: Any,
) -> None:
    path = await make_sale(SaleWay.AUCTION, extension_minutes=5)
    early = await make_sale(SaleWay.AUCTION, opens_at=now() + timedelta(minutes=5))
    unmet, unsold = await make_sale(SaleWay.AUCTION), await make_sale(SaleWay.AUCTION)
    listing = await make_sale(SaleWay.LISTING)
    assert (await bid(buyer, early, 100)).json()["code"] == "not_begun"
    assert (await bid(scholar, path, 100)).json()["code"] == "own_sale"
    assert (
        await bid(scholar, path, 100, organization_id=str(service.enterprise))
    ).status_code == 403
    assert (await bid(buyer, unmet, 149.99)).status_code == 201
    closes_at = (await buyer.get(path)).json()["closes_at"]
    assert (await bid(buyer, path, 100)).status_code == 201
    assert (await buyer.get(path)).json()["closes_at"] == closes_at  # more than 5 minutes before
    assert (await bid(rival, path, 160, related=True)).status_code == 201
    assert await told(buyer) == ["sale_outbid"]

    # Who bids is a number to all others, to the owner while it goes on; the reserve is its own.
    for client, reserve in ((scholar, "150.00"), (buyer, None), (anyone, None)):
        assert (await client.get(path)).json()["reserve"] == reserve
        bids = (await client.get(f"{path}/bids")).json()["items"]
        assert [(one["bidder"], one["amount"]) for one in bids] == [(2, "160.00"), (1, "100.00")]
        named = [one["organization"] and one["organization"]["name"] for one in bids]
        assert named == ([None, "锦城机电有限公司"] if client is buyer else [None, None])
    entrants = (await anyone.get(f"{path}/applications")).json()["items"]
    assert [(one["number"], one["related"]) for one in entrants] == [(2, True), (1, False)]
    assert (await buyer.get(path)).json()["numbers"] == [1]

    with time_machine.travel(now() + timedelta(minutes=8), tick=True):
        assert (await bid(buyer, path, 170)).status_code == 201
    with time_machine.travel(now() + timedelta(minutes=11), tick=True):
        assert (await bid(rival, path, 180)).status_code == 201  # it goes on after that bid
        for one, state, why in (
            (unmet, "failed", "reserve_not_met"),
            (unsold, "failed", "no_bids"),
            (listing, "failed", "no_applications"),
            (path, "open", None),
        ):
            shown = (await anyone.get(one)).json()
            assert (shown["state"], shown["fail_reason"]) == (state, why)
        for state, count in (("open", 1), ("failed", 4), ("closed", 0)):
            found = (await anyone.get(f"/v1/sales?state={state}")).json()["items"]
            assert len(found) == count, state  # the early one failed, too
    with time_machine.travel(now() + timedelta(minutes=17), tick=True):
        assert (await bid(buyer, path, 190)).json()["code"] == "wrong_state"
        assert (await anyone.get("/v1/sales?state=closed")).json()["items"][0]["id"] in path
        await tend(service.runtime.database)  # a schedule may have been first
        assert await tend(service.runtime.database) == 0
        kinds = await told(scholar)
        assert sorted(kinds) == ["sale_closed", *["sale_failed"] * 4]
        assert (await change(scholar, f"{path}/award", {"bidder": 1})).status_code == 422
        won = (await change(scholar, f"{path}/award", {})).json()
        assert won["state"] == "awarded"
        assert won["award"]["organization"]["name"] == "岷江装备有限公司"
        assert (won["award"]["price"], won["award"]["related"]) == ("180.00", True)
        assert (await rival.get(path)).json()["award"]["organization"] is not None
        for client in (buyer, anyone):
            award = (await client.get(path)).json()["award"]
            assert (award["organization"], award["bidder"]) == (None, 2)
        named = (await scholar.get(f"{path}/bids")).json()["items"][0]["organization"]
        assert named["name"] == "岷江装备有限公司"
        assert (await told(rival))[0] == "sale_awarded"
        assert (await told(buyer)).count("sale_lost") == 2  # of this one, and of the unmet one


@pytest.mark.parametrize("_place", ["sqlite"], indirect=True)  # no question of storage
async def test_several_applicants_of_a_listing_bid_for_it(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    rival: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
    make_sale: Any,
) -> None:
    path = await make_sale(SaleWay.LISTING)
    assert (await bid(buyer, path, 100)).json()["code"] == "not_applied"
    applied = await buyer.post(f"{path}/applications", json={"message": "三条线。"})
    assert (applied.status_code, applied.json()["number"]) == (201, 1)
    again = await buyer.post(f"{path}/applications", json={})
    assert again.json()["code"] == "already_applied"
    assert await told(scholar) == ["sale_applied"]
    assert (await bid(buyer, path, 100)).json()["code"] == "no_competition"
    for client, sees in ((scholar, True), (buyer, True), (rival, False), (anyone, False)):
        (one,) = (await client.get(f"{path}/applications")).json()["items"]
        assert (one["message"] == "三条线。") is sees
        assert (one["organization"] is not None) is sees
    auction = await make_sale(SaleWay.AUCTION)
    assert (await rival.post(f"{auction}/applications", json={})).json()["code"] == "wrong_way"

    two = await make_sale(SaleWay.LISTING)
    for client in (buyer, rival):
        (await client.post(f"{two}/applications", json={})).raise_for_status()
    (await rival.post(f"{path}/applications", json={})).raise_for_status()
    assert (await bid(rival, path, 99.99)).json()["least"] == "100.00"
    assert (await bid(rival, path, 100)).status_code == 201
    with time_machine.travel(now() + timedelta(minutes=11), tick=True):
        won = await change(scholar, f"{path}/award", {})
        assert (won.json()["award"]["bidder"], won.json()["award"]["price"]) == (2, "100.00")
        assert (await change(scholar, f"{two}/award", {})).json()["code"] == "bidder_unnamed"
        assert (await change(scholar, f"{two}/award", {"bidder": 3})).status_code == 422
        won = await change(scholar, f"{two}/award", {"bidder": 1})
        assert won.json()["award"]["organization"]["name"] == "锦城机电有限公司"


@pytest.mark.parametrize("_place", ["sqlite"], indirect=True)  # no question of storage
async def test_a_key_that_reads_no_deals_reads_of_a_sale_what_anyone_does(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
    make_sale: Any,
) -> None:
    path, draft = [
        await make_sale(SaleWay.AUCTION, one) for one in (SaleState.OPEN, SaleState.DRAFT)
    ]
    listing = await make_sale(SaleWay.LISTING)
    (await buyer.post(f"{listing}/applications", json={"message": "望面谈"})).raise_for_status()
    for more in ([], ["deals:read"]):
        body = {"name": "同步", "scopes": ["achievements:read", *more]}
        secret = (await scholar.post("/v1/api-keys", json=body)).json()["secret"]
        async with service.client(secret) as program:
            told = (await program.get(path)).json()
            assert told["reserve"] == ("150.00" if more else None)
            assert (told == (await anyone.get(path)).json()) is (not more)
            assert (await program.get(draft)).status_code == (200 if more else 404)
            assert len((await program.get("/v1/sales")).json()["items"]) == (3 if more else 2)
            (applied,) = (await program.get(f"{listing}/applications")).json()["items"]
            assert applied["message"] == ("望面谈" if more else None)


@pytest.mark.parametrize("_place", ["sqlite"], indirect=True)  # no question of storage
async def test_a_draft_is_its_owners_and_is_changed_until_it_is_published(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    achievement: str,
    make_sale: Any,
) -> None:
    body = {
        "achievement_id": achievement,
        "way": "auction",
        "object": "license",
        "title": "独占许可",
        "summary": "三年。",
        "price": "100",
        "increment": "10",
        "reserve": "120",
        "opens_at": "2030-01-01T00:00:00Z",
        "closes_at": "2030-02-01T00:00:00Z",
    }
    for wrong, where in (
        ({"increment": None}, "sale_fields_disagree"),
        ({"notice_from": "2030-01-01"}, "sale_fields_disagree"),
        ({"buyer_id": str(service.enterprise)}, "sale_fields_disagree"),
        ({"way": "listing"}, "sale_fields_disagree"),
        ({"reserve": "99.99"}, "sale_fields_disagree"),
        ({"closes_at": "2030-01-01T00:00:00Z"}, "sale_fields_disagree"),
        ({"closes_at": "9999-12-31T00:00:00Z"}, "value_error"),
        ({"achievement_id": str(uuid.uuid4())}, "record_not_found"),
        ({"deal_id": str(uuid.uuid4())}, "deal_unsuitable"),
        ({"price": "0"}, "greater_than"),
    ):
        answer = await scholar.post("/v1/sales", json={**body, **wrong})
        assert (answer.status_code, answer.json()["errors"][0]["type"]) == (422, where), wrong
    assert (await buyer.post("/v1/sales", json=body)).status_code == 403
    made = await scholar.post("/v1/sales", json=body)
    path = made.headers["Location"]
    assert (made.status_code, made.json()["state"]) == (201, "draft")
    assert (await buyer.get(path)).status_code == 404
    assert (await buyer.get("/v1/sales")).json()["items"] == []
    changed = await change(scholar, path, {"reserve": None, "price": "90"}, "PATCH")
    assert (changed.json()["price"], changed.json()["reserve"]) == ("90.00", None)
    assert (await change(scholar, path, {"increment": None}, "PATCH")).status_code == 422
    stale = await scholar.post(f"{path}/publish", headers={"If-Match": made.headers["ETag"]})
    assert stale.status_code == 412
    past = await make_sale(SaleWay.AUCTION, SaleState.DRAFT, minutes=-1)
    assert (await change(scholar, f"{past}/publish")).json()["code"] == "sale_past"
    (await change(scholar, f"{path}/publish")).raise_for_status()
    for query in ("", f"?achievement_id={achievement}", "?way=auction&state=open", "?limit=1"):
        (one,) = (await buyer.get(f"/v1/sales{query}")).json()["items"]
        assert (one["title"], one["price"]) == ("独占许可", "90.00")
    assert (await buyer.get("/v1/sales?way=listing")).json()["items"] == []
    (await change(scholar, f"/v1/achievements/{achievement}/withdraw")).raise_for_status()
    draft = await make_sale(SaleWay.AUCTION, SaleState.DRAFT)
    assert (await change(scholar, f"{draft}/publish")).json()["code"] == "record_not_open"


@pytest.mark.parametrize("_place", ["sqlite"], indirect=True)  # no question of storage
async def test_who_sells_and_who_bids_are_not_merged(
    service: Service, admin: httpx.AsyncClient, buyer: httpx.AsyncClient, make_sale: Any
) -> None:
    async def merge(one: object, into: object) -> httpx.Response:
        return await change(admin, f"/v1/organizations/{one}/merge", {"into": str(into)})

    auction, draft = await make_sale(SaleWay.AUCTION), {"buyer_id": service.enterprise}
    (await bid(buyer, auction, 150)).raise_for_status()
    two = (service.enterprise, service.university)
    for one, into in (two, two[::-1]):
        refused = await merge(one, into)
        assert (refused.status_code, refused.json()["code"]) == (409, "on_both_sides")
    (await change(admin, f"{auction}/withdraw", {"reason": "误发"})).raise_for_status()
    agreement = await make_sale(SaleWay.AGREEMENT, SaleState.DRAFT, **draft)
    assert (await merge(*two)).json()["code"] == "on_both_sides"
    (await change(admin, f"{agreement}/withdraw", {"reason": "误发"})).raise_for_status()
    assert (await merge(*two)).status_code == 200
