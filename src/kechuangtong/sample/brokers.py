"""Brokers of the sample, their mandates and a service institution, for the examples."""

import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.accounts.permissions import Role
from kechuangtong.accounts.service import create_user
from kechuangtong.brokers import institutions, service
from kechuangtong.brokers.institution_schemas import AllianceMembership, ProfileWrite
from kechuangtong.brokers.schemas import BrokerCreate
from kechuangtong.core.clock import now, today
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.models import (
    Achievement,
    BrokerConflict,
    BrokerTraining,
    DealBroker,
    Demand,
    Mandate,
)
from kechuangtong.models.broker import BrokerState, MandateState, ServiceKind, Standing
from kechuangtong.models.deal import DealSide
from kechuangtong.organizations.service import create_organization
from kechuangtong.sample import ids
from kechuangtong.sample.ids import sample_id

_BASE: Final = "四川省技术转移人才培养基地（示例）"

# Id, institution, name, grade, fields, places, state.
_BROKERS: Final = (
    (
        ids.BROKER,
        ids.ORGANIZATION,
        "苏明溪",
        "senior",
        ["绿色低碳", "装备制造"],
        ["四川省"],
        BrokerState.REGISTERED,
    ),
    (
        ids.BROKER_OF_BOTH,
        ids.SERVICE_INSTITUTION,
        "顾临川",
        "intermediate",
        ["绿色低碳", "食品加工"],
        ["四川省成都市", "重庆市"],
        BrokerState.REGISTERED,
    ),
    (
        ids.BROKER_DRAFT,
        ids.ORGANIZATION,
        "文知远",
        "junior",
        ["电子信息"],
        ["四川省"],
        BrokerState.DRAFT,
    ),
    (
        ids.BROKER_SUBMITTED,
        ids.ORGANIZATION,
        "池望舒",
        "junior",
        ["新材料"],
        ["四川省"],
        BrokerState.SUBMITTED,
    ),
    (
        ids.BROKER_TO_RETURN,
        ids.ORGANIZATION,
        "简若谷",
        "intermediate",
        ["生物医药"],
        ["四川省"],
        BrokerState.SUBMITTED,
    ),
    (
        ids.BROKER_SUSPENDED,
        ids.ORGANIZATION,
        "石听澜",
        "junior",
        ["新能源与汽车"],
        ["四川省"],
        BrokerState.SUSPENDED,
    ),
)
# Id, broker, the record, and where it stands.
_MANDATES: Final = (
    (ids.MANDATE, ids.BROKER, "a0001", MandateState.ACCEPTED),
    (ids.MANDATE_TO_ACCEPT, ids.BROKER, "d0002", MandateState.OFFERED),
    (ids.MANDATE_TO_DECLINE, ids.BROKER, "a0012", MandateState.OFFERED),
    (ids.MANDATE_TO_RESIGN, ids.BROKER, "a0010", MandateState.ACCEPTED),
    (ids.MANDATE_TO_REVOKE, ids.BROKER, "a0002", MandateState.ACCEPTED),
    (ids.MANDATE_OF_SELLER, ids.BROKER_OF_BOTH, "a0001", MandateState.ACCEPTED),
    (ids.MANDATE_OF_BUYER, ids.BROKER_OF_BOTH, "d0001", MandateState.ACCEPTED),
)


async def add_brokers(session: AsyncSession) -> None:
    """Brokers in all states, mandates, a broker of both sides of the deal, two institutions."""
    institution = await create_organization(
        session,
        OPERATOR,
        name="成都梧桐里技术经纪有限公司",
        kind=OrganizationKind.SERVICE_INSTITUTION,
        place="四川省成都市",
        organization_id=uuid.UUID(ids.SERVICE_INSTITUTION),
    )
    await _institutions(session, institution.id)
    await _person(session, ids.BROKER_APPLICANT, "demo-broker-applicant", ids.ORGANIZATION)
    for short, of, name, grade, fields, places, state in _BROKERS:
        user_id = ids.USER if short == ids.BROKER else short
        if short != ids.BROKER:
            await _person(session, user_id, f"demo-broker-{short[-1]}", of)
        body = BrokerCreate.model_validate(
            {
                "user_id": user_id,
                "organization_id": of,
                "name": name,
                "grade": grade,
                "certificate_number": f"示例-{short[-4:]}",
                "issuer": _BASE,
                "issued_on": date(2025, 5, 20),
                "valid_until": today() + timedelta(days=3 * 365),
                "fields": fields,
                "places": places,
                "contact": {"phone": "028-00000000"},
                "public": ["phone"],
            }
        )
        broker = await service.create(session, OPERATOR, body, uuid.UUID(short))
        broker.stored_state = state
        if state in (BrokerState.REGISTERED, BrokerState.SUSPENDED):
            broker.registered_at = now()
        if state is BrokerState.SUSPENDED:
            broker.reason = "证书编号待核实。"
    session.add_all(
        [
            BrokerTraining(
                id=uuid.UUID(ids.BROKER_TRAINING),
                broker_id=uuid.UUID(ids.BROKER),
                course="技术合同与知识产权实务",
                hours=Decimal(32),
                base=_BASE,
                on=date(2025, 4, 30),
            ),
            BrokerConflict(
                id=uuid.UUID(ids.BROKER_CONFLICT),
                broker_id=uuid.UUID(ids.BROKER),
                organization_id=sample_id("e015"),
                text="曾任该公司技术顾问。",
                since=date(2024, 1, 1),
            ),
        ]
    )
    await _mandates(session)


async def _person(session: AsyncSession, user_id: str, name: str, organization_id: str) -> None:
    await create_user(
        session,
        name=name,
        password=None,
        organization_id=uuid.UUID(organization_id),
        role=Role.MEMBER,
        user_id=uuid.UUID(user_id),
    )


async def _institutions(session: AsyncSession, institution_id: uuid.UUID) -> None:
    offers = {
        uuid.UUID(ids.ORGANIZATION): (Standing.VICE_PRESIDENT, [ServiceKind.TECHNOLOGY_TRANSFER]),
        institution_id: (Standing.MEMBER, [ServiceKind.BROKERAGE, ServiceKind.EVALUATION]),
    }
    for organization_id, (standing, services) in offers.items():
        profile = ProfileWrite(
            services=services,
            description="面向高校院所和中小企业的技术转移服务。",
            fields=["绿色低碳", "装备制造"],
            places=["四川省", "重庆市"],
        )
        await institutions.write(
            session, OPERATOR, organization_id, profile, expected_versions=None
        )
        membership = AllianceMembership(standing=standing, since=date(2024, 6, 1))
        await institutions.admit(
            session, OPERATOR, organization_id, membership, expected_versions=None
        )


async def _mandates(session: AsyncSession) -> None:
    for mandate_id, broker_id, short, state in _MANDATES:
        of_demand = short.startswith("d")
        record: Achievement | Demand = (
            await session.get_one(Demand, sample_id(short))
            if of_demand
            else await session.get_one(Achievement, sample_id(short))
        )
        session.add(
            Mandate(
                id=uuid.UUID(mandate_id),
                organization_id=record.organization_id,
                broker_id=uuid.UUID(broker_id),
                achievement_id=None if of_demand else record.id,
                demand_id=record.id if of_demand else None,
                exclusive=False,
                starts_on=date(2026, 1, 1),
                ends_on=today() + timedelta(days=2 * 365),
                commission_percent=Decimal("2.50"),
                terms="促成签约后按到账金额分期支付。",
                stored_state=state,
                answered_at=now() if state is MandateState.ACCEPTED else None,
            )
        )
    await session.flush()  # what follows refers to them
    for side, mandate_id in (
        (DealSide.SELLER, ids.MANDATE_OF_SELLER),
        (DealSide.BUYER, ids.MANDATE_OF_BUYER),
    ):
        session.add(
            DealBroker(
                deal_id=uuid.UUID(ids.DEAL),
                broker_id=uuid.UUID(ids.BROKER_OF_BOTH),
                side=side,
                mandate_id=uuid.UUID(mandate_id),
            )
        )
