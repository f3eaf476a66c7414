"""Whom a sale goes to; the makers of a job achievement are asked first (民法典 art. 847)."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.clock import CITY, now, today
from kechuangtong.core.db import new_id
from kechuangtong.core.http import check_version
from kechuangtong.models import FirstRefusal, Organization, Sale, SaleEntrant
from kechuangtong.models.notice import NoticeKind
from kechuangtong.models.ownership import Preference
from kechuangtong.models.sale import SaleObject, SaleWay
from kechuangtong.ownership.queries import current
from kechuangtong.policies import ownership as policy
from kechuangtong.sales import queries
from kechuangtong.sales.errors import (
    AnswerDayWrong,
    AnswerTooSoon,
    BidderUnknown,
    BidderUnnamed,
    FirstRefusalNeeded,
    FirstRefusalOpen,
    FirstRefusalTaken,
    NoFirstRefusal,
    NothingToAnswer,
    ObjectionOpen,
)
from kechuangtong.sales.moving import (
    check,
    held_by_owner,
    move,
    record,
    settle_notices,
    snapshot,
    tell,
    tell_others,
)
from kechuangtong.sales.schemas import FirstRefusalAnswer, FirstRefusalCreate
from kechuangtong.sales.states import Action


@dataclass(frozen=True, slots=True)
class Winner:
    """Whom a sale goes to: an organization, the makers, or an agreement's buyer who is not here."""

    price: Decimal
    related: bool
    organization: Organization | None = None
    bidder: int | None = None
    maker: bool = False


async def offer(
    session: AsyncSession, actor: Actor, sale_id: uuid.UUID, body: FirstRefusalCreate
) -> FirstRefusal:
    """Offer a transfer to the makers at the price at which it stands.

    Raises NotFound, Forbidden, WrongSaleState, NoFirstRefusal, FirstRefusalOpen,
    FirstRefusalTaken, AnswerTooSoon.
    """
    sale = await held_by_owner(session, actor, sale_id)
    check(sale, Action.OFFER)
    if not await _preferred(session, sale):
        raise NoFirstRefusal
    _check_answered(await queries.last_offer(session, sale.id), sale.standing)
    first = today() + timedelta(days=policy.days_to_answer(today()) or 0)
    if body.answer_until < first:
        raise AnswerTooSoon(date=first)
    before = snapshot(sale)
    made = FirstRefusal(
        id=new_id(),
        sale_id=sale.id,
        price=sale.standing,
        answer_until=body.answer_until,
        stored_answer=Preference.OPEN,
        created_at=now(),
    )
    session.add(made)
    move(sale, Action.OFFER)
    await session.flush()  # the log shows the new version
    record(session, actor, sale, "first_refusal_offered", before=before)
    return made


async def answer(
    session: AsyncSession,
    actor: Actor,
    sale_id: uuid.UUID,
    body: FirstRefusalAnswer,
    *,
    expected_versions: frozenset[int] | None,
) -> Sale:
    """Note what the makers answered, in time.

    Raises NotFound, Forbidden, PreconditionFailed, WrongSaleState, NothingToAnswer,
    AnswerDayWrong.
    """
    sale = await held_by_owner(session, actor, sale_id)
    check_version(sale, expected_versions)
    check(sale, Action.ANSWER)
    last = await queries.last_offer(session, sale.id)
    if last is None or last.stored_answer is not Preference.OPEN:
        raise NothingToAnswer
    on, offered = body.on or today(), last.created_at.astimezone(CITY).date()
    if not offered <= on <= min(today(), last.answer_until):
        raise AnswerDayWrong(first=offered, last=today())
    before = snapshot(sale)
    last.stored_answer, last.answered_on, last.note = body.answer, on, body.note
    move(sale, Action.ANSWER)
    await session.flush()  # the log shows the new version
    record(session, actor, sale, f"first_refusal_{body.answer.value}", before=before)
    return sale


async def award(
    session: AsyncSession,
    actor: Actor,
    sale_id: uuid.UUID,
    bidder: int | None,
    *,
    expected_versions: frozenset[int] | None,
) -> Sale:
    """Let a closed sale go to the makers who took it, to the highest bidder, to an applicant (by
    `bidder`, its number), or to the buyer agreed with; the others are told.

    Raises NotFound, Forbidden, PreconditionFailed, WrongSaleState, ObjectionOpen, BidderUnnamed,
    BidderUnknown, FirstRefusalNeeded, FirstRefusalOpen.
    """
    sale = await held_by_owner(session, actor, sale_id)
    check_version(sale, expected_versions)
    check(sale, Action.AWARD)
    if await queries.open_objections(session, sale.id):
        raise ObjectionOpen
    winner = await _winner(session, sale, bidder)
    if await _preferred(session, sale):
        last = await queries.last_offer(session, sale.id)
        if last is not None and _taken(last, winner.price):
            winner = Winner(last.price, related=True, maker=True)
        else:
            _check_answered(last, winner.price)
            # Neither what was taken before others bid more nor what was declined at a higher price
            # was offered on the same terms as this one.
            if last is None or last.answer is Preference.TAKEN or last.price > winner.price:
                raise FirstRefusalNeeded
    before = snapshot(sale)
    move(sale, Action.AWARD)
    sale.awarded_to, sale.awarded_bidder = winner.organization, winner.bidder
    sale.awarded_price, sale.awarded_to_maker = winner.price, winner.maker
    sale.awarded_related = winner.related
    await session.flush()  # the log shows the new version
    await settle_notices(session, sale)
    if winner.organization is not None:
        amount = f"{winner.price:.2f}"
        await tell(session, sale, winner.organization.id, NoticeKind.SALE_AWARDED, amount=amount)
    but = None if winner.organization is None else winner.organization.id
    await tell_others(session, sale, NoticeKind.SALE_LOST, but=but)
    record(session, actor, sale, "awarded", before=before)
    return sale


async def _preferred(session: AsyncSession, sale: Sale) -> bool:
    """Whether the makers of what is sold have first refusal: a transfer of a job achievement, which
    is one whose ownership names them."""
    if sale.object is not SaleObject.TRANSFER:
        return False
    ownership = await current(session, sale.achievement_id, today())
    return ownership is not None and bool(ownership.inventors)


def _taken(last: FirstRefusal, price: Decimal) -> bool:
    """Whether the makers took it on the terms of a price."""
    return last.answer is Preference.TAKEN and last.price >= price


def _check_answered(last: FirstRefusal | None, price: Decimal) -> None:
    if last is not None and last.answer is Preference.OPEN:
        raise FirstRefusalOpen(until=last.answer_until)
    if last is not None and _taken(last, price):
        raise FirstRefusalTaken


async def _winner(session: AsyncSession, sale: Sale, bidder: int | None) -> Winner:
    """Who gets it where the makers do not."""
    if sale.way is SaleWay.AGREEMENT:
        if bidder is not None:
            raise BidderUnknown
        return Winner(sale.price, bool(sale.buyer_related), sale.buyer)
    leading = await queries.highest_bid(session, sale.id)
    if leading is not None:
        if bidder not in (None, leading.entrant.number):
            raise BidderUnknown
        return _entrant(leading.entrant, leading.amount)
    applicants = {one.number: one for one in await queries.entrants(session, sale.id)}
    if bidder is None:
        if len(applicants) > 1:
            raise BidderUnnamed
        (bidder,) = applicants
    if bidder not in applicants:
        raise BidderUnknown
    return _entrant(applicants[bidder], sale.price)


def _entrant(one: SaleEntrant, price: Decimal) -> Winner:
    return Winner(price, one.related, one.organization, one.number)
