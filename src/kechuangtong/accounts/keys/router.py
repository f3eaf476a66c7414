"""API keys (API 密钥) over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, WriteSession, requires
from kechuangtong.accounts.keys import service
from kechuangtong.accounts.keys.schemas import KeyCreate, KeyCreated, KeyQuery, KeyRead
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.lists.http import of_sample
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1/api-keys", tags=["api-keys"])

KeyId = Annotated[uuid.UUID, of_sample(ids.API_KEY)]
Reader = Annotated[Actor, Depends(requires(Permission.KEYS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.KEYS_WRITE))]


@router.get("", summary="List API keys (密钥列表)", responses=answers(401, 403, 422))
async def list_keys(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[KeyQuery, Query()],
) -> Page[KeyRead]:
    """One's own keys, newest first; with a filter also those of others for the organizations that
    one manages, and all for administrators."""
    page = await service.list_keys(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "",
    status_code=201,
    summary="Create an API key (新建密钥)",
    responses=answers(400, 401, 403, 413, 422),
)
async def create_key(
    session: WriteSession, actor: Writer, response: Response, body: KeyCreate
) -> KeyCreated:
    """A key for a program, sent as `X-API-Key`. Its secret is in this answer and in no other."""
    key, secret = await service.create_key(session, actor, body)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Location"] = f"/v1/api-keys/{key.id}"
    return KeyCreated(**KeyRead.model_validate(key).model_dump(), secret=secret)


@router.get(
    "/{key_id}", summary="Read an API key (查看密钥)", responses=answers(401, 403, 404, 422)
)
async def get_key(key_id: KeyId, session: ReadSession, actor: Reader) -> KeyRead:
    """One key, without its secret."""
    return KeyRead.model_validate(await service.get_key(session, actor, key_id))


@router.delete(
    "/{key_id}",
    status_code=204,
    summary="Revoke an API key (撤销密钥)",
    responses=answers(401, 403, 404, 422),
)
async def revoke_key(key_id: KeyId, session: WriteSession, actor: Writer) -> None:
    """End a key at once; it is kept, to say what it did."""
    await service.revoke_key(session, actor, key_id)
