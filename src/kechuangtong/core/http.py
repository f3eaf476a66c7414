"""HTTP's own manners: request ids, languages, entity tags."""

import re
from contextvars import ContextVar
from typing import Annotated, Protocol

import structlog
from fastapi import Depends, Header, Response
from starlette.datastructures import Headers, MutableHeaders, State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kechuangtong.core import language
from kechuangtong.core.db import new_id
from kechuangtong.core.errors import PreconditionFailed, PreconditionRequired, http_problem

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

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
        given = headers.get("x-request-id", "")
        identifier = given if _REQUEST_ID.fullmatch(given) else str(new_id())
        State(scope.setdefault("state", {})).request_id = identifier
        request_id.set(identifier)
        reads = language.preferred(headers.get("accept-language"))
        language.current.set(reads)
        structlog.contextvars.bind_contextvars(request_id=identifier)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer["X-Request-ID"] = identifier
                answer["Content-Language"] = reads
                answer.add_vary_header("Accept-Language")
                if answer.get("content-type", "").startswith("text/html"):
                    answer["Content-Security-Policy"] = _PAGES
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


class Versioned(Protocol):
    """A record whose version grows with every change."""

    @property
    def version(self) -> int: ...


def etag(record: Versioned) -> str:
    """The strong entity tag of a record's version."""
    return f'"{record.version}"'


def _expected_version(
    if_match: Annotated[
        str | None,
        Header(
            description="The ETag that was read (读取时的版本)",
            openapi_examples={"read": {"value": '"1"'}},
        ),
    ] = None,
) -> int | None:
    if if_match is None:
        raise PreconditionRequired(loc=("header", "If-Match"))
    if if_match.strip() == "*":
        return None
    if (match := re.fullmatch(r'"(\d{1,9})"', if_match.strip(), re.ASCII)) is None:
        raise PreconditionFailed(loc=("header", "If-Match"))
    return int(match[1])


ExpectedVersion = Annotated[int | None, Depends(_expected_version)]
"""The version that a change expects from If-Match; None for `*`."""


def check_version(record: Versioned, expected: int | None) -> None:
    """Raises PreconditionFailed where the record has changed since it was read."""
    if expected is not None and record.version != expected:
        raise PreconditionFailed(loc=("header", "If-Match"))


IfNoneMatch = Annotated[str | None, Header(description="An ETag that the caller has")]


def not_modified(record: Versioned, if_none_match: str | None) -> Response | None:
    """A 304 where the caller has this version already."""
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    if etag(record) in tags or "*" in tags:
        return Response(status_code=304, headers={"ETag": etag(record)})
    return None
