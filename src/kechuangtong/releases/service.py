"""Making a deal public (交易公开) by the consent of both sides, and what is then told of it."""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, time
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.clock import CITY, now
from kechuangtong.core.db import Database
from kechuangtong.core.errors import Conflict, Forbidden, NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.language import Text
from kechuangtong.core.paging import decode_id, encode_cursor
from kechuangtong.core.trade import ListKind
from kechuangtong.deals import policy
from kechuangtong.deals.queries import deal as find_deal
from kechuangtong.events import log
from kechuangtong.lists.public import canonical
from kechuangtong.models import Contract, Deal, Organization
from kechuangtong.models.contract import ContractState
from kechuangtong.models.deal import DealSide, DealState
from kechuangtong.releases import queries
from kechuangtong.releases.schemas import (
    OCID_PREFIX,
    Award,
    Identifier,
    Implementation,
    Period,
    Planning,
    Publication,
    Reference,
    Release,
    ReleaseContract,
    ReleaseParty,
    ReleaseQuery,
    Tag,
    Transaction,
    Value,
)

_AT_ONCE: Final = 200
_ROLES: Final = {DealSide.SELLER: "supplier", DealSide.BUYER: "buyer"}
_COLUMNS: Final = {
    DealSide.SELLER: "published_by_seller_at",
    DealSide.BUYER: "published_by_buyer_at",
}


class DealNotSigned(Conflict):
    code = "deal_not_signed"
    text = Text(
        "合同签订后才能公开交易。", "A deal can be made public once its contract is signed."
    )


async def publish(
    session: AsyncSession,
    actor: Actor,
    deal_id: uuid.UUID,
    *,
    expected_versions: frozenset[int] | None,
) -> Publication:
    """Agree for one's side that a deal is public; for both where one acts for both.

    Raises NotFound, Forbidden, PreconditionFailed, DealNotSigned.
    """
    return await _change(session, actor, deal_id, expected_versions, agreed=True)


async def unpublish(
    session: AsyncSession,
    actor: Actor,
    deal_id: uuid.UUID,
    *,
    expected_versions: frozenset[int] | None,
) -> Publication:
    """Take back what one's side agreed to. Raises NotFound, Forbidden, PreconditionFailed."""
    return await _change(session, actor, deal_id, expected_versions, agreed=False)


async def _change(
    session: AsyncSession,
    actor: Actor,
    deal_id: uuid.UUID,
    expected_versions: frozenset[int] | None,
    *,
    agreed: bool,
) -> Publication:
    deal = await find_deal(session, actor, deal_id, to_change=True)
    if deal is None:
        raise NotFound
    sides = policy.sides(actor, deal)
    if not sides:
        raise Forbidden
    check_version(deal, expected_versions)
    if agreed and not await queries.contracts(session, [deal.id]):
        raise DealNotSigned
    before = publication(deal)
    for side in sides:
        if (side in before.agreed) is not agreed:
            setattr(deal, _COLUMNS[side], now() if agreed else None)
    await session.flush()  # the new version is shown
    after = publication(deal)
    if after.agreed != before.agreed:
        log.record(
            session,
            actor,
            "deal.publication_agreed" if agreed else "deal.publication_withdrawn",
            subject_kind="deal",
            subject_id=deal.id,
            before=before.model_dump(mode="json"),
            after=after.model_dump(mode="json"),
        )
    return after


def publication(deal: Deal) -> Publication:
    """Who has agreed that a deal is public."""
    agreed = [side for side in DealSide if getattr(deal, _COLUMNS[side]) is not None]
    return Publication(
        deal_id=deal.id, agreed=agreed, public=len(agreed) == len(DealSide), version=deal.version
    )


async def page(session: AsyncSession, query: ReleaseQuery) -> tuple[list[Release], str | None]:
    """One page of the public deals, and the cursor of the next."""
    after = None if query.cursor is None else decode_id(query.cursor)
    found = await queries.deals(session, after=after, limit=query.limit + 1)
    shown = found[: query.limit]
    more = len(found) > query.limit
    return await releases(session, shown), encode_cursor([str(shown[-1].id)]) if more else None


async def ndjson(database: Database) -> AsyncIterator[bytes]:
    """All public deals as they are at one moment, one a line."""
    async with database.snapshot() as session:
        after: uuid.UUID | None = None
        while found := await queries.deals(session, after=after, limit=_AT_ONCE):
            for one in await releases(session, found):
                yield canonical(plain(one)).encode() + b"\n"
            after = found[-1].id


def plain(release: Release) -> dict[str, Any]:
    """A release as JSON has it, without what it does not tell."""
    return release.model_dump(mode="json", by_alias=True, exclude_none=True)


async def releases(session: AsyncSession, deals: Sequence[Deal]) -> list[Release]:
    """What is told of public deals."""
    of_deals: dict[uuid.UUID, list[Contract]] = defaultdict(list)
    for contract in await queries.contracts(session, [one.id for one in deals]):
        of_deals[contract.deal_id].append(contract)
    ids = [one.id for contracts in of_deals.values() for one in contracts]
    received = await queries.receipts(session, ids)
    told = {one.achievement_id for one in deals} | {one.demand_id for one in deals}
    records = {one for one in told if one is not None}
    achievements = await queries.titles(session, ListKind.ACHIEVEMENT, records)
    demands = await queries.titles(session, ListKind.DEMAND, records)
    return [
        _release(
            deal,
            of_deals[deal.id],
            received,
            achievement=achievements.get(deal.achievement_id) if deal.achievement_id else None,
            demand=demands.get(deal.demand_id) if deal.demand_id else None,
        )
        for deal in deals
    ]


def _release(
    deal: Deal,
    contracts: Sequence[Contract],
    received: dict[uuid.UUID, queries.Receipts],
    *,
    achievement: str | None,
    demand: str | None,
) -> Release:
    rationale = [
        f"{name}：{title}" for name, title in (("成果", achievement), ("需求", demand)) if title
    ]
    parties = {
        side: [_reference(one.organization) for one in deal.of_side(side)] for side in _ROLES
    }
    release = Release(
        ocid=f"{OCID_PREFIX}-{deal.id}",
        id="",
        date=_told_at(deal, contracts, received),
        tag=_tags(contracts, received, planned=bool(rationale)),
        parties=[
            _party(one.organization, _ROLES[side]) for side in _ROLES for one in deal.of_side(side)
        ],
        buyer=parties[DealSide.BUYER][0],
        planning=Planning(rationale="；".join(rationale)) if rationale else None,
        awards=[
            Award(
                id=str(one.id),
                value=Value(amount=one.total),
                suppliers=parties[DealSide.SELLER],
            )
            for one in contracts
        ],
        contracts=[_contract(deal, one, received.get(one.id)) for one in contracts],
    )
    # By what it tells, so that the same is always the same.
    told = hashlib.sha256(canonical(plain(release)).encode()).hexdigest()
    release.id = f"{release.ocid}-{told[:12]}"
    return release


def _tags(
    contracts: Sequence[Contract], received: dict[uuid.UUID, queries.Receipts], *, planned: bool
) -> list[Tag]:
    tags = [Tag.PLANNING] if planned else []
    tags += [Tag.AWARD, Tag.CONTRACT]
    if any(one.id in received for one in contracts):
        tags.append(Tag.IMPLEMENTATION)
    if all(one.state is ContractState.CANCELLED for one in contracts):
        tags.append(Tag.TERMINATION)
    return tags


def _contract(deal: Deal, one: Contract, received: queries.Receipts | None) -> ReleaseContract:
    assert one.signed_on is not None
    over = one.state is ContractState.CANCELLED or deal.state in (
        DealState.COMPLETED,
        DealState.TERMINATED,
    )
    begins, ends = (
        None if one.content.get(name) is None else date.fromisoformat(one.content[name])
        for name in ("starts_on", "ends_on")
    )
    period = Period(
        start_date=None if begins is None else _begin(begins),
        end_date=None if ends is None else _end(ends),
    )
    return ReleaseContract(
        id=str(one.id),
        award_id=str(one.id),
        title=one.title,
        status="terminated" if over else "active",
        value=Value(amount=one.total),
        date_signed=_begin(one.signed_on),
        period=None if begins is None and ends is None else period,
        implementation=None if received is None else _implementation(one, received),
    )


def _implementation(one: Contract, received: queries.Receipts) -> Implementation:
    together = Transaction(
        id=f"{one.id}-received",
        date=_begin(received.until),
        value=Value(amount=received.amount),
    )
    return Implementation(transactions=[together])


def _told_at(
    deal: Deal, contracts: Sequence[Contract], received: dict[uuid.UUID, queries.Receipts]
) -> datetime:
    """When what is told was last changed, as far as it is noted."""
    times = [deal.updated_at, *(one.updated_at for one in contracts)]
    times += [one.noted_at for one in (received.get(one.id) for one in contracts) if one]
    return max(times)


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, CITY)


def _end(day: date) -> datetime:
    return datetime.combine(day, time(23, 59, 59), CITY)


def _reference(organization: Organization) -> Reference:
    return Reference(id=str(organization.id), name=organization.name)


def _party(organization: Organization, role: str) -> ReleaseParty:
    code = organization.code
    return ReleaseParty(
        id=str(organization.id),
        name=organization.name,
        identifier=None if code is None else Identifier(id=code, legal_name=organization.name),
        roles=[role],
    )
