"""The few pages that a person opens."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.templating import Jinja2Templates
from pydantic import ValidationError

from kechuangtong.accounts.actor import ANONYMOUS
from kechuangtong.core.errors import AppError, validation_text
from kechuangtong.core.language import Text
from kechuangtong.organizations.invitations import service as invitations
from kechuangtong.organizations.invitations.schemas import InvitationAccept
from kechuangtong.organizations.service import get_organization
from kechuangtong.runtime import RuntimeDep

router = APIRouter(include_in_schema=False)

_templates = Jinja2Templates(Path(__file__).parent / "templates")


def _page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    problem: Text | None = None,
    **values: object,
) -> Response:
    context = {"problem": problem, **values}
    # The address holds a token that lets its reader in: it is told to no other site, and not kept.
    headers = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
    return _templates.TemplateResponse(request, template, context, status, headers)


@router.get("/invitations/{token}")
async def show_invitation(request: Request, runtime: RuntimeDep, token: str) -> Response:
    """An invitation, with a form to accept it."""
    return await _invitation(request, runtime, token)


@router.post("/invitations/{token}")
async def accept_invitation(
    request: Request,
    runtime: RuntimeDep,
    token: str,
    name: Annotated[str, Form(max_length=1_000)] = "",
    password: Annotated[str, Form(max_length=1_000)] = "",
) -> Response:
    """Accepts it as a new user."""
    try:
        values = InvitationAccept(token=token, name=name, password=password)
        async with runtime.database.write() as session:
            await invitations.accept(session, ANONYMOUS, values)
    except ValidationError as error:
        text = validation_text(dict(error.errors()[0]))
        return await _invitation(request, runtime, token, status=422, problem=text, name=name)
    except AppError as error:
        return await _invitation(
            request, runtime, token, status=error.status, problem=error.message, name=name
        )
    return _page(request, "invitation.html", accepted=values.name)


async def _invitation(
    request: Request,
    runtime: RuntimeDep,
    token: str,
    *,
    status: int = 200,
    problem: Text | None = None,
    name: str = "",
) -> Response:
    try:
        async with runtime.database.read() as session:
            invitation = await invitations.open_invitation(session, token)
            organization = await get_organization(session, invitation.organization_id)
    except AppError as error:
        return _page(request, "invitation.html", status=error.status, problem=error.message)
    return _page(
        request,
        "invitation.html",
        status=status,
        problem=problem,
        organization=organization.name,
        email=invitation.email,
        role=invitations.ROLES[invitation.role],
        name=name,
    )
