"""Applying for what is listed, and bidding: the next bid is higher than the one that leads."""

import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.core.paging import Page, PageQuery
from kechuangtong.lists.schemas import OrganizationBrief
from kechuangtong.models import Organization, Sale, SaleBid, SaleEntrant
from kechuangtong.models.notice import NoticeKind
from kechuangtong.models.sale import SaleState, SaleWay
from kechuangtong.organizations.service import acting_organization
from kechuangtong.sales import queries, service
from kechuangtong.sales.errors import (
    AlreadyApplied,
    BidTooLow,
    NoCompetition,
    NotApplied,
    NotBegun,
    OwnSale,
)
from kechuangtong.sales.moving import check, held, record, snapshot, tell
from kechuangtong.sales.moving import move as _move
from kechuangtong.sales.schemas import ApplicationCreate, BidCreate, BidRead, EntrantRead
from kechuangtong.sales.states import Action

_COMPETITION: Final = 2  # applicants, from whom on there is bidding


async def apply(
    session: AsyncSession, actor: Actor, sale_id: uuid.UUID, body: ApplicationCreate
) -> SaleEntrant:
    """Apply to buy what is listed, at the price asked or above.

    Raises NotFound, Forbidden, OrganizationUnnamed, OwnSale, WrongWay, WrongSaleState, NotBegun,
    AlreadyApplied.
    """
    sale = await held(session, actor, sale_id)
    organization = await _other(session, actor, sale, body.organization_id)
    check(sale, Action.APPLY, SaleWay.LISTING)
    _check_begun(sale)
    if await queries.entrants(session, sale.id, [organization.id]):
        raise AlreadyApplied
    before = snapshot(sale)
    entrant = await _enter(session, actor, sale, organization, related=body.related)
    entrant.message = body.message
    sale.applications_count += 1
    _move(sale, Action.APPLY)
    await session.flush()  # the log shows the new version
    await tell(
        session,
        sale,
        sale.organization_id,
        NoticeKind.SALE_APPLIED,
        of=entrant.id,
        organization=organization.name,
    )
    record(session, actor, sale, "applied", before=before)
    return entrant


async def bid(session: AsyncSession, actor: Actor, sale_id: uuid.UUID, body: BidCreate) -> SaleBid:
    """Bid in an auction, or among the applicants of a listing. Who bids is alone with the sale, so
    of several equal bids the first counts, and the others are too low.

    Raises NotFound, Forbidden, OrganizationUnnamed, OwnSale, WrongWay, WrongSaleState, NotBegun,
    NotApplied, NoCompetition, BidTooLow.
    """
    sale = await held(session, actor, sale_id)
    organization = await _other(session, actor, sale, body.organization_id)
    check(sale, Action.BID, SaleWay.LISTING, SaleWay.AUCTION)
    _check_begun(sale)
    entrant = next(iter(await queries.entrants(session, sale.id, [organization.id])), None)
    if sale.way is SaleWay.LISTING:
        if entrant is None:
            raise NotApplied
        if not competes(sale):
            raise NoCompetition
    assert sale.increment is not None
    least = sale.price if sale.highest is None else sale.highest + sale.increment
    if body.amount < least:
        raise BidTooLow(least)
    before, leading = snapshot(sale), await queries.highest_bid(session, sale.id)
    if entrant is None:
        entrant = await _enter(session, actor, sale, organization, related=body.related)
        await session.flush()  # the bid refers to it
    entrant.related |= body.related
    made = SaleBid(
        id=new_id(),
        sale_id=sale.id,
        entrant_id=entrant.id,
        entrant=entrant,
        user_id=actor.id,
        amount=body.amount,
        created_at=now(),
    )
    session.add(made)
    sale.highest = body.amount
    sale.bids_count += 1
    if sale.extension_minutes is not None:
        lasts = timedelta(minutes=sale.extension_minutes)
        sale.closes_at = max(sale.closes_at, made.created_at + lasts)
    _move(sale, Action.BID)
    await session.flush()  # the log shows the new version
    if leading is not None and leading.entrant.organization_id != organization.id:
        await tell(
            session,
            sale,
            leading.entrant.organization_id,
            NoticeKind.SALE_OUTBID,
            of=made.id,
            amount=f"{made.amount:.2f}",
        )
    record(session, actor, sale, "bid", before=before)
    return made


async def bids(
    session: AsyncSession, actor: Actor, sale_id: uuid.UUID, query: PageQuery
) -> Page[BidRead]:
    """One page of a sale's bids, the newest first. Raises NotFound."""
    sale = await service.get(session, actor, sale_id)
    rows = await queries.bids_page(session, sale.id, query)
    return Page[BidRead].of(
        rows, query.limit, lambda one: [str(one.id)], lambda one: show_bid(one, sale, actor)
    )


async def entrants(
    session: AsyncSession, actor: Actor, sale_id: uuid.UUID, query: PageQuery
) -> Page[EntrantRead]:
    """One page of those who applied or bid, the newest first. Raises NotFound."""
    sale = await service.get(session, actor, sale_id)
    rows = await queries.entrants_page(session, sale.id, query)
    return Page[EntrantRead].of(
        rows, query.limit, lambda one: [str(one.id)], lambda one: show_entrant(one, sale, actor)
    )


def competes(sale: Sale) -> bool:
    """Whether there is somebody to bid against in a listing."""
    return sale.applications_count >= _COMPETITION


def show_bid(one: SaleBid, sale: Sale, actor: Actor) -> BidRead:
    """A bid as the actor may see it."""
    return BidRead(
        id=one.id,
        bidder=one.entrant.number,
        organization=_named(one.entrant, sale, actor),
        amount=one.amount,
        created_at=one.created_at,
    )


def show_entrant(one: SaleEntrant, sale: Sale, actor: Actor) -> EntrantRead:
    """Who applied or bid, as the actor may see it."""
    named = _named(one, sale, actor)
    return EntrantRead(
        number=one.number,
        organization=named,
        related=one.related,
        message=None if named is None else one.message,
        created_at=one.created_at,
    )


def _named(one: SaleEntrant, sale: Sale, actor: Actor) -> OrganizationBrief | None:
    """Bidders are numbers to each other, and to the owner of an auction that goes on."""
    to_owner = sale.way is SaleWay.LISTING or sale.state is not SaleState.OPEN
    if actor.sees(one.organization_id) or (to_owner and actor.sees(sale.organization_id)):
        return OrganizationBrief.model_validate(one.organization)
    return None


async def _other(
    session: AsyncSession, actor: Actor, sale: Sale, organization_id: uuid.UUID | None
) -> Organization:
    organization = await acting_organization(
        session, actor, Permission.DEALS_WRITE, organization_id
    )
    if organization.id == sale.organization_id:
        raise OwnSale(loc=("body", "organization_id"))
    return organization


def _check_begun(sale: Sale) -> None:
    if service.to_begin(sale):
        raise NotBegun


async def _enter(
    session: AsyncSession, actor: Actor, sale: Sale, organization: Organization, *, related: bool
) -> SaleEntrant:
    entrant = SaleEntrant(
        id=new_id(),
        sale_id=sale.id,
        number=await queries.next_number(session, sale.id),
        organization_id=organization.id,
        organization=organization,
        user_id=actor.id,
        related=related or await service.related(session, actor, sale.achievement, organization.id),
        created_at=now(),
    )
    session.add(entrant)
    return entrant
