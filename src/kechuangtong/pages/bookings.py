"""Bookings (预约): one's own, those to decide, and what can be done to one now."""

import uuid
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.bookings import service
from kechuangtong.bookings.schemas import (
    BookingCancel,
    BookingQuery,
    BookingReason,
    RatingCreate,
    UsageRecord,
)
from kechuangtong.bookings.states import Action
from kechuangtong.core.errors import Conflict, Invalid, PreconditionFailed, validation_text
from kechuangtong.core.language import Text
from kechuangtong.models.booking import BookingState
from kechuangtong.pages.rendering import go, page, page_router
from kechuangtong.runtime import RuntimeDep

router = page_router()

Reader = Annotated[Actor, Depends(requires(Permission.BOOKINGS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.BOOKINGS_WRITE))]

_STALE: Final = Text(
    "此预约刚刚有了变化，下面是它现在的样子，请看过再提交。",
    "This booking has just changed; this is how it stands now: look at it, then send again.",
)
_TO_DECIDE: Final = 20


@router.get("/bookings")
async def show_bookings(
    request: Request,
    session: ReadSession,
    actor: Reader,
    query: Annotated[BookingQuery, Query()],
) -> HTMLResponse:
    """Bookings that one's organizations made or received; to their staff, what is to be decided
    comes first."""
    manages = actor.holds(Permission.BOOKINGS_MANAGE)
    to_decide = None
    if manages and query == BookingQuery():
        asked = BookingQuery(box="received", state=BookingState.REQUESTED, limit=_TO_DECIDE)
        to_decide = await service.page(session, actor, asked)
    # Of a series all are shown; and who belongs to no organization has no side.
    if query.box is None and query.series_id is None and actor.organization_ids:
        query = query.model_copy(update={"box": "made"})
    found = await service.page(session, actor, query)
    return page(
        request,
        "bookings.html",
        query=query,
        to_decide=to_decide,
        found=found,
        manages=manages,
    )


@router.get("/bookings/{booking_id}")
async def show_booking(
    request: Request, booking_id: uuid.UUID, session: ReadSession, actor: Reader
) -> HTMLResponse:
    """A booking, and what can be done now."""
    return await _booking(request, session, actor, booking_id)


@router.post("/bookings/{booking_id}/{verb}")
async def act_on_booking(
    request: Request,
    booking_id: uuid.UUID,
    verb: Action,
    runtime: RuntimeDep,
    actor: Writer,
    version: Annotated[int, Form()] = 0,
    reason: Annotated[str, Form()] = "",
    hours: Annotated[str, Form()] = "",
    samples: Annotated[str, Form()] = "",
    content: Annotated[str, Form()] = "",
    rating: Annotated[str, Form()] = "",
    comment: Annotated[str, Form()] = "",
    series_id: Annotated[uuid.UUID | None, Form()] = None,
) -> Response:
    """Approve, decline, cancel, start, finish, note that nobody came, rate; or say why not. A whole
    series is approved or declined at once."""
    typed = {
        "reason": reason,
        "hours": hours,
        "samples": samples,
        "content": content,
        "rating": rating,
        "comment": comment,
    }
    problem: Text
    try:
        said = _said(verb, {name: value.strip() or None for name, value in typed.items()})
        async with runtime.database.write() as session:
            if series_id is not None and verb in (Action.APPROVE, Action.DECLINE):
                await service.decide_series(session, actor, series_id, verb, **said)
            else:
                expected = frozenset({version})
                await service.act(
                    session, actor, booking_id, verb, expected_versions=expected, **said
                )
        return go(f"/bookings/{booking_id}")
    except ValidationError as error:
        problem, status = validation_text(dict(error.errors()[0])), Invalid.status
    except PreconditionFailed as error:
        problem, status = _STALE, error.status
    except (Conflict, Invalid) as error:
        problem, status = error.message, error.status
    async with runtime.database.read() as session:
        return await _booking(
            request, session, actor, booking_id, typed | {"verb": verb}, status, problem
        )


def _said(verb: Action, typed: dict[str, str | None]) -> dict[str, Any]:
    """What is told with an action. Raises ValidationError."""
    if verb is Action.DECLINE:
        return {"reason": BookingReason.model_validate({"reason": typed["reason"] or ""}).reason}
    if verb is Action.CANCEL:
        return {"reason": BookingCancel.model_validate({"reason": typed["reason"]}).reason}
    if verb is Action.FINISH:
        used = {name: typed[name] for name in ("hours", "samples", "content")}
        return {"usage": UsageRecord.model_validate(used)}
    if verb is Action.RATE:
        rated = {"rating": typed["rating"] or "", "comment": typed["comment"]}
        return {"rating": RatingCreate.model_validate(rated)}
    return {}


async def _booking(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    booking_id: uuid.UUID,
    typed: dict[str, str] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
) -> HTMLResponse:
    booking = await service.get(session, actor, booking_id)
    (shown,) = await service.show(session, [booking])
    nothing = dict.fromkeys(("verb", "reason", "hours", "samples", "content", "rating"), "")
    return page(
        request,
        "booking.html",
        status=status,
        problem=problem,
        booking=shown,
        possible=service.possible(actor, booking),
        typed=typed or {**nothing, "comment": shown.comment or "", "rating": shown.rating or ""},
    )
