"""Brokers in deals: brought in by a mandate of a side's, acting for it, and leaving."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field
from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.brokers import mandates
from kechuangtong.brokers import queries as of_brokers
from kechuangtong.brokers.errors import BrokerNotPractising, ConflictOfInterest
from kechuangtong.brokers.policy import acts_as, is_person
from kechuangtong.brokers.schemas import BrokerBrief
from kechuangtong.core.clock import now
from kechuangtong.core.errors import Conflict, Forbidden, Invalid, NotFound
from kechuangtong.core.language import Text
from kechuangtong.core.paging import Page
from kechuangtong.core.schemas import Input, Output
from kechuangtong.deals import policy, queries, service
from kechuangtong.deals.errors import WrongDealState
from kechuangtong.deals.states import ENDED
from kechuangtong.events import log
from kechuangtong.inbox import service as inbox
from kechuangtong.lists.schemas import OrganizationBrief
from kechuangtong.models import Broker, Deal, DealBroker, DealParty, Mandate, Organization
from kechuangtong.models.deal import DealSide
from kechuangtong.models.notice import NoticeKind
from kechuangtong.organizations.service import keep
from kechuangtong.sample import ids


class MandateUnknown(Invalid):
    code = "mandate_unknown"
    text = Text("没有这样的委托。", "There is no such mandate.")
    place = ("body", "mandate_id")


class MandateOfAnother(Conflict):
    code = "mandate_of_another"
    text = Text(
        "该委托不是本交易一方就其成果或需求所作的委托。",
        "The mandate is not one of a party of this deal for its record.",
    )
    place = ("body", "mandate_id")


class MandateNotInForce(Conflict):
    code = "mandate_not_in_force"
    text = Text("该委托未被接受、未到期限或已终止。", "The mandate is not in force today.")
    place = ("body", "mandate_id")


class BrokerInDeal(Conflict):
    code = "broker_in_deal"
    text = Text("该经纪人已在此交易的这一方。", "The broker is on this side of the deal already.")
    place = ("body", "mandate_id")


class NotOnBothSides(Conflict):
    code = "not_on_both_sides"
    text = Text(
        "该经纪人不是双边代理，无须另一方同意。",
        "The broker is on one side alone: there is nothing to agree to.",
    )


class DealBrokerCreate(Input):
    """The mandate by which a broker comes into a deal."""

    model_config = ConfigDict(json_schema_extra={"example": {"mandate_id": ids.MANDATE}})

    mandate_id: Annotated[uuid.UUID, Field(description="Accepted, of a party's (委托)")]


class DealBrokerRead(Output):
    """A broker in a deal, on a side."""

    broker: BrokerBrief
    institution: OrganizationBrief
    side: DealSide
    organization: Annotated[OrganizationBrief, Field(description="Who entrusted it (委托方)")]
    mandate_id: Annotated[uuid.UUID | None, Field(description="Told to its own side alone")]
    agreed_at: Annotated[datetime, Field(description="When its own side took it in")]
    agreed_by_other_at: Annotated[
        datetime | None,
        Field(description="When the other side agreed, of one on both sides (双边代理)"),
    ]
    acting: Annotated[bool, Field(description="Whether it acts for the side today")]


async def join(
    session: AsyncSession, actor: Actor, deal_id: uuid.UUID, body: DealBrokerCreate
) -> tuple[Deal, DealBroker]:
    """Bring a broker in, by an editor of the side that entrusted it or by itself.

    Raises NotFound, MandateUnknown, MandateOfAnother, Forbidden, WrongDealState,
    MandateNotInForce, BrokerNotPractising, ConflictOfInterest, BrokerInDeal.
    """
    deal = await _deal(session, actor, deal_id)
    mandate = await session.scalar(
        select(Mandate)
        .where(Mandate.id == body.mandate_id, mandates.visible_to(actor))
        .options(
            joinedload(Mandate.organization, innerjoin=True),
            joinedload(Mandate.broker, innerjoin=True).joinedload(
                Broker.organization, innerjoin=True
            ),
        )
    )
    if mandate is None:
        raise MandateUnknown
    side, broker = mandate.side, mandate.broker
    record_id = deal.achievement_id if side is DealSide.SELLER else deal.demand_id
    parties = [one.organization_id for one in deal.of_side(side)]
    entrusted = mandate.demand_id or mandate.achievement_id
    if entrusted != record_id or mandate.organization_id not in parties:
        raise MandateOfAnother
    by_itself = acts_as(actor, broker, Permission.DEALS_WRITE)
    if not by_itself and side not in policy.party_sides(actor, deal):
        raise Forbidden
    if deal.state in ENDED:
        raise WrongDealState(state=deal.state.value, action="join")
    if not mandate.in_force:
        raise MandateNotInForce
    if not broker.practising:
        raise BrokerNotPractising(loc=("body", "mandate_id"))
    everyone = [one.organization_id for one in deal.parties]
    conflict = await of_brokers.conflicts_with(session, broker.id, everyone)
    if conflict is not None:
        assert conflict.organization is not None
        named = conflict.organization.name
        raise ConflictOfInterest(loc=("body", "mandate_id"), organization=named)
    if any(one.broker_id == broker.id and one.side is side for one in deal.brokers):
        raise BrokerInDeal
    row = DealBroker(
        deal_id=deal.id,
        broker=broker,
        broker_id=broker.id,
        side=side,
        mandate=mandate,
        mandate_id=mandate.id,
        agreed_at=now(),
        agreed_by_other_at=None,
    )
    deal.brokers.append(row)
    deal.updated_at = row.agreed_at
    await session.flush()  # notices are told apart by the new version
    await _tell(session, actor, deal, row)
    _log(session, actor, deal, row, "broker_joined")
    return deal, row


async def agree(
    session: AsyncSession, actor: Actor, deal_id: uuid.UUID, broker_id: uuid.UUID
) -> Deal:
    """One's side agrees that its broker acts for the other side, too.

    Raises NotFound, Forbidden for who is no editor of a side, NotOnBothSides.
    """
    deal = await service.get(session, actor, deal_id, to_change=True)
    rows = [one for one in deal.brokers if one.broker_id == broker_id]
    if not rows:
        raise NotFound
    mine = policy.party_sides(actor, deal)
    oneself = actor.id == rows[0].broker.user_id and not actor.administrator
    if not mine or oneself:
        raise Forbidden
    if len(rows) < 2:
        raise NotOnBothSides
    for row in rows:
        if row.side.other in mine and row.agreed_by_other_at is None:
            row.agreed_by_other_at = deal.updated_at = now()
            _log(session, actor, deal, row, "broker_agreed")
    await session.flush()  # the deal is shown with its new version
    return deal


async def leave(
    session: AsyncSession, actor: Actor, deal_id: uuid.UUID, broker_id: uuid.UUID
) -> None:
    """A broker leaves wholly, or a side parts with it. Raises NotFound, Forbidden."""
    deal = await _deal(session, actor, deal_id)
    rows = [one for one in deal.brokers if one.broker_id == broker_id]
    if not rows:
        raise NotFound
    by_itself = acts_as(actor, rows[0].broker, Permission.DEALS_WRITE)
    mine = frozenset(DealSide) if by_itself else policy.party_sides(actor, deal)
    leaving = [one for one in rows if one.side in mine]
    if not leaving:
        raise Forbidden
    for row in rows:
        if row in leaving:
            _log(session, actor, deal, row, "broker_left")
            deal.brokers.remove(row)
            await session.delete(row)
        else:  # on one side alone again; on both it would have to be agreed anew
            row.agreed_by_other_at = None
    deal.updated_at = now()


async def listed(session: AsyncSession, actor: Actor, deal_id: uuid.UUID) -> Page[DealBrokerRead]:
    """The brokers of a deal, which are few. Raises NotFound."""
    deal = await service.get(session, actor, deal_id)
    return Page[DealBrokerRead](
        items=[show(actor, deal, one) for one in deal.brokers], next_cursor=None
    )


def show(actor: Actor, deal: Deal, row: DealBroker) -> DealBrokerRead:
    """A broker in a deal as the actor may see it."""
    own = row.side in policy.known_sides(actor, deal)
    return DealBrokerRead(
        broker=BrokerBrief.model_validate(row.broker),
        institution=OrganizationBrief.model_validate(row.broker.organization),
        side=row.side,
        organization=OrganizationBrief.model_validate(row.mandate.organization),
        mandate_id=row.mandate_id if own or is_person(actor, row.broker.user_id) else None,
        agreed_at=row.agreed_at,
        agreed_by_other_at=row.agreed_by_other_at,
        acting=row.side in policy.acting(deal, row.broker_id),
    )


async def _deal(session: AsyncSession, actor: Actor, deal_id: uuid.UUID) -> Deal:
    """A deal to change, also for a broker who may come in, or is in and waits for agreement."""
    seen = queries.visible_to(actor)
    if actor.broker:
        seen = or_(seen, _is_in(actor), _may_join(actor))
    await keep(session, Organization.id.in_(queries.parties_of(deal_id)))
    deal = await session.scalar(
        select(Deal)
        .where(Deal.id == deal_id, seen)
        .options(*queries.SHOWN)
        .with_for_update(of=Deal)
    )
    if deal is None:
        raise NotFound
    return deal


def _is_in(actor: Actor) -> ColumnElement[bool]:
    return exists().where(
        DealBroker.deal_id == Deal.id,
        DealBroker.broker_id == Broker.id,
        of_brokers.of_person(actor),
    )


def _may_join(actor: Actor) -> ColumnElement[bool]:
    sides = (
        (DealSide.SELLER, Mandate.achievement_id == Deal.achievement_id),
        (DealSide.BUYER, Mandate.demand_id == Deal.demand_id),
    )
    return exists().where(
        Mandate.broker_id == Broker.id,
        of_brokers.of_person(actor),
        mandates.in_force(),
        DealParty.deal_id == Deal.id,
        DealParty.organization_id == Mandate.organization_id,
        or_(*(and_(DealParty.side == side, same) for side, same in sides)),
    )


async def _tell(session: AsyncSession, actor: Actor, deal: Deal, row: DealBroker) -> None:
    """Tell all parties but those whose people brought the broker in."""
    for party in deal.parties:
        if party.organization_id not in actor.organization_ids:
            await inbox.notify(
                session,
                party.organization_id,
                NoticeKind.DEAL_BROKER_JOINED,
                subject_kind="deal",
                subject_id=deal.id,
                title=deal.title,
                key=f"deal {deal.id} broker {row.side} {deal.version} {party.organization_id}",
                organization=row.mandate.organization.name,
                broker=row.broker.name,
            )


def _log(session: AsyncSession, actor: Actor, deal: Deal, row: DealBroker, what: str) -> None:
    log.record(
        session,
        actor,
        f"deal.{what}",
        subject_kind="deal",
        subject_id=deal.id,
        before=None,
        after={
            "broker_id": str(row.broker_id),
            "side": row.side.value,
            "mandate_id": str(row.mandate_id),
        },
    )
