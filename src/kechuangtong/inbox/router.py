"""The inbox (收件箱) over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.inbox import service
from kechuangtong.inbox.schemas import InboxQuery, NoticeRead, ReadAll, ReadCount
from kechuangtong.lists.http import of_sample
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1/inbox", tags=["inbox"], route_class=IdempotentRoute)

Reader = Annotated[Actor, Depends(requires(Permission.INBOX_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.INBOX_WRITE))]
NoticeId = Annotated[uuid.UUID, of_sample(ids.NOTICE)]


@router.get("", summary="Read the inbox (收件箱)", responses=answers(401, 403, 422))
async def list_notices(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[InboxQuery, Query()],
) -> Page[NoticeRead]:
    """What concerns the caller's organizations, newest first; what waits for them is marked."""
    page = await service.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/read-all",
    summary="Mark all as read (全部已读)",
    responses=answers(400, 401, 403, 413, 422),
)
async def read_all_notices(session: IdempotentSession, actor: Writer, body: ReadAll) -> ReadCount:
    """Mark the notices of one or all of the caller's organizations as read, for all its people."""
    return ReadCount(read=await service.read_all(session, actor, body.organization_id))


@router.post(
    "/{notice_id}/read", summary="Mark as read (已读)", responses=answers(401, 403, 404, 422)
)
async def read_notice(notice_id: NoticeId, session: IdempotentSession, actor: Writer) -> NoticeRead:
    """Mark a notice as read, for all of the organization's people; it still waits if it did."""
    return service.show(await service.read(session, actor, notice_id))
