"""API keys: made, shown once, confined to their scopes, ended."""

import asyncio
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import time_machine
from sqlalchemy import delete, select, update

from conftest import PASSWORD, Service
from kechuangtong.accounts.permissions import Role
from kechuangtong.accounts.service import create_user
from kechuangtong.app import create_app
from kechuangtong.core.clock import now
from kechuangtong.models import ApiKey, Event, Membership, User
from kechuangtong.settings import Settings
from waiting import until

READ_WRITE = ["achievements:read", "achievements:write"]


async def make(client: httpx.AsyncClient, **values: object) -> dict[str, Any]:
    answer = await client.post(
        "/v1/api-keys", json={"name": "同步", "scopes": READ_WRITE, **values}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def with_key(service: Service, secret: str) -> httpx.AsyncClient:
    return service.client(**{"X-API-Key": secret})


async def add_user(service: Service, name: str, role: Role | None = None) -> uuid.UUID:
    async with service.runtime.database.write() as session:
        user = await create_user(
            session,
            name=name,
            password=PASSWORD,
            organization_id=service.university if role else None,
            **({"role": role} if role else {}),
        )
        return user.id


async def test_the_secret_is_shown_once_and_kept_as_a_hash(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    answer = await scholar.post("/v1/api-keys", json={"name": "同步", "scopes": READ_WRITE * 2})
    made = answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    secret = made.pop("secret")
    assert re.fullmatch(r"kct_[A-Za-z0-9_-]{43}", secret)
    assert secret.startswith(made["hint"])
    assert made["scopes"] == READ_WRITE
    lasts = datetime.fromisoformat(made["expires_at"]) - now()
    assert timedelta(days=89) < lasts <= timedelta(days=90)
    assert (await scholar.get(answer.headers["Location"])).json() == made
    assert (await scholar.get("/v1/api-keys")).json()["items"] == [made]
    async with service.runtime.database.read() as session:
        key = await session.get_one(ApiKey, uuid.UUID(made["id"]))
        events = list(await session.scalars(select(Event).where(Event.subject_kind == "api_key")))
    kept = [str(vars(one)) for one in (key, *events)]
    assert [one.action for one in events] == ["api_key.created"]
    assert not any(secret in one for one in kept)


async def test_both_headers_are_taken_and_scopes_confine_also_what_anyone_may(
    service: Service, scholar: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    secret = (await make(scholar))["secret"]
    body = {"organization_id": str(service.university), "title": "以密钥登记的成果"}
    once = {"Idempotency-Key": "one"}
    own = {**body, "title": "本人登记的成果"}
    assert (await scholar.post("/v1/achievements", json=own, headers=once)).status_code == 201
    for client, replayed in ((with_key(service, secret), None), (service.client(secret), "true")):
        async with client:
            made = await client.post("/v1/achievements", json=body, headers=once)
            # A repetition is the key's own, not its person's, which may do more.
            replays = made.headers.get("Idempotency-Replayed")
            assert (made.status_code, replays) == (201, replayed)
            assert (await client.get("/v1/status")).status_code == 200
            assert (await anyone.get("/v1/demands")).status_code == 200
            refused = await client.get("/v1/demands")
            assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
            assert "demands:read" in refused.json()["detail"]
            challenge = 'Bearer error="insufficient_scope", scope="demands:read"'
            assert refused.headers["WWW-Authenticate"] == challenge
            # Neither another key nor a membership can be had with a key.
            for path in ("/v1/api-keys", "/v1/invitations/accept"):
                refused = await client.post(path, json={})
                assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    async with service.runtime.database.read() as session:
        made_by = await session.execute(
            select(Event.actor_kind, Event.key_id.is_not(None))
            .where(Event.action == "achievement.created")
            .order_by(Event.id)
        )
        assert [tuple(one) for one in made_by] == [("user", False), ("key", True)]


async def test_what_cannot_be_given_is_refused_with_its_place(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    late = (now() + timedelta(days=366)).isoformat()
    past = (now() - timedelta(seconds=1)).isoformat()
    for values, loc, code in (
        ({"scopes": []}, ["body", "scopes"], "too_short"),
        ({"scopes": ["nonsense"]}, ["body", "scopes", 0], "enum"),
        ({"scopes": ["keys:write"]}, ["body", "scopes", 0], "value_error"),
        ({"scopes": ["search:read", "users:read"]}, ["body", "scopes", 1], "scope_not_held"),
        ({"expires_at": late}, ["body", "expires_at"], "expiry_invalid"),
        ({"expires_at": past}, ["body", "expires_at"], "expiry_invalid"),
        (
            {"organization_id": str(service.enterprise)},
            ["body", "organization_id"],
            "organization_not_own",
        ),
        ({"name": "a\x00"}, ["body", "name"], "value_error"),
        ({"name": " "}, ["body", "name"], "string_too_short"),
    ):
        body = {"name": "同步", "scopes": READ_WRITE, **values}
        refused = await scholar.post("/v1/api-keys", json=body)
        error = refused.json()["errors"][0]
        assert (refused.status_code, error["loc"], error["type"]) == (422, loc, code), values
    assert (await scholar.get("/v1/api-keys")).json()["items"] == []


async def test_a_key_that_is_no_longer_good_says_why(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    ended, late, locked = [await make(scholar) for _ in range(3)]
    path = f"/v1/api-keys/{ended['id']}"
    for _ in range(2):
        assert (await scholar.delete(path)).status_code == 204
    assert (await scholar.get(path)).json()["revoked_at"] is not None
    async with service.runtime.database.write() as session:
        before = now() - timedelta(seconds=1)
        await session.execute(
            update(ApiKey).where(ApiKey.id == uuid.UUID(late["id"])).values(expires_at=before)
        )
        await session.execute(update(User).where(User.name == "scholar").values(locked_at=now()))
    for secret, code in (
        (ended["secret"], "api_key_revoked"),
        (late["secret"], "api_key_expired"),
        (locked["secret"], "user_locked"),
        ("kct_unknown", "api_key_unknown"),
        ("nonsense é", "api_key_unknown"),
    ):
        headers = httpx.Headers({"X-API-Key": secret}, encoding="latin-1")
        async with service.client() as client:
            refused = await client.get("/v1/achievements", headers=headers)
        found = (refused.status_code, refused.json()["code"], refused.json()["errors"][0]["loc"])
        assert found == (401, code, ["header", "X-API-Key"])
        assert refused.headers["WWW-Authenticate"] == "Bearer"
    async with service.runtime.database.read() as session:
        actions = await session.scalars(select(Event.action).where(Event.subject_kind == "api_key"))
        assert sorted(actions) == ["api_key.created"] * 3 + ["api_key.revoked"]


async def test_a_key_for_an_organization_does_nothing_beside_it(
    service: Service, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    admin_id = uuid.UUID((await admin.get("/v1/auth/me")).json()["id"])
    async with service.runtime.database.write() as session:
        for organization_id in (service.university, service.enterprise):
            session.add(
                Membership(user_id=admin_id, organization_id=organization_id, role=Role.EDITOR)
            )
    for_one = {"organization_id": str(service.university)}
    refused = await admin.post(
        "/v1/api-keys", json={"name": "同步", "scopes": ["organizations:create"], **for_one}
    )
    assert refused.json()["code"] == "scope_not_held"  # the platform's role is not the key's
    key = await make(admin, scopes=[*READ_WRITE, "account:read"], **for_one)
    async with with_key(service, key["secret"]) as program:
        me = (await program.get("/v1/auth/me")).json()
        assert (me["administrator"], me["roles"]) == (False, {str(service.university): "editor"})
        for owner, status in ((service.university, 201), (service.enterprise, 403)):
            body = {"organization_id": str(owner), "title": "单位密钥"}
            assert (await program.post("/v1/achievements", json=body)).status_code == status
        # What its person may no longer, the key may no longer.
        async with service.runtime.database.write() as session:
            await session.execute(delete(Membership).where(Membership.user_id == admin_id))
        body = {"organization_id": str(service.university), "title": "再来一项"}
        assert (await program.post("/v1/achievements", json=body)).status_code == 403


async def test_keys_are_seen_and_revoked_by_their_person_managers_and_administrators(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    user_id = await add_user(service, "editor", Role.EDITOR)
    async with service.client(await service.token("editor")) as editor:
        bound = await make(editor, organization_id=str(service.university))
        free = await make(editor)
        for client, of_organization, sees_bound, sees_free in (
            (editor, 1, 200, 200),
            (scholar, 1, 200, 404),  # the university's manager
            (buyer, 0, 404, 404),
            (admin, 1, 200, 200),
        ):
            listed = await client.get(f"/v1/api-keys?organization_id={service.university}")
            assert len(listed.json()["items"]) == of_organization
            for key, status in ((bound, sees_bound), (free, sees_free)):
                assert (await client.get(f"/v1/api-keys/{key['id']}")).status_code == status
        assert (await admin.get("/v1/api-keys")).json()["items"] == []
        first = await admin.get(f"/v1/api-keys?user_id={user_id}&limit=1")
        assert [one["id"] for one in first.json()["items"]] == [free["id"]]
        second = await admin.get(first.links["next"]["url"])
        assert [one["id"] for one in second.json()["items"]] == [bound["id"]]
        assert (await scholar.delete(f"/v1/api-keys/{free['id']}")).status_code == 404
        assert (await scholar.delete(f"/v1/api-keys/{bound['id']}")).status_code == 204
        assert (await admin.delete(f"/v1/api-keys/{free['id']}")).status_code == 204


async def test_use_is_noted_once_a_minute_and_waits_for_nobody(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    key = await make(scholar)

    async def used_at() -> datetime | None:
        async with service.runtime.database.read() as session:
            return (await session.get_one(ApiKey, uuid.UUID(key["id"]))).used_at

    async with with_key(service, key["secret"]) as program:
        start = datetime(2026, 11, 25, 8, tzinfo=UTC)
        async with service.runtime.database.write() as session:
            # Another writer at work: on SQLite of the whole, on PostgreSQL of this very key.
            await session.execute(update(ApiKey).values(name="另一写者"))
            answer = await asyncio.wait_for(program.get("/v1/achievements"), 5)
            assert answer.status_code == 200
        assert await used_at() is None
        for seconds, noted in ((0, 0), (50, 0), (61, 61)):
            moment, expected = start + timedelta(seconds=seconds), start + timedelta(seconds=noted)

            async def is_noted(moment: datetime = moment, expected: datetime = expected) -> bool:
                with time_machine.travel(moment, tick=False):
                    assert (await program.get("/v1/achievements")).status_code == 200
                return await used_at() == expected

            await until(is_noted)  # background work may be writing, for which it does not wait


def test_both_ways_of_signing_in_are_documented() -> None:
    document = create_app(Settings()).openapi()
    schemes = document["components"]["securitySchemes"]
    assert {one["type"] for one in schemes.values()} == {"oauth2", "apiKey"}
    offered = document["paths"]["/v1/achievements"]["post"]["security"]
    assert [list(one) for one in offered] == [[name] for name in schemes]
    assert "403" in document["paths"]["/v1/achievements"]["get"]["responses"]
