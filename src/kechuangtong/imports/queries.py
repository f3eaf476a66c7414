"""Reading imports beside what they are themselves: their rows by pages, who sent them, for whom."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.paging import CursorInvalid, Page, decode_cursor
from kechuangtong.imports.records import RECORDS
from kechuangtong.imports.schemas import ImportRead, ListedRow, RowQuery
from kechuangtong.imports.service import show_row
from kechuangtong.models import Import, ImportRow, Organization, User


async def rows(
    session: AsyncSession, actor: Actor, imported: Import, query: RowQuery
) -> Page[ListedRow]:
    """One page of an import's rows so far, in the sheet's order."""
    statement = (
        select(ImportRow)
        .where(ImportRow.import_id == imported.id)
        .order_by(ImportRow.row)
        .limit(query.limit + 1)
    )
    if query.outcome is not None:
        statement = statement.where(ImportRow.outcome == query.outcome)
    if query.cursor is not None:
        statement = statement.where(ImportRow.row > _row_in(query.cursor))
    found = (await session.scalars(statement)).all()
    ids = [one.record_id for one in found if one.record_id is not None]
    titles = await RECORDS[imported.kind].titles(session, actor, ids)

    def listed(row: ImportRow) -> ListedRow:
        title = titles.get(row.record_id) if row.record_id is not None else None
        shown = show_row(row).model_dump()
        return ListedRow(**shown, record_id=row.record_id if title else None, title=title)

    return Page[ListedRow].of(found, query.limit, lambda row: [str(row.row)], listed)


def _row_in(cursor: str) -> int:
    (row,) = decode_cursor(cursor, 1)
    if not (row.isascii() and row.isdigit() and len(row) < 9):
        raise CursorInvalid
    return int(row)


async def senders(session: AsyncSession, imports: Sequence[ImportRead]) -> dict[uuid.UUID, str]:
    """Who sent imports, by their ids; nobody where it was the command line."""
    found = await session.execute(
        select(Import.id, User.name)
        .join(User, User.id == Import.user_id)
        .where(Import.id.in_([one.id for one in imports]))
    )
    return dict(iter(found))


async def owners(session: AsyncSession, imports: Sequence[ImportRead]) -> dict[uuid.UUID, str]:
    """The names of the organizations of imports, by the organizations' ids."""
    ids = {one.organization_id for one in imports if one.organization_id is not None}
    found = await session.execute(
        select(Organization.id, Organization.name).where(Organization.id.in_(ids))
    )
    return dict(iter(found))
