"""Documents (交易文件) of deals over HTTP."""

from collections.abc import AsyncIterator
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import StreamingResponse

from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.attachments.deps import Discarded, undone_on_failure
from kechuangtong.attachments.files import MEDIA_TYPES
from kechuangtong.attachments.router import disposition
from kechuangtong.attachments.service import Content
from kechuangtong.core.http import IfNoneMatch, etag, not_modified
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, PageQuery, link_next
from kechuangtong.deals import documents
from kechuangtong.deals.http import DealId, DocumentId, Reader, Writer
from kechuangtong.deals.schemas import DocumentForm, DocumentRead
from kechuangtong.runtime import RuntimeDep

router = APIRouter(
    prefix="/v1/deals/{deal_id}/documents", tags=["deals"], route_class=IdempotentRoute
)

_BINARY = {"schema": {"type": "string", "format": "binary"}}


async def _kept(
    runtime: RuntimeDep,
    _actor: Writer,
    form: Annotated[DocumentForm, Form(media_type="multipart/form-data")],
) -> AsyncIterator[tuple[DocumentForm, Content]]:
    limit = runtime.settings.max_attachment_size
    content = await documents.keep(runtime.attachments, form, limit=limit)
    async with undone_on_failure(runtime, content):
        yield form, content


@router.post(
    "",
    status_code=201,
    summary="Add a document to a deal (上传交易文件)",
    responses=answers(400, 401, 403, 404, 409, 413, 422, 503),
)
async def add_deal_document(
    deal_id: DealId,
    # Before the session, so that it ends after it.
    kept: Annotated[tuple[DocumentForm, Content], Depends(_kept, scope="function")],
    session: IdempotentSession,
    actor: Writer,
    response: Response,
) -> DocumentRead:
    """Up to 100 files a deal, of the types of attachments, for all parties or for one's own side
    alone. What is put beside a step stays there."""
    form, content = kept
    made = await documents.add(session, actor, deal_id, form, content)
    response.headers["Location"] = f"/v1/deals/{deal_id}/documents/{made.id}"
    return made


@router.get("", summary="Documents of a deal (交易文件列表)", responses=answers(401, 403, 404, 422))
async def list_deal_documents(
    deal_id: DealId,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[DocumentRead]:
    """Those that the caller may have, oldest first."""
    page = await documents.listed(session, actor, deal_id, query)
    link_next(request, response, page.next_cursor)
    return page


class _Entity(NamedTuple):
    version: int
    tag: str


@router.get(
    "/{document_id}",
    summary="Download a document (下载交易文件)",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The file (文件内容)",
            "content": dict.fromkeys(MEDIA_TYPES, _BINARY),
        },
        304: {"description": "Not modified"},
        **answers(401, 403, 404, 422, 503),
    },
)
async def download_deal_document(
    deal_id: DealId,
    document_id: DocumentId,
    runtime: RuntimeDep,
    session: WriteSession,
    actor: Reader,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The file itself, to be saved under its name. That it was downloaded is recorded before it
    goes out."""
    document = await documents.get(session, actor, deal_id, document_id)
    entity = _Entity(1, document.sha256)  # a document is never changed
    if (unchanged := not_modified(entity, if_none_match)) is not None:
        return unchanged
    blocks = await documents.download(session, actor, runtime.attachments, document)
    headers = {
        # No charset is added: the text is as its writer encoded it.
        "Content-Type": document.media_type,
        "Content-Length": str(document.size),
        "Content-Disposition": disposition(document.name),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
        "ETag": etag(entity),
    }
    return StreamingResponse(blocks, headers=headers)


@router.delete(
    "/{document_id}",
    status_code=204,
    summary="Delete a document (删除交易文件)",
    responses=answers(401, 403, 404, 409, 422),
)
async def delete_deal_document(
    deal_id: DealId,
    document_id: DocumentId,
    discarded: Discarded,
    session: WriteSession,
    actor: Writer,
) -> None:
    """Delete a document of one's own side that belongs to no step, and its content."""
    await documents.remove(session, actor, deal_id, document_id)
    discarded.append(document_id)
