"""Sales: drafted, published, withdrawn; time closes them; who asks sees what may be seen."""

import uuid
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import OPERATOR, Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.achievements.service import achievements
from kechuangtong.core.clock import CITY, now, today
from kechuangtong.core.db import Database, new_id
from kechuangtong.core.errors import Forbidden, NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.language import Text
from kechuangtong.core.paging import Page
from kechuangtong.lists.schemas import OrganizationBrief
from kechuangtong.lists.sight import listed_to
from kechuangtong.models import Achievement, Organization, Sale
from kechuangtong.models.listing import ListingState
from kechuangtong.models.notice import NoticeKind
from kechuangtong.models.sale import SaleState, SaleWay
from kechuangtong.ownership.queries import current
from kechuangtong.policies import price_notice
from kechuangtong.sales import deals, queries
from kechuangtong.sales.errors import (
    BuyerUnknown,
    NoticeTooShort,
    RecordNotFound,
    RecordNotOpen,
    SaleFieldsDisagree,
    SalePast,
)
from kechuangtong.sales.moving import (
    check,
    held_by_owner,
    move,
    record,
    settle,
    settle_notices,
    snapshot,
    tell_others,
)
from kechuangtong.sales.schemas import (
    AwardRead,
    FirstRefusalRead,
    SaleCreate,
    SaleDetail,
    SaleFields,
    SalePatch,
    SaleQuery,
    SaleRead,
    check_together,
)
from kechuangtong.sales.states import Action

_DAY = timedelta(days=1)


async def create(session: AsyncSession, actor: Actor, body: SaleCreate) -> Sale:
    """A new draft. Raises RecordNotFound, Forbidden, SaleFieldsDisagree, NoticeTooShort,
    BuyerUnknown, BuyerNotInDeal, DealUnsuitable."""
    try:
        achievement = await achievements.get(session, actor, body.achievement_id)
    except NotFound as error:
        raise RecordNotFound from error
    if not actor.may(Permission.DEALS_WRITE, achievement.organization_id):
        raise Forbidden(loc=("body", "achievement_id"))
    sale = Sale(
        id=new_id(),
        achievement=achievement,
        achievement_id=achievement.id,
        organization=achievement.organization,
        organization_id=achievement.organization_id,
        way=body.way,
        stored_state=SaleState.DRAFT,
        buyer=None,
        awarded_to=None,
    )
    await _assign(session, actor, sale, body)
    session.add(sale)
    await session.flush()  # the log shows the new version
    record(session, actor, sale, "created", before=None)
    return sale


async def change(
    session: AsyncSession,
    actor: Actor,
    sale_id: uuid.UUID,
    body: SalePatch,
    *,
    expected_versions: frozenset[int] | None,
) -> Sale:
    """Change a draft. Raises NotFound, Forbidden, PreconditionFailed, WrongSaleState, and as
    `create`."""
    sale = await held_by_owner(session, actor, sale_id)
    check_version(sale, expected_versions)
    check(sale, Action.CHANGE)
    before = snapshot(sale)
    values = _fields(sale).model_copy(
        update={name: getattr(body, name) for name in body.model_fields_set}
    )
    await _assign(session, actor, sale, values)
    move(sale, Action.CHANGE)
    await session.flush()  # the log shows the new version
    record(session, actor, sale, "changed", before=before)
    return sale


async def publish(
    session: AsyncSession,
    actor: Actor,
    sale_id: uuid.UUID,
    *,
    expected_versions: frozenset[int] | None,
) -> Sale:
    """Open a sale to everyone; the price notice of a deal's agreement is that of the deal.

    Raises NotFound, Forbidden, PreconditionFailed, WrongSaleState, RecordNotOpen, SalePast, and
    what a deal's step raises.
    """
    sale = await held_by_owner(session, actor, sale_id)
    check_version(sale, expected_versions)
    check(sale, Action.PUBLISH)
    if sale.achievement.state is not ListingState.PUBLISHED:
        raise RecordNotOpen
    if sale.closes_at <= now() or (sale.notice_from is not None and sale.notice_from < today()):
        raise SalePast
    before = snapshot(sale)
    move(sale, Action.PUBLISH)
    sale.published_at = now()
    await deals.published(session, actor, sale)
    await session.flush()  # the log shows the new version
    record(session, actor, sale, "published", before=before)
    return sale


async def withdraw(
    session: AsyncSession,
    actor: Actor,
    sale_id: uuid.UUID,
    reason: str,
    *,
    expected_versions: frozenset[int] | None,
) -> Sale:
    """Take a sale back, and tell those who took part. Raises NotFound, Forbidden,
    PreconditionFailed, WrongSaleState."""
    sale = await held_by_owner(session, actor, sale_id)
    check_version(sale, expected_versions)
    before = snapshot(sale)
    move(sale, Action.WITHDRAW)
    sale.reason = reason
    await settle_notices(session, sale)
    await tell_others(session, sale, NoticeKind.SALE_WITHDRAWN, comment=reason)
    await deals.ended(session, actor, sale, reason)
    await session.flush()  # the log shows the new version
    record(session, actor, sale, "withdrawn", before=before)
    return sale


async def get(session: AsyncSession, actor: Actor, sale_id: uuid.UUID) -> Sale:
    """A sale that the actor may see. Raises NotFound."""
    sale = await queries.sale(session, actor, sale_id)
    if sale is None:
        raise NotFound
    return sale


async def page(session: AsyncSession, actor: Actor, query: SaleQuery) -> Page[SaleRead]:
    """One page of the sales that the actor may see, newest first."""
    rows = await queries.sales(session, actor, query)
    return Page[SaleRead].of(
        rows,
        query.limit,
        lambda one: [str(one.id)],
        lambda one: SaleRead.model_validate(_shown(one, actor)),
    )


async def show(session: AsyncSession, actor: Actor, sale: Sale) -> SaleDetail:
    """A sale with what the actor's own organizations have in it."""
    await session.flush()  # what was just written is shown
    own = await queries.entrants(session, sale.id, actor.organization_ids)
    inside = actor.sees(sale.organization_id)
    offer = await queries.last_offer(session, sale.id) if inside else None
    return SaleDetail.model_validate(
        {
            **_shown(sale, actor),
            "numbers": [one.number for one in own],
            "first_refusal": None if offer is None else FirstRefusalRead.model_validate(offer),
            "open_objections": await queries.open_objections(session, sale.id) if inside else None,
        }
    )


def to_begin(sale: Sale) -> bool:
    """Whether a sale's time is still to come."""
    return sale.opens_at > now()


async def tend(database: Database) -> int:
    """Close the sales whose time is over; how many. To be called every few minutes."""
    async with database.read() as session:
        found = await queries.ids_over(session)
    closed = 0
    for sale_id in found:
        async with database.write() as session:
            sale = await queries.sale(session, OPERATOR, sale_id, to_change=True)
            # Whoever was there before may have closed it, or bid in its last minutes.
            closed += sale is not None and await settle(session, sale)
    return closed


async def related(
    session: AsyncSession, actor: Actor | None, achievement: Achievement, buyer_id: uuid.UUID
) -> bool:
    """Whether a buyer is seen to be related to an achievement's makers without saying so: it has a
    share of the rights, or who acts for it also belongs to the owner."""
    if actor is not None and achievement.organization_id in actor.organization_ids:
        return True
    ownership = await current(session, achievement.id, today())
    return ownership is not None and buyer_id in {one.organization_id for one in ownership.units}


async def _assign(session: AsyncSession, actor: Actor, sale: Sale, values: SaleFields) -> None:
    try:
        check_together(values)
    except ValueError as error:
        text = error.args[0]
        assert isinstance(text, Text)
        raise SaleFieldsDisagree(zh=text.zh, en=text.en) from None
    for name in ("object", "title", "summary", "price", "increment", "reserve"):
        setattr(sale, name, getattr(values, name))
    sale.extension_minutes = values.extension_minutes
    sale.buyer_related = values.buyer_related
    if values.notice_from is not None and values.notice_until is not None:
        rule = price_notice.at(values.notice_from, sale.organization.place)
        if rule is not None and values.notice_until < rule.until(values.notice_from):
            raise NoticeTooShort(days=rule.days)
        sale.opens_at = datetime.combine(values.notice_from, time(), CITY)
        sale.closes_at = datetime.combine(values.notice_until + _DAY, time(), CITY)
    else:
        assert values.opens_at is not None
        assert values.closes_at is not None
        sale.opens_at, sale.closes_at = values.opens_at, values.closes_at
    await deals.name(session, actor, sale, values.deal_id)
    await _name_buyer(session, actor, sale, await deals.buyer(session, sale, values.buyer_id))


async def _name_buyer(
    session: AsyncSession, actor: Actor, sale: Sale, buyer_id: uuid.UUID | None
) -> None:
    if buyer_id != sale.buyer_id:
        sale.buyer_id = buyer_id
        sale.buyer = await session.scalar(
            select(Organization).where(
                Organization.id == buyer_id,
                Organization.id != sale.organization_id,
                Organization.merged_into_id.is_(None),
                or_(listed_to(actor), Organization.id.in_(deals.parties(sale))),
            )
        )
        if buyer_id is not None and sale.buyer is None:
            raise BuyerUnknown
    if buyer_id is not None and await related(session, None, sale.achievement, buyer_id):
        sale.buyer_related = True


def _fields(sale: Sale) -> SaleFields:
    """A sale as it was asked for: of its times those that its way has."""
    left_out = (
        {"opens_at", "closes_at"}
        if sale.way is SaleWay.AGREEMENT
        else {"notice_from", "notice_until"}
    )
    return SaleFields.model_validate(
        {name: getattr(sale, name) for name in SaleFields.model_fields if name not in left_out}
    )


def _shown(sale: Sale, actor: Actor) -> dict[str, Any]:
    inside = actor.sees(sale.organization_id)
    buyers = {sale.buyer_id, sale.awarded_to_id} - {None}
    sides = inside or bool(buyers & actor.organization_ids)
    next_bid = None
    if sale.state is SaleState.OPEN and sale.increment is not None:
        next_bid = sale.price if sale.highest is None else sale.highest + sale.increment
    award = None
    if sale.state is SaleState.AWARDED:
        award = AwardRead.model_validate(
            {
                "organization": _brief(sale.awarded_to) if sides else None,
                "bidder": sale.awarded_bidder,
                "to_maker": sale.awarded_to_maker,
                "related": sale.awarded_related,
                "price": sale.awarded_price,
                "at": sale.ended_at,
            }
        )
    return {
        **{
            name: getattr(sale, name)
            for name in SaleRead.model_fields
            if name not in ("next_bid", "award")
        },
        "organization": _brief(sale.organization),
        "deal_id": sale.deal_id if sides else None,
        "reserve": sale.reserve if inside else None,
        "buyer": _brief(sale.buyer) if sides else None,
        "next_bid": next_bid,
        "award": award,
    }


def _brief(organization: Organization | None) -> OrganizationBrief | None:
    return None if organization is None else OrganizationBrief.model_validate(organization)
