"""Deals (交易): one's own by state, and what can be done to one now."""

import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends, Form, Query, Request, Response, UploadFile
from fastapi.responses import HTMLResponse
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, WriteSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.attachments.deps import undone_on_failure
from kechuangtong.contracts import names
from kechuangtong.contracts import reading as contracts
from kechuangtong.contracts.queries import LIVE
from kechuangtong.contracts.schemas import ContractQuery
from kechuangtong.core.clock import today
from kechuangtong.core.errors import (
    AppError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    validation_text,
)
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.deals import brokers, documents, opening, service
from kechuangtong.deals.policy import sides
from kechuangtong.deals.schemas import (
    BoardQuery,
    DealCreate,
    DealDetail,
    DealQuery,
    DocumentForm,
    StepCreate,
    StepQuery,
    StepRead,
)
from kechuangtong.deals.states import TRANSITIONS, Action
from kechuangtong.models.deal import DealSide
from kechuangtong.pages.matches import aspects_of
from kechuangtong.pages.rendering import go, page, page_router
from kechuangtong.runtime import RuntimeDep
from kechuangtong.sales import service as sales
from kechuangtong.sales.schemas import SaleQuery

router = page_router()
file_router = page_router()
"""What takes files, which are larger than other forms."""

Reader = Annotated[Actor, Depends(requires(Permission.DEALS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.DEALS_WRITE))]

_STALE: Final = Text(
    "此交易刚刚有了变化，下面是它现在的样子，请看过再提交。",
    "This deal has just changed; this is how it stands now: look at it, then send again.",
)


@router.get("/deals")
async def show_deals(
    request: Request,
    session: ReadSession,
    actor: Reader,
    query: Annotated[DealQuery, Query()],
) -> HTMLResponse:
    """The deals of one's organizations by state; those of one state in a list."""
    board = found = None
    if query == DealQuery():
        board = await service.board(session, actor, BoardQuery())
    else:
        found = await service.page(session, actor, query)
    return page(request, "deals.html", board=board, found=found, query=query)


@router.post("/deals")
async def open_deal(
    session: WriteSession, actor: Writer, introduction_id: Annotated[uuid.UUID, Form()]
) -> Response:
    """Open the deal of an introduction."""
    body = DealCreate(introduction_id=introduction_id)
    deal = await opening.create(session, actor, body, None)
    return go(f"/deals/{deal.id}")


@router.get("/deals/{deal_id}")
async def show_deal(
    request: Request,
    deal_id: uuid.UUID,
    session: ReadSession,
    actor: Reader,
    query: Annotated[StepQuery, Query()],
) -> HTMLResponse:
    """A deal, its history and its documents, and what can be done now."""
    return await _deal(request, session, actor, deal_id, query=query)


@router.post("/deals/{deal_id}/steps")
async def take_step(
    request: Request,
    deal_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    action: Annotated[Action, Form()],
    side: Annotated[DealSide, Form()],
    version: Annotated[int, Form()] = 0,
    on: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
    price: Annotated[str, Form()] = "",
    way: Annotated[str, Form()] = "",
    related: Annotated[str, Form()] = "",
    pricing: Annotated[str, Form()] = "",
    sale_reference: Annotated[str, Form()] = "",
    register_number: Annotated[str, Form()] = "",
    amount: Annotated[str, Form()] = "",
    cause: Annotated[str, Form()] = "",
) -> Response:
    """Take a step for a side, or say why not."""
    typed = {
        "on": on,
        "note": note,
        "reason": reason,
        "price": price,
        "way": way,
        "related": related,
        "pricing": pricing,
        "sale_reference": sale_reference,
        "register_number": register_number,
        "amount": amount,
        "cause": cause,
    }
    problem: Text
    try:
        told = {name: value.strip() for name, value in typed.items() if value.strip()}
        body = StepCreate.model_validate({"action": action, "side": side, **told})
        async with runtime.database.write() as session:
            expected = frozenset({version})
            await service.act(session, actor, deal_id, body, expected_versions=expected)
        return go(f"/deals/{deal_id}")
    except ValidationError as error:
        problem, status = validation_text(dict(error.errors()[0])), Invalid.status
    except PreconditionFailed as error:
        problem, status = _STALE, error.status
    except (Conflict, Invalid) as error:
        problem, status = error.message, error.status
    async with runtime.database.read() as session:
        return await _deal(
            request,
            session,
            actor,
            deal_id,
            typed={**typed, "action": action, "side": side},
            status=status,
            problem=problem,
        )


@file_router.post("/deals/{deal_id}/documents")
async def send_document(
    request: Request,
    deal_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    file: UploadFile | None = None,
    step: Annotated[str, Form()] = "",
    own_side: Annotated[str, Form()] = "",
    side: Annotated[str, Form()] = "",
) -> Response:
    """Add a document, or say why not."""
    problem: Text
    try:
        form = DocumentForm.model_validate(
            {
                "file": file if file and file.filename else None,
                "step": step or None,
                "own_side": bool(own_side),
                "side": side or None,
            }
        )
        limit = runtime.settings.max_attachment_size
        content = await documents.keep(runtime.attachments, form, limit=limit)
        async with undone_on_failure(runtime, content), runtime.database.write() as session:
            await documents.add(session, actor, deal_id, form, content)
        return go(f"/deals/{deal_id}")
    except ValidationError as error:
        problem, status = validation_text(dict(error.errors()[0])), Invalid.status
    except AppError as error:
        if isinstance(error, Forbidden | NotFound):
            raise
        problem, status = error.message, error.status
    async with runtime.database.read() as session:
        return await _deal(request, session, actor, deal_id, status=status, problem=problem)


async def _deal(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    deal_id: uuid.UUID,
    *,
    query: StepQuery | None = None,
    typed: dict[str, Any] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
) -> HTMLResponse:
    deal = await service.get(session, actor, deal_id)
    shown = await service.show(session, actor, deal)
    history = await service.history(session, actor, deal_id, query or StepQuery(limit=100))
    found = await documents.listed(session, actor, deal_id, PageQuery(limit=100))
    mine = sides(actor, deal)
    made = await contracts.page(session, actor, ContractQuery(deal_id=deal_id))
    sold = []
    if deal.achievement_id is not None:
        of_achievement = SaleQuery(achievement_id=deal.achievement_id, limit=100)
        sold = (await sales.page(session, actor, of_achievement)).items
    reasons = shown.match.reasons if shown.match else None
    return page(
        request,
        "deal.html",
        status=status,
        problem=problem,
        deal=shown,
        history=history,
        documents=found.items,
        sides=[side for side in DealSide if side in mine],
        names=names,
        contracts=made.items,
        drafts=bool(mine)
        and Action.SIGN_CONTRACT in TRANSITIONS[deal.state]
        and not any(one.state in LIVE for one in made.items),
        sales=[one for one in sold if one.deal_id == deal_id],
        brokers=(await brokers.listed(session, actor, deal_id)).items,
        aspects=aspects_of(reasons.for_, reasons.against) if reasons else [],
        today=today(),
        signed=_signed(shown, history.items),
        typed=typed or {},
    )


def _signed(deal: DealDetail, steps: Sequence[StepRead]) -> dict[str, Any]:
    """What the side that signed first told of the price."""
    waits = any(one.action is Action.SIGN_CONTRACT for one in deal.agreements)
    told = (one.details for one in reversed(steps) if one.action is Action.SIGN_CONTRACT)
    return next(told, {}) if waits else {}
