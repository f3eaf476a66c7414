"""Closures (停机), prices (收费标准) and qualifications (上机资格) over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.bookings import closures
from kechuangtong.bookings.schemas import ClosureMade
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, PageQuery, link_next
from kechuangtong.instruments import terms
from kechuangtong.instruments.http import InstrumentId, Reader, Writer
from kechuangtong.instruments.schemas import (
    ClosureCreate,
    ClosureRead,
    PriceCreate,
    PriceRead,
    QualificationPut,
    QualificationRead,
)
from kechuangtong.lists.http import UserId, of_sample
from kechuangtong.sample import ids

router = APIRouter(
    prefix="/v1/instruments/{instrument_id}", tags=["instruments"], route_class=IdempotentRoute
)

ClosureId = Annotated[uuid.UUID, of_sample(ids.CLOSURE)]
PriceId = Annotated[uuid.UUID, of_sample(ids.PRICE_TO_COME)]


@router.get("/closures", summary="List closures (停机安排)", responses=answers(401, 404, 422))
async def list_closures(
    instrument_id: InstrumentId,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[ClosureRead]:
    """Closures that are not over."""
    page = await terms.closures(session, actor, instrument_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/closures",
    status_code=201,
    summary="Close an instrument for a time (安排停机)",
    responses=answers(400, 401, 403, 404, 413, 422),
)
async def close_instrument(
    instrument_id: InstrumentId, session: IdempotentSession, actor: Writer, body: ClosureCreate
) -> ClosureMade:
    """Nothing more is booked in this time. Bookings that are there already are listed in the
    answer, and their people are told; by `cancel_bookings` they are cancelled, but for what is in
    use."""
    return await closures.close(session, actor, instrument_id, body)


@router.delete(
    "/closures/{closure_id}",
    status_code=204,
    summary="Take a closure back (取消停机)",
    responses=answers(401, 403, 404, 422),
)
async def reopen_instrument(
    instrument_id: InstrumentId, closure_id: ClosureId, session: WriteSession, actor: Writer
) -> None:
    """The instrument is open in this time again."""
    await terms.reopen(session, actor, instrument_id, closure_id)


@router.get("/prices", summary="List prices (收费标准)", responses=answers(401, 404, 422))
async def list_prices(
    instrument_id: InstrumentId,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[PriceRead]:
    """Prices by class of user: each holds from its day until the next of its class begins."""
    page = await terms.prices(session, actor, instrument_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/prices",
    status_code=201,
    summary="Set a price (制定价格)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def set_price(
    instrument_id: InstrumentId, session: IdempotentSession, actor: Writer, body: PriceCreate
) -> PriceRead:
    """A price from today or a later day on. What a booking costs is the price in force at its
    start."""
    return PriceRead.model_validate(await terms.set_price(session, actor, instrument_id, body))


@router.delete(
    "/prices/{price_id}",
    status_code=204,
    summary="Take a price back (取消价格)",
    responses=answers(401, 403, 404, 409, 422),
)
async def drop_price(
    instrument_id: InstrumentId, price_id: PriceId, session: WriteSession, actor: Writer
) -> None:
    """Only one that has not begun; another ends one that has."""
    await terms.drop_price(session, actor, instrument_id, price_id)


@router.get(
    "/qualifications",
    summary="List qualified people (上机资格)",
    responses=answers(401, 404, 422),
)
async def list_qualifications(
    instrument_id: InstrumentId,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[QualificationRead]:
    """Staff of the instrument sees all, everyone else one's own."""
    page = await terms.qualifications(session, actor, instrument_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.put(
    "/qualifications/{user_id}",
    summary="Qualify a person (授予上机资格)",
    responses=answers(400, 401, 403, 404, 413, 422),
)
async def qualify_person(
    instrument_id: InstrumentId,
    user_id: UserId,
    session: WriteSession,
    actor: Writer,
    body: QualificationPut,
) -> QualificationRead:
    """From when and until when a person may book an instrument that asks for it; said again, it is
    changed."""
    return await terms.qualify(session, actor, instrument_id, user_id, body)


@router.delete(
    "/qualifications/{user_id}",
    status_code=204,
    summary="Take a qualification back (撤销上机资格)",
    responses=answers(401, 403, 404, 422),
)
async def disqualify_person(
    instrument_id: InstrumentId, user_id: UserId, session: WriteSession, actor: Writer
) -> None:
    """The person may book it no more; what it has booked stands."""
    await terms.disqualify(session, actor, instrument_id, user_id)
