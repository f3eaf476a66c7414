"""The few pages that a person opens from a mail (页面)."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse

from kechuangtong.accounts import passwords
from kechuangtong.accounts.deps import for_anyone
from kechuangtong.accounts.errors import ResetInvalid
from kechuangtong.accounts.hashing import MAX_LENGTH, MIN_LENGTH
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.errors import Invalid
from kechuangtong.core.language import Text
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
