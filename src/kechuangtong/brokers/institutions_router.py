"""Service institutions (科技服务机构) and the alliance (联盟) over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, WriteSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.brokers import institutions
from kechuangtong.brokers.institution_schemas import (
    AllianceMembership,
    InstitutionQuery,
    InstitutionRead,
    ProfileWrite,
)
from kechuangtong.core.http import ExpectedVersions, IfNoneMatch, etag, not_modified
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.lists.http import of_sample
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1/service-institutions", tags=["service-institutions"])

Reader = Annotated[Actor, Depends(requires(Permission.BROKERS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.BROKERS_WRITE))]
InstitutionId = Annotated[uuid.UUID, of_sample(ids.ORGANIZATION)]


@router.get("", summary="List service institutions (科技服务机构名录)", responses=answers(401, 422))
async def list_service_institutions(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[InstitutionQuery, Query()],
) -> Page[InstitutionRead]:
    """Organizations that offer services, newest first; with `standing` the members of the alliance
    of that standing whose membership holds."""
    page = await institutions.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.get(
    "/{organization_id}",
    summary="Read a service institution (查看科技服务机构)",
    responses={304: {"description": "Not modified"}, **answers(401, 404, 422)},
    response_model=InstitutionRead,
)
async def get_service_institution(
    organization_id: InstitutionId,
    session: ReadSession,
    actor: Reader,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> InstitutionRead | Response:
    """What an organization offers, its place in the alliance, and how many registered brokers it
    employs."""
    shown = await institutions.get(session, actor, organization_id)
    response.headers["ETag"] = etag(shown)
    return not_modified(shown, if_none_match) or shown


@router.put(
    "/{organization_id}",
    summary="Say what an organization offers (填写服务信息)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def put_service_institution(
    organization_id: InstitutionId,
    session: WriteSession,
    actor: Writer,
    response: Response,
    body: ProfileWrite,
    expected_versions: ExpectedVersions,
) -> InstitutionRead:
    """By an editor of the organization, which is thereby in the directory; the first time with
    `If-Match: *`. Its place in the alliance stays as it is."""
    profile = await institutions.write(
        session, actor, organization_id, body, expected_versions=expected_versions
    )
    shown = await institutions.show(session, profile)
    response.headers["ETag"] = etag(shown)
    return shown


@router.put(
    "/{organization_id}/membership",
    summary="Admit to the alliance (设置联盟会员)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def put_alliance_membership(
    organization_id: InstitutionId,
    session: WriteSession,
    actor: Writer,
    response: Response,
    body: AllianceMembership,
    expected_versions: ExpectedVersions,
) -> InstitutionRead:
    """Standing, day of admission, and whether the membership holds: by administrators alone."""
    profile = await institutions.admit(
        session, actor, organization_id, body, expected_versions=expected_versions
    )
    shown = await institutions.show(session, profile)
    response.headers["ETag"] = etag(shown)
    return shown


@router.delete(
    "/{organization_id}/membership",
    status_code=204,
    summary="Dismiss from the alliance (取消联盟会员)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def delete_alliance_membership(
    organization_id: InstitutionId,
    session: WriteSession,
    actor: Writer,
    expected_versions: ExpectedVersions,
) -> None:
    """End a membership, by administrators alone; the institution stays in the directory."""
    await institutions.dismiss(session, actor, organization_id, expected_versions=expected_versions)
