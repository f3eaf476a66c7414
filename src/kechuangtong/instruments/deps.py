"""A photograph beside a request's transaction: kept before it begins.

Routes name it before their session, so that it ends after it.
"""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Form

from kechuangtong.attachments.deps import undone_on_failure
from kechuangtong.attachments.service import Content
from kechuangtong.instruments import photographs
from kechuangtong.instruments.http import Writer
from kechuangtong.instruments.schemas import PhotographForm
from kechuangtong.runtime import RuntimeDep


async def _kept(
    runtime: RuntimeDep,
    _actor: Writer,
    form: Annotated[PhotographForm, Form(media_type="multipart/form-data")],
) -> AsyncIterator[tuple[Content, str]]:
    limit = runtime.settings.max_attachment_size
    content = await photographs.keep(runtime.attachments, form, limit=limit)
    async with undone_on_failure(runtime, content):
        yield content, form.caption


KeptPhotograph = Annotated[tuple[Content, str], Depends(_kept, scope="function")]
"""The picture that was sent, in the store, and its caption; it is taken out again where the request
fails."""
