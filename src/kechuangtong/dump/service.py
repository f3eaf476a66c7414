"""A dump (公开数据转储) of all public records, and loading one into an empty instance.

JSON lines in UTF-8, each an object of one member: a `header` with the format's version and the date
of the content; then by id each `organization`, `achievement` and `demand` as anyone sees it; at the
`end` the SHA-256 of all lines before. What was loaded gives the same dump byte for byte.
"""

import hashlib
import json
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from sqlalchemy import ColumnElement, Select, exists, func, insert, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.achievements.schemas import AchievementRead
from kechuangtong.changes.notes import touch
from kechuangtong.core.db import Database, hold, new_id
from kechuangtong.core.language import Text
from kechuangtong.core.trade import ListKind, OrganizationKind
from kechuangtong.demands.schemas import DemandRead
from kechuangtong.events import log
from kechuangtong.lists import public
from kechuangtong.lists.service import identity_of
from kechuangtong.models import Achievement, Base, Demand, Edition, Organization
from kechuangtong.models.listing import ListingState
from kechuangtong.organizations.schemas import OrganizationRead
from kechuangtong.organizations.service import name_key
from kechuangtong.search.marks import mark

FORMAT: Final = "kechuangtong-dump"
VERSION: Final = 1
_AT_ONCE: Final = 500
_ORGANIZATION: Final = "organization"

Progress = Callable[[int, int], None]


class InstanceNotEmpty(RuntimeError):
    """A dump is only loaded where nothing is yet."""

    message = Text(
        "本实例已有单位或清单数据，只能向空的实例导入。",
        "This instance has organizations or records already: a dump is loaded into an empty one.",
    )

    def __init__(self) -> None:
        super().__init__(str(self.message))


class DumpBroken(RuntimeError):
    """A file that is no whole dump; nothing of it is kept."""

    message = Text(
        "第 {line} 行：不是完整的转储文件（{why}），未导入任何内容。",
        "line {line}: not a whole dump ({why}); nothing was loaded.",
    )

    def __init__(self, line: int, why: str) -> None:
        super().__init__(str(self.message.format(line=line, why=why)))


async def dump(database: Database) -> AsyncIterator[bytes]:
    """All public records as they are at one moment, a few lines at a time."""
    whole = hashlib.sha256()
    async with database.snapshot() as session:
        async for lines in _content(session):
            whole.update(lines)
            yield lines
    yield _line("end", {"sha256": whole.hexdigest()})


async def _content(session: AsyncSession) -> AsyncIterator[bytes]:
    date = await _date(session)
    shown = None if date is None else date.isoformat().replace("+00:00", "Z")
    yield _line("header", {"format": FORMAT, "version": VERSION, "date": shown})
    organizations = select(Organization).where(_found()).order_by(Organization.id)
    async for part in _parts(session, organizations, Organization):
        yield b"".join(
            _line(_ORGANIZATION, public.plain(OrganizationRead.model_validate(one))) for one in part
        )
    for kind, (model, _) in public.LISTS.items():
        async for part in _parts(session, public.records(kind), model):
            yield b"".join(
                _line(kind.value, public.plain(public.as_anyone_sees(one))) for one in part
            )


async def _parts(
    session: AsyncSession, statement: Select[Any], model: type[Any]
) -> AsyncIterator[Sequence[Any]]:
    after = uuid.UUID(int=0)
    while rows := (await session.scalars(statement.where(model.id > after).limit(_AT_ONCE))).all():
        yield rows
        after = rows[-1].id


def _line(name: str, value: dict[str, Any]) -> bytes:
    return public.canonical({name: value}).encode() + b"\n"


def _found() -> ColumnElement[bool]:
    """Organizations that the public finds, by the records that are in the dump."""
    of_achievement = exists().where(
        Achievement.organization_id == Organization.id, public.published(ListKind.ACHIEVEMENT)
    )
    of_demand = exists().where(
        Demand.organization_id == Organization.id,
        public.published(ListKind.DEMAND),
        ~Demand.anonymous,
    )
    found = or_(Organization.kind != OrganizationKind.ENTERPRISE, of_achievement, of_demand)
    return found & Organization.merged_into_id.is_(None)


async def _date(session: AsyncSession) -> datetime | None:
    """When what is in the dump was last changed."""
    conditions = {Organization: _found()}
    conditions |= {one.model: public.published(kind) for kind, one in public.LISTS.items()}
    times = [
        await session.scalar(select(func.max(model.updated_at)).where(condition))
        for model, condition in conditions.items()
    ]
    return max((one.astimezone(UTC) for one in times if one is not None), default=None)


async def load(
    database: Database, actor: Actor, lines: Iterable[bytes], progress: Progress
) -> dict[str, int]:
    """Load a dump into an empty instance, all of it or nothing; how many of each there are.

    Whose anonymous demands are a dump does not tell: each gets an enterprise of its own without a
    name. Raises InstanceNotEmpty, DumpBroken.
    """
    async with database.write() as session:
        await hold(session, "dump")
        for model in (Organization, Achievement, Demand, Edition):
            if await session.scalar(select(exists().select_from(model))):
                raise InstanceNotEmpty
        loading = _Loading(session)
        for number, line in enumerate(lines, 1):
            try:
                await loading.take(line)
            except ValidationError as error:
                where = ".".join(str(one) for one in error.errors()[0]["loc"])
                raise DumpBroken(number, f"{where}: {error.errors()[0]['msg']}") from error
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise DumpBroken(number, str(error)) from error
            except IntegrityError as error:
                raise DumpBroken(number, "records that contradict each other") from error
            progress(number, number)
        if not loading.ended:
            raise DumpBroken(loading.lines + 1, "the end is missing")
        log.record(
            session,
            actor,
            "dump.loaded",
            subject_kind="dump",
            subject_id=new_id(),
            before=None,
            after=dict(loading.counts),
        )
        return dict(loading.counts)


class _Loading:
    """What of a dump has been taken in."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._hash = hashlib.sha256()
        self._rows: dict[type[Base], list[dict[str, Any]]] = defaultdict(list)
        self.counts: dict[str, int] = defaultdict(int)
        self.lines = 0
        self.ended = False

    async def take(self, line: bytes) -> None:
        """One line. Raises ValueError and its like for what a dump does not have there."""
        if self.ended:
            raise ValueError("something follows the end")
        found = json.loads(line)
        if not (isinstance(found, dict) and len(found) == 1):
            raise ValueError("not an object of one member")
        ((name, value),) = found.items()
        if (name == "header") != (self.lines == 0):
            raise ValueError("a dump begins with its header")
        self.lines += 1
        if name == "end":
            await self._store()
            if value != {"sha256": self._hash.hexdigest()}:
                raise ValueError("the checksum differs")
            self.ended = True
            return
        self._hash.update(line)
        if name == "header":
            if (value["format"], value["version"]) != (FORMAT, VERSION):
                raise ValueError(f"not a {FORMAT} of version {VERSION}")
            return
        if name == _ORGANIZATION:
            organization = OrganizationRead.model_validate(value)
            self._rows[Organization].append(_organization(organization))
        else:
            model, schema = public.LISTS[ListKind(name)]
            record = schema.model_validate(value)
            if record.organization is None:
                self._rows[Organization].append(_nameless(record))
            self._rows[model].append(_record(record))
        self.counts[name] += 1
        if max(map(len, self._rows.values())) >= _AT_ONCE:
            await self._store()

    async def _store(self) -> None:
        # By the tables, for the models would begin versions and times anew.
        for model in (Organization, Achievement, Demand):
            if rows := self._rows.pop(model, []):
                await self._session.execute(insert(model.__table__), rows)  # type: ignore[arg-type]
                if model is not Organization:
                    kind = ListKind.ACHIEVEMENT if model is Achievement else ListKind.DEMAND
                    ids = [row["id"] for row in rows]
                    await mark(self._session, kind, ids)
                    touch(self._session, kind, ids)


def _values(shown: BaseModel, *names: str) -> dict[str, Any]:
    return {name: getattr(shown, name) for name in names}


_TIMES: Final = ("id", "created_at", "updated_at", "version")


def _organization(one: OrganizationRead) -> dict[str, Any]:
    values = _values(one, *_TIMES, "name", "kind", "code", "place", "review")
    return {**values, "name_key": name_key(one.name), "merged_into_id": None}


def _nameless(demand: AchievementRead | DemandRead) -> dict[str, Any]:
    """The enterprise of an anonymous demand; the public does not find it."""
    name = f"匿名企业 {demand.id}"
    return {
        "id": demand.id,  # of the demand alone, so that each has one
        "created_at": demand.created_at,
        "updated_at": demand.created_at,
        "version": 1,
        "name": name,
        "name_key": name_key(name),
        "kind": OrganizationKind.ENTERPRISE,
        "code": None,
        "place": None,
        "review": None,
        "merged_into_id": None,
    }


_FIELDS: Final = (
    *("number", "title", "description", "field", "keywords", "cooperation", "place"),
    *("valid_until", "published_at"),
)


def _record(one: AchievementRead | DemandRead) -> dict[str, Any]:
    if one.state is not ListingState.PUBLISHED or one.contact is not None:
        raise ValueError("a record that is not public")
    values = {
        **_values(one, *_TIMES, *_FIELDS),
        "identity": identity_of(one.number, one.title),
        "organization_id": one.id if one.organization is None else one.organization.id,
        "contact": None,
        "state": ListingState.PUBLISHED,
    }
    if isinstance(one, AchievementRead):
        plain = one.model_dump(mode="json", include={"intellectual_property", "evaluations"})
        values |= plain | _values(one, "application", "stage", "completed_on")
        return values | _trl(one, "trl") | _price(one, "price")
    if (one.organization is None) is not one.anonymous:
        raise ValueError("an anonymous demand has no organization, and any other has one")
    values |= _values(one, "anonymous", "required_stage")
    return values | _trl(one, "required_trl") | _price(one, "budget")


def _trl(one: BaseModel, name: str) -> dict[str, Any]:
    trl = getattr(one, name)
    parts = ("scale", "level", "evidence")
    return {f"{name}_{part}": None if trl is None else getattr(trl, part) for part in parts}


def _price(one: BaseModel, name: str) -> dict[str, Any]:
    price = getattr(one, name)
    return {f"{name}_{part}": getattr(price, part) for part in ("kind", "low", "high")}
