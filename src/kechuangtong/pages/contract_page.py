"""The page of a contract as it stands, and how what is sent from it is answered."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.contracts import names, reading, service
from kechuangtong.contracts.plan import RoyaltyPeriod, royalty_of
from kechuangtong.contracts.schemas import ContractDetail, ContractPayments
from kechuangtong.contracts.states import Action
from kechuangtong.core.clock import today
from kechuangtong.core.errors import Conflict, Invalid, PreconditionFailed, validation_text
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.deals.policy import party_sides, sides
from kechuangtong.models.contract import ProposalState, RegistrationState
from kechuangtong.models.deal import DealSide
from kechuangtong.pages import contract_forms as forms
from kechuangtong.pages.rendering import go, page
from kechuangtong.runtime import Runtime

_STALE: Final = Text(
    "此合同刚刚有了变化，下面是它现在的样子，请看过再提交。",
    "This contract has just changed; this is how it stands now: read it, then send again.",
)
_VERSIONS: Final = 100


async def done(
    request: Request,
    runtime: Runtime,
    actor: Actor,
    contract_id: uuid.UUID,
    act: Callable[[AsyncSession], Awaitable[object]],
    *,
    form: str = "",
    typed: Mapping[str, str] | None = None,
    then: str = "",
) -> Response:
    """What the act leads to: the page anew, or with what stands in the way and what was typed in
    the form."""
    try:
        async with runtime.database.write() as session:
            await act(session)
        return go(f"/contracts/{contract_id}{then}")
    except ValidationError as error:
        first = error.errors()[0]
        status, problem = Invalid.status, forms.told(first["loc"], validation_text(dict(first)))
    except PreconditionFailed as error:
        status, problem = error.status, _STALE
    except (Conflict, Invalid) as error:
        status, problem = error.status, forms.told(error.loc or (), error.message)
    again = {"form": form, **(typed or {})}
    async with runtime.database.read() as session:
        return await shown(request, session, actor, contract_id, again, status, problem)


async def shown(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    contract_id: uuid.UUID,
    typed: Mapping[str, str] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
) -> HTMLResponse:
    """A contract, and what can be done now. `typed` are a form's name and what stands in it."""
    contract = await service.get(session, actor, contract_id)
    detail = await reading.show(session, actor, contract)
    money = await reading.payments_of(session, actor, contract_id)
    taken_back = {one.reverses_id for one in money.receipts}
    mine = sides(actor, contract.deal)
    return page(
        request,
        "contract.html",
        status=status,
        problem=problem,
        names=names,
        forms=forms,
        contract=detail,
        deal=contract.deal,
        versions=await reading.versions(session, actor, contract_id, PageQuery(limit=_VERSIONS)),
        money=money,
        possible=detail.possible,
        mine=[one for one in DealSide if one in mine],
        to_confirm=[
            one
            for one in DealSide
            if one in party_sides(actor, contract.deal) and contract.confirmed_at(one) is None
        ],
        reversible={
            one.id
            for one in money.receipts
            if Action.REVERSE in detail.possible
            and one.reverses_id is None
            and one.id not in taken_back
        },
        proposals=[
            (one, forms.differences(detail.content, one.content) if one.content else [])
            for one in detail.proposals
            if one.state is ProposalState.PROPOSED
        ],
        registration=_steps(detail),
        periods=_to_report(detail, money),
        today=today(),
        stands=forms.typed_of(detail.content),
        typed=typed or {"form": ""},
    )


def _steps(contract: ContractDetail) -> list[str]:
    """What may be noted next of the registration."""
    if Action.REGISTER not in contract.possible:
        return []
    match contract.registration:
        case None | RegistrationState.REFUSED:
            return ["apply"]
        case RegistrationState.APPLIED:
            return ["accept", "grant", "refuse"]
        case RegistrationState.ACCEPTED:
            return ["grant", "refuse"]
        case RegistrationState.REGISTERED:
            return []


def _to_report(contract: ContractDetail, money: ContractPayments) -> list[RoyaltyPeriod]:
    """The periods of the royalty that are over and that nobody has reported."""
    royalty = royalty_of(contract.content.payment)
    if royalty is None or Action.REPORT not in contract.possible:
        return []
    reported = {one.period_start for one in money.royalty_reports}
    return [one for one in royalty.periods() if one.end < today() and one.start not in reported]
