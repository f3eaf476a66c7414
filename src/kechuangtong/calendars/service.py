"""Calendar feeds (日历订阅): given to calendar programs, read by them, revoked."""

import secrets
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.errors import UserLocked
from kechuangtong.accounts.hashing import hash_token
from kechuangtong.accounts.service import actor_for
from kechuangtong.bookings import queries as bookings
from kechuangtong.bookings.errors import InstrumentUnknown
from kechuangtong.calendars import ical
from kechuangtong.calendars.ical import CalendarFile
from kechuangtong.calendars.schemas import FeedCreate, FeedRead
from kechuangtong.core.clock import now
from kechuangtong.core.errors import NotFound
from kechuangtong.core.paging import Page, PageQuery, decode_id
from kechuangtong.events import log
from kechuangtong.instruments import queries as instruments
from kechuangtong.instruments.queries import holding
from kechuangtong.models import Booking, BookingItem, CalendarFeed, InstrumentClosure

# What is long past is of no use in a calendar, and a calendar program reads all of it each time.
_PAST: Final = timedelta(days=60)
_MOST: Final = 2_000


async def create(
    session: AsyncSession, actor: Actor, values: FeedCreate
) -> tuple[CalendarFeed, str]:
    """A new feed and its secret. Raises InstrumentUnknown."""
    assert actor.id is not None
    if (
        values.instrument_id is not None
        and await instruments.get(session, actor, values.instrument_id) is None
    ):
        raise InstrumentUnknown(loc=("body", "instrument_id"))
    token = secrets.token_urlsafe(32)
    feed = CalendarFeed(
        user_id=actor.id,
        instrument_id=values.instrument_id,
        name=values.name,
        token_hash=hash_token(token),
    )
    session.add(feed)
    await session.flush()  # for its id and time
    _log(session, actor, feed, "created", before=None)
    return feed, token


def address(public_url: str, token: str) -> str:
    """Where a calendar program reads a feed."""
    return f"{public_url.rstrip('/')}/v1/calendar-feeds/{token}.ics"


async def page(session: AsyncSession, actor: Actor, query: PageQuery) -> Page[FeedRead]:
    """One page of one's own feeds, newest first."""
    statement = (
        select(CalendarFeed)
        .where(CalendarFeed.user_id == actor.id)
        .order_by(CalendarFeed.id.desc())
        .limit(query.limit + 1)
    )
    if query.cursor is not None:
        statement = statement.where(CalendarFeed.id < decode_id(query.cursor))
    rows = (await session.scalars(statement)).all()
    return Page[FeedRead].of(rows, query.limit, lambda row: [str(row.id)], FeedRead.model_validate)


async def revoke(session: AsyncSession, actor: Actor, feed_id: uuid.UUID) -> None:
    """End a feed of one's own at once; an administrator anyone's. Raises NotFound."""
    statement = select(CalendarFeed).where(CalendarFeed.id == feed_id).with_for_update()
    if not actor.administrator:
        statement = statement.where(CalendarFeed.user_id == actor.id)
    feed = await session.scalar(statement)
    if feed is None:
        raise NotFound
    if feed.revoked_at is None:
        before = _snapshot(feed)
        feed.revoked_at = now()
        _log(session, actor, feed, "revoked", before=before)


async def read(session: AsyncSession, token: str) -> CalendarFile:
    """What a calendar program gets that brings a secret: as its person sees it at present. Raises
    NotFound, also where the feed is revoked, its person locked or erased, or the instrument not to
    be seen any more."""
    feed = await session.scalar(
        select(CalendarFeed).where(
            CalendarFeed.token_hash == hash_token(token), CalendarFeed.revoked_at.is_(None)
        )
    )
    if feed is None:
        raise NotFound
    try:
        actor = await actor_for(session, feed.user_id)
    except UserLocked:
        raise NotFound from None
    if actor is None:
        raise NotFound
    if feed.instrument_id is None:
        return await _of_person(session, actor)
    return await _of_instrument(session, actor, feed.instrument_id)


async def _of_person(session: AsyncSession, actor: Actor) -> CalendarFile:
    return ical.of_person(
        await _bookings(session, Booking.user_id == actor.id, bookings.visible_to(actor))
    )


async def _of_instrument(
    session: AsyncSession, actor: Actor, instrument_id: uuid.UUID
) -> CalendarFile:
    instrument = await instruments.get(session, actor, instrument_id)
    if instrument is None:
        raise NotFound
    closures = await session.scalars(
        select(InstrumentClosure)
        .where(
            InstrumentClosure.instrument_id == instrument_id,
            InstrumentClosure.ends_at > now() - _PAST,
        )
        .order_by(InstrumentClosure.starts_at, InstrumentClosure.id)
        .limit(_MOST)
    )
    of_instrument = BookingItem.instrument_id == instrument_id
    booked = select(BookingItem.booking_id).where(of_instrument)
    taken = booked.where(holding(now()))  # others see of what is not their own that it is taken
    found = await _bookings(
        session,
        Booking.id.in_(booked),
        or_(bookings.visible_to(actor), Booking.id.in_(taken)),
    )
    names = await bookings.names(session, found)

    def seen(booking: Booking) -> bool:
        return actor.sees(booking.owner_id) or actor.sees(booking.organization_id)

    return ical.of_instrument(instrument, closures, found, names, seen=seen)


async def _bookings(session: AsyncSession, *conditions: ColumnElement[bool]) -> Sequence[Booking]:
    first = (
        select(Booking.id)
        .where(Booking.ends_at > now() - _PAST, *conditions)
        .order_by(Booking.ends_at <= now(), Booking.starts_at, Booking.id)  # what is to come first
        .limit(_MOST)
    )
    return await bookings.bookings(session, Booking.id.in_(first))


def _snapshot(feed: CalendarFeed) -> dict[str, object]:
    return FeedRead.model_validate(feed).model_dump(mode="json")


def _log(
    session: AsyncSession,
    actor: Actor,
    feed: CalendarFeed,
    what: str,
    *,
    before: dict[str, object] | None,
) -> None:
    log.record(
        session,
        actor,
        f"calendar_feed.{what}",
        subject_kind="calendar_feed",
        subject_id=feed.id,
        before=before,
        after=_snapshot(feed),
    )
