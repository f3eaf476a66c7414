"""Writers of the index: marks that are claimed, records that fail, rebuilding while lists change."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import numpy as np
import pytest
from sqlalchemy import delete, func, null, select, update

from conftest import Service
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.achievements.schemas import AchievementCreate
from kechuangtong.achievements.service import achievements
from kechuangtong.core import migrations
from kechuangtong.core.clock import now
from kechuangtong.core.db import Database
from kechuangtong.core.trade import ListKind, OrganizationKind
from kechuangtong.matching.embedding import Role
from kechuangtong.models import Achievement, IndexMark, IndexRebuild, LiveIndex, Organization
from kechuangtong.models.indexing import Part
from kechuangtong.models.listing import ListingState
from kechuangtong.organizations.service import create_organization
from kechuangtong.search import drain as draining
from kechuangtong.search.drain import Drain, backlog
from kechuangtong.search.indexing import Indexer
from kechuangtong.search.marks import mark
from kechuangtong.search.port import Document, DocumentsRefused, EngineFailed, Vector

KIND = ListKind.ACHIEVEMENT


@dataclass
class Memory:
    """A writer that keeps what it is given, and fails as it is told to."""

    documents: dict[str, Document] = field(default_factory=dict)
    vectors: dict[str, Vector] = field(default_factory=dict)
    puts: Counter[str] = field(default_factory=Counter)
    refused: str = "\0"
    failing: bool = False
    _new: list[Document] = field(default_factory=list)

    def put(self, documents: Sequence[Document]) -> None:
        self._new += documents
        self.puts.update(one.id for one in documents)

    def put_vectors(self, kind: ListKind, vectors: Sequence[tuple[str, Vector]]) -> None:
        self.vectors |= dict(vectors)

    def delete(self, kind: ListKind, ids: Sequence[str]) -> None:
        for one in ids:
            self.documents.pop(one, None)

    def commit(self) -> None:
        new, self._new = self._new, []
        if self.failing:
            raise EngineFailed("it is down")
        if any(self.refused in one.title for one in new):
            raise DocumentsRefused("that title is not for an index")
        self.documents |= {one.id: one for one in new}

    def check(self) -> None: ...

    def close(self) -> None: ...


@dataclass
class Numbers:
    """A model whose vectors are told apart by its name."""

    model: str
    asked: int = 0

    def embed(self, role: Role, texts: Sequence[str]) -> Vector:
        self.asked += len(texts)
        rows = np.zeros((len(texts), 384), np.float32)
        rows[:, len(self.model)] = 1
        return rows


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url)
    await migrations.migrate(made)
    yield made
    await made.close()


async def publish(database: Database, titles: Sequence[str]) -> list[uuid.UUID]:
    """Publish achievements with these titles; their ids."""
    async with database.write() as session:
        owner = await session.scalar(select(Organization))
        owner = owner or await create_organization(
            session, OPERATOR, name="蜀江大学", kind=OrganizationKind.UNIVERSITY
        )
        changes = [
            achievements.draft(owner, AchievementCreate(organization_id=owner.id, title=title))
            for title in titles
        ]
        for change in changes:
            change.record.stored_state = ListingState.PUBLISHED
            change.record.published_at = now()
        await achievements.save(session, OPERATOR, changes)
    return [change.record.id for change in changes]


async def rename(database: Database, record_id: uuid.UUID, title: str) -> None:
    async with database.write() as session:
        await session.execute(
            update(Achievement).where(Achievement.id == record_id).values(title=title)
        )
        await mark(session, KIND, [record_id])


async def test_writers_share_the_marks_and_do_none_twice(database: Database) -> None:
    ids = await publish(database, [f"成果{number}" for number in range(1_500)])
    writers = [Memory(), Memory(), Memory()]
    drains = [Drain(database, writer, None, None) for writer in writers]

    async def drain(one: Drain) -> None:
        while await one.words():
            pass

    await asyncio.gather(*(drain(one) for one in drains))
    assert await backlog(database, *Part) == 0
    puts = sum((writer.puts for writer in writers), Counter())
    assert puts == {str(one): 1 for one in ids}
    for one in drains:
        await one.close()


async def test_a_record_that_is_held_waits_until_its_holder_is_silent(database: Database) -> None:
    (record,) = await publish(database, ["石墨烯"])
    async with database.write() as session:
        held = update(IndexMark).values(claimed_until=now() + timedelta(seconds=1))
        await session.execute(held)
    writer = Memory()
    drain = Drain(database, writer, None, None)
    await rename(database, record, "石墨烯导热膜")
    assert await drain.words() == 0
    await asyncio.sleep(1.1)
    assert await drain.words() == 1
    assert writer.documents[str(record)].title == "石墨烯导热膜"
    await drain.close()


async def test_a_change_while_a_record_is_indexed_is_indexed_too(database: Database) -> None:
    (record,) = await publish(database, ["石墨烯"])
    drain = Drain(database, writer := Memory(), None, None)
    (claim,) = await drain._claim(Part.WORDS, 10)
    await rename(database, record, "石墨烯导热膜")
    await drain._words(claim)
    assert await backlog(database, Part.WORDS) == 1
    await rename(database, record, "石墨烯散热膜")
    assert await drain.words() == 1
    assert writer.documents[str(record)].title == "石墨烯散热膜"
    assert await backlog(database, *Part) == 0
    await drain.close()


async def test_what_the_engine_refuses_is_set_aside_and_the_others_are_not(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await publish(database, ["石墨烯", "毒", "耐火砖"])
    drain = Drain(database, writer := Memory(refused="毒"), None, None)
    assert await drain.words() == 3
    assert set(writer.documents) == {str(ids[0]), str(ids[2])}
    assert await drain.words() == 0  # it rests before it is tried again
    for attempts in range(1, draining.ATTEMPTS):
        async with database.write() as session:
            mark = await session.get_one(IndexMark, (KIND, ids[1]))
            assert mark.attempts == attempts
            assert mark.due_at is not None
            pause = mark.due_at - now()
            assert timedelta(seconds=2**attempts - 1) < pause <= timedelta(seconds=2**attempts)
            mark.due_at = now()
        assert await drain.words() == 1
    async with database.read() as session:
        mark = await session.get_one(IndexMark, (KIND, ids[1]))
    assert mark.due_at is None
    assert mark.problem == "DocumentsRefused: that title is not for an index"
    assert await backlog(database, *Part) == 0
    await rename(database, ids[1], "良药")
    assert await drain.words() == 1
    assert str(ids[1]) in writer.documents
    await drain.close()


async def test_an_engine_that_is_down_is_no_fault_of_the_records(database: Database) -> None:
    (record,) = await publish(database, ["石墨烯"])
    drain = Drain(database, writer := Memory(failing=True), None, None)
    with pytest.raises(EngineFailed):
        await drain.words()
    async with database.read() as session:
        mark = await session.get_one(IndexMark, (KIND, record))
    assert (mark.attempts, mark.claimed_until) == (0, None)
    writer.failing = False
    assert await drain.words() == 1
    await drain.close()


@dataclass
class Engine:
    """An engine of writers in memory, shared by all who write."""

    served: Memory | None = None
    building: asyncio.Event = field(default_factory=asyncio.Event)
    name: str = "memory"
    shared: bool = True

    def about(self) -> dict[str, str | int]:
        return {"schema": 1}

    def live(self) -> Memory | None:
        return self.served

    def new(self) -> Memory:
        return Memory()

    def make_live(self, writer: Memory) -> None:
        if self.served is None:
            self.served = writer
        else:  # as a swap does: those who write go on with what has the name
            self.served.documents, self.served.vectors = writer.documents, writer.vectors
            writer.documents, writer.vectors = self.served.documents, self.served.vectors


def indexer(database: Database, engine: Engine, model: str | None = None) -> Indexer:
    embedder = Numbers(model) if model else None
    return Indexer(engine, database, embedder, background=False)  # type: ignore[arg-type]


async def test_what_changes_while_an_index_is_built_is_in_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await publish(database, [f"成果{number}" for number in range(20)])
    engine = Engine()
    one, other = indexer(database, engine), indexer(database, engine)
    await one.open()
    await other.open()
    await other.words()
    put_all = Indexer._put_all

    async def changed_meanwhile(self: Indexer, drain: Drain, progress: object) -> int:
        done = await put_all(self, drain, None)
        await rename(database, ids[0], "改名")
        async with database.write() as session:
            withdrawn = update(Achievement).where(Achievement.id == ids[1])
            await session.execute(withdrawn.values(stored_state=ListingState.WITHDRAWN))
            await mark(session, KIND, [ids[1]])
        await other.words()  # into the index that is live until now
        assert engine.served is not None
        assert engine.served.documents[str(ids[0])].title == "改名"
        assert not await other.rebuild()  # one at a time
        return done

    monkeypatch.setattr(Indexer, "_put_all", changed_meanwhile)
    assert await one.rebuild()
    assert engine.served.documents[str(ids[0])].title == "成果0"
    await other.words()
    assert engine.served.documents[str(ids[0])].title == "改名"
    assert str(ids[1]) not in engine.served.documents
    assert await backlog(database, *Part) == 0
    await one.close()
    await other.close()


async def test_what_still_wants_its_vectors_while_an_index_is_built_is_in_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    (record,) = await publish(database, ["成果"])
    engine = Engine()
    one, other = indexer(database, engine, "m"), indexer(database, engine, "m")
    for each in (one, other):
        await each.open()
    put_all = Indexer._put_all
    new: list[uuid.UUID] = []

    async def changed_meanwhile(self: Indexer, drain: Drain, progress: object) -> int:
        done = await put_all(self, drain, None)
        await rename(database, record, "改名")
        new.extend(await publish(database, ["新来的"]))
        await other.words()
        return done

    monkeypatch.setattr(Indexer, "_put_all", changed_meanwhile)
    assert await one.rebuild()
    await one.words()
    await one.vectors()
    assert engine.served is not None
    titles = {engine.served.documents[str(each)].title for each in (record, *new)}
    assert titles == {"改名", "新来的"}
    assert set(engine.served.vectors) == {str(record), str(new[0])}
    for each in (one, other):
        await each.close()


async def test_of_two_who_change_the_model_one_does_and_the_other_follows(
    database: Database,
) -> None:
    await publish(database, [f"成果{number}" for number in range(5)])
    engine = Engine()
    first = indexer(database, engine, "a")
    await first.open()
    await first.words()
    await first.vectors()
    await first.close()
    one, other = indexer(database, engine, "bb"), indexer(database, engine, "bb")
    for each in (one, other):
        await each.open()
    while await one.step():
        pass
    with pytest.raises(EngineFailed):
        await other.step()
    await other.open()
    assert other.drain.model == "bb"
    assert not await other.step()
    async with database.read() as session:
        rebuilds = select(func.count()).select_from(IndexRebuild)
        assert await session.scalar(rebuilds) == 2
    for each in (one, other):
        await each.close()


async def test_a_record_that_the_engine_refuses_does_not_hold_up_a_rebuild(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await publish(database, ["石墨烯", "毒", "耐火砖", "导热膜", "电解液"])
    engine = Engine()
    monkeypatch.setattr(Engine, "new", lambda _: Memory(refused="毒"))
    one = indexer(database, engine)
    async with database.write() as session:
        await session.execute(delete(IndexMark))
    await one.open()
    assert engine.served is not None
    assert set(engine.served.documents) == {str(each) for each in ids} - {str(ids[1])}
    async with database.read() as session:
        mark = await session.get_one(IndexMark, (KIND, ids[1]))
    assert (mark.due_at, mark.attempts) == (None, draining.ATTEMPTS)
    await one.close()


async def test_who_lost_his_hold_has_his_work_done_again(database: Database) -> None:
    (record,) = await publish(database, ["石墨烯"])
    slow, quick = (Drain(database, writer, None, None) for writer in (Memory(), Memory()))
    (claim,) = await slow._claim(Part.WORDS, 10)
    async with database.write() as session:
        await session.execute(update(IndexMark).values(claimed_until=now()))
    assert await quick.words() == 1
    await slow._words(claim)
    assert await backlog(database, Part.WORDS) == 1
    (held,) = await quick._claim(Part.WORDS, 10)
    await slow._hold_until([claim], None)
    async with database.read() as session:
        mark = await session.get_one(IndexMark, (KIND, record))
    assert (mark.claimed_by, mark.claimed_until is None) == (held.holder, False)
    for each in (slow, quick):
        await each.close()


async def test_what_was_marked_before_the_first_index_is_put_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await publish(database, ["石墨烯", "耐火砖"])
    engine = Engine()
    one = indexer(database, engine)
    put_all = Indexer._put_all

    async def killed(self: Indexer, drain: Drain, progress: object) -> int:
        await put_all(self, drain, None)
        assert await backlog(database, Part.WORDS) == 2
        raise EngineFailed("killed")

    with monkeypatch.context() as patched:
        patched.setattr(Indexer, "_put_all", killed)
        with pytest.raises(EngineFailed):
            await one.open()
    await rename(database, ids[0], "石墨烯导热膜")
    await one.open()
    assert engine.served is not None
    assert engine.served.documents[str(ids[0])].title == "石墨烯导热膜"
    assert engine.served.puts == {str(each): 1 for each in ids}
    assert await backlog(database, *Part) == 0
    await one.close()


async def test_work_that_a_swap_overtook_is_done_again(database: Database) -> None:
    (record,) = await publish(database, ["成果"])
    engine = Engine()
    one = indexer(database, engine)
    await one.open()
    await one.words()
    await rename(database, record, "改名")
    (claim,) = await one.drain._claim(Part.WORDS, 10)
    other = indexer(database, engine)
    await other.open()
    assert await other.rebuild()
    await one.drain._words(claim)
    assert await backlog(database, Part.WORDS) == 1
    await one.close()
    await other.close()


async def test_a_rebuild_whose_process_died_is_taken_up(database: Database) -> None:
    engine = Engine()
    one = indexer(database, engine)
    await one.open()
    async with database.write() as session:
        past = now() - timedelta(seconds=1)
        session.add(IndexRebuild(id=uuid.uuid4(), claimed_until=past))
        dead = IndexMark(kind=KIND, record_id=uuid.uuid4(), part=Part.REPLAY)
        session.add(dead)
    assert await one.step()
    async with database.read() as session:
        open_wishes = select(func.count()).where(IndexRebuild.finished_at.is_(None))
        assert await session.scalar(open_wishes.select_from(IndexRebuild)) == 0
    await one.words()
    assert await backlog(database, *Part) == 0
    await one.close()


async def test_vectors_of_the_old_model_serve_until_all_of_the_new_are_there(
    database: Database,
) -> None:
    await publish(database, [f"成果{number}" for number in range(40)])
    engine = Engine()
    first = indexer(database, engine, "a")
    await first.open()
    await first.words()
    await first.vectors()
    await first.close()
    assert engine.served is not None
    assert len(engine.served.vectors) == 40
    second = indexer(database, engine, "bb")
    await second.open()
    models = []
    while await second.step():
        async with database.read() as session:
            live = await session.scalar(select(LiveIndex.model))
        models.append(live)
        standing = {int(np.argmax(one)) for one in engine.served.vectors.values()}
        assert standing == {len(live or "")}
    assert models[0] == "a"
    assert models[-1] == "bb"
    assert len(engine.served.vectors) == 40
    assert second._embedder is not None
    assert second._embedder.asked == 40
    await second.close()


async def test_records_that_are_set_aside_are_told(
    service: Service, anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    record = uuid.uuid4()
    async with service.runtime.database.write() as session:
        await session.execute(delete(IndexMark))
        session.add(
            IndexMark(
                kind=KIND,
                record_id=record,
                part=Part.WORDS,
                attempts=5,
                due_at=null(),
                problem="毒",
            )
        )
    index = (await anyone.get("/v1/status")).json()["index"]
    assert (index["set_aside"], index["problems"]) == (1, [])
    told = (await admin.get("/v1/status")).json()["index"]["problems"]
    assert told == [{"kind": "achievement", "id": str(record), "reason": "毒"}]
    assert index["words_left"] == 0
