"""Instruments (仪器): finding one, its week, and the form that books it."""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.bookings import fees
from kechuangtong.bookings import service as bookings
from kechuangtong.bookings.errors import NoRoom, SeriesConflicts
from kechuangtong.bookings.schemas import (
    BookingCreate,
    BookingQuery,
    BookingRead,
    SeriesCreate,
    SkippedTime,
)
from kechuangtong.bookings.series import MOST
from kechuangtong.bookings.states import HOLDING
from kechuangtong.core.clock import CITY, now, today
from kechuangtong.core.errors import Conflict, Invalid, Unavailable, validation_text
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import FreeText, Input, Line
from kechuangtong.instruments import photographs, queries, service, terms
from kechuangtong.instruments.hours import Period
from kechuangtong.instruments.http import Reader
from kechuangtong.instruments.schemas import (
    ClosureRead,
    InstrumentFound,
    InstrumentQuery,
    InstrumentRead,
    PhotographRead,
    PriceRead,
    TimeRead,
)
from kechuangtong.instruments.slots import aligned_up
from kechuangtong.instruments.week import DAYS, Hour, Week, week_of
from kechuangtong.lists.errors import OrganizationUnknown
from kechuangtong.matching.instruments import service as instrument_matches
from kechuangtong.matching.instruments.schemas import DemandMatchQuery
from kechuangtong.matching.router import matcher
from kechuangtong.models.booking import BookingState
from kechuangtong.models.instrument import InstrumentState, ShareMode, UserClass
from kechuangtong.organizations.service import find_organization
from kechuangtong.pages.choosing import own_organizations
from kechuangtong.pages.rendering import go, page, page_router
from kechuangtong.policies import instrument_classes
from kechuangtong.runtime import Runtime, RuntimeDep

router = page_router()

Booker = Annotated[Actor, Depends(requires(Permission.BOOKINGS_WRITE))]

_AHEAD: Final = timedelta(days=14)  # where the next free time is looked for
_NEAR_KM: Final = 20
_DEMANDS: Final = 5
_SHOWN_STATES: Final = HOLDING | {BookingState.WAITING}
_LONGEST: Final = 500  # characters of a purpose, which a link carries on
_NAME: Final = 200
_DAYS_LIMIT: Final = Text("空闲时段最多 31 天", "free times are looked for in 31 days at most")
_BACKWARDS: Final = Text("须先开始后结束", "a period begins before it ends")


class Wanted(Input):
    """What the form of the search holds; what is left empty is not asked for."""

    q: Line | None = None
    class_: Annotated[str | None, Field(alias="class", pattern=r"^[0-9]{2}([0-9]{2}){0,2}$")] = None
    place: Line | None = None
    near: Annotated[str | None, Field(max_length=60)] = None
    within_km: Annotated[float, Field(gt=0, le=500, allow_inf_nan=False)] = _NEAR_KM
    free_hours: Annotated[float | None, Field(gt=0, le=744, allow_inf_nan=False)] = None
    free_from: date | None = None
    free_to: date | None = None

    @model_validator(mode="after")
    def _days(self) -> "Wanted":
        if self.free_hours is not None:
            first, last = self.days
            if first > last:
                raise ValueError(_BACKWARDS)
            if last - first > timedelta(days=30):
                raise ValueError(_DAYS_LIMIT)
        return self

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day on which it is to be free: a week from today unless said."""
        first = self.free_from or today()
        return first, self.free_to or first + timedelta(days=6)

    def query(self, cursor: str | None) -> InstrumentQuery:
        """The search that is asked for. Raises ValidationError."""
        values: dict[str, Any] = {"q": self.q, "class_": self.class_, "place": self.place}
        if self.near is not None:
            values |= {"near": self.near, "within_km": self.within_km}
        if self.free_hours is not None:
            first, last = (datetime.combine(one, time(), CITY) for one in self.days)
            free_to = last + timedelta(days=1)
            values |= {"free_hours": self.free_hours, "free_from": first, "free_to": free_to}
        return InstrumentQuery(**values, cursor=cursor, state=InstrumentState.PUBLISHED)


class Sent(BaseModel):
    """The fields of the form of the search, as they were typed."""

    model_config = ConfigDict(extra="forbid")

    q: str = ""
    class_: Annotated[str, Field(alias="class")] = ""
    place: str = ""
    near: str = ""
    within_km: str = str(_NEAR_KM)
    free_hours: str = ""
    free_from: str = ""
    free_to: str = ""
    cursor: str = ""


@router.get("/instruments")
async def show_instruments(
    request: Request, session: ReadSession, actor: Reader, sent: Annotated[Sent, Query()]
) -> HTMLResponse:
    """Instruments that words, a class, a place or free hours find, with their next free times."""
    typed = sent.model_dump(by_alias=True, exclude={"cursor"})
    asked = {name: value for name, value in typed.items() if value.strip()}
    try:
        query = Wanted.model_validate(asked).query(sent.cursor or None)
    except ValidationError as error:
        problem = validation_text(dict(error.errors()[0]))
        return _instruments(request, typed, status=Invalid.status, problem=problem)
    found = await service.page(session, actor, query)
    ids = [one.id for one in found.items if one.free is None]
    free = await queries.next_free(session, actor, ids, Period(now(), now() + _AHEAD))
    pictures = await photographs.main_ones(session, [one.id for one in found.items])
    for one in found.items:
        if one.id in free:
            one.free = TimeRead.model_validate(free[one.id])
    return _instruments(
        request, typed, found=found.items, pictures=pictures, next_cursor=found.next_cursor
    )


def _instruments(
    request: Request,
    typed: Mapping[str, str],
    *,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
    found: Sequence[InstrumentFound] | None = None,
    pictures: Mapping[uuid.UUID, PhotographRead] | None = None,
    next_cursor: str | None = None,
) -> HTMLResponse:
    return page(
        request,
        "instruments.html",
        status=status,
        problem=problem,
        typed=typed,
        classes=instrument_classes.table().names,
        found=found,
        pictures=pictures,
        links={
            one.id: _path(Period(one.free.starts_at, one.free.ends_at), Typed())
            for one in found or ()
            if one.free is not None
        },
        next_cursor=next_cursor,
    )


class Shown(Input):
    """The day whose week is shown, and what the form holds already, in the city's wall clock."""

    week: date | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    units: Annotated[int, Field(ge=1, le=1_000)] = 1
    times: Annotated[int, Field(ge=1, le=MOST)] = 1
    organization_id: uuid.UUID | None = None
    on_behalf: Annotated[str, Field(max_length=_NAME)] = ""
    purpose: Annotated[str, Field(max_length=_LONGEST)] = ""

    @model_validator(mode="after")
    def _sane(self) -> "Shown":
        for one in (self.week, self.starts_at, self.ends_at):
            if one is not None and not 1900 <= one.year <= 2200:
                raise ValueError(_BACKWARDS)
        return self


class Typed(BaseModel):
    """What the form to book holds, as it is typed; `on_behalf` names an organization."""

    starts_at: str = ""
    ends_at: str = ""
    units: str = "1"
    times: str = "1"
    conflicts: str = "refuse"
    organization_id: str = ""
    on_behalf: FreeText = ""
    purpose: str = ""
    if_full: str = "refuse"


@router.get("/instruments/{instrument_id}")
async def show_instrument(
    request: Request,
    instrument_id: uuid.UUID,
    runtime: RuntimeDep,
    session: ReadSession,
    actor: Reader,
    query: Annotated[Shown, Query()],
) -> HTMLResponse:
    """An instrument, its week, and the form that books it."""
    typed = Typed(
        starts_at=_typed(query.starts_at),
        ends_at=_typed(query.ends_at),
        units=str(query.units),
        times=str(query.times),
        organization_id=str(query.organization_id or ""),
        on_behalf=query.on_behalf,
        purpose=query.purpose,
    )
    return await _instrument(request, runtime, session, actor, instrument_id, typed, query.week)


@router.post("/instruments/{instrument_id}/bookings")
async def book_instrument(
    request: Request,
    instrument_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Booker,
    typed: Annotated[Typed, Form()],
) -> Response:
    """Book the instrument, once or week after week, or say why not and when else it is free."""
    nearest: Sequence[Period] = ()
    conflicts: Sequence[SkippedTime] = ()
    problem: Text
    try:
        async with runtime.database.write() as session:
            return go(await _book(session, actor, instrument_id, typed))
    except ValidationError as error:
        problem, status = validation_text(dict(error.errors()[0])), Invalid.status
    except (Conflict, Invalid) as error:
        problem, status = error.message, error.status
        if isinstance(error, NoRoom):
            nearest = error.free
        if isinstance(error, SeriesConflicts):
            conflicts = error.skipped
    async with runtime.database.read() as session:
        return await _instrument(
            request,
            runtime,
            session,
            actor,
            instrument_id,
            typed,
            status=status,
            problem=problem,
            nearest=[(one, _path(one, typed)) for one in nearest],
            conflicts=conflicts,
        )


async def _book(session: AsyncSession, actor: Actor, instrument_id: uuid.UUID, typed: Typed) -> str:
    """Make what the form asks for; the path of where it is shown. Raises ValidationError, and what
    `bookings.book` and `bookings.book_series` raise."""
    organization_id: str | uuid.UUID | None = typed.organization_id or None
    if typed.on_behalf.strip():
        organization = await find_organization(session, typed.on_behalf)
        if organization is None:
            raise OrganizationUnknown
        organization_id = organization.id
    wish = {
        "instruments": [{"instrument_id": instrument_id, "units": typed.units}],
        "starts_at": _in_city(typed.starts_at),
        "ends_at": _in_city(typed.ends_at),
        "organization_id": organization_id,
        "purpose": typed.purpose.strip() or None,
    }
    if (times := typed.times.strip()) not in ("", "1"):
        weekly = {"rule": f"FREQ=WEEKLY;COUNT={times}", "conflicts": typed.conflicts}
        series = SeriesCreate.model_validate({**wish, **weekly})
        made = await bookings.book_series(session, actor, series)
        return f"/bookings?series_id={made.series_id}"
    once = BookingCreate.model_validate({**wish, "if_full": typed.if_full})
    return f"/bookings/{(await bookings.book(session, actor, once)).id}"


def _in_city(typed: str) -> str | datetime:
    """What a field of date and time holds: wall clock time of the city."""
    try:
        instant = datetime.fromisoformat(typed)
    except ValueError:
        return typed
    return instant.replace(tzinfo=CITY) if instant.tzinfo is None else instant


def _typed(instant: datetime | None) -> str:
    """An instant as a field of date and time holds it."""
    if instant is None:
        return ""
    local = instant if instant.tzinfo is None else instant.astimezone(CITY)
    return f"{local:%Y-%m-%dT%H:%M}"


def _path(period: Period, typed: Typed) -> str:
    """Where the form holds a time, beside what was typed."""
    values = {
        "starts_at": _typed(period.starts_at),
        "ends_at": _typed(period.ends_at),
        "units": typed.units if typed.units != "1" else "",
        "times": typed.times if typed.times != "1" else "",
        "organization_id": typed.organization_id,
        "on_behalf": typed.on_behalf[:_NAME],
        "purpose": typed.purpose[:_LONGEST],
    }
    return f"?{urlencode({name: value for name, value in values.items() if value})}#book"


async def _instrument(
    request: Request,
    runtime: Runtime,
    session: AsyncSession,
    actor: Actor,
    instrument_id: uuid.UUID,
    typed: Typed,
    day: date | None = None,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
    nearest: Sequence[tuple[Period, str]] = (),
    conflicts: Sequence[SkippedTime] = (),
) -> HTMLResponse:
    instrument = await service.get(session, actor, instrument_id)
    shown = service.show(instrument, actor)
    wanted = _in_city(typed.starts_at)
    if day is None:
        day = wanted.astimezone(CITY).date() if isinstance(wanted, datetime) else today()
    week = await week_of(session, instrument, day)
    period = week.period
    of_all = PageQuery(limit=100)
    closures = (await terms.closures(session, actor, instrument_id, of_all)).items
    prices = (await terms.prices(session, actor, instrument_id, of_all)).items
    own, received = await _bookings(session, actor, shown, period)
    monday = week.days[0][0]
    manages = actor.may(Permission.BOOKINGS_MANAGE, shown.organization.id)
    served = None
    with suppress(Unavailable):  # the rest of the page needs no index
        served = await instrument_matches.for_instrument(
            session, actor, matcher(runtime), instrument, DemandMatchQuery(limit=_DEMANDS)
        )
    return page(
        request,
        "instrument.html",
        status=status,
        problem=problem,
        instrument=shown,
        prices=_in_force(prices),
        week=week,
        rows=_rows(week, own),
        closures=[one for one in closures if _meets(one, period)],
        photographs=(await photographs.listed(session, actor, instrument_id, of_all)).items,
        edits=actor.may(Permission.INSTRUMENTS_WRITE, shown.organization.id),
        received=received,
        previous=monday - timedelta(days=DAYS),
        following=monday + timedelta(days=DAYS),
        links=_links(week, shown, typed),
        organizations=await own_organizations(session, actor, Permission.BOOKINGS_WRITE),
        bookable=_bookable(shown, actor, manages=manages),
        typed=typed,
        nearest=nearest,
        conflicts=conflicts,
        manages=manages,
        most=MOST,
        longest=_LONGEST,
        served=served,
    )


async def _bookings(
    session: AsyncSession, actor: Actor, instrument: InstrumentRead, period: Period
) -> tuple[list[BookingRead], list[BookingRead]]:
    """Of a week those of one's own organizations, and for staff those that they received."""
    found: list[list[BookingRead]] = [[], []]
    manages = actor.may(Permission.BOOKINGS_MANAGE, instrument.organization.id)
    for index, box in enumerate(("made", "received")):
        if actor.holds(Permission.BOOKINGS_READ) and (box == "made" or manages):
            asked = BookingQuery(
                box=box,
                instrument_id=instrument.id,
                from_=period.starts_at,
                to=period.ends_at,
                limit=100,
            )
            items = (await bookings.page(session, actor, asked)).items
            found[index] = sorted(
                (one for one in items if one.state in _SHOWN_STATES),
                key=lambda one: (one.starts_at, one.id),
            )
    return found[0], found[1]


def _rows(
    week: Week, own: Sequence[BookingRead]
) -> list[tuple[int, list[tuple[date, Hour, BookingRead | None]]]]:
    """The hours of a day, each over the days of the week, with what is one's own in it."""
    rows = []
    for number in range(len(week.days[0][1])):
        cells = []
        for day, hours in week.days:
            hour = hours[number]
            mine = (one for one in own if hour.period.meets(Period(one.starts_at, one.ends_at)))
            cells.append((day, hour, next(mine, None)))
        first = week.days[0][1][number].period.starts_at.astimezone(CITY)
        rows.append((first.hour, cells))
    return rows


def _links(week: Week, instrument: InstrumentRead, typed: Typed) -> dict[datetime, str]:
    """Where the form holds the time that begins in an hour, by the hour's beginning."""
    length = timedelta(
        minutes=max(instrument.shortest_minutes, min(60, instrument.longest_minutes))
    )
    links = {}
    for _, hours in week.days:
        for hour in hours:
            if hour.free_from is not None:
                start = aligned_up(hour.free_from, instrument.step_minutes)
                links[hour.period.starts_at] = _path(Period(start, start + length), typed)
    return links


def _meets(closure: ClosureRead, period: Period) -> bool:
    return period.meets(Period(closure.starts_at, closure.ends_at))


def _bookable(instrument: InstrumentRead, actor: Actor, *, manages: bool) -> bool:
    """Whether the actor can wish for it at all; whom it is for is said when it is sent."""
    shared = instrument.share_mode is ShareMode.EXTERNAL or (
        instrument.share_mode is ShareMode.INTERNAL
        and (manages or instrument.organization.id in actor.organization_ids)
    )
    return instrument.state is InstrumentState.PUBLISHED and shared and instrument.status.runs


@dataclass(frozen=True, slots=True)
class Charge:
    """What a class of users pays today, and what from a later day on."""

    user_class: UserClass
    amount: Decimal | None
    to_come: Sequence[PriceRead]


def _in_force(prices: Sequence[PriceRead]) -> list[Charge]:
    charges = []
    for user_class in UserClass:
        own = [one for one in prices if one.user_class is user_class]
        if own:
            to_come = sorted(
                (one for one in own if one.valid_from > today()), key=lambda one: one.valid_from
            )
            begun = [(one.valid_from, one.amount) for one in own]
            charges.append(Charge(user_class, fees.price_in_force(begun, today()), to_come))
    return charges
