"""Sales (成果交易): price notices, listings and auctions; applying and bidding."""

import uuid
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import today
from kechuangtong.core.errors import Conflict, Invalid, PreconditionFailed, validation_text
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.models.sale import SaleState, SaleWay
from kechuangtong.pages.choosing import own_organizations
from kechuangtong.pages.rendering import go, page, page_router
from kechuangtong.runtime import Runtime, RuntimeDep
from kechuangtong.sales import award, bidding, objections, service
from kechuangtong.sales.schemas import (
    ApplicationCreate,
    BidCreate,
    FirstRefusalAnswer,
    FirstRefusalCreate,
    ObjectionCreate,
    ObjectionDecision,
    SaleAward,
    SaleQuery,
    SaleWithdraw,
)
from kechuangtong.sales.states import TRANSITIONS

router = page_router()

Reader = Annotated[Actor, Depends(requires(Permission.ACHIEVEMENTS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.DEALS_WRITE))]

_BIDS: Final = PageQuery(limit=50)
_NOTHING: Final = {
    "amount": "",
    "message": "",
    "organization_id": "",
    "related": "",
    "text": "",
    "reason": "",
    "answer": "",
    "note": "",
}
_STALE: Final = Text(
    "此挂牌刚刚有了变化，下面是它现在的样子，请看过再提交。",
    "This sale has just changed; this is how it stands now: look at it, then send again.",
)


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

    async def act(session: AsyncSession) -> None:
        await bidding.bid(session, actor, sale_id, BidCreate.model_validate(_said(typed)))

    return await _done(request, runtime, actor, sale_id, act, typed)


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

    async def act(session: AsyncSession) -> None:
        await bidding.apply(session, actor, sale_id, ApplicationCreate.model_validate(_said(typed)))

    return await _done(request, runtime, actor, sale_id, act, typed)


@router.post("/sales/{sale_id}/objections")
async def send_objection(
    request: Request,
    sale_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    text: Annotated[str, Form()] = "",
    organization_id: Annotated[str, Form()] = "",
) -> Response:
    """Object to a price that is on notice."""
    typed = {"text": text, "organization_id": organization_id}

    async def act(session: AsyncSession) -> None:
        said = {"text": text, "organization_id": organization_id or None}
        await objections.object_to(session, actor, sale_id, ObjectionCreate.model_validate(said))

    return await _done(request, runtime, actor, sale_id, act, typed)


@router.post("/sales/{sale_id}/objections/{objection_id}")
async def decide_objection(
    request: Request,
    sale_id: uuid.UUID,
    objection_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    version: Annotated[int, Form()] = 0,
    outcome: Annotated[str, Form()] = "",
    answer: Annotated[str, Form()] = "",
) -> Response:
    """Decide an objection, as the owner."""

    async def act(session: AsyncSession) -> None:
        body = ObjectionDecision.model_validate({"outcome": outcome, "answer": answer})
        await objections.decide(
            session, actor, sale_id, objection_id, body, expected_versions=frozenset({version})
        )

    return await _done(request, runtime, actor, sale_id, act, {"answer": answer})


@router.post("/sales/{sale_id}/first-refusal")
async def offer_first_refusal(
    request: Request,
    sale_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    answer_until: Annotated[str, Form()] = "",
) -> Response:
    """Ask the makers whether they take a transfer first."""

    async def act(session: AsyncSession) -> None:
        body = FirstRefusalCreate.model_validate({"answer_until": answer_until})
        await award.offer(session, actor, sale_id, body)

    return await _done(request, runtime, actor, sale_id, act)


@router.post("/sales/{sale_id}/{move}")
async def act_on_sale(
    request: Request,
    sale_id: uuid.UUID,
    move: Literal["publish", "withdraw", "award", "first-refusal-answer"],
    runtime: RuntimeDep,
    actor: Writer,
    version: Annotated[int, Form()] = 0,
    reason: Annotated[str, Form()] = "",
    bidder: Annotated[str, Form()] = "",
    answer: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
) -> Response:
    """Publish, withdraw or award one's own sale; note what its makers answered."""
    expected = frozenset({version})

    async def act(session: AsyncSession) -> None:
        match move:
            case "publish":
                await service.publish(session, actor, sale_id, expected_versions=expected)
            case "withdraw":
                why = SaleWithdraw.model_validate({"reason": reason}).reason
                await service.withdraw(session, actor, sale_id, why, expected_versions=expected)
            case "award":
                number = int(bidder) if bidder.isdecimal() else None
                to = SaleAward.model_validate({"bidder": number}).bidder
                await award.award(session, actor, sale_id, to, expected_versions=expected)
            case "first-refusal-answer":
                said = {"answer": answer, "note": note.strip() or None}
                body = FirstRefusalAnswer.model_validate(said)
                await award.answer(session, actor, sale_id, body, expected_versions=expected)

    return await _done(request, runtime, actor, sale_id, act, {"reason": reason, "note": note})


async def _done(
    request: Request,
    runtime: Runtime,
    actor: Actor,
    sale_id: uuid.UUID,
    act: Callable[[AsyncSession], Awaitable[None]],
    typed: dict[str, str] | None = None,
) -> Response:
    """What the act leads to: the page anew, or with what stands in the way and what was typed."""
    problem: Text
    try:
        async with runtime.database.write() as session:
            await act(session)
        return go(f"/sales/{sale_id}")
    except ValidationError as error:
        problem, status = validation_text(dict(error.errors()[0])), Invalid.status
    except PreconditionFailed as error:
        problem, status = _STALE, error.status
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
    owns = actor.may(Permission.DEALS_WRITE, sale.organization_id)
    return page(
        request,
        "sale.html",
        status=status,
        problem=problem,
        sale=shown,
        achievement=sale.achievement,
        owns=owns,
        able=list(TRANSITIONS[shown.state]) if owns else [],
        objections=(await objections.objections(session, actor, sale_id, _BIDS)).items,
        objects=bool(begun and buyers and sale.way is SaleWay.AGREEMENT),
        today=today(),
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
