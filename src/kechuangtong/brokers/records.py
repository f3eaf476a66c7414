"""What a broker's record holds beside itself: courses taken, conflicts declared."""

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from kechuangtong.accounts.actor import Actor
from kechuangtong.brokers import policy, service
from kechuangtong.brokers.schemas import (
    ConflictCreate,
    ConflictRead,
    TrainingCreate,
    TrainingRead,
)
from kechuangtong.core.clock import today
from kechuangtong.core.db import new_id
from kechuangtong.core.errors import NotFound
from kechuangtong.core.paging import Page, PageQuery, decode_id
from kechuangtong.events import log
from kechuangtong.inbox import service as inbox
from kechuangtong.lists.errors import OrganizationUnknown
from kechuangtong.lists.schemas import OrganizationBrief
from kechuangtong.models import Broker, BrokerConflict, BrokerTraining, Mandate, Organization
from kechuangtong.models.broker import LIVE
from kechuangtong.models.notice import NoticeKind


async def trainings(
    session: AsyncSession, actor: Actor, broker_id: uuid.UUID, query: PageQuery
) -> Page[TrainingRead]:
    """The courses of a broker, newest first. Raises NotFound."""
    await service.get(session, actor, broker_id)
    statement = (
        select(BrokerTraining)
        .where(BrokerTraining.broker_id == broker_id)
        .order_by(BrokerTraining.id.desc())
        .limit(query.limit + 1)
    )
    if query.cursor is not None:
        statement = statement.where(BrokerTraining.id < decode_id(query.cursor))
    rows = (await session.scalars(statement)).all()
    return Page[TrainingRead].of(
        rows, query.limit, lambda one: [str(one.id)], TrainingRead.model_validate
    )


async def add_training(
    session: AsyncSession, actor: Actor, broker_id: uuid.UUID, body: TrainingCreate
) -> BrokerTraining:
    """Record a course. Raises NotFound, Forbidden."""
    broker = await service.own(session, actor, broker_id, None)
    training = BrokerTraining(id=new_id(), broker_id=broker.id, **body.model_dump())
    session.add(training)
    _log(session, actor, broker, "training_added", None, _training(training))
    return training


async def remove_training(
    session: AsyncSession, actor: Actor, broker_id: uuid.UUID, training_id: uuid.UUID
) -> None:
    """Raises NotFound, Forbidden."""
    broker = await service.own(session, actor, broker_id, None)
    training = await session.get(BrokerTraining, training_id)
    if training is None or training.broker_id != broker.id:
        raise NotFound
    await session.delete(training)
    _log(session, actor, broker, "training_removed", _training(training), None)


async def conflicts(
    session: AsyncSession, actor: Actor, broker_id: uuid.UUID, query: PageQuery
) -> Page[ConflictRead]:
    """What a broker declared, newest first: all to its own people and reviewers, to others what
    concerns their organizations. Raises NotFound."""
    broker = await service.get(session, actor, broker_id)
    statement = (
        select(BrokerConflict)
        .where(BrokerConflict.broker_id == broker_id)
        .options(joinedload(BrokerConflict.organization))
        .order_by(BrokerConflict.id.desc())
        .limit(query.limit + 1)
    )
    if not policy.knows(actor, broker):
        mine = BrokerConflict.organization_id.in_(actor.organization_ids)
        statement = statement.where(mine)
    if query.cursor is not None:
        statement = statement.where(BrokerConflict.id < decode_id(query.cursor))
    rows = (await session.scalars(statement)).all()
    return Page[ConflictRead].of(rows, query.limit, lambda one: [str(one.id)], show_conflict)


def show_conflict(conflict: BrokerConflict) -> ConflictRead:
    """A conflict as it is shown."""
    named = conflict.organization
    return ConflictRead(
        id=conflict.id,
        organization=None if named is None else OrganizationBrief.model_validate(named),
        text=conflict.text,
        since=conflict.since,
    )


async def declare(
    session: AsyncSession, actor: Actor, broker_id: uuid.UUID, body: ConflictCreate
) -> BrokerConflict:
    """Declare a conflict; an organization whose mandate the broker has is told.

    Raises NotFound, Forbidden, OrganizationUnknown.
    """
    # Who offers or takes a mandate holds the broker, too: neither misses the other.
    broker = await service.own(session, actor, broker_id, None)
    organization = None
    if body.organization_id is not None:
        # Also one that is in no list: who has its id has been entrusted by it, or dealt with it.
        organization = await session.get(Organization, body.organization_id)
        if organization is None or organization.merged_into_id is not None:
            raise OrganizationUnknown(loc=("body", "organization_id"))
    conflict = BrokerConflict(
        id=new_id(),
        broker_id=broker.id,
        organization=organization,
        organization_id=body.organization_id,
        text=body.text,
        since=body.since,
    )
    session.add(conflict)
    _log(session, actor, broker, "conflict_declared", None, _conflict(conflict))
    if organization is not None and await _entrusted(session, broker, organization):
        await inbox.notify(
            session,
            organization.id,
            NoticeKind.BROKER_CONFLICT,
            subject_kind="broker",
            subject_id=broker.id,
            title=broker.name,
            key=f"broker conflict {conflict.id}",
        )
    return conflict


async def take_back(
    session: AsyncSession, actor: Actor, broker_id: uuid.UUID, conflict_id: uuid.UUID
) -> None:
    """A conflict is none any more. Raises NotFound, Forbidden."""
    broker = await service.own(session, actor, broker_id, None)
    conflict = await session.get(BrokerConflict, conflict_id)
    if conflict is None or conflict.broker_id != broker.id:
        raise NotFound
    await session.delete(conflict)
    _log(session, actor, broker, "conflict_ended", _conflict(conflict), None)


async def _entrusted(session: AsyncSession, broker: Broker, organization: Organization) -> bool:
    mandate = await session.scalar(
        select(Mandate.id)
        .where(
            Mandate.broker_id == broker.id,
            Mandate.organization_id == organization.id,
            Mandate.stored_state.in_(LIVE),
            Mandate.ends_on >= today(),
        )
        .limit(1)
    )
    return mandate is not None


def _training(training: BrokerTraining) -> dict[str, Any]:
    return {
        "course": training.course,
        "hours": str(training.hours),
        "base": training.base,
        "on": training.on.isoformat(),
    }


def _conflict(conflict: BrokerConflict) -> dict[str, Any]:
    named = conflict.organization_id
    return {
        "organization_id": None if named is None else str(named),
        "text": conflict.text,
        "since": conflict.since.isoformat(),
    }


def _log(
    session: AsyncSession,
    actor: Actor,
    broker: Broker,
    what: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    log.record(
        session,
        actor,
        f"broker.{what}",
        subject_kind="broker",
        subject_id=broker.id,
        before=before,
        after=after,
    )
