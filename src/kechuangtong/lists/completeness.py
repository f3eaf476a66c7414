"""Completeness (完整度) of a record: what a reader from industry will miss in it.

Such readers complain of four things: too early, the benefit over what exists unclear, the
commercial route unclear, the description too vague. Each rule stands for something that answers
one of these when it is said; a list's points are 100 in all.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final, Generic, TypeVar

from pydantic import BaseModel, Field

from kechuangtong.core.language import Text
from kechuangtong.core.text import fold
from kechuangtong.core.trade import PriceKind
from kechuangtong.models import Achievement, Demand

R = TypeVar("R", Achievement, Demand)

ENOUGH_CHARACTERS: Final = 80
ENOUGH_KEYWORDS: Final = 3


class Complaint(StrEnum):
    """What a reader from industry complains of."""

    TOO_EARLY = "too_early"  # 成熟度不明
    BENEFIT_UNCLEAR = "benefit_unclear"  # 优势不明
    ROUTE_UNCLEAR = "route_unclear"  # 转化路径不明
    TOO_VAGUE = "too_vague"  # 描述笼统


@dataclass(frozen=True, slots=True)
class Rule(Generic[R]):
    """Something that should be said, in a field, and what it is worth."""

    code: str
    complaint: Complaint
    field: str
    points: int
    said: Callable[[R], bool]
    text: Text


class Finding(BaseModel):
    """Something that is not said."""

    code: str
    complaint: Complaint
    field: Annotated[str, Field(description="Where it would be said")]
    text: str
    points: Annotated[int, Field(description="What saying it adds to the score")]


class Completeness(BaseModel):
    """How complete a record is: 100 less the points of what is missing."""

    score: Annotated[int, Field(ge=0, le=100)]
    missing: list[Finding]


_FIGURE = re.compile(r"\d")
# What people write where they compare with what exists, or tell of what there is now; folded.
_COMPARES = re.compile(
    r"提高|提升|增加|降低|减少|缩短|节约|节省|替代|取代|优于|相比|对比|较|国产化|领先|翻番|倍"
    r"|\bthan\b|compar|instead|replac|reduc|improv|increas|sav(?:e|ing)"
)
_NOW = re.compile(
    r"现有|现用|现在|目前|当前|原有|传统|人工|依赖|进口|问题|困难|不足|痛点|瓶颈|仍|缺"
    r"|\bnow\b|current|present|today|problem|manual|at the moment"
)


def _words(record: Achievement | Demand) -> str:
    application = record.application if isinstance(record, Achievement) else None
    return fold(f"{record.description or ''}\n{application or ''}")


def _long_enough(record: Achievement | Demand) -> bool:
    return len("".join((record.description or "").split())) >= ENOUGH_CHARACTERS


def _keywords(record: Achievement | Demand) -> bool:
    return len(record.keywords) >= ENOUGH_KEYWORDS


_E, _B, _R, _V = Complaint

ACHIEVEMENT: Final[tuple[Rule[Achievement], ...]] = (
    Rule(
        "stage_missing",
        _E,
        "stage",
        12,
        lambda one: one.stage is not None,
        Text(
            "没有写明成熟阶段（实验室、小试、中试、产业化）", "the stage of development is not said"
        ),
    ),
    Rule(
        "trl_missing",
        _E,
        "trl",
        6,
        lambda one: one.trl is not None,
        Text("没有技术成熟度等级", "there is no readiness level"),
    ),
    Rule(
        "evidence_missing",
        _E,
        "trl",
        6,
        lambda one: bool(one.evaluations or (one.trl and one.trl.evidence)),
        Text("没有成熟度依据或第三方评价", "nothing shows the level: no evidence, no evaluation"),
    ),
    Rule(
        "application_missing",
        _B,
        "application",
        10,
        lambda one: bool(one.application),
        Text("没有写明应用领域", "where it can be used is not said"),
    ),
    Rule(
        "figures_missing",
        _B,
        "description",
        10,
        lambda one: _FIGURE.search(_words(one)) is not None,
        Text("没有性能或效益的数字", "there are no figures of performance or benefit"),
    ),
    Rule(
        "comparison_missing",
        _B,
        "description",
        6,
        lambda one: _COMPARES.search(_words(one)) is not None,
        Text("没有与现有技术比较", "it is not compared with what exists"),
    ),
    Rule(
        "cooperation_missing",
        _R,
        "cooperation",
        10,
        lambda one: bool(one.cooperation),
        Text("没有写明合作方式", "no way of cooperation is named"),
    ),
    Rule(
        "price_missing",
        _R,
        "price",
        8,
        lambda one: one.price.kind is not PriceKind.UNKNOWN,
        Text("没有意向价格（面议也可）", "there is no price, not even that it is negotiable"),
    ),
    Rule(
        "rights_missing",
        _R,
        "intellectual_property",
        8,
        lambda one: bool(one.intellectual_property),
        Text("没有列出知识产权", "no intellectual property is listed"),
    ),
    Rule(
        "description_short",
        _V,
        "description",
        14,
        _long_enough,
        Text(
            "简介不足 80 字，难以判断", "the description has under 80 characters, too few to judge"
        ),
    ),
    Rule(
        "field_missing",
        _V,
        "field",
        5,
        lambda one: bool(one.field),
        Text("没有所属领域", "the field is not said"),
    ),
    Rule(
        "keywords_few",
        _V,
        "keywords",
        5,
        _keywords,
        Text("关键词少于 3 个", "there are fewer than 3 keywords"),
    ),
)

DEMAND: Final[tuple[Rule[Demand], ...]] = (
    Rule(
        "required_stage_missing",
        _E,
        "required_stage",
        14,
        lambda one: one.required_stage is not None,
        Text("没有写明要求的成熟阶段", "how far the development must be is not said"),
    ),
    Rule(
        "required_trl_missing",
        _E,
        "required_trl",
        6,
        lambda one: one.required_trl is not None,
        Text("没有要求的技术成熟度等级", "no readiness level is required"),
    ),
    Rule(
        "figures_missing",
        _B,
        "description",
        14,
        lambda one: _FIGURE.search(_words(one)) is not None,
        Text("没有指标的数字", "there are no figures of what is to be reached"),
    ),
    Rule(
        "present_missing",
        _B,
        "description",
        8,
        lambda one: _NOW.search(_words(one)) is not None,
        Text("没有写明现状与问题", "how it is done now, and what is wrong with it, is not said"),
    ),
    Rule(
        "budget_missing",
        _R,
        "budget",
        14,
        lambda one: one.budget.kind is not PriceKind.UNKNOWN,
        Text("没有预算（面议也可）", "there is no budget, not even that it is negotiable"),
    ),
    Rule(
        "cooperation_missing",
        _R,
        "cooperation",
        10,
        lambda one: bool(one.cooperation),
        Text("没有写明合作方式", "no way of cooperation is named"),
    ),
    Rule(
        "deadline_missing",
        _R,
        "valid_until",
        8,
        lambda one: one.valid_until is not None,
        Text("没有截止日期", "there is no date until when it is open"),
    ),
    Rule(
        "description_short",
        _V,
        "description",
        14,
        _long_enough,
        Text(
            "内容不足 80 字，难以判断", "the description has under 80 characters, too few to judge"
        ),
    ),
    Rule(
        "field_missing",
        _V,
        "field",
        6,
        lambda one: bool(one.field),
        Text("没有所属领域", "the field is not said"),
    ),
    Rule(
        "keywords_few",
        _V,
        "keywords",
        6,
        _keywords,
        Text("关键词少于 3 个", "there are fewer than 3 keywords"),
    ),
)


def completeness(record: Achievement | Demand) -> Completeness:
    """How complete a record is, and what is missing, in the caller's language."""
    if isinstance(record, Achievement):
        return _assess(ACHIEVEMENT, record)
    return _assess(DEMAND, record)


def _assess(rules: tuple[Rule[R], ...], record: R) -> Completeness:
    missing = [
        Finding(
            code=rule.code,
            complaint=rule.complaint,
            field=rule.field,
            text=str(rule.text),
            points=rule.points,
        )
        for rule in rules
        if not rule.said(record)
    ]
    return Completeness(score=100 - sum(one.points for one in missing), missing=missing)
