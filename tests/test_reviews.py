"""Review before publication: every state and action, who decides, imports, edits, races."""

import asyncio
import uuid
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from conftest import Service
from kechuangtong.accounts.permissions import PlatformRole
from kechuangtong.core.errors import AppError
from kechuangtong.lists.service import move
from kechuangtong.lists.states import TRANSITIONS, Action
from kechuangtong.models import Achievement, Demand, Mail, Notice
from kechuangtong.models.listing import ListingState
from people import change, reviewer, signed_in
from waiting import until

S, A = ListingState, Action

# What each action makes of each state, written out once more: all others are refused.
EXPECTED = {
    A.PUBLISH: {S.DRAFT: S.PUBLISHED, S.RETURNED: S.PUBLISHED, S.WITHDRAWN: S.PUBLISHED},
    A.SUBMIT: {S.DRAFT: S.SUBMITTED, S.RETURNED: S.SUBMITTED, S.WITHDRAWN: S.SUBMITTED},
    A.APPROVE: {S.SUBMITTED: S.PUBLISHED},
    A.RETURN: {S.SUBMITTED: S.RETURNED},
    A.RESUBMIT: {S.PUBLISHED: S.SUBMITTED, S.EXPIRED: S.SUBMITTED, S.SUBMITTED: S.SUBMITTED},
    A.RENEW: {S.PUBLISHED: S.PUBLISHED, S.EXPIRED: S.PUBLISHED},
    A.WITHDRAW: {S.PUBLISHED: S.WITHDRAWN, S.EXPIRED: S.WITHDRAWN, S.SUBMITTED: S.DRAFT},
    A.DELETE: {S.DRAFT: None, S.RETURNED: None},
}


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("state", list(ListingState))
def test_every_action_in_every_state(state: ListingState, action: Action) -> None:
    assert set(TRANSITIONS) == set(ListingState)
    assert (action in TRANSITIONS[state]) == (state in EXPECTED[action])
    record = Achievement(stored_state=state)
    if state not in EXPECTED[action]:
        with pytest.raises(AppError) as refused:
            move(record, action)
        assert refused.value.code == "wrong_state"
        assert record.stored_state is state
        return
    move(record, action)
    after = EXPECTED[action][state]
    assert record.stored_state is (state if after is None else after)
    assert (record.published_at is not None) == (action in (A.PUBLISH, A.APPROVE))


async def require_review(service: Service, admin: httpx.AsyncClient) -> None:
    """The university's records are reviewed from now on, and it is in 成都市武侯区."""
    path = f"/v1/organizations/{service.university}"
    body = {"review": True, "place": "四川省成都市武侯区"}
    assert (await change(admin, path, body, "PATCH")).json()["review"] is True


async def create(client: httpx.AsyncClient, service: Service, **values: Any) -> str:
    body = {"organization_id": str(service.university), "title": "石墨烯导热膜", **values}
    return str((await client.post("/v1/achievements", json=body)).headers["Location"])


async def open_review(client: httpx.AsyncClient, path: str) -> str:
    """The path of the open review of a record."""
    query = {"subject_id": path.rsplit("/", 1)[1], "state": "open"}
    (one,) = (await client.get("/v1/reviews", params=query)).json()["items"]
    return f"/v1/reviews/{one['id']}"


async def test_a_record_is_public_when_a_reviewer_of_its_district_has_approved_it(
    service: Service,
    admin: httpx.AsyncClient,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    path = await create(scholar, service)
    refused = await change(scholar, f"{path}/submit")
    assert (refused.status_code, refused.json()["code"]) == (409, "review_not_required")
    own = f"/v1/organizations/{service.university}"
    refused = await change(scholar, own, {"review": False}, "PATCH")
    assert (refused.status_code, refused.json()["errors"][0]["loc"]) == (403, ["body", "review"])
    assert (await change(scholar, own, {"place": "四川省"}, "PATCH")).is_success
    await require_review(service, admin)
    here, elsewhere = await reviewer(service, "a", "武侯区"), await reviewer(service, "b", "锦江区")
    auditor = await signed_in(service, "auditor", role=PlatformRole.AUDITOR)

    refused = await change(scholar, f"{path}/publish")
    assert (refused.status_code, refused.json()["code"]) == (409, "review_required")
    assert "submit" in refused.json()["detail"]
    assert (await scholar.post(f"{path}/submit")).status_code == 428
    assert (await change(scholar, f"{path}/submit")).json()["state"] == "submitted"
    assert (await change(scholar, f"{path}/submit")).json()["code"] == "wrong_state"
    # Those of the district see it as it is submitted, without contacts; nobody else does.
    for client, status in (
        (here, 200),
        (auditor, 200),
        (elsewhere, 404),
        (buyer, 404),
        (anyone, 404),
    ):
        assert (await client.get(path)).status_code == status
    review = await open_review(here, path)
    for client, status in ((scholar, 200), (auditor, 200), (elsewhere, 404), (buyer, 404)):
        assert (await client.get(review)).status_code == status
        assert len((await client.get("/v1/reviews")).json()["items"]) == (status == 200)
    assert (await here.get(review)).json()["achievement"]["title"] == "石墨烯导热膜"
    for client, status, code in (
        (elsewhere, 404, "not_found"),
        (auditor, 403, "forbidden"),
        (scholar, 403, "forbidden"),
    ):
        answer = await change(client, f"{review}/approve")
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    insider = await signed_in(
        service,
        "insider",
        role=PlatformRole.REVIEWER,
        district="武侯区",
        member_of=service.university,
    )
    answer = await change(insider, f"{review}/approve")
    assert (answer.status_code, answer.json()["code"]) == (403, "own_review")

    body = {"reasons": ["unclear", "incomplete", "unclear"], "comment": "请写明指标。"}
    returned = await change(here, f"{review}/return", body)
    assert returned.json()["reasons"] == ["unclear", "incomplete"]
    assert (await scholar.get(path)).json()["state"] == "returned"
    assert (await here.get(path)).status_code == 404
    assert (await here.get(review)).json()["achievement"] is None
    assert (await scholar.get(review)).json()["comment"] == body["comment"]
    assert await _waiting(service) == ["review_returned"]
    edited = await change(scholar, path, {"description": "导热 1500 W/mK"}, "PATCH")
    assert edited.json()["state"] == "returned"
    await change(scholar, f"{path}/submit")
    assert await _waiting(service) == []
    # Taken back and handed in again: it is another review.
    assert (await change(scholar, f"{path}/withdraw")).json()["state"] == "draft"
    assert (await change(scholar, f"{path}/submit")).json()["state"] == "submitted"
    states = (await scholar.get("/v1/reviews")).json()["items"]
    assert [one["state"] for one in states] == ["open", "withdrawn", "returned"]
    review = await open_review(here, path)
    approved = await change(here, f"{review}/approve")
    assert approved.json()["state"] == "approved"
    assert (await anyone.get(path)).json()["state"] == "published"
    async with service.runtime.database.read() as session:
        notices = await session.scalars(select(Notice).order_by(Notice.id))
        assert [one.kind for one in notices] == ["review_returned", "review_approved"]

    async def found() -> bool:
        return (await anyone.get("/v1/search")).json()["total"] == 1

    await until(found)
    # An edit of what is public takes it back to review, and what it was is not shown meanwhile.
    edited = await change(scholar, path, {"description": "导热 1800 W/mK"}, "PATCH")
    assert edited.json()["state"] == "submitted"
    assert (await anyone.get(path)).status_code == 404
    assert (await anyone.get("/v1/search")).json()["items"] == []
    # Read before an edit, it cannot be decided after.
    review = await open_review(here, path)
    read = await here.get(review)
    await change(scholar, path, {"description": "导热 1900 W/mK"}, "PATCH")
    stale = await here.post(f"{review}/approve", headers={"If-Match": read.headers["ETag"]})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    # What was public once cannot be deleted by way of a draft.
    await change(scholar, f"{path}/withdraw")
    kept = await change(scholar, path, method="DELETE")
    assert (kept.status_code, kept.json()["code"]) == (409, "was_public")
    # Administrators publish without a review.
    assert (await change(admin, f"{path}/publish")).json()["state"] == "published"
    # When the organization moves, its reviews move with it.
    await change(scholar, path, {"field": "新材料"}, "PATCH")
    await change(admin, own, {"place": "四川省成都市锦江区"}, "PATCH")
    assert len((await here.get("/v1/reviews?state=open")).json()["items"]) == 0
    assert await open_review(elsewhere, path)
    assert (await elsewhere.get(path)).status_code == 200


async def _waiting(service: Service) -> list[str]:
    async with service.runtime.database.read() as session:
        return [one.kind for one in await session.scalars(select(Notice).where(Notice.waiting))]


async def test_of_many_who_decide_at_once_one_does(
    service: Service, admin: httpx.AsyncClient, scholar: httpx.AsyncClient
) -> None:
    await require_review(service, admin)
    path = await create(scholar, service, contact={"phone": "028-00000000"})
    await change(scholar, f"{path}/submit")
    deciders = [await reviewer(service, f"r{number}") for number in range(3)]
    review = await open_review(deciders[0], path)
    read = await deciders[0].get(review)
    assert read.json()["achievement"]["contact"] is None
    tag = {"If-Match": read.headers["ETag"]}
    answers = await asyncio.gather(
        *(one.post(f"{review}/approve", headers=tag) for one in deciders),
        *(change(one, f"{review}/return", {"reasons": ["other"]}) for one in deciders),
        change(scholar, path, {"field": "新材料"}, "PATCH"),
    )
    decided = [one.status_code for one in answers[:6]]
    # Whether the edit comes first, in between or last: one of the six decides.
    assert decided.count(200) == 1
    assert set(decided) <= {200, 409, 412}
    assert answers[6].status_code == 200
    reviews = (await admin.get("/v1/reviews")).json()["items"]
    assert next(one["state"] for one in reviews if one["id"] == read.json()["id"]) in (
        "approved",
        "returned",
    )
    async with service.runtime.database.read() as session:
        notices = (await session.scalars(select(Notice))).all()
        assert len(notices) == 1
        assert (await session.scalars(select(Mail))).all() == []  # nobody there has an address


async def test_an_import_submits_and_leaves_what_is_unchanged(
    service: Service, admin: httpx.AsyncClient, scholar: httpx.AsyncClient
) -> None:
    await require_review(service, admin)
    decider = await reviewer(service, "r")

    async def imported(text: str) -> dict[str, int]:
        answer = await scholar.post(
            "/v1/imports",
            files={"file": ("成果.csv", text.encode())},
            data={"kind": "achievement", "organization": str(service.university)},
        )
        path = answer.headers["Location"]

        async def done() -> bool:
            return (await scholar.get(path)).json()["state"] in ("done", "failed")

        await until(done)
        counts = (await scholar.get(path)).json()["counts"]
        return {name: count for name, count in counts.items() if count}

    async def states() -> dict[str, str]:
        found = (await scholar.get("/v1/achievements")).json()["items"]
        return {one["title"]: one["state"] for one in found}

    async def decide(title: str, what: str, body: Any = None) -> None:
        (one,) = (
            one
            for one in (await decider.get("/v1/reviews?state=open")).json()["items"]
            if one["title"] == title
        )
        assert (await change(decider, f"/v1/reviews/{one['id']}/{what}", body)).is_success

    first = "成果名称,简介\n甲,一\n乙,二\n丙,三\n"
    assert await imported(first) == {"created": 3}
    assert await states() == dict.fromkeys("甲乙丙", "submitted")
    assert await imported(first) == {"unchanged": 3}
    await decide("甲", "approve")
    await decide("乙", "return", {"reasons": ["unclear"]})
    assert await imported(first) == {"unchanged": 3}
    assert await states() == {"甲": "published", "乙": "returned", "丙": "submitted"}
    assert await imported("成果名称,简介\n甲,新\n乙,新\n丙,新\n") == {"changed": 3}
    assert await states() == dict.fromkeys("甲乙丙", "submitted")
    open_ = (await decider.get("/v1/reviews?state=open")).json()["items"]
    assert sorted(one["title"] for one in open_) == ["丙", "乙", "甲"]
    async with service.runtime.database.read() as session:
        assert len({one.subject_id for one in await session.scalars(select(Notice))}) == 2


async def test_the_setting_holds_where_an_organization_says_nothing(
    service: Service, admin: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    reviewing = service.runtime.settings.model_copy(update={"review": True})
    object.__setattr__(service.runtime, "settings", reviewing)
    body = {"organization_id": str(service.enterprise), "title": "烘房除湿"}
    path = (await buyer.post("/v1/demands", json=body)).headers["Location"]
    assert (await change(buyer, f"{path}/publish")).json()["code"] == "review_required"
    assert (await change(buyer, f"{path}/submit")).json()["state"] == "submitted"
    decider = await reviewer(service, "r")
    review = await open_review(decider, path)
    assert (await decider.get(review)).json()["demand"]["id"] == path.rsplit("/", 1)[1]
    assert (await change(decider, f"{review}/return", {"reasons": ["other"]})).is_success
    own = f"/v1/organizations/{service.enterprise}"
    await change(admin, own, {"review": False}, "PATCH")
    assert (await change(buyer, f"{path}/submit")).json()["code"] == "review_not_required"
    assert (await change(buyer, f"{path}/publish")).json()["state"] == "published"
    edited = await change(buyer, path, {"field": "绿色低碳"}, "PATCH")
    assert edited.json()["state"] == "published"
    async with service.runtime.database.read() as session:
        record = await session.get_one(Demand, uuid.UUID(path.rsplit("/", 1)[1]))
        assert record.published_at is not None
