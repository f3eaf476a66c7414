"""What becomes of a signed contract: its registration, milestones, royalties, amendments."""

import uuid
from typing import Annotated, Literal

from fastapi import Form, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.contracts import payments, proposals, registration, service
from kechuangtong.contracts.schemas import (
    AmendmentCreate,
    CancellationCreate,
    MilestoneReached,
    RegistrationAccept,
    RegistrationApply,
    RegistrationGrant,
    RegistrationRefuse,
    RoyaltyReportCreate,
)
from kechuangtong.core.errors import NotFound
from kechuangtong.deals.http import Writer
from kechuangtong.deals.policy import party_sides
from kechuangtong.models.deal import DealSide
from kechuangtong.pages import contract_forms as forms
from kechuangtong.pages.contract_page import done
from kechuangtong.pages.rendering import page_router
from kechuangtong.runtime import RuntimeDep

router = page_router()


@router.post("/contracts/{contract_id}/registration/{step}")
async def note_registration(
    request: Request,
    contract_id: uuid.UUID,
    step: Literal["apply", "accept", "grant", "refuse"],
    runtime: RuntimeDep,
    actor: Writer,
) -> Response:
    """Note what became of the registration."""
    typed = await forms.sent(request)
    said = {
        name: typed[name].strip()
        for name in (
            "applied_on",
            "office",
            "disputed",
            "accepted_on",
            "decided_on",
            "number",
            "total",
            "technical",
            "reason",
        )
        if typed.get(name, "").strip()
    }

    async def act(session: AsyncSession) -> None:
        match step:
            case "apply":
                applied = RegistrationApply.model_validate(said)
                await registration.apply(session, actor, contract_id, applied)
            case "accept":
                accepted = RegistrationAccept.model_validate(said)
                await registration.accept(session, actor, contract_id, accepted)
            case "grant":
                granted = RegistrationGrant.model_validate(said)
                await registration.grant(session, actor, contract_id, granted)
            case "refuse":
                refused = RegistrationRefuse.model_validate(said)
                await registration.refuse(session, actor, contract_id, refused)

    return await done(
        request, runtime, actor, contract_id, act, form=step, typed=typed, then="#registration"
    )


@router.post("/contracts/{contract_id}/payments/{due_id}/reached")
async def reach_milestone(
    request: Request,
    contract_id: uuid.UUID,
    due_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    due_on: Annotated[str, Form()] = "",
) -> Response:
    """Say when a payment is due, now that its milestone is reached."""

    async def act(session: AsyncSession) -> None:
        body = MilestoneReached.model_validate({"due_on": due_on})
        await payments.reach(session, actor, contract_id, due_id, body)

    return await done(request, runtime, actor, contract_id, act, then="#payments")


@router.post("/contracts/{contract_id}/royalty-reports")
async def report_royalty(
    request: Request,
    contract_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    period_start: Annotated[str, Form()] = "",
    base_amount: Annotated[str, Form()] = "",
) -> Response:
    """Report what a royalty is of in a period."""
    typed = {"period_start": period_start, "base_amount": base_amount}

    async def act(session: AsyncSession) -> None:
        body = RoyaltyReportCreate.model_validate(typed)
        await payments.report(session, actor, contract_id, body)

    return await done(
        request, runtime, actor, contract_id, act, form="royalty", typed=typed, then="#payments"
    )


@router.post("/contracts/{contract_id}/amendments")
async def propose_amendment(
    request: Request, contract_id: uuid.UUID, runtime: RuntimeDep, actor: Writer
) -> Response:
    """Propose other days, another total or other payments to the other side."""
    typed = await forms.sent(request)

    async def act(session: AsyncSession) -> None:
        changes = forms.terms_of(typed)
        side, reason = typed.get("side") or None, typed.get("reason", "")
        body = AmendmentCreate.model_validate({"side": side, "reason": reason, "changes": changes})
        await proposals.amend(session, actor, contract_id, body)

    return await done(
        request, runtime, actor, contract_id, act, form="amend", typed=typed, then="#proposals"
    )


@router.post("/contracts/{contract_id}/cancellations")
async def propose_cancellation(
    request: Request,
    contract_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    reason: Annotated[str, Form()] = "",
    side: Annotated[str, Form()] = "",
) -> Response:
    """Propose to the other side to cancel the contract."""

    async def act(session: AsyncSession) -> None:
        body = CancellationCreate.model_validate({"side": side or None, "reason": reason})
        await proposals.propose_cancellation(session, actor, contract_id, body)

    typed = {"reason": reason, "side": side}
    return await done(
        request, runtime, actor, contract_id, act, form="cancel", typed=typed, then="#proposals"
    )


@router.post("/contracts/{contract_id}/proposals/{proposal_id}/{answer}")
async def answer_proposal(
    request: Request,
    contract_id: uuid.UUID,
    proposal_id: uuid.UUID,
    answer: Literal["confirm", "discard"],
    runtime: RuntimeDep,
    actor: Writer,
) -> Response:
    """Agree to what the other side proposed; refuse it, or take back what one's own did."""

    async def act(session: AsyncSession) -> None:
        contract = await service.get(session, actor, contract_id)
        proposal = next((one for one in contract.proposals if one.id == proposal_id), None)
        if proposal is None:
            raise NotFound
        other: DealSide = proposal.by.other
        if answer == "confirm":
            await proposals.accept(
                session, actor, contract_id, proposal.kind, proposal_id, side=other
            )
            return
        side = proposal.by if proposal.by in party_sides(actor, contract.deal) else other
        await proposals.drop(session, actor, contract_id, proposal.kind, proposal_id, side=side)

    return await done(request, runtime, actor, contract_id, act, then="#proposals")
