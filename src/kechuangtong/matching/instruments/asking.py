"""Whether a demand asks for testing or computing, by which words, and which tests an instrument
does."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from kechuangtong.core.text import fold
from kechuangtong.policies.testing import Test, vocabulary


@dataclass(frozen=True, slots=True)
class Need:
    """What of testing and computing a text asks for: the words that say so, and the tests named;
    without such words nothing is asked for."""

    words: tuple[str, ...]
    tests: tuple[Test, ...]

    @property
    def asked(self) -> bool:
        return bool(self.words)


def need_of(texts: Iterable[str | None]) -> Need:
    """What texts ask for."""
    text = _joined(texts)
    tests = tuple(tests_in(text))
    bare = _compounds().sub(lambda found: " " * len(found[0]), text)
    words = [one for one in vocabulary().asks if stands_in(one, bare)]
    if tests:
        words += [one for one in vocabulary().hints if stands_in(one, bare)]
    return Need(tuple(words), tests if words else ())


def done_by(texts: Iterable[str | None], class_code: str | None, kind: str) -> tuple[Test, ...]:
    """The tests that an instrument does: those that its texts name, and those of its class."""
    named = {one.code for one in tests_in(_joined(texts))}
    return tuple(
        one
        for one in vocabulary().tests
        if one.code in named
        or kind in one.kinds
        or (class_code is not None and class_code.startswith(one.classes))
    )


def tests_in(folded: str) -> Iterator[Test]:
    """The tests that a folded text names."""
    return (one for one in vocabulary().tests if any(stands_in(word, folded) for word in one.words))


def stands_in(word: str, folded: str) -> bool:
    """Whether a word stands in a folded text; a Latin one not as a piece of a longer one."""
    if word not in folded:
        return False
    edge = "[0-9a-z]"
    return not word.isascii() or bool(re.search(rf"(?<!{edge}){re.escape(word)}(?!{edge})", folded))


def _joined(texts: Iterable[str | None]) -> str:
    return fold("\n".join(one for one in texts if one))


@cache
def asking_words() -> frozenset[str]:
    """The words that ask for any test: that two texts have them says nothing of the pair."""
    return frozenset(vocabulary().asks + vocabulary().hints)


@cache
def _compounds() -> re.Pattern[str]:
    return re.compile("|".join(sorted(map(re.escape, vocabulary().unless), key=len, reverse=True)))
