"""Reminders of records that expire: told to their organization's inbox, each once."""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core.clock import today
from kechuangtong.core.db import Database, hold
from kechuangtong.core.language import Text
from kechuangtong.inbox import service as inbox
from kechuangtong.inbox.texts import TITLES
from kechuangtong.models import Achievement, Demand
from kechuangtong.models.listing import ListingState
from kechuangtong.models.notice import NoticeKind

# So many days before a record's last day of validity, and again.
BEFORE: Final = (30, 7)
# What has expired is told the day after, or later where nobody looked for so many days.
_STILL_NEWS: Final = 30

_Listing = Achievement | Demand
_MODELS: Final[dict[str, type[Achievement] | type[Demand]]] = {
    "achievement": Achievement,
    "demand": Demand,
}


async def remind(database: Database) -> int:
    """Tell organizations which of their published records expire soon or have expired; how many
    were told of. To be called daily; called twice, it tells once. Each organization's people get
    one mail a kind, however many records it is about."""
    async with database.read() as session:
        owners = {
            owner
            for model in _MODELS.values()
            for owner in await session.scalars(
                select(model.organization_id).where(*_due(model)).distinct()
            )
        }
    told = 0
    for owner in sorted(owners):
        async with database.write() as session:
            await hold(session, f"reminders {owner}")
            told += await _remind(session, owner)
    return told


def _due(model: type[Achievement] | type[Demand]) -> tuple[ColumnElement[bool], ...]:
    first, last = today() - timedelta(_STILL_NEWS), today() + timedelta(max(BEFORE))
    published = model.stored_state == ListingState.PUBLISHED
    return published, model.valid_until.between(first, last)


async def _remind(session: AsyncSession, owner: uuid.UUID) -> int:
    told: dict[NoticeKind, list[str]] = {}
    for subject_kind, model in _MODELS.items():
        records: Iterable[_Listing] = await session.scalars(
            select(model)
            .where(model.organization_id == owner, *_due(model))
            .order_by(model.valid_until, model.id)
        )
        for record in records:
            assert record.valid_until is not None
            left = (record.valid_until - today()).days
            kind = NoticeKind.LISTING_EXPIRED if left < 0 else NoticeKind.LISTING_EXPIRING
            when = "after" if left < 0 else min(days for days in BEFORE if left <= days)
            if await inbox.notify(
                session,
                owner,
                kind,
                subject_kind=subject_kind,
                subject_id=record.id,
                title=record.title,
                key=f"expiry:{record.id}:{record.valid_until}:{when}",
                by_mail=False,
                valid_until=record.valid_until.isoformat(),
            ):
                told.setdefault(kind, []).append(f"{record.valid_until} {record.title}")
    for kind, lines in told.items():
        listed = "\n".join(lines)
        subject = TITLES[kind]
        text = Text(f"{subject.zh}：\n{listed}", f"{subject.en}: {len(lines)}")
        await inbox.write_to(session, owner, subject=subject, text=text)
    return sum(len(lines) for lines in told.values())
