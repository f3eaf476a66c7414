"""The lists over HTTP: their life, who may see and change what, and how mistakes are answered."""

import asyncio
import base64
import json
import uuid

import httpx
import pytest
from sqlalchemy import select

from conftest import PASSWORD, Service
from kechuangtong.accounts.tokens import issue_token
from kechuangtong.models import Event, IndexMark
from waiting import until


def achievement(service: Service, **values: object) -> dict[str, object]:
    return {"organization_id": str(service.university), "title": "石墨烯导热膜卷对卷制备", **values}


async def create(client: httpx.AsyncClient, body: dict[str, object]) -> httpx.Response:
    return await client.post("/v1/achievements", json=body)


async def test_a_record_lives_from_draft_to_withdrawal(
    service: Service, scholar: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    made = await create(scholar, achievement(service, price={"kind": "fixed", "low": "5000"}))
    assert made.status_code == 201
    path = made.headers["Location"]
    assert made.json()["state"] == "draft"
    assert made.json()["price"] == {"kind": "fixed", "low": "5000.00", "high": "5000.00"}
    assert (await anyone.get(path)).status_code == 404

    published = await scholar.post(f"{path}/publish", headers={"If-Match": made.headers["ETag"]})
    assert published.json()["state"] == "published"
    assert (await anyone.get(path)).json()["title"] == made.json()["title"]

    changed = await scholar.patch(
        path, json={"field": "新材料"}, headers={"If-Match": published.headers["ETag"]}
    )
    assert changed.json()["field"] == "新材料"
    refused = await scholar.delete(path, headers={"If-Match": changed.headers["ETag"]})
    assert refused.status_code == 409
    withdrawn = await scholar.post(
        f"{path}/withdraw", headers={"If-Match": changed.headers["ETag"]}
    )
    assert withdrawn.json()["state"] == "withdrawn"
    assert (await anyone.get(path)).status_code == 404

    async with service.runtime.database.read() as session:
        events = (await session.scalars(select(Event).order_by(Event.id))).all()
    mine = [one for one in events if one.subject_kind == "achievement"]
    assert [one.action for one in mine] == [
        "achievement.created",
        "achievement.published",
        "achievement.changed",
        "achievement.withdrawn",
    ]
    assert mine[2].before["field"] is None
    assert mine[2].after["field"] == "新材料"
    assert {(one.actor_kind, one.address) for one in mine} == {("user", "127.0.0.1")}


async def test_a_draft_can_be_deleted(service: Service, scholar: httpx.AsyncClient) -> None:
    made = await create(scholar, achievement(service))
    path = made.headers["Location"]
    deleted = await scholar.delete(path, headers={"If-Match": made.headers["ETag"]})
    assert deleted.status_code == 204
    assert (await scholar.get(path)).status_code == 404


async def test_others_drafts_are_not_there_and_others_records_not_theirs_to_change(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    made = await create(scholar, achievement(service))
    path, tag = made.headers["Location"], made.headers["ETag"]
    assert (await buyer.get(path)).status_code == 404
    assert (await buyer.patch(path, json={}, headers={"If-Match": tag})).status_code == 404
    published = await scholar.post(f"{path}/publish", headers={"If-Match": tag})
    tag = published.headers["ETag"]
    refused = await buyer.patch(path, json={"field": "x"}, headers={"If-Match": tag})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await create(buyer, achievement(service, title="别人的"))).status_code == 403


async def test_contacts_are_for_the_own_people_only(
    service: Service, scholar: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    made = await create(scholar, achievement(service, contact={"phone": "028-00000000"}))
    path = made.headers["Location"]
    await scholar.post(f"{path}/publish", headers={"If-Match": made.headers["ETag"]})
    assert (await scholar.get(path)).json()["contact"]["phone"] == "028-00000000"
    assert (await anyone.get(path)).json()["contact"] is None


async def test_changes_need_the_version_that_was_read(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    made = await create(scholar, achievement(service))
    path, tag = made.headers["Location"], made.headers["ETag"]
    without = await scholar.patch(path, json={"field": "a"})
    assert (without.status_code, without.json()["code"]) == (428, "if_match_required")
    assert (await scholar.patch(path, json={"field": "a"}, headers={"If-Match": tag})).is_success
    stale = await scholar.patch(path, json={"field": "b"}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    fresh = await scholar.get(path)
    unchanged = await scholar.get(path, headers={"If-None-Match": fresh.headers["ETag"]})
    assert unchanged.status_code == 304


async def test_of_twenty_changes_to_one_version_one_wins(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    made = await create(scholar, achievement(service))
    path, tag = made.headers["Location"], made.headers["ETag"]
    answers = await asyncio.gather(
        *(
            scholar.patch(path, json={"field": f"f{n}"}, headers={"If-Match": tag})
            for n in range(20)
        )
    )
    assert sorted(one.status_code for one in answers) == [200] + [412] * 19


async def test_if_match_takes_several_tags_and_no_weak_ones(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    made = await create(scholar, achievement(service))
    path, tag = made.headers["Location"], made.headers["ETag"]
    for tags, status in ((f"W/{tag}", 412), ("nonsense", 412), (f'"99-x", {tag}', 200), ("*", 200)):
        answer = await scholar.patch(path, json={"field": tags}, headers={"If-Match": tags})
        assert answer.status_code == status, tags


async def test_a_tag_changes_with_what_is_shown(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    made = await create(scholar, achievement(service))
    path, tag = made.headers["Location"], made.headers["ETag"]
    await scholar.patch(
        f"/v1/organizations/{service.university}", json={"name": "改名"}, headers={"If-Match": "*"}
    )
    read = await scholar.get(path, headers={"If-None-Match": tag})
    assert read.json()["organization"]["name"] == "改名"
    assert "Authorization" in read.headers["Vary"]  # contacts are not shown to everyone
    assert (await scholar.patch(path, json={}, headers={"If-Match": tag})).is_success


async def test_of_many_who_delete_a_draft_at_once_one_does(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    for number in range(5):
        made = await create(scholar, achievement(service, title=f"草稿{number}"))
        path = made.headers["Location"]
        answers = await asyncio.gather(
            *(scholar.delete(path, headers={"If-Match": "*"}) for _ in range(12))
        )
        assert sorted(one.status_code for one in answers) == [204] + [404] * 11


async def test_changes_to_any_version_wait_for_each_other(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    made = await create(scholar, achievement(service))
    path = made.headers["Location"]
    answers = await asyncio.gather(
        *(
            scholar.patch(path, json={"field": f"f{n}"}, headers={"If-Match": "*"})
            for n in range(12)
        )
    )
    assert [one.status_code for one in answers] == [200] * 12
    assert (await scholar.get(path)).json()["version"] == 13


async def test_the_same_record_is_listed_once_however_it_is_written(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    assert (await create(scholar, achievement(service, title="雷達信號處理 ABC"))).is_success
    again = await create(scholar, achievement(service, title="雷达信号处理ａｂｃ"))
    assert (again.status_code, again.json()["code"]) == (409, "already_listed")


async def test_a_repeated_request_with_a_key_is_answered_once(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    headers = {"Idempotency-Key": "k-1"}
    answers = await asyncio.gather(
        *(
            scholar.post("/v1/achievements", json=achievement(service), headers=headers)
            for _ in range(8)
        )
    )
    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["id"] for one in answers}) == 1
    other = await scholar.post(
        "/v1/achievements", json=achievement(service, title="另一项"), headers=headers
    )
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_pages_hold_every_record_once_in_order(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    for number in range(7):
        await create(scholar, achievement(service, title=f"成果{number % 3}", number=f"N{number}"))
    titles: list[str] = []
    path: str | None = "/v1/achievements?limit=2&sort=title"
    while path is not None:
        answer = await scholar.get(path)
        titles += [one["title"] for one in answer.json()["items"]]
        path = answer.links["next"]["url"] if "next" in answer.links else None
    assert titles == sorted(f"成果{number % 3}" for number in range(7))


async def test_lists_are_filtered(service: Service, scholar: httpx.AsyncClient) -> None:
    await create(scholar, achievement(service, title="甲", cooperation=["license"], stage="pilot"))
    await create(scholar, achievement(service, title="乙", place="四川省成都市"))
    for query, expected in (
        ("stage=pilot", ["甲"]),
        ("cooperation=license", ["甲"]),
        ("place=成都", ["乙"]),
        ("state=published", []),
        ("state=draft&sort=title", ["乙", "甲"]),
    ):
        answer = await scholar.get(f"/v1/achievements?{query}")
        assert [one["title"] for one in answer.json()["items"]] == expected, query


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"title": ""}, "title"),
        ({"title": "零\x00字符"}, "title"),
        ({"surprise": 1}, "surprise"),
        ({"completed_on": "2023-02-30"}, "completed_on"),
        ({"price": {"kind": "fixed", "low": "-1"}}, "price"),
        ({"price": {"kind": "range", "low": "9", "high": "1"}}, "price"),
        ({"trl": {"level": 10}}, "trl"),
        ({"trl": {"scale": "none", "level": 1}}, "trl"),
        ({"stage": "done"}, "stage"),
        ({"keywords": ["x" * 51]}, "keywords"),
        ({"intellectual_property": [{"number": "ZL201710601862.4"}]}, "intellectual_property"),
        ({"title": 5}, "title"),
        ({"trl": {"level": True}}, "trl"),
        ({"completed_on": 86_400}, "completed_on"),
    ],
)
async def test_bad_input_is_answered_with_its_place(
    service: Service, scholar: httpx.AsyncClient, values: dict[str, object], place: str
) -> None:
    answer = await create(scholar, achievement(service, **values))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [one["loc"][:2] for one in answer.json()["errors"]] == [["body", place]]
    assert (await scholar.get("/v1/achievements")).json()["items"] == []


async def test_bad_requests_are_problems_with_their_place(scholar: httpx.AsyncClient) -> None:
    unknown = "/v1/achievements/01900000-0000-7000-8000-0000000a9999"
    for method, path, status, loc in (
        ("GET", "/v1/achievements/nonsense", 422, ["path", "achievement_id"]),
        ("GET", unknown, 404, ["path", "achievement_id"]),
        ("PATCH", unknown, 428, ["header", "If-Match"]),
        ("GET", "/v1/achievements?limit=101", 422, ["query", "limit"]),
        ("GET", "/v1/achievements?surprise=1", 422, ["query", "surprise"]),
        ("GET", "/v1/status?surprise=1", 422, ["query", "surprise"]),
        ("GET", f"{unknown}?surprise=1", 422, ["query", "surprise"]),
        ("GET", "/v1/achievements?cursor=nonsense", 422, ["query", "cursor"]),
        ("GET", "/v1/achievements?updated_since=0001-01-01T00:00:00%2B14:00", 422, None),
        ("GET", "/v1/achievements?updated_since=9999-12-31T23:59:59-14:00", 422, None),
        ("GET", "/v1/search?q=%00", 422, ["query", "q"]),
        ("GET", "/v1/nothing", 404, ["path"]),
        ("PUT", "/v1/achievements", 405, ["method"]),
    ):
        answer = await scholar.request(method, path, json={} if method == "PATCH" else None)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
        (error,) = answer.json()["errors"]
        assert loc is None or error["loc"] == loc, path
        assert error["msg"]
    broken = await scholar.post(
        "/v1/achievements", content=b"[" * 99_999, headers={"Content-Type": "application/json"}
    )
    assert (broken.status_code, broken.json()["errors"][0]["loc"]) == (400, ["body"])
    large = await scholar.post("/v1/achievements", json={"title": "x" * 1_100_000})
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    assert large.json()["errors"][0]["loc"] == ["body"]


async def test_a_path_tells_its_methods_and_answers_head(scholar: httpx.AsyncClient) -> None:
    refused = await scholar.put("/v1/achievements")
    assert refused.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    options = await scholar.options("/v1/achievements")
    assert (options.status_code, options.headers["Allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    head, read = await scholar.head("/v1/achievements"), await scholar.get("/v1/achievements")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == read.headers["Content-Length"]


def cursor_of(*position: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


async def test_cursors_go_on_from_any_title_and_in_their_own_order_only(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    made = await create(scholar, achievement(service, title="题" * 199 + "甲", number="1"))
    await create(scholar, achievement(service, title="题" * 199 + "乙", number="2"))
    page = await scholar.get("/v1/achievements?limit=1&sort=title")
    following = await scholar.get(page.links["next"]["url"])
    assert [len(one.json()["items"]) for one in (page, following)] == [1, 1]
    cursor = page.json()["next_cursor"]
    for sort, bad in (
        ("-title", cursor),
        ("title", cursor_of("title", "\ud800", made.json()["id"])),
        ("title", cursor_of("title", "a\x00", made.json()["id"])),
        ("created_at", cursor_of("created_at", "0001-01-01T00:00:00+14:00", made.json()["id"])),
        ("created_at", cursor_of("created_at", 1, made.json()["id"])),
    ):
        answer = await scholar.get("/v1/achievements", params={"sort": sort, "cursor": bad})
        assert (answer.status_code, answer.json()["code"]) == (422, "cursor_invalid"), bad


async def test_messages_are_in_the_callers_language(scholar: httpx.AsyncClient) -> None:
    path = "/v1/achievements/01900000-0000-7000-8000-0000000a9999"
    assert (await scholar.get(path)).json()["detail"] == "没有找到。"
    english = await scholar.get(path, headers={"Accept-Language": "en-GB, zh;q=0.5"})
    assert english.json()["detail"] == "Not found."


async def test_signing_in(
    service: Service, anyone: httpx.AsyncClient, scholar: httpx.AsyncClient
) -> None:
    wrong = await anyone.post("/v1/auth/token", data={"username": "admin", "password": "nonsense"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "sign_in_failed")
    signed_in = await anyone.post(
        "/v1/auth/token", data={"username": "admin", "password": PASSWORD}
    )
    assert (signed_in.status_code, signed_in.headers["Cache-Control"]) == (200, "no-store")
    nobody = await anyone.post("/v1/auth/token", data={"username": "a\x00", "password": "x"})
    assert (nobody.status_code, nobody.json()["code"]) == (401, "sign_in_failed")
    user_id = uuid.UUID((await scholar.get("/v1/auth/me")).json()["id"])
    (here,) = (await scholar.get("/v1/auth/sign-ins")).json()["items"]
    past = service.runtime.settings.model_copy(update={"token_minutes": -1})
    expired = issue_token(past, user_id, uuid.UUID(here["id"]))
    for token in ("nonsense", expired):
        async with service.client(token) as client:
            refused = await client.get("/v1/achievements")
            assert (refused.status_code, refused.json()["code"]) == (401, "not_signed_in")
    assert (await create(anyone, achievement(service))).status_code == 401


async def test_organizations_are_checked_and_found(
    admin: httpx.AsyncClient, scholar: httpx.AsyncClient
) -> None:
    body = {"name": "电子科技大学", "kind": "university", "code": "12100000400014160A"}
    bad = await admin.post("/v1/organizations", json=body)
    assert bad.status_code == 422
    assert bad.json()["errors"][0]["loc"] == ["body", "code"]
    made = await admin.post("/v1/organizations", json={**body, "code": "91510100MA61TPA000"[:17]})
    assert made.status_code == 422
    plain = await admin.post("/v1/organizations", json={"name": "无码院所", "kind": "institute"})
    assert plain.json()["verified"] is False
    assert (await scholar.post("/v1/organizations", json=body)).status_code == 403
    found = await scholar.get("/v1/organizations?name=无码")
    assert [one["name"] for one in found.json()["items"]] == ["无码院所"]


async def test_what_is_published_is_soon_indexed_and_its_mark_removed(
    service: Service, scholar: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    made = await create(scholar, achievement(service))
    path = made.headers["Location"]
    published = await scholar.post(f"{path}/publish", headers={"If-Match": made.headers["ETag"]})

    async def found(q: str) -> int:
        return (await anyone.get("/v1/search", params={"q": q})).json()["total"]

    async def is_found() -> bool:
        return await found("石墨烯") == 1

    await until(is_found)
    await scholar.post(f"{path}/withdraw", headers={"If-Match": published.headers["ETag"]})

    async def is_gone() -> bool:
        return await found("石墨烯") == 0

    await until(is_gone)

    async def no_marks() -> bool:
        async with service.runtime.database.read() as session:
            return (await session.scalars(select(IndexMark))).first() is None

    await until(no_marks)
