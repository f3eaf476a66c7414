"""What the sales of a deal's achievement mean for its signing, and the deal for a sale."""

import uuid
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import select

from conftest import Service
from contracting import act, code, draft
from deals.conftest import ago, publish, step, steps
from kechuangtong.core.clock import today
from kechuangtong.models import DealParty, Organization, SaleObjection
from kechuangtong.models.deal import DealSide
from kechuangtong.models.sale import SaleState, SaleWay
from people import change
from sales.conftest import negotiated


async def test_nothing_is_signed_before_each_objection_to_the_price_is_decided(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    achievement: str,
    make_sale: Any,
) -> None:
    long_ago = today() - timedelta(days=40)
    for names_its_deal, outcome in ((True, "dismissed"), (False, "dismissed"), (False, "upheld")):
        deal_id = await negotiated(service, achievement, on=long_ago)
        deal = f"/v1/deals/{deal_id}"
        price = {"price": "100", "way": "license", "on": ago(30)}
        (await step(scholar, deal, "publish_price", **price)).raise_for_status()
        sale = await make_sale(
            SaleWay.AGREEMENT,
            SaleState.CLOSED,
            minutes=-50,
            buyer_id=service.enterprise,
            deal_id=deal_id if names_its_deal else None,
        )
        assert (await sign_actions(scholar, deal)) == {"seller"}
        objection = SaleObjection(
            id=uuid.uuid4(),
            sale_id=uuid.UUID(sale.rsplit("/", 1)[1]),
            organization_id=service.enterprise,
            text="过低。",
        )
        async with service.runtime.database.write() as session:
            session.add(objection)
        assert code(await step(scholar, deal, "sign_contract")) == (409, "price_objection_open")
        assert (await sign_actions(scholar, deal)) == set()
        if outcome == "upheld":
            decided = {"outcome": outcome, "answer": "重新评估。"}
            decide = f"{sale}/objections/{objection.id}/decide"
            (await change(scholar, decide, decided)).raise_for_status()
            assert (await scholar.get(deal)).json()["state"] == "negotiation"
            continue
        transfer = {"kind": "transfer", "sub_kind": None, "know_how": "干燥曲线"}
        contract = (await draft(scholar, str(deal_id), **transfer))["id"]
        await act(scholar, contract, "confirm")
        assert code(await act(buyer, contract, "confirm")) == (409, "price_objection_open")
        decide = f"{sale}/objections/{objection.id}/decide"
        dismissed = {"outcome": "dismissed", "answer": "依评估。"}
        (await change(scholar, decide, dismissed)).raise_for_status()
        (await act(buyer, contract, "confirm")).raise_for_status()
        assert (await scholar.get(deal)).json()["state"] == "signed"


async def sign_actions(client: httpx.AsyncClient, deal: str) -> set[str]:
    """For which of its sides a caller may sign now."""
    found = (await client.get(deal)).json()["actions"]
    return {one["side"] for one in found if one["action"] == "sign_contract"}


async def test_a_listing_is_signed_by_the_sale_that_awarded_the_achievement_to_the_buyer(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    achievement: str,
    make_sale: Any,
) -> None:
    deal_id = await negotiated(service, achievement)
    another = await negotiated(service, achievement)
    deal = f"/v1/deals/{deal_id}"
    other = await publish(scholar, "achievement", service.university, "另一成果")
    won = {"awarded_to_id": service.enterprise, "minutes": -1}
    listing, awarded = SaleWay.LISTING, SaleState.AWARDED
    for way, state, values in (
        (SaleWay.AUCTION, awarded, won),
        (listing, SaleState.CLOSED, {"minutes": -1}),
        (listing, awarded, {**won, "awarded_to_id": None, "awarded_to_maker": True}),
        (listing, awarded, {**won, "awarded_to_id": service.university}),
        (listing, awarded, {**won, "awarded_to_id": service.university, "deal_id": deal_id}),
        (listing, awarded, {**won, "deal_id": another}),
        (listing, awarded, {**won, "achievement_id": uuid.UUID(other)}),
    ):
        await make_sale(way, state, **values)
        refused = await step(scholar, deal, "sign_contract", pricing="listing")
        assert code(refused) == (409, "sale_not_awarded"), (way, state, values)
    await make_sale(listing, awarded, **won)
    (await step(scholar, deal, "sign_contract", pricing="listing")).raise_for_status()
    # Who signs second signs the same, where nothing else is told.
    assert (await step(buyer, deal, "sign_contract")).json()["state"] == "signed"
    assert (await steps(buyer, deal))[-1]["details"] == {"pricing": "listing"}


async def test_the_agreement_of_a_deal_is_with_one_of_its_buyers(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    achievement: str,
    rival: httpx.AsyncClient,  # for its organization
) -> None:
    deal_id = await negotiated(service, achievement)
    async with service.runtime.database.read() as session:
        named = Organization.name == "岷江装备有限公司"
        rival_id = await session.scalar(select(Organization.id).where(named))
    assert rival_id is not None
    body = {
        "achievement_id": achievement,
        "way": "agreement",
        "object": "license",
        "title": "普通许可",
        "summary": "五年。",
        "price": "300000",
        "notice_from": str(today()),
        "notice_until": str(today() + timedelta(days=20)),
        "buyer_related": False,
        "deal_id": str(deal_id),
    }
    made = (await scholar.post("/v1/sales", json=body)).raise_for_status()
    path = made.headers["Location"]
    assert made.json()["buyer"]["id"] == str(service.enterprise)
    third = {"buyer_id": str(rival_id)}
    for refused in (
        await scholar.post("/v1/sales", json={**body, **third}),
        await change(scholar, path, third, "PATCH"),
    ):
        assert code(refused) == (422, "buyer_not_in_deal")
        assert refused.json()["errors"][0]["loc"] == ["body", "buyer_id"]
    async with service.runtime.database.write() as session:
        session.add(
            DealParty(deal_id=deal_id, organization_id=rival_id, side=DealSide.BUYER, position=1)
        )
    joined = (await change(scholar, path, third, "PATCH")).raise_for_status()
    assert joined.json()["buyer"]["id"] == str(rival_id)
    # It has left since: another's price is not put on notice with the deal.
    party = f"/v1/deals/{deal_id}/parties/{rival_id}"
    (await buyer.delete(party, headers={"If-Match": "*"})).raise_for_status()
    assert code(await change(scholar, f"{path}/publish")) == (422, "deal_unsuitable")
    other = await publish(scholar, "achievement", service.university, "另一成果")
    wrong = await scholar.post("/v1/sales", json={**body, "achievement_id": other})
    assert code(wrong) == (422, "deal_unsuitable")
