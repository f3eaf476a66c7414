"""Invitations (邀请) over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.lists.http import OrganizationId, of_sample
from kechuangtong.organizations.invitations import service
from kechuangtong.organizations.invitations.schemas import (
    InvitationAccept,
    InvitationCreate,
    InvitationQuery,
    InvitationRead,
)
from kechuangtong.organizations.members.schemas import MemberRead
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1", tags=["members"], route_class=IdempotentRoute)

InvitationId = Annotated[uuid.UUID, of_sample(ids.INVITATION)]
Reader = Annotated[Actor, Depends(requires(Permission.MEMBERS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.MEMBERS_WRITE))]


@router.get(
    "/organizations/{organization_id}/invitations",
    summary="List invitations (邀请列表)",
    responses=answers(401, 403, 404, 422),
)
async def list_invitations(
    organization_id: OrganizationId,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[InvitationQuery, Query()],
) -> Page[InvitationRead]:
    """An organization's invitations and what became of them, newest first, for its managers."""
    page = await service.list_invitations(session, actor, organization_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/organizations/{organization_id}/invitations",
    status_code=201,
    summary="Invite a colleague (邀请成员)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def invite(
    organization_id: OrganizationId,
    session: IdempotentSession,
    actor: Writer,
    body: InvitationCreate,
) -> InvitationRead:
    """Ask a colleague by mail to act for the organization. The link is good once, for seven days;
    an earlier one to the same address is good no longer."""
    return await service.invite(session, actor, organization_id, body)


@router.delete(
    "/invitations/{invitation_id}",
    status_code=204,
    summary="Revoke an invitation (撤销邀请)",
    responses=answers(401, 403, 404, 409, 422),
)
async def revoke_invitation(
    invitation_id: InvitationId, session: WriteSession, actor: Writer
) -> None:
    """Take an invitation back that was not accepted yet."""
    await service.revoke_invitation(session, actor, invitation_id)


@router.post(
    "/invitations/accept",
    status_code=201,
    summary="Accept an invitation (接受邀请)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def accept_invitation(
    session: IdempotentSession,
    actor: Annotated[Actor, Depends(requires(Permission.INVITATIONS_ACCEPT))],
    body: InvitationAccept,
) -> MemberRead:
    """Become a member with the token of the mail's link: as who is signed in, or, not signed in,
    as a new user with a name and a password."""
    return await service.accept(session, actor, body)
