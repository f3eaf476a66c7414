"""The ranking and its reasons on the sample, whose pairs were graded by hand."""

import statistics
from typing import Any

import pytest
from sqlalchemy import select

from kechuangtong.accounts.actor import ANONYMOUS, OPERATOR
from kechuangtong.core.clock import today
from kechuangtong.core.text import fold
from kechuangtong.core.trade import ListKind, Stage
from kechuangtong.matching.measures import auc, ndcg
from kechuangtong.matching.router import matcher
from kechuangtong.matching.runs.whole import match_all
from kechuangtong.matching.schemas import MatchQuery, MatchSearch
from kechuangtong.matching.service import Matcher
from kechuangtong.models import Achievement, Demand
from kechuangtong.runtime import Runtime
from kechuangtong.sample.ids import sample_id
from kechuangtong.sample.service import grades

EVERYTHING = MatchQuery(limit=100, include_expired=True)


async def matches_of(
    runtime: Runtime, model: type[Any], short: str, query: MatchQuery = EVERYTHING
) -> Any:
    async with runtime.database.read() as session:
        record = await session.get_one(model, sample_id(short))
        return await matcher(runtime).for_record(session, OPERATOR, record, query)


def graded() -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for demand, achievement, grade in grades():
        found.setdefault(demand, {})[str(sample_id(achievement))] = grade
    return found


async def test_the_sample_is_as_large_as_it_should_be(sample: Runtime) -> None:
    async with sample.database.read() as session:
        assert len((await session.scalars(select(Achievement))).all()) >= 60
        assert len((await session.scalars(select(Demand))).all()) >= 30
    assert len(list(grades())) >= 300


async def test_what_was_graded_higher_is_ranked_higher(sample: Runtime) -> None:
    gains, areas, firsts = [], [], []
    for demand, pairs in graded().items():
        found = await matches_of(sample, Demand, demand)
        order = [str(item.achievement.id) for item in found.items]
        ordered = [pairs[one] for one in order if one in pairs]
        gains.append(ndcg(ordered, 10))
        areas.append(auc(ordered))
        firsts.append(pairs.get(order[0], 0) >= 3)
    print(f"nDCG@10 {statistics.mean(gains):.3f} first {statistics.mean(firsts):.3f}")
    assert statistics.mean(gains) > 0.93
    assert statistics.mean(one for one in areas if one is not None) > 0.95
    assert statistics.mean(firsts) > 0.9


async def test_a_pair_has_one_score_from_either_side(sample: Runtime) -> None:
    found = await matches_of(sample, Demand, "d0009")
    for item in found.items[:5]:
        short = str(item.achievement.id)[-5:]
        back = await matches_of(sample, Achievement, short)
        (same,) = [one for one in back.items if one.demand.id == sample_id("d0009")]
        assert (same.score, same.grade) == (item.score, item.grade)


async def test_the_best_come_first_and_grades_follow_scores(sample: Runtime) -> None:
    found = await matches_of(sample, Demand, "d0001")
    scores = [item.score for item in found.items]
    assert scores == sorted(scores, reverse=True)
    levels = [item.grade for item in found.items]
    assert levels == sorted(levels, reverse=True)
    assert found.degraded is None


async def test_every_reason_of_the_sample_is_true(sample: Runtime) -> None:
    everything = await match_all(sample.database, matcher(sample), lambda *_: None)
    codes = set()
    for pair in everything.items:
        for side, reasons in (("for", pair.reasons.for_), ("against", pair.reasons.against)):
            for reason in reasons:
                codes.add((side, reason.code))
                assert reason.text
                assert f"{pair.score:.2f}" not in reason.text
                check(pair.demand, pair.achievement, side, reason.code, reason.data)
    assert len(codes) >= 14


def standing(record: Any, place: dict[str, Any]) -> str:
    """The text at the place that a reason names."""
    name, _, number = place["field"].partition(".")
    text = getattr(record, name)
    return str(text[int(number)] if number else text)[place["start"] : place["end"]]


def whole(record: Any) -> str:
    parts = [record.title, *record.keywords, record.description or ""]
    return fold("\n".join([*parts, getattr(record, "application", None) or ""]))


def check(demand: Any, achievement: Any, side: str, code: str, data: dict[str, Any]) -> None:
    stages = list(Stage)
    match side, code:
        case "for", "shared_terms":
            for term in data["terms"]:
                assert fold(standing(demand, term["demand"])) == term["term"]
                assert fold(standing(achievement, term["achievement"])) == term["term"]
        case "for", "close_in_meaning":
            assert 0 < data["similarity"] <= 1
        case "for", "same_field":
            assert demand.field == achievement.field == data["field"]
        case _, "stage_meets" | "stage_below":
            reached, required = (
                stages.index(achievement.stage),
                stages.index(demand.required_stage),
            )
            assert (reached >= required) == (side == "for") == (code == "stage_meets")
        case _, "trl_meets" | "trl_below":
            assert achievement.trl.scale == demand.required_trl.scale
            meets = achievement.trl.level >= demand.required_trl.level
            assert meets == (side == "for") == (code == "trl_meets")
        case "against", "price_above_budget":
            assert achievement.price.low > demand.budget.high
        case "for", "price_within_budget":
            assert achievement.price.high <= (demand.budget.high or demand.budget.low)
        case "for", "price_overlaps_budget":
            assert (achievement.price.low or 0) <= demand.budget.high
        case "for", "cooperation_agrees":
            assert data["shared"]
            assert "any" in data["achievement"] + data["demand"] or set(data["shared"]) == (
                set(demand.cooperation) & set(achievement.cooperation)
            )
        case "against", "cooperation_differs":
            assert not set(demand.cooperation) & set(achievement.cooperation)
        case "for", "same_city" | "same_province":
            assert demand.place[:2] == achievement.place[:2]
        case "against", "other_province":
            assert demand.place[:2] != achievement.place[:2]
        case "for", "granted_patents":
            granted = [one.number for one in achievement.intellectual_property if one.granted]
            assert granted == data["numbers"]
        case "for", "evaluated":
            assert data["evaluator"] in [one.evaluator for one in achievement.evaluations]
        case "against", "missing_terms":
            for term in data["terms"]:
                assert fold(standing(demand, term["demand"])) == term["term"]
                assert term["term"] not in whole(achievement) or term["term"].isascii()
        case _:
            pytest.fail(f"a reason that nothing checks: {side} {code}")


async def test_what_is_past_its_date_is_unmatched_unless_asked_for(sample: Runtime) -> None:
    async with sample.database.read() as session:
        past = (await session.scalars(select(Demand).where(Demand.valid_until < today()))).all()
    assert past
    achievement = {"d0007": "a0024", "d0013": "a0016"}
    for short, fitting in achievement.items():
        assert sample_id(short) in {one.id for one in past}
        usual = await matches_of(sample, Achievement, fitting, MatchQuery(limit=100))
        assert sample_id(short) not in {item.demand.id for item in usual.items}
        asked = await matches_of(sample, Achievement, fitting)
        (found,) = [item for item in asked.items if item.demand.id == sample_id(short)]
        assert "demand_expired" in {reason.code for reason in found.reasons.against}


async def test_traditional_and_english_texts_find_their_match(sample: Runtime) -> None:
    texts = {
        "烘乾車間想利用餘熱除濕": "a0001",
        "需要能抑制電驅嘯叫的控制演算法": "a0024",
        "silicon-carbon anode material for lithium-ion cells": "a0025",
    }
    async with sample.database.read() as session:
        for text, expected in texts.items():
            search = MatchSearch(text=text, limit=3)
            found = await matcher(sample).for_text(session, ANONYMOUS, search)
            assert sample_id(expected) == found.items[0].achievement.id, text


async def test_without_a_model_words_alone_match_and_say_so(sample: Runtime) -> None:
    words = Matcher(sample.index, None, matcher(sample).ranker)
    firsts = []
    async with sample.database.read() as session:
        for demand, pairs in graded().items():
            record = await session.get_one(Demand, sample_id(demand))
            found = await words.for_record(session, OPERATOR, record, EVERYTHING)
            assert found.degraded
            firsts.append(pairs.get(str(found.items[0].achievement.id), 0) >= 3)
    assert statistics.mean(firsts) > 0.8


async def test_filters_hold_for_matches(sample: Runtime) -> None:
    query = MatchQuery(limit=100, stage=[Stage.INDUSTRIAL], field=["绿色低碳"])
    found = await matches_of(sample, Demand, "d0001", query)
    assert found.items
    assert {item.achievement.stage for item in found.items} == {Stage.INDUSTRIAL}
    good = await matches_of(sample, Demand, "d0001", MatchQuery(min_grade=2))
    assert min(item.grade for item in good.items) >= 2


async def test_drafts_and_withdrawn_records_are_never_matched(sample: Runtime) -> None:
    found = await matches_of(sample, Demand, "d0001")
    ids = {item.achievement.id for item in found.items}
    assert not ids & {sample_id("a0070"), sample_id("a0071")}
    async with sample.database.read() as session:
        published = select(Achievement).where(Achievement.stored_state == "published")
        count = len((await session.scalars(published)).all())
    assert await sample.index.count(ListKind.ACHIEVEMENT) == count


async def test_where_nothing_fits_it_says_so_with_the_nearest(sample: Runtime) -> None:
    async with sample.database.read() as session:
        search = MatchSearch(text="古典诗词吟诵比赛的评委排班", limit=3)
        found = await matcher(sample).for_text(session, ANONYMOUS, search)
    assert found.notice
    assert {item.grade for item in found.items} == {1}
    assert all(
        "missing_terms" in {one.code for one in item.reasons.against} for item in found.items
    )
    fitting = await matches_of(sample, Demand, "d0001")
    assert fitting.notice is None
