"""Reading deals: those of one's own organizations."""

import uuid

from sqlalchemy import ColumnElement, exists, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from kechuangtong.accounts.actor import Actor
from kechuangtong.models import Deal, DealParty

SHOWN = (
    joinedload(Deal.achievement),
    joinedload(Deal.demand),
    selectinload(Deal.parties).joinedload(DealParty.organization, innerjoin=True),
)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """What lies between the parties is for their people."""
    if actor.sees_all:
        return true()
    return exists().where(
        DealParty.deal_id == Deal.id, DealParty.organization_id.in_(actor.organization_ids)
    )


async def deal(
    session: AsyncSession, actor: Actor, deal_id: uuid.UUID, *, to_change: bool = False
) -> Deal | None:
    """One deal, where the actor may see it; whoever gets it to change it is alone with it."""
    statement = select(Deal).where(Deal.id == deal_id, visible_to(actor)).options(*SHOWN)
    return await session.scalar(statement.with_for_update(of=Deal) if to_change else statement)
