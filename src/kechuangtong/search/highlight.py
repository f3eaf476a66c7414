"""Marking in a text what a query found in it."""

import html
from collections.abc import Sequence
from typing import Final

from kechuangtong.core.text import fold_with_offsets
from kechuangtong.search.query import query_words

SNIPPET: Final = 120


def spans(text: str, q: str) -> list[tuple[int, int]]:
    """Where the query's words stand in the text as typed: disjoint (start, end), in order."""
    return places(text, query_words(q))


def places(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """Where folded words stand in the text as typed: disjoint (start, end), in order."""
    folded = fold_with_offsets(text)
    found: list[tuple[int, int]] = []
    for word in words:
        start = folded.text.find(word)
        while start >= 0:
            end = start + len(word)
            if not word.isascii() or _stands_alone(folded.text, start, end):
                found.append(folded.original_span(start, end))
            start = folded.text.find(word, end)
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def highlight(text: str, q: str) -> str | None:
    """HTML of the text around its first marks, the marks in `<em>`; None where there are none."""
    marks = spans(text, q)
    return excerpt(text, marks, "em") if marks else None


def excerpt(text: str, marks: Sequence[tuple[int, int]], tag: str) -> str:
    """HTML of the text around its first marks, else of its beginning, the marks in a tag."""
    first = marks[0] if marks else (0, 0)
    begin = max(0, min(first[0] - SNIPPET // 4, len(text) - SNIPPET))
    end = min(len(text), max(begin + SNIPPET, first[1]))
    shown = marked(text, [one for one in marks if one[1] <= end], tag, begin, end)
    return f"{'…' if begin else ''}{shown}{'…' if end < len(text) else ''}"


def marked(
    text: str,
    marks: Sequence[tuple[int, int]],
    tag: str,
    begin: int = 0,
    end: int | None = None,
) -> str:
    """HTML of the text from `begin` to `end`, the marks in it in a tag."""
    parts = []
    place = begin
    for start, stop in marks:
        parts += [html.escape(text[place:start]), f"<{tag}>", html.escape(text[start:stop])]
        parts.append(f"</{tag}>")
        place = stop
    return "".join([*parts, html.escape(text[place:end])])


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a Latin word or a number is not merely a piece of a longer one."""
    before, after = text[start - 1 : start], text[end : end + 1]
    return not any(one.isascii() and one.isalnum() for one in (before, after) if one)
