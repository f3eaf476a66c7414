"""Attachments (附件) over HTTP."""

import uuid
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.attachments import service
from kechuangtong.attachments.deps import Discarded, Kept, Writer
from kechuangtong.attachments.files import MEDIA_TYPES
from kechuangtong.attachments.schemas import AttachmentPatch, AttachmentRead
from kechuangtong.core.http import ExpectedVersions, IfNoneMatch, etag, not_modified
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, PageQuery, link_next
from kechuangtong.core.trade import ListKind
from kechuangtong.lists.http import AchievementId, DemandId, Reviewed, of_sample
from kechuangtong.runtime import RuntimeDep
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1", tags=["attachments"], route_class=IdempotentRoute)

Reader = Annotated[Actor, Depends(requires(Permission.ATTACHMENTS_READ))]
AttachmentId = Annotated[uuid.UUID, of_sample(ids.ATTACHMENT)]

_ATTACHING: Any = answers(400, 401, 403, 404, 409, 413, 422, 503)
_BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.post(
    "/achievements/{achievement_id}/attachments",
    status_code=201,
    summary="Attach a file to an achievement (上传成果附件)",
    responses=_ATTACHING,
)
async def attach_to_achievement(
    achievement_id: AchievementId,
    content: Kept,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    reviewed: Reviewed,
) -> AttachmentRead:
    """Up to 20 files a record, each of a usual type; its extension and its content must agree.

    Where the organization's records are reviewed, a file that more than those let in may have
    submits a public record again.
    """
    attached = await service.attach(
        session,
        actor,
        ListKind.ACHIEVEMENT,
        achievement_id,
        content=content,
        reviewed=reviewed,
    )
    return _made(attached, response)


@router.post(
    "/demands/{demand_id}/attachments",
    status_code=201,
    summary="Attach a file to a demand (上传需求附件)",
    responses=_ATTACHING,
)
async def attach_to_demand(
    demand_id: DemandId,
    content: Kept,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    reviewed: Reviewed,
) -> AttachmentRead:
    """As for an achievement; beside an anonymous demand a file's name must not tell whose it is."""
    attached = await service.attach(
        session, actor, ListKind.DEMAND, demand_id, content=content, reviewed=reviewed
    )
    return _made(attached, response)


@router.get(
    "/achievements/{achievement_id}/attachments",
    summary="Attachments of an achievement (成果附件)",
    responses=answers(401, 404, 422),
)
async def list_achievement_attachments(
    achievement_id: AchievementId,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[AttachmentRead]:
    """Those that the caller may have, oldest first."""
    page = await service.list_attachments(
        session, actor, ListKind.ACHIEVEMENT, achievement_id, query
    )
    link_next(request, response, page.next_cursor)
    return page


@router.get(
    "/demands/{demand_id}/attachments",
    summary="Attachments of a demand (需求附件)",
    responses=answers(401, 404, 422),
)
async def list_demand_attachments(
    demand_id: DemandId,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[AttachmentRead]:
    """Those that the caller may have, oldest first."""
    page = await service.list_attachments(session, actor, ListKind.DEMAND, demand_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.get(
    "/attachments/{attachment_id}",
    summary="Read about an attachment (查看附件信息)",
    responses=answers(401, 404, 422),
)
async def get_attachment(
    attachment_id: AttachmentId, session: ReadSession, actor: Reader, response: Response
) -> AttachmentRead:
    """An attachment that the caller may have; any other is not there."""
    attachment = await service.get(session, actor, attachment_id)
    response.headers["ETag"] = f'"{attachment.version}"'
    return attachment


class _Entity(NamedTuple):
    version: int
    tag: str


@router.get(
    "/attachments/{attachment_id}/content",
    summary="Download an attachment (下载附件)",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The file (文件内容)",
            "content": dict.fromkeys(MEDIA_TYPES, _BINARY),
        },
        304: {"description": "Not modified"},
        **answers(401, 404, 422, 503),
    },
)
async def download_attachment(
    attachment_id: AttachmentId,
    runtime: RuntimeDep,
    session: WriteSession,
    actor: Reader,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The file itself, to be saved under its name. That it was downloaded is recorded before it
    goes out."""
    attachment = await service.get(session, actor, attachment_id)
    entity = _Entity(attachment.version, attachment.sha256)
    if (unchanged := not_modified(entity, if_none_match)) is not None:
        return unchanged
    blocks = await service.download(session, actor, runtime.attachments, attachment)
    headers = {
        # No charset is added: the text is as its writer encoded it.
        "Content-Type": attachment.media_type,
        "Content-Length": str(attachment.size),
        "Content-Disposition": disposition(attachment.name),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
        "ETag": etag(entity),
    }
    return StreamingResponse(blocks, headers=headers)


@router.patch(
    "/attachments/{attachment_id}",
    summary="Say who may have an attachment (修改附件权限)",
    responses=answers(400, 401, 403, 404, 412, 413, 422, 428),
)
async def change_attachment(
    attachment_id: AttachmentId,
    session: WriteSession,
    actor: Writer,
    response: Response,
    body: AttachmentPatch,
    expected_versions: ExpectedVersions,
    reviewed: Reviewed,
) -> AttachmentRead:
    """Change who may have it; organizations introduced for its record are let in without being
    named."""
    changed = await service.change(
        session,
        actor,
        attachment_id,
        values=body,
        expected_versions=expected_versions,
        reviewed=reviewed,
    )
    response.headers["ETag"] = f'"{changed.version}"'
    return changed


@router.delete(
    "/attachments/{attachment_id}",
    status_code=204,
    summary="Delete an attachment (删除附件)",
    responses=answers(401, 403, 404, 412, 422, 428),
)
async def delete_attachment(
    attachment_id: AttachmentId,
    discarded: Discarded,
    session: WriteSession,
    actor: Writer,
    expected_versions: ExpectedVersions,
) -> None:
    """Delete the attachment and its content."""
    await service.remove(session, actor, attachment_id, expected_versions=expected_versions)
    discarded.append(attachment_id)


def disposition(name: str) -> str:
    """A Content-Disposition (RFC 6266) by which a file is saved, under its name where possible."""
    plain = "".join(one if one.isascii() and one not in '"\\%' else "_" for one in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _made(attached: AttachmentRead, response: Response) -> AttachmentRead:
    response.headers["ETag"] = f'"{attached.version}"'
    response.headers["Location"] = f"/v1/attachments/{attached.id}"
    return attached
