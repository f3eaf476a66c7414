"""The life of an instrument's record, and what of it is free."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import delete as delete_rows
from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id, violated
from kechuangtong.core.errors import Forbidden, NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.language import Text
from kechuangtong.core.paging import Page, encode_cursor
from kechuangtong.core.trade import IndexKind
from kechuangtong.events import log
from kechuangtong.instruments import queries
from kechuangtong.instruments.errors import (
    FieldsDisagree,
    InstrumentInUse,
    InstrumentListed,
    WindowInvalid,
    WrongInstrumentState,
)
from kechuangtong.instruments.hours import Period
from kechuangtong.instruments.schemas import (
    Availability,
    AvailabilityQuery,
    FreeRead,
    InstrumentCreate,
    InstrumentFields,
    InstrumentFound,
    InstrumentPatch,
    InstrumentQuery,
    InstrumentRead,
    TimeRead,
    check_together,
)
from kechuangtong.instruments.states import TRANSITIONS, Action
from kechuangtong.lists.errors import OrganizationMerged, OrganizationUnknown
from kechuangtong.models import Attachment, BookingItem, Instrument, Organization
from kechuangtong.models.instrument import InstrumentState
from kechuangtong.search.marks import mark

_WINDOW_DAYS: Final = 62
_DONE: Final = {Action.PUBLISH: "published", Action.WITHDRAW: "withdrawn"}


def show(instrument: Instrument, actor: Actor) -> InstrumentRead:
    """An instrument as the actor may see it: its contact is for those who are signed in."""
    return _for(actor, InstrumentRead.model_validate(instrument))


def _for(actor: Actor, shown: InstrumentRead) -> InstrumentRead:
    if actor.kind == "anonymous":
        shown.contact = None
    return shown


async def page(
    session: AsyncSession, actor: Actor, query: InstrumentQuery
) -> Page[InstrumentFound]:
    """One page of a search. Where it looks at places or free times, a page may hold fewer than its
    limit though others follow. Raises CursorInvalid."""
    found, after = await queries.found(session, actor, query)
    items = []
    for one in found:
        item = InstrumentFound.model_validate(one.instrument)
        item.distance_km = one.distance_km
        item.free = None if one.free is None else TimeRead.model_validate(one.free)
        _for(actor, item)
        items.append(item)
    next_cursor = None if after is None else encode_cursor([str(after)])
    return Page[InstrumentFound](items=items, next_cursor=next_cursor)


async def get(
    session: AsyncSession, actor: Actor, instrument_id: uuid.UUID, *, to_change: bool = False
) -> Instrument:
    """An instrument that the actor may see. Raises NotFound."""
    instrument = await queries.get(session, actor, instrument_id, to_change=to_change)
    if instrument is None:
        raise NotFound
    return instrument


async def own(session: AsyncSession, actor: Actor, instrument_id: uuid.UUID) -> Instrument:
    """An instrument to change it, or what belongs to it. Raises NotFound, Forbidden."""
    instrument = await get(session, actor, instrument_id, to_change=True)
    if not actor.may(Permission.INSTRUMENTS_WRITE, instrument.organization_id):
        raise Forbidden
    return instrument


async def create(
    session: AsyncSession,
    actor: Actor,
    values: InstrumentCreate,
    *,
    instrument_id: uuid.UUID | None = None,
) -> Instrument:
    """A new draft. Raises OrganizationUnknown, OrganizationMerged, Forbidden, InstrumentListed."""
    if not actor.may(Permission.INSTRUMENTS_WRITE, values.organization_id):
        raise Forbidden(loc=("body", "organization_id"))
    # Who merges the organization has it alone until all that it has is moved.
    organization = await session.get(
        Organization, values.organization_id, with_for_update={"read": True}
    )
    if organization is None:
        raise OrganizationUnknown(loc=("body", "organization_id"))
    if organization.merged_into_id is not None:
        raise OrganizationMerged
    instrument = Instrument(
        id=instrument_id or new_id(), organization=organization, state=InstrumentState.DRAFT
    )
    assign(instrument, values, set(InstrumentCreate.model_fields) - {"organization_id"})
    session.add(instrument)
    await _store(session)
    await record_change(
        session, actor, instrument, "created", before=None, after=snapshot(instrument)
    )
    return instrument


async def change(
    session: AsyncSession,
    actor: Actor,
    instrument_id: uuid.UUID,
    *,
    values: InstrumentPatch,
    expected_versions: frozenset[int] | None,
) -> Instrument:
    """Change the fields that were given; bookings that stand already keep their time. Raises
    NotFound, Forbidden, PreconditionFailed, InstrumentListed, FieldsDisagree."""
    instrument = await own(session, actor, instrument_id)
    check_version(instrument, expected_versions)
    before = snapshot(instrument)
    assign(instrument, values, values.model_fields_set)
    check_change(InstrumentFields.model_validate(instrument))
    await _store(session)
    if (after := snapshot(instrument)) != before:
        await record_change(session, actor, instrument, "changed", before=before, after=after)
    return instrument


async def move(
    session: AsyncSession,
    actor: Actor,
    instrument_id: uuid.UUID,
    action: Action,
    *,
    expected_versions: frozenset[int] | None,
) -> Instrument:
    """Publish an instrument, or withdraw it; its bookings stand. Raises NotFound, Forbidden,
    PreconditionFailed, WrongInstrumentState."""
    instrument = await own(session, actor, instrument_id)
    check_version(instrument, expected_versions)
    before = snapshot(instrument)
    instrument.state = _next(instrument, action) or instrument.state
    if action is Action.PUBLISH:
        instrument.published_at = now()
    await session.flush()  # the log shows it as it is stored
    await record_change(
        session, actor, instrument, _DONE[action], before=before, after=snapshot(instrument)
    )
    return instrument


async def delete(
    session: AsyncSession,
    actor: Actor,
    instrument_id: uuid.UUID,
    *,
    expected_versions: frozenset[int] | None,
) -> Sequence[uuid.UUID]:
    """Delete a draft with its photographs, whose ids it gives. Raises NotFound, Forbidden,
    PreconditionFailed, WrongInstrumentState, InstrumentInUse."""
    instrument = await own(session, actor, instrument_id)
    check_version(instrument, expected_versions)
    _next(instrument, Action.DELETE)
    if await session.scalar(select(exists().where(BookingItem.instrument_id == instrument.id))):
        raise InstrumentInUse
    before = snapshot(instrument)
    await session.delete(instrument)
    await record_change(session, actor, instrument, "deleted", before=before, after=None)
    photographs = delete_rows(Attachment).where(*queries.photographs_of(instrument.id))
    return (await session.scalars(photographs.returning(Attachment.id))).all()


def _next(instrument: Instrument, action: Action) -> InstrumentState | None:
    transitions = TRANSITIONS[instrument.state]
    if action not in transitions:
        raise WrongInstrumentState(state=instrument.state.value, action=action.value)
    return transitions[action]


async def availability(
    session: AsyncSession, actor: Actor, instrument_id: uuid.UUID, query: AvailabilityQuery
) -> Availability:
    """When an instrument is open, and when how many of its units are free for long enough to be
    booked. Raises NotFound, WindowInvalid."""
    instrument = await get(session, actor, instrument_id)
    start = query.from_ or now()
    end = query.to or start + timedelta(days=7)
    if not timedelta() < end - start <= timedelta(days=_WINDOW_DAYS):
        raise WindowInvalid(days=_WINDOW_DAYS)
    rooms = await queries.rooms_of(session, [instrument], Period(start, end))
    room = rooms[instrument.id]
    shortest = timedelta(minutes=instrument.shortest_minutes)
    return Availability(
        instrument_id=instrument.id,
        from_=start,
        to=end,
        capacity=instrument.capacity,
        open=[TimeRead.model_validate(one) for one in room.open],
        free=[
            FreeRead(starts_at=gap.starts_at, ends_at=gap.ends_at, units=units)
            for gap, units in sorted(room.gaps.items())
            if gap.length >= shortest
        ],
    )


def check_change(values: InstrumentFields) -> None:
    """What must hold of all fields, of an instrument as it is to be. Raises FieldsDisagree."""
    try:
        check_together(values)
    except ValueError as error:
        text = error.args[0]
        assert isinstance(text, Text)
        raise FieldsDisagree(zh=text.zh, en=text.en) from None


def assign(instrument: Instrument, values: InstrumentFields, names: set[str]) -> None:
    """Set these fields, as the table holds them."""
    for name in names:
        value = getattr(values, name)
        if isinstance(value, BaseModel):
            value = value.model_dump(mode="json")
        elif isinstance(value, list):
            value = [
                one.model_dump(mode="json") if isinstance(one, BaseModel) else one for one in value
            ]
        setattr(instrument, name, value)


async def _store(session: AsyncSession) -> None:
    try:
        await session.flush()  # the number's uniqueness is the database's to say
    except IntegrityError as error:
        if violated(error) == "uq_instruments_organization_id_number":
            raise InstrumentListed from error
        raise


def snapshot(instrument: Instrument) -> dict[str, Any]:
    """An instrument as the log keeps it."""
    return for_the_log(InstrumentRead.model_validate(instrument).model_dump(mode="json"))


def for_the_log(shown: dict[str, Any]) -> dict[str, Any]:
    """The log never forgets, so of a contact (联系方式) it keeps only what of it was given."""
    if shown["contact"] is None:
        return shown
    return {**shown, "contact": [name for name, value in shown["contact"].items() if value]}


async def record_change(
    session: AsyncSession,
    actor: Actor,
    instrument: Instrument,
    what: str,
    *,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    """Note what became of an instrument, and have the index look at it again."""
    log_change(session, actor, instrument, what, before=before, after=after)
    await mark(session, IndexKind.INSTRUMENT, [instrument.id])


def log_change(
    session: AsyncSession,
    actor: Actor,
    instrument: Instrument,
    what: str,
    *,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    """Note what became of an instrument, as `for_the_log` shows it."""
    log.record(
        session,
        actor,
        f"instrument.{what}",
        subject_kind="instrument",
        subject_id=instrument.id,
        before=before,
        after=after,
    )
