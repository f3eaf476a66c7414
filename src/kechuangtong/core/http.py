"""HTTP's own manners: request ids, languages, headers of every answer, entity tags."""

import re
from contextvars import ContextVar
from typing import Annotated, Protocol

import structlog
from fastapi import Depends, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders, State
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kechuangtong.core import language
from kechuangtong.core.db import new_id
from kechuangtong.core.errors import (
    PreconditionFailed,
    PreconditionRequired,
    http_problem,
    unexpected,
)
from kechuangtong.core.openapi import raising

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
address: ContextVar[str | None] = ContextVar("address", default=None)

# Pages load what this service serves and nothing else: the documentation's libraries would else
# fetch a logo from their maker.
_PAGES = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; worker-src blob:; frame-ancestors 'none'"
)
# What is no page is not to become one in a browser.
_DATA = "default-src 'none'; frame-ancestors 'none'"
_EVERY_ANSWER = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HTTPS_ONLY = "max-age=31536000"

SESSION = "kct_session"
"""The cookie of a browser that is signed in."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestContext:
    """Gives each request its id (the caller's own where it is sane) and its language, and each
    answer the headers by which browsers are careful with it."""

    def __init__(self, app: ASGIApp, *, production: bool) -> None:
        self.app = app
        self.production = production

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_head = scope["method"] == "HEAD"
        if is_head:  # routes know GET alone; the answer is the same without its body
            scope = {**scope, "method": "GET"}
        given = headers.get("x-request-id", "")
        identifier = given if _REQUEST_ID.fullmatch(given) else str(new_id())
        State(scope.setdefault("state", {})).request_id = identifier
        request_id.set(identifier)
        address.set(scope["client"][0] if scope.get("client") else None)
        cookies = cookie_parser(headers.get("cookie", ""))
        chosen = cookies.get(language.COOKIE, headers.get("accept-language"))
        reads = language.preferred(chosen)
        language.current.set(reads)
        structlog.contextvars.bind_contextvars(request_id=identifier)
        is_private = "authorization" in headers or "x-api-key" in headers or SESSION in cookies
        https_only = self.production and scope["scheme"] == "https"

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer["X-Request-ID"] = identifier
                answer["Content-Language"] = reads
                answer.add_vary_header("Accept-Language")
                answer.add_vary_header("Cookie")
                answer.add_vary_header("Authorization")
                answer.add_vary_header("X-API-Key")
                is_page = answer.get("content-type", "").startswith("text/html")
                answer.setdefault("Content-Security-Policy", _PAGES if is_page else _DATA)
                for name, value in _EVERY_ANSWER.items():
                    answer.setdefault(name, value)
                if is_private:
                    answer.setdefault("Cache-Control", "no-store")
                if https_only:
                    answer["Strict-Transport-Security"] = _HTTPS_ONLY
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        await self.app(scope, receive, send_with_id)


class InShape:
    """Answers what fails outside of the app's error handlers in the one shape, too: a mistake of
    ours, and a body over the limit."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = replaced = False

        async def send_in_shape(message: Message) -> None:
            nonlocal started, replaced
            if replaced:
                return
            if message["type"] == "http.response.start":
                started = True
                content_type = Headers(raw=message["headers"]).get("content-type", "")
                if message["status"] == 413 and content_type.startswith("text/plain"):
                    replaced = True
                    await http_problem(413, request_id.get())(scope, receive, send)
                    return
            await send(message)

        try:
            await self.app(scope, receive, send_in_shape)
        except Exception as error:
            if not started:
                await unexpected(Request(scope), error)(scope, receive, send)
            raise


def refuse_parameters(request: Request) -> None:
    """A route without query parameters refuses any, as the models of the others do."""
    route = request.scope["route"]
    if isinstance(route, APIRoute) and not route.dependant.query_params and request.query_params:
        raise RequestValidationError(
            [
                {"type": "extra_forbidden", "loc": ("query", name), "msg": "No such parameter"}
                for name in request.query_params
            ]
        )


class Versioned(Protocol):
    """A record whose version grows with every change; its tag also when it is shown otherwise."""

    @property
    def version(self) -> int: ...

    @property
    def tag(self) -> str: ...


def etag(record: Versioned) -> str:
    """The strong entity tag of a record: its version, and what else of it is shown."""
    return f'"{record.tag}"'


# A strong tag of ours, or its version alone. A weak one never matches (RFC 9110, 13.1.1).
_TAG = re.compile(r'\s*"(\d{1,9})(?:-[^"]*)?"\s*', re.ASCII)


@raising(412, 428)
def _expected_versions(
    if_match: Annotated[
        str | None,
        Header(
            description="The ETag that was read (读取时的版本)",
            openapi_examples={"read": {"value": '"1"'}},
        ),
    ] = None,
) -> frozenset[int] | None:
    if if_match is None:
        raise PreconditionRequired
    return versions_in(if_match)


def versions_in(if_match: str) -> frozenset[int] | None:
    """The versions that an If-Match names; None for `*`, that is any."""
    if if_match.strip() == "*":
        return None
    tags = (_TAG.fullmatch(tag) for tag in if_match.split(","))
    return frozenset(int(tag[1]) for tag in tags if tag is not None)


ExpectedVersions = Annotated[frozenset[int] | None, Depends(_expected_versions)]
"""The versions of which If-Match expects one; None for `*`, that is any."""


def check_version(record: Versioned, expected: frozenset[int] | None) -> None:
    """Raises PreconditionFailed where the record has changed since it was read."""
    if expected is not None and record.version not in expected:
        raise PreconditionFailed


IfNoneMatch = Annotated[str | None, Header(description="An ETag that the caller has")]


def not_modified(record: Versioned, if_none_match: str | None) -> Response | None:
    """A 304 where the caller has this version already."""
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    if etag(record) in tags or "*" in tags:
        return Response(status_code=304, headers={"ETag": etag(record)})
    return None
