"""Signing in, who am I, passwords, and one's own data (登录、密码与个人信息)."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts import passwords, personal, sign_ins, users
from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, WriteSession, for_anyone, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.accounts.schemas import (
    Erasure,
    Me,
    MePatch,
    PasswordChange,
    PasswordResetComplete,
    PasswordResetCreate,
    PersonalData,
    SignInRead,
    Token,
    TokenForm,
)
from kechuangtong.core.http import ExpectedVersions, etag
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, PageQuery, link_next
from kechuangtong.models import User
from kechuangtong.runtime import RuntimeDep

# Longer than it takes to write a mail: who asks for one cannot tell by the time whether it was.
_RESET_SECONDS = 0.3

Agent = Annotated[str | None, Header(alias="User-Agent", include_in_schema=False)]
Reader = Annotated[Actor, Depends(requires(Permission.ACCOUNT_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.ACCOUNT_WRITE))]


def _unstored(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"  # RFC 6749, 5.1


router = APIRouter(prefix="/v1/auth", tags=["accounts"], dependencies=[Depends(_unstored)])


@router.post(
    "/token",
    summary="Sign in, stay signed in (登录与续期)",
    responses=answers(400, 401, 413, 422, 429),
    dependencies=[Depends(for_anyone(Permission.TOKEN_CREATE))],
)
async def create_token(
    runtime: RuntimeDep, form: Annotated[TokenForm, Form()], agent: Agent = None
) -> Token:
    """Tokens for a user name and password (`grant_type=password`), or for the present refresh
    token (`grant_type=refresh_token`).

    An access token is good for half an hour; then the refresh token gets the next two. It is good
    once: an earlier one, which is then in two hands, ends the sign-in. After five wrong passwords
    in a row a name is locked for a quarter of an hour.
    """
    if form.grant_type == "refresh_token":
        (token,) = _given(refresh_token=form.refresh_token)
        return await sign_ins.refresh(runtime.database, runtime.settings, token=token, agent=agent)
    name, password = _given(username=form.username, password=form.password)
    return await sign_ins.sign_in(
        runtime.database, runtime.settings, name=name, password=password, agent=agent
    )


def _given(**values: str | None) -> list[str]:
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise RequestValidationError(
            [
                {"type": "missing", "loc": ("body", name), "msg": "Field required"}
                for name in missing
            ]
        )
    return [value for value in values.values() if value is not None]


@router.post(
    "/sign-out",
    status_code=204,
    summary="Sign out (退出登录)",
    responses=answers(401, 403, 422),
)
async def sign_out(session: WriteSession, actor: Writer) -> None:
    """End this sign-in: its tokens are good for nothing at once."""
    await sign_ins.sign_out(session, actor)


@router.post(
    "/sign-out-everywhere",
    status_code=204,
    summary="Sign out everywhere (退出全部登录)",
    responses=answers(401, 403, 422),
)
async def sign_out_everywhere(session: WriteSession, actor: Writer) -> None:
    """End all of one's sign-ins, this one included."""
    await sign_ins.sign_out_everywhere(session, actor)


@router.get(
    "/sign-ins", summary="Where one is signed in (登录记录)", responses=answers(401, 403, 422)
)
async def list_sign_ins(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[SignInRead]:
    """One's sign-ins that have not ended, the latest first."""
    page = await sign_ins.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.get("/me", summary="Who is signed in (当前用户)", responses=answers(401, 403, 422))
async def get_me(session: ReadSession, actor: Reader, response: Response) -> Me:
    """The signed-in user and the organizations that it acts for."""
    return await _me(session, actor, response)


@router.patch(
    "/me",
    summary="Change one's own account (修改本人信息)",
    responses=answers(400, 401, 403, 409, 412, 413, 422, 428),
)
async def change_me(
    session: WriteSession,
    actor: Writer,
    response: Response,
    body: MePatch,
    expected_versions: ExpectedVersions,
) -> Me:
    """Change the fields that are given. A mail tells the address before of a new one."""
    assert actor.id is not None
    await users.change_user(
        session, actor, actor.id, values=body, expected_versions=expected_versions
    )
    return await _me(session, actor, response)


async def _me(session: AsyncSession, actor: Actor, response: Response) -> Me:
    user = await session.get_one(User, actor.id)
    response.headers["ETag"] = etag(user)
    return Me(
        id=user.id,
        name=user.name,
        email=user.email,
        mail_news=user.mail_news,
        administrator=actor.administrator,
        platform_role=actor.platform_role,
        district=actor.district,
        organization_ids=sorted(actor.organization_ids),
        roles=dict(actor.roles),
    )


@router.get(
    "/me/data", summary="What is kept of one (个人信息副本)", responses=answers(401, 403, 422)
)
async def get_my_data(session: ReadSession, actor: Reader) -> PersonalData:
    """Everything that is kept of the signed-in person, secrets left out."""
    assert actor.id is not None
    return await personal.personal_data(session, actor.id)


@router.post(
    "/me/erase",
    status_code=204,
    summary="Erase one's account (注销账号)",
    responses=answers(400, 401, 403, 409, 413, 422, 429),
)
async def erase_me(runtime: RuntimeDep, actor: Writer, body: Erasure) -> None:
    """Forget the signed-in person: name, address, password, roles, sign-ins, keys. What it did
    for organizations stays, as a number's. It cannot be undone."""
    await personal.erase_oneself(runtime.database, runtime.settings, actor, password=body.password)


@router.post(
    "/password",
    status_code=204,
    summary="Change one's password (修改密码)",
    responses=answers(400, 401, 403, 409, 413, 422, 429),
)
async def change_password(runtime: RuntimeDep, actor: Writer, body: PasswordChange) -> None:
    """Change one's password; one's other sign-ins end."""
    await passwords.change(
        runtime.database, runtime.settings, actor, present=body.present, new=body.new
    )


@router.post(
    "/password-resets",
    status_code=202,
    response_class=Response,
    summary="Ask for a new password (申请重置密码)",
    responses=answers(400, 413, 422),
    dependencies=[Depends(for_anyone(Permission.TOKEN_CREATE))],
)
async def ask_for_password_reset(runtime: RuntimeDep, body: PasswordResetCreate) -> Response:
    """Have a link mailed by which one sets a new password. The answer is the same whether there
    is such a user or not."""
    await asyncio.gather(
        passwords.ask_for_reset(
            runtime.database, runtime.settings, name=body.name, email=body.email
        ),
        asyncio.sleep(_RESET_SECONDS),
    )
    return Response(status_code=202)


@router.post(
    "/password-resets/complete",
    status_code=204,
    summary="Set a new password (重置密码)",
    responses=answers(400, 413, 422),
    dependencies=[Depends(for_anyone(Permission.TOKEN_CREATE))],
)
async def complete_password_reset(runtime: RuntimeDep, body: PasswordResetComplete) -> None:
    """Set a new password by the link of the mail, which is good once within an hour. All sign-ins
    of the user end."""
    await passwords.complete_reset(runtime.database, token=body.token, password=body.password)
