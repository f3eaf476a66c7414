"""Calendar feeds (日历订阅) over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, WriteSession, for_anyone, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.calendars import service
from kechuangtong.calendars.schemas import FeedCreate, FeedCreated, FeedRead
from kechuangtong.core.http import IfNoneMatch, etag, not_modified
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, PageQuery, link_next
from kechuangtong.lists.http import of_sample
from kechuangtong.runtime import RuntimeDep
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1/calendar-feeds", tags=["calendar-feeds"])

_ICALENDAR = "text/calendar; charset=utf-8"
FeedId = Annotated[uuid.UUID, of_sample(ids.CALENDAR_FEED)]
# A feed's address is a key to what its person sees.
Reader = Annotated[Actor, Depends(requires(Permission.KEYS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.KEYS_WRITE))]
Token = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z0-9_-]{1,100}$",
        openapi_examples={"sample": {"summary": "示例数据", "value": ids.CALENDAR_TOKEN}},
    ),
]


@router.get(
    "", summary="List one's calendar feeds (日历订阅列表)", responses=answers(401, 403, 422)
)
async def list_calendar_feeds(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[FeedRead]:
    """One's own feeds, newest first, revoked ones included."""
    page = await service.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "",
    status_code=201,
    summary="Create a calendar feed (新建日历订阅)",
    responses=answers(400, 401, 403, 413, 422),
)
async def create_calendar_feed(
    session: WriteSession,
    actor: Writer,
    response: Response,
    runtime: RuntimeDep,
    body: FeedCreate,
) -> FeedCreated:
    """An address at which a calendar program reads the bookings of an instrument, or one's own,
    without signing in. Whoever has it can read it; it is in this answer and in no other."""
    feed, token = await service.create(session, actor, body)
    response.headers["Cache-Control"] = "no-store"
    url = service.address(runtime.settings.public_url, token)
    return FeedCreated(**FeedRead.model_validate(feed).model_dump(), url=url)


@router.delete(
    "/{feed_id}",
    status_code=204,
    summary="Revoke a calendar feed (撤销日历订阅)",
    responses=answers(401, 403, 404, 422),
)
async def revoke_calendar_feed(feed_id: FeedId, session: WriteSession, actor: Writer) -> None:
    """End a feed at once: its address answers 404."""
    await service.revoke(session, actor, feed_id)


@router.get(
    "/{token}.ics",
    summary="Read a calendar feed (读取日历)",
    response_class=Response,
    dependencies=[Depends(for_anyone(Permission.INSTRUMENTS_READ))],
    responses={
        200: {
            "description": "A calendar (RFC 5545)",
            "content": {_ICALENDAR: {"schema": {"type": "string"}}},
        },
        304: {"description": "Not modified"},
        **answers(404, 422),
    },
)
async def read_calendar_feed(
    token: Token, session: ReadSession, if_none_match: IfNoneMatch = None
) -> Response:
    """For calendar programs, which subscribe to it: times in UTC, from 60 days back on, at most
    2,000 bookings. Requests are `TENTATIVE`, what is approved `CONFIRMED`, what is not to be any
    more `CANCELLED`; an instrument's closures are events, too.

    It shows what its person may see at present: of an instrument of others that it is taken, not by
    whom. It ends when it is revoked, and with the person's account.
    """
    calendar = await service.read(session, token)
    return not_modified(calendar, if_none_match) or Response(
        calendar.content,
        media_type=_ICALENDAR,
        headers={"ETag": etag(calendar), "Cache-Control": "private, no-cache"},
    )
