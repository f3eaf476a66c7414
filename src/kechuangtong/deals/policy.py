"""Who may act on a side of a deal, and what is to be done next: pure decisions."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.deals.states import ACTS, TRANSITIONS, Action, By, Pricing, sides_of
from kechuangtong.models import Deal, DealStep
from kechuangtong.models.deal import DealSide

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
    """The sides of a deal that an actor may act for."""
    return frozenset(
        party.side
        for party in deal.parties
        if actor.may(Permission.DEALS_WRITE, party.organization_id)
    )


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


def notice_required(deal: Deal, pricing: Pricing) -> bool:
    """Whether the price must have been on notice before the contract is signed: where a public
    owner sells and the price was agreed (促进科技成果转化法 art. 18)."""
    seller = deal.of_side(DealSide.SELLER)[0].organization
    return pricing is Pricing.AGREEMENT and seller.kind in PUBLIC_OWNERS


def notice_runs(deal: Deal, steps: Sequence[DealStep], on: date) -> date | None:
    """The end of the price notice in which the deal still is on a day."""
    if Action.RETURN_TO_NEGOTIATION not in TRANSITIONS[deal.state]:
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
