"""Why a pair fits and what speaks against it: facts that anyone can check in the two records.

A fact is left out where one of the records says nothing of it. Reasons never repeat the score.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from kechuangtong.core.language import Text
from kechuangtong.core.text import Folded, fold_with_offsets, identity, normalize
from kechuangtong.core.trade import Cooperation, Price, PriceKind, Stage
from kechuangtong.matching.ranking import Judgement
from kechuangtong.matching.schemas import Reason, Reasons
from kechuangtong.matching.terms import GENERIC, tells
from kechuangtong.models import Achievement, Demand

SHARED_TERMS: Final = 6
MISSING_TERMS: Final = 3

STAGES: Final = {
    Stage.CONCEPT: Text("概念阶段", "concept"),
    Stage.LABORATORY: Text("实验室阶段", "laboratory"),
    Stage.BENCH: Text("小试", "bench"),
    Stage.PILOT: Text("中试", "pilot"),
    Stage.INDUSTRIAL: Text("产业化", "industrial"),
}
WAYS: Final = {
    Cooperation.TRANSFER: Text("技术转让", "transfer"),
    Cooperation.LICENSE: Text("技术许可", "license"),
    Cooperation.JOINT_DEVELOPMENT: Text("合作开发", "joint development"),
    Cooperation.COMMISSIONED_DEVELOPMENT: Text("委托开发", "commissioned development"),
    Cooperation.EQUITY: Text("作价入股", "equity"),
    Cooperation.SERVICE: Text("技术服务", "service"),
    Cooperation.CONSULTING: Text("技术咨询", "consulting"),
    Cooperation.ANY: Text("均可", "any"),
}

Weight = Callable[[str], float]
# Whether it speaks for the pair, its code, the sentence, and what it says as data.
Fact = tuple[bool, str, Text, dict[str, Any]]


R = TypeVar("R", bound=Achievement | Demand, covariant=True)


@dataclass(frozen=True)
class Side(Generic[R]):
    """One record of a pair with the words of its title, and all of its words."""

    record: R
    title_words: Sequence[str]
    words: Sequence[str]

    @cached_property
    def texts(self) -> dict[str, Folded]:
        """The record's texts by field, folded so that what stands in them can be pointed at."""
        folded: dict[str, Folded] = {}
        for name in ("title", "keywords", "description", "application"):
            value = getattr(self.record, name, None)
            if isinstance(value, list):
                folded |= {f"{name}.{i}": fold_with_offsets(one) for i, one in enumerate(value)}
            elif value:
                folded[name] = fold_with_offsets(value)
        return folded


def explain(
    demand: Side[Demand],
    achievement: Side[Achievement],
    judgement: Judgement,
    *,
    weight: Weight,
    close: float,
    on: date,
) -> list[Fact]:
    """What speaks for and against a pair, as of a day."""
    return [
        *_shared_terms(demand, achievement, weight),
        *_meaning(judgement, close),
        *(fact for find in _FACTS for fact in find(demand.record, achievement.record)),
        *_dates(demand.record, achievement.record, on),
        *_missing_terms(demand, achievement, weight),
    ]


def reasons(facts: Iterable[Fact]) -> Reasons:
    """Facts as they are shown, in the caller's language."""
    found: dict[bool, list[Reason]] = {True: [], False: []}
    for speaks_for, code, text, data in facts:
        found[speaks_for].append(Reason(code=code, text=str(text), data=data))
    return Reasons(for_=found[True], against=found[False])


def place_of(word: str, texts: Mapping[str, Folded]) -> dict[str, Any] | None:
    """Where a word first stands: the field, and start and end in its text as typed."""
    for name, folded in texts.items():
        match = re.search(_whole(word), folded.text)
        if match is not None:
            start, end = folded.original_span(*match.span())
            return {"field": name, "start": start, "end": end}
    return None


def _whole(word: str) -> str:
    """A Latin word or a number counts where it is not a piece of a longer one."""
    edge = "[0-9a-z]"
    return rf"(?<!{edge}){re.escape(word)}(?!{edge})" if word.isascii() else re.escape(word)


def weighty(words: list[str], weight: Weight) -> Iterator[str]:
    """Words that tell something, weightiest first, none a part of one before or after it."""
    telling = [
        word
        for word in words
        if tells(word) and word not in GENERIC and (len(word) > 1 or word.isascii())
    ]
    longest = [
        word for word in telling if not any(word in other for other in telling if other != word)
    ]
    return iter(sorted(longest, key=lambda word: (-weight(word), word)))


def _shared_terms(
    demand: Side[Demand], achievement: Side[Achievement], weight: Weight
) -> Iterator[Fact]:
    offered = set(achievement.words)
    shared = [one for one in demand.words if one in offered]
    texts = {"demand": demand.texts, "achievement": achievement.texts}
    return shared_terms(shared, texts, weight)


def shared_terms(
    words: list[str], texts: Mapping[str, Mapping[str, Folded]], weight: Weight
) -> Iterator[Fact]:
    """What both sides, by their names, say; and where."""
    terms: list[dict[str, Any]] = []
    for word in weighty(words, weight):
        places = {side: place_of(word, its) for side, its in texts.items()}
        found = {side: place for side, place in places.items() if place is not None}
        if len(found) == len(texts):
            terms.append({"term": word, "weight": round(weight(word), 2), **found})
        if len(terms) == SHARED_TERMS:
            break
    if terms:
        listed = [one["term"] for one in terms]
        text = Text("双方都提到：" + "、".join(listed), "Both mention: " + ", ".join(listed))
        yield True, "shared_terms", text, {"terms": terms}


def _meaning(judgement: Judgement, close: float) -> Iterator[Fact]:
    if judgement.closeness is not None and judgement.closeness >= close:
        text = Text("需求与成果的语义相近", "Demand and achievement are close in meaning")
        yield True, "close_in_meaning", text, {"similarity": round(judgement.closeness, 4)}


def _missing_terms(
    demand: Side[Demand], achievement: Side[Achievement], weight: Weight
) -> Iterator[Fact]:
    offered = set(achievement.words)
    terms: list[dict[str, Any]] = []
    missing = [one for one in demand.title_words if one not in offered]
    for word in weighty(missing, weight):
        place = place_of(word, {"title": demand.texts["title"]})
        if place is not None and place_of(word, achievement.texts) is None:
            terms.append({"term": word, "demand": place})
        if len(terms) == MISSING_TERMS:
            break
    if terms:
        listed = [one["term"] for one in terms]
        yield (
            False,
            "missing_terms",
            Text(
                "成果未提到需求名称中的：" + "、".join(listed),
                "The achievement does not mention, of the demand's title: " + ", ".join(listed),
            ),
            {"terms": terms},
        )


def _field(demand: Demand, achievement: Achievement) -> Iterator[Fact]:
    if demand.field and achievement.field and identity(demand.field) == identity(achievement.field):
        text = Text(f"同属{demand.field}领域", f"Both are in the field {demand.field}")
        yield True, "same_field", text, {"field": demand.field}


def _stage(demand: Demand, achievement: Achievement) -> Iterator[Fact]:
    if demand.required_stage is None or achievement.stage is None:
        return
    required, reached = Stage(demand.required_stage), Stage(achievement.stage)
    order = list(Stage)
    meets = order.index(reached) >= order.index(required)
    zh = "成果处于{stage}，{meets}需求要求的{required}"
    values = {"stage": STAGES[reached].zh, "required": STAGES[required].zh}
    yield (
        meets,
        "stage_meets" if meets else "stage_below",
        Text(
            zh.format(meets="达到" if meets else "未达到", **values),
            f"The achievement is at the stage {STAGES[reached].en}; required: "
            f"{STAGES[required].en}",
        ),
        {"stage": reached.value, "required_stage": required.value},
    )


def _trl(demand: Demand, achievement: Achievement) -> Iterator[Fact]:
    required, reached = demand.required_trl, achievement.trl
    if required is None or reached is None or required.scale != reached.scale:
        return  # levels of different scales cannot be compared
    meets = reached.level >= required.level
    yield (
        meets,
        "trl_meets" if meets else "trl_below",
        Text(
            f"成果技术成熟度 {reached.level} 级，需求要求不低于 {required.level} 级",
            f"The achievement is at readiness level {reached.level}; required: {required.level}",
        ),
        {"scale": reached.scale, "level": reached.level, "required_level": required.level},
    )


def _money(demand: Demand, achievement: Achievement) -> Iterator[Fact]:
    asked, offered = achievement.price, demand.budget
    if not (_says_amount(asked) and _says_amount(offered)):
        return
    lowest = asked.low if asked.low is not None else Decimal(0)
    most = offered.high
    if most is not None and lowest > most:
        speaks_for, code = False, "price_above_budget"
        text = Text(
            "要价 {price}，高于预算 {budget}", "Asking {price} is above the budget {budget}"
        )
    elif asked.high is not None and (most if most is not None else offered.low or 0) >= asked.high:
        speaks_for, code = True, "price_within_budget"
        text = Text(
            "要价 {price}，在预算 {budget} 之内", "Asking {price} is within the budget {budget}"
        )
    elif most is not None:
        speaks_for, code = True, "price_overlaps_budget"
        text = Text(
            "要价 {price} 与预算 {budget} 有重合", "Asking {price} overlaps the budget {budget}"
        )
    else:
        return  # a budget that only says its least
    price, budget = amounts(asked), amounts(offered)
    yield (
        speaks_for,
        code,
        Text(
            text.zh.format(price=price.zh, budget=budget.zh),
            text.en.format(price=price.en, budget=budget.en),
        ),
        {"price": _bounds(asked), "budget": _bounds(offered)},
    )


def _says_amount(price: Price) -> bool:
    return price.kind in (PriceKind.FIXED, PriceKind.RANGE)


def _bounds(price: Price) -> dict[str, str | None]:
    return {
        "low": None if price.low is None else f"{price.low:.2f}",
        "high": None if price.high is None else f"{price.high:.2f}",
    }


def amounts(price: Price) -> Text:
    """An amount or a range in words, for a price that has one."""
    low, high = _amount(price.low), _amount(price.high)
    if low == high and low is not None:
        return low
    if low is None:
        assert high is not None
        return Text(f"不超过 {high.zh}", f"at most {high.en}")
    if high is None:
        return Text(f"不低于 {low.zh}", f"at least {low.en}")
    return Text(f"{low.zh}至 {high.zh}", f"{low.en} to {high.en}")


def _amount(yuan: Decimal | None) -> Text | None:
    if yuan is None:
        return None
    tens = (yuan / 10_000).normalize()
    zh = f"{tens:,f} 万元" if yuan >= 10_000 else f"{yuan.normalize():f} 元"
    return Text(zh, f"CNY {yuan:,.0f}" if yuan == yuan.to_integral() else f"CNY {yuan:,.2f}")


def _cooperation(demand: Demand, achievement: Achievement) -> Iterator[Fact]:
    wanted = [Cooperation(one) for one in demand.cooperation]
    offered = [Cooperation(one) for one in achievement.cooperation]
    if not wanted or not offered:
        return
    if Cooperation.ANY in offered:
        shared = wanted
    elif Cooperation.ANY in wanted:
        shared = offered
    else:
        shared = [one for one in wanted if one in offered]
    data = {
        "demand": [one.value for one in wanted],
        "achievement": [one.value for one in offered],
        "shared": [one.value for one in shared],
    }
    if shared:
        text = _listed(shared)
        yield (
            True,
            "cooperation_agrees",
            Text(f"合作方式一致：{text.zh}", f"Both are open to: {text.en}"),
            data,
        )
    else:
        one, other = _listed(wanted), _listed(offered)
        yield (
            False,
            "cooperation_differs",
            Text(
                f"合作方式不同：需求为{one.zh}，成果为{other.zh}",
                f"Ways of cooperation differ: demand {one.en}, achievement {other.en}",
            ),
            data,
        )


def _listed(ways: list[Cooperation]) -> Text:
    named = [WAYS[way] for way in ways]
    return Text("、".join(one.zh for one in named), ", ".join(one.en for one in named))


_PROVINCE: Final = re.compile(
    "(?:中国)?(北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|"
    "四川|贵州|云南|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门)"
    "(?:壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区|省|市)?"
)
_CITY: Final = re.compile("([^省市区县州盟]{2,8}?)(?:市|自治州|地区|盟|$)")
_MUNICIPALITIES: Final = frozenset({"北京", "天津", "上海", "重庆"})


def _locate(place: str) -> tuple[str | None, str | None]:
    """Province and city that a place names, without their endings."""
    text = normalize(place).replace(" ", "")
    province = _PROVINCE.match(text)
    if province is not None and province[1] in _MUNICIPALITIES:
        return province[1], province[1]
    city = _CITY.match(text, province.end() if province else 0)
    return province[1] if province else None, city[1] if city else None


class Nearness(StrEnum):
    """How near two places are to each other."""

    CITY = "same_city"
    PROVINCE = "same_province"
    APART = "other_province"


def nearness(one: str | None, other: str | None) -> tuple[Nearness, str] | None:
    """How near two places are, and what is named that they share; None where that is not told."""
    if not one or not other:
        return None
    (province, city), (other_province, other_city) = _locate(one), _locate(other)
    if city is not None and city == other_city:
        return Nearness.CITY, city
    if province is None or other_province is None:
        return None
    return (Nearness.PROVINCE if province == other_province else Nearness.APART), province


def _place(demand: Demand, achievement: Achievement) -> Iterator[Fact]:
    near = nearness(demand.place, achievement.place)
    if near is None:
        return
    how, shared = near
    if how is Nearness.APART:
        text = Text(
            f"双方不在一地：需求在{demand.place}，成果在{achievement.place}",
            f"They are apart: demand in {demand.place}, achievement in {achievement.place}",
        )
    else:
        text = Text(f"双方都在{shared}", f"Both are in {shared}")
    data = {"demand": demand.place, "achievement": achievement.place}
    yield how is not Nearness.APART, how.value, text, data


def _rights(_: Demand, achievement: Achievement) -> Iterator[Fact]:
    granted = [one["number"] for one in achievement.intellectual_property if one.get("granted")]
    if granted:
        text = Text(
            f"成果已有授权专利 {len(granted)} 项",
            f"Granted patents of the achievement: {len(granted)}",
        )
        yield True, "granted_patents", text, {"numbers": granted}


def _evaluation(_: Demand, achievement: Achievement) -> Iterator[Fact]:
    one = next((one for one in achievement.evaluations if one.get("evaluator")), None)
    if one is None:
        return
    zh, en = f"成果经{one['evaluator']}评价", f"Evaluated by {one['evaluator']}"
    if one.get("level"):
        zh, en = f"{zh}，结论为{one['level']}", f"{en}: {one['level']}"
    yield True, "evaluated", Text(zh, en), dict(one)


def _dates(demand: Demand, achievement: Achievement, on: date) -> Iterator[Fact]:
    for code, record, zh, en in (
        ("demand_expired", demand, "需求已于 {day} 到期", "The demand ended on {day}"),
        (
            "achievement_expired",
            achievement,
            "成果已于 {day} 到期",
            "The achievement ended on {day}",
        ),
    ):
        if record.valid_until is not None and record.valid_until < on:
            day = record.valid_until.isoformat()
            yield False, code, Text(zh, en).format(day=day), {"valid_until": day}


_FACTS: Final[tuple[Callable[[Demand, Achievement], Iterator[Fact]], ...]] = (
    _field,
    _stage,
    _trl,
    _money,
    _cooperation,
    _place,
    _rights,
    _evaluation,
)
