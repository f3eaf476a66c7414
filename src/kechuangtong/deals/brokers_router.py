"""Brokers in deals over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Response

from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page
from kechuangtong.deals import brokers
from kechuangtong.deals.brokers import DealBrokerCreate, DealBrokerRead
from kechuangtong.deals.http import DealId, Reader, Writer
from kechuangtong.lists.http import of_sample
from kechuangtong.sample import ids

router = APIRouter(
    prefix="/v1/deals/{deal_id}/brokers", tags=["deals"], route_class=IdempotentRoute
)

DealBrokerId = Annotated[uuid.UUID, of_sample(ids.BROKER_OF_BOTH)]


@router.get(
    "",
    summary="List the brokers of a deal (交易中的经纪人)",
    responses=answers(401, 403, 404, 422),
)
async def list_deal_brokers(
    deal_id: DealId, session: ReadSession, actor: Reader
) -> Page[DealBrokerRead]:
    """Who is in the deal as a broker, on which side, for whom, and whether it acts today; all of
    them at once."""
    return await brokers.listed(session, actor, deal_id)


@router.post(
    "",
    status_code=201,
    summary="Bring a broker into a deal (经纪人进入交易)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def join_deal_as_broker(
    deal_id: DealId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: DealBrokerCreate,
) -> DealBrokerRead:
    """By an editor of a side, or by the broker: with a mandate in force that a party of the side
    gave for its record in the deal. It sees the deal and acts for the side while the mandate lasts.

    On both sides (双边代理) a broker acts for neither until each has agreed (`agree`). Who declared
    a conflict of interest with any party is not let in.
    """
    deal, row = await brokers.join(session, actor, deal_id, body)
    response.headers["Location"] = f"/v1/deals/{deal_id}/brokers"
    return brokers.show(actor, deal, row)


@router.post(
    "/{broker_id}/agree",
    summary="Agree to a broker of both sides (同意双边代理)",
    responses=answers(401, 403, 404, 409, 422),
)
async def agree_to_deal_broker(
    deal_id: DealId, broker_id: DealBrokerId, session: IdempotentSession, actor: Writer
) -> Page[DealBrokerRead]:
    """An editor of a side agrees that its broker acts for the other side, too; once each side has,
    the broker acts for both."""
    deal = await brokers.agree(session, actor, deal_id, broker_id)
    rows = [one for one in deal.brokers if one.broker_id == broker_id]
    return Page[DealBrokerRead](
        items=[brokers.show(actor, deal, one) for one in rows], next_cursor=None
    )


@router.delete(
    "/{broker_id}",
    status_code=204,
    summary="Leave a deal, or part with a broker (经纪人退出交易)",
    responses=answers(401, 403, 404, 422),
)
async def leave_deal_as_broker(
    deal_id: DealId, broker_id: DealBrokerId, session: WriteSession, actor: Writer
) -> None:
    """The broker leaves the deal wholly; an editor of a side parts with it on that side alone."""
    await brokers.leave(session, actor, deal_id, broker_id)
