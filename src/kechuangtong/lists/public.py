"""What of the lists is public: records as anyone sees them, in one canonical text."""

import json
import uuid
from collections.abc import Collection
from typing import Any, Final, NamedTuple

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import ANONYMOUS
from kechuangtong.achievements.schemas import AchievementRead
from kechuangtong.core.trade import ListKind
from kechuangtong.demands.schemas import DemandRead
from kechuangtong.lists.queries import in_state
from kechuangtong.lists.sight import as_seen_by, show
from kechuangtong.models import Achievement, Demand
from kechuangtong.models.listing import ListingState

Listing = Achievement | Demand


class PublicList(NamedTuple):
    """One of the lists: its table, and what of it is shown."""

    model: type[Any]
    schema: type[AchievementRead] | type[DemandRead]


LISTS: Final = {
    ListKind.ACHIEVEMENT: PublicList(Achievement, AchievementRead),
    ListKind.DEMAND: PublicList(Demand, DemandRead),
}


def canonical(value: object) -> str:
    """A value's one JSON text: keys in order, no spaces."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def plain(shown: BaseModel) -> dict[str, Any]:
    """What is shown, as JSON has it."""
    return shown.model_dump(mode="json")


def as_anyone_sees(record: Listing) -> AchievementRead | DemandRead:
    """A record without its contact, and an anonymous demand without its enterprise."""
    kind = ListKind.ACHIEVEMENT if isinstance(record, Achievement) else ListKind.DEMAND
    return show(LISTS[kind].schema, record, ANONYMOUS)


def text_of(record: Listing) -> str:
    """The canonical text of a record as anyone sees it."""
    return canonical(plain(as_anyone_sees(record)))


def published(kind: ListKind) -> ColumnElement[bool]:
    """Whether a record is public at present: published, and not past its date."""
    return in_state(LISTS[kind].model, ListingState.PUBLISHED)


def records(kind: ListKind, *conditions: ColumnElement[bool]) -> Select[Any]:
    """Public records with their organizations, in the order of their ids."""
    model = LISTS[kind].model
    wanted = select(model).where(published(kind), *conditions).order_by(model.id)
    return as_seen_by(ANONYMOUS, model, wanted)


async def by_id(
    session: AsyncSession, kind: ListKind, ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, Listing]:
    """Those of the records that are public."""
    found = await session.scalars(records(kind, LISTS[kind].model.id.in_(ids)))
    return {record.id: record for record in found}
