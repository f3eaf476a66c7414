"""Editions (动态清单): what is published, frozen under a date and a number, and read again."""

import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.clock import today
from kechuangtong.core.db import Database, new_id
from kechuangtong.core.errors import NotFound
from kechuangtong.core.paging import CursorInvalid, Page, PageQuery, decode_cursor, decode_id
from kechuangtong.core.trade import ListKind
from kechuangtong.editions.masking import digest, hold_editions
from kechuangtong.editions.schemas import (
    Difference,
    DifferenceQuery,
    DifferenceRead,
    EditionDetail,
    EditionRead,
)
from kechuangtong.events import log
from kechuangtong.lists import public
from kechuangtong.models import Edition, EditionRecord

# Records in memory at a time, however many there are.
AT_ONCE: Final = 500


async def freeze(
    session: AsyncSession, actor: Actor, kind: ListKind, edition_id: uuid.UUID | None = None
) -> Edition:
    """Freeze what is published now, as anyone sees it, under today's date and the next number.

    Who freezes at the same time waits, and gets the number after.
    """
    await hold_editions(session, kind)
    numbers = select(func.max(Edition.number)).where(Edition.kind == kind)
    freezing = _Freezing(session, kind, (await session.scalar(numbers) or 0) + 1)
    await freezing.run()
    edition = Edition(
        id=edition_id or new_id(),
        kind=kind,
        number=freezing.number,
        date=today(),
        sha256=freezing.hash.hexdigest(),
        count=freezing.count,
        **freezing.differences,
    )
    session.add(edition)
    await session.flush()  # for its time
    log.record(
        session,
        actor,
        "edition.frozen",
        subject_kind="edition",
        subject_id=edition.id,
        before=None,
        after=EditionRead.model_validate(edition).model_dump(mode="json"),
    )
    return edition


@dataclass
class _Freezing:
    """One pass over what is published and what stood in the edition before, both by id."""

    session: AsyncSession
    kind: ListKind
    number: int
    hash: Any = field(default_factory=hashlib.sha256)
    count: int = 0
    differences: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Difference, 0))

    async def run(self) -> None:
        model = public.LISTS[self.kind].model
        wanted = public.records(self.kind).limit(AT_ONCE)
        stood = (
            select(EditionRecord.record_id, EditionRecord.digest)
            .where(EditionRecord.kind == self.kind, EditionRecord.last.is_(None))
            .order_by(EditionRecord.record_id)
            .limit(AT_ONCE)
        )
        after = uuid.UUID(int=0)
        while True:
            records = (await self.session.scalars(wanted.where(model.id > after))).all()
            before = (
                await self.session.execute(stood.where(EditionRecord.record_id > after))
            ).all()
            # As far as both have been read; to the end where neither was cut off.
            read = [[one.id for one in records], [one.record_id for one in before]]
            ends = [ids[-1] for ids in read if len(ids) == AT_ONCE]
            end = min(ends) if ends else uuid.UUID(int=2**128 - 1)
            texts = {one.id: public.text_of(one) for one in records if one.id <= end}
            await self._store(texts, {one: was for one, was in before if one <= end})
            if not ends:
                return
            after = end

    async def _store(self, texts: dict[uuid.UUID, str], before: dict[uuid.UUID, str]) -> None:
        digests = {record_id: digest(text) for record_id, text in texts.items()}
        came = digests.keys() - before.keys()
        went = before.keys() - digests.keys()
        changed = {one for one in digests.keys() & before.keys() if digests[one] != before[one]}
        for what, ids in ((Difference.CAME, came), (Difference.WENT, went)):
            self.differences[what] += len(ids)
        self.differences[Difference.CHANGED] += len(changed)
        if over := went | changed:
            await self.session.execute(
                update(EditionRecord)
                .where(
                    EditionRecord.kind == self.kind,
                    EditionRecord.record_id.in_(over),
                    EditionRecord.last.is_(None),
                )
                .values(last=self.number - 1)
                .execution_options(synchronize_session=False)
            )
        rows = [
            {
                "kind": self.kind,
                "record_id": record_id,
                "first": self.number,
                "last": None,
                "digest": digests[record_id],
                "text": texts[record_id],
                "masked": False,
            }
            for record_id in sorted(came | changed)
        ]
        if rows:
            await self.session.execute(insert(EditionRecord), rows)
        for text in texts.values():
            self.hash.update(_line(text))
        self.count += len(texts)


def _line(text: str) -> bytes:
    return text.encode() + b"\n"


async def page(session: AsyncSession, kind: ListKind, query: PageQuery) -> Page[EditionRead]:
    """One page of a list's editions, newest first. Raises CursorInvalid."""
    statement = (
        select(Edition)
        .where(Edition.kind == kind)
        .order_by(Edition.number.desc())
        .limit(query.limit + 1)
    )
    if query.cursor is not None:
        statement = statement.where(Edition.number < _number(query.cursor))
    rows: Sequence[Edition] = (await session.scalars(statement)).all()
    return Page[EditionRead].of(
        rows, query.limit, lambda row: [str(row.number)], EditionRead.model_validate
    )


def _number(cursor: str) -> int:
    (text,) = decode_cursor(cursor, 1)
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise CursorInvalid
    return int(text)


async def find(session: AsyncSession, kind: ListKind, number: int) -> Edition:
    """An edition by its number. Raises NotFound."""
    edition = await session.scalar(
        select(Edition).where(Edition.kind == kind, Edition.number == number)
    )
    if edition is None:
        raise NotFound
    return edition


async def get(database: Database, kind: ListKind, number: int) -> EditionDetail:
    """An edition with its checksum, which is computed anew where a record of it was masked since
    it was last computed. Raises NotFound."""
    async with database.read() as session:
        edition = await find(session, kind, number)
        masked = await session.scalar(
            select(func.count())
            .select_from(EditionRecord)
            .where(*in_edition(kind, number), EditionRecord.masked)
        )
    if edition.sha256 is None:
        async with database.write() as session:
            await hold_editions(session, kind)  # nothing is masked meanwhile
            edition = await find(session, kind, number)
            edition.sha256 = await checksum(session, kind, number)
    read = EditionRead.model_validate(edition)
    return EditionDetail(**read.model_dump(), masked=masked or 0)


async def checksum(session: AsyncSession, kind: ListKind, number: int) -> str:
    """The SHA-256 of an edition's NDJSON."""
    whole = hashlib.sha256()
    async for lines in _lines(session, kind, number):
        whole.update(lines)
    return whole.hexdigest()


def in_edition(kind: ListKind, number: int) -> tuple[ColumnElement[bool], ...]:
    """What stands in an edition."""
    return (
        EditionRecord.kind == kind,
        EditionRecord.first <= number,
        or_(EditionRecord.last.is_(None), EditionRecord.last >= number),
    )


async def texts(session: AsyncSession, kind: ListKind, number: int) -> AsyncIterator[Sequence[str]]:
    """The texts of an edition's records by id, a few at a time."""
    statement = (
        select(EditionRecord.text)
        .where(*in_edition(kind, number))
        .order_by(EditionRecord.record_id)
    )
    found = await session.stream_scalars(statement, execution_options={"yield_per": AT_ONCE})
    async for part in found.partitions():
        yield part


async def _lines(session: AsyncSession, kind: ListKind, number: int) -> AsyncIterator[bytes]:
    async for part in texts(session, kind, number):
        yield b"".join(_line(text) for text in part)


async def ndjson(database: Database, kind: ListKind, number: int) -> AsyncIterator[bytes]:
    """An edition as JSON lines: what its checksum is of."""
    async with database.read() as session:
        async for lines in _lines(session, kind, number):
            yield lines


async def records(
    session: AsyncSession, kind: ListKind, number: int, query: PageQuery
) -> Page[dict[str, Any]]:
    """One page of an edition's records by id. Raises NotFound, CursorInvalid."""
    await find(session, kind, number)
    statement = (
        select(EditionRecord.record_id, EditionRecord.text)
        .where(*in_edition(kind, number))
        .order_by(EditionRecord.record_id)
        .limit(query.limit + 1)
    )
    if query.cursor is not None:
        statement = statement.where(EditionRecord.record_id > decode_id(query.cursor))
    rows = (await session.execute(statement)).all()
    return Page[dict[str, Any]].of(
        rows, query.limit, lambda row: [str(row.record_id)], lambda row: json.loads(row.text)
    )


async def differences(
    session: AsyncSession, kind: ListKind, number: int, query: DifferenceQuery
) -> Page[DifferenceRead]:
    """One page of what came, went and changed since the edition before, by id. Raises NotFound,
    CursorInvalid."""
    await find(session, kind, number)
    one, other = aliased(EditionRecord), aliased(EditionRecord)
    same = (other.kind == one.kind) & (other.record_id == one.record_id)
    stood = exists().where(same, other.last == number - 1)
    stands = exists().where(same, other.first == number)
    changed = literal(Difference.CHANGED.value)
    what = case((stood, changed), else_=literal(Difference.CAME.value)).label("difference")
    here = select(one.record_id, one.text, what).where(one.kind == kind, one.first == number)
    went = select(
        one.record_id, one.text, literal(Difference.WENT.value).label("difference")
    ).where(one.kind == kind, one.last == number - 1, ~stands)
    found = union_all(here, went).subquery()
    statement = select(found).order_by(found.c.record_id).limit(query.limit + 1)
    if query.difference is not None:
        statement = statement.where(found.c.difference == query.difference.value)
    if query.cursor is not None:
        statement = statement.where(found.c.record_id > decode_id(query.cursor))
    rows = (await session.execute(statement)).all()
    return Page[DifferenceRead].of(
        rows,
        query.limit,
        lambda row: [str(row.record_id)],
        lambda row: DifferenceRead(
            difference=Difference(row.difference),
            id=row.record_id,
            title=json.loads(row.text)["title"],
        ),
    )
