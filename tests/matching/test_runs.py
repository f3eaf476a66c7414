"""Match runs: pairs kept, compared with the run before, and shown as far as each may see them."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import openpyxl
import pytest
from sqlalchemy import delete, func, select

from conftest import Service
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.achievements.schemas import AchievementCreate
from kechuangtong.achievements.service import achievements
from kechuangtong.core import migrations
from kechuangtong.core.clock import now
from kechuangtong.core.trade import ListKind, OrganizationKind
from kechuangtong.demands.schemas import DemandCreate
from kechuangtong.demands.service import demands
from kechuangtong.matching.router import matcher
from kechuangtong.matching.runs import service as runs
from kechuangtong.matching.runs import work
from kechuangtong.matching.runs.schemas import MatchRunCreate
from kechuangtong.models import MatchRun, MatchRunPair
from kechuangtong.models.listing import ListingState
from kechuangtong.models.match_run import MatchRunState
from kechuangtong.organizations.service import create_organization
from kechuangtong.runtime import Runtime, open_runtime
from kechuangtong.search.indexing import catch_up
from kechuangtong.settings import Settings
from waiting import until

RUNS = "/v1/match-runs"


async def publish(client: httpx.AsyncClient, path: str, owner: uuid.UUID, **values: Any) -> str:
    """A published record; its path."""
    made = await client.post(path, json={"organization_id": str(owner), **values})
    where = made.raise_for_status().headers["Location"]
    await act(client, f"{where}/publish")
    return str(where)


async def act(client: httpx.AsyncClient, path: str) -> None:
    (await client.post(path, headers={"If-Match": "*"})).raise_for_status()


async def run(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    """A run from its beginning to its end."""
    begun = await client.post(RUNS, json={"kind": "demand", "min_grade": 1, **body})
    assert begun.status_code == 202, begun.text
    path = begun.headers["Location"]

    async def ended() -> bool:
        return (await client.get(path)).json()["state"] not in ("queued", "running")

    await until(ended)
    found: dict[str, Any] = (await client.get(path)).json()
    assert found["state"] == "done"
    assert found["done"] == found["total"]
    return found


async def pairs(client: httpx.AsyncClient, run_id: str, **query: Any) -> list[dict[str, Any]]:
    """All pairs of a run, page by page."""
    found: list[dict[str, Any]] = []
    answer = (await client.get(f"{RUNS}/{run_id}/pairs", params=query)).raise_for_status()
    while True:
        found += answer.json()["items"]
        if "next" not in answer.links:
            return found
        answer = (await client.get(answer.links["next"]["url"])).raise_for_status()


def sides(found: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(one["demand_id"], one["achievement_id"]) for one in found}


def id_of(path: str) -> str:
    return path.rsplit("/", 1)[1]


async def test_a_run_is_kept_compared_with_the_one_before_and_downloaded(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
) -> None:
    drying, film = [
        await publish(buyer, "/v1/demands", service.enterprise, title=title)
        for title in ("烘房余热除湿改造", "石墨烯导热膜")
    ]
    dryer, foil = [
        await publish(scholar, "/v1/achievements", service.university, title=title, field="节能")
        for title in ("余热除湿机组", "石墨烯导热膜卷对卷制备")
    ]
    await catch_up(service.runtime)
    first = await run(buyer)
    expected = {(id_of(drying), id_of(dryer)), (id_of(film), id_of(foil))}
    assert sides(await pairs(buyer, first["id"])) == expected
    assert (first["total"], first["counts"]["new"], first["previous_id"]) == (2, 2, None)
    assert sum(first["counts"][f"grade_{grade}"] for grade in (1, 2, 3, 4)) == 2
    assert first["engine"] == "embedded"
    assert (
        "words alone"
        in (await buyer.get(f"{RUNS}/{first['id']}", headers={"Accept-Language": "en"})).json()[
            "degraded"
        ]
    )
    (best, *_) = await pairs(buyer, first["id"])
    assert best["reasons"]["for"][0]["code"] == "shared_terms"
    english = await buyer.get(f"{RUNS}/{first['id']}/pairs", headers={"Accept-Language": "en"})
    assert english.json()["items"][0]["reasons"]["for"][0]["text"].startswith("Both mention")
    assert best["reasons"]["for"][0]["text"].startswith("双方都提到")

    again = await run(buyer)
    assert (again["previous_id"], again["counts"]["kept"]) == (first["id"], 2)
    assert (again["counts"]["new"], again["counts"]["gone"]) == (0, 0)

    await act(scholar, f"{dryer}/withdraw")
    await act(buyer, f"{film}/withdraw")
    wheel = await publish(
        scholar, "/v1/achievements", service.university, title="=余热除湿转轮", field="节能"
    )
    await catch_up(service.runtime)
    later = await run(buyer)
    assert (later["previous_id"], later["total"]) == (again["id"], 2)
    assert [later["counts"][one] for one in ("new", "kept", "gone")] == [1, 0, 2]
    (new,) = await pairs(buyer, later["id"])
    assert (new["change"], new["achievement_id"]) == ("new", id_of(wheel))
    gone = await pairs(buyer, later["id"], change="gone", limit=1)
    assert sides(gone) == expected
    shown = {one["demand_id"]: one for one in gone}
    # The buyer's own withdrawn demand is shown to the buyer, the withdrawn achievement is not.
    assert shown[id_of(film)]["demand"]["state"] == "withdrawn"
    assert shown[id_of(drying)]["achievement"] is None
    assert shown[id_of(drying)]["reasons"] is None
    assert "余热除湿机组" not in json.dumps(gone, ensure_ascii=False)

    everything = {"change": ["new", "kept", "gone"]}
    listed = await pairs(buyer, later["id"], limit=2, **everything)
    assert [one["score"] for one in listed] == sorted(
        (one["score"] for one in listed), reverse=True
    )
    lines = await buyer.get(f"{RUNS}/{later['id']}/pairs.ndjson", params=everything)
    assert [json.loads(line) for line in lines.text.splitlines()] == listed
    book = await buyer.get(f"{RUNS}/{later['id']}/pairs.xlsx", params=everything)
    header, *rows = openpyxl.load_workbook(io.BytesIO(book.content)).active.iter_rows()
    assert [header[column].value for column in (0, 2, 10)] == ["需求", "成果", "变化"]
    table = {row[9].value: row for row in rows}
    assert table[id_of(dryer)][2].value == "（已不公开）"
    assert [table[id_of(one)][10].value for one in (wheel, foil)] == ["新增", "消失"]
    assert (table[id_of(wheel)][2].value, table[id_of(wheel)][2].data_type) == (
        "=余热除湿转轮",
        "s",
    )

    # Reasons quote the records as they were: what is changed since is not told from them.
    change = {"title": "转轮"}
    await scholar.patch(wheel, json=change, headers={"If-Match": "*"})
    (new,) = await pairs(buyer, later["id"])
    assert (new["achievement"]["title"], new["reasons"]) == ("转轮", None)

    notices = (await buyer.get("/v1/inbox")).json()["items"]
    told = [one for one in notices if one["kind"] == "match_run_done"]
    assert len(told) == 3
    assert "新增 1 对，消失 2 对" in told[0]["text"]
    assert told[0]["link"] == f"{RUNS}/{later['id']}"
    followed = await buyer.get(f"{RUNS}/{later['id']}/events", timeout=20)
    assert '"state":"done"' in followed.text
    assert [one["id"] for one in (await buyer.get(RUNS)).json()["items"]] == [
        later["id"],
        again["id"],
        first["id"],
    ]
    assert (await scholar.get(RUNS)).json()["items"] == []
    for path in ("", "/pairs", "/pairs.xlsx", "/pairs.ndjson", "/events"):
        assert (await scholar.get(f"{RUNS}/{later['id']}{path}")).status_code == 404, path
    for cursor in ("x", "WyJuYW4iLCJ4IiwieCJd"):
        odd = await buyer.get(f"{RUNS}/{later['id']}/pairs", params={"cursor": cursor})
        assert (odd.status_code, odd.json()["code"]) == (422, "cursor_invalid")


async def test_a_part_is_matched_for_whom_it_concerns_and_names_nobody(
    service: Service,
    admin: httpx.AsyncClient,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
) -> None:
    wet = {"title": "烘房余热除湿", "cooperation": ["license"]}
    own = await publish(buyer, "/v1/demands", service.enterprise, field="节能", **wet)
    hidden = await publish(
        buyer, "/v1/demands", service.enterprise, title="车间余热除湿", anonymous=True
    )
    others = await publish(admin, "/v1/demands", service.university, title="粮仓余热除湿")
    dryer = await publish(
        scholar, "/v1/achievements", service.university, title="余热除湿机组", field="环保"
    )
    await catch_up(service.runtime)

    async def matched(client: httpx.AsyncClient, **body: Any) -> set[str]:
        found = await pairs(client, (await run(client, **body))["id"])
        return {one["demand_id"] for one in found}

    three = {id_of(one) for one in (own, hidden, others)}
    whole = await run(admin)
    assert whole["organization_id"] is None
    assert sides(await pairs(admin, whole["id"])) == {(one, id_of(dryer)) for one in three}
    assert (await buyer.get(f"{RUNS}/{whole['id']}")).status_code == 404
    parts: list[tuple[dict[str, Any], set[str]]] = [
        ({}, {own, hidden}),
        ({"filter": {"field": ["节能", "医药"], "cooperation": ["license"]}}, {own}),
        ({"filter": {"stage": ["pilot"]}}, set()),
        ({"filter": {"organization_id": [str(service.university)]}}, set()),
        ({"against": {"field": ["医药"]}}, set()),
    ]
    found = await asyncio.gather(*(matched(buyer, **body) for body, _ in parts))
    assert found == [{id_of(one) for one in expected} for _, expected in parts]

    # The other way round: whose the anonymous demand is, neither a page nor a file tells.
    other_way = await run(scholar, kind="achievement")
    shown = {one["demand_id"]: one["demand"] for one in await pairs(scholar, other_way["id"])}
    assert shown.keys() == three
    assert shown[id_of(hidden)]["organization"] is None
    assert shown[id_of(own)]["organization"]["name"] == "锦城机电有限公司"
    named = {"organization_id": [str(service.enterprise)]}
    assert await matched(scholar, kind="achievement", against=named) == {id_of(own)}
    await buyer.patch(own, json={"anonymous": True}, headers={"If-Match": "*"})
    for ending in ("", ".ndjson"):
        text = (await scholar.get(f"{RUNS}/{other_way['id']}/pairs{ending}")).text
        assert id_of(own) in text
        assert "锦城机电" not in text
    book = await scholar.get(f"{RUNS}/{other_way['id']}/pairs.xlsx")
    cells = str(list(openpyxl.load_workbook(io.BytesIO(book.content)).active.values))
    assert "匿名企业" in cells
    assert "锦城机电" not in cells
    told = {one["demand_id"]: one["demand"] for one in await pairs(admin, other_way["id"])}
    assert told[id_of(hidden)]["organization"]["id"] == str(service.enterprise)
    assert (await buyer.get(f"{RUNS}/{other_way['id']}")).status_code == 404

    for body, loc in (
        ({"per_record": 21}, ["body", "per_record"]),
        ({"min_grade": 0}, ["body", "min_grade"]),
        ({"filter": {"include_expired": True}}, ["body", "filter", "include_expired"]),
        ({"kind": "deal"}, ["body", "kind"]),
    ):
        refused = await buyer.post(RUNS, json={"kind": "demand", **body})
        assert refused.status_code == 422
        assert [one["loc"] for one in refused.json()["errors"]] == [loc]
    body = {"kind": "demand", "organization_id": str(service.university)}
    assert (await buyer.post(RUNS, json=body)).status_code == 403


@asynccontextmanager
async def listed(settings: Settings, count: int) -> AsyncIterator[tuple[Runtime, uuid.UUID]]:
    """Two lists in an index, with nothing at work; and whose the demands are."""
    settings.data_dir.mkdir()
    async with open_runtime(settings) as runtime:
        await migrations.migrate(runtime.database)
        async with runtime.database.write() as session:
            owner = await create_organization(
                session, OPERATOR, name="锦城机电有限公司", kind=OrganizationKind.ENTERPRISE
            )
            kinds: tuple[tuple[Any, Any, str], ...] = (
                (demands, DemandCreate, "余热除湿改造"),
                (achievements, AchievementCreate, "余热除湿机组"),
            )
            for lists, schema, title in kinds:
                values = [
                    schema(organization_id=owner.id, title=f"{title}{number}")
                    for number in range(count)
                ]
                changes = [lists.draft(owner, one) for one in values]
                for change in changes:
                    change.record.stored_state = ListingState.PUBLISHED
                    change.record.published_at = now()
                await lists.save(session, OPERATOR, changes)
        await catch_up(runtime)
        yield runtime, owner.id


async def begin(runtime: Runtime, owner: uuid.UUID, **asked: Any) -> uuid.UUID:
    async with runtime.database.write() as session:
        body = MatchRunCreate(
            kind=ListKind.DEMAND, organization_id=owner, per_record=3, min_grade=1, **asked
        )
        return (await runs.start(session, OPERATOR, body)).id


async def stored(runtime: Runtime, run_id: uuid.UUID) -> tuple[MatchRun, int]:
    """A run, and how many pairs it has."""
    async with runtime.database.read() as session:
        count = select(func.count()).where(MatchRunPair.run_id == run_id)
        return await session.get_one(MatchRun, run_id), await session.scalar(count) or 0


KILLED = """
import asyncio, sys, uuid
from kechuangtong.matching.router import matcher
from kechuangtong.matching.runs import work
from kechuangtong.runtime import open_runtime
from kechuangtong.settings import Settings

work.CHUNK, work._BREATH = 2, 0.1

async def main():
    async with open_runtime(Settings()) as runtime:
        await work.run(runtime.database, matcher(runtime), uuid.UUID(sys.argv[1]))

asyncio.run(main())
"""


async def test_a_run_that_is_killed_or_done_by_two_finds_the_same_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 30
    async with listed(settings, count) as (runtime, owner):
        killed = await begin(runtime, owner)
        environment = {
            **os.environ,
            "KCT_DATA_DIR": str(settings.data_dir),
            "KCT_DATABASE_URL": settings.resolved_database_url,
            "KCT_EMBEDDINGS": "none",
        }
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(killed)], env=environment)

        async def moving() -> bool:
            return (await stored(runtime, killed))[0].done > 2

        await until(moving, 40)
        process.send_signal(signal.SIGKILL)
        process.wait()
        reached, pairs_kept = await stored(runtime, killed)
        assert reached.state is MatchRunState.RUNNING
        assert 0 < reached.done < count
        assert pairs_kept == 3 * reached.done

        # Two go on with it at once, as where a worker was taken for dead that is not.
        monkeypatch.setattr(work, "CHUNK", 4)
        both = [work.run(runtime.database, matcher(runtime), killed) for _ in range(2)]
        ended = await asyncio.gather(*both)
        assert {one.state for one in ended} == {MatchRunState.DONE}
        one, kept = await stored(runtime, killed)
        assert (one.done, one.total, kept) == (count, count, 3 * count)
        assert one.counts["new"] == kept

        # One that nothing disturbs finds the same, with the pairs of the run before at hand.
        again = await begin(runtime, owner)
        other = await begin(runtime, owner)
        for run_id in (again, other):
            await work.run(runtime.database, matcher(runtime), run_id)
            undisturbed, _ = await stored(runtime, run_id)
            counts = undisturbed.counts
            assert (counts["kept"], counts["new"], counts["gone"]) == (3 * count, 0, 0)
        assert undisturbed.previous_id == again


async def test_a_run_is_cancelled_fails_waits_for_its_turn_and_is_forgotten(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "CHUNK", 2)
    monkeypatch.setattr(work, "_BREATH", 0.05)
    async with listed(settings, 12) as (runtime, owner):
        run_id = await begin(runtime, owner)
        doing = asyncio.create_task(work.run(runtime.database, matcher(runtime), run_id))

        async def moving() -> bool:
            return (await stored(runtime, run_id))[0].done > 0

        await until(moving)
        async with runtime.database.write() as session:
            await runs.cancel(session, OPERATOR, run_id)
        assert (await doing).state is MatchRunState.CANCELLED
        cancelled, kept = await stored(runtime, run_id)
        assert 0 < cancelled.done < 12
        assert kept == 3 * cancelled.done
        assert cancelled.finished_at is not None
        async with runtime.database.write() as session:
            with pytest.raises(runs.MatchRunEnded):
                await runs.cancel(session, OPERATOR, run_id)
        await work.fail(runtime.database, run_id)  # it has ended already
        assert (await stored(runtime, run_id))[0].state is MatchRunState.CANCELLED

        failing = await begin(runtime, owner)
        await work.fail(runtime.database, failing)
        failed, _ = await stored(runtime, failing)
        shown = runs.show(failed)
        assert shown.state is MatchRunState.FAILED
        assert shown.failure is not None
        whole = await begin(runtime, owner)
        done = await work.run(runtime.database, matcher(runtime), whole)
        assert done.previous_id is None  # neither ended with all that it should find

        # Many begun at once: no more than the limit wait.
        outcomes = await asyncio.gather(
            *(begin(runtime, owner) for _ in range(8)), return_exceptions=True
        )
        refused = [one for one in outcomes if isinstance(one, runs.TooManyRuns)]
        assert len(refused) == 8 - runs.UNFINISHED
        assert len(await work.waiting(runtime.database)) == runs.UNFINISHED

        async with runtime.database.write() as session:
            old = [
                runs.new_run(OPERATOR, owner, MatchRunCreate(kind=ListKind.ACHIEVEMENT))
                for _ in range(12)
            ]
            for one in old:
                one.state = MatchRunState.DONE
            session.add_all(old)
        async with runtime.database.write() as session:
            await session.execute(delete(MatchRun).where(MatchRun.id.in_(runs.superseded())))
        async with runtime.database.read() as session:
            left = list(await session.scalars(select(MatchRun.id).order_by(MatchRun.id)))
        newest = sorted(one.id for one in old)[2:]
        assert [one for one in left if one in {each.id for each in old}] == newest
        assert {run_id, failing, whole} <= set(left)
