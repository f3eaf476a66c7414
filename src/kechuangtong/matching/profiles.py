"""What ranking needs of a record, computed once when the record changes.

A profile is text folded and cut into words; vectors are kept apart, by the hash of their text.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kechuangtong.core.text import fold, normalize, segments, words

# Raised when a profile is computed differently: stored ones of another format are made anew.
FORMAT: Final = 2
# The model's time grows faster than the text: beyond these characters words alone count.
VECTOR_CHARACTERS: Final = 160
TEXT_CHARACTERS: Final = 2_000


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
class Profile:
    """A record as ranking sees it: folded texts, their words without repetition, in order.

    `text` is title, keywords and description together. The hashes name the vectors of `Inputs`.
    """

    title: str
    text: str
    title_words: tuple[str, ...]
    words: tuple[str, ...]
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


def profile(title: str, keywords: Sequence[str], description: str | None) -> Profile:
    """The profile of a record, or of a free text."""
    everything = "\n".join([title, *keywords, description or ""])
    encoded = inputs(title, keywords, description)
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
