"""Mandates (委托) over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.brokers import mandates
from kechuangtong.brokers.mandate_schemas import (
    MandateCreate,
    MandateQuery,
    MandateRead,
    MandateReason,
)
from kechuangtong.brokers.states import MandateAction
from kechuangtong.core.errors import NotSignedIn
from kechuangtong.core.http import ExpectedVersions, etag
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.lists.http import of_sample
from kechuangtong.models import Mandate
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1/mandates", tags=["mandates"], route_class=IdempotentRoute)

# Who may know of a mandate needs no role for it: a broker acts in person.
Writer = Annotated[Actor, Depends(requires(Permission.BROKERS_WRITE))]
MandateId = Annotated[uuid.UUID, of_sample(ids.MANDATE)]
MandateToAcceptId = Annotated[uuid.UUID, of_sample(ids.MANDATE_TO_ACCEPT)]
MandateToDeclineId = Annotated[uuid.UUID, of_sample(ids.MANDATE_TO_DECLINE)]
MandateToRevokeId = Annotated[uuid.UUID, of_sample(ids.MANDATE_TO_REVOKE)]
MandateToResignId = Annotated[uuid.UUID, of_sample(ids.MANDATE_TO_RESIGN)]


async def _signed_in(
    actor: Annotated[Actor, Depends(requires(Permission.BROKERS_READ))],
) -> Actor:
    if actor.kind == "anonymous":
        raise NotSignedIn
    return actor


Reader = Annotated[Actor, Depends(_signed_in)]


def _answer(actor: Actor, response: Response, mandate: Mandate) -> MandateRead:
    response.headers["ETag"] = etag(mandate)
    return mandates.show(actor, mandate)


@router.get("", summary="List mandates (委托列表)", responses=answers(401, 403, 422))
async def list_mandates(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[MandateQuery, Query()],
) -> Page[MandateRead]:
    """Mandates that the caller's organizations gave, or that it or its institution's brokers were
    offered, newest first."""
    page = await mandates.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "",
    status_code=201,
    summary="Offer a mandate (提出委托)",
    responses=answers(400, 401, 403, 409, 413, 422),
)
async def offer_mandate(
    session: IdempotentSession, actor: Writer, response: Response, body: MandateCreate
) -> MandateRead:
    """An editor of the organization offers a broker a mandate for one of its published records.

    While an exclusive one (独家委托) is offered or accepted there is no other for the record, nor
    is an exclusive one offered beside another. A broker who declared a conflict of interest with
    the organization takes none of its mandates.
    """
    mandate = await mandates.offer(session, actor, body)
    response.headers["Location"] = f"/v1/mandates/{mandate.id}"
    return _answer(actor, response, mandate)


@router.get(
    "/{mandate_id}",
    summary="Read a mandate (查看委托)",
    responses=answers(401, 403, 404, 422),
)
async def get_mandate(
    mandate_id: MandateId, session: ReadSession, actor: Reader, response: Response
) -> MandateRead:
    """One mandate; its ETag is what an action sends as If-Match."""
    return _answer(actor, response, await mandates.get(session, actor, mandate_id))


@router.post(
    "/{mandate_id}/accept",
    summary="Accept a mandate (接受委托)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def accept_mandate(
    mandate_id: MandateToAcceptId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
) -> MandateRead:
    """The broker takes it, in person."""
    mandate = await mandates.act(
        session, actor, mandate_id, MandateAction.ACCEPT, expected_versions=expected_versions
    )
    return _answer(actor, response, mandate)


@router.post(
    "/{mandate_id}/decline",
    summary="Decline a mandate (谢绝委托)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def decline_mandate(
    mandate_id: MandateToDeclineId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: MandateReason,
    expected_versions: ExpectedVersions,
) -> MandateRead:
    """The broker does not take it."""
    mandate = await mandates.act(
        session,
        actor,
        mandate_id,
        MandateAction.DECLINE,
        expected_versions=expected_versions,
        comment=body.comment,
    )
    return _answer(actor, response, mandate)


@router.post(
    "/{mandate_id}/revoke",
    summary="Revoke a mandate (撤销委托)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def revoke_mandate(
    mandate_id: MandateToRevokeId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: MandateReason,
    expected_versions: ExpectedVersions,
) -> MandateRead:
    """The organization ends it: the broker sees its deals no more."""
    mandate = await mandates.act(
        session,
        actor,
        mandate_id,
        MandateAction.REVOKE,
        expected_versions=expected_versions,
        comment=body.comment,
    )
    return _answer(actor, response, mandate)


@router.post(
    "/{mandate_id}/resign",
    summary="Resign a mandate (辞去委托)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def resign_mandate(
    mandate_id: MandateToResignId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: MandateReason,
    expected_versions: ExpectedVersions,
) -> MandateRead:
    """The broker gives it up."""
    mandate = await mandates.act(
        session,
        actor,
        mandate_id,
        MandateAction.RESIGN,
        expected_versions=expected_versions,
        comment=body.comment,
    )
    return _answer(actor, response, mandate)
