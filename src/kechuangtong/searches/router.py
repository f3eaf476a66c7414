"""Saved searches (订阅检索) over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.http import ExpectedVersions, etag
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, PageQuery, link_next
from kechuangtong.lists.http import of_sample
from kechuangtong.runtime import RuntimeDep
from kechuangtong.sample import ids
from kechuangtong.search.schemas import SearchResults
from kechuangtong.searches import service
from kechuangtong.searches.schemas import (
    SavedSearchCreate,
    SavedSearchPatch,
    SavedSearchQuery,
    SavedSearchRead,
)

router = APIRouter(prefix="/v1/saved-searches", tags=["search"], route_class=IdempotentRoute)

Reader = Annotated[Actor, Depends(requires(Permission.SEARCHES_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.SEARCHES_WRITE))]
SavedSearchId = Annotated[uuid.UUID, of_sample(ids.SAVED_SEARCH)]


@router.get("", summary="List saved searches (订阅检索)", responses=answers(401, 403, 422))
async def list_saved_searches(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[SavedSearchQuery, Query()],
) -> Page[SavedSearchRead]:
    """The saved searches of the caller's organizations, newest first."""
    page = await service.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "",
    status_code=201,
    summary="Save a search (保存检索)",
    responses=answers(400, 401, 403, 409, 413, 422),
)
async def save_search(
    session: IdempotentSession,
    runtime: RuntimeDep,
    actor: Writer,
    response: Response,
    body: SavedSearchCreate,
) -> SavedSearchRead:
    """Keep a search for an organization, at most 50: its inbox tells what others publish in it."""
    saved = await service.save(
        session, actor, body, max_query_length=runtime.settings.max_query_length
    )
    response.headers["ETag"] = etag(saved)
    response.headers["Location"] = f"/v1/saved-searches/{saved.id}"
    return service.show(saved)


@router.get(
    "/{search_id}",
    summary="Read a saved search (查看订阅)",
    responses=answers(401, 403, 404, 422),
)
async def get_saved_search(
    search_id: SavedSearchId, session: ReadSession, actor: Reader, response: Response
) -> SavedSearchRead:
    """One saved search; its ETag is what a change sends as If-Match."""
    saved = await service.get(session, actor, search_id)
    response.headers["ETag"] = etag(saved)
    return service.show(saved)


@router.get(
    "/{search_id}/results",
    summary="Run a saved search (运行订阅检索)",
    responses=answers(401, 403, 404, 422, 503),
)
async def run_saved_search(
    search_id: SavedSearchId,
    runtime: RuntimeDep,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> SearchResults:
    """What a saved search finds now, newest first, as `GET /v1/search` shows it."""
    saved = await service.get(session, actor, search_id)
    found = await service.results(session, runtime, actor, saved, query)
    link_next(request, response, found.next_cursor)
    return found


@router.patch(
    "/{search_id}",
    summary="Change a saved search (修改订阅)",
    responses=answers(400, 401, 403, 404, 412, 413, 422, 428),
)
async def change_saved_search(
    search_id: SavedSearchId,
    session: WriteSession,
    runtime: RuntimeDep,
    actor: Writer,
    response: Response,
    body: SavedSearchPatch,
    expected_versions: ExpectedVersions,
) -> SavedSearchRead:
    """Change what is given, a query as a whole; the rest stays as it is."""
    saved = await service.change(
        session,
        actor,
        search_id,
        body,
        expected_versions=expected_versions,
        max_query_length=runtime.settings.max_query_length,
    )
    response.headers["ETag"] = etag(saved)
    return service.show(saved)


@router.delete(
    "/{search_id}",
    status_code=204,
    summary="Delete a saved search (取消订阅)",
    responses=answers(401, 403, 404, 412, 422, 428),
)
async def delete_saved_search(
    search_id: SavedSearchId,
    session: WriteSession,
    actor: Writer,
    expected_versions: ExpectedVersions,
) -> None:
    """Keep a search no longer."""
    await service.delete(session, actor, search_id, expected_versions=expected_versions)
