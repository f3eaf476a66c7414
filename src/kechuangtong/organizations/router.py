"""Organizations (单位) over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.http import ExpectedVersions, IfNoneMatch, etag, not_modified
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.lists.http import OrganizationId, OrganizationToMergeId
from kechuangtong.organizations import merging, service
from kechuangtong.organizations.schemas import (
    Merge,
    OrganizationCreate,
    OrganizationPatch,
    OrganizationQuery,
    OrganizationRead,
)

router = APIRouter(prefix="/v1/organizations", tags=["organizations"], route_class=IdempotentRoute)

Reader = Annotated[Actor, Depends(requires(Permission.ORGANIZATIONS_READ))]


@router.get(
    "",
    summary="List organizations (单位列表)",
    responses=answers(401, 422),
)
async def list_organizations(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[OrganizationQuery, Query()],
) -> Page[OrganizationRead]:
    """Organizations, newest first; of enterprises those in whose name something is published, and
    the caller's own."""
    page = await service.list_organizations(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "",
    status_code=201,
    summary="Create an organization (新建单位)",
    responses=answers(400, 401, 403, 409, 413, 422),
)
async def create_organization(
    session: IdempotentSession,
    actor: Annotated[Actor, Depends(requires(Permission.ORGANIZATIONS_CREATE))],
    response: Response,
    body: OrganizationCreate,
) -> OrganizationRead:
    """A new organization; without a code (统一社会信用代码) it is unverified."""
    organization = await service.create_organization(
        session, actor, name=body.name, kind=body.kind, code=body.code, place=body.place
    )
    response.headers["ETag"] = etag(organization)
    response.headers["Location"] = f"/v1/organizations/{organization.id}"
    return OrganizationRead.model_validate(organization)


@router.get(
    "/{organization_id}",
    summary="Read an organization (查看单位)",
    responses={304: {"description": "Not modified"}, **answers(401, 404, 422)},
    response_model=OrganizationRead,
)
async def get_organization(
    organization_id: OrganizationId,
    session: ReadSession,
    actor: Reader,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> OrganizationRead | Response:
    """One organization; its ETag is what a change sends as If-Match.

    One that was merged into another is kept as a name of that: `merged_into_id`.
    """
    organization = await service.get_organization(session, actor, organization_id)
    response.headers["ETag"] = etag(organization)
    return not_modified(organization, if_none_match) or OrganizationRead.model_validate(
        organization
    )


@router.patch(
    "/{organization_id}",
    summary="Change an organization (修改单位)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def change_organization(
    organization_id: OrganizationId,
    session: WriteSession,
    actor: Annotated[Actor, Depends(requires(Permission.ORGANIZATIONS_WRITE))],
    response: Response,
    body: OrganizationPatch,
    expected_versions: ExpectedVersions,
) -> OrganizationRead:
    """Change the fields that are given; the others stay as they are.

    Its code, and whether its records are reviewed before publication (`review`), administrators
    alone change.
    """
    organization = await service.change_organization(
        session, actor, organization_id, values=body, expected_versions=expected_versions
    )
    response.headers["ETag"] = etag(organization)
    return OrganizationRead.model_validate(organization)


@router.post(
    "/{organization_id}/merge",
    summary="Merge an organization into another (合并单位)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def merge_organization(
    organization_id: OrganizationToMergeId,
    session: IdempotentSession,
    actor: Annotated[Actor, Depends(requires(Permission.ORGANIZATIONS_MERGE))],
    response: Response,
    body: Merge,
    expected_versions: ExpectedVersions,
) -> OrganizationRead:
    """All that is the one's becomes the other's: records, people, imports, contacts and the rest;
    the answer is that other one. Nothing is moved where both have a record of the same number or
    title, or codes that differ. The one stays as a name, which imports still find.
    """
    organization = await merging.merge(
        session, actor, organization_id, into=body.into, expected_versions=expected_versions
    )
    response.headers["ETag"] = etag(organization)
    return OrganizationRead.model_validate(organization)
