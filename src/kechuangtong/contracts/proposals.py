"""What one side of a signed contract proposes to the other: an amendment, or the cancellation."""

import uuid
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.contracts import deal_steps, ledger
from kechuangtong.contracts.content import ContractContent
from kechuangtong.contracts.errors import (
    ContractIncomplete,
    NothingChanges,
    OwnProposal,
    ProposalDecided,
    ProposalOpen,
)
from kechuangtong.contracts.items import missing_items
from kechuangtong.contracts.schemas import AmendmentCreate, CancellationCreate
from kechuangtong.contracts.service import (
    complete,
    hold,
    keep_version,
    log_change,
    merged,
    move,
    say,
    settle,
    side_of,
    snapshot,
    tell,
    touch,
)
from kechuangtong.contracts.states import Action
from kechuangtong.core.clock import now, today
from kechuangtong.core.db import new_id
from kechuangtong.core.errors import NotFound
from kechuangtong.models import Contract, ContractProposal
from kechuangtong.models.contract import ContractState, ProposalKind, ProposalState
from kechuangtong.models.deal import DealSide
from kechuangtong.models.notice import NoticeKind

_NOTICES: Final = {
    ProposalKind.AMENDMENT: NoticeKind.CONTRACT_AMENDMENT,
    ProposalKind.CANCELLATION: NoticeKind.CONTRACT_CANCELLATION,
}


async def amend(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID, body: AmendmentCreate
) -> Contract:
    """Propose to the other side what is to be agreed instead.

    Raises NotFound, Forbidden, SideUnnamed, WrongContractState, ProposalOpen, ContractInvalid,
    ContractIncomplete, PartyNotInDeal, BrokerUnknown, NothingChanges, ReceivedAlready,
    RoyaltyReported.
    """
    contract = await hold(session, actor, contract_id)
    by = side_of(actor, contract, Action.AMEND, body.side)
    move(contract, Action.AMEND)
    _no_other(contract, ProposalKind.AMENDMENT)
    content = await complete(session, contract.deal, merged(contract, body.changes, "changes"))
    if content.model_dump(mode="json") == contract.content:
        raise NothingChanges
    if missing := missing_items(content):
        raise ContractIncomplete(missing)
    await ledger.check_plan(session, contract, content)
    return await _propose(session, actor, contract, ProposalKind.AMENDMENT, by, body, content)


async def propose_cancellation(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID, body: CancellationCreate
) -> Contract:
    """Propose to the other side to cancel the contract.

    Raises NotFound, Forbidden, SideUnnamed, WrongContractState, ProposalOpen.
    """
    contract = await hold(session, actor, contract_id)
    by = side_of(actor, contract, Action.CANCEL, body.side)
    move(contract, Action.CANCEL)
    _no_other(contract, ProposalKind.CANCELLATION)
    return await _propose(session, actor, contract, ProposalKind.CANCELLATION, by, body, None)


async def accept(
    session: AsyncSession,
    actor: Actor,
    contract_id: uuid.UUID,
    kind: ProposalKind,
    proposal_id: uuid.UUID,
    *,
    side: DealSide | None,
) -> Contract:
    """Agree to what the other side proposed: from now on it holds.

    Raises NotFound, Forbidden, SideUnnamed, WrongContractState, ProposalDecided, OwnProposal,
    ReceivedAlready, RoyaltyReported, and what the deal's step raises.
    """
    contract = await hold(session, actor, contract_id)
    proposal = _proposal(contract, kind, proposal_id)
    by = side_of(actor, contract, Action.ANSWER, side)
    move(contract, Action.ANSWER)
    if proposal.state is not ProposalState.PROPOSED:
        raise ProposalDecided
    if by is proposal.by:
        raise OwnProposal
    before = snapshot(contract)
    _decide(proposal, ProposalState.CONFIRMED)
    await settle(session, contract, [_NOTICES[kind]])
    if proposal.content is not None:
        content = ContractContent.model_validate(proposal.content)
        await ledger.plan(session, contract, content)
        say(contract, content)
        keep_version(session, contract, reason=proposal.reason)
        what, kind_of_notice = "amended", NoticeKind.CONTRACT_AMENDED
    else:
        contract.state, contract.cancelled_on = ContractState.CANCELLED, today()
        for other in contract.proposals:
            if other.state is ProposalState.PROPOSED:
                _decide(other, ProposalState.DROPPED)
        await settle(session, contract)
        await deal_steps.cancelled(session, actor, contract, by, proposal.reason)
        what, kind_of_notice = "cancelled", NoticeKind.CONTRACT_CANCELLED
    touch(contract)
    await session.flush()  # notices and the log tell what is stored
    log_change(session, actor, contract, what, before=before)
    await tell(session, contract, kind_of_notice, by=None, key=f"{what} {proposal.id}")
    return contract


async def drop(
    session: AsyncSession,
    actor: Actor,
    contract_id: uuid.UUID,
    kind: ProposalKind,
    proposal_id: uuid.UUID,
    *,
    side: DealSide | None,
) -> Contract:
    """Refuse what the other side proposed, or take back what one's own did.

    Raises NotFound, Forbidden, SideUnnamed, WrongContractState, ProposalDecided.
    """
    contract = await hold(session, actor, contract_id)
    proposal = _proposal(contract, kind, proposal_id)
    by = side_of(actor, contract, Action.ANSWER, side)
    move(contract, Action.ANSWER)
    if proposal.state is not ProposalState.PROPOSED:
        raise ProposalDecided
    before = snapshot(contract)
    _decide(proposal, ProposalState.DROPPED)
    await settle(session, contract, [_NOTICES[kind]])
    touch(contract)
    await session.flush()  # notices and the log tell what is stored
    log_change(session, actor, contract, "proposal_dropped", before=before)
    await tell(
        session,
        contract,
        NoticeKind.CONTRACT_PROPOSAL_DROPPED,
        by=by,
        key=f"dropped {proposal.id}",
    )
    return contract


async def _propose(
    session: AsyncSession,
    actor: Actor,
    contract: Contract,
    kind: ProposalKind,
    by: DealSide,
    body: AmendmentCreate | CancellationCreate,
    content: ContractContent | None,
) -> Contract:
    before = snapshot(contract)
    proposal = ContractProposal(
        id=new_id(),
        kind=kind,
        by=by,
        state=ProposalState.PROPOSED,
        content=None if content is None else content.model_dump(mode="json"),
        reason=body.reason,
        created_at=now(),
        decided_at=None,
    )
    contract.proposals.append(proposal)
    touch(contract)
    await session.flush()  # notices and the log tell what is stored
    log_change(session, actor, contract, f"{kind.value}_proposed", before=before)
    await tell(
        session,
        contract,
        _NOTICES[kind],
        by=by,
        waiting=True,
        key=str(proposal.id),
        comment=body.reason,
    )
    return contract


def _proposal(contract: Contract, kind: ProposalKind, proposal_id: uuid.UUID) -> ContractProposal:
    for one in contract.proposals:
        if one.id == proposal_id and one.kind is kind:
            return one
    raise NotFound


def _no_other(contract: Contract, kind: ProposalKind) -> None:
    if any(one.kind is kind for one in contract.open_proposals):
        raise ProposalOpen


def _decide(proposal: ContractProposal, state: ProposalState) -> None:
    proposal.state, proposal.decided_at = state, now()
