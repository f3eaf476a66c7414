"""What is told of public deals, and of the notices of agreed prices: releases."""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core.clock import CITY
from kechuangtong.core.trade import ListKind
from kechuangtong.lists.public import canonical
from kechuangtong.models import Contract, Deal, Organization, Sale
from kechuangtong.models.contract import ContractState
from kechuangtong.models.deal import DealSide, DealState
from kechuangtong.models.sale import SaleState
from kechuangtong.releases import queries
from kechuangtong.releases.schemas import (
    OCID_PREFIX,
    Award,
    Identifier,
    Implementation,
    Period,
    Planning,
    Reference,
    Release,
    ReleaseContract,
    ReleaseParty,
    Tag,
    Tender,
    Transaction,
    Value,
)

_ROLES: Final = {DealSide.SELLER: "supplier", DealSide.BUYER: "buyer"}
_RELATED: Final = "受让方为成果完成人或其关联方"
_STATUS: Final = {
    SaleState.OPEN: "active",
    SaleState.CLOSED: "complete",
    SaleState.AWARDED: "complete",
    SaleState.FAILED: "unsuccessful",
    SaleState.WITHDRAWN: "withdrawn",
}


def plain(release: Release) -> dict[str, Any]:
    """A release as JSON has it, without what it does not tell."""
    return release.model_dump(mode="json", by_alias=True, exclude_none=True)


async def told(session: AsyncSession, ids: Sequence[uuid.UUID]) -> list[Release]:
    """What is told of public deals and of notices, in the order of their ids."""
    deals = await _deals(session, await queries.deals(session, ids))
    notices = {one.id: _notice(one) for one in await queries.notices(session, ids)}
    return [one for each in ids for one in (deals.get(each) or notices.get(each),) if one]


async def _deals(session: AsyncSession, deals: Sequence[Deal]) -> dict[uuid.UUID, Release]:
    of_deals: dict[uuid.UUID, list[Contract]] = defaultdict(list)
    for contract in await queries.contracts(session, [one.id for one in deals]):
        of_deals[contract.deal_id].append(contract)
    ids = [one.id for contracts in of_deals.values() for one in contracts]
    received = await queries.receipts(session, ids)
    told = {one.achievement_id for one in deals} | {one.demand_id for one in deals}
    records = {one for one in told if one is not None}
    achievements = await queries.titles(session, ListKind.ACHIEVEMENT, records)
    demands = await queries.titles(session, ListKind.DEMAND, records)
    return {
        deal.id: _deal(
            deal,
            of_deals[deal.id],
            received,
            achievement=achievements.get(deal.achievement_id) if deal.achievement_id else None,
            demand=demands.get(deal.demand_id) if deal.demand_id else None,
        )
        for deal in deals
    }


def _deal(
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
    return _identified(
        Release(
            ocid=f"{OCID_PREFIX}-{deal.id}",
            id="",
            date=_told_at(deal, contracts, received),
            tag=_tags(contracts, received, planned=bool(rationale)),
            parties=[
                _party(one.organization, _ROLES[side])
                for side in _ROLES
                for one in deal.of_side(side)
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
    )


def _notice(sale: Sale) -> Release:
    seller = _reference(sale.organization)
    awards = []
    if sale.awarded_price is not None:
        price = Value(amount=sale.awarded_price)
        awards.append(Award(id=str(sale.id), value=price, suppliers=[seller]))
    assert sale.notice_from is not None
    assert sale.notice_until is not None
    on_notice = Period(start_date=_begin(sale.notice_from), end_date=_end(sale.notice_until))
    return _identified(
        Release(
            ocid=f"{OCID_PREFIX}-{sale.id}",
            id="",
            date=sale.updated_at,
            tag=[Tag.TENDER, *([Tag.AWARD] if awards else [])],
            parties=[_party(sale.organization, "supplier")],
            tender=Tender(
                id=str(sale.id),
                title=sale.title,
                description=sale.summary,
                status=_STATUS[sale.state],
                value=Value(amount=sale.price),
                eligibility_criteria=_RELATED if sale.buyer_related else None,
                tender_period=on_notice,
            ),
            awards=awards,
        )
    )


def _identified(release: Release) -> Release:
    """With its id, by what it tells: the same is always the same."""
    content = hashlib.sha256(canonical(plain(release)).encode()).hexdigest()
    release.id = f"{release.ocid}-{content[:12]}"
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
