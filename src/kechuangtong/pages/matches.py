"""Matches as a person sees them: how well each fits, why, and which words both texts share."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.achievements.schemas import AchievementRead
from kechuangtong.core.language import Text
from kechuangtong.core.trade import ListKind
from kechuangtong.demands.schemas import DemandRead
from kechuangtong.matching import feedback
from kechuangtong.matching.schemas import FeedbackRead, MatchedAchievement, Matches, Reasons
from kechuangtong.matching.service import OTHER
from kechuangtong.search.highlight import excerpt, marked, places

Listed = AchievementRead | DemandRead

# What reasons speak of, always in this order, so that matches can be compared at a glance.
_ASPECTS: Final = (
    (Text("词语", "Words"), {"shared_terms", "missing_terms"}),
    (Text("语义", "Meaning"), {"close_in_meaning"}),
    (Text("领域", "Field"), {"same_field"}),
    (Text("成熟度", "Maturity"), {"stage_meets", "stage_below", "trl_meets", "trl_below"}),
    (
        Text("价格", "Price"),
        {"price_above_budget", "price_within_budget", "price_overlaps_budget"},
    ),
    (Text("合作方式", "Cooperation"), {"cooperation_agrees", "cooperation_differs"}),
    (Text("地点", "Place"), {"same_city", "same_province", "other_province"}),
    (Text("专利与评价", "Patents, evaluation"), {"granted_patents", "evaluated"}),
    (Text("有效期", "Dates"), {"demand_expired", "achievement_expired"}),
)


@dataclass(frozen=True, slots=True)
class Aspect:
    """Whether something speaks for a pair, and whether something against it."""

    name: Text
    speaks_for: bool
    against: bool


@dataclass(frozen=True, slots=True)
class Own:
    """The side whose matches are shown: a record, or a text with neither id nor owner."""

    kind: ListKind
    title: str
    texts: Sequence[str | None]
    id: uuid.UUID | None = None
    organization_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """One match; `interest` is where one expresses one's interest in it."""

    record: Listed
    path: str
    title: Markup
    keywords: list[Markup]
    passage: Markup
    own_title: Markup
    own_passage: Markup
    score: float
    grade: int
    reasons: Reasons
    aspects: list[Aspect]
    words: list[tuple[str, float]]
    closeness: float | None
    interest: Mapping[str, str] | None
    said: FeedbackRead | None


def own_side(record: Listed) -> Own:
    """A record as the side whose matches are shown."""
    return Own(
        kind_of(record),
        record.title,
        texts_of(record),
        record.id,
        record.organization.id if record.organization else None,
    )


def kind_of(record: Listed) -> ListKind:
    """The list that a record is in."""
    return ListKind.DEMAND if isinstance(record, DemandRead) else ListKind.ACHIEVEMENT


def texts_of(record: Listed) -> list[str | None]:
    """The passages of a record."""
    application = None if isinstance(record, DemandRead) else record.application
    return [record.description, application]


async def shown(
    session: AsyncSession, actor: Actor, own: Own, matches: Matches[Any]
) -> list[Shown]:
    """Matches as they are shown to the actor, with what the actor has said of them."""
    records: list[Listed] = [_record(one) for one in matches.items]
    said = {}
    if own.id is not None:
        said = await feedback.said_of(session, actor, own.kind, own.id)
    found = []
    for one, record in zip(matches.items, records, strict=True):
        data = {reason.code: reason.data for reason in one.reasons.for_}
        terms = data.get("shared_terms", {}).get("terms", [])
        words = [term["term"] for term in terms]
        found.append(
            Shown(
                record=record,
                path=f"/{kind_of(record)}s/{record.id}",
                title=_marked(record.title, words),
                keywords=[_marked(keyword, words) for keyword in record.keywords],
                passage=_passage(texts_of(record), words),
                own_title=_marked(own.title, words),
                own_passage=_passage(own.texts, words),
                score=one.score,
                grade=one.grade,
                reasons=one.reasons,
                aspects=aspects_of(
                    (reason.code for reason in one.reasons.for_),
                    (reason.code for reason in one.reasons.against),
                ),
                words=[(term["term"], term["weight"]) for term in terms],
                closeness=data.get("close_in_meaning", {}).get("similarity"),
                interest=interest_in(actor, record, own),
                said=said.get(record.id),
            )
        )
    return found


def interest_in(actor: Actor, record: Listed, own: Own | None = None) -> Mapping[str, str] | None:
    """What an interest in a record would name, and in a match also the other one: of the two, the
    interest is in the one that is not the actor's. None where the actor can have none."""
    speaks_for = [actor.may(Permission.INTERESTS_WRITE, one) for one in actor.organization_ids]
    if actor.id is not None and not any(speaks_for):
        return None
    kind = kind_of(record)
    named = {"subject_kind": kind.value, f"{kind}_id": str(record.id)}
    is_mine = record.organization is not None and record.organization.id in actor.organization_ids
    other_mine = own is not None and own.organization_id in actor.organization_ids
    if is_mine == other_mine or own is None or own.id is None:
        return None if is_mine else named
    if is_mine:
        named["subject_kind"] = own.kind.value
    return {**named, f"{OTHER[kind]}_id": str(own.id)}


def _record(one: Any) -> Listed:  # noqa: ANN401
    found: Listed = one.achievement if isinstance(one, MatchedAchievement) else one.demand
    return found


def aspects_of(for_: Iterable[str], against: Iterable[str]) -> list[Aspect]:
    """All aspects of a pair for and against which these reasons speak, by their codes."""
    for_, against = set(for_), set(against)
    return [Aspect(name, bool(codes & for_), bool(codes & against)) for name, codes in _ASPECTS]


def _marked(text: str, words: Sequence[str]) -> Markup:
    return Markup(marked(text, places(text, words), "mark"))  # noqa: S704 - it is escaped there


def _passage(texts: Iterable[str | None], words: Sequence[str]) -> Markup:
    """A passage of the first of the texts in which one of the words stands, else of the first."""
    written = [one for one in texts if one]
    for text in written:
        if marks := places(text, words):
            return Markup(excerpt(text, marks, "mark"))  # noqa: S704 - it is escaped there
    return Markup(excerpt(written[0], [], "mark") if written else "")  # noqa: S704 - as above
