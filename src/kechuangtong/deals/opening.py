"""Opening a deal: from an introduction, or on a record of another organization's."""

import uuid
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.achievements.service import achievements
from kechuangtong.core.clock import now, today
from kechuangtong.core.db import hold, new_id
from kechuangtong.core.errors import Forbidden, NotFound
from kechuangtong.core.trade import ListKind
from kechuangtong.deals import queries
from kechuangtong.deals.errors import (
    DayInFuture,
    DealExists,
    DealSubjectMissing,
    DemandAnonymous,
    IntroductionAlone,
    IntroductionUnknown,
)
from kechuangtong.deals.schemas import DealCreate
from kechuangtong.deals.service import record, tell
from kechuangtong.deals.states import Action
from kechuangtong.demands.service import demands
from kechuangtong.interests import queries as interests
from kechuangtong.interests.errors import NotOwnRecord, OwnRecord, RecordNotFound, RecordNotOpen
from kechuangtong.interests.schemas import MatchedAs
from kechuangtong.lists.errors import OrganizationMerged
from kechuangtong.models import Achievement, Deal, DealParty, DealStep, Demand, Organization
from kechuangtong.models.deal import DealSide, DealState
from kechuangtong.models.listing import ListingState
from kechuangtong.models.notice import NoticeKind
from kechuangtong.organizations.service import acting_organization

_SERVICES: Final[dict[ListKind, Any]] = {
    ListKind.ACHIEVEMENT: achievements,
    ListKind.DEMAND: demands,
}


async def create(
    session: AsyncSession, actor: Actor, body: DealCreate, match: MatchedAs | None
) -> Deal:
    """Open a deal, and tell the other side.

    Raises DayInFuture, DealExists, OrganizationMerged, Forbidden; of an introduction also
    IntroductionAlone, IntroductionUnknown; else DealSubjectMissing, OrganizationUnnamed,
    OrganizationUnknown, RecordNotFound, RecordNotOpen, OwnRecord, NotOwnRecord, DemandAnonymous.
    """
    if body.on is not None and body.on > today():
        raise DayInFuture
    if body.introduction_id is not None:
        deal, step = await _from_introduction(session, actor, body, body.introduction_id)
    else:
        deal, step = await _on_a_record(session, actor, body, match)
    session.add(deal)
    await session.flush()  # what follows refers to it
    await _check_merged(session, deal)
    session.add(step)
    await tell(
        session,
        deal,
        step,
        NoticeKind.DEAL_OPENED,
        waiting=deal.state is DealState.INTEREST,
    )
    record(session, actor, deal, "created", before=None)
    return deal


async def _check_merged(session: AsyncSession, deal: Deal) -> None:
    """A merging holds an organization until it has moved what is there: look again after."""
    ids = [one.organization_id for one in deal.parties]
    merged = Organization.id.in_(ids) & Organization.merged_into_id.is_not(None)
    if await session.scalar(select(Organization.id).where(merged).limit(1)) is not None:
        raise OrganizationMerged


async def _from_introduction(
    session: AsyncSession, actor: Actor, body: DealCreate, introduction_id: uuid.UUID
) -> tuple[Deal, DealStep]:
    for name in ("achievement_id", "demand_id", "organization_id"):
        if getattr(body, name) is not None:
            raise IntroductionAlone(loc=("body", name))
    introduction = await interests.introduction(session, actor, introduction_id)
    if introduction is None:
        raise IntroductionUnknown
    interest = introduction.interest
    # Who is interested in a demand offers; who is in an achievement wants it.
    of_sender = DealSide.SELLER if interest.subject_kind is ListKind.DEMAND else DealSide.BUYER
    parties = {of_sender: interest.organization, of_sender.other: interest.owner}
    mine = [
        side
        for side in (of_sender, of_sender.other)
        if actor.may(Permission.DEALS_WRITE, parties[side].id)
    ]
    if not mine:
        raise Forbidden
    await hold(session, f"deal of {introduction_id}")  # one that is being opened is not there yet
    if await queries.deal_of(session, introduction_id) is not None:
        raise DealExists(loc=("body", "introduction_id"))
    deal = _deal(
        title=body.title or interest.subject.title,
        achievement=interest.achievement,
        demand=interest.demand,
        opened_by=of_sender,
        state=DealState.INTRODUCED,
        match=interest.match,
        parties=parties,
    )
    deal.introduction_id = introduction_id
    return deal, _first_step(actor, deal, mine[0], body)


async def _on_a_record(
    session: AsyncSession, actor: Actor, body: DealCreate, match: MatchedAs | None
) -> tuple[Deal, DealStep]:
    organization = await acting_organization(
        session, actor, Permission.DEALS_WRITE, body.organization_id
    )
    achievement: Achievement | None = await _record(
        session, actor, ListKind.ACHIEVEMENT, body.achievement_id
    )
    demand: Demand | None = await _record(session, actor, ListKind.DEMAND, body.demand_id)
    if demand is not None and demand.anonymous:
        raise DemandAnonymous  # to open a deal would tell the other side whose it is
    subject = _subject(organization, achievement, demand)
    is_demand = isinstance(subject, Demand)
    opened_by = DealSide.SELLER if is_demand else DealSide.BUYER
    of_subject = Deal.demand_id if is_demand else Deal.achievement_id
    await hold(session, f"deal {organization.id} {subject.id}")
    if await queries.open_deal(session, organization.id, of_subject == subject.id) is not None:
        raise DealExists
    deal = _deal(
        title=body.title or subject.title,
        achievement=achievement,
        demand=demand,
        opened_by=opened_by,
        state=DealState.INTEREST,
        match=None if match is None else match.model_dump(mode="json", by_alias=True),
        parties={opened_by: organization, opened_by.other: subject.organization},
    )
    return deal, _first_step(actor, deal, opened_by, body)


def _subject(
    organization: Organization, achievement: Achievement | None, demand: Demand | None
) -> Achievement | Demand:
    """The other's record, of which there is one."""
    named = [one for one in (achievement, demand) if one is not None]
    if not named:
        raise DealSubjectMissing
    others = [one for one in named if one.organization_id != organization.id]
    if not others:
        raise OwnRecord(loc=("body",))
    if len(others) > 1:
        raise NotOwnRecord(loc=("body",))
    return others[0]


async def _record(
    session: AsyncSession, actor: Actor, kind: ListKind, record_id: uuid.UUID | None
) -> Any:  # noqa: ANN401
    if record_id is None:
        return None
    place = ("body", f"{kind.value}_id")
    try:
        found = await _SERVICES[kind].get(session, actor, record_id)
    except NotFound as error:
        raise RecordNotFound(loc=place) from error
    if found.state is not ListingState.PUBLISHED:
        raise RecordNotOpen(loc=place)
    return found


def _deal(*, parties: dict[DealSide, Organization], **values: Any) -> Deal:  # noqa: ANN401
    return Deal(
        id=new_id(),
        parties=[
            DealParty(organization=parties[side], organization_id=parties[side].id, side=side)
            for side in DealSide
        ],
        **values,
    )


def _first_step(actor: Actor, deal: Deal, side: DealSide, body: DealCreate) -> DealStep:
    return DealStep(
        id=new_id(),
        deal_id=deal.id,
        number=1,
        action=Action.CREATE.value,
        from_state=None,
        to_state=deal.state,
        side=side,
        on=body.on or today(),
        organization_id=deal.of_side(side)[0].organization_id,
        user_id=actor.id,
        note=body.note,
        details={},
        created_at=now(),
    )
