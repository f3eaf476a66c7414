"""Instruments for demands that need testing or computing, and the reverse: the index proposes, a
plain score orders, the records explain."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final

from anyio import to_thread
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.clock import now, today
from kechuangtong.core.language import Text
from kechuangtong.core.text import words as words_of
from kechuangtong.core.trade import IndexKind, ListKind
from kechuangtong.demands.service import demands
from kechuangtong.instruments import queries, texts
from kechuangtong.instruments.hours import Period
from kechuangtong.instruments.schemas import TimeRead
from kechuangtong.instruments.service import show as show_instrument
from kechuangtong.instruments.terms import prices_in_force
from kechuangtong.lists.queries import in_state, visible_to
from kechuangtong.matching import profiles, store
from kechuangtong.matching.explanation import place_of, reasons
from kechuangtong.matching.instruments.asking import Need, asking_words, done_by, need_of
from kechuangtong.matching.instruments.reasons import (
    Demanded,
    Offered,
    Score,
    Terms,
    explain,
    open_to,
)
from kechuangtong.matching.instruments.schemas import (
    AskingWord,
    DemandMatchQuery,
    InstrumentMatchQuery,
    NeedRead,
    ServedDemand,
    ServedDemands,
    SuitableInstrument,
    SuitableInstruments,
    TestRead,
)
from kechuangtong.matching.service import Matcher
from kechuangtong.matching.terms import GENERIC, TITLE_WEIGHT, Rarity, tells, top_terms
from kechuangtong.models import Demand, Instrument, Organization
from kechuangtong.models.instrument import InstrumentState, UserClass
from kechuangtong.models.listing import ListingState
from kechuangtong.policies.testing import Test, vocabulary
from kechuangtong.search.port import Filter
from kechuangtong.search.schemas import RecordFilter
from kechuangtong.search.service import instrument_filter, load, load_instruments

CANDIDATES: Final = 100
# Of the demands many ask for no test at all.
DEMANDS: Final = 200
# A proposal looks for so many of a record's own words, and of the words of the tests.
_OWN_WORDS: Final = 16
_TEST_WORDS: Final = 48
_DAYS: Final = 14  # in which the next free time is looked for

_NOT_ASKED: Final = Text(
    "需求中没有提到检测、测试或计算", "the demand does not ask for testing or computing"
)
_NO_INSTRUMENT: Final = Text("没有找到合适的仪器", "no instrument that suits was found")
_NO_DEMAND: Final = Text("没有找到用得上它的需求", "no demand that it serves was found")


@dataclass(frozen=True, slots=True)
class _Proposed:
    """What the index proposed for a record, best first, and the weights of the record's words."""

    ids: list[uuid.UUID]
    rarity: Rarity
    degraded: Text | None


@dataclass(frozen=True, slots=True)
class _Scored:
    """A record that was proposed: its score and words, and what of tests is asked for and done."""

    id: uuid.UUID
    score: Score
    words: Sequence[str]
    need: Need
    tests: Sequence[Test]


async def for_demand(
    session: AsyncSession,
    actor: Actor,
    matcher: Matcher,
    demand: Demand,
    query: InstrumentMatchQuery,
) -> SuitableInstruments:
    """The instruments that may test or compute what a demand needs."""
    need = await to_thread.run_sync(need_of, _texts_of(demand))
    profile = await to_thread.run_sync(store.profile, demand)
    side = Demanded(demand, profile.words, need)
    answer = SuitableInstruments(
        need=_show_need(side),
        items=[],
        engine=matcher.index.engine,
        degraded=None,
        notice=None if need.asked else str(_NOT_ASKED),
    )
    if not need.asked:
        return answer
    wanted = instrument_filter(
        query,
        Filter(
            place=tuple(query.place) or None,
            organization_id=tuple(map(str, query.organization_id)) or None,
        ),
    )
    proposed = await _propose(
        session, matcher, IndexKind.INSTRUMENT, demand, profile, need.tests, wanted, CANDIDATES
    )
    scored = await _score_instruments(session, actor, side, proposed)
    best = {one.id: one for one in _best(scored, query.limit)}
    loaded = await load_instruments(session, list(best), query.organization_id)
    terms = await _terms_of(session, actor, loaded)
    for one in loaded:
        found = best[one.id]
        offered = Offered(one, found.words, found.tests)
        facts = explain(side, offered, actor, terms[one.id], proposed.rarity.weight)
        free = terms[one.id].free
        answer.items.append(
            SuitableInstrument(
                instrument=show_instrument(one, actor),
                score=found.score.points,
                reasons=reasons(facts),
                free=None if free is None else TimeRead.model_validate(free),
            )
        )
    answer.degraded = None if proposed.degraded is None else str(proposed.degraded)
    answer.notice = None if answer.items else str(_NO_INSTRUMENT)
    return answer


async def for_instrument(
    session: AsyncSession,
    actor: Actor,
    matcher: Matcher,
    instrument: Instrument,
    query: DemandMatchQuery,
) -> ServedDemands:
    """The open demands that an instrument may serve, as the actor may see them."""
    tests = _tests_of(instrument)
    profile = await to_thread.run_sync(store.profile, instrument)
    proposed = await _propose(
        session,
        matcher,
        IndexKind.DEMAND,
        instrument,
        profile,
        tests,
        Filter(valid_on=today()),
        DEMANDS,
    )
    side = Offered(instrument, profile.words, tests)
    scored = await _score_demands(session, actor, side, proposed)
    best = {one.id: one for one in _best(scored, query.limit)}
    items = []
    for one in await load(session, actor, ListKind.DEMAND, list(best), RecordFilter()):
        assert isinstance(one, Demand)
        found = best[one.id]
        demanded = Demanded(one, found.words, found.need)
        facts = explain(demanded, side, actor, None, proposed.rarity.weight)
        items.append(
            ServedDemand(
                demand=demands.show(one, actor),
                need=_show_need(demanded),
                score=found.score.points,
                reasons=reasons(facts),
            )
        )
    return ServedDemands(
        tests=[_show_test(one) for one in tests],
        items=items,
        engine=matcher.index.engine,
        degraded=None if proposed.degraded is None else str(proposed.degraded),
        notice=None if items else str(_NO_DEMAND),
    )


async def _propose(
    session: AsyncSession,
    matcher: Matcher,
    kind: IndexKind,
    record: Demand | Instrument,
    profile: profiles.Profile,
    tests: Iterable[Test],
    wanted: Filter,
    limit: int,
) -> _Proposed:
    of_tests = _words_of(tests)
    rarity = await store.rarity(session, {*profile.words, *of_tests})
    terms = dict(top_terms(profile.title_words, profile.words, rarity, _OWN_WORDS))
    terms |= {one: TITLE_WEIGHT * rarity.weight(one) for one in of_tests}
    own = IndexKind.DEMAND if isinstance(record, Demand) else IndexKind.INSTRUMENT
    model = await matcher.model(session)
    subject, degraded = await matcher.subject(session, own, profile, store.inputs(record), model)
    found = await matcher.index.propose(
        kind, list(terms.items()), subject.text_vector, wanted, limit
    )
    return _Proposed([uuid.UUID(one.id) for one in found], rarity, degraded)


def _words_of(tests: Iterable[Test]) -> list[str]:
    """The words by which tests are named, of each the first ones: those stand in most texts."""
    by_test = [
        [one for phrase in test.words for one in words_of(phrase) if tells(one)] for test in tests
    ]
    in_turn = (one for words in zip_longest(*by_test) for one in words if one is not None)
    return list(dict.fromkeys(in_turn))[:_TEST_WORDS]


async def _score_instruments(
    session: AsyncSession, actor: Actor, side: Demanded, proposed: _Proposed
) -> list[_Scored]:
    columns = (
        Instrument.id,
        Instrument.name,
        Instrument.name_en,
        Instrument.functions,
        Instrument.specifications,
        Instrument.services,
        Instrument.class_code,
        Instrument.kind,
        Instrument.status,
        Instrument.share_mode,
        Instrument.organization_id,
    )
    rows = await session.execute(
        select(*columns).where(
            Instrument.id.in_(proposed.ids), Instrument.state == InstrumentState.PUBLISHED
        )
    )
    by_id = {row.id: row for row in rows}
    words = await store.words(session, IndexKind.INSTRUMENT, list(by_id))

    def scored(row: Any, share: float, own: Sequence[str]) -> _Scored:  # noqa: ANN401
        tests = _tests_of(row)
        usable = row.status.runs and open_to(actor, row.share_mode, row.organization_id)
        common = _in_common(side.words, own, proposed.rarity)
        score = Score(_done(side.need, tests), common, share, usable)
        return _Scored(row.id, score, own, side.need, tests)

    return await to_thread.run_sync(_each, proposed.ids, by_id, words, scored)


async def _score_demands(
    session: AsyncSession, actor: Actor, side: Offered, proposed: _Proposed
) -> list[_Scored]:
    columns = Demand.id, Demand.title, Demand.keywords, Demand.description
    rows = await session.execute(
        select(*columns).where(
            Demand.id.in_(proposed.ids),
            visible_to(Demand, actor),
            in_state(Demand, ListingState.PUBLISHED),
        )
    )
    by_id = {row.id: row for row in rows}
    words = await store.words(session, IndexKind.DEMAND, list(by_id))
    usable = side.record.status.runs

    def scored(row: Any, share: float, own: Sequence[str]) -> _Scored | None:  # noqa: ANN401
        need = need_of(_texts_of(row))
        if not need.asked:
            return None
        common = _in_common(own, side.words, proposed.rarity)
        score = Score(_done(need, side.tests), common, share, usable)
        return _Scored(row.id, score, own, need, side.tests)

    return await to_thread.run_sync(_each, proposed.ids, by_id, words, scored)


def _each(
    ids: Sequence[uuid.UUID],
    rows: dict[uuid.UUID, Any],
    words: dict[uuid.UUID, tuple[list[str], list[str]]],
    score: Callable[[Any, float, Sequence[str]], _Scored | None],
) -> list[_Scored]:
    """The scores of what was proposed; `share` falls from 1 with the place in the proposal."""
    found = [
        score(rows[one], 1 - rank / len(ids), words[one][1])
        for rank, one in enumerate(ids)
        if one in rows and one in words
    ]
    return [one for one in found if one is not None]


def _done(need: Need, tests: Sequence[Test]) -> float:
    """The part of the tests asked for that are among these."""
    return sum(one in tests for one in need.tests) / len(need.tests) if need.tests else 0.0


def _in_common(one: Sequence[str], other: Sequence[str], rarity: Rarity) -> float:
    """The part of the words of whichever says less that both have, weighted by rarity; words that
    ask for any test, and those that nearly all have, do not count."""
    weights = [
        {word: rarity.weight(word) for word in side if _counts(word)} for side in (one, other)
    ]
    least = min(sum(side.values()) for side in weights)
    shared = sum(weight for word, weight in weights[0].items() if word in weights[1])
    return min(1.0, shared / least) if least else 0.0


def _counts(word: str) -> bool:
    nothing = word in GENERIC or word in asking_words()
    return tells(word) and len(word) > 1 and not nothing


def _best(scored: Iterable[_Scored], limit: int) -> list[_Scored]:
    fitting = [one for one in scored if one.score.fits]
    return sorted(fitting, key=lambda one: (-one.score.points, str(one.id)))[:limit]


async def _terms_of(
    session: AsyncSession, actor: Actor, instruments: Sequence[Instrument]
) -> dict[uuid.UUID, Terms]:
    """What using each of them would mean for the actor: of several organizations the best price."""
    ids = [one.id for one in instruments]
    own = select(Organization).where(Organization.id.in_(actor.organization_ids))
    users = (await session.scalars(own)).all() if actor.organization_ids else []
    prices = await prices_in_force(session, ids, today())
    free = await queries.next_free(session, actor, ids, Period(now(), now() + timedelta(_DAYS)))
    found = {}
    for one in instruments:
        classes = sorted({UserClass.of(user, owner_id=one.organization_id) for user in users})
        offers: list[tuple[Decimal, UserClass]] = [
            (price, user_class)
            for user_class in classes
            if (price := prices.get((one.id, user_class))) is not None
        ]
        price, user_class = min(offers) if offers else (None, classes[0] if classes else None)
        found[one.id] = Terms(user_class, price, free.get(one.id), _DAYS)
    return found


def _texts_of(demand: Any) -> list[str | None]:  # noqa: ANN401
    return [demand.title, *demand.keywords, demand.description]


def _tests_of(instrument: Any) -> tuple[Test, ...]:  # noqa: ANN401
    named = [instrument.name, instrument.name_en, texts.body(instrument)]
    return done_by(named, instrument.class_code, instrument.kind)


def _show_test(test: Test) -> TestRead:
    return TestRead(code=test.code, name=str(test.name))


def _show_need(side: Demanded) -> NeedRead:
    places = {one: place_of(one, side.texts) for one in side.need.words}
    return NeedRead(
        asked=side.need.asked,
        words=[AskingWord(term=one, **place) for one, place in places.items() if place],
        tests=[_show_test(one) for one in side.need.tests],
        vocabulary=vocabulary().version,
    )
