"""Contracts (技术合同) over HTTP: drafted, signed, amended, cancelled, registered."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.contracts import proposals, reading, registration, service
from kechuangtong.contracts.http import (
    ContractId,
    DraftId,
    RoyaltyId,
    ToCancelId,
    ToDiscardId,
    answer,
)
from kechuangtong.contracts.schemas import (
    AmendmentCreate,
    CancellationCreate,
    ContractCreate,
    ContractDetail,
    ContractPatch,
    ContractQuery,
    ContractRead,
    ProposalAnswer,
    RegistrationAccept,
    RegistrationApply,
    RegistrationGrant,
    RegistrationRefuse,
    SideChoice,
    VersionRead,
)
from kechuangtong.core.http import ExpectedVersions
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, PageQuery, link_next
from kechuangtong.deals.http import Reader, Writer
from kechuangtong.lists.http import of_sample
from kechuangtong.models.contract import ProposalKind
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1/contracts", tags=["contracts"], route_class=IdempotentRoute)

AmendmentId = Annotated[uuid.UUID, of_sample(ids.AMENDMENT)]
AmendmentToDiscardId = Annotated[uuid.UUID, of_sample(ids.AMENDMENT_TO_DISCARD)]
CancellationId = Annotated[uuid.UUID, of_sample(ids.CANCELLATION)]
CancellationToDiscardId = Annotated[uuid.UUID, of_sample(ids.CANCELLATION_TO_DISCARD)]


@router.get("", summary="List contracts (合同列表)", responses=answers(401, 403, 422))
async def list_contracts(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[ContractQuery, Query()],
) -> Page[ContractRead]:
    """Contracts of the deals in which the caller's organizations take part, newest first, with
    their amounts (成交额、技术交易额) and what has come of them."""
    page = await reading.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "",
    status_code=201,
    summary="Draft a contract (草拟合同)",
    responses=answers(400, 401, 403, 409, 413, 422),
)
async def draft_contract(
    session: IdempotentSession, actor: Writer, response: Response, body: ContractCreate
) -> ContractDetail:
    """The contract of a deal, by either side; a deal has one. Sellers and buyers that are not named
    are the deal's, with equal shares. `missing` in the answer says what the law still asks for
    before it can be signed; 技术交易额 is computed from the total and its deductions."""
    contract = await service.draft(session, actor, body)
    response.headers["Location"] = f"/v1/contracts/{contract.id}"
    return await answer(session, actor, response, contract)


@router.get(
    "/{contract_id}",
    summary="Read a contract (查看合同)",
    responses=answers(401, 403, 404, 422),
)
async def get_contract(
    contract_id: ContractId, session: ReadSession, actor: Reader, response: Response
) -> ContractDetail:
    """One contract as it stands; its ETag is what a change sends as If-Match."""
    return await answer(session, actor, response, await service.get(session, actor, contract_id))


@router.patch(
    "/{contract_id}",
    summary="Change a draft (修改合同草稿)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def change_contract(
    contract_id: DraftId,
    session: WriteSession,
    actor: Writer,
    response: Response,
    body: ContractPatch,
    expected_versions: ExpectedVersions,
) -> ContractDetail:
    """By either side. A side that has confirmed the draft has to confirm it anew."""
    contract = await service.change(
        session, actor, contract_id, body, expected_versions=expected_versions
    )
    return await answer(session, actor, response, contract)


@router.post(
    "/{contract_id}/confirm",
    summary="Confirm a draft (确认合同)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def confirm_contract(
    contract_id: DraftId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: SideChoice,
    expected_versions: ExpectedVersions,
) -> ContractDetail:
    """The draft as it was read. Once both sides have, it is signed: what is due is made from its
    plan, and the deal is signed, too. What the law asks for and is missing is a 409 that lists it
    as `missing`, each with its article."""
    contract = await service.confirm(
        session, actor, contract_id, side=body.side, expected_versions=expected_versions
    )
    return await answer(session, actor, response, contract)


@router.post(
    "/{contract_id}/discard",
    summary="Discard a draft (作废合同草稿)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def discard_contract(
    contract_id: ToDiscardId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
) -> ContractDetail:
    """By either side; the deal may have another contract."""
    contract = await service.discard(
        session, actor, contract_id, expected_versions=expected_versions
    )
    return await answer(session, actor, response, contract)


@router.post(
    "/{contract_id}/amendments",
    status_code=201,
    summary="Propose an amendment (提议变更)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def propose_amendment(
    contract_id: ContractId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: AmendmentCreate,
) -> ContractDetail:
    """Of a signed contract, by either side; it holds once the other has confirmed. Of an instalment
    what was received stays: it cannot become less."""
    contract = await proposals.amend(session, actor, contract_id, body)
    return await answer(session, actor, response, contract)


@router.post(
    "/{contract_id}/amendments/{proposal_id}/confirm",
    summary="Confirm an amendment (确认变更)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def confirm_amendment(
    contract_id: RoyaltyId,
    proposal_id: AmendmentId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: ProposalAnswer,
) -> ContractDetail:
    """By the side that did not propose it. The former version is kept, and what is due follows the
    new plan."""
    contract = await proposals.accept(
        session, actor, contract_id, ProposalKind.AMENDMENT, proposal_id, side=body.side
    )
    return await answer(session, actor, response, contract)


@router.post(
    "/{contract_id}/amendments/{proposal_id}/discard",
    summary="Drop an amendment (放弃变更)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def discard_amendment(
    contract_id: ToCancelId,
    proposal_id: AmendmentToDiscardId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: ProposalAnswer,
) -> ContractDetail:
    """Refused by the other side, or taken back by one's own."""
    contract = await proposals.drop(
        session, actor, contract_id, ProposalKind.AMENDMENT, proposal_id, side=body.side
    )
    return await answer(session, actor, response, contract)


@router.post(
    "/{contract_id}/cancellations",
    status_code=201,
    summary="Propose to cancel (提议解除)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def propose_cancellation(
    contract_id: ContractId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: CancellationCreate,
) -> ContractDetail:
    """Of a signed contract, by either side; it ends once the other has confirmed."""
    contract = await proposals.propose_cancellation(session, actor, contract_id, body)
    return await answer(session, actor, response, contract)


@router.post(
    "/{contract_id}/cancellations/{proposal_id}/confirm",
    summary="Confirm a cancellation (确认解除)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def confirm_cancellation(
    contract_id: ToCancelId,
    proposal_id: CancellationId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: ProposalAnswer,
) -> ContractDetail:
    """By the side that did not propose it. Nothing more is due, and the deal is terminated."""
    contract = await proposals.accept(
        session, actor, contract_id, ProposalKind.CANCELLATION, proposal_id, side=body.side
    )
    return await answer(session, actor, response, contract)


@router.post(
    "/{contract_id}/cancellations/{proposal_id}/discard",
    summary="Drop a cancellation (放弃解除)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def discard_cancellation(
    contract_id: RoyaltyId,
    proposal_id: CancellationToDiscardId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: ProposalAnswer,
) -> ContractDetail:
    """Refused by the other side, or taken back by one's own."""
    contract = await proposals.drop(
        session, actor, contract_id, ProposalKind.CANCELLATION, proposal_id, side=body.side
    )
    return await answer(session, actor, response, contract)


@router.post(
    "/{contract_id}/registration",
    status_code=201,
    summary="Note an application for registration (申请认定登记)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def apply_for_registration(
    contract_id: ContractId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: RegistrationApply,
) -> ContractDetail:
    """By the seller; of technology from abroad by the buyer. A contract is registered once, and
    applied for anew only where it was refused."""
    contract = await registration.apply(session, actor, contract_id, body)
    return await answer(session, actor, response, contract)


@router.post(
    "/{contract_id}/registration/accept",
    summary="Note that the registry has accepted it (登记受理)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def accept_registration(
    contract_id: ContractId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: RegistrationAccept,
) -> ContractDetail:
    """The day from which the registry's time runs."""
    contract = await registration.accept(session, actor, contract_id, body)
    return await answer(session, actor, response, contract)


@router.post(
    "/{contract_id}/registration/grant",
    summary="Note that it is registered (准予登记)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def grant_registration(
    contract_id: ContractId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: RegistrationGrant,
) -> ContractDetail:
    """With the register number and the amounts that the certificate states."""
    contract = await registration.grant(session, actor, contract_id, body)
    return await answer(session, actor, response, contract)


@router.post(
    "/{contract_id}/registration/refuse",
    summary="Note that it is not registered (不予登记)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def refuse_registration(
    contract_id: RoyaltyId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: RegistrationRefuse,
) -> ContractDetail:
    """With the reason; it may be applied for anew."""
    contract = await registration.refuse(session, actor, contract_id, body)
    return await answer(session, actor, response, contract)


@router.get(
    "/{contract_id}/versions",
    summary="Versions of a contract (合同版本)",
    responses=answers(401, 403, 404, 422),
)
async def list_contract_versions(
    contract_id: ContractId,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[VersionRead]:
    """What was agreed when it was signed, and by each amendment since: none is ever changed."""
    page = await reading.versions(session, actor, contract_id, query)
    link_next(request, response, page.next_cursor)
    return page
