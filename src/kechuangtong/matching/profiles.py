"""What ranking needs of a record, computed once when the record changes.

A profile is text folded and cut into words; vectors are kept apart, by the hash of their text.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kechuangtong.core.text import fold, normalize, segments
from kechuangtong.core.text import words as words_of
from kechuangtong.core.trade import ListKind
from kechuangtong.matching.terms import GENERIC, gram_weight, word_weight

# Raised when a profile is computed differently: stored ones of another format are made anew.
FORMAT: Final = 2
# The model's time grows faster than the text: beyond these characters words alone count.
VECTOR_CHARACTERS: Final = 160
GRAM_CHARACTERS: Final = 400
# What stands for 1 in `Numbers`.
UNIT: Final = 10_000
FEATURE_BITS: Final = 7


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """What the word features of a pair are made of: weights by character, pair or word.

    A key is the hash of a run and, in its lowest three bits, the feature that it counts for
    (WORD_FEATURES, in their order); keys are sorted, and a feature is the sum over the keys that
    both sides have of their weights' products. Weights are in ten thousandths: whole numbers,
    whose sums are the same in any order.

    The demand's title, text, telling characters, the text's pairs of characters and its words are
    compared with the achievement's title, title, telling characters, the title's pairs and its
    words: a title says best what an achievement is. Characters and pairs have the length 1 in all;
    words weigh 1 each in a demand, and in an achievement their squared weights over the length of
    all, so that the sum over those shared is large where much of what is rare is shared.
    """

    keys: NDArray[np.uint64]
    weights: NDArray[np.uint32]

    @classmethod
    def of(cls, compared: Sequence[Mapping[str, int]]) -> "Numbers":
        """Numbers out of the weights that a record has for each feature."""
        found = {
            _key(feature, run): weight
            for feature, weights in enumerate(compared)
            for run, weight in weights.items()
        }
        keys = np.array(sorted(found), np.uint64)
        return cls(keys, np.array([found[int(key)] for key in keys], np.uint32))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Numbers":
        """What `to_bytes` made."""
        count = len(data) // 12
        return cls(np.frombuffer(data, "<u8", count), np.frombuffer(data, "<u4", count, 8 * count))

    def to_bytes(self) -> bytes:
        """The keys, 8 bytes each, and then the weights, 4 bytes each."""
        return self.keys.astype("<u8").tobytes() + self.weights.astype("<u4").tobytes()


def _key(feature: int, run: str) -> int:
    digest = hashlib.blake2b(run.encode(), digest_size=8).digest()
    return int.from_bytes(digest) & ~FEATURE_BITS | feature


@dataclass(frozen=True, slots=True)
class Profile:
    """A record as matching sees it: words without repetition in order, numbers, and the names
    of the vectors of its `Inputs`."""

    title_words: tuple[str, ...]
    words: tuple[str, ...]
    numbers: Numbers
    title_hash: str
    text_hash: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """A record's two texts for the model: its title's telling words, and its whole text.

    They are the same where the record has neither keywords nor a description. Without its generic
    words a title says more (nDCG@10 of 0.717 instead of 0.702 by itself, on the benchmark's
    graded pairs).
    """

    title: str
    text: str


def inputs(title: str, keywords: Sequence[str], description: str | None) -> Inputs:
    """The texts whose vectors a record has."""
    telling = "".join(word for word in segments(title) if word not in GENERIC)
    short = (telling or normalize(title))[:VECTOR_CHARACTERS]
    more = [part for part in ("、".join(keywords), description) if part]
    if not more:
        return Inputs(short, short)
    return Inputs(short, normalize("。".join([title, *more]))[:VECTOR_CHARACTERS])


def text_hash(text: str) -> str:
    """The name under which a text's vector is kept."""
    return hashlib.sha256(text.encode()).hexdigest()


def profile(
    kind: ListKind, title: str, keywords: Sequence[str], description: str | None
) -> Profile:
    """The profile of a record, or of a free text."""
    everything = "\n".join([title, *keywords, description or ""])
    encoded = inputs(title, keywords, description)
    title_words, words = _distinct(title), _distinct(everything)
    return Profile(
        title_words=title_words,
        words=words,
        numbers=_numbers(kind, fold(title), fold(everything[:GRAM_CHARACTERS]), title_words, words),
        title_hash=text_hash(encoded.title),
        text_hash=text_hash(encoded.text),
    )


def one_input(name: str, names: Sequence[str], description: str | None) -> Inputs:
    """The text whose vector a record has that is compared by its whole text alone."""
    text = inputs(name, names, description).text
    return Inputs(text, text)


def unranked(name: str, names: Sequence[str], description: str | None) -> Profile:
    """The profile of a record that the ranking does not judge: its words, and its one vector."""
    encoded = text_hash(one_input(name, names, description).text)
    return Profile(
        title_words=_distinct(name),
        words=_distinct("\n".join([name, *names, description or ""])),
        numbers=Numbers.of([]),
        title_hash=encoded,
        text_hash=encoded,
    )


def _distinct(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in words_of(text) if len(word) <= 100))


def _numbers(
    kind: ListKind, title: str, text: str, title_words: Sequence[str], words: Sequence[str]
) -> Numbers:
    characters = _grams(title, 1)
    telling = _grams("".join(word for word in title_words if word not in GENERIC), 1)
    if kind is ListKind.DEMAND:
        asked = dict.fromkeys(words, UNIT)
        return Numbers.of([characters, _grams(text, 1), telling, _grams(text, 2), asked])
    squares = {word: word_weight(word) ** 2 for word in words}
    length = math.sqrt(sum(squares.values())) or 1.0
    offered = {word: round(UNIT * square / length) for word, square in squares.items()}
    return Numbers.of([characters, characters, telling, _grams(title, 2), offered])


def _grams(text: str, length: int) -> dict[str, int]:
    """The runs of so many characters in the beginning of a text, weighted as tf-idf does."""
    text = text[:GRAM_CHARACTERS]
    runs = Counter(text[start : start + length] for start in range(len(text) - length + 1))
    weights = {
        run: (1 + math.log(times)) * gram_weight(run)
        for run, times in runs.items()
        if run.isalnum()
    }
    norm = math.sqrt(sum(weight * weight for weight in weights.values()))
    return {run: round(UNIT * weight / norm) for run, weight in weights.items()}
