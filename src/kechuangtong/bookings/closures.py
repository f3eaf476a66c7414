"""Closing an instrument (停机) in which time there are bookings."""

import uuid
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.bookings import service
from kechuangtong.bookings.schemas import ClosureMade
from kechuangtong.instruments import terms
from kechuangtong.instruments.schemas import ClosureCreate, ClosureRead

_LISTED: Final = 100


async def close(
    session: AsyncSession, actor: Actor, instrument_id: uuid.UUID, values: ClosureCreate
) -> ClosureMade:
    """Close an instrument for a time. What is booked in it is cancelled, where that is asked for;
    else its people are told, and it stays. Raises NotFound, Forbidden."""
    # Before the instrument: who books has its locks in this order, too.
    await service.hold_bookings_of(session, actor, instrument_id)
    closure = await terms.close(session, actor, instrument_id, values)
    met = await service.meet_closure(session, actor, closure, cancel=values.cancel_bookings)
    shown = ClosureRead.model_validate(closure).model_dump()
    sees = actor.in_scope(Permission.BOOKINGS_READ)  # of its own instruments a key may not
    return ClosureMade(**shown, bookings=len(met), affected=met[:_LISTED] if sees else [])
