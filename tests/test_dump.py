"""A dump of what is public: loaded into an empty instance it gives the same bytes, or nothing."""

import asyncio
import contextlib
import hashlib
import json
import shutil
import uuid
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from typer.testing import CliRunner

from conftest import Service, _on_server
from kechuangtong import cli
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.achievements.schemas import AchievementCreate
from kechuangtong.achievements.service import achievements
from kechuangtong.core import logs, migrations
from kechuangtong.core.clock import today
from kechuangtong.core.db import Database
from kechuangtong.core.trade import Cooperation, ListKind, OrganizationKind, PriceKind, Stage
from kechuangtong.demands.schemas import DemandCreate
from kechuangtong.demands.service import demands
from kechuangtong.dump.service import DumpBroken, InstanceNotEmpty, dump, load
from kechuangtong.lists.queries import in_state
from kechuangtong.models import Achievement, Base, Demand, PublicChange
from kechuangtong.models.listing import ListingState
from kechuangtong.organizations.service import create_organization
from kechuangtong.sample.service import load_sample


async def dumped(database: Database) -> bytes:
    return b"".join([lines async for lines in dump(database)])


async def loaded(database: Database, content: bytes) -> dict[str, int]:
    return await load(database, OPERATOR, content.splitlines(keepends=True), lambda *_: None)


async def emptied(database: Database) -> None:
    async with database.write() as session:
        sqlite = database.url.startswith("sqlite")
        if not sqlite:
            tables = "organizations, public_changes, index_marks, editions, edition_records"
            guarded = "ALTER TABLE deal_steps {} TRIGGER USER"  # what is only ever added to
            await session.execute(text(guarded.format("DISABLE")))
            await session.execute(text(f"TRUNCATE {tables} CASCADE"))
            await session.execute(text(guarded.format("ENABLE")))
            return
        await session.execute(text("PRAGMA defer_foreign_keys = ON"))
        guards = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        found = (await session.execute(guards)).all()
        for name, _ in found:  # what is only ever added to
            await session.execute(text(f"DROP TRIGGER {name}"))
        for table in reversed(Base.metadata.sorted_tables):
            if table.name != "events":
                await session.execute(table.delete())
        for _, guard in found:
            await session.execute(text(guard))


def whole(lines: Iterable[bytes]) -> bytes:
    """Lines with the end that a dump of them has."""
    content = b"".join(lines)
    end = json.dumps({"end": {"sha256": hashlib.sha256(content).hexdigest()}})
    return content + end.replace(" ", "").encode() + b"\n"


async def test_the_sample_is_loaded_all_or_not_at_all(
    service: Service, anyone: httpx.AsyncClient, tmp_path: Path
) -> None:
    database = service.runtime.database
    with pytest.raises(InstanceNotEmpty):
        await loaded(database, b"")
    await emptied(database)
    empty = await dumped(database)
    assert [next(iter(json.loads(line))) for line in empty.splitlines()] == ["header", "end"]
    async with database.write() as session:
        await load_sample(session)
    content = await dumped(database)
    answer = await anyone.get("/v1/dump")
    assert answer.content == content
    lines = content.splitlines(keepends=True)
    header = json.loads(lines[0])["header"]
    assert (header["format"], header["version"]) == ("kechuangtong-dump", 1)
    records = [json.loads(line) for line in lines[1:-1]]
    assert max(one["updated_at"] for line in records for one in line.values()) == header["date"]
    for kind, model in (("achievement", Achievement), ("demand", Demand)):
        listed = {one["id"] for line in records if (one := line.get(kind))}
        async with database.read() as session:
            public = select(model.id).where(in_state(model, ListingState.PUBLISHED))
            assert listed == {str(one) for one in await session.scalars(public)}
    hidden = [one["demand"] for one in records if one.get("demand", {}).get("anonymous")]
    assert {(one["organization"], one["contact"]) for one in hidden} <= {(None, None)}

    await emptied(database)
    first, second = lines[1], next(line for line in lines if line.startswith(b'{"achievement"'))
    for broken, where in (
        (b"", 1),
        (b"".join(lines[:-1]), len(lines)),  # cut off
        (b"".join(lines[:5]) + lines[5][:9], 6),
        (b"".join([*lines[:3], *lines[4:]]), len(lines) - 1),  # one is missing
        (content + first, len(lines) + 1),
        (first + content, 1),
        (content.replace(b"dump", b"lump", 1), 1),
        (b"\xff\xfe" + content, 1),
        (whole([lines[0], b"[1]\n"]), 2),
        (whole([lines[0], b'{"user":{}}\n']), 2),
        (whole([lines[0], first, first]), 4),
        (whole([lines[0], second]), 3),  # its organization is not there
        (whole([lines[0], first.replace(b'"kind":"', b'"kind":"no ', 1)]), 2),
        (whole([lines[0], first, second.replace(b'"published"', b'"draft"')]), 3),
    ):
        with pytest.raises(DumpBroken, match=f"第 {where} 行"):
            await loaded(database, broken)
        assert await dumped(database) == empty, where
    counts = await loaded(database, content)
    assert sum(counts.values()) == len(lines) - 2
    assert await dumped(database) == content
    async with database.read() as session:
        count = counts["achievement"] + counts["demand"]
        assert await session.scalar(select(func.count()).select_from(PublicChange)) == count
    with pytest.raises(InstanceNotEmpty):
        await loaded(database, content)
    # A record that was loaded lives on.
    async with database.write() as session:
        one = await session.scalar(select(Demand.id).where(Demand.anonymous))
        assert one is not None
        await demands.withdraw(session, OPERATOR, one, expected_versions=None)
    assert str(one).encode() not in await dumped(database)


def test_the_command_line_dumps_loads_and_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KCT_EMBEDDINGS", "none")
    files = [tmp_path / "one.ndjson", tmp_path / "two.ndjson"]
    monkeypatch.setenv("KCT_DATA_DIR", str(tmp_path / "a"))

    async def sample(runtime: Any) -> None:
        async with runtime.database.write() as session:
            await load_sample(session)

    cli._run(sample)
    run = CliRunner()
    assert run.invoke(cli.app, ["dump", str(files[0])], catch_exceptions=False).exit_code == 0
    monkeypatch.setenv("KCT_DATA_DIR", str(tmp_path / "b"))
    said = run.invoke(cli.app, ["load", str(files[0])], catch_exceptions=False)
    assert "achievements" in said.stdout
    assert run.invoke(cli.app, ["dump", str(files[1])]).exit_code == 0
    assert files[0].read_bytes() == files[1].read_bytes()

    async def found(runtime: Any) -> None:
        for kind in ListKind:
            lines = files[0].read_text(encoding="utf-8").splitlines()
            ids = {one["id"] for line in lines if (one := json.loads(line).get(kind.value))}
            assert set(await runtime.index.contents(kind)) == ids != set()

    cli._run(found)
    monkeypatch.setattr("sys.argv", ["kechuangtong", "load", str(files[0])])
    monkeypatch.setattr(logs, "configure", lambda: None)  # to what is closed after this test
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


# Any text that a record can hold, awkward ones first.
AWKWARD = [
    "é",
    "e\u0301",
    "ﬁ㎡①",
    "\u2028",
    "\u200b零宽\ufeff",
    "𠮷野家",
    "a\r\nb\tc",
    '"\\',
    "\x1f\x7f",
    "=1+1",
    "🧪",
    "\ue000",
]
TEXTS = st.one_of(
    st.sampled_from(AWKWARD),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60),
).map(str.strip)
LINES = TEXTS.filter(bool)
NUMBERS = st.decimals(0, 10**12 - 1, places=2, allow_nan=False)
PRICES = st.one_of(
    st.sampled_from([{"kind": PriceKind.UNKNOWN}, {"kind": PriceKind.NEGOTIABLE}]),
    st.builds(lambda low: {"kind": PriceKind.FIXED, "low": low}, NUMBERS),
    st.builds(
        lambda low, more: {"kind": PriceKind.RANGE, "low": low, "high": low + more},
        NUMBERS,
        st.just(Decimal(1)),
    ),
)
SHARED = {
    "title": LINES,
    "description": st.none() | TEXTS,
    "field": st.none() | LINES,
    "keywords": st.lists(LINES.map(lambda one: one[:50].strip() or "x"), max_size=3),
    "cooperation": st.lists(st.sampled_from(Cooperation), max_size=3),
    "place": st.none() | LINES,
    "contact": st.none() | st.fixed_dictionaries({"phone": LINES}),
    "valid_until": st.none() | st.dates(today() + timedelta(2), date(2200, 12, 31)),
}
TRLS = st.none() | st.fixed_dictionaries(
    {"level": st.integers(1, 9), "evidence": st.none() | LINES}
)
ACHIEVEMENTS = st.fixed_dictionaries(
    SHARED
    | {
        "application": st.none() | TEXTS,
        "stage": st.none() | st.sampled_from(Stage),
        "trl": TRLS,
        "price": PRICES,
        "evaluations": st.lists(st.fixed_dictionaries({"level": st.none() | LINES}), max_size=2),
        "completed_on": st.none() | st.dates(date(1900, 1, 1), date(2200, 12, 31)),
    }
)
DEMANDS = st.fixed_dictionaries(
    SHARED | {"anonymous": st.booleans(), "required_trl": TRLS, "budget": PRICES}
)


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Iterator[list[str]]:
    """Two of SQLite and one of PostgreSQL."""
    folder = tmp_path_factory.mktemp("dumps")
    urls = [f"sqlite+aiosqlite:///{folder / name}" for name in ("a.sqlite", "b.sqlite")]
    asyncio.run(_migrated(urls[0]))
    shutil.copy(folder / "a.sqlite", folder / "b.sqlite")

    name = f"test_{uuid.uuid4().hex}"
    _on_server(postgres, f'CREATE DATABASE "{name}"')
    urls.append(
        postgres.replace("postgresql:", "postgresql+psycopg:").replace("/postgres?", f"/{name}?")
    )
    asyncio.run(_migrated(urls[2]))
    yield urls
    _on_server(postgres, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _migrated(url: str) -> None:
    database = Database(url)
    await migrations.migrate(database)
    await database.close()


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    names=st.lists(LINES, min_size=1, max_size=3),
    offered=st.lists(ACHIEVEMENTS, max_size=3),
    wanted=st.lists(DEMANDS, max_size=3),
)
def test_any_texts_come_back_as_they_were_on_both_databases(
    databases: list[str],
    names: list[str],
    offered: list[dict[str, Any]],
    wanted: list[dict[str, Any]],
) -> None:
    async def there_and_back() -> None:
        async with contextlib.AsyncExitStack() as stack:
            places = [Database(url) for url in databases]
            for place in places:
                stack.push_async_callback(place.close)
                await emptied(place)
            source, back, postgres = places
            async with source.write() as session:
                for n, values in enumerate([*offered, *wanted]):
                    organization = await create_organization(
                        session,
                        OPERATOR,
                        name=names[n % len(names)],
                        kind=list(OrganizationKind)[n % len(OrganizationKind)],
                    )
                    is_offer = n < len(offered)
                    schema: Any = AchievementCreate if is_offer else DemandCreate
                    one: Any = achievements if is_offer else demands
                    change = one.draft(
                        organization,
                        schema(organization_id=organization.id, number=f"编号{n}", **values),
                    )
                    change.record.stored_state = "published"
                    change.record.published_at = change.record.created_at
                    session.add(change.record)  # what an anonymous one may say is another test's
            content = await dumped(source)
            assert len(content.splitlines()) >= 2 + len(offered) + len(wanted)
            await loaded(postgres, content)
            assert await dumped(postgres) == content
            await loaded(back, await dumped(postgres))
            assert await dumped(back) == content

    asyncio.run(there_and_back())
