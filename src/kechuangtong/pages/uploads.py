"""Uploads (导入): a list is sent, watched, and corrected row by row."""

import uuid
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import Depends, Form, Query, Request, Response, UploadFile
from fastapi.responses import HTMLResponse
from pydantic import Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.errors import AppError, Conflict, Forbidden, Invalid, validation_text
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.trade import ImportKind
from kechuangtong.imports import queries, service, undo, uploads
from kechuangtong.imports.fields import fields_of
from kechuangtong.imports.schemas import ImportForm, ImportQuery, RowQuery
from kechuangtong.imports.workbook import DUPLICATE_OF, OUTCOMES
from kechuangtong.models import Import
from kechuangtong.models.importing import Outcome
from kechuangtong.pages import labels
from kechuangtong.pages.choosing import own_organizations
from kechuangtong.pages.rendering import go, page, page_router
from kechuangtong.runtime import Runtime, RuntimeDep

router = page_router()

Reader = Annotated[Actor, Depends(requires(Permission.IMPORTS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.IMPORTS_WRITE))]

NOT_READ = "-"
"""Of a column: it is not to be read."""

_NO_FILE = Text("请选择文件。", "Choose a file.")
# Who looks at rows looks for what is wrong.
_ORDER = (
    Outcome.REFUSED,
    Outcome.DUPLICATE,
    Outcome.CREATED,
    Outcome.CHANGED,
    Outcome.UNCHANGED,
)


@router.get("/uploads")
async def show_uploads(
    request: Request, runtime: RuntimeDep, actor: Reader, query: Annotated[ImportQuery, Query()]
) -> HTMLResponse:
    """The form to send a list, and the lists that were sent."""
    return await _uploads(request, runtime, actor, query)


@router.post("/uploads")
async def send_upload(
    request: Request,
    runtime: RuntimeDep,
    actor: Writer,
    kind: Annotated[str, Form()] = ImportKind.ACHIEVEMENT.value,
    organization: Annotated[str, Form()] = "",
    dry_run: Annotated[bool, Form()] = False,
    file: UploadFile | None = None,
) -> Response:
    """Take a list in and lead to its import, or say why not."""
    problem, status = _NO_FILE, HTTPStatus.UNPROCESSABLE_ENTITY
    if file is not None and file.filename:
        try:
            form = ImportForm.model_validate(
                {"file": file, "kind": kind, "organization": organization or None}
                | {"dry_run": dry_run}
            )
            async with runtime.database.write() as session:
                imported = await uploads.receive(session, runtime.settings, actor, form)
            return go(f"/uploads/{imported.id}")
        except ValidationError as error:
            problem = validation_text(dict(error.errors()[0]))
        except AppError as error:
            if isinstance(error, Forbidden):
                raise
            problem, status = error.message, error.status
    return await _uploads(
        request,
        runtime,
        actor,
        ImportQuery(),
        status=status,
        problem=problem,
        kind=kind,
        named=organization,
        dry_run=dry_run,
    )


async def _uploads(
    request: Request,
    runtime: Runtime,
    actor: Actor,
    query: ImportQuery,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
    kind: str = ImportKind.ACHIEVEMENT.value,
    named: str = "",
    dry_run: bool = False,
) -> HTMLResponse:
    async with runtime.database.read() as session:
        found = await service.list_imports(session, actor, query)
        own = await own_organizations(session, actor, Permission.IMPORTS_WRITE)
        senders = await queries.senders(session, found.items)
        owners = await queries.owners(session, found.items)
    return page(
        request,
        "uploads.html",
        status=status,
        problem=problem,
        found=found,
        own=own,
        senders=senders,
        owners=owners,
        kind=kind,
        named=named,
        dry_run=dry_run,
        max_bytes=runtime.settings.max_file_size,
        lists=labels.IMPORTED,
        states=labels.IMPORTS,
        outcomes={one: OUTCOMES[one] for one in _ORDER},
    )


class UploadQuery(PageQuery):
    """Which rows of an import: those refused, where there are any, unless it is said."""

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    outcome: Outcome | Literal["all"] | None = None


@router.get("/uploads/{import_id}")
async def show_upload(
    request: Request,
    import_id: uuid.UUID,
    session: ReadSession,
    actor: Reader,
    query: Annotated[UploadQuery, Query()],
) -> HTMLResponse:
    """An import: how far it is, its columns, and what became of which row."""
    imported = await service.get_import(session, actor, import_id)
    return await _upload(request, session, actor, imported, query)


@router.post("/uploads/{import_id}/cancel")
async def cancel_upload(
    request: Request, import_id: uuid.UUID, runtime: RuntimeDep, actor: Writer
) -> Response:
    """Begin no more of it."""
    try:
        async with runtime.database.write() as session:
            await service.cancel_import(session, actor, import_id)
    except Conflict:  # it has ended by itself, as the page will show
        pass
    return go(f"/uploads/{import_id}")


@router.post("/uploads/{import_id}/undo")
async def undo_upload(
    request: Request, import_id: uuid.UUID, runtime: RuntimeDep, actor: Writer
) -> Response:
    """Take back what it did, or say what stands in the way."""
    try:
        async with runtime.database.write() as session:
            await undo.undo_import(session, actor, import_id)
    except Conflict as error:
        return await _upload_with(request, runtime, actor, import_id, error)
    return go(f"/uploads/{import_id}")


@router.post("/uploads/{import_id}/again")
async def repeat_upload(
    request: Request,
    import_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    dry_run: Annotated[bool, Form()] = False,
    fields: Annotated[list[str] | None, Form(max_length=1_000)] = None,
) -> Response:
    """Import the file once more, with columns read as is said now: a field for each column, in the
    page's order."""
    try:
        async with runtime.database.write() as session:
            former = await service.get_import(session, actor, import_id, to_change=True)
            said = zip(_columns(former), fields or (), strict=False)
            changed = {
                header: None if field == NOT_READ else field
                for (header, before), field in said
                if field != (before or NOT_READ)
            }
            imported = await uploads.repeat(
                session, runtime.settings, actor, import_id, columns=changed, dry_run=dry_run
            )
    except (Conflict, Invalid) as error:
        return await _upload_with(request, runtime, actor, import_id, error)
    return go(f"/uploads/{imported.id}")


def _columns(imported: Import) -> list[tuple[str, str | None]]:
    """An import's columns as typed with their fields, those not recognised first."""
    places = {one.field: place for place, one in enumerate(fields_of(imported.kind), 1)}
    columns = (imported.columns or {}).items()
    return sorted(columns, key=lambda one: (places.get(one[1], 0), one[0]))


async def _upload_with(
    request: Request, runtime: Runtime, actor: Actor, import_id: uuid.UUID, error: AppError
) -> HTMLResponse:
    async with runtime.database.read() as session:
        imported = await service.get_import(session, actor, import_id)
        return await _upload(request, session, actor, imported, UploadQuery(), error)


async def _upload(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    imported: Import,
    query: UploadQuery,
    error: AppError | None = None,
) -> HTMLResponse:
    shown = service.show(imported)
    counts = {one: imported.counts[one.value] for one in _ORDER}
    chosen = query.outcome or (Outcome.REFUSED if counts[Outcome.REFUSED] else "all")
    wanted = RowQuery(
        limit=query.limit, cursor=query.cursor, outcome=None if chosen == "all" else chosen
    )
    owners = await queries.owners(session, [shown])
    senders = await queries.senders(session, [shown])
    writes = actor.holds(Permission.IMPORTS_WRITE) and service.may_change(actor, imported)
    return page(
        request,
        "upload.html",
        status=HTTPStatus.OK if error is None else error.status,
        problem=None if error is None else error.message,
        imported=shown,
        ended=imported.state in service.ENDED,
        owner=owners.get(imported.organization_id) if imported.organization_id else None,
        sender=senders.get(imported.id),
        counts=counts,
        chosen=chosen,
        rows=await queries.rows(session, actor, imported, wanted),
        columns=_columns(imported),
        fields={one.field: one.name for one in fields_of(imported.kind)},
        not_read=NOT_READ,
        writes=writes,
        can_undo=writes and undo.can_undo(imported),
        lists=labels.IMPORTED,
        states=labels.IMPORTS,
        outcomes=OUTCOMES,
        duplicate_of=DUPLICATE_OF,
    )
