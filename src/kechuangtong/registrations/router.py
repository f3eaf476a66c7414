"""Registrations (单位注册) over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.http import ExpectedVersions, etag
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.lists.http import of_sample
from kechuangtong.registrations import service
from kechuangtong.registrations.schemas import (
    RegistrationCreate,
    RegistrationPatch,
    RegistrationQuery,
    RegistrationRead,
)
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1/registrations", tags=["registrations"], route_class=IdempotentRoute)

Reader = Annotated[Actor, Depends(requires(Permission.REGISTRATIONS_READ))]
Applicant = Annotated[Actor, Depends(requires(Permission.REGISTRATIONS_CREATE))]
RegistrationId = Annotated[uuid.UUID, of_sample(ids.REGISTRATION)]


# No Idempotency-Key: a trace of the password would be kept with the answer. Sent again, the same
# registration is refused.
@router.post(
    "",
    status_code=201,
    summary="Register an organization (单位注册)",
    responses=answers(400, 401, 409, 413, 422),
)
async def register_organization(
    session: WriteSession, actor: Applicant, response: Response, body: RegistrationCreate
) -> RegistrationRead:
    """Ask for an organization to act for; a reviewer of its district decides. One who is not
    signed in becomes a user by `user`, can sign in at once, and sees this registration alone.
    """
    registration = await service.register(session, actor, values=body)
    response.headers["ETag"] = etag(registration)
    response.headers["Location"] = f"/v1/registrations/{registration.id}"
    return RegistrationRead.model_validate(registration)


@router.get("", summary="List registrations (注册申请)", responses=answers(401, 422))
async def list_registrations(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[RegistrationQuery, Query()],
) -> Page[RegistrationRead]:
    """The caller's own, newest first; a reviewer's those of its district, too."""
    page = await service.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.get(
    "/{registration_id}",
    summary="Watch a registration (注册进度)",
    responses=answers(401, 404, 422),
)
async def get_registration(
    registration_id: RegistrationId, session: ReadSession, actor: Reader, response: Response
) -> RegistrationRead:
    """Where it stands: the reasons where it was returned, the organization where approved."""
    registration = await service.get(session, actor, registration_id)
    response.headers["ETag"] = etag(registration)
    return RegistrationRead.model_validate(registration)


@router.patch(
    "/{registration_id}",
    summary="Change a registration (修改注册申请)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def change_registration(
    registration_id: RegistrationId,
    session: WriteSession,
    actor: Applicant,
    response: Response,
    body: RegistrationPatch,
    expected_versions: ExpectedVersions,
) -> RegistrationRead:
    """The applicant changes what is given; one that was returned is handed in again by that."""
    registration = await service.change(
        session, actor, registration_id, values=body, expected_versions=expected_versions
    )
    response.headers["ETag"] = etag(registration)
    return RegistrationRead.model_validate(registration)


@router.post(
    "/{registration_id}/withdraw",
    summary="Withdraw a registration (撤回注册申请)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def withdraw_registration(
    registration_id: RegistrationId,
    session: IdempotentSession,
    actor: Applicant,
    response: Response,
    expected_versions: ExpectedVersions,
) -> RegistrationRead:
    """The applicant takes it back."""
    registration = await service.withdraw(
        session, actor, registration_id, expected_versions=expected_versions
    )
    response.headers["ETag"] = etag(registration)
    return RegistrationRead.model_validate(registration)
