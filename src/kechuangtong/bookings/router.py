"""Bookings (预约) over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.bookings import service
from kechuangtong.bookings.schemas import (
    BookingCancel,
    BookingCreate,
    BookingQuery,
    BookingRead,
    BookingReason,
    RatingCreate,
    SeriesCreate,
    SeriesDecided,
    SeriesRead,
    StatementLine,
    StatementQuery,
    UsageRecord,
)
from kechuangtong.bookings.states import Action
from kechuangtong.core.http import ExpectedVersions, etag
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.lists.http import of_sample
from kechuangtong.models import Booking
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1/bookings", tags=["bookings"], route_class=IdempotentRoute)

Reader = Annotated[Actor, Depends(requires(Permission.BOOKINGS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.BOOKINGS_WRITE))]
Staff = Annotated[Actor, Depends(requires(Permission.BOOKINGS_MANAGE))]
BookingId = Annotated[uuid.UUID, of_sample(ids.BOOKING)]
SeriesId = Annotated[uuid.UUID, of_sample(ids.SERIES)]
SeriesToDeclineId = Annotated[uuid.UUID, of_sample(ids.SERIES_TO_DECLINE)]
BookingToDeclineId = Annotated[uuid.UUID, of_sample(ids.BOOKING_TO_DECLINE)]
BookingToCancelId = Annotated[uuid.UUID, of_sample(ids.BOOKING_TO_CANCEL)]
BookingToStartId = Annotated[uuid.UUID, of_sample(ids.BOOKING_TO_START)]
BookingToFinishId = Annotated[uuid.UUID, of_sample(ids.BOOKING_TO_FINISH)]
BookingMissedId = Annotated[uuid.UUID, of_sample(ids.BOOKING_MISSED)]
BookingFinishedId = Annotated[uuid.UUID, of_sample(ids.BOOKING_FINISHED)]


async def _answer(session: AsyncSession, response: Response, booking: Booking) -> BookingRead:
    await session.flush()  # the times of the change are shown
    (shown,) = await service.show(session, [booking])
    response.headers["ETag"] = etag(shown)
    return shown


@router.get("", summary="List bookings (预约列表)", responses=answers(401, 403, 422))
async def list_bookings(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[BookingQuery, Query()],
) -> Page[BookingRead]:
    """Bookings that the caller's organizations made, or received for their instruments, newest
    first."""
    page = await service.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "",
    status_code=201,
    summary="Book instruments (预约仪器)",
    responses=answers(400, 401, 403, 409, 413, 422),
)
async def create_booking(
    session: IdempotentSession, actor: Writer, response: Response, body: BookingCreate
) -> BookingRead:
    """Instruments of one organization for one time, all of them or none. It waits for approval,
    holding its slot for a time, or is approved at once, as the instruments say.

    Where there is no room the answer is 409, with the nearest free times as `free_times`; or the
    booking joins the waiting list (`if_full`), and moves up when there is room.
    """
    booking = await service.book(session, actor, body)
    response.headers["Location"] = f"/v1/bookings/{booking.id}"
    return await _answer(session, response, booking)


@router.post(
    "/series",
    status_code=201,
    summary="Book a series (周期预约)",
    responses=answers(400, 401, 403, 409, 413, 422),
)
async def create_series(
    session: IdempotentSession, actor: Writer, body: SeriesCreate
) -> SeriesRead:
    """A booking for each time of a rule (RFC 5545). Times that are not possible are skipped and
    listed, or refuse the whole, which lists them as `conflicts`."""
    return await service.book_series(session, actor, body)


@router.post(
    "/series/{series_id}/approve",
    summary="Approve a series (批准整个系列)",
    responses=answers(401, 403, 404, 409, 422),
)
async def approve_series(
    series_id: SeriesId, session: IdempotentSession, actor: Staff
) -> SeriesDecided:
    """Staff of the instruments approves all requests of a series at once."""
    decided = await service.decide_series(session, actor, series_id, Action.APPROVE)
    return SeriesDecided(bookings=decided)


@router.post(
    "/series/{series_id}/decline",
    summary="Decline a series (谢绝整个系列)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def decline_series(
    series_id: SeriesToDeclineId, session: IdempotentSession, actor: Staff, body: BookingReason
) -> SeriesDecided:
    """Staff declines all requests of a series, and says why; what was approved already stands."""
    decided = await service.decide_series(
        session, actor, series_id, Action.DECLINE, reason=body.reason
    )
    return SeriesDecided(bookings=decided)


@router.get(
    "/statement", summary="Statement of fees (费用对账单)", responses=answers(401, 403, 422)
)
async def get_statement(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[StatementQuery, Query()],
) -> Page[StatementLine]:
    """What the finished bookings of a month come to, by owner, using organization and class."""
    page = await service.statement(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.get(
    "/{booking_id}", summary="Read a booking (查看预约)", responses=answers(401, 403, 404, 422)
)
async def get_booking(
    booking_id: BookingId, session: ReadSession, actor: Reader, response: Response
) -> BookingRead:
    """One booking; its ETag is what an action sends as If-Match."""
    return await _answer(session, response, await service.get(session, actor, booking_id))


@router.post(
    "/{booking_id}/approve",
    summary="Approve a booking (批准预约)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def approve_booking(
    booking_id: BookingId,
    session: IdempotentSession,
    actor: Staff,
    response: Response,
    expected_versions: ExpectedVersions,
) -> BookingRead:
    """Staff of the instruments approves a request."""
    booking = await service.act(
        session, actor, booking_id, Action.APPROVE, expected_versions=expected_versions
    )
    return await _answer(session, response, booking)


@router.post(
    "/{booking_id}/decline",
    summary="Decline a booking (谢绝预约)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def decline_booking(
    booking_id: BookingToDeclineId,
    session: IdempotentSession,
    actor: Staff,
    response: Response,
    body: BookingReason,
    expected_versions: ExpectedVersions,
) -> BookingRead:
    """Staff of the instruments declines a request, and says why; what waits moves up."""
    booking = await service.act(
        session,
        actor,
        booking_id,
        Action.DECLINE,
        expected_versions=expected_versions,
        reason=body.reason,
    )
    return await _answer(session, response, booking)


@router.post(
    "/{booking_id}/cancel",
    summary="Cancel a booking (取消预约)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def cancel_booking(
    booking_id: BookingToCancelId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: BookingCancel,
    expected_versions: ExpectedVersions,
) -> BookingRead:
    """By its user until the cancellation time, or by staff, as when an instrument is out of order;
    what waits moves up."""
    booking = await service.act(
        session,
        actor,
        booking_id,
        Action.CANCEL,
        expected_versions=expected_versions,
        reason=body.reason,
    )
    return await _answer(session, response, booking)


@router.post(
    "/{booking_id}/start",
    summary="Start using (开始使用)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def start_booking(
    booking_id: BookingToStartId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
) -> BookingRead:
    """Its user has come, at most 15 minutes before the time; either side says so."""
    booking = await service.act(
        session, actor, booking_id, Action.START, expected_versions=expected_versions
    )
    return await _answer(session, response, booking)


@router.post(
    "/{booking_id}/finish",
    summary="Finish, with what was used (结束使用并登记)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def finish_booking(
    booking_id: BookingToFinishId,
    session: IdempotentSession,
    actor: Staff,
    response: Response,
    body: UsageRecord,
    expected_versions: ExpectedVersions,
) -> BookingRead:
    """Staff records hours and samples. The fee is the hours times the price that was in force at
    the booking's start; what is left of the time is free again."""
    booking = await service.act(
        session,
        actor,
        booking_id,
        Action.FINISH,
        expected_versions=expected_versions,
        usage=body,
    )
    return await _answer(session, response, booking)


@router.post(
    "/{booking_id}/no-show",
    summary="Nobody came (记为爽约)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def miss_booking(
    booking_id: BookingMissedId,
    session: IdempotentSession,
    actor: Staff,
    response: Response,
    expected_versions: ExpectedVersions,
) -> BookingRead:
    """Staff notes that nobody came, once the time has begun; the rest of it is free again."""
    booking = await service.act(
        session, actor, booking_id, Action.NO_SHOW, expected_versions=expected_versions
    )
    return await _answer(session, response, booking)


@router.post(
    "/{booking_id}/rate",
    summary="Rate a finished booking (评价)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def rate_booking(
    booking_id: BookingFinishedId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: RatingCreate,
    expected_versions: ExpectedVersions,
) -> BookingRead:
    """Its user says how it was, from 1 to 5; said again, it is changed."""
    booking = await service.act(
        session,
        actor,
        booking_id,
        Action.RATE,
        expected_versions=expected_versions,
        rating=body,
    )
    return await _answer(session, response, booking)
