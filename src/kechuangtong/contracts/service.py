"""The life of a contract: drafted, confirmed by both sides, amended, cancelled.

Whatever is done to a contract is done while its deal is held, so that what is looked at is what is
written upon, and the deal's step is taken in the same transaction.
"""

import uuid
from collections.abc import Collection, Mapping
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.contracts import deal_steps, ledger, queries
from kechuangtong.contracts.content import ContractContent, ContractTerms, Party, joined
from kechuangtong.contracts.errors import (
    AlreadyConfirmed,
    BrokerUnknown,
    ContractExists,
    ContractIncomplete,
    ContractInvalid,
    DealEnded,
    DealUnknown,
    PartyLeft,
    PartyNotInDeal,
    SideUnnamed,
    WrongContractState,
)
from kechuangtong.contracts.items import missing_items
from kechuangtong.contracts.schemas import (
    ContractCreate,
    ContractPatch,
)
from kechuangtong.contracts.states import BY_BROKERS, TRANSITIONS, Action, sides_of
from kechuangtong.core.clock import now, today
from kechuangtong.core.db import new_id
from kechuangtong.core.errors import Forbidden, NotFound, validation_text
from kechuangtong.core.http import check_version
from kechuangtong.core.money import HUNDRED, split
from kechuangtong.deals import queries as deals
from kechuangtong.deals.policy import party_sides, sides
from kechuangtong.events import log
from kechuangtong.inbox import service as inbox
from kechuangtong.models import (
    Contract,
    ContractParty,
    ContractVersion,
    Deal,
    Organization,
)
from kechuangtong.models.contract import (
    ContractSide,
    ContractState,
)
from kechuangtong.models.deal import DealSide
from kechuangtong.models.notice import NoticeKind
from kechuangtong.organizations.service import keep

# Notices that wait for an act: once the contract moves on, it is waited for no more.
_WAITING: Final = (
    NoticeKind.CONTRACT_CREATED,
    NoticeKind.CONTRACT_CONFIRMED,
    NoticeKind.CONTRACT_AMENDMENT,
    NoticeKind.CONTRACT_CANCELLATION,
)
_OF_SIDE: Final = {DealSide.SELLER: ContractSide.SELLER, DealSide.BUYER: ContractSide.BUYER}
_SHARE_UNIT: Final = HUNDRED / 1_000_000


async def draft(session: AsyncSession, actor: Actor, body: ContractCreate) -> Contract:
    """Draft the contract of a deal; the other side is asked to look at it.

    Raises DealUnknown, Forbidden, DealEnded, ContractExists, PartyNotInDeal, BrokerUnknown.
    """
    deal = await deals.deal(session, actor, body.deal_id, to_change=True)
    if deal is None:
        raise DealUnknown
    mine = sides(actor, deal)
    if not mine:
        raise Forbidden(loc=("body", "deal_id"))
    if deal_steps.has_ended(deal):
        raise DealEnded
    if await queries.live_contract(session, deal.id) is not None:
        raise ContractExists
    content = await complete(session, deal, body.content())
    contract = Contract(
        id=new_id(),
        deal=deal,
        state=ContractState.DRAFT,
        versions=0,
        proposals=[],
        registrations=[],
        parties=[],
    )
    session.add(contract)
    say(contract, content)
    await session.flush()  # notices and the log tell what is stored
    log_change(session, actor, contract, "created", before=None)
    await tell(
        session, contract, NoticeKind.CONTRACT_CREATED, by=_one(mine), waiting=True, key="created"
    )
    return contract


async def change(
    session: AsyncSession,
    actor: Actor,
    contract_id: uuid.UUID,
    body: ContractPatch,
    *,
    expected_versions: frozenset[int] | None,
) -> Contract:
    """Change a draft; whoever has confirmed it has to confirm it anew.

    Raises NotFound, Forbidden, PreconditionFailed, WrongContractState, ContractInvalid,
    PartyNotInDeal, BrokerUnknown.
    """
    contract = await hold(session, actor, contract_id)
    _sides(actor, contract, Action.CHANGE)
    check_version(contract, expected_versions)
    move(contract, Action.CHANGE)
    before = snapshot(contract)
    content = await complete(session, contract.deal, merged(contract, body))
    if content.model_dump(mode="json") != contract.content:
        say(contract, content)
        contract.seller_confirmed_at = contract.buyer_confirmed_at = None
        await settle(session, contract)
        await session.flush()  # the log tells what is stored
        log_change(session, actor, contract, "changed", before=before)
    return contract


async def confirm(
    session: AsyncSession,
    actor: Actor,
    contract_id: uuid.UUID,
    *,
    side: DealSide | None,
    expected_versions: frozenset[int] | None,
) -> Contract:
    """Confirm a draft for a side; the second side's confirmation signs it, and takes the deal's
    step.

    Raises NotFound, Forbidden, SideUnnamed, PreconditionFailed, WrongContractState,
    DealEnded, ContractIncomplete, PartyLeft, AlreadyConfirmed, and what the deal's step raises.
    """
    contract = await hold(session, actor, contract_id)
    by = side_of(actor, contract, Action.CONFIRM, side)
    check_version(contract, expected_versions)
    signed = move(contract, Action.CONFIRM)
    if deal_steps.has_ended(contract.deal):
        raise DealEnded(loc=("path", "contract_id"))
    if missing := missing_items(said(contract)):
        raise ContractIncomplete(missing)
    try:
        await complete(session, contract.deal, said(contract))
    except PartyNotInDeal as error:
        raise PartyLeft from error
    if contract.confirmed_at(by) is not None:
        raise AlreadyConfirmed
    before = snapshot(contract)
    setattr(contract, f"{by.value}_confirmed_at", now())
    await settle(session, contract)
    if contract.confirmed_at(by.other) is None:
        await session.flush()  # notices and the log tell what is stored
        log_change(session, actor, contract, "confirmed", before=before)
        await tell(
            session,
            contract,
            NoticeKind.CONTRACT_CONFIRMED,
            by=by,
            waiting=True,
            key=f"confirmed {contract.version}",
        )
        return contract
    contract.state, contract.signed_on = signed, today()
    keep_version(session, contract, reason=None)
    await ledger.plan(session, contract, said(contract))
    await deal_steps.signed(session, actor, contract, by)
    await session.flush()  # notices and the log tell what is stored
    log_change(session, actor, contract, "signed", before=before)
    await tell(session, contract, NoticeKind.CONTRACT_SIGNED, by=None, key="signed")
    return contract


async def discard(
    session: AsyncSession,
    actor: Actor,
    contract_id: uuid.UUID,
    *,
    expected_versions: frozenset[int] | None,
) -> Contract:
    """Give a draft up; the deal may have another. Raises NotFound, Forbidden, PreconditionFailed,
    WrongContractState."""
    contract = await hold(session, actor, contract_id)
    mine = _sides(actor, contract, Action.DISCARD)
    check_version(contract, expected_versions)
    before = snapshot(contract)
    contract.state = move(contract, Action.DISCARD)
    await settle(session, contract)
    await session.flush()  # notices and the log tell what is stored
    log_change(session, actor, contract, "discarded", before=before)
    await tell(session, contract, NoticeKind.CONTRACT_DISCARDED, by=_one(mine), key="discarded")
    return contract


async def get(session: AsyncSession, actor: Actor, contract_id: uuid.UUID) -> Contract:
    """A contract of one's own organizations' deals. Raises NotFound."""
    contract = await queries.contract(session, actor, contract_id)
    if contract is None:
        raise NotFound
    return contract


async def hold(session: AsyncSession, actor: Actor, contract_id: uuid.UUID) -> Contract:
    """A contract to change: whoever gets it is alone with it and its deal. Raises NotFound."""
    deal_id = await queries.deal_of(session, actor, contract_id)
    if deal_id is None:
        raise NotFound
    named = select(ContractParty.organization_id).where(ContractParty.contract_id == contract_id)
    both = named.union(deals.parties_of(deal_id))  # in one order; those of the deal need no more
    await keep(session, Organization.id.in_(both))
    if await deals.deal(session, actor, deal_id, to_change=True) is None:
        raise NotFound
    return await get(session, actor, contract_id)


def side_of(
    actor: Actor, contract: Contract, action: Action, named: DealSide | None = None
) -> DealSide:
    """The side for which the actor does this: the named one, else the only one.

    Raises Forbidden, SideUnnamed.
    """
    mine = _sides(actor, contract, action)
    if named is not None:
        if named not in mine:
            raise Forbidden(loc=("body", "side"))
        return named
    if len(mine) > 1:
        raise SideUnnamed
    return next(iter(mine))


def move(contract: Contract, action: Action) -> ContractState:
    """Where an action leads from where the contract stands. Raises WrongContractState."""
    if action not in TRANSITIONS[contract.state]:
        raise WrongContractState(state=contract.state.value, action=action.value)
    return TRANSITIONS[contract.state][action]


def possible(actor: Actor, contract: Contract) -> list[Action]:
    """What the actor may do to a contract as it stands."""
    found = []
    for action in TRANSITIONS[contract.state]:
        able = _able(actor, contract, action)
        if action is Action.CONFIRM:
            able = frozenset(one for one in able if contract.confirmed_at(one) is None)
            if deal_steps.has_ended(contract.deal):
                continue
        if able and (action is not Action.ANSWER or contract.open_proposals):
            found.append(action)
    return found


def said(contract: Contract) -> ContractContent:
    """What a contract says."""
    return ContractContent.model_validate(contract.content)


def say(contract: Contract, content: ContractContent) -> None:
    """Let a contract say this, and what is kept beside it for lists."""
    contract.content = content.model_dump(mode="json")
    contract.title, contract.kind = content.title, content.kind
    contract.total, contract.technical = content.total, content.technical
    contract.parties = [
        ContractParty(
            id=new_id(),
            position=position,
            side=one.side,
            organization_id=one.organization_id,
            name=one.name or "",
            share=one.share,
            commission_amount=one.commission_amount,
            commission_percent=one.commission_percent,
        )
        for position, one in enumerate(content.parties)
    ]


def merged(contract: Contract, changes: ContractTerms, *place: str) -> ContractContent:
    """What a contract says after changes. Raises ContractInvalid where that does not fit."""
    values: Mapping[str, Any] = changes.model_dump(mode="json", exclude_unset=True)
    try:
        return ContractContent.model_validate({**contract.content, **values})
    except ValidationError as error:
        first = error.errors()[0]
        text = validation_text(dict(first))
        loc = ("body", *place, *first["loc"])
        raise ContractInvalid(loc=loc, zh=text.zh, en=text.en) from None


def touch(contract: Contract) -> None:
    """Let its version grow by what changed beside it."""
    contract.updated_at = now()


async def tell(
    session: AsyncSession,
    contract: Contract,
    kind: NoticeKind,
    *,
    by: DealSide | None,
    key: str,
    waiting: bool = False,
    **data: Any,  # noqa: ANN401
) -> bool:
    """Tell the organizations of the other side what a side did, or those of both; whether any of
    them was told now."""
    deal = contract.deal
    told = False
    for party in deal.parties:
        if by is None or party.side is by.other:
            told |= await inbox.notify(
                session,
                party.organization_id,
                kind,
                subject_kind="contract",
                subject_id=contract.id,
                title=contract.title,
                key=f"contract {contract.id} {key} {party.organization_id}",
                waiting=waiting,
                organization=None if by is None else deal.of_side(by)[0].organization.name,
                **data,
            )
    return told


def snapshot(contract: Contract) -> dict[str, Any]:
    """A contract as the log keeps it: nothing of its text."""
    return {
        "deal_id": str(contract.deal.id),
        "state": contract.state.value,
        "title": contract.title,
        "kind": contract.kind.value,
        "total": f"{contract.total:.2f}",
        "technical": f"{contract.technical:.2f}",
        "versions": contract.versions,
        "confirmed_by": [one.value for one in DealSide if contract.confirmed_at(one)],
        "registration": contract.registration.state.value if contract.registration else None,
        "version": contract.version,
    }


def log_change(
    session: AsyncSession,
    actor: Actor,
    contract: Contract,
    what: str,
    *,
    before: dict[str, Any] | None,
) -> None:
    """Note in the log what was done to a contract."""
    log.record(
        session,
        actor,
        f"contract.{what}",
        subject_kind="contract",
        subject_id=contract.id,
        before=before,
        after=snapshot(contract),
    )


def _sides(actor: Actor, contract: Contract, action: Action) -> frozenset[DealSide]:
    if mine := _able(actor, contract, action):
        return mine
    raise Forbidden


def _able(actor: Actor, contract: Contract, action: Action) -> frozenset[DealSide]:
    """The sides for which the actor may do this; what binds a side its broker may not."""
    mine = (sides if action in BY_BROKERS else party_sides)(actor, contract.deal)
    imported = bool(contract.content["technology_import"])
    return mine & sides_of(action, technology_import=imported)


def _one(mine: frozenset[DealSide]) -> DealSide:
    """The side that is told of as the one who acted, also of who acts for both."""
    return DealSide.SELLER if DealSide.SELLER in mine else DealSide.BUYER


async def complete(session: AsyncSession, deal: Deal, content: ContractContent) -> ContractContent:
    """A content with its parties named: a side that has none is the deal's, and shares that are
    not told are equal. Raises PartyNotInDeal, BrokerUnknown."""
    parties: list[Party] = []
    for of_deal, side in _OF_SIDE.items():
        names = {one.organization_id: one.organization.name for one in deal.of_side(of_deal)}
        named = content.of_side(side) or [Party(side=side, organization_id=one) for one in names]
        equal = split(HUNDRED, [HUNDRED] * len(named), unit=_SHARE_UNIT) if named else []
        for one, share in zip(named, equal, strict=True):
            whose = await _present(session, one.organization_id)
            if whose not in names:
                place = content.parties.index(one)
                raise PartyNotInDeal(loc=("body", "parties", place, "organization_id"))
            update = {
                "organization_id": whose,
                "name": one.name or names[whose],
                "share": share if one.share is None else one.share,
            }
            parties.append(one.model_copy(update=update))
    for one in content.of_side(ContractSide.BROKER):
        name, whose = one.name, await _present(session, one.organization_id)
        if whose is not None:
            organization = await session.get(Organization, whose)
            if organization is None:
                place = content.parties.index(one)
                raise BrokerUnknown(loc=("body", "parties", place, "organization_id"))
            name = name or organization.name
        parties.append(one.model_copy(update={"organization_id": whose, "name": name}))
    return content.model_copy(update={"parties": joined(parties)})


async def _present(session: AsyncSession, organization_id: uuid.UUID | None) -> uuid.UUID | None:
    """The organization that one is since it was merged into another, if it was."""
    found = None
    if organization_id is not None:
        found = await session.get(Organization, organization_id)
    return organization_id if found is None else found.merged_into_id or found.id


def keep_version(session: AsyncSession, contract: Contract, *, reason: str | None) -> None:
    """Keep what a contract says as its next version."""
    contract.versions += 1
    session.add(
        ContractVersion(
            contract_id=contract.id,
            number=contract.versions,
            content=contract.content,
            reason=reason,
            created_at=now(),
        )
    )


async def settle(
    session: AsyncSession, contract: Contract, kinds: Collection[NoticeKind] = _WAITING
) -> None:
    """What was waited for of a contract has come about, or is asked anew."""
    for kind in kinds:
        await inbox.settle(session, kind, [contract.id])
