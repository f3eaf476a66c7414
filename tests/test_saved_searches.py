"""Saved searches: kept, run, and told once of what others publish in them."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import func, select, update

from conftest import PASSWORD, Service
from kechuangtong.accounts.permissions import Role
from kechuangtong.accounts.service import create_user
from kechuangtong.models import Event, IndexMark, Mail, Notice, SavedSearch
from kechuangtong.searches import alerts
from kechuangtong.searches.alerts import alert
from test_interests import publish
from waiting import until


def wish(**values: object) -> dict[str, object]:
    return {"name": "石墨烯", "query": {"kind": "achievement", "q": "石墨烯"}, **values}


async def indexed(service: Service) -> None:
    """Return when the index has taken everything in."""

    async def no_marks() -> bool:
        async with service.runtime.database.read() as session:
            return not await session.scalar(select(func.count()).select_from(IndexMark))

    await until(no_marks)


async def test_a_search_is_kept_changed_run_and_deleted(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    for title in ("石墨烯导热膜", "石墨烯浆料", "耐火砖"):
        await publish(scholar, "achievement", service.university, title)
    made = await buyer.post("/v1/saved-searches", json=wish())
    assert made.status_code == 201
    path, tag = made.headers["Location"], made.headers["ETag"]
    assert made.json()["organization_id"] == str(service.enterprise)
    assert (await buyer.get(path)).json() == made.json()

    await indexed(service)
    page = await buyer.get(f"{path}/results?limit=1")
    following = await buyer.get(page.links["next"]["url"])
    found = [page.json()["items"][0], following.json()["items"][0]]
    assert [one["achievement"]["title"] for one in found] == ["石墨烯浆料", "石墨烯导热膜"]

    assert (await scholar.get(path)).status_code == 404
    assert (await scholar.delete(path, headers={"If-Match": tag})).status_code == 404
    assert (await anyone.get(path)).status_code == 401
    assert (await scholar.get("/v1/saved-searches")).json()["items"] == []
    others = f"/v1/saved-searches?organization_id={service.enterprise}"
    assert (await scholar.get(others)).status_code == 403
    assert [one["id"] for one in (await buyer.get(others)).json()["items"]] == [made.json()["id"]]

    assert (await buyer.patch(path, json={"mail": False})).status_code == 428
    query = {"q": "耐火"}
    changed = await buyer.patch(path, json={"query": query}, headers={"If-Match": tag})
    assert (changed.json()["query"]["q"], changed.json()["mail"]) == ("耐火", True)
    assert (await buyer.patch(path, json={}, headers={"If-Match": tag})).status_code == 412
    (item,) = (await buyer.get(f"{path}/results")).json()["items"]
    assert item["achievement"]["title"] == "耐火砖"
    for body, place in (
        (wish(query={"q": "字" * 2_001}), ["body", "query", "q"]),
        (wish(query={"kind": "nothing"}), ["body", "query", "kind"]),
        (wish(query={"cursor": "x"}), ["body", "query", "cursor"]),
        (wish(name=""), ["body", "name"]),
    ):
        bad = await buyer.post("/v1/saved-searches", json=body)
        assert (bad.status_code, bad.json()["errors"][0]["loc"]) == (422, place)
    foreign = wish(organization_id=str(service.university))
    assert (await buyer.post("/v1/saved-searches", json=foreign)).status_code == 403
    tag = changed.headers["ETag"]
    assert (await buyer.delete(path, headers={"If-Match": tag})).status_code == 204
    assert (await buyer.get(path)).status_code == 404
    async with service.runtime.database.read() as session:
        actions = await session.scalars(
            select(Event.action).where(Event.subject_kind == "saved_search").order_by(Event.id)
        )
        assert list(actions) == [f"saved_search.{one}" for one in ("created", "changed", "deleted")]

    # Fifty, also when more are saved at once.
    async with service.runtime.database.write() as session:
        for number in range(45):
            session.add(SavedSearch(organization_id=service.enterprise, name=f"{number}", query={}))
    saved = await asyncio.gather(
        *(buyer.post("/v1/saved-searches", json=wish()) for _ in range(10))
    )
    assert sorted(one.status_code for one in saved) == [201] * 5 + [409] * 5
    assert {one.json()["code"] for one in saved if not one.is_success} == {"too_many_searches"}


async def test_what_others_publish_is_told_once(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alerts, "SETTLING", timedelta(0))
    async with service.runtime.database.write() as session:
        await create_user(
            session,
            name="reader",
            password=PASSWORD,
            email="reader@example.cn",
            organization_id=service.enterprise,
            role=Role.MEMBER,
        )
    await publish(scholar, "achievement", service.university, "石墨烯旧成果")
    saved = (await buyer.post("/v1/saved-searches", json=wish())).json()
    quiet = (await scholar.post("/v1/saved-searches", json=wish(mail=False))).json()
    await indexed(service)
    assert await alert(service.runtime) == 0

    await publish(buyer, "achievement", service.enterprise, "石墨烯自有成果")
    for title in ("石墨烯导热膜", "耐火砖", "石墨烯浆料"):
        await publish(scholar, "achievement", service.university, title)
    await indexed(service)
    # The schedule of the service may come in between, too.
    await asyncio.gather(*(alert(service.runtime) for _ in range(4)))
    assert await alert(service.runtime) == 0
    (notice,) = (await buyer.get("/v1/inbox")).json()["items"]
    assert notice["text"] == "“石墨烯”有 2 条新结果：石墨烯浆料、石墨烯导热膜。"
    assert notice["link"] == f"/v1/saved-searches/{saved['id']}/results"
    assert (await buyer.get(notice["link"])).status_code == 200
    (notice,) = (await scholar.get("/v1/inbox")).json()["items"]
    assert notice["subject_id"] == quiet["id"]
    assert notice["text"] == "“石墨烯”有 1 条新结果：石墨烯自有成果。"
    async with service.runtime.database.read() as session:
        assert list(await session.scalars(select(Mail.recipient))) == ["reader@example.cn"]
    # That it was looked at is no change of the search.
    assert (await buyer.get(f"/v1/saved-searches/{saved['id']}")).headers["ETag"] == '"1"'


async def test_what_the_index_has_not_taken_in_is_told_when_it_has(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    saved = (await buyer.post("/v1/saved-searches", json=wish())).json()
    late = await publish(scholar, "achievement", service.university, "石墨烯浆料")
    await publish(scholar, "achievement", service.university, "石墨烯导热膜")
    await indexed(service)
    assert await alert(service.runtime) == 0  # what was published just now may not be all
    start = datetime.now(UTC)
    # As if all of it were two minutes ago; one waits for the index, which has it not yet.
    async with service.runtime.database.write() as session:
        from kechuangtong.models import Achievement

        for one in await session.scalars(select(Achievement).order_by(Achievement.id)):
            one.published_at = start - timedelta(seconds=200 if str(one.id) == late else 100)
        await session.execute(update(SavedSearch).values(seen_until=start - timedelta(seconds=300)))
        session.add(
            IndexMark(
                kind="achievement",
                record_id=uuid.UUID(late),
                part="words",
                due_at=start + timedelta(hours=1),
            )
        )
    assert await alert(service.runtime) == 0
    async with service.runtime.database.read() as session:
        reached = await session.scalar(select(SavedSearch.seen_until))
    assert reached == start - timedelta(seconds=200)
    async with service.runtime.database.write() as session:
        await session.execute(update(IndexMark).values(due_at=start))
    await indexed(service)
    assert await alert(service.runtime) == 1
    (notice,) = (await buyer.get("/v1/inbox")).json()["items"]
    assert "2 条新结果" in notice["text"]
    async with service.runtime.database.read() as session:
        (key,) = await session.scalars(select(Notice.key))
    assert saved["id"] in key
