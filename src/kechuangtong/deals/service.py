"""Deals: opened from an introduction or on a record, carried on step by step, never unmade."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.clock import now, today
from kechuangtong.core.db import new_id
from kechuangtong.core.errors import Forbidden, NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.paging import Page
from kechuangtong.deals import policy, queries, signing
from kechuangtong.deals.errors import (
    ContractDecides,
    FieldRequired,
    FieldUnasked,
    PartiesFixed,
    PartyExists,
    PartyLeads,
    RegisterNumberInvalid,
    WrongDealState,
)
from kechuangtong.deals.register_numbers import check_register_number
from kechuangtong.deals.schemas import (
    Agreement,
    Board,
    BoardColumn,
    BoardQuery,
    DealAction,
    DealDetail,
    DealQuery,
    DealRead,
    PartyCreate,
    PartyRead,
    PriceNotice,
    StepCreate,
    StepQuery,
    StepRead,
)
from kechuangtong.deals.states import (
    ACTS,
    BEFORE_SIGNING,
    BY_SALE,
    TRANSITIONS,
    Action,
    By,
    Pricing,
)
from kechuangtong.events import log
from kechuangtong.inbox import service as inbox
from kechuangtong.interests.schemas import MatchedAs, RecordBrief
from kechuangtong.lists.errors import OrganizationMerged, OrganizationUnknown
from kechuangtong.lists.schemas import OrganizationBrief
from kechuangtong.models import Deal, DealParty, DealStep, Organization
from kechuangtong.models.deal import DealSide, DealState
from kechuangtong.models.notice import NoticeKind
from kechuangtong.organizations.service import keep
from kechuangtong.policies import price_notice

_ON_BOARD: Final = 5  # deals of each state

# What is told with an action beside its day and its note: what must be, and what may be.
_ASKED: Final[dict[Action, tuple[frozenset[str], frozenset[str]]]] = {
    Action.PUBLISH_PRICE: (frozenset({"price", "way"}), frozenset({"related"})),
    Action.RETURN_TO_NEGOTIATION: (frozenset({"reason"}), frozenset()),
    Action.SIGN_CONTRACT: (frozenset(), frozenset({"pricing", "sale_reference"})),
    Action.REGISTER: (frozenset({"register_number"}), frozenset()),
    Action.REFUSE_REGISTRATION: (frozenset({"reason"}), frozenset()),
    Action.RECORD_RECEIPT: (frozenset(), frozenset({"amount"})),
    Action.TERMINATE: (frozenset({"reason"}), frozenset({"cause"})),
}
# Where a deal has a contract, these follow from what is done to it, so that the two never disagree.
_BY_CONTRACT: Final = frozenset(
    {
        Action.SIGN_CONTRACT,
        Action.APPLY_REGISTRATION,
        Action.REGISTER,
        Action.REFUSE_REGISTRATION,
        Action.RECORD_RECEIPT,
        Action.TERMINATE,
    }
)
_NOTHING: Final[tuple[frozenset[str], frozenset[str]]] = (frozenset(), frozenset())


async def act(
    session: AsyncSession,
    actor: Actor,
    deal_id: uuid.UUID,
    body: StepCreate,
    *,
    expected_versions: frozenset[int] | None,
) -> Deal:
    """Take one step of a deal, and tell the other side.

    Raises NotFound, Forbidden for the wrong side, SideUnnamed, PreconditionFailed, FieldRequired,
    FieldUnasked, RegisterNumberInvalid, ContractDecides, and what `take` raises.
    """
    deal = await get(session, actor, deal_id, to_change=True)
    side = policy.side_for(actor, deal, body.action, body.side)
    check_version(deal, expected_versions)
    if body.action not in TRANSITIONS[deal.state]:
        raise WrongDealState(state=deal.state.value, action=body.action.value)
    if body.action in _BY_CONTRACT and await queries.has_contract(session, deal.id):
        raise ContractDecides
    on = body.on or today()
    details = _details(body, on)
    await take(session, actor, deal, side, body.action, on=on, note=body.note, details=details)
    return deal


async def take(
    session: AsyncSession,
    actor: Actor,
    deal: Deal,
    side: DealSide,
    action: Action,
    *,
    on: date,
    note: str | None = None,
    details: dict[str, Any] | None = None,
) -> DealStep:
    """Do a step for a side of a deal that was read to be changed (`queries.deal`).

    Where both sides must agree, the first one's step leaves the state as it was. `details` is kept
    with the step; of `sign_contract` it says the `pricing`, and `publish_price` adds the first and
    the last day of the notice, where they are not told.

    Raises Forbidden, WrongDealState, AlreadyAgreed, DayInFuture, DayBeforeStep,
    PriceNoticeRequired, PriceNoticeRunning, PriceObjectionOpen, SaleNotAwarded, AchievementSold.
    """
    steps = (await queries.histories(session, [deal.id]))[deal.id]
    details = dict(details or {})
    if action is Action.SIGN_CONTRACT:
        details = signing.completed(steps, details)
    pricing = Pricing(details["pricing"]) if "pricing" in details else None
    to_state = policy.decide(actor, deal, steps, side, action, on=on, pricing=pricing)
    if action is Action.SIGN_CONTRACT:
        await signing.check(session, deal, details)
    if action is Action.PUBLISH_PRICE:
        seller = deal.of_side(DealSide.SELLER)[0].organization
        rule = price_notice.at(on, seller.place)
        until = on if rule is None else rule.until(on)
        details = {"from": on.isoformat(), "until": until.isoformat()} | details

    before = snapshot(deal)
    step = DealStep(
        id=new_id(),
        deal_id=deal.id,
        number=steps[-1].number + 1,
        action=action.value,
        from_state=deal.state,
        to_state=to_state,
        side=side,
        on=on,
        organization_id=acting(actor, deal, side),
        user_id=actor.id,
        note=note,
        details=details,
        created_at=now(),
    )
    session.add(step)
    deal.state = to_state
    deal.updated_at = step.created_at  # the version grows with an agreement, too
    await session.flush()  # the log shows the new version
    if step.from_state is not step.to_state:
        for kind in (NoticeKind.DEAL_OPENED, NoticeKind.DEAL_STEP):
            await inbox.settle(session, kind, [deal.id])
    waits = ACTS[action] is By.BOTH and step.from_state is step.to_state
    await tell(session, deal, step, NoticeKind.DEAL_STEP, waiting=waits)
    record(session, actor, deal, action.value, before=before, step=step.number)
    return step


async def add_party(
    session: AsyncSession, actor: Actor, deal_id: uuid.UUID, body: PartyCreate
) -> Deal:
    """Let another organization join one's side; it sees the deal from now on.

    Raises NotFound, Forbidden, SideUnnamed, PartiesFixed, PartyExists, OrganizationUnknown,
    OrganizationMerged.
    """
    named = Organization.id == body.organization_id
    await keep(session, or_(named, Organization.id.in_(queries.parties_of(deal_id))))
    organization = await session.scalar(
        select(Organization).where(named).execution_options(populate_existing=True)
    )
    deal = await get(session, actor, deal_id, to_change=True)
    side = policy.one_of(policy.sides(actor, deal), body.side)
    if deal.state not in BEFORE_SIGNING:
        raise PartiesFixed
    if organization is None:
        raise OrganizationUnknown(loc=("body", "organization_id"))
    if organization.merged_into_id is not None:
        raise OrganizationMerged
    if any(one.organization_id == organization.id for one in deal.parties):
        raise PartyExists
    before = snapshot(deal)
    position = max(one.position for one in deal.of_side(side)) + 1
    deal.parties.append(
        DealParty(deal_id=deal.id, organization=organization, side=side, position=position)
    )
    deal.updated_at = now()
    await session.flush()  # the log shows the new version
    record(session, actor, deal, "party_added", before=before)
    return deal


async def remove_party(
    session: AsyncSession, actor: Actor, deal_id: uuid.UUID, organization_id: uuid.UUID
) -> None:
    """Take out an organization that does not lead its side, before the contract is signed.

    Raises NotFound, Forbidden, PartiesFixed, PartyLeads.
    """
    deal = await get(session, actor, deal_id, to_change=True)
    party = next((one for one in deal.parties if one.organization_id == organization_id), None)
    if party is None:
        raise NotFound
    if party.side not in policy.sides(actor, deal):
        raise Forbidden
    if deal.state not in BEFORE_SIGNING:
        raise PartiesFixed
    if party is deal.of_side(party.side)[0]:
        raise PartyLeads
    before = snapshot(deal)
    deal.parties.remove(party)
    await session.delete(party)
    deal.updated_at = now()
    await session.flush()  # the log shows the new version
    record(session, actor, deal, "party_removed", before=before)


async def get(
    session: AsyncSession, actor: Actor, deal_id: uuid.UUID, *, to_change: bool = False
) -> Deal:
    """A deal of one's own organizations. Raises NotFound."""
    deal = await queries.deal(session, actor, deal_id, to_change=to_change)
    if deal is None:
        raise NotFound
    return deal


async def page(session: AsyncSession, actor: Actor, query: DealQuery) -> Page[DealRead]:
    """One page of the deals of one's own organizations, newest first. Raises Forbidden."""
    rows = await queries.deals(session, actor, query)
    histories = await queries.histories(session, [one.id for one in rows])
    return Page[DealRead].of(
        rows,
        query.limit,
        lambda one: [str(one.id)],
        lambda one: DealRead.model_validate(_shown(one, histories[one.id])),
    )


async def board(session: AsyncSession, actor: Actor, query: BoardQuery) -> Board:
    """All states with their deals, in the order of the trade. Raises Forbidden."""
    counts = await queries.counts(session, actor, query.organization_id)
    columns = []
    for state in DealState:
        deals: Sequence[Deal] = []
        if state in counts:
            deals = await queries.first_of(session, actor, query.organization_id, state, _ON_BOARD)
        histories = await queries.histories(session, [one.id for one in deals])
        shown = [DealRead.model_validate(_shown(one, histories[one.id])) for one in deals]
        columns.append(BoardColumn(state=state, count=counts.get(state, 0), deals=shown))
    return Board(columns=columns)


async def show(session: AsyncSession, actor: Actor, deal: Deal) -> DealDetail:
    """A deal with what its two sides have agreed to and what the actor may do today."""
    await session.flush()  # what was just written is among its steps
    steps = (await queries.histories(session, [deal.id]))[deal.id]
    left_out = set(_BY_CONTRACT if await queries.has_contract(session, deal.id) else ())
    if await queries.price_objection_open(session, deal):
        left_out.add(Action.SIGN_CONTRACT)
    notices = [one for one in steps if one.action == Action.PUBLISH_PRICE]
    return DealDetail.model_validate(
        {
            **_shown(deal, steps),
            "agreements": [
                Agreement(action=Action(one.action), side=one.side, on=one.on)
                for one in policy.agreements(steps)
            ],
            "price_notice": PriceNotice.model_validate(notices[-1].details) if notices else None,
            "actions": [
                DealAction(action=action, side=side)
                for action, side in policy.possible(deal, steps, today())
                if action not in left_out and side in policy.sides_to(actor, deal, action)
            ],
        }
    )


async def history(
    session: AsyncSession, actor: Actor, deal_id: uuid.UUID, query: StepQuery
) -> Page[StepRead]:
    """One page of a deal's steps, the first first. Raises NotFound."""
    deal = await get(session, actor, deal_id)
    rows = await queries.steps(session, deal_id, query)
    own = policy.known_sides(actor, deal)
    return Page[StepRead].of(
        rows,
        query.limit,
        lambda row: [str(row[0].number)],
        lambda row: _step(row[0], row[1] if row[0].side in own else None),
    )


async def tell(
    session: AsyncSession, deal: Deal, step: DealStep, kind: NoticeKind, *, waiting: bool
) -> None:
    """Tell all other parties of a step; the other side's leading one is waited for, if any."""
    names = {one.organization_id: one.organization.name for one in deal.parties}
    by = names.get(step.organization_id) if step.organization_id else None
    asked = deal.of_side(step.side.other)[0].organization_id
    for organization_id in names:
        if organization_id != step.organization_id:
            await inbox.notify(
                session,
                organization_id,
                kind,
                subject_kind="deal",
                subject_id=deal.id,
                title=deal.title,
                key=f"deal {deal.id} {step.number} {organization_id}",
                waiting=waiting and organization_id == asked,
                organization=by,
                action=step.action,
            )


def snapshot(deal: Deal) -> dict[str, Any]:
    """A deal as the log keeps it: nothing of what was written."""
    return {
        "state": deal.state.value,
        "opened_by": deal.opened_by.value,
        "achievement_id": str(deal.achievement_id) if deal.achievement_id else None,
        "demand_id": str(deal.demand_id) if deal.demand_id else None,
        "introduction_id": str(deal.introduction_id) if deal.introduction_id else None,
        "parties": [
            {"organization_id": str(one.organization.id), "side": one.side.value}
            for one in deal.parties
        ],
        "version": deal.version,
    }


def record(
    session: AsyncSession,
    actor: Actor,
    deal: Deal,
    what: str,
    *,
    before: dict[str, Any] | None,
    step: int | None = None,
) -> None:
    """Note what was done to a deal in the log."""
    log.record(
        session,
        actor,
        f"deal.{what}",
        subject_kind="deal",
        subject_id=deal.id,
        before=before,
        after=snapshot(deal) | ({} if step is None else {"step": step}),
    )


def acting(actor: Actor, deal: Deal, side: DealSide) -> uuid.UUID:
    """The organization of a side for which the actor acts: its own, else the leading one."""
    parties = [one.organization_id for one in deal.of_side(side)]
    own = [one for one in parties if one in actor.organization_ids]
    return (own or parties)[0]


def _details(body: StepCreate, on: date) -> dict[str, Any]:
    required, optional = _ASKED.get(body.action, _NOTHING)
    told = body.model_dump(mode="json", exclude={"action", "on", "side", "note"}, exclude_none=True)
    for name in sorted(required - told.keys()):
        raise FieldRequired(loc=("body", name), action=body.action.value)
    for name in sorted(told.keys() - required - optional):
        raise FieldUnasked(loc=("body", name), action=body.action.value)
    if body.sale_reference is not None and body.pricing not in BY_SALE:
        raise FieldUnasked(loc=("body", "sale_reference"), action=f"pricing: {body.pricing}")
    if body.action is Action.PUBLISH_PRICE:
        told.setdefault("related", False)
    if body.register_number is not None:
        try:
            told["register_number"] = check_register_number(body.register_number, on)
        except ValueError as error:
            raise RegisterNumberInvalid(why=error.args[0]) from None
    return told


def _shown(deal: Deal, steps: Sequence[DealStep]) -> dict[str, Any]:
    leading = {id(deal.of_side(side)[0]) for side in DealSide}
    return {
        "id": deal.id,
        "title": deal.title,
        "state": deal.state,
        "opened_by": deal.opened_by,
        "achievement": deal.achievement and RecordBrief.model_validate(deal.achievement),
        "demand": deal.demand and RecordBrief.model_validate(deal.demand),
        "introduction_id": deal.introduction_id,
        "parties": [
            PartyRead(
                organization=OrganizationBrief.model_validate(one.organization),
                side=one.side,
                leading=id(one) in leading,
            )
            for one in deal.parties
        ],
        "match": deal.match and MatchedAs.model_validate(deal.match),
        "waiting_for": policy.waiting_for(deal, steps, today()),
        "created_at": deal.created_at,
        "updated_at": deal.updated_at,
        "version": deal.version,
    }


def _step(step: DealStep, user: str | None) -> StepRead:
    organization = step.organization
    return StepRead(
        number=step.number,
        action=Action(step.action),
        from_state=step.from_state,
        to_state=step.to_state,
        side=step.side,
        organization=organization and OrganizationBrief.model_validate(organization),
        user=user,
        on=step.on,
        note=step.note,
        details=step.details,
        created_at=step.created_at,
    )
