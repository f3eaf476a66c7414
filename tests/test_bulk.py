"""Many records published, submitted or withdrawn at once."""

import uuid
from datetime import timedelta

import httpx
from sqlalchemy import select, update

from conftest import Service
from kechuangtong.core.clock import today
from kechuangtong.models import Achievement, Demand, Event, Organization
from people import change


async def made(client: httpx.AsyncClient, kind: str, owner: uuid.UUID, **values: object) -> str:
    body = {"organization_id": str(owner), **values}
    answer = await client.post(f"/v1/{kind}", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def bulk(client: httpx.AsyncClient, kind: str, action: str, ids: list[str]) -> dict[str, str]:
    """What each record was answered with: its new state, or the code of what prevents it."""
    answer = await client.post(f"/v1/{kind}/bulk", json={"action": action, "ids": ids})
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert answer.json()["done"] == sum(one["done"] for one in items)
    assert all(bool(one["message"]) != one["done"] for one in items)
    return {one["id"]: one["code"] or one["state"] for one in items}


async def test_all_that_can_be_are_done_and_each_is_answered(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    mine = service.university
    past = await made(scholar, "achievements", mine, title="过期")
    drafts = [await made(scholar, "achievements", mine, title=f"成果{n}") for n in range(3)]
    public = await made(scholar, "achievements", mine, title="已发布")
    await change(scholar, f"/v1/achievements/{public}/publish")
    async with service.runtime.database.write() as session:
        yesterday = today() - timedelta(days=1)
        late = update(Achievement).where(Achievement.id == uuid.UUID(past))
        await session.execute(late.values(valid_until=yesterday))
    none = str(uuid.uuid4())
    everything = [past, *drafts, public, none, drafts[0]]
    assert await bulk(buyer, "achievements", "withdraw", everything) == dict.fromkeys(
        [past, *drafts, none], "not_found"
    ) | {public: "forbidden"}
    assert await bulk(scholar, "achievements", "publish", everything) == {
        past: "date_past",
        **dict.fromkeys(drafts, "published"),
        public: "wrong_state",
        none: "not_found",
    }
    assert await bulk(scholar, "achievements", "submit", drafts[:1]) == {
        drafts[0]: "review_not_required"
    }
    assert set((await bulk(scholar, "achievements", "withdraw", drafts)).values()) == {"withdrawn"}
    async with service.runtime.database.read() as session:
        logged = await session.execute(
            select(Event.subject_id, Event.action)
            .where(Event.subject_id.in_([uuid.UUID(one) for one in [past, *drafts]]))
            .order_by(Event.id)
        )
        actions = [(str(subject), action) for subject, action in logged]
        kept = await session.get_one(Achievement, uuid.UUID(past))
    assert [action for one, action in actions if one == drafts[0]] == [
        "achievement.created", "achievement.published", "achievement.withdrawn"
    ]  # fmt: skip
    assert [action for one, action in actions if one == past] == ["achievement.created"]
    assert (kept.state, kept.version) == ("draft", 1)

    async def found() -> bool:
        return not (await scholar.get("/v1/achievements?state=published")).json()["items"][1:]

    assert await found()


async def test_reviews_and_hidden_names_hold_for_many_as_for_one(
    service: Service, buyer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    owner = service.enterprise
    told = await made(buyer, "demands", owner, title="除湿", anonymous=True)
    plain = await made(buyer, "demands", owner, title="节能", anonymous=True)
    async with service.runtime.database.write() as session:  # as it was before it was anonymous
        await session.execute(
            update(Demand).where(Demand.id == uuid.UUID(told)).values(title="锦城机电的除湿")
        )
        await session.execute(update(Organization).values(review=True))
    both = [told, plain]
    assert await bulk(buyer, "demands", "publish", [plain]) == {plain: "review_required"}
    assert await bulk(buyer, "demands", "submit", both) == {
        told: "names_organization", plain: "submitted"
    }  # fmt: skip
    reviews = (await admin.get("/v1/reviews?state=open")).json()["items"]
    assert [one["subject_id"] for one in reviews] == [plain]
    assert await bulk(buyer, "demands", "withdraw", both) == {told: "wrong_state", plain: "draft"}
    assert (await admin.get("/v1/reviews?state=open")).json()["items"] == []


async def test_what_is_sent_in_bulk_is_bounded(scholar: httpx.AsyncClient) -> None:
    for body, place in (
        ({"action": "publish", "ids": []}, "ids"),
        ({"action": "publish", "ids": [str(uuid.uuid4())] * 1_001}, "ids"),
        ({"action": "delete", "ids": [str(uuid.uuid4())]}, "action"),
    ):
        answer = await scholar.post("/v1/achievements/bulk", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["loc"][:2] == ["body", place]
