"""Bounded lists with keyset cursors: a total order that ends in the id."""

import base64
import json
import uuid
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Request, Response
from pydantic import BaseModel, Field

from kechuangtong.core.errors import Invalid
from kechuangtong.core.language import Text
from kechuangtong.core.schemas import Input

T = TypeVar("T")
S = TypeVar("S")


class CursorInvalid(Invalid):
    code = "cursor_invalid"
    text = Text("cursor 无效。", "The cursor is not valid.")
    place = ("query", "cursor")


class PageQuery(Input):
    """How much of a list, and from where."""

    limit: Annotated[int, Field(ge=1, le=100, description="Items a page (每页条数), 1 to 100")] = 20
    cursor: Annotated[
        str | None,
        Field(max_length=2_000, description="`next_cursor` of the page before (翻页游标)"),
    ] = None


class Page(BaseModel, Generic[T]):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[T]
    next_cursor: str | None

    @classmethod
    def of(
        cls,
        rows: Sequence[S],
        limit: int,
        position: Callable[[S], list[str]],
        item: Callable[[S], T],
    ) -> "Page[T]":
        """A page from up to `limit + 1` rows; `position` is where the next page begins."""
        more = len(rows) > limit
        rows = rows[:limit]
        return cls(
            items=[item(row) for row in rows],
            next_cursor=encode_cursor(position(rows[-1])) if more else None,
        )


def encode_cursor(position: list[str]) -> str:
    """An opaque cursor for a position in the order."""
    text = json.dumps(position, ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, size: int) -> list[str]:
    """The position in a cursor. Raises CursorInvalid for anything but one of ours."""
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        text = "".join(position).encode()  # no lone surrogates
    except (TypeError, ValueError, RecursionError):
        raise CursorInvalid from None
    if not isinstance(position, list) or len(position) != size or b"\x00" in text:
        raise CursorInvalid
    return position


def decode_id(cursor: str) -> uuid.UUID:
    """The id in the cursor of a list that is ordered by id alone. Raises CursorInvalid."""
    (identifier,) = decode_cursor(cursor, 1)
    try:
        return uuid.UUID(identifier)
    except ValueError:
        raise CursorInvalid from None


def link_next(request: Request, response: Response, next_cursor: str | None) -> None:
    """The `Link` header (RFC 8288) to the next page."""
    if next_cursor is not None:
        url = request.url.include_query_params(cursor=next_cursor)
        response.headers["Link"] = f'<{url}>; rel="next"'
