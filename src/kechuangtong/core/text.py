"""One way to read Chinese text, for identities, search and matching alike.

Every text passes the same two folds on both sides before anything compares it: NFKC (full
width to half width) and traditional to simplified. Engines fold 繁/简 after they have cut
words, which breaks them, so it happens here.
"""

import re
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

import opencc
import rjieba

_WORD = re.compile(r"\w", re.UNICODE)


@cache
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


@cache
def _segmenter() -> rjieba.Jieba:
    segmenter = rjieba.Jieba()
    for word in user_words():
        segmenter.add_word(word, 20_000, "n")
    return segmenter


@cache
def user_words() -> tuple[str, ...]:
    """The trade's terms that the segmenter's dictionary breaks (石墨烯)."""
    text = files("kechuangtong.core").joinpath("words.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


def simplify(text: str) -> str:
    """Traditional characters to simplified ones; other text is unchanged."""
    return str(_simplifier().convert(text))


def normalize(text: str) -> str:
    """Half width, simplified, case kept: the form that people's text is compared in."""
    return _kept(text) if len(text) <= _SHORT else _normalized(text)


def _normalized(text: str) -> str:
    return simplify(unicodedata.normalize("NFKC", text))


# A header and a cell are looked at many times in a row; long texts, which callers may send in any
# number, are not kept.
_SHORT: Final = 1_000
_kept: Final = lru_cache(maxsize=256)(_normalized)


def fold(text: str) -> str:
    """As `normalize`, and without differences of case."""
    return normalize(text).casefold()


def identity(text: str) -> str:
    """A title's identity: folded for width, case and 繁/简, with all white space removed."""
    return "".join(fold(text).split())


def words(text: str) -> list[str]:
    """The words of a text in order, folded, long words followed by the shorter ones in them."""
    return [word for word in _segmenter().cut_for_search(fold(text)) if _WORD.search(word)]


def segments(text: str) -> list[str]:
    """The words of a text in order, folded, each part of the text in one word only."""
    return [word for word in _segmenter().cut(fold(text)) if _WORD.search(word)]


class Folded(NamedTuple):
    """A folded text, and for each of its characters the index of the original it came from."""

    text: str
    offsets: list[int]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original text that `[start, end)` of the folded text came from."""
        return self.offsets[start], self.offsets[end - 1] + 1


def fold_with_offsets(text: str) -> Folded:
    """Fold character by character, so that what is found can be marked in the original.

    NFKC changes lengths (㎡, ①), so each character is folded alone; 繁/简 keeps them.
    """
    narrow: list[str] = []
    offsets: list[int] = []
    for index, char in enumerate(text):
        folded = unicodedata.normalize("NFKC", char).casefold()
        narrow.append(folded)
        offsets.extend([index] * len(folded))
    joined = "".join(narrow)
    simplified = simplify(joined)
    if len(simplified) != len(joined):  # a phrase of another length: character by character
        simplified = "".join(one if len(one := simplify(char)) == 1 else char for char in joined)
    return Folded(simplified, offsets)
