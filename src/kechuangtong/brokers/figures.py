"""What became of the pairs that a broker took up."""

import uuid
from collections import Counter
from datetime import date
from statistics import median
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.brokers import service
from kechuangtong.brokers.schemas import BrokerFigures
from kechuangtong.core.clock import CITY
from kechuangtong.models import Contract, Deal, DealBroker, DealStep
from kechuangtong.models.contract import ContractState
from kechuangtong.models.deal import DealState

_LEAST: Final = 3  # states and days of fewer would tell of single deals


async def figures(session: AsyncSession, actor: Actor, broker_id: uuid.UUID) -> BrokerFigures:
    """A broker's figures, which everyone reads who may see the broker. Raises NotFound."""
    broker = await service.get(session, actor, broker_id)
    rows = await session.execute(
        select(Deal.id, Deal.state, func.min(DealBroker.agreed_at))
        .join(DealBroker, DealBroker.deal_id == Deal.id)
        .where(DealBroker.broker_id == broker.id)
        .group_by(Deal.id, Deal.state)
    )
    states: Counter[DealState] = Counter()
    taken_up: dict[uuid.UUID, date] = {}
    for deal_id, state, agreed_at in rows:
        states[state] += 1
        taken_up[deal_id] = agreed_at.astimezone(CITY).date()
    signings = await session.execute(
        select(DealStep.deal_id, func.min(DealStep.on))
        .where(DealStep.deal_id.in_(taken_up), DealStep.to_state == DealState.SIGNED)
        .group_by(DealStep.deal_id)
    )
    contracts, amount, technical = (
        await session.execute(
            select(func.count(), func.sum(Contract.total), func.sum(Contract.technical)).where(
                Contract.deal_id.in_(taken_up), Contract.state == ContractState.SIGNED
            )
        )
    ).one()
    # One that was brought in after the signing has taken no days to it.
    days = [max((on - taken_up[deal_id]).days, 0) for deal_id, on in signings]
    return BrokerFigures(
        broker_id=broker.id,
        deals=len(taken_up),
        signed=len(days),
        states=dict(states) if len(taken_up) >= _LEAST else None,
        days_to_signing=float(median(days)) if len(days) >= _LEAST else None,
        contracts=contracts,
        amount=amount if contracts >= _LEAST else None,
        technical=technical if contracts >= _LEAST else None,
    )
