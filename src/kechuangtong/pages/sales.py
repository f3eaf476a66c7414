"""Sales (成果交易): price notices, listings and auctions; applying and bidding."""

import uuid
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.errors import Conflict, Invalid, validation_text
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.models.sale import SaleState, SaleWay
from kechuangtong.pages.choosing import own_organizations
from kechuangtong.pages.rendering import go, page, page_router
from kechuangtong.runtime import RuntimeDep
from kechuangtong.sales import bidding, service
from kechuangtong.sales.schemas import ApplicationCreate, BidCreate, SaleQuery

router = page_router()

Reader = Annotated[Actor, Depends(requires(Permission.ACHIEVEMENTS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.DEALS_WRITE))]

_BIDS: Final = PageQuery(limit=50)
_NOTHING: Final = {"amount": "", "message": "", "organization_id": "", "related": ""}


@router.get("/sales")
async def show_sales(
    request: Request, session: ReadSession, actor: Reader, query: Annotated[SaleQuery, Query()]
) -> HTMLResponse:
    """What is for sale: that which is open, unless another state is asked for."""
    if query.state is None:
        query = query.model_copy(update={"state": SaleState.OPEN})
    found = await service.page(session, actor, query)
    return page(request, "sales.html", query=query, found=found)


@router.get("/sales/{sale_id}")
async def show_sale(
    request: Request, sale_id: uuid.UUID, session: ReadSession, actor: Reader
) -> HTMLResponse:
    """A sale with its bids, and what can be done now."""
    return await _sale(request, session, actor, sale_id)


@router.post("/sales/{sale_id}/bids")
async def send_bid(
    request: Request,
    sale_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    amount: Annotated[str, Form()] = "",
    organization_id: Annotated[str, Form()] = "",
    related: Annotated[str, Form()] = "",
) -> Response:
    """Bid, and see where the sale stands."""
    typed = {"amount": amount, "organization_id": organization_id, "related": related}
    problem: Text
    try:
        body = BidCreate.model_validate(_said(typed))
        async with runtime.database.write() as session:
            await bidding.bid(session, actor, sale_id, body)
        return go(f"/sales/{sale_id}")
    except ValidationError as error:
        problem, status = validation_text(dict(error.errors()[0])), Invalid.status
    except (Conflict, Invalid) as error:
        problem, status = error.message, error.status
    async with runtime.database.read() as session:
        return await _sale(request, session, actor, sale_id, typed, status, problem)


@router.post("/sales/{sale_id}/applications")
async def send_application(
    request: Request,
    sale_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    message: Annotated[str, Form()] = "",
    organization_id: Annotated[str, Form()] = "",
    related: Annotated[str, Form()] = "",
) -> Response:
    """Apply for what is listed."""
    typed = {"message": message, "organization_id": organization_id, "related": related}
    problem: Text
    try:
        body = ApplicationCreate.model_validate(_said(typed))
        async with runtime.database.write() as session:
            await bidding.apply(session, actor, sale_id, body)
        return go(f"/sales/{sale_id}")
    except ValidationError as error:
        problem, status = validation_text(dict(error.errors()[0])), Invalid.status
    except (Conflict, Invalid) as error:
        problem, status = error.message, error.status
    async with runtime.database.read() as session:
        return await _sale(request, session, actor, sale_id, typed, status, problem)


def _said(typed: dict[str, str]) -> dict[str, Any]:
    """What a form says: what is left empty is not said."""
    said = {name: value.strip() for name, value in typed.items() if value.strip()}
    return {**said, "related": bool(said.get("related"))}


async def _sale(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    sale_id: uuid.UUID,
    typed: dict[str, str] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
) -> HTMLResponse:
    sale = await service.get(session, actor, sale_id)
    shown = await service.show(session, actor, sale)
    own = await own_organizations(session, actor, Permission.DEALS_WRITE)
    buyers = [one for one in own if one.id != sale.organization_id]
    begun = shown.state is SaleState.OPEN and not service.to_begin(sale)
    listed = sale.way is SaleWay.LISTING
    return page(
        request,
        "sale.html",
        status=status,
        problem=problem,
        sale=shown,
        bids=(await bidding.bids(session, actor, sale_id, _BIDS)).items,
        entrants=(await bidding.entrants(session, actor, sale_id, _BIDS)).items,
        organizations=buyers,
        applies=bool(begun and buyers and listed and len(shown.numbers) < len(buyers)),
        bids_now=bool(
            begun
            and buyers
            and shown.next_bid is not None
            and (not listed or (shown.numbers and bidding.competes(sale)))
        ),
        typed=_NOTHING | (typed or {}),
    )
