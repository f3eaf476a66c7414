"""Signing in and who am I (登录)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.security import OAuth2PasswordRequestForm

from kechuangtong.accounts import service
from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.accounts.schemas import Me, Token
from kechuangtong.accounts.tokens import issue_token
from kechuangtong.core.openapi import answers
from kechuangtong.runtime import RuntimeDep

router = APIRouter(prefix="/v1/auth", tags=["accounts"])


@router.post(
    "/token",
    summary="Sign in (登录)",
    responses=answers(400, 401, 413, 422),
    dependencies=[Depends(requires(Permission.TOKEN_CREATE))],
)
async def create_token(
    runtime: RuntimeDep,
    session: ReadSession,
    response: Response,
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
) -> Token:
    """An access token for a user name and password (OAuth2 password form), good for an hour."""
    user = await service.check_password(session, name=form.username, password=form.password)
    response.headers["Cache-Control"] = "no-store"  # RFC 6749, 5.1
    return Token(
        access_token=issue_token(runtime.settings, user.id),
        expires_in=runtime.settings.token_minutes * 60,
    )


@router.get("/me", summary="Who is signed in (当前用户)", responses=answers(401, 422))
async def get_me(actor: Annotated[Actor, Depends(requires(Permission.ACCOUNT_READ))]) -> Me:
    """The signed-in user and the organizations that it acts for."""
    assert actor.id is not None
    return Me(
        id=actor.id,
        name=actor.name,
        administrator=actor.administrator,
        platform_role=actor.platform_role,
        district=actor.district,
        organization_ids=sorted(actor.organization_ids),
        roles=dict(actor.roles),
    )
