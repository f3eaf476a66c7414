"""Users for administrators, one's own account, and what is kept of a person."""

import asyncio
import json
import uuid

import httpx
from sqlalchemy import select, update

from conftest import PASSWORD, Service
from kechuangtong.accounts.permissions import PlatformRole, Role
from kechuangtong.accounts.service import create_user
from kechuangtong.core.clock import now
from kechuangtong.core.language import Text
from kechuangtong.mail import service as mail
from kechuangtong.models import ApiKey, Event, Mail, Membership, User

EMAIL = "wang@shujiang.example"


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def make(service: Service, name: str, **values: object) -> uuid.UUID:
    async with service.runtime.database.write() as session:
        user = await create_user(session, name=name, password=PASSWORD, **values)  # type: ignore[arg-type]
    return user.id


async def own_id(client: httpx.AsyncClient) -> str:
    return str((await client.get("/v1/auth/me")).json()["id"])


async def patch(client: httpx.AsyncClient, path: str, body: dict[str, object]) -> httpx.Response:
    read = await client.get(path)
    return await client.patch(path, json=body, headers={"If-Match": read.headers["ETag"]})


async def test_administrators_find_and_change_users_and_auditors_read_them(
    service: Service, admin: httpx.AsyncClient, scholar: httpx.AsyncClient
) -> None:
    auditor_id = await make(service, "auditor", platform_role=PlatformRole.AUDITOR)
    wang = await make(
        service,
        "wang_o",
        email="Wang@ShuJiang.example",
        organization_id=service.university,
        role=Role.EDITOR,
    )
    async with service.client(await service.token("auditor")) as auditor:
        first = (await auditor.get("/v1/users?limit=3")).json()
        rest = (await auditor.get(f"/v1/users?limit=3&cursor={first['next_cursor']}")).json()
        names = [one["name"] for one in first["items"] + rest["items"]]
        assert names == ["wang_o", "auditor", "buyer", "scholar", "admin"]
        for query, found in (
            ("q=WANG_", ["wang_o"]),
            ("q=shujiang.EX", ["wang_o"]),
            ("q=_", ["wang_o"]),
            ("platform_role=auditor", ["auditor"]),
            (f"organization_id={service.university}", ["wang_o", "scholar"]),
        ):
            answer = (await auditor.get(f"/v1/users?{query}")).json()
            assert [one["name"] for one in answer["items"]] == found, query
        shown = (await auditor.get(f"/v1/users/{wang}")).json()
        assert (shown["email"], shown["has_password"]) == (EMAIL, True)
        assert shown["roles"] == {str(service.university): "editor"}
        assert "argon2" not in json.dumps(shown)
        assert code(await patch(auditor, f"/v1/users/{wang}", {})) == (403, "forbidden")
        for what in ("lock", "unlock", "erase"):
            assert (await auditor.post(f"/v1/users/{wang}/{what}")).status_code == 403
    assert code(await scholar.get("/v1/users")) == (403, "forbidden")
    assert code(await scholar.get(f"/v1/users/{wang}")) == (403, "forbidden")
    assert (await admin.get(f"/v1/users/{service.university}")).status_code == 404

    path = f"/v1/users/{wang}"
    assert (await admin.patch(path, json={})).status_code == 428
    made = await patch(
        admin, path, {"platform_role": "reviewer", "district": "武侯区", "email": "W@x.example"}
    )
    assert made.json()["platform_role"] == "reviewer"
    assert made.json()["email"] == "w@x.example"
    stale = await admin.patch(path, json={"email": None}, headers={"If-Match": '"1"'})
    assert code(stale) == (412, "stale")
    for email, why in (("nonsense", 422), ("a b@c.example", 422), ("a\x00@c.example", 422)):
        bad = await patch(admin, path, {"email": email})
        assert bad.status_code == why
        assert bad.json()["errors"][0]["loc"] == ["body", "email"]
    taken = await patch(admin, f"/v1/users/{auditor_id}", {"email": "W@X.example"})
    assert code(taken) == (409, "email_taken")
    assert taken.json()["errors"][0]["loc"] == ["body", "email"]
    async with service.client(await service.token("wang_o")) as client:
        assert (await client.get("/v1/auth/me")).json()["district"] == "武侯区"
    cleared = await patch(admin, path, {"platform_role": None, "district": None})
    assert (cleared.json()["platform_role"], cleared.json()["district"]) == (None, None)

    async with service.runtime.database.read() as session:
        events = await session.scalars(select(Event).where(Event.subject_id == wang))
        told = [(one.action, one.before, one.after) for one in events]
        mails = (await session.scalars(select(Mail).order_by(Mail.id))).all()
    assert [one[0] for one in told].count("user.changed") == 2
    assert "example" not in json.dumps(told)
    assert [(one.recipient, "w@x.example" in (one.text or "")) for one in mails] == [(EMAIL, False)]


async def test_a_locked_user_may_do_nothing_at_once(
    service: Service, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    form = {"username": "scholar", "password": PASSWORD}
    tokens = (await anyone.post("/v1/auth/token", data=form)).json()
    renewal = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    async with service.client(tokens["access_token"]) as scholar:
        path = f"/v1/users/{await own_id(scholar)}"
        locked = await admin.post(f"{path}/lock")
        assert locked.json()["locked_at"] is not None
        assert locked.headers["ETag"] == (await admin.get(path)).headers["ETag"]
        assert code(await scholar.get("/v1/achievements")) == (401, "user_locked")
        assert code(await anyone.post("/v1/auth/token", data=renewal)) == (401, "user_locked")
        assert code(await anyone.post("/v1/auth/token", data=form)) == (401, "user_locked")
        # Who does not know the password is not told that there is such a user.
        wrong = await anyone.post("/v1/auth/token", data={**form, "password": "x"})
        assert code(wrong) == (401, "sign_in_failed")
        assert (await admin.post(f"{path}/lock")).json() == locked.json()
        for _ in range(5):
            await anyone.post("/v1/auth/token", data={**form, "password": "x"})
        assert (await admin.post(f"{path}/unlock")).json()["locked_at"] is None
        assert (await scholar.get("/v1/achievements")).status_code == 200
        assert (await anyone.post("/v1/auth/token", data=form)).status_code == 200
        assert (await anyone.post("/v1/auth/token", data=renewal)).status_code == 200


async def test_an_administrator_stays(service: Service, admin: httpx.AsyncClient) -> None:
    path = f"/v1/users/{await own_id(admin)}"
    assert code(await admin.post(f"{path}/lock")) == (409, "own_account")
    assert code(await admin.post(f"{path}/erase")) == (409, "own_account")
    assert code(await patch(admin, path, {"platform_role": "auditor"})) == (409, "own_account")
    assert (await patch(admin, path, {"platform_role": "administrator"})).status_code == 200
    erase = await admin.post("/v1/auth/me/erase", json={"password": PASSWORD})
    assert code(erase) == (409, "last_administrator")
    second = await make(service, "second", platform_role=PlatformRole.ADMINISTRATOR)
    # Two who demote each other at once: one of them stays.
    async with service.client(await service.token("second")) as other:
        answers = await asyncio.gather(
            other.post(f"{path}/lock"), admin.post(f"/v1/users/{second}/lock")
        )
    assert sorted(one.status_code for one in answers)[0] == 200
    assert sorted(one.status_code for one in answers)[1] in (401, 409)
    async with service.runtime.database.read() as session:
        left = User.platform_role == PlatformRole.ADMINISTRATOR, User.locked_at.is_(None)
        assert len((await session.scalars(select(User).where(*left))).all()) == 1


async def test_ones_own_account(service: Service, scholar: httpx.AsyncClient) -> None:
    changed = await patch(scholar, "/v1/auth/me", {"email": "Li@X.example", "mail_news": False})
    assert (changed.json()["email"], changed.json()["mail_news"]) == ("li@x.example", False)
    assert changed.json()["roles"] == {str(service.university): "manager"}
    assert (await scholar.patch("/v1/auth/me", json={})).status_code == 428
    for body, field in (
        ({"platform_role": "administrator"}, "platform_role"),
        ({"mail_news": None}, "mail_news"),
        ({"email": "x@"}, "email"),
    ):
        refused = await patch(scholar, "/v1/auth/me", body)
        assert refused.json()["errors"][0]["loc"] == ["body", field]


async def test_a_person_sees_all_that_is_kept_and_is_forgotten(
    service: Service, admin: httpx.AsyncClient, scholar: httpx.AsyncClient
) -> None:
    await patch(scholar, "/v1/auth/me", {"email": EMAIL})
    form = {"username": "scholar", "password": PASSWORD}
    assert (await scholar.post("/v1/auth/token", data=form)).is_success
    body = {
        "organization_id": str(service.university),
        "title": "石墨烯导热膜",
        "contact": {"name": "王老师", "phone": "028-85400000"},
    }
    made = await scholar.post(
        "/v1/achievements", json=body, headers={"Idempotency-Key": "of scholar"}
    )
    user_id = uuid.UUID(await own_id(scholar))
    async with service.runtime.database.write() as session:
        key = ApiKey(
            user_id=user_id,
            name="王的脚本",
            scopes=[],
            hint="kct_ab",
            secret_hash="0" * 64,
            expires_at=now(),
        )
        session.add(key)
        mail.write(session, to=EMAIL, subject=Text("信", "A mail"), text=Text("密", "a secret"))
    data = (await scholar.get("/v1/auth/me/data")).json()
    assert data["account"][0]["email"] == EMAIL
    assert data["memberships"][0]["role"] == "manager"
    assert "127.0.0.1" in {one["address"] for one in data["sign_ins"]}
    assert data["api_keys"][0]["name"] == "王的脚本"
    assert [one["action"] for one in data["events"]][-1] == "achievement.created"
    assert data["mails"][0]["recipient"] == EMAIL
    for secret in ("argon2", "0" * 64, "a secret"):
        assert secret not in json.dumps(data)

    async def erase(**body: str) -> httpx.Response:
        return await scholar.post("/v1/auth/me/erase", json=body)

    assert code(await erase()) == (403, "password_wrong")
    assert code(await erase(password="not this one")) == (403, "password_wrong")
    refused = await erase(password=PASSWORD)
    assert code(refused) == (409, "last_manager")
    assert "蜀江大学" in refused.json()["detail"]
    assert (await scholar.get("/v1/auth/me")).json()["email"] == EMAIL  # nothing was done

    # Of the two managers of another organization either may leave, but not both.
    (buyer,) = (await admin.get("/v1/users?q=buyer")).json()["items"]
    partner = await make(service, "partner", organization_id=service.enterprise)
    answers = await asyncio.gather(
        *(admin.post(f"/v1/users/{one}/erase") for one in (buyer["id"], partner))
    )
    assert sorted(one.status_code for one in answers) == [204, 409]

    await make(service, "second", organization_id=service.university)
    assert (await erase(password=PASSWORD)).status_code == 204
    assert (await scholar.get("/v1/auth/me")).status_code == 401

    path = f"/v1/users/{user_id}"
    left = (await admin.get(path)).json()
    assert left["name"] == f"erased-{user_id.hex[-12:]}"
    assert (left["email"], left["roles"], left["has_password"]) == (None, {}, False)
    assert code(await admin.post(f"{path}/lock")) == (409, "user_erased")
    assert code(await patch(admin, path, {"email": EMAIL})) == (409, "user_erased")
    assert (await admin.post(f"{path}/erase")).status_code == 204
    shown = await admin.get(made.headers["Location"])
    assert shown.json()["title"] == "石墨烯导热膜"  # what it did stays
    async with service.runtime.database.read() as session:
        events = (await session.scalars(select(Event).order_by(Event.id))).all()
        mails = (await session.scalars(select(Mail).order_by(Mail.id))).all()
        stored = await session.get_one(ApiKey, key.id)
        members = select(Membership).where(Membership.user_id == user_id)
        assert (await session.scalars(members)).all() == []
    assert (stored.name, stored.revoked_at is None) == ("", False)
    assert [(one.recipient, one.text, one.due_at) for one in mails] == [("", None, None)]
    told = json.dumps([[one.before, one.after] for one in events], ensure_ascii=False)
    for personal in (EMAIL, "scholar", "王老师", "028-85400000"):
        assert personal not in told
    (created,) = [one for one in events if one.action == "achievement.created"]
    assert created.after is not None
    assert (created.actor_id, created.after["contact"]) == (user_id, ["name", "phone"])


async def test_a_changed_contact_is_logged_without_its_values(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    body = {"organization_id": str(service.university), "title": "膜", "contact": {"phone": "1"}}
    path = (await scholar.post("/v1/achievements", json=body)).headers["Location"]
    await patch(scholar, path, {"contact": {"phone": "2"}})
    async with service.runtime.database.read() as session:
        changed = await session.scalar(select(Event).where(Event.action == "achievement.changed"))
    assert changed is not None
    assert changed.before is not None
    assert changed.after is not None
    assert (changed.before["contact"], changed.after["contact"]) == (["phone"], ["phone"])


async def test_who_signs_in_elsewhere_has_no_password_to_change_and_needs_none_to_leave(
    service: Service,
) -> None:
    await make(service, "guest")
    async with service.client(await service.token("guest")) as guest:
        async with service.runtime.database.write() as session:
            await session.execute(
                update(User).where(User.name == "guest").values(password_hash=None)
            )
        change = {"present": PASSWORD, "new": "泡桐树小学门口的糖油果子"}
        assert code(await guest.post("/v1/auth/password", json=change)) == (409, "no_password")
        assert (await guest.post("/v1/auth/me/erase", json={})).status_code == 204
        assert (await guest.get("/v1/auth/me")).status_code == 401
