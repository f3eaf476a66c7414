"""Members of an organization (成员) over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, WriteSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.lists.http import OrganizationId, of_sample
from kechuangtong.organizations.members import service
from kechuangtong.organizations.members.schemas import MemberPatch, MemberQuery, MemberRead
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1/organizations/{organization_id}/members", tags=["members"])

MemberId = Annotated[uuid.UUID, of_sample(ids.USER)]
Reader = Annotated[Actor, Depends(requires(Permission.MEMBERS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.MEMBERS_WRITE))]


@router.get("", summary="List members (成员列表)", responses=answers(401, 403, 404, 422))
async def list_members(
    organization_id: OrganizationId,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[MemberQuery, Query()],
) -> Page[MemberRead]:
    """The people who act for an organization, shown to them."""
    page = await service.list_members(session, actor, organization_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.patch(
    "/{user_id}",
    summary="Change a member's role (修改成员角色)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def change_role(
    organization_id: OrganizationId,
    user_id: MemberId,
    session: WriteSession,
    actor: Writer,
    body: MemberPatch,
) -> MemberRead:
    """Give a member another role; the last manager keeps it."""
    return await service.change_role(session, actor, organization_id, user_id, body.role)


@router.delete(
    "/{user_id}",
    status_code=204,
    summary="Remove a member, or leave (移除成员、退出单位)",
    responses=answers(401, 403, 404, 409, 422),
)
async def remove_member(
    organization_id: OrganizationId, user_id: MemberId, session: WriteSession, actor: Reader
) -> None:
    """End a membership: a manager anyone's, everyone one's own. The keys for the organization end
    with it; the last manager stays."""
    await service.remove_member(session, actor, organization_id, user_id)
