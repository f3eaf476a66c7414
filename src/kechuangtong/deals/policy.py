"""Who may act on a side of a deal, and what is to be done next: pure decisions."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Final

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import today
from kechuangtong.core.errors import Forbidden
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.deals.errors import (
    AlreadyAgreed,
    DayBeforeStep,
    DayInFuture,
    PriceNoticeRequired,
    PriceNoticeRunning,
    SideUnnamed,
    WrongDealState,
)
from kechuangtong.deals.states import ACTS, OF_PARTIES, TRANSITIONS, Action, By, Pricing, sides_of
from kechuangtong.models import Deal, DealStep
from kechuangtong.models.deal import DealSide, DealState

# 国家设立的研究开发机构、高等院校 (促进科技成果转化法 art. 18), as far as the kind tells it.
PUBLIC_OWNERS: Final = frozenset(
    {
        OrganizationKind.UNIVERSITY,
        OrganizationKind.INSTITUTE,
        OrganizationKind.LABORATORY,
        OrganizationKind.GOVERNMENT,
    }
)
# They end a deal or lead it back: nobody waits for them.
_NOT_WAITED_FOR: Final = frozenset({Action.TERMINATE, Action.RETURN_TO_NEGOTIATION})


def sides(actor: Actor, deal: Deal) -> frozenset[DealSide]:
    """The sides of a deal that an actor may act for: as one of a party's people, or its broker."""
    return party_sides(actor, deal) | _broker_sides(actor, deal, Permission.DEALS_WRITE)


def party_sides(actor: Actor, deal: Deal) -> frozenset[DealSide]:
    """The sides of a deal that an actor may act for as one of a party's people."""
    return frozenset(
        party.side
        for party in deal.parties
        if actor.may(Permission.DEALS_WRITE, party.organization_id)
    )


def one_of(mine: frozenset[DealSide], named: DealSide | None) -> DealSide:
    """The side that is meant of those that the actor may act for. Raises Forbidden, SideUnnamed."""
    if not mine or (named is not None and named not in mine):
        raise Forbidden
    if named is not None:
        return named
    if len(mine) > 1:
        raise SideUnnamed
    (side,) = mine
    return side


def sides_to(actor: Actor, deal: Deal, action: Action) -> frozenset[DealSide]:
    """The sides for which an actor may do this; what binds a side its broker may not."""
    mine = party_sides(actor, deal) if action in OF_PARTIES else sides(actor, deal)
    return mine & sides_of(action, deal.opened_by) if action in ACTS else mine


def side_for(actor: Actor, deal: Deal, action: Action, named: DealSide | None) -> DealSide:
    """The side for which the actor does this. Raises Forbidden, SideUnnamed."""
    return one_of(sides_to(actor, deal, action), named)


def known_sides(actor: Actor, deal: Deal) -> frozenset[DealSide]:
    """The sides of which an actor reads what is kept from the other."""
    parties = (one.side for one in deal.parties if actor.sees(one.organization_id))
    return frozenset(parties) | _broker_sides(actor, deal, Permission.DEALS_READ)


def acting(deal: Deal, broker_id: uuid.UUID) -> frozenset[DealSide]:
    """The sides that a broker acts for today: those that have entrusted it; of both (双边代理)
    neither before each has agreed."""
    rows = [
        one
        for one in deal.brokers
        if one.broker_id == broker_id and one.broker.practising and one.mandate.in_force
    ]
    agreed = len(rows) < 2 or all(one.agreed_by_other_at for one in rows)
    return frozenset(one.side for one in rows) if agreed else frozenset()


def _broker_sides(actor: Actor, deal: Deal, permission: Permission) -> frozenset[DealSide]:
    if not actor.broker or not actor.in_scope(permission):
        return frozenset()
    mine = {one.broker_id for one in deal.brokers if one.broker.user_id == actor.id}
    return frozenset(side for broker_id in mine for side in acting(deal, broker_id))


def agreements(steps: Sequence[DealStep]) -> list[DealStep]:
    """The agreements of one side that wait for the other's, of a deal with these steps."""
    found: list[DealStep] = []
    for step in reversed(steps):
        if step.from_state is not step.to_state:
            break  # what moved the deal, after which all is to be agreed anew
        if ACTS[Action(step.action)] is By.BOTH:
            found.append(step)
    return found[::-1]


def agreed(steps: Sequence[DealStep], action: Action) -> frozenset[DealSide]:
    """The sides that have agreed to this, waiting for the other."""
    return frozenset(step.side for step in agreements(steps) if step.action == action)


def notice_until(steps: Sequence[DealStep]) -> date | None:
    """The last day of the price notice that was begun last."""
    for step in reversed(steps):
        if step.action == Action.PUBLISH_PRICE:
            return date.fromisoformat(step.details["until"])
    return None


def notice_runs(deal: Deal, steps: Sequence[DealStep], on: date) -> date | None:
    """The end of the price notice in which the deal still is on a day."""
    if deal.state is not DealState.PRICE_NOTICE:
        return None
    until = notice_until(steps)
    return until if until is not None and on <= until else None


def possible(deal: Deal, steps: Sequence[DealStep], on: date) -> list[tuple[Action, DealSide]]:
    """What may be done on a day, by which side, in the order of the actions."""
    return [
        (action, side)
        for action in Action
        if action in TRANSITIONS[deal.state]
        and not (action is Action.SIGN_CONTRACT and notice_runs(deal, steps, on))
        for side in DealSide
        if side in sides_of(action, deal.opened_by) and side not in agreed(steps, action)
    ]


def waiting_for(deal: Deal, steps: Sequence[DealStep], on: date) -> list[DealSide]:
    """The sides whose act brings the deal on: the other one where one side has agreed."""
    if waiting := agreements(steps):
        return [side for side in DealSide if side not in {step.side for step in waiting}]
    able = {side for action, side in possible(deal, steps, on) if action not in _NOT_WAITED_FOR}
    return [side for side in DealSide if side in able]


def decide(
    actor: Actor,
    deal: Deal,
    steps: Sequence[DealStep],
    side: DealSide,
    action: Action,
    *,
    on: date,
    pricing: Pricing | None = None,
) -> DealState:
    """The state to which a side's act leads; the same one where the other is to agree, too.

    A public owner that agreed on the price (`pricing`) must have had it on notice before the
    contract is signed (促进科技成果转化法 art. 18).

    Raises WrongDealState, Forbidden, DayInFuture, DayBeforeStep, AlreadyAgreed,
    PriceNoticeRunning, PriceNoticeRequired.
    """
    if action not in TRANSITIONS[deal.state]:
        raise WrongDealState(state=deal.state.value, action=action.value)
    if side not in sides_to(actor, deal, action):
        raise Forbidden
    if on > today():
        raise DayInFuture
    if on < steps[-1].on:
        raise DayBeforeStep(day=steps[-1].on)
    if action is Action.SIGN_CONTRACT:
        if until := notice_runs(deal, steps, on):
            raise PriceNoticeRunning(until=until)
        seller = deal.of_side(DealSide.SELLER)[0].organization
        agreed_on = pricing is Pricing.AGREEMENT and seller.kind in PUBLIC_OWNERS
        if agreed_on and deal.state is not DealState.PRICE_NOTICE:
            raise PriceNoticeRequired
    if ACTS[action] is not By.BOTH:
        return TRANSITIONS[deal.state][action]
    before = agreed(steps, action)
    if side in before:
        raise AlreadyAgreed
    return TRANSITIONS[deal.state][action] if before else deal.state
