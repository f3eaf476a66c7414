"""The 需求清单 over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.attachments.deps import Discarded
from kechuangtong.core.http import ExpectedVersions, IfNoneMatch, etag, not_modified
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.demands.schemas import DemandBulk, DemandCreate, DemandPatch, DemandRead
from kechuangtong.demands.service import demands
from kechuangtong.lists.completeness import Completeness, completeness
from kechuangtong.lists.http import (
    DemandDraftId,
    DemandId,
    DemandToReviewId,
    Reviewed,
    bulk_outcome,
)
from kechuangtong.lists.schemas import BulkOutcome, ListingQuery, Renewal
from kechuangtong.lists.states import Action
from kechuangtong.models import Demand

router = APIRouter(prefix="/v1/demands", tags=["demands"], route_class=IdempotentRoute)

Reader = Annotated[Actor, Depends(requires(Permission.DEMANDS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.DEMANDS_WRITE))]


def _shown(record: Demand, actor: Actor, response: Response) -> DemandRead:
    shown = demands.show(record, actor)
    response.headers["ETag"] = etag(shown)
    return shown


@router.get("", summary="List demands (需求清单)", responses=answers(401, 422))
async def list_demands(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[ListingQuery, Query()],
) -> Page[DemandRead]:
    """The demands that the caller may see: all published ones, and drafts of its own."""
    page = await demands.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "",
    status_code=201,
    summary="Create a demand (新建需求)",
    responses=answers(400, 401, 403, 409, 413, 422),
)
async def create_demand(
    session: IdempotentSession, actor: Writer, response: Response, body: DemandCreate
) -> DemandRead:
    """A new draft (草稿) for an organization that the caller acts for."""
    record = await demands.create(session, actor, organization_id=body.organization_id, values=body)
    response.headers["Location"] = f"/v1/demands/{record.id}"
    return _shown(record, actor, response)


@router.post(
    "/bulk",
    summary="Publish, submit or withdraw many demands (批量发布、提交、撤回需求)",
    responses=answers(400, 401, 403, 413, 422),
)
async def change_many_demands(
    session: IdempotentSession, actor: Writer, body: DemandBulk, reviewed: Reviewed
) -> BulkOutcome:
    """All that can be are done, in one transaction, by the rules for one alone; the answer says
    of each what became of it."""
    action = Action(body.action)
    return bulk_outcome(
        await demands.bulk(session, actor, action=action, ids=body.ids, reviewed=reviewed)
    )


@router.get(
    "/{demand_id}",
    summary="Read a demand (查看需求)",
    responses={304: {"description": "Not modified"}, **answers(401, 404, 422)},
    response_model=DemandRead,
)
async def get_demand(
    demand_id: DemandId,
    session: ReadSession,
    actor: Reader,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> DemandRead | Response:
    """One demand; its ETag is what a change sends as If-Match."""
    record = await demands.get(session, actor, demand_id)
    shown = _shown(record, actor, response)
    return not_modified(shown, if_none_match) or shown


@router.get(
    "/{demand_id}/completeness",
    summary="How complete a demand is (需求完整度)",
    responses=answers(401, 404, 422),
)
async def get_demand_completeness(
    demand_id: DemandId, session: ReadSession, actor: Reader
) -> Completeness:
    """A score from 0 to 100, and what a reader from industry will miss."""
    return completeness(await demands.get(session, actor, demand_id))


@router.patch(
    "/{demand_id}",
    summary="Change a demand (修改需求)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def change_demand(
    demand_id: DemandId,
    session: WriteSession,
    actor: Writer,
    response: Response,
    body: DemandPatch,
    expected_versions: ExpectedVersions,
    reviewed: Reviewed,
) -> DemandRead:
    """Change the fields that are given; the others stay as they are.

    Where the organization's records are reviewed, one that is public is submitted again by any
    edit, and shown again when it is approved.
    """
    record = await demands.change(
        session,
        actor,
        demand_id,
        values=body,
        expected_versions=expected_versions,
        reviewed=reviewed,
    )
    return _shown(record, actor, response)


@router.post(
    "/{demand_id}/publish",
    summary="Publish a demand (发布需求)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def publish_demand(
    demand_id: DemandDraftId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
    reviewed: Reviewed,
) -> DemandRead:
    """Show the demand to everyone, and let it be matched.

    Where the organization's records are reviewed, only administrators do: others `submit` it.
    """
    record = await demands.publish(
        session, actor, demand_id, expected_versions=expected_versions, reviewed=reviewed
    )
    return _shown(record, actor, response)


@router.post(
    "/{demand_id}/submit",
    summary="Submit a demand for review (需求提交审核)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def submit_demand(
    demand_id: DemandToReviewId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
    reviewed: Reviewed,
) -> DemandRead:
    """Hand a draft in, or what was returned or withdrawn: it is published when it is approved.

    What a review has said of it is in `GET /v1/reviews?subject_id=…`.
    """
    record = await demands.submit(
        session, actor, demand_id, expected_versions=expected_versions, reviewed=reviewed
    )
    return _shown(record, actor, response)


@router.post(
    "/{demand_id}/renew",
    summary="Renew a demand (需求延长有效期)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def renew_demand(
    demand_id: DemandId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: Renewal,
    expected_versions: ExpectedVersions,
) -> DemandRead:
    """A later last day of validity, for one that is published or has expired; no review."""
    record = await demands.renew(
        session, actor, demand_id, values=body, expected_versions=expected_versions
    )
    return _shown(record, actor, response)


@router.post(
    "/{demand_id}/withdraw",
    summary="Withdraw a demand (撤回需求)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def withdraw_demand(
    demand_id: DemandId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
) -> DemandRead:
    """Take the demand back from the public; it is kept and can be published again.

    Withdrawn from review it is a draft again.
    """
    record = await demands.withdraw(session, actor, demand_id, expected_versions=expected_versions)
    return _shown(record, actor, response)


@router.delete(
    "/{demand_id}",
    status_code=204,
    summary="Delete a draft (删除草稿)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def delete_demand(
    demand_id: DemandDraftId,
    discarded: Discarded,
    session: WriteSession,
    actor: Writer,
    expected_versions: ExpectedVersions,
) -> None:
    """Delete a draft; what was public once can only be withdrawn."""
    discarded += await demands.delete(
        session, actor, demand_id, expected_versions=expected_versions
    )
