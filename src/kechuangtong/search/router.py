"""Searching (检索) over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import link_next
from kechuangtong.runtime import RuntimeDep
from kechuangtong.search import service
from kechuangtong.search.schemas import SearchQuery, SearchResults

router = APIRouter(prefix="/v1/search", tags=["search"])


@router.get("", summary="Search a list, or instruments (检索)", responses=answers(401, 422, 503))
async def search(
    runtime: RuntimeDep,
    session: ReadSession,
    actor: Annotated[Actor, Depends(requires(Permission.SEARCH))],
    request: Request,
    response: Response,
    query: Annotated[SearchQuery, Query()],
) -> SearchResults:
    """Published records of a list, or instruments (仪器), by words, with filters, counts and marks
    of what was found.

    Traditional finds simplified and the reverse, full width finds half width, a part of a longer
    Chinese word is found, and one typing error in a Latin word of five letters or more is forgiven
    (on Meilisearch not in its first letter). Where no record has all of many words, Meilisearch
    counts up to 1,000. Whose an anonymous demand (匿名需求) is, is neither found nor counted.

    A filter, or a count, that the kind does not have is refused: fields, stages, ways and dates are
    of the lists; `class`, `instrument_kind` and `share_mode` of instruments. What of an instrument
    is free when, `GET /v1/instruments` tells.
    """
    results = await service.search(
        session, runtime.index, actor, query, max_query_length=runtime.settings.max_query_length
    )
    link_next(request, response, results.next_cursor)
    return results
