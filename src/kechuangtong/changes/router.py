"""The change feed (变更流) over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.changes import service
from kechuangtong.changes.schemas import ChangeQuery, Changes
from kechuangtong.core.openapi import answers

router = APIRouter(
    prefix="/v1/changes",
    tags=["changes"],
    dependencies=[Depends(requires(Permission.CHANGES_READ))],
)


@router.get("", summary="Changes of the lists (变更流)", responses=answers(401, 403, 422))
async def list_changes(
    session: ReadSession,
    request: Request,
    response: Response,
    query: Annotated[ChangeQuery, Query()],
) -> Changes:
    """What became public, changed while it was public, or went, in the order in which it was
    committed: for programs that mirror the lists.

    Begin without `after`, which gives all that is public, and go on with `next_cursor`, now or
    later: nothing is left out. A record stands at its latest change alone, as anyone sees it at
    present; what was withdrawn, submitted again or has expired is told by its id. So a mirror puts
    what is `shown` and takes away what is `gone`, and may read a part twice without harm. Where a
    cursor is refused (`cursor_invalid`) it begins anew.
    """
    changes = await service.read(session, query)
    if changes.more:
        url = request.url.include_query_params(after=changes.next_cursor)
        response.headers["Link"] = f'<{url}>; rel="next"'
    return changes
