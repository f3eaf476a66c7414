"""Reading ownership: the versions of an achievement's."""

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from kechuangtong.models import Ownership, OwnershipUnit

_SHOWN = (
    selectinload(Ownership.units).joinedload(OwnershipUnit.organization, innerjoin=True),
    selectinload(Ownership.inventors),
)


async def current(session: AsyncSession, achievement_id: uuid.UUID, on: date) -> Ownership | None:
    """The ownership that holds on a day: of those that have begun, the one that was set last."""
    return await session.scalar(
        select(Ownership)
        .where(Ownership.achievement_id == achievement_id, Ownership.from_on <= on)
        .order_by(Ownership.number.desc())
        .limit(1)
        .options(*_SHOWN)
    )


async def latest_number(session: AsyncSession, achievement_id: uuid.UUID) -> int:
    """The number of the version that was set last; 0 where there is none."""
    return (
        await session.scalar(
            select(func.max(Ownership.number)).where(Ownership.achievement_id == achievement_id)
        )
        or 0
    )


async def one(session: AsyncSession, ownership_id: uuid.UUID) -> Ownership:
    """A version with all that is shown of it."""
    found = await session.scalars(
        select(Ownership).where(Ownership.id == ownership_id).options(*_SHOWN)
    )
    return found.one()


async def versions(
    session: AsyncSession, achievement_id: uuid.UUID, *, before: int | None, limit: int
) -> Sequence[Ownership]:
    """Up to `limit + 1` versions, the last first, with numbers below `before`."""
    statement = (
        select(Ownership)
        .where(Ownership.achievement_id == achievement_id)
        .order_by(Ownership.number.desc())
        .limit(limit + 1)
        .options(*_SHOWN)
    )
    if before is not None:
        statement = statement.where(Ownership.number < before)
    return (await session.scalars(statement)).all()
