"""An achievement of the university, sales of it as they stand in the database, and a rival."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from conftest import Service
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.core.clock import now, today
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.deals.states import Action
from kechuangtong.models import Deal, DealParty, DealStep, Sale
from kechuangtong.models.deal import DealSide, DealState
from kechuangtong.models.sale import SaleObject, SaleState, SaleWay
from kechuangtong.organizations.service import create_organization
from people import change, signed_in

MakeSale = Callable[..., Awaitable[str]]

_OF_WAY: dict[SaleWay, dict[str, Any]] = {
    SaleWay.AGREEMENT: {"buyer_related": False},
    SaleWay.LISTING: {"increment": Decimal(10)},
    SaleWay.AUCTION: {"increment": Decimal(10), "reserve": Decimal(150)},
}


@pytest.fixture
async def achievement(service: Service, scholar: httpx.AsyncClient) -> str:
    """The id of a published achievement of the university."""
    body = {"organization_id": str(service.university), "title": "余热除湿机组"}
    path = (await scholar.post("/v1/achievements", json=body)).headers["Location"]
    (await change(scholar, f"{path}/publish")).raise_for_status()
    return path.rsplit("/", 1)[1]


@pytest.fixture
def make_sale(service: Service, achievement: str) -> MakeSale:
    """Puts a sale at 100 yuan into the database, which began an hour ago; gives its path."""

    async def made(
        way: SaleWay, state: SaleState = SaleState.OPEN, *, minutes: int = 10, **values: Any
    ) -> str:
        shared = {
            "achievement_id": uuid.UUID(achievement),
            "title": "独占许可",
            "summary": "三年。",
            "price": Decimal(100),
            "object": SaleObject.LICENSE,
            "opens_at": now() - timedelta(hours=1),
            "closes_at": now() + timedelta(minutes=minutes),
            "published_at": None if state is SaleState.DRAFT else now(),
        }
        sale = Sale(
            id=uuid.uuid4(),
            organization_id=service.university,
            way=way,
            stored_state=state,
            **{**shared, **_OF_WAY[way], **values},
        )
        async with service.runtime.database.write() as session:
            session.add(sale)
        return f"/v1/sales/{sale.id}"

    return made


@pytest.fixture
async def rival(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """One of another enterprise's people."""
    async with service.runtime.database.write() as session:
        other = await create_organization(
            session, OPERATOR, name="岷江装备有限公司", kind=OrganizationKind.ENTERPRISE
        )
    async with await signed_in(service, "rival", member_of=other.id) as client:
        yield client


async def negotiated(service: Service, achievement: str, on: date | None = None) -> uuid.UUID:
    """A deal in which the university and the enterprise negotiate."""
    deal = Deal(
        id=uuid.uuid4(),
        title="余热除湿机组",
        achievement_id=uuid.UUID(achievement),
        opened_by=DealSide.BUYER,
        state=DealState.NEGOTIATION,
    )
    sides = {DealSide.SELLER: service.university, DealSide.BUYER: service.enterprise}
    async with service.runtime.database.write() as session:
        session.add(deal)
        await session.flush()
        session.add_all(
            DealParty(deal_id=deal.id, organization_id=one, side=side)
            for side, one in sides.items()
        )
        session.add(
            DealStep(
                deal_id=deal.id,
                number=1,
                action=Action.START_NEGOTIATION.value,
                to_state=DealState.NEGOTIATION,
                side=DealSide.SELLER,
                on=on or today(),
                organization_id=service.university,
            )
        )
    return deal.id
