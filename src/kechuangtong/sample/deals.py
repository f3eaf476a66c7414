"""A deal of the sample's organizations, for the examples of the documentation."""

import hashlib
import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core.clock import today
from kechuangtong.deals.states import Action
from kechuangtong.models import (
    Achievement,
    Attachment,
    Deal,
    DealDocument,
    DealParty,
    DealStep,
    Demand,
)
from kechuangtong.models.attachment import Access, AttachedTo
from kechuangtong.models.deal import DealSide, DealState
from kechuangtong.sample import ids

MINUTES: Final = "会谈纪要\n\n双方约定先在一条烘房线上试用三个月，再议转让价格。\n".encode()

# What was done, by which side, and where it led.
_STEPS: Final = (
    (Action.CREATE, DealSide.BUYER, None, DealState.INTEREST),
    (
        Action.AGREE_INTRODUCTION,
        DealSide.SELLER,
        DealState.INTEREST,
        DealState.INTRODUCED,
    ),
    (
        Action.START_NEGOTIATION,
        DealSide.SELLER,
        DealState.INTRODUCED,
        DealState.NEGOTIATION,
    ),
)


async def add_deals(session: AsyncSession) -> None:
    """A deal that is being negotiated, with its history and a document."""
    achievement = await session.get_one(Achievement, uuid.UUID(ids.ACHIEVEMENT))
    demand = await session.get_one(Demand, uuid.UUID(ids.DEMAND))
    deal_id = uuid.UUID(ids.DEAL)
    sides = {
        DealSide.SELLER: achievement.organization_id,
        DealSide.BUYER: demand.organization_id,
    }
    session.add(
        Deal(
            id=deal_id,
            title=achievement.title,
            achievement_id=achievement.id,
            demand_id=demand.id,
            opened_by=DealSide.BUYER,
            state=DealState.NEGOTIATION,
        )
    )
    attachment = Attachment(
        id=uuid.UUID(ids.DEAL_DOCUMENT),
        subject_kind=AttachedTo.DEAL,
        subject_id=deal_id,
        organization_id=achievement.organization_id,
        name="会谈纪要.txt",
        media_type="text/plain",
        size=len(MINUTES),
        sha256=hashlib.sha256(MINUTES).hexdigest(),
        access=Access.LET_IN,
    )
    session.add(attachment)
    await session.flush()  # what follows refers to them
    parties = [*sides.items(), (DealSide.SELLER, uuid.UUID(ids.DEAL_PARTY))]
    session.add_all(
        DealParty(deal_id=deal_id, organization_id=one, side=side, position=position)
        for position, (side, one) in enumerate(parties)
    )
    session.add_all(
        DealStep(
            deal_id=deal_id,
            number=number,
            action=action.value,
            from_state=from_state,
            to_state=to_state,
            side=side,
            on=today() - timedelta(days=60 - 10 * number),
            organization_id=sides[side],
        )
        for number, (action, side, from_state, to_state) in enumerate(_STEPS, 1)
    )
    session.add(DealDocument(attachment_id=attachment.id, deal_id=deal_id, side=DealSide.SELLER))
