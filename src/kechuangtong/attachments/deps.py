"""Contents beside a request's transaction: kept before it begins, discarded after it is committed.

Routes name these before their session, so that they end after it.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated

from anyio import CancelScope
from fastapi import Depends, Form

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.attachments import service
from kechuangtong.attachments.schemas import AttachmentForm
from kechuangtong.attachments.service import Content
from kechuangtong.attachments.store import StoreUnavailable
from kechuangtong.runtime import Runtime, RuntimeDep

Writer = Annotated[Actor, Depends(requires(Permission.ATTACHMENTS_WRITE))]


@asynccontextmanager
async def undone_on_failure(runtime: Runtime, content: Content) -> AsyncIterator[None]:
    """Takes a kept content out of the store again where its row does not come to be."""
    try:
        yield
    except BaseException:
        with CancelScope(shield=True), suppress(Exception):
            if not await service.is_attached(runtime.database, content.id):
                await runtime.attachments.delete(content.id)
        raise


async def _kept(
    runtime: RuntimeDep,
    _actor: Writer,
    form: Annotated[AttachmentForm, Form(media_type="multipart/form-data")],
) -> AsyncIterator[Content]:
    limit = runtime.settings.max_attachment_size
    content = await service.keep(runtime.attachments, form, limit=limit)
    async with undone_on_failure(runtime, content):
        yield content


async def _discarded(runtime: RuntimeDep) -> AsyncIterator[list[uuid.UUID]]:
    ids: list[uuid.UUID] = []
    yield ids
    for one in ids:
        with suppress(StoreUnavailable):  # without its row it is an orphan
            await runtime.attachments.delete(one)


Kept = Annotated[Content, Depends(_kept, scope="function")]
"""The file that was sent, in the store; it is taken out again where the request fails."""

Discarded = Annotated[list[uuid.UUID], Depends(_discarded, scope="function")]
"""Ids of contents to take out of the store once their rows are gone."""
