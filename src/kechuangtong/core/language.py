"""Which language a caller reads: Chinese unless English is asked for first."""

from contextvars import ContextVar
from typing import Literal, NamedTuple

Language = Literal["zh", "en"]

COOKIE = "kct_language"
"""The cookie of a browser in which a language was chosen."""

current: ContextVar[Language] = ContextVar("language", default="zh")


class Text(NamedTuple):
    """One message in both languages; `format` fills the named places of both."""

    zh: str
    en: str

    def format(self, **values: object) -> "Text":
        return Text(self.zh.format(**values), self.en.format(**values))

    def __str__(self) -> str:
        return self.in_language(current.get())

    def in_language(self, language: Language) -> str:
        return self.en if language == "en" else self.zh


def preferred(accept_language: str | None) -> Language:
    """The language of an `Accept-Language` header (RFC 9110, 12.5.4): its best of zh and en."""
    best: Language = "zh"
    best_quality = 0.0
    for part in (accept_language or "").split(","):
        tag, _, parameter = part.strip().partition(";")
        try:
            quality = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        primary = tag.strip().lower().split("-")[0]
        if quality > best_quality and (primary == "zh" or primary == "en"):
            best, best_quality = ("en" if primary == "en" else "zh"), quality
    return best
