"""Deals (交易) over HTTP."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.core.http import ExpectedVersions, etag
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.deals import opening, service
from kechuangtong.deals.http import DealId, PartyId, Reader, Writer
from kechuangtong.deals.schemas import (
    Board,
    BoardQuery,
    DealCreate,
    DealDetail,
    DealQuery,
    DealRead,
    PartyCreate,
    StepCreate,
    StepQuery,
    StepRead,
)
from kechuangtong.interests.schemas import MatchedAs
from kechuangtong.interests.service import judge
from kechuangtong.matching.router import matcher
from kechuangtong.models import Deal
from kechuangtong.runtime import RuntimeDep

router = APIRouter(prefix="/v1/deals", tags=["deals"], route_class=IdempotentRoute)


@dataclass(frozen=True, slots=True)
class _Judged:
    body: DealCreate
    match: MatchedAs | None


async def _judged(runtime: RuntimeDep, actor: Writer, body: DealCreate) -> _Judged:
    """Judging a pair takes time that no writer should wait for, so it is done before."""
    async with runtime.database.read() as session:
        match = await judge(
            session,
            actor,
            matcher(runtime),
            demand_id=body.demand_id,
            achievement_id=body.achievement_id,
        )
    return _Judged(body, match)


async def _answer(
    session: AsyncSession, actor: Actor, response: Response, deal: Deal
) -> DealDetail:
    shown = await service.show(session, actor, deal)
    response.headers["ETag"] = etag(shown)
    return shown


@router.get("", summary="List deals (交易列表)", responses=answers(401, 403, 422))
async def list_deals(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[DealQuery, Query()],
) -> Page[DealRead]:
    """Deals in which the caller's organizations take part, newest first."""
    page = await service.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "",
    status_code=201,
    summary="Open a deal (建立交易)",
    responses=answers(400, 401, 403, 409, 413, 422),
)
async def open_deal(
    judged: Annotated[_Judged, Depends(_judged)],  # before the session, which lets others wait
    session: IdempotentSession,
    actor: Writer,
    response: Response,
) -> DealDetail:
    """From an introduction (引荐), by either side: the two are introduced. Or directly, on a
    published record of another organization's, which is then asked to agree; where a record of
    one's own is named beside it, what the ranking says of the pair is kept."""
    deal = await opening.create(session, actor, judged.body, judged.match)
    response.headers["Location"] = f"/v1/deals/{deal.id}"
    return await _answer(session, actor, response, deal)


@router.get("/board", summary="Deals by state (交易看板)", responses=answers(401, 403, 422))
async def get_deal_board(
    session: ReadSession, actor: Reader, query: Annotated[BoardQuery, Query()]
) -> Board:
    """Each state with the number of deals of the caller's organizations, the first five that have
    waited longest, and whom each waits for."""
    return await service.board(session, actor, query)


@router.get("/{deal_id}", summary="Read a deal (查看交易)", responses=answers(401, 403, 404, 422))
async def get_deal(
    deal_id: DealId, session: ReadSession, actor: Reader, response: Response
) -> DealDetail:
    """One deal, and what the caller can do now; its ETag is what a step sends as If-Match."""
    return await _answer(session, actor, response, await service.get(session, actor, deal_id))


@router.get(
    "/{deal_id}/steps",
    summary="History of a deal (交易历史)",
    responses=answers(401, 403, 404, 422),
)
async def list_deal_steps(
    deal_id: DealId,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[StepQuery, Query()],
) -> Page[StepRead]:
    """All steps, the first first, numbered from 1; none is ever changed."""
    page = await service.history(session, actor, deal_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/{deal_id}/steps",
    summary="Take a step of a deal (推进交易)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def take_deal_step(
    deal_id: DealId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: StepCreate,
    expected_versions: ExpectedVersions,
) -> DealDetail:
    """Carry the deal on; `actions` of the deal says what can be done now. What both sides agree to
    (confidentiality, the contract, completion) each does once, and the second moves the deal. A
    public owner that agreed on the price puts it on notice (公示) before the contract is signed."""
    deal = await service.act(session, actor, deal_id, body, expected_versions=expected_versions)
    return await _answer(session, actor, response, deal)


@router.post(
    "/{deal_id}/parties",
    status_code=201,
    summary="Add a party to a deal (增加参与单位)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def add_deal_party(
    deal_id: DealId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: PartyCreate,
) -> DealDetail:
    """Let another organization join one's own side, before the contract is signed; it sees the
    deal, and acts for that side, from now on."""
    deal = await service.add_party(session, actor, deal_id, body)
    response.headers["Location"] = f"/v1/deals/{deal_id}"
    return await _answer(session, actor, response, deal)


@router.delete(
    "/{deal_id}/parties/{organization_id}",
    status_code=204,
    summary="Take a party out of a deal (移除参与单位)",
    responses=answers(401, 403, 404, 409, 422),
)
async def remove_deal_party(
    deal_id: DealId, organization_id: PartyId, session: WriteSession, actor: Writer
) -> None:
    """Take out an organization of one's own side that does not lead it, before the contract is
    signed."""
    await service.remove_party(session, actor, deal_id, organization_id)
