"""Photographs (照片) of instruments over HTTP."""

from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.attachments.deps import Discarded
from kechuangtong.attachments.pictures import MEDIA_TYPES
from kechuangtong.core.http import IfNoneMatch, etag, not_modified
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, PageQuery, link_next
from kechuangtong.instruments import photographs
from kechuangtong.instruments.deps import KeptPhotograph
from kechuangtong.instruments.http import InstrumentId, PhotographId, Reader, Writer
from kechuangtong.instruments.schemas import PhotographRead
from kechuangtong.runtime import RuntimeDep

router = APIRouter(
    prefix="/v1/instruments/{instrument_id}/photographs",
    tags=["instruments"],
    route_class=IdempotentRoute,
)

_BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.post(
    "",
    status_code=201,
    summary="Add a photograph (上传照片)",
    responses=answers(400, 401, 403, 404, 409, 413, 422, 503),
)
async def add_photograph(
    instrument_id: InstrumentId,
    kept: KeptPhotograph,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
) -> PhotographRead:
    """Up to 20 of an instrument, as jpg, png or webp; who sees the instrument sees them. What a
    file says beside the picture (place, time, camera) is left out of what is kept."""
    content, caption = kept
    made = await photographs.add(session, actor, instrument_id, content=content, caption=caption)
    response.headers["Location"] = f"/v1/instruments/{instrument_id}/photographs/{made.id}"
    return made


@router.get("", summary="List photographs (照片列表)", responses=answers(401, 404, 422))
async def list_photographs(
    instrument_id: InstrumentId,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[PhotographRead]:
    """The photographs of an instrument, the main one first."""
    page = await photographs.listed(session, actor, instrument_id, query)
    link_next(request, response, page.next_cursor)
    return page


class _Entity(NamedTuple):
    version: int
    tag: str


@router.get(
    "/{photograph_id}",
    summary="See a photograph (查看照片)",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The picture (照片)",
            "content": dict.fromkeys(sorted(set(MEDIA_TYPES.values())), _BINARY),
        },
        304: {"description": "Not modified"},
        **answers(401, 404, 422, 503),
    },
)
async def get_photograph(
    instrument_id: InstrumentId,
    photograph_id: PhotographId,
    runtime: RuntimeDep,
    session: ReadSession,
    actor: Reader,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The picture itself, for who sees its instrument."""
    photograph = await photographs.find(session, actor, instrument_id, photograph_id)
    entity = _Entity(photograph.version, photograph.sha256)
    if (unchanged := not_modified(entity, if_none_match)) is not None:
        return unchanged
    headers = {
        "Content-Type": photograph.media_type,
        "Content-Length": str(photograph.size),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-cache",
        "ETag": etag(entity),
    }
    return StreamingResponse(await runtime.attachments.open(photograph_id), headers=headers)


@router.post(
    "/{photograph_id}/first",
    summary="Make a photograph the main one (设为主图)",
    responses=answers(401, 403, 404, 422),
)
async def put_photograph_first(
    instrument_id: InstrumentId,
    photograph_id: PhotographId,
    session: IdempotentSession,
    actor: Writer,
) -> PhotographRead:
    """It comes before the others, and is the one that lists show."""
    return await photographs.put_first(session, actor, instrument_id, photograph_id)


@router.delete(
    "/{photograph_id}",
    status_code=204,
    summary="Delete a photograph (删除照片)",
    responses=answers(401, 403, 404, 422),
)
async def delete_photograph(
    instrument_id: InstrumentId,
    photograph_id: PhotographId,
    discarded: Discarded,
    session: WriteSession,
    actor: Writer,
) -> None:
    """Delete the photograph and its content."""
    await photographs.remove(session, actor, instrument_id, photograph_id)
    discarded.append(photograph_id)
