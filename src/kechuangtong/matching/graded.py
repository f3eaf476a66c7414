"""A folder of graded pairs, loaded into a scratch store that the service's own code serves.

`demands.jsonl` (id, title, description), `achievements.jsonl` (id, title, optional description
and keywords) and `qrels.tsv` (demand, achievement, grade 1 to 4).
"""

import json
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from anyio import to_thread
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core import migrations
from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.core.text import identity
from kechuangtong.core.trade import ListKind, OrganizationKind, Price, PriceKind
from kechuangtong.lists.service import identity_of
from kechuangtong.matching import store
from kechuangtong.matching.ranking import Subject
from kechuangtong.matching.training import Graded
from kechuangtong.models import Achievement, Demand, Organization
from kechuangtong.models.listing import ListingState
from kechuangtong.runtime import Runtime, engine_from, open_runtime
from kechuangtong.search.indexing import writing
from kechuangtong.search.marks import mark
from kechuangtong.search.port import SearchEngine
from kechuangtong.settings import Settings

_BATCH: Final = 1_000

Progress = Callable[[int, int], None]


class FolderInvalid(RuntimeError):
    """A folder of graded pairs that cannot be read; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The content of a folder: records by their id, grades by demand in the file's order."""

    path: Path
    demands: dict[str, dict[str, Any]]
    achievements: dict[str, dict[str, Any]]
    grades: dict[str, dict[str, int]]


def read_folder(path: Path) -> Folder:
    """Read a folder. Raises FolderInvalid."""
    demands = dict(_records(path / "demands.jsonl"))
    achievements = dict(_records(path / "achievements.jsonl"))
    grades: dict[str, dict[str, int]] = {}
    for place, line in _lines(path / "qrels.tsv"):
        parts = line.split("\t")
        if len(parts) != 3 or parts[2] not in ("1", "2", "3", "4"):
            raise FolderInvalid(f"{place}: not a demand, an achievement and a grade 1 to 4")
        if parts[0] not in demands or parts[1] not in achievements:
            raise FolderInvalid(f"{place}: no such demand or achievement")
        grades.setdefault(parts[0], {})[parts[1]] = int(parts[2])
    return Folder(path, demands, achievements, grades)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FolderInvalid(f"{path}: cannot be read") from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"{path.name} line {number}", line.rstrip("\r")


def _records(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for place, line in _lines(path):
        try:
            record = json.loads(line)
            yield str(record["id"]), {**record, "title": str(record["title"])}
        except (ValueError, KeyError, TypeError) as error:
            raise FolderInvalid(f"{place}: not a JSON object with id and title") from error


@dataclass(frozen=True, slots=True)
class Scratch:
    """A folder's records in a store and an index of their own; `ids` by the folder's ids."""

    folder: Folder
    runtime: Runtime
    demand_ids: dict[str, uuid.UUID]
    achievement_ids: dict[str, uuid.UUID]

    @property
    def achievement_names(self) -> dict[uuid.UUID, str]:
        """The folder's ids of the achievements, by ours."""
        return {one: name for name, one in self.achievement_ids.items()}

    async def subjects(self, session: AsyncSession, kind: ListKind) -> dict[str, Subject]:
        """All records of a list, as ranking sees them, by the folder's ids."""
        ids = self.demand_ids if kind is ListKind.DEMAND else self.achievement_ids
        model = self.runtime.embedder.model if self.runtime.embedder else None
        found = await store.subjects(session, kind.indexed, list(ids.values()), model)
        return {name: found[one] for name, one in ids.items()}

    async def graded(self, session: AsyncSession) -> list[Graded]:
        """The graded pairs, as ranking sees them."""
        demands = await self.subjects(session, ListKind.DEMAND)
        achievements = await self.subjects(session, ListKind.ACHIEVEMENT)
        return [
            Graded(
                demand,
                demands[demand],
                [achievements[one] for one in grades],
                list(grades.values()),
            )
            for demand, grades in self.folder.grades.items()
        ]


@asynccontextmanager
async def scratch(
    folder: Folder, settings: Settings, progress: Progress | None = None
) -> AsyncIterator[Scratch]:
    """Load a folder into a scratch store, index and vectors included; removed at the end."""
    with tempfile.TemporaryDirectory(prefix="kechuangtong-") as data_dir:
        update = {"data_dir": Path(data_dir), "database_url": None}
        settings = settings.model_copy(update=update)
        # Nobody waits: a server that is busy may take its time.
        engine = engine_from(settings, prefix=f"scratch-{new_id().hex}-", timeout=60)
        async with open_runtime(settings, engine) as runtime, _removed(engine):
            await migrations.migrate(runtime.database)
            demands = {one: new_id() for one in folder.demands}
            achievements = {one: new_id() for one in folder.achievements}
            owner = Organization(
                id=new_id(), name="-", name_key="-", kind=OrganizationKind.UNIVERSITY
            )
            async with runtime.database.write() as session:
                session.add(owner)
            await _store(
                runtime,
                ListKind.DEMAND,
                [_demand(owner, demands[name], one) for name, one in folder.demands.items()],
            )
            await _store(
                runtime,
                ListKind.ACHIEVEMENT,
                [
                    _achievement(owner, achievements[name], one)
                    for name, one in folder.achievements.items()
                ],
            )
            async with writing(runtime) as indexer:
                await indexer.words()
                await indexer.vectors(progress)
            yield Scratch(folder, runtime, demands, achievements)


@asynccontextmanager
async def _removed(engine: SearchEngine) -> AsyncIterator[None]:
    """Remove an engine's indexes at the end."""
    try:
        yield
    finally:
        await to_thread.run_sync(engine.remove)


async def _store(runtime: Runtime, kind: ListKind, records: Sequence[Any]) -> None:
    for start in range(0, len(records), _BATCH):
        batch = records[start : start + _BATCH]
        async with runtime.database.write() as session:
            session.add_all(batch)
            await mark(session, kind, [one.id for one in batch])


def _values(owner: Organization, record_id: uuid.UUID, record: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": record_id,
        "organization_id": owner.id,
        # The id in the place of the list's own number: records are never told apart by titles.
        "identity": identity_of(identity(str(record["id"])), ""),
        "title": record["title"],
        "description": record.get("description") or None,
        "keywords": [str(one) for one in record.get("keywords") or []],
        "cooperation": [],
        "stored_state": ListingState.PUBLISHED,
        "published_at": now(),
    }


def _demand(owner: Organization, record_id: uuid.UUID, record: dict[str, Any]) -> Demand:
    return Demand(budget=Price(PriceKind.UNKNOWN), **_values(owner, record_id, record))


def _achievement(owner: Organization, record_id: uuid.UUID, record: dict[str, Any]) -> Achievement:
    return Achievement(
        price=Price(PriceKind.UNKNOWN),
        intellectual_property=[],
        evaluations=[],
        **_values(owner, record_id, record),
    )
