"""Imports: a file becomes records of a list, chunk by chunk, each chunk one transaction.

Progress and the outcome of each row are committed with the chunk's records, so an import whose
process died goes on at the chunk that it had reached, nothing twice.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from anyio import sleep, to_thread
from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import OPERATOR, Actor
from kechuangtong.accounts.keys.service import actor_by
from kechuangtong.accounts.permissions import Permission
from kechuangtong.accounts.service import actor_for
from kechuangtong.core.clock import now
from kechuangtong.core.db import Database, new_id, upsert
from kechuangtong.core.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from kechuangtong.core.language import Text
from kechuangtong.core.paging import Page, decode_id
from kechuangtong.core.trade import ImportKind
from kechuangtong.events import log
from kechuangtong.imports.assess import Assessed, Assessor
from kechuangtong.imports.columns import Mapping
from kechuangtong.imports.reading import FileRefused, Limits, read_table
from kechuangtong.imports.rows import ParsedSheet, parse_sheet
from kechuangtong.imports.schemas import (
    Counts,
    ImportFailure,
    ImportQuery,
    ImportRead,
    Report,
    RowProblem,
    RowReport,
)
from kechuangtong.instruments.errors import InstrumentListed
from kechuangtong.lists.errors import AlreadyListed, NamesOrganization, OrganizationMerged
from kechuangtong.models import ApiKey, ColumnMapping, Import, ImportRow, Organization
from kechuangtong.models.importing import ImportState, Outcome
from kechuangtong.organizations import service as organizations
from kechuangtong.settings import Settings

CHUNK = 200

ENDED = frozenset(ImportState) - {ImportState.QUEUED, ImportState.RUNNING}
# Between chunks, in which others who write have their turn.
_TURN_SECONDS: Final = 0.02

Progress = Callable[[int, int], None]
T = TypeVar("T")

_NO_ORGANIZATION = Text(
    "表中没有单位一列，请指定单位。", "The sheet has no column of organizations; name one."
)

_UNEXPECTED = Text(
    "导入因内部错误中止，已导入的行保留；请联系管理员。",
    "The import ended by an internal error; rows imported so far are kept.",
)


class ImportEnded(Conflict):
    code = "import_ended"
    text = Text("导入已结束（{state}）。", "The import has ended ({state}).")


class OrganizationNotFound(Invalid):
    code = "organization_unknown"
    text = Text("没有单位“{name}”。", 'There is no organization "{name}".')


def file_path(settings: Settings, imported: Import) -> Path:
    """Where an import's file is kept."""
    return settings.uploads_dir / f"{imported.id}{Path(imported.file_name).suffix.lower()[:10]}"


async def resolve_organization(
    session: AsyncSession, actor: Actor, text: str | None
) -> Organization | None:
    """The organization that an import is for. Raises OrganizationNotFound, Forbidden."""
    if not text:
        if actor.administrator or len(actor.organization_ids) != 1:
            return None
        return await session.get(Organization, next(iter(actor.organization_ids)))
    organization = await organizations.find_organization(session, text)
    if organization is None or not await organizations.is_listed_to(session, actor, organization):
        raise OrganizationNotFound(name=text, loc=("body", "organization"))
    if not actor.may(Permission.IMPORTS_WRITE, organization.id):
        raise Forbidden(loc=("body", "organization"))
    return organization


async def settle_mapping(
    session: AsyncSession,
    kind: ImportKind,
    organization: Organization | None,
    said: Mapping | None,
) -> Mapping | None:
    """What is to be done with columns: what is said now, which is kept for the organization's next
    list (nothing: forgotten), else what was kept."""
    if organization is None:
        return said
    kept = await session.get(ColumnMapping, (organization.id, kind))
    if said is None:
        return None if kept is None else dict(kept.columns)
    values = {"columns": said, "updated_at": now()}
    await upsert(
        session,
        ColumnMapping.__table__,  # type: ignore[arg-type]
        [{"organization_id": organization.id, "kind": kind, **values}],
        keys=["organization_id", "kind"],
        update=values,
    )
    return said


def new_import(
    actor: Actor,
    *,
    kind: ImportKind,
    organization: Organization | None,
    file_name: str,
    file_hash: str = "",
    dry_run: bool = False,
    import_id: uuid.UUID | None = None,
    mapping: Mapping | None = None,
) -> Import:
    """An import that waits to be run."""
    return Import(
        id=import_id or new_id(),
        kind=kind,
        organization_id=organization.id if organization else None,
        user_id=actor.id,
        key_id=actor.key_id,
        file_name=file_name,
        file_hash=file_hash,
        dry_run=dry_run,
        mapping=mapping,
        state=ImportState.QUEUED,
        done=0,
        counts={outcome.value: 0 for outcome in Outcome},
        created_at=now(),
    )


def begin(session: AsyncSession, actor: Actor, imported: Import) -> None:
    """Keep an import that was sent, and by whom from where: it is run elsewhere."""
    session.add(imported)
    log.record(
        session,
        actor,
        "import.created",
        subject_kind="import",
        subject_id=imported.id,
        before=None,
        after=show(imported).model_dump(mode="json", exclude={"failure", "counts"}),
    )


async def find_unfinished(
    session: AsyncSession, *, kind: ImportKind, organization: Organization | None, file_hash: str
) -> Import | None:
    """The import of the same file that was begun at the command line and not finished."""
    return await session.scalar(
        select(Import).where(
            Import.kind == kind,
            Import.organization_id == (organization.id if organization else None),
            Import.file_hash == file_hash,
            Import.user_id.is_(None),
            Import.dry_run.is_(False),
            Import.state.in_([ImportState.QUEUED, ImportState.RUNNING]),
        )
    )


async def get_import(
    session: AsyncSession, actor: Actor, import_id: uuid.UUID, *, to_change: bool = False
) -> Import:
    """An import of the actor's own or of an organization that it acts for. Raises NotFound, and
    Forbidden where the actor may see it and not change it."""
    statement = select(Import).where(Import.id == import_id, _visible_to(actor))
    imported = await session.scalar(statement.with_for_update() if to_change else statement)
    if imported is None:
        raise NotFound
    if to_change and not may_change(actor, imported):
        raise Forbidden
    return imported


async def cancel_import(session: AsyncSession, actor: Actor, import_id: uuid.UUID) -> Import:
    """Begin no more of an import, here or in another process; what is done stays. Raises
    NotFound, Forbidden, ImportEnded."""
    imported = await get_import(session, actor, import_id, to_change=True)
    if imported.state in ENDED:
        raise ImportEnded(state=imported.state.value)
    before = show(imported).model_dump(mode="json")
    imported.state, imported.finished_at = ImportState.CANCELLED, now()
    record_import(session, actor, imported, "cancelled", before)
    return imported


def record_import(
    session: AsyncSession, actor: Actor, imported: Import, what: str, before: dict[str, Any]
) -> None:
    """Note what became of an import."""
    log.record(
        session,
        actor,
        f"import.{what}",
        subject_kind="import",
        subject_id=imported.id,
        before=before,
        after=show(imported).model_dump(mode="json"),
    )


async def list_imports(session: AsyncSession, actor: Actor, query: ImportQuery) -> Page[ImportRead]:
    """One page of the imports that the actor may see, newest first."""
    statement = select(Import).order_by(Import.id.desc()).limit(query.limit + 1)
    statement = statement.where(_visible_to(actor))
    if query.state is not None:
        statement = statement.where(Import.state == query.state)
    if query.cursor is not None:
        statement = statement.where(Import.id < decode_id(query.cursor))
    rows = (await session.scalars(statement)).all()
    return Page[ImportRead].of(rows, query.limit, lambda row: [str(row.id)], show)


def _own(actor: Actor) -> ColumnElement[bool]:
    """A person's own imports; a key's are those that it sent itself: it may be confined to one of
    the organizations of its person."""
    return Import.user_id == actor.id if actor.key_id is None else Import.key_id == actor.key_id


def _visible_to(actor: Actor) -> ColumnElement[bool]:
    if actor.sees_all:
        return true()
    return or_(_own(actor), Import.organization_id.in_(actor.organization_ids))


def may_change(actor: Actor, imported: Import) -> bool:
    """Whether the actor may cancel, undo or repeat an import that it sees."""
    own = imported.user_id == actor.id if actor.key_id is None else imported.key_id == actor.key_id
    if actor.administrator or own:
        return True
    owner = imported.organization_id
    return owner is not None and actor.may(Permission.IMPORTS_WRITE, owner)


async def run_import(
    database: Database, settings: Settings, import_id: uuid.UUID, progress: Progress | None = None
) -> Import:
    """Run an import, or go on with it, to its end. A refused file is a failed import, no error."""
    async with database.read() as session:
        imported = await session.get_one(Import, import_id)
        actor = await _actor(session, imported)
        organization = await _organization(session, imported.organization_id)
        accepted = await session.scalars(
            select(ImportRow).where(
                ImportRow.import_id == import_id, ImportRow.identity.is_not(None)
            )
        )
        seen = {(row.owner or "", row.identity or ""): row.row for row in accepted}
    if imported.state in ENDED:
        return imported
    try:
        path = file_path(settings, imported)
        sheet = await read_sheet(path, imported.kind, settings, imported.mapping)
        _check_owners(sheet, organization)
    except FileRefused as refusal:
        return await _fail(database, import_id, refusal)
    async with database.write() as session:
        imported = await session.get_one(Import, import_id, with_for_update=True)
        if imported.state in ENDED:
            return imported  # by another, who took this one for dead, or cancelled
        imported.state = ImportState.RUNNING
        imported.sheet = sheet.sheet
        imported.header_row = sheet.header_row
        imported.columns = dict(sheet.columns)
        imported.total = len(sheet.rows)
    while imported.state is ImportState.RUNNING and imported.done < len(sheet.rows):
        assessor = Assessor(
            imported.kind, actor, organization, sheet.columns, settings.review, dict(seen)
        )
        try:
            imported = await _run_chunk(database, import_id, sheet, assessor)
        except (AlreadyListed, InstrumentListed, NamesOrganization, PreconditionFailed):
            # Another writer has just written the same record, or renamed an organization: assess
            # the chunk anew.
            continue
        except OrganizationMerged:
            async with database.read() as session:  # the import is now the other's, too
                imported = await session.get_one(Import, import_id)
                organization = await _organization(session, imported.organization_id)
            continue
        seen = assessor.seen
        if progress is not None:
            progress(imported.done, len(sheet.rows))
        await sleep(_TURN_SECONDS)
    async with database.write() as session:
        imported = await session.get_one(Import, import_id, with_for_update=True)
        if imported.state is ImportState.RUNNING:
            imported.state = ImportState.DONE
            imported.finished_at = now()
    return imported


async def _run_chunk(
    database: Database, import_id: uuid.UUID, sheet: ParsedSheet, assessor: Assessor
) -> Import:
    async with database.write() as session:
        imported = await session.get_one(Import, import_id, with_for_update=True)
        if imported.state in ENDED:
            return imported  # cancelled: what is done stays, the rest is not begun
        rows = sheet.rows[imported.done : imported.done + CHUNK]
        with session.no_autoflush:
            assessed = await assessor.assess(session, rows)
        if imported.dry_run:
            # What was assessed was never stored; what was loaded for it is let go unchanged.
            session.expunge_all()
            imported = await session.get_one(Import, import_id)
        else:
            session.add_all(assessor.new_organizations)
            await session.flush()  # the log shows them as they are stored
            for made in assessor.new_organizations:
                after = organizations.snapshot(made)
                organizations.record(
                    session, assessor.actor, made, "created", before=None, after=after
                )
            changes = [one.change for one in assessed if one.change is not None]
            await assessor.service.save(session, assessor.actor, changes)
        counts = dict(imported.counts)
        for one in assessed:
            counts[one.outcome.value] += 1
        imported.counts = counts
        imported.done += len(rows)
        session.add_all(_row(import_id, one) for one in assessed)
        return imported


async def preview_import(
    database: Database,
    settings: Settings,
    actor: Actor,
    path: Path,
    *,
    kind: ImportKind,
    organization: Organization | None,
    progress: Progress | None = None,
) -> Report:
    """The report that a real run would give, with nothing written. Raises FileRefused."""
    sheet = await read_sheet(path, kind, settings)
    _check_owners(sheet, organization)
    assessor = Assessor(kind, actor, organization, sheet.columns, settings.review)
    assessed: list[Assessed] = []
    for rows in _chunks(sheet.rows):
        async with database.read() as session:
            with session.no_autoflush:
                assessed += await assessor.assess(session, rows)
        if progress is not None:
            progress(len(assessed), len(sheet.rows))
    imported = new_import(actor, kind=kind, organization=organization, file_name=path.name)
    imported.sheet, imported.header_row = sheet.sheet, sheet.header_row
    imported.columns = dict(sheet.columns)
    imported.counts = {
        outcome.value: sum(one.outcome is outcome for one in assessed) for outcome in Outcome
    }
    return _report(imported, [_row(imported.id, one) for one in assessed])


async def report(session: AsyncSession, imported: Import) -> Report:
    """The rows of an import so far, in the sheet's order."""
    rows = await session.scalars(
        select(ImportRow).where(ImportRow.import_id == imported.id).order_by(ImportRow.row)
    )
    return _report(imported, rows.all())


def show(imported: Import) -> ImportRead:
    """An import as it is shown."""
    failure = None
    if imported.failure_code is not None:
        message = Text(imported.failure_zh or "", imported.failure_en or "")
        failure = ImportFailure(code=imported.failure_code, message=str(message))
    return ImportRead(
        id=imported.id,
        kind=imported.kind,
        organization_id=imported.organization_id,
        file=imported.file_name,
        dry_run=imported.dry_run,
        state=imported.state,
        total=imported.total,
        done=imported.done,
        counts=Counts(**imported.counts),
        failure=failure,
        created_at=imported.created_at,
        finished_at=imported.finished_at,
    )


async def read_sheet(
    path: Path, kind: ImportKind, settings: Settings, mapping: Mapping | None = None
) -> ParsedSheet:
    """A file's rows with their typed values. Raises FileRefused."""
    limits = Limits(
        file_bytes=settings.max_file_size, rows=settings.max_rows, columns=settings.max_columns
    )

    def read() -> ParsedSheet:
        return parse_sheet(read_table(path, limits=limits), kind, mapping)

    return await to_thread.run_sync(read)


def _check_owners(sheet: ParsedSheet, organization: Organization | None) -> None:
    named = {"organization", "organization_code"} & set(sheet.columns.values())
    if organization is None and not named:
        raise FileRefused("organization_missing", _NO_ORGANIZATION)


async def _actor(session: AsyncSession, imported: Import) -> Actor:
    if imported.user_id is None:
        return OPERATOR
    if imported.key_id is None:
        actor = await actor_for(session, imported.user_id)
    else:  # no more than the key that sent it may
        key = await session.get_one(ApiKey, imported.key_id)
        actor = None if key.revoked_at is not None else await actor_by(session, key)
    if actor is None:
        raise NotFound
    return actor


async def _organization(
    session: AsyncSession, organization_id: uuid.UUID | None
) -> Organization | None:
    return await session.get(Organization, organization_id) if organization_id else None


async def _fail(database: Database, import_id: uuid.UUID, refusal: FileRefused) -> Import:
    async with database.write() as session:
        imported = await session.get_one(Import, import_id, with_for_update=True)
        if imported.state in ENDED:
            return imported
        imported.state = ImportState.FAILED
        imported.failure_code = refusal.code
        imported.failure_zh, imported.failure_en = refusal.message.zh, refusal.message.en
        imported.finished_at = now()
    return imported


async def waiting(database: Database) -> list[str]:
    """The imports sent over HTTP that wait to be run, oldest first."""
    async with database.read() as session:
        found = await session.scalars(
            select(Import.id)
            .where(Import.user_id.is_not(None), Import.state == ImportState.QUEUED)
            .order_by(Import.id)
        )
        return [str(one) for one in found]


async def fail_unexpectedly(database: Database, import_id: uuid.UUID) -> None:
    """End an import that cannot be run, for reasons that are in the log."""
    await _fail(database, import_id, FileRefused("internal_error", _UNEXPECTED))


def _row(import_id: uuid.UUID, assessed: Assessed) -> ImportRow:
    return ImportRow(
        import_id=import_id,
        row=assessed.row,
        outcome=assessed.outcome,
        of_row=assessed.of_row,
        owner=assessed.owner,
        identity=assessed.identity,
        record_id=assessed.change.record.id if assessed.change else None,
        version=assessed.change.record.version if assessed.change else None,
        before=assessed.change.before if assessed.change else None,
        problems=[
            {
                "column": one.column,
                "code": one.code,
                "value": one.value,
                "zh": one.message.zh,
                "en": one.message.en,
            }
            for one in assessed.problems
        ],
    )


def _report(imported: Import, rows: Sequence[ImportRow]) -> Report:
    return Report(
        kind=imported.kind,
        file=imported.file_name,
        sheet=imported.sheet,
        header_row=imported.header_row,
        columns=imported.columns or {},
        counts=Counts(**imported.counts),
        rows=[show_row(row) for row in rows],
    )


def show_row(row: ImportRow) -> RowReport:
    """A row as it is shown."""
    return RowReport(
        row=row.row,
        outcome=row.outcome,
        of_row=row.of_row,
        problems=[_row_problem(one) for one in row.problems],
    )


def _row_problem(problem: dict[str, Any]) -> RowProblem:
    message = Text(problem["zh"], problem["en"])
    return RowProblem(
        column=problem["column"],
        code=problem["code"],
        value=problem["value"],
        message=str(message),
    )


def _chunks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]
