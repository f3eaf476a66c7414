"""Why an instrument suits a demand and what speaks against it, and a score out of parts that anyone
can count again. None of it is learned: it is no probability, and no achievement's score."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.language import Text
from kechuangtong.core.text import Folded, fold_with_offsets
from kechuangtong.instruments.hours import Period
from kechuangtong.instruments.names import INSTRUMENT_STATUSES, USAGE_UNITS, USER_CLASSES
from kechuangtong.matching.explanation import (
    Fact,
    Nearness,
    Weight,
    nearness,
    place_of,
    shared_terms,
)
from kechuangtong.matching.instruments.asking import Need, asking_words
from kechuangtong.models import Demand, Instrument
from kechuangtong.models.instrument import InstrumentStatus, ShareMode, UserClass
from kechuangtong.policies import instrument_classes
from kechuangtong.policies.testing import Test

# What the parts of the score count at the most, 100 in all.
TESTS: Final = 50
WORDS: Final = 30
PROPOSED: Final = 20
# Below this part of the words in common they say nothing of a pair without a test in common.
FEW: Final = 0.2
# What an instrument that does not run, or is not open to who asks, has of its points.
_UNUSABLE: Final = 0.5

_DEMAND: Final = ("title", "keywords", "description")
_INSTRUMENT: Final = (
    "name",
    "name_en",
    "model",
    "functions",
    "specifications",
    "services",
    "disciplines",
)
_FAULTY: Final = frozenset({InstrumentStatus.OCCASIONAL_FAULTS, InstrumentStatus.FREQUENT_FAULTS})
_NEAR: Final = {
    Nearness.CITY: Text("仪器与需求同在{place}", "Instrument and demand are both in {place}"),
    Nearness.PROVINCE: Text("仪器与需求同在{place}", "Instrument and demand are both in {place}"),
    Nearness.APART: Text(
        "不在一地：需求在{demand}，仪器在{instrument}",
        "They are apart: demand in {demand}, instrument in {instrument}",
    ),
}


@dataclass(frozen=True, slots=True)
class Score:
    """How well an instrument suits a demand: the part of the tests asked for that it does, the part
    of the words in common, and how early the index proposed it, each from 0 to 1."""

    tests: float
    words: float
    proposed: float
    usable: bool

    @property
    def fits(self) -> bool:
        """Whether more than the index's proposal speaks for it."""
        return self.tests > 0 or self.words >= FEW

    @property
    def points(self) -> float:
        """0 to 100."""
        points = TESTS * self.tests + WORDS * self.words + PROPOSED * self.proposed
        return round(points * (1 if self.usable else _UNUSABLE), 1)


@dataclass(frozen=True, slots=True)
class Terms:
    """What using an instrument would mean for who asks: the class, the price in force for it, when
    it is free next, and until how many days from now that was looked for."""

    user_class: UserClass | None
    price: Decimal | None
    free: Period | None
    days: int


@dataclass(frozen=True)
class Demanded:
    """The side of the demand."""

    record: Demand
    words: Sequence[str]
    need: Need

    @cached_property
    def texts(self) -> dict[str, Folded]:
        return _folded(self.record, _DEMAND)


@dataclass(frozen=True)
class Offered:
    """The side of the instrument."""

    record: Instrument
    words: Sequence[str]
    tests: Sequence[Test]

    @cached_property
    def texts(self) -> dict[str, Folded]:
        names = instrument_classes.names_of(self.record.class_code or "")
        classes = {f"class_names.{i}": fold_with_offsets(one) for i, one in enumerate(names)}
        return _folded(self.record, _INSTRUMENT) | classes


def _folded(record: Demand | Instrument, names: Sequence[str]) -> dict[str, Folded]:
    found: dict[str, Folded] = {}
    for name in names:
        value = getattr(record, name)
        if isinstance(value, list):
            found |= {f"{name}.{i}": fold_with_offsets(one) for i, one in enumerate(value)}
        elif value:
            found[name] = fold_with_offsets(value)
    return found


def open_to(actor: Actor, mode: ShareMode, organization_id: uuid.UUID) -> bool:
    """Whether an instrument may be booked by the actor at all."""
    own = organization_id in actor.organization_ids
    return mode is ShareMode.EXTERNAL or (mode is ShareMode.INTERNAL and own)


def explain(
    demand: Demanded, instrument: Offered, actor: Actor, terms: Terms | None, weight: Weight
) -> list[Fact]:
    """What speaks for and against an instrument; `terms` where it is asked for by its user."""
    return [
        *_tests(demand, instrument),
        *_shared_terms(demand, instrument, weight),
        *_place(demand.record, instrument.record),
        *_openness(instrument.record, actor),
        *_status(instrument.record),
        *(_terms(instrument.record, actor, terms) if terms is not None else ()),
    ]


def _tests(demand: Demanded, instrument: Offered) -> Iterator[Fact]:
    done = [one for one in demand.need.tests if one in instrument.tests]
    missing = [one for one in demand.need.tests if one not in instrument.tests]
    if done:
        yield (
            True,
            "tests_done",
            _named("能做需求所要的：{tests}", "Does, of what is asked for: {tests}", done),
            {"tests": [_evidence(one, demand, instrument) for one in done]},
        )
    if missing:
        text = _named("未写明能做：{tests}", "Does not say that it does: {tests}", missing)
        yield False, "tests_missing", text, {"tests": [one.code for one in missing]}


def _named(zh: str, en: str, tests: Sequence[Test]) -> Text:
    return Text(
        zh.format(tests="、".join(one.name.zh for one in tests)),
        en.format(tests=", ".join(one.name.en for one in tests)),
    )


def _evidence(test: Test, demand: Demanded, instrument: Offered) -> dict[str, Any]:
    """Where the demand names a test, and what says that the instrument does it."""
    named = _word(test, instrument.texts)
    code = instrument.record.class_code
    by: dict[str, Any] | None = named
    if by is None:
        of_class = code is not None and code.startswith(test.classes)
        by = {"class_code": code} if of_class else {"kind": instrument.record.kind.value}
    return {"code": test.code, "demand": _word(test, demand.texts), "instrument": by}


def _word(test: Test, texts: Mapping[str, Folded]) -> dict[str, Any] | None:
    for word in test.words:
        if (place := place_of(word, texts)) is not None:
            return {"term": word, **place}
    return None


def _shared_terms(demand: Demanded, instrument: Offered, weight: Weight) -> Iterator[Fact]:
    offered = set(instrument.words) - asking_words()
    shared = [one for one in demand.words if one in offered]
    texts = {"demand": demand.texts, "instrument": instrument.texts}
    return shared_terms(shared, texts, weight)


def _place(demand: Demand, instrument: Instrument) -> Iterator[Fact]:
    near = nearness(demand.place, instrument.place)
    if near is not None:
        how, shared = near
        data = {"demand": demand.place, "instrument": instrument.place}
        yield how is not Nearness.APART, how.value, _NEAR[how].format(place=shared, **data), data


def _openness(instrument: Instrument, actor: Actor) -> Iterator[Fact]:
    data = {"share_mode": instrument.share_mode.value}
    if instrument.share_mode is ShareMode.EXTERNAL:
        yield True, "shared", Text("对外开放共享", "Shared with others"), data
    elif open_to(actor, instrument.share_mode, instrument.organization_id):
        yield True, "shared_within", Text("本单位内部共享", "Shared within your own house"), data
    else:
        text = Text("不对外开放，须与管理单位商量", "Not shared with others: ask its organization")
        yield False, "not_shared", text, data
    if instrument.qualification_required:
        text = Text("须有上机资格", "Only for qualified people")
        yield False, "qualification_required", text, {}


def _status(instrument: Instrument) -> Iterator[Fact]:
    status = INSTRUMENT_STATUSES[instrument.status]
    data = {"status": instrument.status.value}
    if not instrument.status.runs:
        text = Text("{zh}，目前不能使用", "{en}: it cannot be used at present")
        yield False, "does_not_run", text.format(zh=status.zh, en=status.en), data
    elif instrument.status in _FAULTY:
        yield False, "faulty", status, data


def _terms(instrument: Instrument, actor: Actor, terms: Terms) -> Iterator[Fact]:
    if terms.user_class is not None:
        name, data = USER_CLASSES[terms.user_class], {"user_class": terms.user_class.value}
        if terms.price is None:
            text = Text("对“{zh}”尚无定价", "There is no price for “{en}” yet")
            yield False, "no_price", text.format(zh=name.zh, en=name.en), data
        else:
            unit, amount = USAGE_UNITS[instrument.unit], f"{terms.price:.2f}"
            text = Text(
                f"“{name.zh}”的价格为每{unit.zh} {amount} 元",
                f"The price for “{name.en}” is CNY {amount} per {unit.en}",
            )
            yield True, "priced", text, {**data, "price": amount, "unit": instrument.unit.value}
    if terms.free is not None:
        starts, ends = terms.free
        text = Text("{days} 天内有空闲", "Free within {days} days").format(days=terms.days)
        times = {"starts_at": starts.isoformat(), "ends_at": ends.isoformat()}
        yield True, "free", text, times
    elif instrument.status.runs and open_to(
        actor, instrument.share_mode, instrument.organization_id
    ):
        text = Text("{days} 天内没有可预约的空闲", "Nothing can be booked within {days} days")
        yield False, "not_free", text.format(days=terms.days), {"days": terms.days}
