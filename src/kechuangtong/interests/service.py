"""The first contact: an interest is expressed, talked over, and decided; then both sides meet."""

import uuid
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.achievements.schemas import AchievementRead
from kechuangtong.achievements.service import achievements
from kechuangtong.core.clock import now
from kechuangtong.core.db import hold, new_id
from kechuangtong.core.errors import Forbidden, NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.paging import Page
from kechuangtong.core.trade import ListKind
from kechuangtong.demands.schemas import DemandRead
from kechuangtong.demands.service import demands
from kechuangtong.events import log
from kechuangtong.inbox import service as inbox
from kechuangtong.interests import queries
from kechuangtong.interests.errors import (
    InterestExists,
    NotOwnRecord,
    OwnRecord,
    RecordNotFound,
    RecordNotOpen,
    SubjectMissing,
    WrongInterestState,
)
from kechuangtong.interests.schemas import (
    Box,
    InterestCreate,
    InterestDetail,
    InterestQuery,
    InterestRead,
    IntroductionQuery,
    IntroductionRead,
    MatchedAs,
    MessageRead,
    Party,
    PartyContact,
    ReasonCodes,
    RecordBrief,
)
from kechuangtong.interests.states import ACTS, TRANSITIONS, Action, Side
from kechuangtong.lists.schemas import OrganizationBrief
from kechuangtong.matching import feedback
from kechuangtong.matching.schemas import FeedbackCreate
from kechuangtong.matching.service import Matcher
from kechuangtong.models import (
    Achievement,
    Demand,
    Interest,
    InterestMessage,
    Introduction,
    Organization,
    User,
)
from kechuangtong.models.feedback import FeedbackReason, Verdict
from kechuangtong.models.interest import DeclineReason, InterestState
from kechuangtong.models.listing import ListingState
from kechuangtong.models.notice import NoticeKind
from kechuangtong.organizations.service import acting_organization

_SERVICES: Final[dict[ListKind, Any]] = {
    ListKind.ACHIEVEMENT: achievements,
    ListKind.DEMAND: demands,
}
_NOTICES: Final = {
    Action.ACCEPT: NoticeKind.INTEREST_ACCEPTED,
    Action.ASK: NoticeKind.INTEREST_ASKED,
    Action.ANSWER: NoticeKind.INTEREST_ANSWERED,
    Action.DECLINE: NoticeKind.INTEREST_DECLINED,
    Action.WITHDRAW: NoticeKind.INTEREST_WITHDRAWN,
}
# Notices that wait for an act: whatever is done to the interest, it is waited for no more.
_WAITING: Final = (
    NoticeKind.INTEREST_EXPRESSED,
    NoticeKind.INTEREST_ASKED,
    NoticeKind.INTEREST_ANSWERED,
)


async def judge(
    session: AsyncSession,
    actor: Actor,
    matcher: Matcher,
    *,
    demand_id: uuid.UUID | None,
    achievement_id: uuid.UUID | None,
) -> MatchedAs | None:
    """What the ranking says of the pair that an interest or a deal comes from; None where there is
    none."""
    if demand_id is None or achievement_id is None:
        return None
    try:
        demand = await demands.get(session, actor, demand_id)
        achievement = await achievements.get(session, actor, achievement_id)
    except NotFound:
        return None  # what follows says so
    pair = await matcher.pair(session, demand, achievement)
    return MatchedAs(
        score=round(pair.judgement.score, 4),
        grade=pair.judgement.grade,
        ranker=matcher.ranker.version,
        reasons=ReasonCodes(
            for_=[one.code for one in pair.reasons.for_],
            against=[one.code for one in pair.reasons.against],
        ),
    )


async def express(
    session: AsyncSession, actor: Actor, body: InterestCreate, match: MatchedAs | None
) -> Interest:
    """Tell another organization of an interest in its record.

    Raises OrganizationUnnamed, OrganizationUnknown, Forbidden, SubjectMissing, RecordNotFound,
    NotOwnRecord, OwnRecord, RecordNotOpen, InterestExists.
    """
    organization = await acting_organization(
        session, actor, Permission.INTERESTS_WRITE, body.organization_id
    )
    records = {kind: await _record(session, actor, kind, body) for kind in ListKind}
    subject = records[body.subject_kind]
    if subject is None:
        raise SubjectMissing(loc=_place(body.subject_kind))
    for kind, record in records.items():
        if record is None:
            continue
        owned = record.organization_id == organization.id
        if record is subject and owned:
            raise OwnRecord(loc=_place(kind))
        if record is not subject and not owned:
            raise NotOwnRecord(loc=_place(kind))
        if record.state is not ListingState.PUBLISHED:
            raise RecordNotOpen(loc=_place(kind))
    # One that is being expressed is not there yet to be found: it is held by its name.
    await hold(session, f"interest {organization.id} {subject.id}")
    if await queries.open_interest(session, organization.id, body.subject_kind, subject.id):
        raise InterestExists
    interest = Interest(
        id=new_id(),
        subject_kind=body.subject_kind,
        achievement=records[ListKind.ACHIEVEMENT],
        demand=records[ListKind.DEMAND],
        organization=organization,
        owner=subject.organization,
        user_id=actor.id,
        state=InterestState.EXPRESSED,
        match=None if match is None else match.model_dump(mode="json", by_alias=True),
        introduction=None,
    )
    session.add(interest)
    await session.flush()  # what follows names its organizations by their ids
    _write(session, actor, interest, Side.SENDER, body.message)
    await _tell(session, interest, Side.OWNER, NoticeKind.INTEREST_EXPRESSED)
    _log(session, actor, interest, "expressed", before=None)
    return interest


async def act(
    session: AsyncSession,
    actor: Actor,
    interest_id: uuid.UUID,
    action: Action,
    *,
    expected_versions: frozenset[int] | None,
    message: str | None = None,
    reason: DeclineReason | None = None,
) -> Interest:
    """Move an interest on, and tell the other side.

    Raises NotFound, Forbidden for the wrong side, PreconditionFailed, WrongInterestState.
    """
    interest = await get(session, actor, interest_id, to_change=True)
    side = ACTS[action]
    if not actor.may(Permission.INTERESTS_WRITE, _of(interest, side).id):
        raise Forbidden
    check_version(interest, expected_versions)
    if action not in TRANSITIONS[interest.state]:
        raise WrongInterestState(state=interest.state.value, action=action.value)
    before = _snapshot(interest)
    interest.state = TRANSITIONS[interest.state][action]
    interest.reason = reason
    if side is Side.OWNER and interest.answered_at is None:
        interest.answered_at = now()
    if action is Action.ACCEPT:
        interest.introduction = _introduction(interest, actor)
    await session.flush()  # notices are told apart by the new version
    if message is not None:
        _write(session, actor, interest, side, message)
    for kind in _WAITING:
        await inbox.settle(session, kind, [interest.id])
    await _tell(session, interest, side.other, _NOTICES[action])
    if action in (Action.ACCEPT, Action.DECLINE):
        await _feed_back(session, actor, interest)
    _log(session, actor, interest, interest.state.value, before=before)
    return interest


def possible(actor: Actor, interest: Interest) -> list[Action]:
    """What the actor may do to an interest as it stands."""
    return [
        action
        for action in TRANSITIONS[interest.state]
        if actor.may(Permission.INTERESTS_WRITE, _of(interest, ACTS[action]).id)
    ]


async def get(
    session: AsyncSession, actor: Actor, interest_id: uuid.UUID, *, to_change: bool = False
) -> Interest:
    """An interest of one's own organizations. Raises NotFound."""
    interest = await queries.interest(session, actor, interest_id, to_change=to_change)
    if interest is None:
        raise NotFound
    return interest


async def page(session: AsyncSession, actor: Actor, query: InterestQuery) -> Page[InterestRead]:
    """One page of the interests of one's own organizations, newest first. Raises Forbidden."""
    rows = await queries.interests(session, actor, query)
    return Page[InterestRead].of(
        rows,
        query.limit,
        lambda one: [str(one.id)],
        lambda one: InterestRead.model_validate(_shown(one, actor)),
    )


async def show(session: AsyncSession, actor: Actor, interest: Interest) -> InterestDetail:
    """An interest with its messages, as the actor may see it."""
    await session.flush()  # what was just written is among them
    introduced = interest.introduction is not None
    messages = []
    for message, name in await queries.messages(session, interest.id):
        side = Side.SENDER if message.organization_id == interest.organization_id else Side.OWNER
        messages.append(
            MessageRead(
                id=message.id,
                side=side,
                organization=_named(interest, side, actor),
                # A name may be one to write to: it is told to the other side by the introduction.
                user=name if introduced or actor.sees(message.organization_id) else None,
                text=message.text,
                created_at=message.created_at,
            )
        )
    return InterestDetail.model_validate({**_shown(interest, actor), "messages": messages})


async def introductions(
    session: AsyncSession, actor: Actor, query: IntroductionQuery
) -> Page[IntroductionRead]:
    """One page of the introductions of one's own organizations. Raises Forbidden."""
    rows = await queries.introductions(session, actor, query)
    people = await queries.people(session, rows)
    return Page[IntroductionRead].of(
        rows, query.limit, lambda one: [str(one.id)], lambda one: _introduced(one, people)
    )


async def introduction(
    session: AsyncSession, actor: Actor, introduction_id: uuid.UUID
) -> IntroductionRead:
    """An introduction of one's own organizations. Raises NotFound."""
    found = await queries.introduction(session, actor, introduction_id)
    if found is None:
        raise NotFound
    return _introduced(found, await queries.people(session, [found]))


def _place(kind: ListKind) -> tuple[str, str]:
    return "body", f"{kind.value}_id"


async def _record(
    session: AsyncSession, actor: Actor, kind: ListKind, body: InterestCreate
) -> Achievement | Demand | None:
    record_id = body.demand_id if kind is ListKind.DEMAND else body.achievement_id
    if record_id is None:
        return None
    try:
        record: Achievement | Demand = await _SERVICES[kind].get(session, actor, record_id)
    except NotFound as error:
        raise RecordNotFound(loc=_place(kind)) from error
    return record


def _of(interest: Interest, side: Side) -> Organization:
    return interest.organization if side is Side.SENDER else interest.owner


def _unnamed(interest: Interest) -> Side | None:
    """The side that owns an anonymous demand (匿名需求), until the other is introduced to it."""
    anonymous = interest.demand is not None and interest.demand.anonymous
    if not anonymous or interest.introduction is not None:
        return None
    return Side.OWNER if interest.subject_kind is ListKind.DEMAND else Side.SENDER


def _named(interest: Interest, side: Side, actor: Actor) -> OrganizationBrief | None:
    organization = _of(interest, side)
    if side is _unnamed(interest) and not actor.sees(organization.id):
        return None
    return OrganizationBrief.model_validate(organization)


def _shown(interest: Interest, actor: Actor) -> dict[str, Any]:
    box: Box | None = None
    if interest.owner_id in actor.organization_ids:
        box = "received"
    elif interest.organization_id in actor.organization_ids:
        box = "sent"
    briefs = {
        kind.value: None if record is None else RecordBrief.model_validate(record)
        for kind, record in (
            (ListKind.ACHIEVEMENT, interest.achievement),
            (ListKind.DEMAND, interest.demand),
        )
    }
    return {
        "id": interest.id,
        "box": box,
        "subject_kind": interest.subject_kind,
        **briefs,
        "organization": _named(interest, Side.SENDER, actor),
        "owner": _named(interest, Side.OWNER, actor),
        "state": interest.state,
        "reason": interest.reason,
        "match": interest.match,
        "introduction_id": interest.introduction.id if interest.introduction else None,
        "created_at": interest.created_at,
        "answered_at": interest.answered_at,
        "updated_at": interest.updated_at,
        "version": interest.version,
    }


def _write(session: AsyncSession, actor: Actor, interest: Interest, side: Side, text: str) -> None:
    session.add(
        InterestMessage(
            interest_id=interest.id,
            organization_id=_of(interest, side).id,
            user_id=actor.id,
            text=text,
        )
    )


def _introduction(interest: Interest, actor: Actor) -> Introduction:
    return Introduction(
        id=new_id(),
        achievement_id=interest.achievement_id,
        demand_id=interest.demand_id,
        organization_id=interest.organization_id,
        owner_id=interest.owner_id,
        accepted_by=actor.id,
    )


def _introduced(introduction: Introduction, people: dict[uuid.UUID, User]) -> IntroductionRead:
    interest = introduction.interest
    achievement = demand = None
    if interest.achievement is not None:
        achievement = AchievementRead.model_validate(interest.achievement)
        achievement.contact = None  # it stands with its party
    if interest.demand is not None:
        demand = DemandRead.model_validate(interest.demand)
        demand.contact = None
    of_owner, of_sender = (
        (interest.demand, interest.achievement)
        if interest.subject_kind is ListKind.DEMAND
        else (interest.achievement, interest.demand)
    )
    return IntroductionRead(
        id=introduction.id,
        interest_id=interest.id,
        sender=Party(
            organization=OrganizationBrief.model_validate(interest.organization),
            contact=_contact(of_sender, interest.user_id, people),
        ),
        owner=Party(
            organization=OrganizationBrief.model_validate(interest.owner),
            contact=_contact(of_owner, introduction.accepted_by, people),
        ),
        achievement=achievement,
        demand=demand,
        created_at=introduction.created_at,
    )


def _contact(
    record: Achievement | Demand | None, user_id: uuid.UUID | None, people: dict[uuid.UUID, User]
) -> PartyContact | None:
    if record is not None and record.contact and any(record.contact.values()):
        return PartyContact.model_validate(record.contact)
    if user_id not in people:
        return None
    return PartyContact(name=people[user_id].name, email=people[user_id].email)


async def _tell(session: AsyncSession, interest: Interest, side: Side, kind: NoticeKind) -> None:
    """Tell one side what the other did; who the other is, unless it is not named yet."""
    introduction = interest.introduction
    await inbox.notify(
        session,
        _of(interest, side).id,
        kind,
        subject_kind="interest" if introduction is None else "introduction",
        subject_id=interest.id if introduction is None else introduction.id,
        title=interest.subject.title,
        key=f"interest {interest.id} {interest.version}",
        waiting=kind in _WAITING,
        organization=None if _unnamed(interest) is side.other else _of(interest, side.other).name,
    )


async def _feed_back(session: AsyncSession, actor: Actor, interest: Interest) -> None:
    """What is decided of a pair says something of the pair: useful, or why it is not."""
    if interest.match is None or actor.id is None:
        return
    reasons = [one for one in FeedbackReason if one.value == interest.reason]
    if interest.reason is not None and not reasons:
        return  # a reason that lies in the partners
    said = FeedbackCreate.model_validate(
        {
            "demand_id": interest.demand_id,
            "achievement_id": interest.achievement_id,
            "verdict": Verdict.WRONG if reasons else Verdict.USEFUL,
            "reasons": reasons,
        }
    )
    ranked = feedback.Ranked(
        interest.match["ranker"], interest.match["score"], interest.match["grade"]
    )
    await feedback.keep(session, actor, said, ranked)


def _snapshot(interest: Interest) -> dict[str, Any]:
    """An interest as the log keeps it: nothing of what was written."""
    return {
        "subject_kind": interest.subject_kind.value,
        "achievement_id": str(interest.achievement_id) if interest.achievement_id else None,
        "demand_id": str(interest.demand_id) if interest.demand_id else None,
        "organization_id": str(interest.organization_id),
        "owner_id": str(interest.owner_id),
        "state": interest.state.value,
        "reason": interest.reason.value if interest.reason else None,
        "introduction_id": str(interest.introduction.id) if interest.introduction else None,
        "version": interest.version,
    }


def _log(
    session: AsyncSession,
    actor: Actor,
    interest: Interest,
    what: str,
    *,
    before: dict[str, Any] | None,
) -> None:
    log.record(
        session,
        actor,
        f"interest.{what}",
        subject_kind="interest",
        subject_id=interest.id,
        before=before,
        after=_snapshot(interest),
    )
