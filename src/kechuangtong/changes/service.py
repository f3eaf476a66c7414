"""The change feed (变更流): what became public, changed, or went, for programs that mirror it."""

import uuid
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.changes.notes import touch
from kechuangtong.changes.schemas import Change, ChangeKind, ChangeQuery, Changes
from kechuangtong.core.clock import today
from kechuangtong.core.db import Database
from kechuangtong.core.paging import CursorInvalid, decode_cursor, encode_cursor
from kechuangtong.core.trade import ListKind
from kechuangtong.lists import public
from kechuangtong.models import PublicChange

_AT_ONCE: Final = 500


async def read(session: AsyncSession, query: ChangeQuery) -> Changes:
    """The changes after a cursor, oldest first. Raises CursorInvalid, also for a place that was
    never reached: a database that was put back to an earlier state has forgotten it."""
    after = _place(query.after)
    reached = await session.scalar(select(func.max(PublicChange.position))) or 0
    if after > reached:
        raise CursorInvalid(loc=("query", "after"))
    statement = (
        select(PublicChange.position, PublicChange.kind, PublicChange.record_id)
        .where(PublicChange.position > after)
        .order_by(PublicChange.position)
        .limit(query.limit + 1)
    )
    if query.kind is not None:
        statement = statement.where(PublicChange.kind == query.kind)
    found = (await session.execute(statement)).all()
    more, rows = len(found) > query.limit, found[: query.limit]
    shown: dict[uuid.UUID, public.Listing] = {}
    for kind in ListKind:
        ids = [record_id for _, of, record_id in rows if of is kind]
        shown |= await public.by_id(session, kind, ids)
    return Changes(
        items=[_change(kind, record_id, shown.get(record_id)) for _, kind, record_id in rows],
        next_cursor=encode_cursor([str(rows[-1].position if rows else after)]),
        more=more,
    )


def _change(kind: ListKind, record_id: uuid.UUID, record: public.Listing | None) -> Change:
    return Change(
        change=ChangeKind.GONE if record is None else ChangeKind.SHOWN,
        kind=kind,
        id=record_id,
        record=None if record is None else public.as_anyone_sees(record),
    )


def _place(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        (text,) = decode_cursor(cursor, 1)
        place = int(text)
    except (CursorInvalid, ValueError):
        raise CursorInvalid(loc=("query", "after")) from None
    if not 0 <= place < 2**63:
        raise CursorInvalid(loc=("query", "after"))
    return place


async def note_expired(database: Database) -> int:
    """Put into the feed what went because its last day of validity is over, which is no change of
    the record itself; how many records. Called often, it notes each once."""
    noted = 0
    for kind, (model, _) in public.LISTS.items():
        expired = (
            select(PublicChange.record_id)
            .join(model, model.id == PublicChange.record_id)
            .where(
                PublicChange.kind == kind,
                PublicChange.digest.is_not(None),
                model.valid_until < today(),
            )
            .limit(_AT_ONCE)
        )
        while True:
            async with database.write() as session:
                ids = (await session.scalars(expired)).all()
                touch(session, kind, ids)
            noted += len(ids)
            if len(ids) < _AT_ONCE:
                break
    return noted
