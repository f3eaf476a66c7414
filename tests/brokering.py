"""Brokers, mandates and deals as tests need them, put into the database as they stand."""

import uuid
from datetime import date, timedelta
from typing import Any

import httpx

from conftest import Service, token_for
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.accounts.permissions import Role
from kechuangtong.brokers import service as brokers
from kechuangtong.brokers.schemas import BrokerCreate
from kechuangtong.core.clock import today
from kechuangtong.core.db import new_id
from kechuangtong.models import Broker, Deal, DealParty, DealStep, Mandate, Membership, User
from kechuangtong.models.broker import BrokerState, MandateState
from kechuangtong.models.deal import DealSide, DealState

ANY = {"If-Match": "*"}
CERTIFICATE = {
    "grade": "intermediate",
    "certificate_number": "SC-0417",
    "issuer": "某培养基地",
    "issued_on": "2024-04-17",
    "valid_until": str(today() + timedelta(days=400)),
}


async def person(
    service: Service, name: str, organization_id: uuid.UUID, role: Role = Role.MEMBER
) -> tuple[uuid.UUID, httpx.AsyncClient]:
    """A person of an organization, signed in."""
    async with service.runtime.database.write() as session:
        user = User(id=new_id(), name=name)
        session.add(user)
        await session.flush()
        session.add(Membership(user_id=user.id, organization_id=organization_id, role=role))
    return user.id, service.client(await token_for(service.runtime, user.id))


async def broker(
    service: Service,
    name: str,
    *,
    of: uuid.UUID | None = None,
    state: BrokerState = BrokerState.REGISTERED,
    **values: Any,
) -> tuple[uuid.UUID, httpx.AsyncClient]:
    """A broker of the university, or of another institution, and the caller that it is."""
    institution = of or service.university
    user_id, client = await person(service, f"user {name}", institution)
    body = {
        **CERTIFICATE,
        "user_id": user_id,
        "organization_id": institution,
        "name": name,
        **values,
    }
    async with service.runtime.database.write() as session:
        made = await brokers.create(session, OPERATOR, BrokerCreate.model_validate(body))
        made.stored_state = state
    return made.id, client


async def put(
    service: Service, model: type[Broker | Mandate], one: uuid.UUID, **values: Any
) -> None:
    """Let a broker or a mandate stand so."""
    async with service.runtime.database.write() as session:
        found = await session.get_one(model, one)
        for name, value in values.items():
            setattr(found, name, value)


def wish(broker_id: uuid.UUID, **values: Any) -> dict[str, Any]:
    """The body of a mandate from today on for a month."""
    return {
        "broker_id": str(broker_id),
        "starts_on": str(today()),
        "ends_on": str(today() + timedelta(days=30)),
        "commission_percent": "2.50",
        **values,
    }


async def mandate(
    service: Service,
    broker_id: uuid.UUID,
    organization_id: uuid.UUID,
    *,
    state: MandateState = MandateState.ACCEPTED,
    **record: str,
) -> uuid.UUID:
    """A mandate for a record of an organization."""
    ids = {name: uuid.UUID(value) for name, value in record.items()}
    async with service.runtime.database.write() as session:
        made = Mandate(
            id=new_id(),
            organization_id=organization_id,
            broker_id=broker_id,
            exclusive=False,
            starts_on=today(),
            ends_on=today() + timedelta(days=30),
            stored_state=state,
            **ids,
        )
        session.add(made)
    return made.id


async def deal(
    service: Service,
    achievement_id: str,
    demand_id: str,
    *,
    state: DealState = DealState.INTRODUCED,
    signed_on: date | None = None,
) -> uuid.UUID:
    """A deal of the university, which sells, and the enterprise."""
    async with service.runtime.database.write() as session:
        made = Deal(
            id=new_id(),
            title="余热除湿机组",
            achievement_id=uuid.UUID(achievement_id),
            demand_id=uuid.UUID(demand_id),
            opened_by=DealSide.BUYER,
            state=state,
        )
        session.add(made)
        await session.flush()
        for position, (side, one) in enumerate(
            ((DealSide.SELLER, service.university), (DealSide.BUYER, service.enterprise))
        ):
            party = {"organization_id": one, "side": side, "position": position}
            session.add(DealParty(deal_id=made.id, **party))
        days = {DealState.INTRODUCED: today()} | (
            {DealState.SIGNED: signed_on} if signed_on else {}
        )
        for number, (to_state, on) in enumerate(days.items(), 1):
            session.add(
                DealStep(
                    deal_id=made.id,
                    number=number,
                    action="create",
                    to_state=to_state,
                    side=DealSide.BUYER,
                    on=on,
                )
            )
    return made.id
