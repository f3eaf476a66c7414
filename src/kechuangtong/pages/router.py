"""The few pages that a person opens from a mail (页面)."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from kechuangtong.accounts.actor import ANONYMOUS
from kechuangtong.accounts.deps import requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.accounts.service import MIN_PASSWORD_LENGTH
from kechuangtong.core.errors import AppError, validation_text
from kechuangtong.core.language import Text
from kechuangtong.organizations.invitations import service as invitations
from kechuangtong.organizations.invitations.schemas import InvitationAccept
from kechuangtong.organizations.service import get_organization
from kechuangtong.pages.rendering import page
from kechuangtong.runtime import Runtime, RuntimeDep

router = APIRouter(include_in_schema=False)


@router.get("/invitations/{token}", dependencies=[Depends(requires(Permission.INVITATIONS_ACCEPT))])
async def show_invitation(token: str, runtime: RuntimeDep) -> HTMLResponse:
    """An invitation, with a form to accept it."""
    return await _invitation(runtime, token)


@router.post(
    "/invitations/{token}", dependencies=[Depends(requires(Permission.INVITATIONS_ACCEPT))]
)
async def accept_invitation(
    token: str,
    runtime: RuntimeDep,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """Accept it as a new user, or say why not."""
    try:
        values = InvitationAccept(token=token, name=name, password=password)
        async with runtime.database.write() as session:
            member = await invitations.accept(session, ANONYMOUS, values)
            organization = await get_organization(session, member.organization_id)
    except ValidationError as error:
        problem = validation_text(dict(error.errors()[0]))
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return await _invitation(runtime, token, status=status, problem=problem, name=name)
    except AppError as error:
        return await _invitation(
            runtime, token, status=error.status, problem=error.message, name=name
        )
    return page("invitation.html", done=True, name=member.name, organization=organization.name)


async def _invitation(
    runtime: Runtime,
    token: str,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
    name: str = "",
) -> HTMLResponse:
    try:
        async with runtime.database.read() as session:
            invitation = await invitations.open_invitation(session, token)
            organization = await get_organization(session, invitation.organization_id)
    except AppError as error:
        return page(
            "invitation.html",
            status=error.status,
            problem=error.message,
            done=False,
            organization=None,
        )
    return page(
        "invitation.html",
        status=status,
        problem=problem,
        done=False,
        organization=organization.name,
        email=invitation.email,
        role=invitations.ROLES[invitation.role],
        name=name,
        min_length=MIN_PASSWORD_LENGTH,
    )
