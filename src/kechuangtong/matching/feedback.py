"""What people say of matches: kept, counted, and exported as graded pairs to train on."""

import json
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from anyio import to_thread
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.achievements.service import achievements
from kechuangtong.core.db import hold
from kechuangtong.core.errors import Invalid, NotFound
from kechuangtong.core.language import Text
from kechuangtong.core.trade import ListKind
from kechuangtong.demands.service import demands
from kechuangtong.events import log
from kechuangtong.matching import store
from kechuangtong.matching.schemas import FeedbackCreate, FeedbackRead
from kechuangtong.matching.service import Matcher
from kechuangtong.models import Achievement, Demand, MatchFeedback
from kechuangtong.models.feedback import FeedbackReason, Verdict

# What a verdict says of how well the pair fits, as experts grade it; a pair that is too early or
# too dear, or known already, fits in what it is about. Of several reasons the lowest counts.
GRADES: Final = {
    FeedbackReason.OTHER_FIELD: 1,
    FeedbackReason.OTHER_PROBLEM: 2,
    FeedbackReason.TOO_EARLY: 3,
    FeedbackReason.TOO_DEAR: 3,
    FeedbackReason.TOO_FAR: 3,
    FeedbackReason.ALREADY_KNOWN: 4,
    FeedbackReason.NO_LONGER_OPEN: 4,
}
_USEFUL: Final = 4
_WRONG: Final = 1


@dataclass(frozen=True, slots=True)
class Ranked:
    """What a ranker says of a pair."""

    ranker: str
    score: float
    grade: int


class PairNotFound(Invalid):
    code = "pair_not_found"
    text = Text("没有这样的需求或成果。", "There is no such demand or achievement.")


async def give(
    session: AsyncSession, actor: Actor, matcher: Matcher, body: FeedbackCreate
) -> FeedbackRead:
    """Keep what the actor says of a pair; said again, it replaces what was said before.

    Raises PairNotFound.
    """
    try:
        demand = await demands.get(session, actor, body.demand_id)
    except NotFound as error:
        raise PairNotFound(loc=("body", "demand_id")) from error
    try:
        achievement = await achievements.get(session, actor, body.achievement_id)
    except NotFound as error:
        raise PairNotFound(loc=("body", "achievement_id")) from error
    judgement = await matcher.judge(session, demand, achievement)
    ranked = Ranked(matcher.ranker.version, round(judgement.score, 4), judgement.grade)
    return await keep(session, actor, body, ranked)


async def keep(
    session: AsyncSession, actor: Actor, said: FeedbackCreate, ranked: Ranked
) -> FeedbackRead:
    """Keep what the actor says of a pair that is there, and how the pair was ranked."""
    assert actor.id is not None
    pair = {"demand_id": said.demand_id, "achievement_id": said.achievement_id}
    # What was said before may not be there yet to be locked: the pair is held by its name.
    await hold(session, f"feedback {actor.id} {said.demand_id} {said.achievement_id}")
    feedback = await session.scalar(select(MatchFeedback).filter_by(user_id=actor.id, **pair))
    before = None if feedback is None else _shown(feedback).model_dump(mode="json")
    if feedback is None:
        feedback = MatchFeedback(user_id=actor.id, **pair)
        session.add(feedback)
    feedback.verdict = said.verdict
    feedback.reasons = list(dict.fromkeys(one.value for one in said.reasons))
    feedback.comment = said.comment
    feedback.ranker, feedback.score, feedback.grade = ranked.ranker, ranked.score, ranked.grade
    await session.flush()
    shown = _shown(feedback)
    log.record(
        session,
        actor,
        "match.feedback",
        subject_kind="demand",
        subject_id=said.demand_id,
        before=before,
        after=shown.model_dump(mode="json"),
    )
    return shown


async def said_of(
    session: AsyncSession, actor: Actor, kind: ListKind, record_id: uuid.UUID
) -> dict[uuid.UUID, FeedbackRead]:
    """What the actor has said of the matches of a record, by the other record of each."""
    of_demand = kind is ListKind.DEMAND
    own = MatchFeedback.demand_id if of_demand else MatchFeedback.achievement_id
    found = await session.scalars(
        select(MatchFeedback).where(MatchFeedback.user_id == actor.id, own == record_id)
    )
    return {one.achievement_id if of_demand else one.demand_id: _shown(one) for one in found}


def _shown(feedback: MatchFeedback) -> FeedbackRead:
    return FeedbackRead.model_validate(feedback)


async def counts(session: AsyncSession) -> tuple[dict[Verdict, int], dict[FeedbackReason, int]]:
    """How often each verdict and each reason was given."""
    verdicts = await session.execute(
        select(MatchFeedback.verdict, func.count()).group_by(MatchFeedback.verdict)
    )
    given = dict.fromkeys(Verdict, 0)
    for verdict, count in verdicts:
        given[verdict] = count
    reasons: Counter[str] = Counter()
    for listed, count in await session.execute(
        select(MatchFeedback.reasons, func.count()).group_by(MatchFeedback.reasons)
    ):
        reasons.update(dict.fromkeys(listed, count))
    return given, {one: reasons[one.value] for one in FeedbackReason}


async def export(session: AsyncSession, folder: Path) -> int:
    """Write what was said as a folder of graded pairs, which `train` reads; how many pairs.

    Where several people judged a pair, the middle of their grades counts, the lower of two.
    """
    said: dict[tuple[uuid.UUID, uuid.UUID], list[int]] = {}
    for one in await session.scalars(select(MatchFeedback).order_by(MatchFeedback.id)):
        said.setdefault((one.demand_id, one.achievement_id), []).append(_grade(one))
    lines = [
        f"{demand}\t{achievement}\t{sorted(given)[(len(given) - 1) // 2]}"
        for (demand, achievement), given in said.items()
    ]
    files = {
        "qrels.tsv": lines,
        "demands.jsonl": await _records(session, Demand, {pair[0] for pair in said}),
        "achievements.jsonl": await _records(session, Achievement, {pair[1] for pair in said}),
    }

    def write() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            text = "".join(f"{line}\n" for line in content)
            (folder / name).write_text(text, encoding="utf-8")

    await to_thread.run_sync(write)
    return len(lines)


def _grade(feedback: MatchFeedback) -> int:
    if feedback.verdict is Verdict.USEFUL:
        return _USEFUL
    return min((GRADES[FeedbackReason(one)] for one in feedback.reasons), default=_WRONG)


async def _records(
    session: AsyncSession, model: type[Achievement] | type[Demand], ids: set[uuid.UUID]
) -> list[str]:
    lines = []
    for one_id in sorted(ids):
        record: Achievement | Demand = await session.get_one(model, one_id)
        content = {
            "id": str(record.id),
            "title": record.title,
            "description": store.body(record),
            "keywords": record.keywords,
        }
        lines.append(json.dumps(content, ensure_ascii=False))
    return lines
