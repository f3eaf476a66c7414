"""Calendar feeds (日历订阅): one's own, a new one, and the end of one."""

import uuid
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.calendars import service
from kechuangtong.calendars.schemas import FeedCreate
from kechuangtong.core.errors import Invalid, validation_text
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.instruments import queries
from kechuangtong.models import Instrument
from kechuangtong.pages.rendering import go, page, page_router
from kechuangtong.runtime import Runtime, RuntimeDep

router = page_router()

Reader = Annotated[Actor, Depends(requires(Permission.KEYS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.KEYS_WRITE))]


class FeedsShown(PageQuery):
    """One page of feeds, and of which instrument a new one is to be."""

    instrument_id: uuid.UUID | None = None


@router.get("/calendar-feeds")
async def show_feeds(
    request: Request, runtime: RuntimeDep, actor: Reader, query: Annotated[FeedsShown, Query()]
) -> HTMLResponse:
    """One's own feeds, and the form for another: of one's own bookings, or of an instrument."""
    return await _feeds(request, runtime, actor, query)


@router.post("/calendar-feeds")
async def create_feed(
    request: Request,
    runtime: RuntimeDep,
    actor: Writer,
    name: Annotated[str, Form()] = "",
    instrument_id: Annotated[str, Form()] = "",
) -> Response:
    """Make a feed and show its address, this once; or say why not."""
    address = problem = chosen = None
    status = HTTPStatus.CREATED
    try:
        wanted = FeedCreate.model_validate(
            {"name": name.strip(), "instrument_id": instrument_id or None}
        )
        chosen = wanted.instrument_id
        async with runtime.database.write() as session:
            _, token = await service.create(session, actor, wanted)
        address, name = service.address(runtime.settings.public_url, token), ""
    except ValidationError as error:
        problem, status = validation_text(dict(error.errors()[0])), Invalid.status
    except Invalid as error:
        problem, status, chosen = error.message, error.status, None
    query = FeedsShown(instrument_id=chosen)
    return await _feeds(request, runtime, actor, query, status, problem, name, address)


@router.post("/calendar-feeds/{feed_id}/revoke")
async def revoke_feed(feed_id: uuid.UUID, runtime: RuntimeDep, actor: Writer) -> Response:
    """End a feed at once."""
    async with runtime.database.write() as session:
        await service.revoke(session, actor, feed_id)
    return go("/calendar-feeds")


async def _feeds(
    request: Request,
    runtime: Runtime,
    actor: Actor,
    query: FeedsShown,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
    name: str = "",
    address: str | None = None,
) -> HTMLResponse:
    async with runtime.database.read() as session:
        found = await service.page(session, actor, query)
        ids = {one.instrument_id for one in found.items} | {query.instrument_id}
        seen = queries.shown(Instrument.id.in_(ids - {None}), queries.visible_to(actor))
        instruments = {one.id: one.name for one in await session.scalars(seen)}
    return page(
        request,
        "calendar_feeds.html",
        status=status,
        problem=problem,
        found=found,
        instruments=instruments,
        chosen=query.instrument_id if query.instrument_id in instruments else None,
        name=name,
        address=address,
    )
