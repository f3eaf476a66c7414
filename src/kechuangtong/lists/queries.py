"""Reading the lists: what an actor may see, filtered, in a total order."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, String, and_, cast, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import PlatformRole
from kechuangtong.core.clock import today
from kechuangtong.core.paging import CursorInvalid, decode_cursor
from kechuangtong.lists.schemas import ListingQuery
from kechuangtong.lists.sight import as_seen_by, owner_known
from kechuangtong.models import Achievement, Demand, Organization
from kechuangtong.models.listing import ListingState
from kechuangtong.reviews.queries import of_district

R = TypeVar("R", Achievement, Demand)


def visible_to(model: type[R], actor: Actor) -> ColumnElement[bool]:
    """Published records are everyone's to read until they expire, submitted ones also their
    reviewers', all others their organization's people's."""
    if actor.sees_all:
        return model.id.is_not(None)
    published = in_state(model, ListingState.PUBLISHED)
    seen = or_(published, model.organization_id.in_(actor.organization_ids))
    if actor.platform_role is not PlatformRole.REVIEWER:
        return seen
    here = select(Organization.id).where(of_district(actor, Organization.place))
    submitted = model.stored_state == ListingState.SUBMITTED
    return or_(seen, and_(submitted, model.organization_id.in_(here)))


def in_state(model: type[R], state: ListingState) -> ColumnElement[bool]:
    """The shown state as a condition: expired is published and past its date."""
    published = model.stored_state == ListingState.PUBLISHED
    if state is ListingState.EXPIRED:
        return published & (model.valid_until < today())
    if state is ListingState.PUBLISHED:
        return published & (model.valid_until.is_(None) | (model.valid_until >= today()))
    return model.stored_state == state


async def get(
    session: AsyncSession,
    model: type[R],
    actor: Actor,
    record_id: uuid.UUID,
    *,
    to_change: bool = False,
) -> R | None:
    """One record as the actor sees it, where the actor may see it.

    Of several who get it to change it, the next waits until the one before has finished.
    """
    wanted: Select[R] = select(model).where(model.id == record_id, visible_to(model, actor))
    statement = as_seen_by(actor, model, wanted)
    return await session.scalar(statement.with_for_update(of=model) if to_change else statement)


async def get_many(
    session: AsyncSession, model: type[R], actor: Actor, ids: Sequence[uuid.UUID]
) -> Sequence[R]:
    """Those of some records that the actor may see, to change them; see `get`."""
    wanted: Select[R] = select(model).where(model.id.in_(ids), visible_to(model, actor))
    statement = as_seen_by(actor, model, wanted).order_by(model.id).with_for_update(of=model)
    found: Sequence[R] = (await session.scalars(statement)).all()
    return found


async def titles(
    session: AsyncSession, model: type[R], actor: Actor, ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, str]:
    """What those of some records are called that the actor may see."""
    statement = select(model.id, model.title).where(model.id.in_(ids), visible_to(model, actor))
    found = await session.execute(statement)
    return dict(iter(found))


def of_organizations(
    model: type[R], actor: Actor, organization_ids: Sequence[uuid.UUID]
) -> ColumnElement[bool]:
    """Records of organizations, as far as the actor may know whose they are."""
    return model.organization_id.in_(organization_ids) & owner_known(actor, model)


def conditions(model: type[R], actor: Actor, query: ListingQuery) -> list[ColumnElement[bool]]:
    """The filters of a query as conditions."""
    found: list[ColumnElement[bool]] = []
    if query.organization_id is not None:
        found.append(of_organizations(model, actor, [query.organization_id]))
    if query.state is not None:
        found.append(in_state(model, query.state))
    if query.field is not None:
        found.append(model.field == query.field)
    if query.stage is not None:
        stage = Achievement.stage if model is Achievement else Demand.required_stage
        found.append(stage == query.stage)
    if query.cooperation is not None:
        found.append(cast(model.cooperation, String).contains(f'"{query.cooperation.value}"'))
    if query.place is not None:
        found.append(model.place.contains(query.place, autoescape=True))
    if query.updated_since is not None:
        found.append(model.updated_at >= query.updated_since)
    return found


def having(model: type[R], words: str) -> list[ColumnElement[bool]]:
    """Records that have each of the words in title, number or description: a look into one's own
    list; everyone's is searched by the index."""
    places = (model.title, model.number, model.description)
    return [
        or_(*(place.icontains(word, autoescape=True) for place in places)) for word in words.split()
    ]


async def page(
    session: AsyncSession,
    model: type[R],
    actor: Actor,
    query: ListingQuery,
    *extra: ColumnElement[bool],
) -> Sequence[R]:
    """Up to `limit + 1` records from the cursor on: one more than shown tells of a next page."""
    name = query.sort.removeprefix("-")
    column: Any = getattr(model, name)
    descending = query.sort.startswith("-")
    statement: Select[R] = (
        select(model)
        .where(visible_to(model, actor), *conditions(model, actor, query), *extra)
        .order_by(
            column.desc() if descending else column, model.id.desc() if descending else model.id
        )
        .limit(query.limit + 1)
    )
    if query.cursor is not None:
        after = _position(query.cursor, query.sort)
        key = tuple_(column, model.id)
        statement = statement.where(key < after if descending else key > after)
    rows: Sequence[R] = (await session.scalars(as_seen_by(actor, model, statement))).all()
    return rows


def position(record: Achievement | Demand, query: ListingQuery) -> list[str]:
    """Where the page after this record begins; it means nothing in another order."""
    value = getattr(record, query.sort.removeprefix("-"))
    shown = value.isoformat() if isinstance(value, datetime) else value
    return [query.sort, shown, str(record.id)]


def _position(cursor: str, sort: str) -> tuple[datetime | str, uuid.UUID]:
    sorted_by, value, identifier = decode_cursor(cursor, 3)
    if sorted_by != sort:
        raise CursorInvalid
    try:
        if sort.endswith("title"):
            return value, uuid.UUID(identifier)
        return datetime.fromisoformat(value).astimezone(UTC), uuid.UUID(identifier)
    except (ValueError, OverflowError):
        raise CursorInvalid from None
