"""Photographs (照片) of an instrument: its editors add, put first and delete them."""

import uuid
from http import HTTPStatus
from typing import Annotated

from fastapi import Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from kechuangtong.accounts.actor import Actor
from kechuangtong.attachments.deps import Discarded, undone_on_failure
from kechuangtong.core.errors import AppError, Forbidden, Invalid, NotFound, validation_text
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.instruments import photographs, service
from kechuangtong.instruments.http import Writer
from kechuangtong.instruments.schemas import PhotographForm
from kechuangtong.pages.rendering import go, page, page_router
from kechuangtong.runtime import Runtime, RuntimeDep

router = page_router()


@router.get("/instruments/{instrument_id}/photographs")
async def show_photographs(
    request: Request, instrument_id: uuid.UUID, runtime: RuntimeDep, actor: Writer
) -> HTMLResponse:
    """The photographs of an instrument, and the form that adds one."""
    return await _photographs(request, runtime, actor, instrument_id)


@router.post("/instruments/{instrument_id}/photographs")
async def send_photograph(
    request: Request,
    instrument_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    caption: Annotated[str, Form()] = "",
    file: UploadFile | None = None,
) -> Response:
    """Add a photograph, or say why not."""
    try:
        form = PhotographForm.model_validate(
            {"file": file if file and file.filename else None, "caption": caption.strip()}
        )
        limit = runtime.settings.max_attachment_size
        content = await photographs.keep(runtime.attachments, form, limit=limit)
        async with undone_on_failure(runtime, content), runtime.database.write() as session:
            await photographs.add(
                session, actor, instrument_id, content=content, caption=form.caption
            )
        return go(f"/instruments/{instrument_id}/photographs")
    except ValidationError as error:
        problem, status = validation_text(dict(error.errors()[0])), Invalid.status
    except AppError as error:
        if isinstance(error, Forbidden | NotFound):
            raise
        problem, status = error.message, error.status
    return await _photographs(request, runtime, actor, instrument_id, status, problem, caption)


@router.post("/instruments/{instrument_id}/photographs/{photograph_id}/first")
async def put_photograph_first(
    instrument_id: uuid.UUID, photograph_id: uuid.UUID, runtime: RuntimeDep, actor: Writer
) -> Response:
    """Make a photograph the main one."""
    async with runtime.database.write() as session:
        await photographs.put_first(session, actor, instrument_id, photograph_id)
    return go(f"/instruments/{instrument_id}/photographs")


@router.post("/instruments/{instrument_id}/photographs/{photograph_id}/delete")
async def delete_photograph(
    instrument_id: uuid.UUID,
    photograph_id: uuid.UUID,
    discarded: Discarded,
    runtime: RuntimeDep,
    actor: Writer,
) -> Response:
    """Delete a photograph."""
    async with runtime.database.write() as session:
        await photographs.remove(session, actor, instrument_id, photograph_id)
    discarded.append(photograph_id)
    return go(f"/instruments/{instrument_id}/photographs")


async def _photographs(
    request: Request,
    runtime: Runtime,
    actor: Actor,
    instrument_id: uuid.UUID,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
    caption: str = "",
) -> HTMLResponse:
    async with runtime.database.read() as session:
        instrument = await service.own(session, actor, instrument_id)
        found = await photographs.listed(session, actor, instrument_id, PageQuery(limit=100))
        name = instrument.name
    return page(
        request,
        "photographs.html",
        status=status,
        problem=problem,
        instrument_id=instrument_id,
        name=name,
        photographs=found.items,
        caption=caption,
        max_bytes=runtime.settings.max_attachment_size,
    )
