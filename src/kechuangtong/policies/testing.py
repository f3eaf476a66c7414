"""The words by which a text asks for testing or computing (检测、测试、计算), and kinds of tests.

The words are data (`testing.json`) with their version and source. A word of `asks` says it by
itself, one of `hints` only where a kind of test is named beside it; in the compounds of `unless`
neither does, for who needs a 检测设备 needs no test.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from kechuangtong.core.language import Text
from kechuangtong.core.text import fold


@dataclass(frozen=True, slots=True)
class Test:
    """A kind of test: the words that name it, and the classes (分类编码) and kinds of the
    instruments that do it."""

    code: str
    name: Text
    words: tuple[str, ...]
    classes: tuple[str, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words, folded as texts are compared."""

    version: str
    source: str
    asks: tuple[str, ...]
    hints: tuple[str, ...]
    unless: tuple[str, ...]
    tests: tuple[Test, ...]


@cache
def vocabulary() -> Vocabulary:
    """The words in force."""
    path = files("kechuangtong.policies").joinpath("testing.json")
    data = json.loads(path.read_text(encoding="utf-8"))

    def folded(words: list[str]) -> tuple[str, ...]:
        return tuple(fold(one) for one in words)

    return Vocabulary(
        version=data["version"],
        source=data["source"],
        asks=folded(data["asks"]),
        hints=folded(data["hints"]),
        unless=folded(data["unless"]),
        tests=tuple(
            Test(
                code=one["code"],
                name=Text(one["zh"], one["en"]),
                words=folded(one["words"]),
                classes=tuple(one["classes"]),
                kinds=tuple(one.get("kinds", ())),
            )
            for one in data["tests"]
        ),
    )
