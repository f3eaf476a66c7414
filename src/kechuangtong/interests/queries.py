"""Reading interests and introductions: those of one's own organizations, counts of them."""

import uuid
from collections.abc import Sequence
from statistics import median
from typing import Final, TypeVar

from sqlalchemy import ColumnElement, Select, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.errors import Forbidden
from kechuangtong.core.paging import decode_id
from kechuangtong.core.trade import ListKind
from kechuangtong.interests.schemas import (
    BoxStatistics,
    InterestQuery,
    InterestStatistics,
    IntroductionQuery,
)
from kechuangtong.interests.states import OPEN
from kechuangtong.models import (
    Achievement,
    Demand,
    Interest,
    InterestMessage,
    Introduction,
    User,
)
from kechuangtong.models.interest import DeclineReason, InterestState

_SHOWN = (
    joinedload(Interest.achievement),
    joinedload(Interest.demand),
    joinedload(Interest.organization, innerjoin=True),
    joinedload(Interest.owner, innerjoin=True),
    joinedload(Interest.introduction),
)
_INTRODUCED = joinedload(Introduction.interest, innerjoin=True).options(
    joinedload(Interest.achievement).joinedload(Achievement.organization),
    joinedload(Interest.demand).joinedload(Demand.organization),
    joinedload(Interest.organization, innerjoin=True),
    joinedload(Interest.owner, innerjoin=True),
)

_ANSWERS: Final = 1_000

M = TypeVar("M", Interest, Introduction)


def visible_to(model: type[M], actor: Actor) -> ColumnElement[bool]:
    """What lies between two organizations is for the people of both."""
    if actor.sees_all:
        return true()
    own = actor.organization_ids
    return or_(model.organization_id.in_(own), model.owner_id.in_(own))


async def interest(
    session: AsyncSession, actor: Actor, interest_id: uuid.UUID, *, to_change: bool = False
) -> Interest | None:
    """One interest, where the actor may see it; whoever gets it to change it is alone with it."""
    statement = (
        select(Interest)
        .where(Interest.id == interest_id, visible_to(Interest, actor))
        .options(*_SHOWN)
    )
    return await session.scalar(statement.with_for_update(of=Interest) if to_change else statement)


async def interests(
    session: AsyncSession, actor: Actor, query: InterestQuery
) -> Sequence[Interest]:
    """Up to `limit + 1` interests, newest first. Raises Forbidden for others' organizations."""
    statement = _page(Interest, actor, query)
    own = _own(actor, query.organization_id)
    if query.box is not None:
        side = Interest.organization_id if query.box == "sent" else Interest.owner_id
        statement = statement.where(side.in_(own))
    if query.state is not None:
        statement = statement.where(Interest.state == query.state)
    return (await session.scalars(statement.options(*_SHOWN))).all()


async def introductions(
    session: AsyncSession, actor: Actor, query: IntroductionQuery
) -> Sequence[Introduction]:
    """Up to `limit + 1` introductions, newest first. Raises Forbidden for others'."""
    return (await session.scalars(_page(Introduction, actor, query).options(_INTRODUCED))).all()


async def introduction(
    session: AsyncSession, actor: Actor, introduction_id: uuid.UUID
) -> Introduction | None:
    """One introduction, where the actor may see it."""
    return await session.scalar(
        select(Introduction)
        .where(Introduction.id == introduction_id, visible_to(Introduction, actor))
        .options(_INTRODUCED)
    )


def _own(actor: Actor, organization_id: uuid.UUID | None) -> frozenset[uuid.UUID]:
    """The organizations that are meant. To ask for another's would tell whose a demand is."""
    if organization_id is None:
        return actor.organization_ids
    if not actor.sees(organization_id):
        raise Forbidden(loc=("query", "organization_id"))
    return frozenset({organization_id})


def _page(model: type[M], actor: Actor, query: InterestQuery | IntroductionQuery) -> Select[M]:
    statement = (
        select(model)
        .where(visible_to(model, actor))
        .order_by(model.id.desc())
        .limit(query.limit + 1)
    )
    if query.organization_id is not None:
        own = _own(actor, query.organization_id)
        statement = statement.where(or_(model.organization_id.in_(own), model.owner_id.in_(own)))
    if query.achievement_id is not None:
        statement = statement.where(model.achievement_id == query.achievement_id)
    if query.demand_id is not None:
        statement = statement.where(model.demand_id == query.demand_id)
    if query.cursor is not None:
        statement = statement.where(model.id < decode_id(query.cursor))
    return statement


async def open_interest(
    session: AsyncSession, organization_id: uuid.UUID, kind: ListKind, subject_id: uuid.UUID
) -> uuid.UUID | None:
    """The interest of an organization in a record that is still to be decided."""
    subject = Interest.demand_id if kind is ListKind.DEMAND else Interest.achievement_id
    return await session.scalar(
        select(Interest.id).where(
            Interest.organization_id == organization_id,
            Interest.subject_kind == kind,
            subject == subject_id,
            Interest.state.in_(OPEN),
        )
    )


async def messages(
    session: AsyncSession, interest_id: uuid.UUID
) -> Sequence[tuple[InterestMessage, str | None]]:
    """What was written, first things first, with the names of those who wrote."""
    rows = await session.execute(
        select(InterestMessage, User.name)
        .outerjoin(User, User.id == InterestMessage.user_id)
        .where(InterestMessage.interest_id == interest_id)
        .order_by(InterestMessage.id)
    )
    return [(message, name) for message, name in rows]


async def people(
    session: AsyncSession, introductions: Sequence[Introduction]
) -> dict[uuid.UUID, User]:
    """Those who expressed and accepted; who is forgotten since is not among them."""
    ids = {one.interest.user_id for one in introductions}
    ids |= {one.accepted_by for one in introductions}
    found = await session.scalars(select(User).where(User.id.in_(ids), User.erased_at.is_(None)))
    return {one.id: one for one in found}


async def totals(session: AsyncSession) -> tuple[int, int]:
    """How many interests and introductions there are."""
    interests = await session.scalar(select(func.count()).select_from(Interest))
    introductions = await session.scalar(select(func.count()).select_from(Introduction))
    return interests or 0, introductions or 0


async def statistics(session: AsyncSession, organization_id: uuid.UUID) -> InterestStatistics:
    """How an organization's interests fare."""
    return InterestStatistics(
        organization_id=organization_id,
        received=await _box(session, Interest.owner_id == organization_id),
        sent=await _box(session, Interest.organization_id == organization_id),
    )


async def _box(session: AsyncSession, of: ColumnElement[bool]) -> BoxStatistics:
    states = dict.fromkeys(InterestState, 0)
    declined = dict.fromkeys(DeclineReason, 0)
    for state, reason, count in await session.execute(
        select(Interest.state, Interest.reason, func.count())
        .where(of)
        .group_by(Interest.state, Interest.reason)
    ):
        states[state] += count
        if reason is not None:
            declined[reason] += count
    return BoxStatistics(
        states=states, declined=declined, days_to_answer=await days_to_answer(session, of)
    )


async def days_to_answer(
    session: AsyncSession, of: ColumnElement[bool], *, least: int = 1
) -> float | None:
    """Median days to the owner's first answer, over the newest thousand that are answered; None
    where there are fewer than `least`."""
    days = [
        (answered_at - created_at).total_seconds() / 86_400
        for created_at, answered_at in await session.execute(
            select(Interest.created_at, Interest.answered_at)
            .where(of, Interest.answered_at.is_not(None))
            .order_by(Interest.id.desc())
            .limit(_ANSWERS)
        )
        if answered_at is not None
    ]
    return round(median(days), 2) if len(days) >= least else None
