"""Expected failures, and the one way in which every failure is answered.

    AppError                  code, status, message in two languages
    ├── NotFound              404: it is not there, or the caller may not see it
    ├── NotSignedIn           401
    ├── Forbidden             403: the caller sees it and may not do that
    ├── Conflict              409: the state of things does not allow it
    ├── TooManyRequests       429: the caller, or its address, has called too often
    ├── PreconditionRequired  428: a change without If-Match
    ├── PreconditionFailed    412: a change to what has changed meanwhile
    └── Invalid               422: what was sent is not understood, with its places

Domains add their own named errors below these. The answer is RFC 9457 problem+json:
`{type, title, status, detail, code, errors: [{loc, msg, type}], request_id}`.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.exceptions import HTTPException
from starlette.routing import Match

from kechuangtong.core.language import Text

log = structlog.get_logger()


class AppError(Exception):
    """A failure that callers are told about. `loc` says where in the request it lies: `place`
    unless that is told, and without either what the path names. `extension` is what else the answer
    says, as members of its own (RFC 9457, 3.2)."""

    status: ClassVar[HTTPStatus]
    code: ClassVar[str]
    text: ClassVar[Text]
    place: ClassVar[Sequence[str] | None] = None
    headers: Mapping[str, str] = {}
    extension: Mapping[str, object] = {}

    def __init__(self, *, loc: Sequence[str | int] | None = None, **values: object) -> None:
        self.message = self.text.format(**values)
        self.loc = loc or self.place
        super().__init__(self.message.en)


class NotFound(AppError):
    status = HTTPStatus.NOT_FOUND
    code = "not_found"
    text = Text("没有找到。", "Not found.")


class NotSignedIn(AppError):
    status = HTTPStatus.UNAUTHORIZED
    code = "not_signed_in"
    text = Text("请先登录。", "Sign in first.")
    place: ClassVar[Sequence[str] | None] = ("header", "Authorization")
    headers = {"WWW-Authenticate": "Bearer"}


class Forbidden(AppError):
    status = HTTPStatus.FORBIDDEN
    code = "forbidden"
    text = Text("您没有权限进行此操作。", "You may not do this.")


class Conflict(AppError):
    status = HTTPStatus.CONFLICT
    code = "conflict"
    text = Text("与现有状态冲突。", "This conflicts with the present state.")


class PreconditionRequired(AppError):
    status = HTTPStatus.PRECONDITION_REQUIRED
    code = "if_match_required"
    text = Text("修改时须带 If-Match 请求头。", "A change needs the If-Match header.")
    place = ("header", "If-Match")


class PreconditionFailed(AppError):
    status = HTTPStatus.PRECONDITION_FAILED
    code = "stale"
    text = Text("记录已被修改，请重新读取。", "The record has changed meanwhile; read it again.")
    place = ("header", "If-Match")


class Invalid(AppError):
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid"
    text = Text("内容无效。", "Invalid content.")


class TooManyRequests(AppError):
    """Says after how many seconds there is room again."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_requests"
    text = Text(
        "请求过于频繁，请 {seconds} 秒后再试。", "Too many requests; try again in {seconds} s."
    )

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds=seconds)
        self.headers = {"Retry-After": str(seconds)}


class Unavailable(AppError):
    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"
    text = Text("暂不可用，请稍后再试。", "Not available at present; try again later.")
    headers = {"Retry-After": "5"}


# Failures of HTTP itself: code, message, and the part of the request that it lies in.
_HTTP_CODES: dict[int, tuple[str, Text, str]] = {
    400: ("bad_request", Text("无法读取请求内容。", "The request could not be read."), "body"),
    404: (NotFound.code, NotFound.text, "path"),
    405: ("method_not_allowed", Text("不支持此方法。", "Method not allowed."), "method"),
    413: ("body_too_large", Text("请求内容过大。", "The request body is too large."), "body"),
}

# Chinese for the kinds of validation error that people meet (English is the validator's own).
_VALIDATION_ZH = {
    "missing": "缺少此项",
    "extra_forbidden": "没有此项",
    "string_too_long": "最多 {max_length} 个字符",
    "string_too_short": "至少 {min_length} 个字符",
    "string_type": "须为文本",
    "string_pattern_mismatch": "格式不正确",
    "string_unicode": "不是有效的文本",
    "too_long": "最多 {max_length} 项",
    "too_short": "至少 {min_length} 项",
    "enum": "须为下列之一：{expected}",
    "literal_error": "须为下列之一：{expected}",
    "int_parsing": "须为整数",
    "int_type": "须为整数",
    "int_from_float": "须为整数",
    "greater_than_equal": "不得小于 {ge}",
    "greater_than": "须大于 {gt}",
    "less_than_equal": "不得大于 {le}",
    "decimal_parsing": "须为数字",
    "decimal_type": "须为数字",
    "decimal_max_places": "最多 {decimal_places} 位小数",
    "decimal_max_digits": "最多 {max_digits} 位数字",
    "decimal_whole_digits": "整数部分最多 {whole_digits} 位",
    "finite_number": "须为有限数字",
    "date_parsing": "不是有效日期",
    "date_from_datetime_parsing": "不是有效日期",
    "date_type": "须为日期",
    "datetime_parsing": "不是有效时间",
    "datetime_from_date_parsing": "不是有效时间",
    "timezone_aware": "须带时区",
    "uuid_parsing": "不是有效标识",
    "bool_parsing": "须为 true 或 false",
    "list_type": "须为列表",
    "model_attributes_type": "须为对象",
    "dict_type": "须为对象",
    "json_invalid": "不是有效的 JSON",
}


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
    request_id: str | None = None,
    extension: Mapping[str, object] | None = None,
) -> JSONResponse:
    """An RFC 9457 answer."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": errors or [],
        "request_id": request_id,
        **(extension or {}),
    }
    return JSONResponse(
        body, status, headers=dict(headers or {}), media_type="application/problem+json"
    )


def _request_id(request: Request) -> str | None:
    return getattr(request.state, "request_id", None)


def _path(request: Request) -> str:
    """A path as logs may hold it: a token in it lets its reader in."""
    path, token = request.url.path, request.path_params.get("token")
    return path.replace(token, "…") if token else path


async def app_error(request: Request, error: Exception) -> JSONResponse:
    """The answer to an expected failure."""
    assert isinstance(error, AppError)
    detail = str(error.message)
    loc = error.loc or ("path", *list(request.path_params)[-1:])
    return problem(
        error.status,
        error.code,
        detail,
        errors=[{"loc": list(loc), "msg": detail, "type": error.code}],
        headers=error.headers,
        request_id=_request_id(request),
        extension=error.extension,
    )


def validation_text(error: Mapping[str, Any]) -> Text:
    """One validator's message in both languages."""
    context = error.get("ctx") or {}
    raised = context.get("error")
    if isinstance(raised, ValueError) and raised.args and isinstance(raised.args[0], Text):
        return raised.args[0]
    template = _VALIDATION_ZH.get(error["type"], "内容无效")
    if "expected" in context:
        context = {**context, "expected": context["expected"].replace(" or ", " 或 ")}
    try:
        return Text(template.format(**context), error["msg"])
    except KeyError:
        return Text(template, error["msg"])


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"loc": list(one["loc"]), "msg": str(validation_text(one)), "type": one["type"]}
        for one in error.errors()
    ]
    detail = Text("有 {n} 处内容无效。", "Invalid values: {n}.").format(n=len(errors))
    return problem(
        422, "validation_failed", str(detail), errors=errors, request_id=_request_id(request)
    )


def http_problem(
    status: int, request_id: str | None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The answer to a failure of HTTP itself: no such path, no such method, too large a body."""
    unnamed = (f"http_{status}", Text(phrase := HTTPStatus(status).phrase, phrase), "path")
    code, text, place = _HTTP_CODES.get(status, unnamed)
    errors = [{"loc": [place], "msg": str(text), "type": code}]
    return problem(status, code, str(text), errors=errors, headers=headers, request_id=request_id)


async def http_error(request: Request, error: Exception) -> Response:
    """The answer to a failure of HTTP itself; OPTIONS is answered with what may be done."""
    assert isinstance(error, HTTPException)
    headers = error.headers
    if error.status_code == 405:
        headers = {"Allow": ", ".join(_methods(request))}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
    return http_problem(error.status_code, _request_id(request), headers)


def _methods(request: Request) -> list[str]:
    """What may be done at a path; routing names the methods of the first route alone."""
    methods = {"OPTIONS"}
    for route in iter_route_contexts(request.app.routes):
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"
    text = Text("数据库暂不可用，请稍后再试。", "The database is not available; try again later.")


async def _database_error(request: Request, error: Exception) -> JSONResponse:
    log.error("database not available", error=str(error), path=_path(request))
    return await app_error(request, DatabaseUnavailable())


def unexpected(request: Request, error: Exception) -> JSONResponse:
    """The answer to a mistake of ours, which is in the log with the request's id."""
    log.error("unexpected", exc_info=error, path=_path(request))
    text = Text("服务器内部错误，请附上编号反馈。", "Internal error; please report the request id.")
    return problem(500, "internal_error", str(text), request_id=_request_id(request))


def install(app: FastAPI) -> None:
    """Answer every expected failure of the app in the one shape."""
    app.add_exception_handler(AppError, app_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(OperationalError, _database_error)
    app.add_exception_handler(InterfaceError, _database_error)
    app.add_exception_handler(PoolExhausted, _database_error)
