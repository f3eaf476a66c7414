"""Instruments (仪器) over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.attachments.deps import Discarded
from kechuangtong.core.http import ExpectedVersions, IfNoneMatch, etag, not_modified
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.instruments import service
from kechuangtong.instruments.http import (
    InstrumentDraftId,
    InstrumentId,
    InstrumentToWithdrawId,
    Reader,
    Writer,
)
from kechuangtong.instruments.schemas import (
    Availability,
    AvailabilityQuery,
    InstrumentCreate,
    InstrumentFound,
    InstrumentPatch,
    InstrumentQuery,
    InstrumentRead,
)
from kechuangtong.instruments.states import Action
from kechuangtong.models import Instrument

router = APIRouter(prefix="/v1/instruments", tags=["instruments"], route_class=IdempotentRoute)


def _shown(instrument: Instrument, actor: Actor, response: Response) -> InstrumentRead:
    shown = service.show(instrument, actor)
    response.headers["ETag"] = etag(shown)
    return shown


@router.get("", summary="Find instruments (仪器检索)", responses=answers(401, 422))
async def list_instruments(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[InstrumentQuery, Query()],
) -> Page[InstrumentFound]:
    """Instruments that the caller may see, newest first; also "free for 3 hours next week, within
    20 km, class 0301": `free_hours`, `free_from`, `free_to`, `near`, `within_km`, `class`.

    By places and free times a page may hold fewer than `limit` though others follow: go on with
    `next_cursor` until it is null.
    """
    page = await service.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "",
    status_code=201,
    summary="Create an instrument (新建仪器)",
    responses=answers(400, 401, 403, 409, 413, 422),
)
async def create_instrument(
    session: IdempotentSession, actor: Writer, response: Response, body: InstrumentCreate
) -> InstrumentRead:
    """A new draft (草稿) of an organization that the caller acts for."""
    instrument = await service.create(session, actor, body)
    response.headers["Location"] = f"/v1/instruments/{instrument.id}"
    return _shown(instrument, actor, response)


@router.get(
    "/{instrument_id}",
    summary="Read an instrument (查看仪器)",
    responses={304: {"description": "Not modified"}, **answers(401, 404, 422)},
    response_model=InstrumentRead,
)
async def get_instrument(
    instrument_id: InstrumentId,
    session: ReadSession,
    actor: Reader,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> InstrumentRead | Response:
    """One instrument; its ETag is what a change sends as If-Match."""
    shown = _shown(await service.get(session, actor, instrument_id), actor, response)
    return not_modified(shown, if_none_match) or shown


@router.patch(
    "/{instrument_id}",
    summary="Change an instrument (修改仪器)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def change_instrument(
    instrument_id: InstrumentId,
    session: WriteSession,
    actor: Writer,
    response: Response,
    body: InstrumentPatch,
    expected_versions: ExpectedVersions,
) -> InstrumentRead:
    """Change the fields that are given. Bookings that stand already keep their time."""
    instrument = await service.change(
        session, actor, instrument_id, values=body, expected_versions=expected_versions
    )
    return _shown(instrument, actor, response)


@router.post(
    "/{instrument_id}/publish",
    summary="Publish an instrument (发布仪器)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def publish_instrument(
    instrument_id: InstrumentDraftId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
) -> InstrumentRead:
    """Show an instrument to everyone; from then on it can be booked."""
    instrument = await service.move(
        session, actor, instrument_id, Action.PUBLISH, expected_versions=expected_versions
    )
    return _shown(instrument, actor, response)


@router.post(
    "/{instrument_id}/withdraw",
    summary="Withdraw an instrument (撤回仪器)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def withdraw_instrument(
    instrument_id: InstrumentToWithdrawId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
) -> InstrumentRead:
    """Take an instrument back from the public: nothing more is booked, what is booked stands."""
    instrument = await service.move(
        session, actor, instrument_id, Action.WITHDRAW, expected_versions=expected_versions
    )
    return _shown(instrument, actor, response)


@router.delete(
    "/{instrument_id}",
    status_code=204,
    summary="Delete a draft (删除仪器草稿)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def delete_instrument(
    instrument_id: InstrumentDraftId,
    discarded: Discarded,
    session: WriteSession,
    actor: Writer,
    expected_versions: ExpectedVersions,
) -> None:
    """Delete what was never public, with its photographs."""
    discarded += await service.delete(
        session, actor, instrument_id, expected_versions=expected_versions
    )


@router.get(
    "/{instrument_id}/availability",
    summary="When an instrument is free (空闲时间)",
    responses=answers(401, 404, 422),
)
async def get_availability(
    instrument_id: InstrumentId,
    session: ReadSession,
    actor: Reader,
    query: Annotated[AvailabilityQuery, Query()],
) -> Availability:
    """When it is open, and when so many of its units are free, in up to 62 days from now or a later
    instant; what lies within the lead time is left out."""
    return await service.availability(session, actor, instrument_id, query)
