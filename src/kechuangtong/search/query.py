"""What a person's query asks for."""

from typing import Final

from kechuangtong.core.text import segments

MAX_WORDS: Final = 64
_CONNECTING: Final = frozenset(
    "的 和 与 及 或 在 对 为 了 之 等 the a an of and or for in to".split()
)


def query_words(q: str) -> list[str]:
    """The words that a query asks for, at most 64, without those that merely connect.

    Nothing in a query is an operator: quotes, minus signs and the like are no words.
    """
    words = list(dict.fromkeys(segments(q[:20_000])))
    meant = [one for one in words if one not in _CONNECTING] or words
    return [one[:200] for one in meant[:MAX_WORDS]]
