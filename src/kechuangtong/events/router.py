"""The audit trail (审计记录) over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, WriteSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import today
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.events import service
from kechuangtong.events.schemas import EventQuery, EventRead, ExportFormat, ExportQuery
from kechuangtong.runtime import RuntimeDep
from kechuangtong.sample import ids

router = APIRouter(
    prefix="/v1/audit", tags=["audit"], dependencies=[Depends(requires(Permission.AUDIT_READ))]
)

_MEDIA_TYPES = {
    ExportFormat.NDJSON: "application/x-ndjson",
    ExportFormat.CSV: "text/csv; charset=utf-8",
}
_FILE = {"schema": {"type": "string"}}


@router.get("", summary="Search the audit trail (审计记录)", responses=answers(401, 403, 422))
async def list_events(
    session: ReadSession,
    request: Request,
    response: Response,
    query: Annotated[EventQuery, Query()],
) -> Page[EventRead]:
    """Who did what to which thing, when and from where, newest first. Nothing of it can be changed
    or deleted. Who was refused a change is there as `access.refused`.
    """
    page = await service.list_events(session, query)
    link_next(request, response, page.next_cursor)
    return page


@router.get(
    "/export",
    summary="Export the audit trail (导出审计记录)",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "A file with one event a line",
            "content": {"application/x-ndjson": _FILE, "text/csv": _FILE},
        },
        **answers(401, 403, 422),
    },
)
async def export_events(
    runtime: RuntimeDep,
    session: WriteSession,
    actor: Annotated[Actor, Depends(requires(Permission.AUDIT_READ))],
    query: Annotated[ExportQuery, Query()],
) -> StreamingResponse:
    """All events that the filters leave, newest first, as JSON lines or as CSV (UTF-8 with a byte
    order mark; a cell that a spreadsheet would take for a formula begins with an apostrophe). Each
    export is an event itself (`audit.exported`).
    """
    service.record_export(session, actor, query)
    name = f"audit-{today().isoformat()}.{query.format.value}"
    return StreamingResponse(
        service.export(runtime.database, query),
        media_type=_MEDIA_TYPES[query.format],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get(
    "/{event_id}", summary="Read an event (查看审计记录)", responses=answers(401, 403, 404, 422)
)
async def get_event(
    event_id: Annotated[
        int,
        Path(
            ge=1,
            lt=2**63,
            openapi_examples={"sample": {"summary": "示例数据", "value": ids.EVENT}},
        ),
    ],
    session: ReadSession,
) -> EventRead:
    """One event, with the thing before and after."""
    return await service.get_event(session, event_id)
