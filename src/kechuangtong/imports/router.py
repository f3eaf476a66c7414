"""Imports (导入) over HTTP: send a spreadsheet, watch it, read what became of each row."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.sse import EventSourceResponse

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.following import follow
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.core.trade import ImportKind
from kechuangtong.imports import service, undo, uploads
from kechuangtong.imports.fields import fields_of
from kechuangtong.imports.schemas import FieldRead, ImportForm, ImportQuery, ImportRead, Report
from kechuangtong.lists.http import of_sample
from kechuangtong.models import Import
from kechuangtong.runtime import RuntimeDep
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1/imports", tags=["imports"], route_class=IdempotentRoute)

Reader = Annotated[Actor, Depends(requires(Permission.IMPORTS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.IMPORTS_WRITE))]
ImportId = Annotated[uuid.UUID, of_sample(ids.IMPORT)]
KindInPath = Annotated[ImportKind, of_sample("achievements")]


@router.post(
    "",
    status_code=202,
    summary="Import a spreadsheet (导入清单)",
    responses=answers(400, 401, 403, 409, 413, 422),
)
async def create_import(
    runtime: RuntimeDep,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    form: Annotated[ImportForm, Form(media_type="multipart/form-data")],
) -> ImportRead:
    """Take a list as people typed it. Each row is created, changed, unchanged, a duplicate, or
    refused with column, value and reason; good rows are kept and published, or submitted where
    the organization's records are reviewed. The answer is the import to watch.

    Columns whose headers are not recognised (`columns` of the report) are mapped by `columns`,
    which is remembered for the organization's next list of this kind; what is sent replaces it,
    `{}` unsets it.
    """
    imported = await uploads.receive(session, runtime.settings, actor, form)
    response.headers["Location"] = f"/v1/imports/{imported.id}"
    return service.show(imported)


@router.get("", summary="List imports (导入记录)", responses=answers(401, 422))
async def list_imports(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[ImportQuery, Query()],
) -> Page[ImportRead]:
    """The caller's imports and those of the organizations that it acts for, newest first."""
    page = await service.list_imports(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.get(
    "/fields/{kind}",
    summary="Fields of a list (清单字段)",
    responses=answers(401, 422),
    dependencies=[Depends(requires(Permission.SERVICE_READ))],
)
async def list_import_fields(kind: KindInPath) -> list[FieldRead]:
    """What a column can be mapped to, with its name, its usual header, and what is meant by it."""
    return [
        FieldRead(
            field=one.field,
            header=one.header,
            name_zh=one.name.zh,
            name_en=one.name.en,
            meant=str(one.meant),
            choices=list(one.choices),
            required=one.required,
        )
        for one in fields_of(kind)
    ]


async def _visible_import(import_id: ImportId, session: ReadSession, actor: Reader) -> Import:
    return await service.get_import(session, actor, import_id)


VisibleImport = Annotated[Import, Depends(_visible_import)]


@router.get("/{import_id}", summary="Watch an import (导入进度)", responses=answers(401, 404, 422))
async def get_import(imported: VisibleImport) -> ImportRead:
    """State, progress and counts of an import."""
    return service.show(imported)


@router.get(
    "/{import_id}/events",
    summary="Follow an import (导入进度流)",
    response_class=EventSourceResponse,
    responses=answers(401, 404, 422),
)
async def follow_import(runtime: RuntimeDep, imported: VisibleImport) -> AsyncIterator[ImportRead]:
    """The import as server-sent events: each time it has moved on, until it has ended."""
    async for reached in follow(runtime.database, Import, imported.id, service.ENDED):
        yield service.show(reached)


_CHANGING: Any = answers(400, 401, 403, 404, 409, 413, 422)


@router.post("/{import_id}/cancel", summary="Cancel an import (取消导入)", responses=_CHANGING)
async def cancel_import(
    import_id: Annotated[uuid.UUID, of_sample(ids.IMPORT_TO_CANCEL)],
    session: IdempotentSession,
    actor: Writer,
) -> ImportRead:
    """Begin no more of an import that waits or runs. The rows that it has done stay; they can be
    undone."""
    return service.show(await service.cancel_import(session, actor, import_id))


@router.post("/{import_id}/undo", summary="Undo an import (撤销导入)", responses=_CHANGING)
async def undo_import(import_id: ImportId, session: IdempotentSession, actor: Writer) -> ImportRead:
    """What the import created is withdrawn, or deleted where it was never public, and what it
    changed is again as it was: all in one transaction. Refused where one of these records has been
    changed since, or has attachments, interests or deals: the answer names them."""
    return service.show(await undo.undo_import(session, actor, import_id))


@router.get(
    "/{import_id}/report", summary="Rows of an import (导入报告)", responses=answers(401, 404, 422)
)
async def get_import_report(session: ReadSession, imported: VisibleImport) -> Report:
    """What became of each row with content, with the reasons for those refused."""
    return await service.report(session, imported)
