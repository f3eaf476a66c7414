"""HTTP's own manners: request ids, languages, entity tags."""

import re
from contextvars import ContextVar
from typing import Annotated, Protocol

import structlog
from fastapi import Depends, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders, State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kechuangtong.core import language
from kechuangtong.core.db import new_id
from kechuangtong.core.errors import PreconditionFailed, PreconditionRequired, http_problem

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
address: ContextVar[str | None] = ContextVar("address", default=None)

# Pages load what this service serves and nothing else: the documentation's libraries would else
# fetch a logo from their maker.
_PAGES = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; worker-src blob:; frame-ancestors 'none'"
)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestContext:
    """Gives each request its id (the caller's own where it is sane) and its language."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

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
        reads = language.preferred(headers.get("accept-language"))
        language.current.set(reads)
        structlog.contextvars.bind_contextvars(request_id=identifier)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer["X-Request-ID"] = identifier
                answer["Content-Language"] = reads
                answer.add_vary_header("Accept-Language")
                answer.add_vary_header("Authorization")
                answer.add_vary_header("X-API-Key")
                if answer.get("content-type", "").startswith("text/html"):
                    answer["Content-Security-Policy"] = _PAGES
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        replaced = False

        async def send_in_shape(message: Message) -> None:
            nonlocal replaced
            if replaced:
                return
            if message["type"] == "http.response.start" and message["status"] == 413:
                content_type = Headers(raw=message["headers"]).get("content-type", "")
                if content_type.startswith("text/plain"):
                    # The body limit answers by itself, outside of the app's error handlers.
                    replaced = True
                    await http_problem(413, identifier)(scope, receive, send_with_id)
                    return
            await send_with_id(message)

        await self.app(scope, receive, send_in_shape)


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
