"""The few pages that a person opens from a mail (页面)."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from kechuangtong.accounts import passwords
from kechuangtong.accounts.actor import ANONYMOUS
from kechuangtong.accounts.deps import for_anyone
from kechuangtong.accounts.errors import ResetInvalid
from kechuangtong.accounts.hashing import MAX_LENGTH, MIN_LENGTH
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.errors import AppError, Invalid, validation_text
from kechuangtong.core.language import Text
from kechuangtong.models import Organization
from kechuangtong.organizations.invitations import service as invitations
from kechuangtong.organizations.invitations.schemas import InvitationAccept
from kechuangtong.pages.rendering import page
from kechuangtong.runtime import Runtime, RuntimeDep

router = APIRouter(include_in_schema=False)

_DIFFER = Text("两次输入的密码不一致。", "The two passwords differ.")


@router.get("/password-resets/{token}", dependencies=[Depends(for_anyone(Permission.TOKEN_CREATE))])
async def show_password_reset(token: str, runtime: RuntimeDep) -> HTMLResponse:
    """The page where a new password is set."""
    return await _password_reset(runtime, token)


@router.post(
    "/password-resets/{token}", dependencies=[Depends(for_anyone(Permission.TOKEN_CREATE))]
)
async def send_password_reset(
    token: str,
    runtime: RuntimeDep,
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """Set the new password, or say why not."""
    if password != again:
        return await _password_reset(runtime, token, problem=_DIFFER)
    try:
        await passwords.complete_reset(runtime.database, token=token, password=password)
    except Invalid as error:
        return await _password_reset(runtime, token, problem=error.message)
    return page("password_reset.html", name=None, done=True)


async def _password_reset(
    runtime: Runtime, token: str, *, problem: Text | None = None
) -> HTMLResponse:
    try:
        async with runtime.database.read() as session:
            user = await passwords.check_reset(session, token)
    except ResetInvalid as error:
        return page(
            "password_reset.html",
            status=HTTPStatus.NOT_FOUND,
            problem=error.message,
            name=None,
            done=False,
        )
    return page(
        "password_reset.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK,
        problem=problem,
        name=user.name,
        done=False,
        min_length=MIN_LENGTH,
        max_length=MAX_LENGTH,
    )


@router.get(
    "/invitations/{token}", dependencies=[Depends(for_anyone(Permission.INVITATIONS_ACCEPT))]
)
async def show_invitation(token: str, runtime: RuntimeDep) -> HTMLResponse:
    """An invitation, with a form to accept it."""
    return await _invitation(runtime, token)


@router.post(
    "/invitations/{token}", dependencies=[Depends(for_anyone(Permission.INVITATIONS_ACCEPT))]
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
            organization = await session.get_one(Organization, member.organization_id)
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
            organization = await session.get_one(Organization, invitation.organization_id)
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
        min_length=MIN_LENGTH,
    )
