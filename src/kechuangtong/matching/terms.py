"""Words and how rare they are: which words of a text to look for, and what a shared one weighs.

Rarity is counted in our own corpus, smoothed with a table of counts that ships with the package
(`background.json.gz`: words of demands, achievements and abstracts in the benchmark, as numbers),
so that a list of sixty records ranks as sensibly as one of sixty thousand.
"""

import gzip
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

MAX_TERMS: Final = 24
TITLE_WEIGHT: Final = 2.0


# What nearly every record says of itself and nobody means; half the weight of its rarity.
GENERIC: Final = frozenset(
    """
    研究 技术 系统 产业化 产业 项目 方法 装置 应用 开发 研发 关键 关键技术 及其 一种 新型 基于 设计
    制备 生产 工艺 设备 产品 公司 企业 需求 解决 问题 目前 实现 提高 能够 进行 要求 需要 主要 相关
    具有 采用 通过 使用 国内 国际 领先 水平 成果 示范 推广 平台 服务 建设 工程 高效 智能 综合 集成
    创新 优化 the of and for a an in to with
    """.split()
)


@dataclass(frozen=True, slots=True)
class Rarity:
    """How rare words are: own counts on top of the background's. Lighter words are commoner."""

    documents: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    def weight(self, word: str) -> float:
        """The word's inverse document frequency (Robertson, Spärck Jones), never below zero."""
        background_documents, background = _background()
        total = self.documents + background_documents
        standing = min(self.counts.get(word, 0) + background.get(word, 0), total)
        rarity = math.log(1 + (total - standing + 0.5) / (standing + 0.5))
        return rarity * (0.5 if word in GENERIC else 1.0)


@cache
def _background() -> tuple[int, Mapping[str, int]]:
    table = _background_table()
    return table["documents"], table["counts"]


@cache
def _background_table() -> Any:  # noqa: ANN401
    packed = files("kechuangtong.matching").joinpath("background.json.gz").read_bytes()
    return json.loads(gzip.decompress(packed))


@cache
def _character_weight(character: str) -> float:
    table = _background_table()
    return math.log(1 + table["documents"] / (table["characters"].get(character, 0) + 0.5))


@lru_cache(100_000)
def gram_weight(gram: str) -> float:
    """How telling a run of characters is: the sum of its characters' inverse frequencies."""
    return sum(_character_weight(character) for character in gram)


@lru_cache(100_000)
def word_weight(word: str) -> float:
    """How telling a word is by the background alone: the same whatever the lists hold."""
    return Rarity().weight(word)


def top_terms(
    title_words: Iterable[str], words: Iterable[str], rarity: Rarity, limit: int = MAX_TERMS
) -> list[tuple[str, float]]:
    """The words of a record to look for, with their weights, weightiest first."""
    titled = set(title_words)
    weights = {
        word: rarity.weight(word) * (TITLE_WEIGHT if word in titled else 1.0)
        for word in words
        if tells(word)
    }
    return sorted(weights.items(), key=lambda one: (-one[1], one[0]))[:limit]


def tells(word: str) -> bool:
    """Whether a word means something by itself: a Latin letter or a bare number does not."""
    return not (word.isascii() and (len(word) == 1 or word.replace(".", "").isdigit()))


def count_documents(documents: Iterable[Iterable[str]], *, at_least: int) -> dict[str, int]:
    """In how many documents each word stands, of those that stand in `at_least`, in order."""
    counts: dict[str, int] = {}
    for document in documents:
        for word in set(document):
            counts[word] = counts.get(word, 0) + 1
    return {word: counts[word] for word in sorted(counts) if counts[word] >= at_least}
