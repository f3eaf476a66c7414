"""Which brokers fit a pair, and why: fields shared, place, and what came of what they took up."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from kechuangtong.accounts.actor import Actor
from kechuangtong.achievements.service import achievements
from kechuangtong.brokers.errors import SubjectMissing
from kechuangtong.brokers.queries import practising
from kechuangtong.brokers.schemas import BrokerBrief, Suggestion, SuggestionQuery, Suggestions
from kechuangtong.core.clock import today
from kechuangtong.core.errors import NotFound
from kechuangtong.core.language import Text
from kechuangtong.core.text import identity
from kechuangtong.demands.service import demands
from kechuangtong.lists.schemas import OrganizationBrief
from kechuangtong.lists.sight import knows_owner
from kechuangtong.matching.schemas import Reason
from kechuangtong.models import Achievement, Broker, BrokerConflict, DealBroker, DealStep, Demand
from kechuangtong.models.broker import BrokerGrade
from kechuangtong.models.deal import DealState

_SHARED: Final = Text("服务领域相符：{fields}", "works in {fields}")
_PLACE: Final = Text("服务地区相符：{places}", "serves {places}")
_RECORD: Final = Text(
    "已促成签约 {signed} 项，完成 {completed} 项",
    "contracts signed: {signed}; completed: {completed}",
)
_GRADE: Final = {
    BrokerGrade.JUNIOR: Text("初级技术经纪人", "a broker of the junior grade"),
    BrokerGrade.INTERMEDIATE: Text("中级技术经纪人", "a broker of the intermediate grade"),
    BrokerGrade.SENIOR: Text("高级技术经纪人", "a broker of the senior grade"),
}
_GRADES: Final = list(BrokerGrade)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a broker is sought for, folded: what its records speak of, and where they are."""

    texts: tuple[str, ...]
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A broker as it is ranked; `signed` and `completed` count its deals."""

    id: uuid.UUID
    grade: BrokerGrade
    fields: Sequence[str]
    places: Sequence[str]
    signed: int = 0
    completed: int = 0


@dataclass(frozen=True, slots=True)
class Ranked:
    """A broker with what it shares with the pair."""

    candidate: Candidate
    fields: tuple[str, ...]
    places: tuple[str, ...]

    @property
    def order(self) -> tuple[int, int, int, int, int, uuid.UUID]:
        """Fields first, then place, completed deals, signed ones, the grade; last the id."""
        one = self.candidate
        return (
            -len(self.fields),
            -min(len(self.places), 1),
            -one.completed,
            -one.signed,
            -_GRADES.index(one.grade),
            one.id,
        )


def wanted(records: Iterable[Achievement | Demand]) -> Wanted:
    """What records ask of a broker."""
    found = list(records)
    texts = [text for one in found for text in (one.title, one.field or "", *one.keywords)]
    places = [one.place for one in found if one.place]
    return Wanted(tuple(map(identity, texts)), tuple(map(identity, places)))


def rank(sought: Wanted, candidates: Iterable[Candidate]) -> list[Ranked]:
    """Those that share a field or a place with what is sought, the fittest first.

    A field is shared where a title, field or keyword names it; a place where either lies in the
    other (成都 and 四川省成都市).
    """
    ranked = []
    for one in candidates:
        fields = tuple(name for name in one.fields if _named(identity(name), sought.texts))
        places = tuple(name for name in one.places if _near(identity(name), sought.places))
        if fields or places:
            ranked.append(Ranked(one, fields, places))
    return sorted(ranked, key=lambda one: one.order)


def _named(field: str, texts: Sequence[str]) -> bool:
    return any(field in text or (len(text) > 1 and text in field) for text in texts if text)


def _near(place: str, places: Sequence[str]) -> bool:
    return any(place in one or one in place for one in places)


def reasons(one: Ranked) -> list[Reason]:
    """What speaks for a broker, in words and as data."""
    found = []
    if one.fields:
        told = _SHARED.format(fields="、".join(one.fields))
        found.append(Reason(code="shared_fields", text=str(told), data={"fields": one.fields}))
    if one.places:
        told = _PLACE.format(places="、".join(one.places))
        found.append(Reason(code="same_place", text=str(told), data={"places": one.places}))
    of = one.candidate
    if of.signed:
        data = {"signed": of.signed, "completed": of.completed}
        found.append(Reason(code="record", text=str(_RECORD.format(**data)), data=data))
    told = _GRADE[of.grade]
    found.append(Reason(code="grade", text=str(told), data={"grade": of.grade.value}))
    return found


async def suggest(session: AsyncSession, actor: Actor, query: SuggestionQuery) -> Suggestions:
    """Practising brokers for a pair, or for one record, that the actor may see.

    Who declared a conflict with an owner is left out, as far as the actor may know the owner: of
    an anonymous demand the answer would tell it. Raises SubjectMissing, NotFound.
    """
    records: list[Achievement | Demand] = []
    try:
        if query.achievement_id is not None:
            place = "achievement_id"
            records.append(await achievements.get(session, actor, query.achievement_id))
        if query.demand_id is not None:
            place = "demand_id"
            records.append(await demands.get(session, actor, query.demand_id))
    except NotFound:
        raise NotFound(loc=("query", place)) from None
    if not records:
        raise SubjectMissing(loc=("query", "achievement_id"))
    owners = [one.organization_id for one in records if knows_owner(actor, one)]
    candidates = await _candidates(session, owners)
    ranked = rank(wanted(records), candidates)[: query.limit]
    ids = [one.candidate.id for one in ranked]
    statement = select(Broker).where(Broker.id.in_(ids))
    found = await session.scalars(
        statement.options(joinedload(Broker.organization, innerjoin=True))
    )
    brokers = {one.id: one for one in found}
    return Suggestions(
        items=[
            Suggestion(
                broker=BrokerBrief.model_validate(brokers[one.candidate.id]),
                organization=OrganizationBrief.model_validate(
                    brokers[one.candidate.id].organization
                ),
                reasons=reasons(one),
            )
            for one in ranked
        ]
    )


async def _candidates(session: AsyncSession, owners: Sequence[uuid.UUID]) -> list[Candidate]:
    bound = select(BrokerConflict.broker_id).where(
        BrokerConflict.organization_id.in_(owners), BrokerConflict.since <= today()
    )
    rows = await session.execute(
        select(Broker.id, Broker.grade, Broker.fields, Broker.places).where(
            practising(), Broker.id.not_in(bound)
        )
    )
    signed = await _deals(session, DealState.SIGNED)
    completed = await _deals(session, DealState.COMPLETED)
    return [
        Candidate(*row, signed=signed.get(row[0], 0), completed=completed.get(row[0], 0))
        for row in rows
    ]


async def _deals(session: AsyncSession, state: DealState) -> dict[uuid.UUID, int]:
    """How many deals of each broker have come to a state."""
    rows = await session.execute(
        select(DealBroker.broker_id, func.count(func.distinct(DealBroker.deal_id)))
        .join(DealStep, DealStep.deal_id == DealBroker.deal_id)
        .where(DealStep.to_state == state)
        .group_by(DealBroker.broker_id)
    )
    return dict(iter(rows))
