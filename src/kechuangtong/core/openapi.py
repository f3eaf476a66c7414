"""The OpenAPI document: what every operation shares, and its export."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, Field

F = TypeVar("F", bound=Callable[..., Any])

_WHY = {
    400: "the request could not be read",
    401: "not signed in, or the token is not valid",
    403: "the caller sees it and may not do that",
    404: "it is not there, or the caller may not see it",
    409: "the present state does not allow it",
    412: "changed since it was read (If-Match)",
    413: "the body is over the limit",
    422: "values are not valid; `errors` names each",
    428: "If-Match is missing",
    429: "too often; `Retry-After` says when to ask again",
    503: "what answers this is not available at present; `Retry-After` says when to ask again",
}


class ProblemError(BaseModel):
    """One place of a request that is not right."""

    loc: list[str | int] = Field(
        description="Where: body, query, path, header or method, then the field"
    )
    msg: str
    type: str


class Problem(BaseModel):
    """RFC 9457 problem details; `code` is stable, `detail` is in the caller's language."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[ProblemError]
    request_id: str | None


def file(description: str, media_type: str, *, binary: bool = False) -> dict[int | str, Any]:
    """The answer of an operation that gives a file."""
    schema = {"type": "string", **({"format": "binary"} if binary else {})}
    return {200: {"description": description, "content": {media_type: {"schema": schema}}}}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error responses of an operation, for its `responses=`."""
    return {
        status: {
            "description": f"{HTTPStatus(status).phrase}: {_WHY[status]}",
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
        for status in statuses
    }


def raising(*statuses: int) -> Callable[[F], F]:
    """Says which errors a dependency answers with; each operation that has it documents them."""

    def mark(dependency: F) -> F:
        dependency.raises = statuses  # type: ignore[attr-defined]
        return dependency

    return mark


def _raised(dependant: Dependant) -> Iterator[int]:
    yield from getattr(dependant.call, "raises", ())
    for inner in dependant.dependencies:
        yield from _raised(inner)


def operation_id(route: APIRoute) -> str:
    """A function's name is its operation's: stable, and good in generated clients."""
    return route.name


def _require_if_match(operation: dict[str, Any]) -> None:
    # Optional to the validator, so that the answer to its absence is 428 and not 422.
    for parameter in operation.get("parameters", []):
        if parameter["name"] == "if-match":
            parameter |= {"required": True, "schema": {"type": "string", "title": "If-Match"}}


def _share_answers(schema: dict[str, Any]) -> None:
    """Let operations refer to the error answers that all have alike; each in full, they would be a
    third of the document."""
    alike = {str(status): answer for status, answer in answers(*_WHY).items()}
    for item in schema["paths"].values():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                if answer == alike.get(status):
                    name = _answer_name(status)
                    operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    shared = {_answer_name(status): answer for status, answer in alike.items()}
    schema["components"]["responses"] = shared


def _answer_name(status: str) -> str:
    """NotFound for 404."""
    return HTTPStatus(int(status)).phrase.replace(" ", "")


def install(app: FastAPI, *, unlimited: str) -> None:
    """Let the app's document hold the shared problem schema, and that calls are limited but for
    those of paths that begin with `unlimited`."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas = schema["components"]["schemas"]
            schemas |= problem.pop("$defs")
            schemas["Problem"] = problem
            for context in iter_route_contexts(app.routes):
                path = context.path or ""
                for method in context.methods or ():
                    operation = schema["paths"].get(path, {}).get(method.lower())
                    if operation is not None and context.dependant is not None:
                        _require_if_match(operation)
                        limited = () if path.startswith(unlimited) else (429,)
                        raised = answers(*_raised(context.dependant), *limited)
                        found = {str(status): answer for status, answer in raised.items()}
                        responses = found | operation["responses"]
                        operation["responses"] = dict(sorted(responses.items()))
            _share_answers(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
