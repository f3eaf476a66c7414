"""Pages to sign in and out, set a new password, accept an invitation (登录、密码与邀请)."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import Depends, Form, Header, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from kechuangtong.accounts import cookies, passwords, sign_ins
from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import CurrentActor, for_anyone, requires
from kechuangtong.accounts.errors import ResetInvalid
from kechuangtong.accounts.hashing import MAX_LENGTH, MIN_LENGTH
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core import language
from kechuangtong.core.errors import AppError, Invalid, validation_text
from kechuangtong.core.language import Text
from kechuangtong.core.schemas import Input
from kechuangtong.models import Organization
from kechuangtong.organizations.invitations import service as invitations
from kechuangtong.organizations.invitations.schemas import InvitationAccept
from kechuangtong.pages.rendering import go, page, page_router
from kechuangtong.runtime import Runtime, RuntimeDep

router = page_router()

_DIFFER = Text("两次输入的密码不一致。", "The two passwords differ.")
_YEAR = 365 * 24 * 60 * 60


@router.get("/sign-in", dependencies=[Depends(for_anyone(Permission.TOKEN_CREATE))])
async def show_sign_in(request: Request, runtime: RuntimeDep, next: str = "/") -> HTMLResponse:  # noqa: A002
    """The page to sign in."""
    return _sign_in(request, runtime, next)


@router.post("/sign-in", dependencies=[Depends(for_anyone(Permission.TOKEN_CREATE))])
async def send_sign_in(
    request: Request,
    runtime: RuntimeDep,
    username: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002
    agent: Annotated[str | None, Header(alias="User-Agent")] = None,
) -> Response:
    """Sign in, or say why not."""
    try:
        token = await sign_ins.sign_in(
            runtime.database, runtime.settings, name=username, password=password, agent=agent
        )
    except AppError as error:
        return _sign_in(request, runtime, next, error=error, username=username)
    cookies.sign_in(request, runtime.settings, token)
    return go(cookies.local_path(next))


def _sign_in(
    request: Request,
    runtime: Runtime,
    next_path: str,
    *,
    error: AppError | None = None,
    username: str = "",
) -> HTMLResponse:
    return page(
        request,
        "sign_in.html",
        status=HTTPStatus.OK if error is None else error.status,
        problem=None if error is None else error.message,
        next=cookies.local_path(next_path),
        username=username,
        providers=runtime.settings.oidc_providers,
    )


@router.post("/sign-out")
async def sign_out(request: Request, runtime: RuntimeDep, actor: CurrentActor) -> RedirectResponse:
    """End the browser's sign-in, if it has one."""
    if actor.id is not None:
        async with runtime.database.write() as session:
            await sign_ins.sign_out(session, actor)
    cookies.sign_out(request)
    return go("/")


class LanguageQuery(Input):
    """The language that is chosen, and where one was."""

    to: Literal["zh", "en"]
    next: str = "/"


@router.get("/language", dependencies=[Depends(for_anyone(Permission.SERVICE_READ))])
async def choose_language(
    runtime: RuntimeDep, query: Annotated[LanguageQuery, Query()]
) -> RedirectResponse:
    """Choose the language of this browser, for a year."""
    answer = go(cookies.local_path(query.next))
    secure = runtime.settings.public_url.startswith("https://")
    answer.set_cookie(
        language.COOKIE, query.to, max_age=_YEAR, httponly=True, samesite="lax", secure=secure
    )
    return answer


@router.get("/password-resets/{token}", dependencies=[Depends(for_anyone(Permission.TOKEN_CREATE))])
async def show_password_reset(request: Request, token: str, runtime: RuntimeDep) -> HTMLResponse:
    """The page where a new password is set."""
    return await _password_reset(request, runtime, token)


@router.post(
    "/password-resets/{token}", dependencies=[Depends(for_anyone(Permission.TOKEN_CREATE))]
)
async def send_password_reset(
    request: Request,
    token: str,
    runtime: RuntimeDep,
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """Set the new password, or say why not."""
    if password != again:
        return await _password_reset(request, runtime, token, problem=_DIFFER)
    try:
        await passwords.complete_reset(runtime.database, token=token, password=password)
    except Invalid as error:
        return await _password_reset(request, runtime, token, problem=error.message)
    return page(request, "password_reset.html", name=None, done=True)


async def _password_reset(
    request: Request, runtime: Runtime, token: str, *, problem: Text | None = None
) -> HTMLResponse:
    try:
        async with runtime.database.read() as session:
            user = await passwords.check_reset(session, token)
    except ResetInvalid as error:
        return page(
            request,
            "password_reset.html",
            status=HTTPStatus.NOT_FOUND,
            problem=error.message,
            name=None,
            done=False,
        )
    return page(
        request,
        "password_reset.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK,
        problem=problem,
        name=user.name,
        done=False,
        min_length=MIN_LENGTH,
        max_length=MAX_LENGTH,
    )


Invited = Annotated[Actor, Depends(requires(Permission.INVITATIONS_ACCEPT))]


@router.get("/invitations/{token}")
async def show_invitation(
    request: Request, token: str, runtime: RuntimeDep, actor: Invited
) -> HTMLResponse:
    """An invitation, with a form to accept it."""
    return await _invitation(request, runtime, token)


@router.post("/invitations/{token}")
async def accept_invitation(
    request: Request,
    token: str,
    runtime: RuntimeDep,
    actor: Invited,
    name: Annotated[str | None, Form()] = None,
    password: Annotated[str | None, Form()] = None,
) -> HTMLResponse:
    """Accept it as who is signed in or as a new user, or say why not."""
    try:
        values = InvitationAccept(token=token, name=name, password=password)
        async with runtime.database.write() as session:
            member = await invitations.accept(session, actor, values)
            organization = await session.get_one(Organization, member.organization_id)
    except ValidationError as error:
        problem = validation_text(dict(error.errors()[0]))
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return await _invitation(request, runtime, token, status=status, problem=problem, name=name)
    except AppError as error:
        return await _invitation(
            request, runtime, token, status=error.status, problem=error.message, name=name
        )
    return page(
        request, "invitation.html", done=True, name=member.name, organization=organization.name
    )


async def _invitation(
    request: Request,
    runtime: Runtime,
    token: str,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
    name: str | None = None,
) -> HTMLResponse:
    try:
        async with runtime.database.read() as session:
            invitation = await invitations.open_invitation(session, token)
            organization = await session.get_one(Organization, invitation.organization_id)
    except AppError as error:
        return page(
            request,
            "invitation.html",
            status=error.status,
            problem=error.message,
            done=False,
            organization=None,
        )
    return page(
        request,
        "invitation.html",
        status=status,
        problem=problem,
        done=False,
        organization=organization.name,
        email=invitation.email,
        role=invitations.ROLES[invitation.role],
        name=name or "",
        min_length=MIN_LENGTH,
    )
