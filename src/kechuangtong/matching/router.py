"""Matching (供需匹配) over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.achievements.service import achievements
from kechuangtong.core.openapi import answers
from kechuangtong.demands.service import demands
from kechuangtong.lists.http import AchievementId, DemandId
from kechuangtong.matching import feedback
from kechuangtong.matching.ranking import shipped
from kechuangtong.matching.schemas import (
    FeedbackCreate,
    FeedbackRead,
    MatchedAchievement,
    MatchedDemand,
    Matches,
    MatchQuery,
    MatchSearch,
)
from kechuangtong.matching.service import Matcher
from kechuangtong.runtime import Runtime, RuntimeDep

router = APIRouter(prefix="/v1", tags=["matches"], route_class=IdempotentRoute)

Reader = Annotated[Actor, Depends(requires(Permission.MATCHES_READ))]


def matcher(runtime: Runtime) -> Matcher:
    """The process's matcher."""
    return Matcher(runtime.index, runtime.embedder, shipped())


@router.get(
    "/demands/{demand_id}/matches",
    summary="Achievements for a demand (为需求匹配成果)",
    responses=answers(401, 404, 422, 503),
)
async def match_demand(
    demand_id: DemandId,
    runtime: RuntimeDep,
    session: ReadSession,
    actor: Reader,
    query: Annotated[MatchQuery, Query()],
) -> Matches[MatchedAchievement]:
    """The published achievements that fit a demand best, with the reasons for and against."""
    demand = await demands.get(session, actor, demand_id)
    return await matcher(runtime).for_record(session, actor, demand, query)


@router.get(
    "/achievements/{achievement_id}/matches",
    summary="Demands for an achievement (为成果匹配需求)",
    responses=answers(401, 404, 422, 503),
)
async def match_achievement(
    achievement_id: AchievementId,
    runtime: RuntimeDep,
    session: ReadSession,
    actor: Reader,
    query: Annotated[MatchQuery, Query()],
) -> Matches[MatchedDemand]:
    """The published demands that an achievement fits best, with the reasons for and against."""
    achievement = await achievements.get(session, actor, achievement_id)
    return await matcher(runtime).for_record(session, actor, achievement, query)


@router.post(
    "/matches/search",
    summary="Matches for a free text (以文本匹配)",
    responses=answers(400, 401, 413, 422, 503),
)
async def match_text(
    runtime: RuntimeDep, session: ReadSession, actor: Reader, body: MatchSearch
) -> Matches[MatchedAchievement] | Matches[MatchedDemand]:
    """What fits a text of any length, as if it stood in the other list; nothing is stored.

    Where it has no `title`, its first words stand for one. What lies beyond the model's window
    counts as words.
    """
    return await matcher(runtime).for_text(session, actor, body)


@router.post(
    "/matches/feedback",
    status_code=201,
    summary="Say whether a match helped (匹配反馈)",
    responses=answers(400, 401, 409, 413, 422),
)
async def give_feedback(
    runtime: RuntimeDep,
    session: IdempotentSession,
    actor: Annotated[Actor, Depends(requires(Permission.MATCHES_FEEDBACK))],
    body: FeedbackCreate,
) -> FeedbackRead:
    """Useful or wrong, and why. Said again of the same pair, it replaces what was said before.

    It is counted in the statistics, and the ranking can be trained on it.
    """
    return await feedback.give(session, actor, matcher(runtime), body)
