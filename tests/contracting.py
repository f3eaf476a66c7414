"""Deals and contracts of a test's own making, and what is done to them."""

import uuid
from datetime import timedelta
from typing import Any

import httpx

from conftest import Service
from kechuangtong.contracts.schemas import EXAMPLE
from kechuangtong.core.clock import today
from kechuangtong.core.db import new_id
from kechuangtong.deals.states import Action
from kechuangtong.models import Deal, DealParty, DealStep
from kechuangtong.models.deal import DealSide, DealState

ANY = {"If-Match": "*"}
PLAN = {
    "kind": "instalments",
    "instalments": [
        {"percent": "33.3333", "due_on": "2031-03-20"},
        {"percent": "33.3333", "due_on": "2031-06-30"},
        {"percent": "33.3334", "milestone": "验收合格"},
    ],
}


async def negotiated(
    service: Service, *, state: DealState = DealState.NEGOTIATION, **more: DealSide
) -> str:
    """A deal of the university that sells and the enterprise that buys, and of others by their
    ids: as far as a contract."""
    sides = {service.university: DealSide.SELLER, service.enterprise: DealSide.BUYER}
    sides |= {uuid.UUID(one): side for one, side in more.items()}
    async with service.runtime.database.write() as session:
        deal = Deal(id=new_id(), title="烘房供热", opened_by=DealSide.BUYER, state=state)
        session.add(deal)
        await session.flush()
        for position, (organization_id, side) in enumerate(sides.items()):
            session.add(
                DealParty(
                    deal_id=deal.id, organization_id=organization_id, side=side, position=position
                )
            )
        session.add(
            DealStep(
                deal_id=deal.id,
                number=1,
                action=Action.CREATE.value,
                from_state=None,
                to_state=state,
                side=DealSide.BUYER,
                on=today() - timedelta(days=100),
                organization_id=service.enterprise,
            )
        )
    return str(deal.id)


async def draft(client: httpx.AsyncClient, deal: str, **values: Any) -> dict[str, Any]:
    """A contract that is drafted: complete, but for what the values say."""
    body = {**EXAMPLE, "payment": PLAN, "deal_id": deal, **values}
    answer = await client.post("/v1/contracts", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def act(client: httpx.AsyncClient, contract: str, verb: str, **body: Any) -> httpx.Response:
    """The answer to what is done to a contract."""
    return await client.post(f"/v1/contracts/{contract}/{verb}", headers=ANY, json=body)


async def sign(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient, **values: Any
) -> str:
    """The id of a contract that both sides have confirmed."""
    made = await draft(scholar, await negotiated(service), **values)
    for client in (scholar, buyer):
        answer = await act(client, made["id"], "confirm")
        assert answer.status_code == 200, answer.text
    return str(made["id"])


async def deal_state(client: httpx.AsyncClient, contract: str) -> str:
    """Where the deal of a contract stands."""
    found = (await client.get(f"/v1/contracts/{contract}")).json()
    return str((await client.get(f"/v1/deals/{found['deal_id']}")).json()["state"])


def code(answer: httpx.Response) -> tuple[int, str]:
    """The status and the code of a refusal."""
    return answer.status_code, answer.json()["code"]
