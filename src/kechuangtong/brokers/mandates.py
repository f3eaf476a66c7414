"""Mandates (委托): offered by an organization, taken or declined by a broker, given up."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.achievements.service import achievements
from kechuangtong.brokers import policy, queries
from kechuangtong.brokers.errors import (
    BrokerNotPractising,
    BrokerUnknown,
    ConflictOfInterest,
    MandateExclusive,
    MandateExists,
    PeriodOver,
    RecordNotFound,
    RecordNotPublished,
    WrongMandateState,
)
from kechuangtong.brokers.mandate_schemas import MandateCreate, MandateQuery, MandateRead
from kechuangtong.brokers.schemas import BrokerBrief
from kechuangtong.brokers.states import (
    MANDATE_ACTS,
    MANDATE_TRANSITIONS,
    MandateAction,
    MandateSide,
)
from kechuangtong.core.clock import now, today
from kechuangtong.core.db import hold, new_id
from kechuangtong.core.errors import Forbidden, NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.paging import Page, decode_id
from kechuangtong.core.schemas import Contact
from kechuangtong.demands.service import demands
from kechuangtong.events import log
from kechuangtong.inbox import service as inbox
from kechuangtong.interests.schemas import RecordBrief
from kechuangtong.lists.schemas import OrganizationBrief
from kechuangtong.models import Achievement, Broker, Demand, Mandate
from kechuangtong.models.broker import LIVE, MandateState
from kechuangtong.models.listing import ListingState
from kechuangtong.models.notice import NoticeKind

_SHOWN: Final = (
    joinedload(Mandate.organization, innerjoin=True),
    joinedload(Mandate.broker, innerjoin=True).joinedload(Broker.organization, innerjoin=True),
    joinedload(Mandate.achievement),
    joinedload(Mandate.demand),
)
_NOTICES: Final = {
    MandateAction.ACCEPT: NoticeKind.MANDATE_ACCEPTED,
    MandateAction.DECLINE: NoticeKind.MANDATE_DECLINED,
    MandateAction.REVOKE: NoticeKind.MANDATE_REVOKED,
    MandateAction.RESIGN: NoticeKind.MANDATE_RESIGNED,
}


async def offer(session: AsyncSession, actor: Actor, body: MandateCreate) -> Mandate:
    """Offer a broker a mandate for a published record of one's own organization.

    Raises RecordNotFound, Forbidden, RecordNotPublished, BrokerUnknown, BrokerNotPractising,
    ConflictOfInterest, PeriodOver, MandateExists, MandateExclusive.
    """
    record = await _record(session, actor, body)
    place = ("body", "demand_id" if body.achievement_id is None else "achievement_id")
    if not actor.may(Permission.BROKERS_WRITE, record.organization_id):
        raise Forbidden(loc=place)
    if record.state is not ListingState.PUBLISHED:
        raise RecordNotPublished(loc=place)
    if body.ends_on < today():
        raise PeriodOver
    # Declaring a conflict holds the broker, too.
    broker = await queries.broker(session, actor, body.broker_id, to_change=True)
    if broker is None:
        raise BrokerUnknown
    await _check_broker(session, broker, record.organization_id, loc=("body", "broker_id"))
    # A mandate that is being offered is not there yet to be found: its record is held by name.
    await hold(session, f"mandates {record.id}")
    await _check_others(session, record, body)
    mandate = Mandate(
        id=new_id(),
        organization=record.organization,
        broker=broker,
        achievement=record if isinstance(record, Achievement) else None,
        demand=record if isinstance(record, Demand) else None,
        **body.model_dump(exclude={"broker_id", "achievement_id", "demand_id"}),
        user_id=actor.id,
        stored_state=MandateState.OFFERED,
    )
    session.add(mandate)
    await session.flush()  # what follows names what it refers to by their ids
    await _tell(session, mandate, MandateSide.BROKER, NoticeKind.MANDATE_OFFERED, waiting=True)
    _log(session, actor, mandate, "offered", before=None)
    return mandate


async def act(
    session: AsyncSession,
    actor: Actor,
    mandate_id: uuid.UUID,
    action: MandateAction,
    *,
    expected_versions: frozenset[int] | None,
    comment: str | None = None,
) -> Mandate:
    """Move a mandate on, and tell the other side.

    Raises NotFound, Forbidden, PreconditionFailed, WrongMandateState; to accept also
    BrokerNotPractising, ConflictOfInterest.
    """
    mandate = await get(session, actor, mandate_id, to_change=True)
    if not policy.may_with_mandate(actor, mandate, action):
        raise Forbidden
    check_version(mandate, expected_versions)
    if action not in MANDATE_TRANSITIONS[mandate.state]:
        raise WrongMandateState(state=mandate.state.value, action=action.value)
    if action is MandateAction.ACCEPT:
        broker = await session.get_one(Broker, mandate.broker_id, with_for_update=True)
        await _check_broker(session, broker, mandate.organization_id)
    before = _snapshot(mandate)
    mandate.stored_state = MANDATE_TRANSITIONS[mandate.state][action]
    mandate.reason = comment
    if mandate.answered_at is None and MANDATE_ACTS[action] is MandateSide.BROKER:
        mandate.answered_at = now()
    await session.flush()  # notices are told apart by the new version
    await inbox.settle(session, NoticeKind.MANDATE_OFFERED, [mandate.id])
    by_broker = MANDATE_ACTS[action] is MandateSide.BROKER
    told = MandateSide.ORGANIZATION if by_broker else MandateSide.BROKER
    await _tell(session, mandate, told, _NOTICES[action])
    _log(session, actor, mandate, mandate.stored_state.value, before=before)
    return mandate


async def get(
    session: AsyncSession, actor: Actor, mandate_id: uuid.UUID, *, to_change: bool = False
) -> Mandate:
    """A mandate that the actor's people gave or took. Raises NotFound."""
    statement = select(Mandate).where(Mandate.id == mandate_id, visible_to(actor)).options(*_SHOWN)
    if to_change:
        statement = statement.with_for_update(of=Mandate)
    mandate = await session.scalar(statement)
    if mandate is None:
        raise NotFound
    return mandate


async def page(session: AsyncSession, actor: Actor, query: MandateQuery) -> Page[MandateRead]:
    """One page of the mandates that the actor's people gave or took, newest first."""
    statement = (
        select(Mandate)
        .where(visible_to(actor))
        .options(*_SHOWN)
        .order_by(Mandate.id.desc())
        .limit(query.limit + 1)
    )
    for name in ("organization_id", "broker_id", "achievement_id", "demand_id"):
        if (wanted := getattr(query, name)) is not None:
            statement = statement.where(getattr(Mandate, name) == wanted)
    if query.state is not None:
        statement = statement.where(_in_state(query.state))
    if query.cursor is not None:
        statement = statement.where(Mandate.id < decode_id(query.cursor))
    rows: Sequence[Mandate] = (await session.scalars(statement)).all()
    return Page[MandateRead].of(
        rows, query.limit, lambda one: [str(one.id)], lambda one: show(actor, one)
    )


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """A mandate is for the people of the organization that gives it, the broker, and the people of
    the broker's institution."""
    if actor.sees_all:
        return true()
    theirs = select(Broker.id).where(
        or_(queries.of_person(actor), Broker.organization_id.in_(actor.organization_ids))
    )
    return or_(Mandate.organization_id.in_(actor.organization_ids), Mandate.broker_id.in_(theirs))


def in_force(mandate: type[Mandate] = Mandate) -> ColumnElement[bool]:
    """Those by which a broker may act today."""
    on = today()
    return (
        (mandate.stored_state == MandateState.ACCEPTED)
        & (mandate.starts_on <= on)
        & (mandate.ends_on >= on)
    )


def show(actor: Actor, mandate: Mandate) -> MandateRead:
    """A mandate as its sides read it."""
    accepted = mandate.stored_state is MandateState.ACCEPTED and mandate.broker.contact is not None
    achievement, demand = mandate.achievement, mandate.demand
    return MandateRead(
        id=mandate.id,
        organization=OrganizationBrief.model_validate(mandate.organization),
        broker=BrokerBrief.model_validate(mandate.broker),
        contact=Contact.model_validate(mandate.broker.contact) if accepted else None,
        achievement=None if achievement is None else RecordBrief.model_validate(achievement),
        demand=None if demand is None else RecordBrief.model_validate(demand),
        exclusive=mandate.exclusive,
        starts_on=mandate.starts_on,
        ends_on=mandate.ends_on,
        commission_percent=mandate.commission_percent,
        commission_amount=mandate.commission_amount,
        terms=mandate.terms,
        state=mandate.state,
        reason=mandate.reason,
        possible=[
            one
            for one in MANDATE_TRANSITIONS[mandate.state]
            if policy.may_with_mandate(actor, mandate, one)
        ],
        created_at=mandate.created_at,
        answered_at=mandate.answered_at,
        updated_at=mandate.updated_at,
        version=mandate.version,
    )


def _in_state(state: MandateState) -> ColumnElement[bool]:
    """The shown state as a condition."""
    if state is MandateState.ENDED:
        return Mandate.stored_state.in_(LIVE) & (Mandate.ends_on < today())
    if state in LIVE:
        return (Mandate.stored_state == state) & (Mandate.ends_on >= today())
    return Mandate.stored_state == state


async def _record(session: AsyncSession, actor: Actor, body: MandateCreate) -> Achievement | Demand:
    try:
        if body.achievement_id is not None:
            return await achievements.get(session, actor, body.achievement_id)
        assert body.demand_id is not None
        return await demands.get(session, actor, body.demand_id)
    except NotFound as error:
        place = "demand_id" if body.achievement_id is None else "achievement_id"
        raise RecordNotFound(loc=("body", place)) from error


async def _check_broker(
    session: AsyncSession,
    broker: Broker,
    organization_id: uuid.UUID,
    *,
    loc: tuple[str, ...] = ("path", "mandate_id"),
) -> None:
    """Raises BrokerNotPractising, ConflictOfInterest."""
    if not broker.practising:
        raise BrokerNotPractising(loc=loc)
    conflict = await queries.conflicts_with(session, broker.id, [organization_id])
    if conflict is not None:
        assert conflict.organization is not None
        raise ConflictOfInterest(loc=loc, organization=conflict.organization.name)


async def _check_others(
    session: AsyncSession, record: Achievement | Demand, body: MandateCreate
) -> None:
    """Raises MandateExists, MandateExclusive for a live one of the record in the same time."""
    subject = Mandate.demand_id if body.achievement_id is None else Mandate.achievement_id
    others = await session.scalars(
        select(Mandate).where(
            subject == record.id,
            Mandate.stored_state.in_(LIVE),
            Mandate.ends_on >= max(body.starts_on, today()),
            Mandate.starts_on <= body.ends_on,
        )
    )
    for other in others:
        if other.broker_id == body.broker_id:
            raise MandateExists
        if other.exclusive or body.exclusive:
            raise MandateExclusive


async def _tell(
    session: AsyncSession,
    mandate: Mandate,
    side: MandateSide,
    kind: NoticeKind,
    *,
    waiting: bool = False,
) -> None:
    """Tell one side what the other did: the broker by its institution's inbox."""
    broker = mandate.broker
    to_broker = side is MandateSide.BROKER
    await inbox.notify(
        session,
        broker.organization_id if to_broker else mandate.organization_id,
        kind,
        subject_kind="mandate",
        subject_id=mandate.id,
        title=mandate.subject.title,
        key=f"mandate {mandate.id} {mandate.version}",
        waiting=waiting,
        organization=mandate.organization.name,
        broker=broker.name,
        comment=mandate.reason,
    )


def _snapshot(mandate: Mandate) -> dict[str, Any]:
    """A mandate as the log keeps it."""
    percent, amount = mandate.commission_percent, mandate.commission_amount
    return {
        "organization_id": str(mandate.organization_id),
        "broker_id": str(mandate.broker_id),
        "achievement_id": str(mandate.achievement_id) if mandate.achievement_id else None,
        "demand_id": str(mandate.demand_id) if mandate.demand_id else None,
        "exclusive": mandate.exclusive,
        "starts_on": mandate.starts_on.isoformat(),
        "ends_on": mandate.ends_on.isoformat(),
        "commission_percent": None if percent is None else str(percent),
        "commission_amount": None if amount is None else str(amount),
        "state": mandate.state.value,
        "reason": mandate.reason,
        "version": mandate.version,
    }


def _log(
    session: AsyncSession,
    actor: Actor,
    mandate: Mandate,
    what: str,
    *,
    before: dict[str, Any] | None,
) -> None:
    log.record(
        session,
        actor,
        f"mandate.{what}",
        subject_kind="mandate",
        subject_id=mandate.id,
        before=before,
        after=_snapshot(mandate),
    )
