"""Sales (成果定价与交易) over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import ANONYMOUS, Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.http import ExpectedVersions, IfNoneMatch, etag, not_modified
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, PageQuery, link_next
from kechuangtong.lists.http import of_sample
from kechuangtong.models import Sale
from kechuangtong.sales import award, bidding, objections, service
from kechuangtong.sales.schemas import (
    ApplicationCreate,
    BidCreate,
    BidRead,
    EntrantRead,
    FirstRefusalAnswer,
    FirstRefusalCreate,
    FirstRefusalRead,
    ObjectionCreate,
    ObjectionDecision,
    ObjectionRead,
    SaleAward,
    SaleCreate,
    SaleDetail,
    SalePatch,
    SaleQuery,
    SaleRead,
    SaleWithdraw,
)
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1/sales", tags=["sales"], route_class=IdempotentRoute)


async def _reader(
    actor: Annotated[Actor, Depends(requires(Permission.ACHIEVEMENTS_READ))],
) -> Actor:
    """What of a sale is not everyone's is read with `deals:read`: a key without it reads as anyone
    does."""
    return actor if actor.in_scope(Permission.DEALS_READ) else ANONYMOUS


Reader = Annotated[Actor, Depends(_reader)]
Insider = Annotated[Actor, Depends(requires(Permission.DEALS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.DEALS_WRITE))]
AuctionId = Annotated[uuid.UUID, of_sample(ids.AUCTION)]
ListingId = Annotated[uuid.UUID, of_sample(ids.LISTING)]
NoticeId = Annotated[uuid.UUID, of_sample(ids.AGREEMENT)]
SaleDraftId = Annotated[uuid.UUID, of_sample(ids.SALE_DRAFT)]
SaleToAwardId = Annotated[uuid.UUID, of_sample(ids.SALE_TO_AWARD)]
SaleToOfferId = Annotated[uuid.UUID, of_sample(ids.SALE_TO_OFFER)]
SaleToAnswerId = Annotated[uuid.UUID, of_sample(ids.SALE_TO_ANSWER)]
ObjectionId = Annotated[uuid.UUID, of_sample(ids.OBJECTION)]


async def _answer(
    session: AsyncSession, actor: Actor, response: Response, sale: Sale
) -> SaleDetail:
    shown = await service.show(session, actor, sale)
    response.headers["ETag"] = etag(shown)
    return shown


@router.get("", summary="List sales (成果交易列表)", responses=answers(401, 422))
async def list_sales(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[SaleQuery, Query()],
) -> Page[SaleRead]:
    """Price notices, listings and auctions that were published, and drafts of the caller's own,
    newest first; `state=open` are those in which something can be done."""
    page = await service.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "",
    status_code=201,
    summary="Draft a sale (新建出让)",
    responses=answers(400, 401, 403, 413, 422),
)
async def create_sale(
    session: IdempotentSession, actor: Writer, response: Response, body: SaleCreate
) -> SaleDetail:
    """A draft of how an achievement of one's own is sold: at an agreed price, which is made public
    for the days that the rules ask for; by listing; or by auction."""
    sale = await service.create(session, actor, body)
    response.headers["Location"] = f"/v1/sales/{sale.id}"
    return await _answer(session, actor, response, sale)


@router.get(
    "/{sale_id}",
    summary="Read a sale (查看出让)",
    responses={304: {"description": "Not modified"}, **answers(401, 404, 422)},
    response_model=SaleDetail,
)
async def get_sale(
    sale_id: AuctionId,
    session: ReadSession,
    actor: Reader,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> SaleDetail | Response:
    """One sale; its ETag is what a change sends as If-Match. The reserve of an auction is told to
    its owner alone, and who buys to the two sides."""
    shown = await _answer(session, actor, response, await service.get(session, actor, sale_id))
    return not_modified(shown, if_none_match) or shown


@router.patch(
    "/{sale_id}",
    summary="Change a draft of a sale (修改出让)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def change_sale(
    sale_id: SaleDraftId,
    session: WriteSession,
    actor: Writer,
    response: Response,
    body: SalePatch,
    expected_versions: ExpectedVersions,
) -> SaleDetail:
    """Change the fields that are given; what was published stays as it is."""
    sale = await service.change(session, actor, sale_id, body, expected_versions=expected_versions)
    return await _answer(session, actor, response, sale)


@router.post(
    "/{sale_id}/publish",
    summary="Publish a sale (发布出让、开始公示)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def publish_sale(
    sale_id: SaleDraftId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
) -> SaleDetail:
    """Show the sale to everyone. The agreement of a deal that is being negotiated puts the deal's
    price on notice, too."""
    sale = await service.publish(session, actor, sale_id, expected_versions=expected_versions)
    return await _answer(session, actor, response, sale)


@router.post(
    "/{sale_id}/withdraw",
    summary="Withdraw a sale (撤回出让)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def withdraw_sale(
    sale_id: SaleDraftId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: SaleWithdraw,
    expected_versions: ExpectedVersions,
) -> SaleDetail:
    """Take a sale back before it is awarded; those who take part are told why."""
    sale = await service.withdraw(
        session, actor, sale_id, body.reason, expected_versions=expected_versions
    )
    return await _answer(session, actor, response, sale)


@router.post(
    "/{sale_id}/award",
    summary="Award a sale (确认成交)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def award_sale(
    sale_id: SaleToAwardId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: SaleAward,
    expected_versions: ExpectedVersions,
) -> SaleDetail:
    """Let a sale whose time is over go to the highest bidder, to an applicant, or to the buyer that
    was agreed with. A job achievement is transferred once its makers were asked whether they take
    it on the same terms (优先受让权); where they do, it goes to them."""
    sale = await award.award(
        session, actor, sale_id, body.bidder, expected_versions=expected_versions
    )
    return await _answer(session, actor, response, sale)


@router.get("/{sale_id}/bids", summary="List bids (竞价记录)", responses=answers(401, 404, 422))
async def list_bids(
    sale_id: AuctionId,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[BidRead]:
    """The bids, the newest first: amounts are public, bidders are numbers."""
    page = await bidding.bids(session, actor, sale_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/{sale_id}/bids",
    status_code=201,
    summary="Bid (竞价)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def create_bid(
    sale_id: AuctionId, session: IdempotentSession, actor: Writer, body: BidCreate
) -> BidRead:
    """Bid at least the starting price, or what leads and the increment; of equal bids the first
    counts. The answer to one that is too low says the least as `least`."""
    made = await bidding.bid(session, actor, sale_id, body)
    return bidding.show_bid(made, await service.get(session, actor, sale_id), actor)


@router.get(
    "/{sale_id}/applications",
    summary="List applicants and bidders (申请人、竞买人)",
    responses=answers(401, 404, 422),
)
async def list_applications(
    sale_id: ListingId,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[EntrantRead]:
    """Who applied for a listing, or bids in an auction, by number, the newest first; and whether
    they are related to the makers."""
    page = await bidding.entrants(session, actor, sale_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/{sale_id}/applications",
    status_code=201,
    summary="Apply to buy (申请购买)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def create_application(
    sale_id: ListingId, session: IdempotentSession, actor: Writer, body: ApplicationCreate
) -> EntrantRead:
    """Apply for what is listed, at the price asked; where several do, they bid for it."""
    made = await bidding.apply(session, actor, sale_id, body)
    return bidding.show_entrant(made, await service.get(session, actor, sale_id), actor)


@router.get(
    "/{sale_id}/objections",
    summary="List objections (异议)",
    responses=answers(401, 403, 404, 422),
)
async def list_objections(
    sale_id: NoticeId,
    session: ReadSession,
    actor: Insider,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[ObjectionRead]:
    """All objections for the owner, and for others their own, the newest first."""
    page = await objections.objections(session, actor, sale_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/{sale_id}/objections",
    status_code=201,
    summary="Object to a price (提出异议)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def create_objection(
    sale_id: NoticeId, session: IdempotentSession, actor: Writer, body: ObjectionCreate
) -> ObjectionRead:
    """Object to an agreed price while it is on notice; the owner decides. The owner notes what it
    is told by others, with their name."""
    return objections.show_objection(await objections.object_to(session, actor, sale_id, body))


@router.post(
    "/{sale_id}/objections/{objection_id}/decide",
    summary="Decide an objection (处理异议)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def decide_objection(
    sale_id: NoticeId,
    objection_id: ObjectionId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: ObjectionDecision,
    expected_versions: ExpectedVersions,
) -> SaleDetail:
    """One that is upheld ends the sale, and its deal is negotiated again. If-Match has the sale's
    ETag."""
    sale = await objections.decide(
        session, actor, sale_id, objection_id, body, expected_versions=expected_versions
    )
    return await _answer(session, actor, response, sale)


@router.post(
    "/{sale_id}/first-refusal",
    status_code=201,
    summary="Offer first refusal (征询优先受让权)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def offer_first_refusal(
    sale_id: SaleToOfferId, session: IdempotentSession, actor: Writer, body: FirstRefusalCreate
) -> FirstRefusalRead:
    """Note that the makers of a job achievement were offered the transfer at the price at which it
    stands, until the last day to answer (Civil Code, art. 847)."""
    return FirstRefusalRead.model_validate(await award.offer(session, actor, sale_id, body))


@router.post(
    "/{sale_id}/first-refusal/answer",
    summary="Note the makers' answer (记录优先受让权答复)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def answer_first_refusal(
    sale_id: SaleToAnswerId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: FirstRefusalAnswer,
    expected_versions: ExpectedVersions,
) -> SaleDetail:
    """What the makers answered, and when. If-Match is the sale's."""
    sale = await award.answer(session, actor, sale_id, body, expected_versions=expected_versions)
    return await _answer(session, actor, response, sale)
