"""What ranking needs of a record, computed once when the record changes.

A profile is text folded and cut into words; vectors are kept apart, by the hash of their text.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kechuangtong.core.text import fold, normalize, words

# Raised when a profile is computed differently: stored ones of another format are made anew.
FORMAT: Final = 1
# The model's time grows faster than the text: beyond these characters words alone count.
VECTOR_CHARACTERS: Final = 160
TEXT_CHARACTERS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Profile:
    """A record as ranking sees it: folded texts, their words without repetition, in order.

    `text` is title, keywords and description together. `vector_title` and `vector_text` are what
    is encoded: the same where the record has no description.
    """

    title: str
    text: str
    title_words: tuple[str, ...]
    words: tuple[str, ...]
    title_hash: str
    text_hash: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """A record's two texts for the model."""

    title: str
    text: str


def inputs(title: str, description: str | None) -> Inputs:
    """The texts whose vectors a record has."""
    short = normalize(title)
    return Inputs(
        title=short[:VECTOR_CHARACTERS],
        text=normalize(f"{title}。{description}")[:VECTOR_CHARACTERS] if description else short,
    )


def text_hash(text: str) -> str:
    """The name under which a text's vector is kept."""
    return hashlib.sha256(text.encode()).hexdigest()


def profile(title: str, keywords: Sequence[str], description: str | None) -> Profile:
    """The profile of a record, or of a free text."""
    everything = "\n".join([title, *keywords, description or ""])
    encoded = inputs(title, description)
    return Profile(
        title=fold(title),
        text=fold(everything[:TEXT_CHARACTERS]),
        title_words=_distinct(title),
        words=_distinct(everything),
        title_hash=text_hash(encoded.title),
        text_hash=text_hash(encoded.text),
    )


def _distinct(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in words(text) if len(word) <= 100))
