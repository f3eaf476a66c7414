"""Pages from templates: what they share, and how they answer when something fails."""

import hashlib
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kechuangtong.accounts.actor import ANONYMOUS
from kechuangtong.accounts.cookies import FORM_TOKEN, check_form, form_token
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core import language
from kechuangtong.core.clock import CITY
from kechuangtong.core.errors import (
    AppError,
    Forbidden,
    NotFound,
    NotSignedIn,
    http_error,
    validation_text,
)
from kechuangtong.core.language import Text
from kechuangtong.events import refusals
from kechuangtong.pages import labels

ASSETS: Final = Path(__file__).parent / "assets"

_HEADERS: Final = {
    "Cache-Control": "no-store",
    # Everything is a file of this service: what someone typed into a record runs nowhere.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
}


@cache
def _asset(name: str) -> str:
    """The address of a file, which changes with its content."""
    digest = hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()
    return f"/assets/{name}?{digest[:8]}"


_templates: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_MARKET: Final = (
    ("/search", Permission.SEARCH, Text("检索", "Search")),
    ("/instruments", Permission.INSTRUMENTS_READ, Text("仪器", "Instruments")),
    ("/sales", Permission.ACHIEVEMENTS_READ, Text("挂牌与竞价", "Sales")),
    ("/brokers", Permission.BROKERS_READ, Text("经纪人", "Brokers")),
)
_OWN: Final = (
    ("/my/achievements", Permission.IMPORTS_READ, Text("我的成果", "My achievements")),
    ("/my/demands", Permission.IMPORTS_READ, Text("我的需求", "My demands")),
    ("/uploads", Permission.IMPORTS_READ, Text("导入", "Uploads")),
    ("/bookings", Permission.BOOKINGS_READ, Text("预约", "Bookings")),
    ("/interests", Permission.INTERESTS_READ, Text("对接", "Contacts")),
    ("/deals", Permission.DEALS_READ, Text("交易", "Deals")),
    ("/contracts", Permission.DEALS_READ, Text("合同", "Contracts")),
    ("/inbox", Permission.INBOX_READ, Text("收件箱", "Inbox")),
)
_MORE: Final = (
    ("/service-institutions", Permission.BROKERS_READ, Text("科技服务机构", "Institutions")),
    ("/calculators", Permission.CALCULATORS, Text("计算器", "Calculators")),
    ("/statistics", Permission.SERVICE_READ, Text("统计", "Statistics")),
    ("/webhooks", Permission.WEBHOOKS_READ, Text("事件推送", "Webhooks")),
)
"""Where one can go: path, the permission that it needs, its name."""


def _moment(instant: datetime) -> str:
    """An instant as people here read it."""
    return f"{instant.astimezone(CITY):%Y-%m-%d %H:%M}"


_templates.filters["moment"] = _moment
_templates.filters["event_type"] = labels.event_type
_templates.globals.update(
    t=lambda zh, en: str(Text(zh, en)),
    asset=_asset,
    navigation={"market": _MARKET, "own": _OWN, "more": _MORE},
    Permission=Permission,
    FORM_TOKEN=FORM_TOKEN,
    labels=labels,
)


def page(
    request: Request,
    template: str,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
    **values: object,
) -> HTMLResponse:
    """A page; `problem` is what stands in its way. Templates have `t(Chinese, English)`, the
    `actor`, and `form_token()`, which each form sends along."""
    content = _templates.get_template(template).render(
        request=request,
        actor=getattr(request.state, "actor", ANONYMOUS),
        form_token=lambda: form_token(request),
        language=language.current.get(),
        problem=problem,
        **values,
    )
    return HTMLResponse(content, status, headers=_HEADERS)


def go(path: str) -> RedirectResponse:
    """Where a form leads when it is done (303: the next request is a GET)."""
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)


class PageRoute(APIRoute):
    """A route whose failures are pages, too; who is not signed in is asked to."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except NotSignedIn:
                here = f"{request.url.path}?{request.url.query}".removesuffix("?")
                return go(f"/sign-in?next={quote(here if request.method == 'GET' else '/')}")
            except RequestValidationError as error:
                first = error.errors()[0]
                if first["loc"][0] == "path":
                    return _failed(request, NotFound.status, NotFound.text)
                return _failed(
                    request,
                    HTTPStatus.UNPROCESSABLE_ENTITY,
                    validation_text(first),
                    first["loc"][-1],
                )
            except AppError as error:
                if isinstance(error, Forbidden):
                    await refusals.note(request, error)
                return _failed(request, error.status, error.message)

        return answer


def _failed(
    request: Request, status: HTTPStatus, problem: Text, field: object = None
) -> HTMLResponse:
    return page(request, "failed.html", status=status, problem=problem, field=field)


async def no_such_path(request: Request, error: Exception) -> Response:
    """The answer where nothing is: to who follows a link, a page."""
    if request.url.path.startswith("/v1") or "text/html" not in request.headers.get("accept", ""):
        return await http_error(request, error)
    return _failed(request, NotFound.status, NotFound.text)


def page_router() -> APIRouter:
    """A router of pages."""
    return APIRouter(
        include_in_schema=False, route_class=PageRoute, dependencies=[Depends(check_form)]
    )
