"""Imports that are cancelled while they run, and undone after."""

import asyncio
import uuid
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from conftest import Service
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.core.trade import ImportKind
from kechuangtong.imports import service as imports
from kechuangtong.models import Achievement, Event, Import, ImportRow, Organization
from people import change
from sending import HEADER, send, workbook

ROWS = [["除湿机组", "吸附转轮", "中试", "50万", ""], ["导热膜", "石墨烯", "小试", "面议", ""]]


async def records(service: Service) -> dict[str, Achievement]:
    async with service.runtime.database.read() as session:
        return {one.title: one for one in await session.scalars(select(Achievement))}


async def refusal(client: httpx.AsyncClient, path: str) -> tuple[int, str]:
    answer = await client.post(path)
    return answer.status_code, answer.json()["code"]


async def test_an_import_that_waits_or_runs_is_cancelled_and_what_is_done_stays(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(imports, "CHUNK", 1)
    rows = workbook([[f"成果{place}", "", "", "", ""] for place in range(40)], HEADER)
    database, settings = service.runtime.database, service.runtime.settings
    async with database.write() as session:
        owner = await session.get(Organization, service.university)
        imported = imports.new_import(
            OPERATOR, kind=ImportKind.ACHIEVEMENT, organization=owner, file_name="a.xlsx"
        )
        session.add(imported)
    path = imports.file_path(settings, imported)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(rows)
    begun, cancelled = asyncio.Event(), asyncio.Event()
    run_chunk = imports._run_chunk

    async def slowly(*arguments: Any) -> Import:
        chunk = await run_chunk(*arguments)
        begun.set()
        await cancelled.wait()
        return chunk

    monkeypatch.setattr(imports, "_run_chunk", slowly)
    running = asyncio.create_task(imports.run_import(database, settings, imported.id))
    await begun.wait()
    assert (await buyer.post(f"/v1/imports/{imported.id}/cancel")).status_code == 404
    answer = await scholar.post(f"/v1/imports/{imported.id}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    cancelled.set()
    ended = await running
    assert (ended.state, ended.done) == ("cancelled", 1)
    assert ended.counts["created"] == 1 == len(await records(service))
    # Who goes on with it does nothing.
    again = await imports.run_import(database, settings, imported.id)
    assert (again.state, again.done) == ("cancelled", ended.done)
    assert await refusal(scholar, f"/v1/imports/{imported.id}/cancel") == (409, "import_ended")
    undone = await scholar.post(f"/v1/imports/{imported.id}/undo")
    assert undone.json()["state"] == "undone"
    assert {one.state for one in (await records(service)).values()} == {"withdrawn"}


async def test_an_import_is_undone_wholly_and_once(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    header = [*HEADER, "联系人", "电话"]
    await send(scholar, workbook([[*ROWS[0], "李老师", "028-11112222"]], header))
    before = (await records(service))["除湿机组"]
    changed = [
        ["除湿机组", "新的简介", "产业化", "80万", "ZL201710601862.3", "王老师", "1"],
        ROWS[1],
    ]
    ended = await send(scholar, workbook(changed, header))
    assert (ended["counts"]["changed"], ended["counts"]["created"]) == (1, 1)
    path = f"/v1/imports/{ended['id']}/undo"
    assert await refusal(buyer, path) == (404, "not_found")
    answers = await asyncio.gather(scholar.post(path), scholar.post(path))
    assert sorted(one.status_code for one in answers) == [200, 409]
    assert await refusal(scholar, path) == (409, "nothing_to_undo")
    after = await records(service)
    for name in ("description", "stage", "price", "intellectual_property", "contact",
                 "stored_state", "published_at", "identity", "valid_until"):  # fmt: skip
        assert getattr(after["除湿机组"], name) == getattr(before, name), name
    assert after["导热膜"].state == "withdrawn"
    async with service.runtime.database.read() as session:
        events = await session.execute(
            select(Event.action, Event.before, Event.after).order_by(Event.id.desc()).limit(3)
        )
        logged = {action: (was, now) for action, was, now in events}
    assert logged.keys() == {"import.undone", "achievement.restored", "achievement.withdrawn"}
    assert "王老师" not in str(logged)
    # The list can be sent again.
    again = await send(scholar, workbook(changed, header))
    assert again["counts"]["changed"] == 2


async def test_what_was_never_public_is_deleted_with_its_review(
    service: Service, scholar: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await send(scholar, workbook(ROWS[:1], HEADER))
    async with service.runtime.database.write() as session:
        await session.execute(update(Organization).values(review=True))
    changed = [["除湿机组", "新的简介", "中试", "50万", ""], ROWS[1]]
    ended = await send(scholar, workbook(changed, HEADER))
    assert len((await admin.get("/v1/reviews?state=open")).json()["items"]) == 2
    assert {one.state for one in (await records(service)).values()} == {"submitted"}
    assert (await scholar.post(f"/v1/imports/{ended['id']}/undo")).status_code == 200
    left = await records(service)
    assert {title: one.state for title, one in left.items()} == {"除湿机组": "published"}
    assert left["除湿机组"].description == "吸附转轮"
    assert (await admin.get("/v1/reviews?state=open")).json()["items"] == []


async def test_nothing_is_undone_where_something_was_built_on_it(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    ended = await send(scholar, workbook(ROWS, HEADER))
    path = f"/v1/imports/{ended['id']}/undo"
    made = await records(service)
    record = made["导热膜"].id
    interest = await buyer.post(
        "/v1/interests",
        json={
            "subject_kind": "achievement",
            "organization_id": str(service.enterprise),
            "achievement_id": str(record),
            "message": "想进一步了解。",
        },
    )
    assert interest.status_code == 201, interest.text
    answer = await scholar.post(path)
    assert (answer.status_code, answer.json()["code"]) == (409, "import_built_on")
    assert "导热膜" in answer.json()["detail"]
    assert "除湿机组" not in answer.json()["detail"]
    other = f"/v1/achievements/{made['除湿机组'].id}"
    assert (await change(scholar, other, {"place": "成都"}, "PATCH")).status_code == 200
    assert "除湿机组" in (await scholar.post(path)).json()["detail"]
    assert {one.state for one in (await records(service)).values()} == {"published"}
    dry = await send(scholar, workbook(ROWS, HEADER), dry_run="true")
    assert await refusal(scholar, f"/v1/imports/{dry['id']}/undo") == (409, "nothing_to_undo")
    async with service.runtime.database.write() as session:
        imported = await session.get_one(Import, uuid.UUID(str(ended["id"])))
        assert imported.state == "done"
        rows = await session.scalars(select(ImportRow).where(ImportRow.import_id == imported.id))
        assert [row.version for row in rows] == [1, 1]
