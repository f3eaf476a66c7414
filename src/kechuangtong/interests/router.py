"""Interests (对接意向) and introductions (引荐) over HTTP."""

import uuid
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.http import ExpectedVersions, etag
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.interests import service
from kechuangtong.interests.schemas import (
    InterestCreate,
    InterestDecline,
    InterestDetail,
    InterestMessageCreate,
    InterestQuery,
    InterestRead,
    IntroductionQuery,
    IntroductionRead,
    MatchedAs,
)
from kechuangtong.interests.states import Action
from kechuangtong.lists.http import of_sample
from kechuangtong.matching.router import matcher
from kechuangtong.models import Interest
from kechuangtong.runtime import RuntimeDep
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1", tags=["interests"], route_class=IdempotentRoute)

Reader = Annotated[Actor, Depends(requires(Permission.INTERESTS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.INTERESTS_WRITE))]
InterestId = Annotated[uuid.UUID, of_sample(ids.INTEREST)]
InterestToDeclineId = Annotated[uuid.UUID, of_sample(ids.INTEREST_TO_DECLINE)]
InterestToWithdrawId = Annotated[uuid.UUID, of_sample(ids.INTEREST_TO_WITHDRAW)]
IntroductionId = Annotated[uuid.UUID, of_sample(ids.INTRODUCTION)]


@dataclass(frozen=True, slots=True)
class _Judged:
    body: InterestCreate
    match: MatchedAs | None


async def _judged(runtime: RuntimeDep, actor: Writer, body: InterestCreate) -> _Judged:
    """Judging a pair takes time that no writer should wait for, so it is done before."""
    async with runtime.database.read() as session:
        match = await service.judge(
            session,
            actor,
            matcher(runtime),
            demand_id=body.demand_id,
            achievement_id=body.achievement_id,
        )
    return _Judged(body, match)


async def _answer(
    session: AsyncSession, actor: Actor, response: Response, interest: Interest
) -> InterestDetail:
    shown = await service.show(session, actor, interest)
    response.headers["ETag"] = etag(shown)
    return shown


@router.get("/interests", summary="List interests (对接意向)", responses=answers(401, 403, 422))
async def list_interests(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[InterestQuery, Query()],
) -> Page[InterestRead]:
    """Interests that the caller's organizations sent or received, newest first."""
    page = await service.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/interests",
    status_code=201,
    summary="Express an interest (提出对接意向)",
    responses=answers(400, 401, 403, 409, 413, 422),
)
async def express_interest(
    judged: Annotated[_Judged, Depends(_judged)],  # before the session, which lets others wait
    session: IdempotentSession,
    actor: Writer,
    response: Response,
) -> InterestDetail:
    """Tell an organization of an interest in its published record; it is asked to answer.

    Where it comes from a published record of one's own, as in a match, both are named, and what
    the ranking says of the pair is kept. No contacts are shown before the interest is accepted.
    """
    interest = await service.express(session, actor, judged.body, judged.match)
    response.headers["Location"] = f"/v1/interests/{interest.id}"
    return await _answer(session, actor, response, interest)


@router.get(
    "/interests/{interest_id}",
    summary="Read an interest (查看意向)",
    responses=answers(401, 403, 404, 422),
)
async def get_interest(
    interest_id: InterestId, session: ReadSession, actor: Reader, response: Response
) -> InterestDetail:
    """One interest with its messages; its ETag is what an action sends as If-Match."""
    return await _answer(session, actor, response, await service.get(session, actor, interest_id))


@router.post(
    "/interests/{interest_id}/ask",
    summary="Ask before deciding (提问)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def ask_about_interest(
    interest_id: InterestId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: InterestMessageCreate,
    expected_versions: ExpectedVersions,
) -> InterestDetail:
    """The owner asks who is interested; the interest waits for the answer."""
    interest = await service.act(
        session,
        actor,
        interest_id,
        Action.ASK,
        expected_versions=expected_versions,
        message=body.message,
    )
    return await _answer(session, actor, response, interest)


@router.post(
    "/interests/{interest_id}/answer",
    summary="Answer the question (答复)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def answer_about_interest(
    interest_id: InterestId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: InterestMessageCreate,
    expected_versions: ExpectedVersions,
) -> InterestDetail:
    """Who is interested answers; the owner is asked again to decide."""
    interest = await service.act(
        session,
        actor,
        interest_id,
        Action.ANSWER,
        expected_versions=expected_versions,
        message=body.message,
    )
    return await _answer(session, actor, response, interest)


@router.post(
    "/interests/{interest_id}/accept",
    summary="Accept an interest (接受意向)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def accept_interest(
    interest_id: InterestId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
) -> InterestDetail:
    """The owner agrees to meet: both sides are introduced, with their contacts."""
    interest = await service.act(
        session, actor, interest_id, Action.ACCEPT, expected_versions=expected_versions
    )
    return await _answer(session, actor, response, interest)


@router.post(
    "/interests/{interest_id}/decline",
    summary="Decline an interest (谢绝意向)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def decline_interest(
    interest_id: InterestToDeclineId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: InterestDecline,
    expected_versions: ExpectedVersions,
) -> InterestDetail:
    """The owner declines, and says why; of a pair that was matched, the ranking learns it."""
    interest = await service.act(
        session,
        actor,
        interest_id,
        Action.DECLINE,
        expected_versions=expected_versions,
        message=body.message,
        reason=body.reason,
    )
    return await _answer(session, actor, response, interest)


@router.post(
    "/interests/{interest_id}/withdraw",
    summary="Withdraw an interest (撤回意向)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def withdraw_interest(
    interest_id: InterestToWithdrawId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
) -> InterestDetail:
    """Who expressed the interest has it no more."""
    interest = await service.act(
        session, actor, interest_id, Action.WITHDRAW, expected_versions=expected_versions
    )
    return await _answer(session, actor, response, interest)


@router.get("/introductions", summary="List introductions (引荐)", responses=answers(401, 403, 422))
async def list_introductions(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[IntroductionQuery, Query()],
) -> Page[IntroductionRead]:
    """Introductions of the caller's organizations, newest first."""
    page = await service.introductions(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.get(
    "/introductions/{introduction_id}",
    summary="Read an introduction (查看引荐)",
    responses=answers(401, 403, 404, 422),
)
async def get_introduction(
    introduction_id: IntroductionId, session: ReadSession, actor: Reader
) -> IntroductionRead:
    """Both sides, the records, and whom to call; a deal can start from it."""
    return await service.introduction(session, actor, introduction_id)
