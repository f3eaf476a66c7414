"""Matching: the index proposes, the ranking orders, the records explain."""

import re
import uuid
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import structlog
from anyio import to_thread
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.achievements.service import achievements
from kechuangtong.core.clock import today
from kechuangtong.core.language import Text
from kechuangtong.core.trade import IndexKind, ListKind, Price, PriceKind
from kechuangtong.demands.service import demands
from kechuangtong.matching import profiles, store
from kechuangtong.matching.embedding import ROLE, Embedder, EmbeddingFailed
from kechuangtong.matching.explanation import Fact, Side, explain, reasons
from kechuangtong.matching.ranking import Judgement, Ranker, Subject
from kechuangtong.matching.schemas import (
    MatchedAchievement,
    MatchedDemand,
    MatchedPair,
    Matches,
    MatchQuery,
    MatchSearch,
    Reasons,
)
from kechuangtong.matching.terms import Rarity, top_terms
from kechuangtong.models import Achievement, Demand
from kechuangtong.search.port import Filter, SearchIndex
from kechuangtong.search.service import index_filter, load

log = structlog.get_logger()

CANDIDATES: Final = 200
# The beginning of a text without a title that stands for one, in characters.
_OPENING: Final = 40
OTHER: Final = {
    ListKind.ACHIEVEMENT: ListKind.DEMAND,
    ListKind.DEMAND: ListKind.ACHIEVEMENT,
}

_NO_MODEL: Final = Text(
    "没有向量模型，仅按词语匹配", "there is no embedding model: matched on words alone"
)
_MODEL_FAILED: Final = Text(
    "向量服务暂不可用，仅按词语匹配", "the embedding model failed: matched on words alone"
)
_MODEL_CHANGES: Final = Text(
    "向量模型正在更换，新文本暂按词语匹配",
    "the embedding model is being changed: a new text is matched on words until then",
)
_VECTORS_WAIT: Final = Text(
    "部分记录的向量尚在计算，暂按词语匹配",
    "the vectors of some records are still being computed: those are matched on words",
)

_NOTHING_FITS: Final = Text(
    "没有合适的匹配；下列为最接近的，理由中写明缺少什么",
    "nothing fits; the nearest are shown, and their reasons say what is missing",
)

Listing = Achievement | Demand
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Ranked:
    """A record of the other list, as the ranking judges it."""

    id: uuid.UUID
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Ranking:
    """What was proposed for a subject, best first."""

    profile: profiles.Profile
    rarity: Rarity
    ranked: list[Ranked]
    degraded: Text | None


@dataclass(frozen=True, slots=True)
class Pair:
    """A demand and an achievement, judged and explained."""

    demand: Demand
    achievement: Achievement
    judgement: Judgement
    facts: list[Fact]

    @property
    def reasons(self) -> Reasons:
        """What speaks for it and against it, in the caller's language."""
        return reasons(self.facts)


@dataclass(frozen=True)
class Matcher:
    """Matches with an index, a model of meaning where there is one, and a ranker."""

    index: SearchIndex
    embedder: Embedder | None
    ranker: Ranker

    async def rank(
        self,
        session: AsyncSession,
        kind: ListKind,
        profile: profiles.Profile,
        inputs: profiles.Inputs,
        wanted: Filter,
    ) -> Ranking:
        """Up to 200 records of the list `kind` for a record, or a text, of the other one."""
        model = await self.model(session)
        subject, degraded = await self.subject(session, OTHER[kind].indexed, profile, inputs, model)
        rarity = await store.rarity(session, profile.words)
        terms = top_terms(profile.title_words, profile.words, rarity)
        candidates = await self.index.propose(
            kind.indexed, terms, subject.text_vector, wanted, CANDIDATES
        )
        ids = [uuid.UUID(one.id) for one in candidates]
        found = await store.subjects(session, kind.indexed, ids, model)
        known = [one for one in ids if one in found]
        judged = await to_thread.run_sync(
            self.ranker.judge, kind, subject, [found[one] for one in known]
        )
        ranked = [Ranked(*one) for one in zip(known, judged, strict=True)]
        if degraded is None and any(one.judgement.closeness is None for one in ranked):
            degraded = _VECTORS_WAIT
        ranked.sort(key=lambda one: (-one.judgement.score, str(one.id)))
        return Ranking(profile, rarity, ranked, degraded)

    async def model(self, session: AsyncSession) -> str | None:
        """The model whose vectors are compared: that of the live index, until ours is in it."""
        if self.embedder is None:
            return None
        return await store.live_model(session, self.index.engine) or self.embedder.model

    async def subject(
        self,
        session: AsyncSession,
        kind: IndexKind,
        profile: profiles.Profile,
        inputs: profiles.Inputs,
        model: str | None,
    ) -> tuple[Subject, Text | None]:
        """A record, or a text, with its vectors, and why there are none."""
        if self.embedder is None or model is None:
            return Subject(profile.numbers), _NO_MODEL
        texts = {profile.title_hash: inputs.title, profile.text_hash: inputs.text}
        vectors = await store.vectors(session, model, ROLE[kind], texts)
        missing = [one for one in texts if one not in vectors]
        if missing and model != self.embedder.model:
            return Subject(profile.numbers), _MODEL_CHANGES
        if missing:
            try:
                rows = await to_thread.run_sync(
                    self.embedder.embed, ROLE[kind], [texts[one] for one in missing]
                )
            except EmbeddingFailed as error:
                log.warning("embedding failed", error=str(error))
                return Subject(profile.numbers), _MODEL_FAILED
            vectors |= dict(zip(missing, rows, strict=True))
        vectors_of = vectors[profile.title_hash], vectors[profile.text_hash]
        return Subject(profile.numbers, *vectors_of), None

    async def for_record(
        self, session: AsyncSession, actor: Actor, record: Listing, query: MatchQuery
    ) -> Matches[Any]:
        """The best matches of a record, or of one made from a text, in the other list."""
        kind = OTHER[store.kind_of(record)]
        ranking, pairs = await self.best(session, actor, record, query)
        found = self.matches([_one_side(pair, kind, actor) for pair in pairs], ranking.degraded)
        if not any(one.judgement.grade > 1 for one in ranking.ranked):
            found.notice = str(_NOTHING_FITS)
        return found

    async def best(
        self, session: AsyncSession, actor: Actor, record: Listing, query: MatchQuery
    ) -> tuple[Ranking, list[Pair]]:
        """The ranking of the other list for a record, and the best of it, explained."""
        kind = OTHER[store.kind_of(record)]
        profile = await to_thread.run_sync(store.profile, record)
        ranking = await self.rank(
            session, kind, profile, store.inputs(record), index_filter(query, actor)
        )
        return ranking, await self.pairs(session, actor, record, ranking, query)

    async def judge(
        self, session: AsyncSession, demand: Demand, achievement: Achievement
    ) -> Judgement:
        """What the ranking says of one pair."""
        model = await self.model(session)
        sides = []
        for record in (demand, achievement):
            profile = await to_thread.run_sync(store.profile, record)
            side, _ = await self.subject(
                session, store.kind_of(record).indexed, profile, store.inputs(record), model
            )
            sides.append(side)
        (judgement,) = await to_thread.run_sync(
            self.ranker.judge, ListKind.ACHIEVEMENT, sides[0], sides[1:]
        )
        return judgement

    async def pair(self, session: AsyncSession, demand: Demand, achievement: Achievement) -> Pair:
        """One pair, judged and explained."""
        judgement = await self.judge(session, demand, achievement)
        wants, has = [await to_thread.run_sync(store.profile, one) for one in (demand, achievement)]
        return self._explained(
            Side(demand, wants.title_words, wants.words),
            Side(achievement, has.title_words, has.words),
            judgement,
            await store.rarity(session, wants.words),
        )

    async def for_text(
        self, session: AsyncSession, actor: Actor, search: MatchSearch
    ) -> Matches[Any]:
        """The best matches of a free text in a list."""
        return await self.for_record(session, actor, _record_of(search), search)

    async def pairs(
        self,
        session: AsyncSession,
        actor: Actor,
        record: Listing,
        ranking: Ranking,
        query: MatchQuery,
    ) -> list[Pair]:
        """The best of a ranking, explained. What the actor may not see is left out."""
        kind = OTHER[store.kind_of(record)]
        best = [one for one in ranking.ranked if one.judgement.grade >= query.min_grade]
        best = best[: query.limit]
        loaded = await load(session, actor, kind, [one.id for one in best], query)
        others = {one.id: one for one in loaded}
        words = await store.words(session, kind.indexed, list(others))
        own: Side[Any] = Side(record, ranking.profile.title_words, ranking.profile.words)
        found = []
        for one in best:
            if one.id not in others or one.id not in words:
                continue
            other: Side[Any] = Side(others[one.id], *words[one.id])
            demand, achievement = (own, other) if isinstance(record, Demand) else (other, own)
            found.append(self._explained(demand, achievement, one.judgement, ranking.rarity))
        return found

    def _explained(
        self,
        demand: Side[Demand],
        achievement: Side[Achievement],
        judgement: Judgement,
        rarity: Rarity,
    ) -> Pair:
        facts = explain(
            demand,
            achievement,
            judgement,
            weight=rarity.weight,
            close=self.ranker.close,
            on=today(),
        )
        return Pair(demand.record, achievement.record, judgement, facts)

    def matches(self, items: list[Item], degraded: Text | None) -> Matches[Item]:
        """Matches as they are shown."""
        return Matches(
            items=items,
            ranker=self.ranker.version,
            engine=self.index.engine,
            degraded=None if degraded is None else str(degraded),
        )


def show_pair(pair: Pair, actor: Actor) -> MatchedPair:
    """A pair with both its sides."""
    return MatchedPair(
        demand=demands.show(pair.demand, actor),
        achievement=achievements.show(pair.achievement, actor),
        score=round(pair.judgement.score, 4),
        grade=pair.judgement.grade,
        reasons=pair.reasons,
    )


def _one_side(pair: Pair, kind: ListKind, actor: Actor) -> MatchedAchievement | MatchedDemand:
    judged: dict[str, Any] = {
        "score": round(pair.judgement.score, 4),
        "grade": pair.judgement.grade,
        "reasons": pair.reasons,
    }
    if kind is ListKind.ACHIEVEMENT:
        return MatchedAchievement(achievement=achievements.show(pair.achievement, actor), **judged)
    return MatchedDemand(demand=demands.show(pair.demand, actor), **judged)


def _record_of(search: MatchSearch) -> Listing:
    """A record that is nowhere stored; a text without a title begins with what stands for one."""
    text = search.text.strip()
    opening = re.split(r"[。！？!?\n；;]", text, maxsplit=1)[0]
    values: dict[str, Any] = {
        "title": search.title or opening[:_OPENING] or text[:_OPENING],
        "description": text,
        "keywords": search.keywords,
        "cooperation": [],
    }
    unknown = Price(PriceKind.UNKNOWN)
    if search.kind is ListKind.ACHIEVEMENT:
        return Demand(budget=unknown, **values)
    return Achievement(price=unknown, intellectual_property=[], evaluations=[], **values)
