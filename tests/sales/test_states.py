"""Every action in every state by every side: what the one table says, and nothing else."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from conftest import Service
from kechuangtong.core.clock import now, today
from kechuangtong.models import (
    FirstRefusal,
    Inventor,
    Ownership,
    OwnershipUnit,
    SaleEntrant,
    SaleObjection,
)
from kechuangtong.models.ownership import OwnershipKind
from kechuangtong.models.sale import SaleObject, SaleState, SaleWay
from kechuangtong.sales.states import BY_TIME, OTHERS, TRANSITIONS, Action
from people import change

# By which way of selling an action is tried, and what it sends.
TRIED: dict[Action, tuple[SaleWay, Any]] = {
    Action.CHANGE: (SaleWay.LISTING, {"price": "120"}),
    Action.PUBLISH: (SaleWay.LISTING, None),
    Action.WITHDRAW: (SaleWay.AUCTION, {"reason": "另行安排。"}),
    Action.APPLY: (SaleWay.LISTING, {}),
    Action.BID: (SaleWay.AUCTION, {"amount": "100"}),
    Action.OBJECT: (SaleWay.AGREEMENT, {"text": "价格过低。"}),
    Action.DISMISS: (SaleWay.AGREEMENT, {"outcome": "dismissed", "answer": "依评估。"}),
    Action.UPHOLD: (SaleWay.AGREEMENT, {"outcome": "upheld", "answer": "重新评估。"}),
    Action.OFFER: (SaleWay.AGREEMENT, {"answer_until": str(today())}),
    Action.ANSWER: (SaleWay.AGREEMENT, {"answer": "declined"}),
    Action.AWARD: (SaleWay.LISTING, {}),
}
PATHS = {
    Action.CHANGE: "",
    Action.APPLY: "/applications",
    Action.BID: "/bids",
    Action.OBJECT: "/objections",
    Action.OFFER: "/first-refusal",
    Action.ANSWER: "/first-refusal/answer",
}
EITHER = Action.OBJECT


@pytest.mark.parametrize("_place", ["sqlite"], indirect=True)  # no question of storage
async def test_every_action_of_every_side_in_every_state(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
    achievement: str,
    make_sale: Any,
) -> None:
    await _ownership(service, achievement)
    assert set(TRIED) == set(Action) - BY_TIME
    tried = 0
    for state in SaleState:
        for action, (way, body) in TRIED.items():
            of_makers = action in (Action.OFFER, Action.ANSWER)
            what = {"object": SaleObject.TRANSFER if of_makers else SaleObject.LICENSE}
            if state is SaleState.AWARDED:
                what |= {"awarded_price": Decimal(100), "awarded_related": False}
                what |= {"ended_at": now()}
            path = await make_sale(way, state, **what)
            suffix = await _prepare(service, path, action)
            method = "PATCH" if action is Action.CHANGE else "POST"
            seen, possible = state is not SaleState.DRAFT, action in TRANSITIONS[state]
            for side, client in ((None, anyone), ("other", buyer), ("owner", scholar)):
                allowed = action is EITHER or (side == "other") == (action in OTHERS)
                answer = await change(client, path + suffix, body, method)
                told = (state, action, side, answer.text)
                if side is None:
                    assert answer.status_code == 401, told
                elif side == "other" and not seen:
                    assert answer.status_code == 404, told
                elif not allowed:
                    own = side == "owner"
                    assert answer.status_code == (409 if own else 403), told
                    assert answer.json()["code"] == ("own_sale" if own else "forbidden"), told
                elif possible:
                    assert answer.status_code in (200, 201), told
                    shown = (await scholar.get(path)).json()
                    assert shown["state"] == TRANSITIONS[state][action], told
                else:
                    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state"), told
                tried += 1
    assert tried == len(SaleState) * len(TRIED) * 3


async def _ownership(service: Service, achievement: str) -> None:
    async with service.runtime.database.write() as session:
        session.add(
            Ownership(
                achievement_id=uuid.UUID(achievement),
                number=1,
                kind=OwnershipKind.UNIT_OWNED,
                from_on=today(),
                units=[
                    OwnershipUnit(
                        position=0, organization_id=service.university, share=Decimal(100)
                    )
                ],
                inventors=[
                    Inventor(
                        position=0,
                        name="完成人",
                        share=Decimal(0),
                        contribution=Decimal(100),
                        main=True,
                        transfer_staff=False,
                    )
                ],
            )
        )


async def _prepare(service: Service, path: str, action: Action) -> str:
    """What an action needs beside the sale; the rest of its path."""
    sale_id = uuid.UUID(path.rsplit("/", 1)[1])
    row: Any = None
    if action is Action.ANSWER:
        until = today() + timedelta(days=1)
        row = FirstRefusal(sale_id=sale_id, price=Decimal(100), answer_until=until)
    elif action is Action.AWARD:
        row = SaleEntrant(
            sale_id=sale_id, number=1, organization_id=service.enterprise, related=False
        )
    elif action in (Action.DISMISS, Action.UPHOLD):
        row = SaleObjection(
            id=uuid.uuid4(), sale_id=sale_id, organization_id=service.enterprise, text="异议"
        )
    if row is not None:
        async with service.runtime.database.write() as session:
            session.add(row)
    if action in (Action.DISMISS, Action.UPHOLD):
        return f"/objections/{row.id}/decide"
    return PATHS.get(action, f"/{action.value}")
