"""The audit trail: who did what, found by every filter, taken away whole, and never changed."""

import csv
import io
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError

from conftest import Service, token_for
from kechuangtong.accounts.permissions import PlatformRole
from kechuangtong.models import Event, User

OLD = datetime(2026, 1, 5, 8, tzinfo=UTC)
PERSON, KEY, THING = (uuid.UUID(int=number) for number in (1, 2, 3))
ACTIONS = ("achievement.created", "achievement.published", "achievements.counted", "demand.created")


def an_event(**values: Any) -> dict[str, Any]:
    return {
        "at": OLD,
        "actor_kind": "user",
        "actor_id": PERSON,
        "key_id": None,
        "address": "192.0.2.1",
        "action": "achievement.created",
        "subject_kind": "achievement",
        "subject_id": THING,
        "before": None,
        "after": {"title": "甲"},
        "request_id": "one",
        **values,
    }


async def write(service: Service, *events: dict[str, Any]) -> None:
    async with service.runtime.database.write() as session:
        await session.execute(insert(Event), list(events))


@pytest.fixture
async def auditor(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with service.runtime.database.write() as session:
        session.add(user := User(name="=审计", platform_role=PlatformRole.AUDITOR))
    async with service.client(await token_for(service.runtime, user.id)) as client:
        client.headers["X-User"] = str(user.id)
        yield client


async def found(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get("/v1/audit", params={"limit": 100, **query})
    items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return items


async def test_each_filter_finds_its_events_and_pages_are_in_order(
    service: Service, auditor: httpx.AsyncClient
) -> None:
    others = {
        "actor_id": uuid.UUID(int=9),
        "action": "demand.created",
        "subject_kind": "demand",
        "subject_id": uuid.UUID(int=8),
        "address": "2001:db8::1",
        "request_id": "two",
    }
    await write(service, an_event(), *(an_event(**{name: value}) for name, value in others.items()))
    for name, value in others.items():
        (only,) = await found(auditor, before="2026-02-01T00:00:00Z", **{name: str(value)})
        assert only[name] == str(value)

    await write(service, *(an_event(action=action, request_id="prefix") for action in ACTIONS))
    for prefix, expected in {"achievement.": 2, "achievement": 0, "demand.": 1, "d.": 0}.items():
        assert len(await found(auditor, action=prefix, request_id="prefix")) == expected, prefix

    times = [OLD + timedelta(days=number // 2) for number in range(7)]
    await write(service, *(an_event(at=at, address="times") for at in reversed(times)))
    page = await auditor.get("/v1/audit", params={"address": "times", "limit": 2})
    seen = page.json()["items"]
    while "next" in page.links:
        page = await auditor.get(page.links["next"]["url"])
        seen += page.json()["items"]
    order = [(one["at"], one["id"]) for one in seen]
    assert len(order) == 7
    assert order == sorted(order, reverse=True)
    between = await found(
        auditor, address="times", after=times[2].isoformat(), before=times[4].isoformat()
    )
    assert [datetime.fromisoformat(one["at"]) for one in between] == [times[3], times[2]]

    read = (await auditor.get(f"/v1/audit/{seen[0]['id']}")).json()
    assert read == seen[0]
    assert read["after"] == {"title": "甲"}
    for path, status in {
        "/v1/audit/999999999": 404,
        f"/v1/audit/{2**63}": 422,
        "/v1/audit/x": 422,
        "/v1/audit?cursor=x": 422,
        "/v1/audit?cursor=WyIyMDI2IiwieCJd": 422,
        "/v1/audit?limit=101": 422,
        "/v1/audit?who=me": 422,
        "/v1/audit?after=2026-01-01T00:00:00": 422,
        "/v1/audit/export?limit=1": 422,
        "/v1/audit/export?format=xlsx": 422,
    }.items():
        answer = await auditor.get(path)
        assert answer.status_code == status, path
        assert answer.json()["errors"][0]["loc"], path


async def test_of_several_filters_the_most_telling_is_looked_up(service: Service) -> None:
    """On SQLite, which keeps no statistics by itself; PostgreSQL does."""
    database = service.runtime.database
    if database.engine.dialect.name != "sqlite":
        return
    conditions = "subject_kind = 'a' AND action = 'a.b' AND address = '1' AND actor_id = 'x'"
    async with database.read() as session:
        for leading in ("actor_id", "address", "action"):
            plan = f"EXPLAIN QUERY PLAN SELECT id FROM events WHERE {conditions} ORDER BY at DESC, id DESC"
            steps = [row[3] for row in await session.execute(text(plan))]
            assert steps == [f"SEARCH events USING INDEX ix_events_{leading}_at_id ({leading}=?)"]
            conditions = conditions.rpartition(" AND ")[0]


async def test_persons_are_told_by_their_present_names(
    service: Service, auditor: httpx.AsyncClient
) -> None:
    me = uuid.UUID(auditor.headers["X-User"])
    await write(
        service,
        an_event(actor_id=me, address="names"),
        an_event(actor_id=uuid.UUID(int=7), address="names"),
        an_event(actor_kind="operator", actor_id=None, address="names"),
    )
    assert [one["actor_name"] for one in await found(auditor, address="names")] == [
        None,
        None,
        "=审计",
    ]
    async with service.runtime.database.write() as session:
        await session.execute(update(User).where(User.id == me).values(name="7012"))
    assert (await found(auditor, address="names"))[-1]["actor_name"] == "7012"


async def test_an_export_holds_all_that_the_filters_leave_and_is_an_event_itself(
    service: Service, auditor: httpx.AsyncClient
) -> None:
    me = uuid.UUID(auditor.headers["X-User"])
    await write(service, *(an_event(request_id=f"r{number}") for number in range(450)))
    await write(
        service,
        an_event(actor_id=me, action="demand.x", address="+1", request_id="-2", before={"a": "=1"}),
        an_event(action="demand.x", address="＝1", after={"title": '引"号,\n换行'}),
    )
    await write(service, an_event(action="other.thing"))
    before = {"before": "2026-02-01T00:00:00Z"}

    lines = await auditor.get("/v1/audit/export", params={"action": "achievement.", **before})
    assert lines.headers["content-type"] == "application/x-ndjson"
    events = [json.loads(line) for line in lines.text.splitlines()]
    assert [one["request_id"] for one in events] == [f"r{number}" for number in range(449, -1, -1)]
    assert events[0] == (await auditor.get(f"/v1/audit/{events[0]['id']}")).json()

    table = await auditor.get("/v1/audit/export?format=csv&action=demand.", params=None)
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"].endswith('.csv"')
    second, first = csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"), newline=""))
    assert list(first) == list(events[0])
    assert (first["actor_name"], first["address"], first["request_id"]) == ("'=审计", "'+1", "'-2")
    assert json.loads(first["before"]) == {"a": "=1"}
    assert (second["address"], second["actor_name"], second["key_id"]) == ("'＝1", "", "")
    assert json.loads(second["after"]) == {"title": '引"号,\n换行'}

    csv_export, ndjson_export = await found(auditor, action="audit.exported")
    assert (csv_export["actor_id"], csv_export["address"]) == (str(me), "127.0.0.1")
    assert csv_export["after"] == {"action": "demand.", "format": "csv"}
    assert ndjson_export["after"] == {"action": "achievement.", "format": "ndjson", **before}


async def test_an_export_reads_a_few_events_at_a_time(
    service: Service, auditor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many events there are, no more than a few hundred are made into lines at once."""
    from kechuangtong.events import service as events_service

    monkeypatch.setattr(events_service, "_AT_ONCE", 7)
    await write(service, *(an_event(address="many") for _ in range(30)))
    query = events_service.ExportQuery(address="many")
    parts = [part async for part in events_service.export(service.runtime.database, query)]
    assert [part.count(b"\n") for part in parts] == [7, 7, 7, 7, 2]


async def test_refused_changes_are_kept_and_refused_reading_is_not(
    service: Service,
    admin: httpx.AsyncClient,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    body = {"organization_id": str(service.university), "title": "石墨烯导热膜"}
    made = await scholar.post("/v1/achievements", json=body)
    path = made.headers["Location"]
    tag = {"If-Match": made.headers["ETag"]}
    tag = {"If-Match": (await scholar.post(f"{path}/publish", headers=tag)).headers["ETag"]}
    assert (await buyer.patch(path, json={"field": "x"}, headers=tag)).status_code == 403
    assert (await buyer.post("/v1/achievements", json=body)).status_code == 403
    organization = {"name": "甲", "kind": "university"}
    assert (await buyer.post("/v1/organizations", json=organization)).status_code == 403
    assert (await buyer.get("/v1/audit")).status_code == 403
    assert (await anyone.patch(path, json={}, headers=tag)).status_code == 401
    me = (await buyer.get("/v1/auth/me")).json()["id"]
    kept = await found(admin, action="access.refused")
    assert {one["actor_id"] for one in kept} == {me}
    assert [(one["subject_kind"], one["subject_id"], one["after"]) for one in reversed(kept)] == [
        (
            "achievement",
            made.json()["id"],
            {"method": "PATCH", "route": "/v1/achievements/{achievement_id}", "code": "forbidden"},
        ),
        ("user", me, {"method": "POST", "route": "/v1/achievements", "code": "forbidden"}),
        ("user", me, {"method": "POST", "route": "/v1/organizations", "code": "forbidden"}),
    ]
    # What is refused before a path is checked may hold anything.
    async with service.runtime.database.write() as session:
        session.add(nobody := User(name="新人"))
    async with service.client(await token_for(service.runtime, nobody.id)) as client:
        answer = await client.patch("/v1/achievements/%00", json={}, headers=tag)
    assert answer.status_code == 403
    assert (await found(admin, action="access.refused"))[0]["subject_id"] == str(nobody.id)


CHANGES = {
    "sqlite": [
        "UPDATE events SET action = 'x'",
        "UPDATE OR REPLACE events SET id = 2 WHERE id = 1",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT * FROM events WHERE id = 1",
        "REPLACE INTO events (id, at, actor_kind, action, subject_kind, subject_id) "
        "SELECT id, at, actor_kind, 'x', subject_kind, subject_id FROM events WHERE id = 1",
        "INSERT INTO events SELECT * FROM events WHERE id = 1 "
        "ON CONFLICT (id) DO UPDATE SET action = 'x'",
    ],
    "postgresql": [
        "UPDATE events SET action = 'x'",
        "DELETE FROM events",
        "TRUNCATE events",
        "WITH gone AS (DELETE FROM events RETURNING id) SELECT id FROM gone",
        "INSERT INTO events SELECT * FROM events WHERE id = 1 "
        "ON CONFLICT (id) DO UPDATE SET action = 'x'",
        "MERGE INTO events USING (VALUES (1)) AS one (id) ON events.id = one.id "
        "WHEN MATCHED THEN DELETE",
    ],
}


async def test_the_database_itself_refuses_to_change_the_log(service: Service) -> None:
    database = service.runtime.database
    dialect = database.engine.dialect.name
    everything = select(*Event.__table__.columns).order_by(Event.id)
    async with database.read() as session:
        before = (await session.execute(everything)).all()
    assert before[0].id == 1
    settings = ["SET session_replication_role = replica"] if dialect == "postgresql" else []
    for preparing in ([], settings):
        for change in CHANGES[dialect]:
            with pytest.raises(DBAPIError, match=r"append-only|cannot truncate"):  # noqa: PT012
                async with database.write() as session:
                    for statement in [*preparing, change]:
                        await session.execute(text(statement))
    await write(service, an_event())
    async with database.read() as session:
        after = (await session.execute(everything)).all()
    assert after[:-1] == before
