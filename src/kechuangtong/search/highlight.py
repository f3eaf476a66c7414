"""Marking in a text what a query found in it."""

import html
from typing import Final

from kechuangtong.core.text import fold_with_offsets
from kechuangtong.search.query import query_words

SNIPPET: Final = 120


def spans(text: str, q: str) -> list[tuple[int, int]]:
    """Where the query's words stand in the text as typed: disjoint (start, end), in order."""
    folded = fold_with_offsets(text)
    found: list[tuple[int, int]] = []
    for word in query_words(q):
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
    if not marks:
        return None
    begin = max(0, min(marks[0][0] - SNIPPET // 4, len(text) - SNIPPET))
    end = min(len(text), max(begin + SNIPPET, marks[0][1]))
    parts = ["…" if begin else ""]
    place = begin
    for start, stop in marks:
        if stop > end:
            break
        parts += [html.escape(text[place:start]), "<em>", html.escape(text[start:stop]), "</em>"]
        place = stop
    parts += [html.escape(text[place:end]), "…" if end < len(text) else ""]
    return "".join(parts)


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a Latin word or a number is not merely a piece of a longer one."""
    before, after = text[start - 1 : start], text[end : end + 1]
    return not any(one.isascii() and one.isalnum() for one in (before, after) if one)
