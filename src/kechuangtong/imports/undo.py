"""Undoing an import: all of it, in one transaction, as long as nothing was built on it."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from kechuangtong.accounts.actor import Actor
from kechuangtong.achievements.schemas import AchievementPatch
from kechuangtong.achievements.service import achievements
from kechuangtong.core.errors import Conflict, Forbidden
from kechuangtong.core.language import Text
from kechuangtong.core.trade import ImportKind
from kechuangtong.demands.schemas import DemandPatch
from kechuangtong.demands.service import demands
from kechuangtong.imports.records import RECORDS, Record
from kechuangtong.imports.service import get_import, record_import, show
from kechuangtong.instruments.records import instruments
from kechuangtong.lists.service import Change, ListService
from kechuangtong.models import (
    Attachment,
    BookingItem,
    Deal,
    Import,
    ImportRow,
    Instrument,
    Interest,
    Mandate,
)
from kechuangtong.models.importing import ImportState
from kechuangtong.models.listing import ListingState

_BATCH: Final = 200
# How many records a refusal names.
_NAMED: Final = 20
_KEPT_ROWS: Final = (ImportState.DONE, ImportState.CANCELLED, ImportState.FAILED)


class NothingToUndo(Conflict):
    code = "nothing_to_undo"
    text = Text(
        "此导入不能撤销：正在进行的须先取消，试运行和已撤销的没有可撤销的内容。",
        "There is nothing to undo: cancel one that runs first; a dry run, and one that was undone, "
        "have nothing.",
    )


class ImportBuiltOn(Conflict):
    code = "import_built_on"
    text = Text(
        "导入之后，这些记录已有改动、附件、对接意向、委托、交易或预约，不能撤销：{records}。",
        "These records have been changed since, or have attachments, interests, mandates, deals or "
        "bookings: {records}.",
    )


async def undo_import(session: AsyncSession, actor: Actor, import_id: uuid.UUID) -> Import:
    """Withdraw what an import created, or delete it where it was never public, and let what it
    changed be as it was. Raises NotFound, Forbidden, NothingToUndo, ImportBuiltOn."""
    imported = await get_import(session, actor, import_id, to_change=True)
    if not can_undo(imported):
        raise NothingToUndo
    found = await session.scalars(
        select(ImportRow)
        .where(ImportRow.import_id == import_id, ImportRow.record_id.is_not(None))
        .order_by(ImportRow.record_id)
    )
    rows = found.all()
    built_on: list[str] = []
    for batch in _batches(rows):
        built_on += await _built_on(session, imported.kind, batch)
    if built_on:
        more = "…" if len(built_on) > _NAMED else ""
        raise ImportBuiltOn(records="、".join(built_on[:_NAMED]) + more)
    for batch in _batches(rows):
        await _undo(session, actor, imported.kind, batch)
    before = show(imported).model_dump(mode="json")
    imported.state = ImportState.UNDONE
    record_import(session, actor, imported, "undone", before)
    return imported


def can_undo(imported: Import) -> bool:
    """Whether an import has left something that could be undone."""
    return not imported.dry_run and imported.state in _KEPT_ROWS


def _batches(rows: Sequence[ImportRow]) -> Iterator[Sequence[ImportRow]]:
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]


async def _records(
    session: AsyncSession, kind: ImportKind, rows: Sequence[ImportRow]
) -> dict[uuid.UUID, Record]:
    """The records of rows, which nobody else changes until this transaction ends."""
    model = RECORDS[kind].model
    found = await session.scalars(
        select(model)
        .where(model.id.in_([row.record_id for row in rows]))
        .options(joinedload(model.organization, innerjoin=True))
        .order_by(model.id)
        .with_for_update(of=model)
    )
    return {one.id: one for one in found}


async def _built_on(
    session: AsyncSession, kind: ImportKind, rows: Sequence[ImportRow]
) -> list[str]:
    """The records that stand in the way, by their titles; one that is gone by its row."""
    records = await _records(session, kind, rows)
    used = await _used(session, kind, list(records))
    named = []
    for row in rows:
        assert row.record_id is not None
        record = records.get(row.record_id)
        if record is None:
            named.append(f"#{row.row}")
        elif record.version != row.version or record.id in used:
            title = record.name if isinstance(record, Instrument) else record.title
            named.append(f"“{title}”")
    return named


# What refers to a record.
_USES: Final[dict[ImportKind, tuple[InstrumentedAttribute[Any], ...]]] = {
    ImportKind.ACHIEVEMENT: (Interest.achievement_id, Deal.achievement_id, Mandate.achievement_id),
    ImportKind.DEMAND: (Interest.demand_id, Deal.demand_id, Mandate.demand_id),
    ImportKind.INSTRUMENT: (BookingItem.instrument_id,),
}


async def _used(
    session: AsyncSession, kind: ImportKind, ids: Sequence[uuid.UUID]
) -> set[uuid.UUID]:
    used: set[uuid.UUID] = set()
    for subject in _USES[kind]:
        found = await session.scalars(select(subject).where(subject.in_(ids)))
        used |= {one for one in found if one}
    attached = select(Attachment.subject_id).where(
        Attachment.subject_kind == kind, Attachment.subject_id.in_(ids)
    )
    return used | set(await session.scalars(attached))


async def _undo(
    session: AsyncSession, actor: Actor, kind: ImportKind, rows: Sequence[ImportRow]
) -> None:
    service = RECORDS[kind]
    records = await _records(session, kind, rows)
    changes: list[Change[Any]] = []
    for row in rows:
        assert row.record_id is not None
        record = records[row.record_id]
        if not actor.may(service.to_write, record.organization_id):
            raise Forbidden
        if row.before is not None:
            changes.append(_restored(kind, record, row.before))
        elif record.published_at is None:
            await service.remove(session, actor, record)
        else:
            changes.append(service.retract(record))
    await service.save(session, actor, changes)


def _restored(kind: ImportKind, record: Record, before: dict[str, Any]) -> Change[Any]:
    if isinstance(record, Instrument):
        return instruments.restore(record, before)
    service: ListService[Any, Any] = achievements if kind is ImportKind.ACHIEVEMENT else demands
    schema = AchievementPatch if kind is ImportKind.ACHIEVEMENT else DemandPatch
    values = {name: before[name] for name in schema.model_fields}
    shown = ListingState(before["state"])
    published = before["published_at"]
    return service.restore(
        record,
        schema.model_validate(values),
        # Expired is never stored.
        state=ListingState.PUBLISHED if shown is ListingState.EXPIRED else shown,
        published_at=datetime.fromisoformat(published) if published else None,
    )
