"""Signing in at one's institution (统一身份认证) over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from kechuangtong.accounts import cookies
from kechuangtong.accounts.deps import WriteSession, requires
from kechuangtong.accounts.oidc import client, service
from kechuangtong.accounts.oidc.schemas import ProviderRead
from kechuangtong.accounts.permissions import Permission
from kechuangtong.accounts.schemas import Token
from kechuangtong.accounts.sign_ins import start
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page
from kechuangtong.runtime import RuntimeDep

router = APIRouter(
    prefix="/v1/auth/oidc",
    tags=["accounts"],
    dependencies=[Depends(requires(Permission.TOKEN_CREATE))],
)

_COOKIE = "kct_oidc"

ProviderName = Annotated[
    str,
    Path(
        max_length=30,
        openapi_examples={"sample": {"summary": "示例", "value": "university"}},
        description="As listed (身份认证的名称)",
    ),
]


@router.get(
    "",
    summary="List institutions to sign in at (统一身份认证列表)",
    responses=answers(401, 403, 422),
)
async def list_providers(runtime: RuntimeDep) -> Page[ProviderRead]:
    """The identity providers of institutions that one may sign in with, as the settings say."""
    items = [ProviderRead.model_validate(one) for one in runtime.settings.oidc_providers]
    return Page[ProviderRead](items=items, next_cursor=None)


@router.get(
    "/{provider}",
    status_code=302,
    response_class=RedirectResponse,
    summary="Sign in at one's institution (统一身份认证登录)",
    responses={
        302: {"description": "To the institution's own page"},
        **answers(401, 403, 404, 422, 503),
    },
)
async def begin_sign_in(
    provider: ProviderName,
    runtime: RuntimeDep,
    page: Annotated[
        str | None,
        Query(max_length=500, description="The page to open then (登录后打开的页面)"),
    ] = None,
) -> Response:
    """Sends the browser to the institution's identity provider, which sends it back to the
    callback."""
    settings = runtime.settings
    chosen = service.provider_named(settings, provider)
    underway = client.begin(chosen, page)
    answer = RedirectResponse(await client.authorization_url(settings, chosen, underway), 302)
    answer.set_cookie(
        _COOKIE,
        client.seal(settings, underway),
        max_age=int(client.STATE_GOOD_FOR.total_seconds()),
        path=_path(provider),
        secure=settings.environment == "production",
        httponly=True,
        samesite="lax",
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get(
    "/{provider}/callback",
    response_model=Token,
    summary="Come back from one's institution (统一身份认证回调)",
    responses={
        303: {"description": "To the page where signing in began"},
        **answers(401, 403, 404, 422, 503),
    },
)
async def finish_sign_in(
    provider: ProviderName,
    runtime: RuntimeDep,
    session: WriteSession,
    request: Request,
    response: Response,
    code: Annotated[str | None, Query(max_length=4_000, description="授权码")] = None,
    state: Annotated[str | None, Query(max_length=200, description="As it was sent")] = None,
    error: Annotated[str | None, Query(max_length=200, description="Why there is no code")] = None,
    iss: Annotated[str | None, Query(max_length=300, description="RFC 9207")] = None,
    underway: Annotated[str | None, Cookie(alias=_COOKIE, include_in_schema=False)] = None,
) -> Token | Response:
    """An access token for who has signed in at the institution, or the page where that began, and a
    cookie. One who comes for the first time becomes a user, and a member of the institution's
    organization."""
    settings = runtime.settings
    chosen = service.provider_named(settings, provider)
    known = client.unseal(settings, chosen, underway, state)
    response.delete_cookie(_COOKIE, path=_path(provider))
    if code is None or error is not None or iss not in (None, chosen.issuer):
        raise client.SignInRefused(title=chosen.title)
    claims = await client.identify(settings, chosen, known, code)
    user = await service.sign_in(session, chosen, claims)
    response.headers["Cache-Control"] = "no-store"
    token = await start(session, settings, user, agent=request.headers.get("user-agent"))
    if known.page is None:
        return token
    cookies.sign_in(request, settings, token)
    answer = RedirectResponse(cookies.local_path(known.page), 303)
    answer.delete_cookie(_COOKIE, path=_path(provider))
    return answer


def _path(provider: str) -> str:
    return f"/v1/auth/oidc/{provider}"
