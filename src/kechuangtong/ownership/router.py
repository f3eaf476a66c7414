"""Ownership of achievements (成果权属) over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, WriteSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.http import etag, versions_in
from kechuangtong.core.openapi import answers, raising
from kechuangtong.core.paging import Page, PageQuery, link_next
from kechuangtong.lists.http import AchievementId
from kechuangtong.ownership import service
from kechuangtong.ownership.schemas import (
    OwnershipPut,
    OwnershipQuery,
    OwnershipRead,
    RewardQuery,
    RewardRead,
)

router = APIRouter(prefix="/v1/achievements/{achievement_id}/ownership", tags=["ownership"])

Reader = Annotated[Actor, Depends(requires(Permission.ACHIEVEMENTS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.ACHIEVEMENTS_WRITE))]
Insider = Annotated[Actor, Depends(requires(Permission.DEALS_READ))]


@raising(412, 428)
def _expected_versions(
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",  # as such it is not required of every caller
            description="The ETag of the last version; needed after the first (上一版本)",
        ),
    ] = None,
) -> frozenset[int] | None:
    return service.NONE_YET if if_match is None else versions_in(if_match)


@router.put(
    "",
    summary="Set the ownership (登记成果权属)",
    responses=answers(400, 401, 403, 404, 412, 413, 422, 428),
)
async def put_ownership(
    achievement_id: AchievementId,
    session: WriteSession,
    actor: Writer,
    response: Response,
    body: OwnershipPut,
    expected_versions: Annotated[frozenset[int] | None, Depends(_expected_versions)],
) -> OwnershipRead:
    """A new version, which holds from its day on: from then it stands before all that were set
    earlier. Shares add up to exactly 100 %, and so do the contributions of the persons."""
    shown = await service.put(
        session, actor, achievement_id, body, expected_versions=expected_versions
    )
    response.headers["ETag"] = etag(shown)
    return shown


@router.get("", summary="Read the ownership (查看成果权属)", responses=answers(401, 404, 422))
async def get_ownership(
    achievement_id: AchievementId,
    session: ReadSession,
    actor: Reader,
    response: Response,
    query: Annotated[OwnershipQuery, Query()],
) -> OwnershipRead:
    """The ownership that holds today, or on another day. Everyone sees the units' shares and how
    many inventors there are; who they are, the achievement's own organization alone."""
    shown = await service.current(session, actor, achievement_id, query.on)
    response.headers["ETag"] = etag(shown)
    return shown


@router.get(
    "/history", summary="List ownership versions (权属历史)", responses=answers(401, 404, 422)
)
async def list_ownership_versions(
    achievement_id: AchievementId,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[OwnershipRead]:
    """Every version that was set, the last first."""
    page = await service.history(session, actor, achievement_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.get(
    "/reward",
    summary="Divide a reward (分配奖励)",
    responses=answers(401, 403, 404, 409, 422),
)
async def divide_reward(
    achievement_id: AchievementId,
    session: ReadSession,
    actor: Insider,
    query: Annotated[RewardQuery, Query()],
) -> RewardRead:
    """What each person gets of an amount, by contribution: the parts add up to it to the cent. With
    the floor that the reward may not fall below, by the owner's region, and a warning where main
    contributors or transfer staff get less than the rules say. For the achievement's own
    organization."""
    return await service.reward(session, actor, achievement_id, query.amount, query.on)
