"""What those try who want more than is theirs: each test is a way that was open once."""

import asyncio
import hashlib
import uuid
from typing import Any

import httpx
from sqlalchemy import select

from conftest import PASSWORD, Service
from kechuangtong.accounts.limits import network
from kechuangtong.accounts.permissions import Role
from kechuangtong.accounts.service import create_user
from kechuangtong.models import Event, Mail, Membership, User
from people import change, reviewer
from waiting import until

SHEET = "需求名称,企业名称\n轧辊在线修复,锦城机电有限公司\n余热除湿,蜀江大学\n冷却,无名之厂\n"


async def user_id(service: Service, name: str) -> uuid.UUID:
    async with service.runtime.database.read() as session:
        found = await session.scalar(select(User.id).where(User.name == name))
    assert found is not None
    return found


async def join(service: Service, name: str, organization_id: uuid.UUID, role: Role) -> uuid.UUID:
    person = await user_id(service, name)
    async with service.runtime.database.write() as session:
        session.add(Membership(user_id=person, organization_id=organization_id, role=role))
    return person


async def with_key(service: Service, client: httpx.AsyncClient, **values: Any) -> httpx.AsyncClient:
    made = await client.post("/v1/api-keys", json={"name": "程序", **values})
    assert made.status_code == 201, made.text
    return service.client(**{"X-API-Key": made.json()["secret"]})


async def send(client: httpx.AsyncClient, content: str, **form: str) -> tuple[str, dict[str, Any]]:
    """Send a list, wait for its import to end, and give its path and report."""
    sent = await client.post(
        "/v1/imports",
        files={"file": ("清单.csv", content.encode())},
        data={"kind": "demand", **form},
    )
    assert sent.status_code == 202, sent.text
    path = sent.headers["Location"]

    async def ended() -> bool:
        return (await client.get(path)).json()["state"] in ("done", "failed")

    await until(ended, 40)
    return path, (await client.get(f"{path}/report")).json()


async def test_an_import_reaches_no_further_than_the_key_that_sent_it(
    service: Service, buyer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await join(service, "buyer", service.university, Role.EDITOR)
    scopes = ["imports:write", "imports:read"]
    confined = {"scopes": scopes, "organization_id": str(service.enterprise)}
    async with (
        await with_key(service, buyer, **confined) as client,
        await with_key(service, admin, scopes=scopes) as importer,
    ):
        path, report = await send(client, SHEET)
        assert [row["outcome"] for row in report["rows"]] == ["created", "refused", "refused"]
        # What its person sends for another organization is not the key's to read.
        others, _ = await send(buyer, "需求名称\n烘干\n", organization=str(service.university))
        assert (await client.get(others)).status_code == 404
        assert [one["id"] for one in (await client.get("/v1/imports")).json()["items"]] == [
            path.rsplit("/", 1)[1]
        ]
        assert (await buyer.get(path)).status_code == 200
        # Nor does an administrator's make organizations without the scope for that.
        _, report = await send(importer, "需求名称,企业名称\n冷却,无名之厂\n")
        assert [row["outcome"] for row in report["rows"]] == ["refused"]
    _, report = await send(admin, "需求名称,企业名称\n冷却,无名之厂\n")
    assert [row["outcome"] for row in report["rows"]] == ["created"]
    async with service.runtime.database.read() as session:
        events = list(await session.scalars(select(Event)))
    sent = [one for one in events if one.action == "import.created"]
    assert len(sent) == 4
    assert all(one.address and one.request_id for one in sent)
    (by_key,) = [one for one in events if one.action == "demand.created" and one.key_id]
    assert by_key.key_id == sent[0].key_id
    (made,) = [one for one in events if one.action == "organization.created" and one.actor_id]
    assert made.after is not None
    assert made.after["name"] == "无名之厂"


async def test_who_imports_is_not_told_which_enterprises_there_are(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    for named in ("锦城机电有限公司", "无名之厂"):
        answer = await scholar.post(
            "/v1/imports",
            files={"file": ("a.csv", "成果名称\n膜\n".encode())},
            data={"kind": "achievement", "organization": named},
        )
        assert answer.json()["code"] == "organization_unknown"


async def test_a_narrow_key_of_an_administrator_is_narrow(
    service: Service, admin: httpx.AsyncClient, scholar: httpx.AsyncClient
) -> None:
    refused = await admin.post("/v1/api-keys", json={"name": "x", "scopes": ["users:write"]})
    assert refused.status_code == 422
    path = f"/v1/organizations/{service.university}"
    assert (await change(admin, path, {"review": True}, "PATCH")).status_code == 200
    made = await scholar.post(
        "/v1/achievements", json={"organization_id": str(service.university), "title": "石墨烯膜"}
    )
    scopes = ["achievements:read", "achievements:write", "organizations:write"]
    async with await with_key(service, admin, scopes=scopes) as client:
        answer = await change(client, f"{made.headers['Location']}/publish")
        assert answer.json()["code"] == "review_required"
        assert (await change(client, path, {"review": False}, "PATCH")).status_code == 403
    assert (await change(admin, f"{made.headers['Location']}/publish")).status_code == 200


async def test_nobody_takes_the_code_of_another_organization(
    service: Service, admin: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    path, code = f"/v1/organizations/{service.enterprise}", "91510100MA6CGUTY07"
    answer = await change(buyer, path, {"code": code, "place": "四川省成都市"}, "PATCH")
    assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (403, ["body", "code"])
    assert (await change(admin, path, {"code": code}, "PATCH")).json()["verified"] is True
    assert (await change(buyer, path, {"code": code, "place": "绵阳"}, "PATCH")).status_code == 200
    assert (await change(buyer, path, {"code": None}, "PATCH")).status_code == 403


async def member(
    service: Service, name: str, organization_id: uuid.UUID, role: Role, **values: Any
) -> httpx.AsyncClient:
    async with service.runtime.database.write() as session:
        await create_user(
            session,
            name=name,
            password=PASSWORD,
            organization_id=organization_id,
            role=role,
            **values,
        )
    return service.client(await service.token(name))


async def test_an_organization_is_never_left_without_a_manager(
    service: Service, admin: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    async with await member(service, "second", service.enterprise, Role.MANAGER) as second:
        erase = second.post("/v1/auth/me/erase", json={"password": PASSWORD})
        own = f"/v1/organizations/{service.enterprise}/members/{await user_id(service, 'buyer')}"
        left, erased = await asyncio.gather(buyer.delete(own), erase)
        assert sorted((left.status_code, erased.status_code)) == [204, 409]
    # One that is locked manages nothing.
    async with (
        await member(service, "third", service.university, Role.MANAGER) as third,
        service.client(await service.token("scholar")) as scholar,
    ):
        locked = await admin.post(f"/v1/users/{await user_id(service, 'third')}/lock")
        assert locked.status_code == 200
        assert (await third.get("/v1/auth/me")).status_code == 401
        answer = await scholar.post("/v1/auth/me/erase", json={"password": PASSWORD})
        assert (answer.status_code, answer.json()["code"]) == (409, "last_manager")


async def test_an_invitation_ends_with_the_right_to_invite(
    service: Service, admin: httpx.AsyncClient, buyer: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    members = f"/v1/organizations/{service.enterprise}/members"
    async with await member(service, "leaver", service.enterprise, Role.MANAGER) as leaver:
        tokens = []
        for email in ("one@example.cn", "two@example.cn"):
            body = {"email": email, "role": "manager"}
            path = f"/v1/organizations/{service.enterprise}/invitations"
            assert (await leaver.post(path, json=body)).status_code == 201
            async with service.runtime.database.read() as session:
                mail = await session.scalar(select(Mail).where(Mail.recipient == email))
            assert mail is not None
            assert mail.text is not None
            tokens.append(mail.text.split("/invitations/")[1].split()[0])
        leaver_id = await user_id(service, "leaver")

    async def accept(token: str, name: str) -> httpx.Response:
        body = {"token": token, "name": name, "password": "九眼桥下的一盏茶，慢慢喝"}
        return await anyone.post("/v1/invitations/accept", json=body)

    await admin.post(f"/v1/users/{leaver_id}/lock")
    assert (await accept(tokens[0], "again")).json()["code"] == "invitation_closed"
    await admin.post(f"/v1/users/{leaver_id}/unlock")
    assert (await accept(tokens[0], "friend")).status_code == 201
    assert (await buyer.delete(f"{members}/{leaver_id}")).status_code == 204
    assert (await accept(tokens[1], "again")).json()["code"] == "invitation_closed"
    assert (await anyone.get(f"/invitations/{tokens[1]}")).status_code == 409


async def test_what_an_erased_person_asked_for_is_asked_for_no_longer(
    service: Service, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    body = {
        "name": "成都锦里智造有限公司",
        "kind": "enterprise",
        "code": "91510100MA6CGUTY07",
        "proof": "营业执照",
        "user": {"name": "applicant", "password": PASSWORD, "email": "a@example.cn"},
    }
    made = await anyone.post("/v1/registrations", json=body)
    assert made.status_code == 201, made.text
    (review,) = (await admin.get("/v1/reviews")).json()["items"]
    async with service.client(await service.token("applicant")) as applicant:
        erased = await applicant.post("/v1/auth/me/erase", json={"password": PASSWORD})
        assert erased.status_code == 204, erased.text
    answer = await change(admin, f"/v1/reviews/{review['id']}/approve")
    assert (answer.status_code, answer.json()["code"]) == (409, "review_decided")


async def test_an_address_that_is_claimed_tells_nothing_of_what_came_to_it(
    service: Service, buyer: httpx.AsyncClient, scholar: httpx.AsyncClient
) -> None:
    body = {"email": "boss@example.cn", "role": "member"}
    path = f"/v1/organizations/{service.enterprise}/invitations"
    assert (await buyer.post(path, json=body)).status_code == 201
    claimed = await change(scholar, "/v1/auth/me", {"email": "boss@example.cn"}, "PATCH")
    assert claimed.status_code == 200
    kept = (await scholar.get("/v1/auth/me/data")).json()
    assert (kept["invitations"], kept["mails"]) == ([], [])
    await change(scholar, "/v1/auth/me", {"email": "other@example.cn"}, "PATCH")
    await change(scholar, "/v1/auth/me", {"email": "boss@example.cn"}, "PATCH")
    assert (await scholar.get("/v1/auth/me/data")).json()["mails"] == []


async def test_what_is_opened_beside_a_public_record_is_reviewed(
    service: Service, admin: httpx.AsyncClient, scholar: httpx.AsyncClient
) -> None:
    await change(admin, f"/v1/organizations/{service.university}", {"review": True}, "PATCH")
    body = {"organization_id": str(service.university), "title": "石墨烯膜"}
    path = (await scholar.post("/v1/achievements", json=body)).headers["Location"]

    async def approve() -> None:
        query = {"state": "open"}
        (review,) = (await admin.get("/v1/reviews", params=query)).json()["items"]
        answer = await change(admin, f"/v1/reviews/{review['id']}/approve")
        assert answer.status_code == 200, answer.text

    async def state() -> str:
        return str((await scholar.get(path)).json()["state"])

    async def attach(access: str) -> httpx.Response:
        files = {"file": ("说明.txt", "说明".encode(), "text/plain")}
        return await scholar.post(f"{path}/attachments", files=files, data={"access": access})

    await change(scholar, f"{path}/submit")
    query = {"state": "open"}
    (review,) = (await admin.get("/v1/reviews", params=query)).json()["items"]
    assert (await attach("public")).status_code == 201  # while a reviewer reads it
    stale = await admin.post(
        f"/v1/reviews/{review['id']}/approve", headers={"If-Match": f'"{review["version"]}"'}
    )
    assert stale.status_code == 412
    await approve()
    kept = await attach("let_in")
    assert await state() == "published"
    opened = kept.headers["Location"]
    assert (await change(scholar, opened, {"access": "public"}, "PATCH")).status_code == 200
    assert await state() == "submitted"
    await approve()
    assert (await change(scholar, opened, {"access": "signed_in"}, "PATCH")).status_code == 200
    assert await state() == "published"
    assert (await attach("signed_in")).status_code == 201
    assert await state() == "submitted"


async def test_versions_and_times_tell_nothing_of_an_enterprise_that_is_not_named(
    service: Service, admin: httpx.AsyncClient, buyer: httpx.AsyncClient, scholar: httpx.AsyncClient
) -> None:
    body = {
        "organization_id": str(service.enterprise),
        "title": "余热除湿",
        "anonymous": True,
        "place": "四川省绵阳市",
    }
    path = (await buyer.post("/v1/demands", json=body)).headers["Location"]
    await change(buyer, f"{path}/publish")
    files = {"file": ("说明.txt", "说明".encode(), "text/plain")}
    await buyer.post(f"{path}/attachments", files=files, data={"access": "public"})
    wish = {
        "subject_kind": "demand",
        "demand_id": path.rsplit("/", 1)[1],
        "organization_id": str(service.university),
        "message": "想了解",
    }
    interest = (await scholar.post("/v1/interests", json=wish)).headers["Location"]

    async def seen() -> list[tuple[str | None, Any]]:
        found = []
        for where in (path, f"{path}/attachments", interest):
            answer = await scholar.get(where)
            assert answer.status_code == 200
            found.append((answer.headers.get("ETag"), answer.json()))
        return found

    before = await seen()
    organization = f"/v1/organizations/{service.enterprise}"
    await change(admin, organization, {"place": "四川省成都市"}, "PATCH")
    assert await seen() == before
    other = await admin.post("/v1/organizations", json={"name": "某机电厂", "kind": "enterprise"})
    into = {"into": other.json()["id"]}
    assert (await change(admin, f"{organization}/merge", into)).status_code == 200
    assert await seen() == before
    # Nor is it told to a reviewer of where the demand is; the enterprise is elsewhere.
    async with await reviewer(service, "elsewhere", "绵阳") as client:
        assert (await client.get(path)).json()["organization"] is None
        query = {"organization_id": into["into"]}
        assert (await client.get("/v1/demands", params=query)).json()["items"] == []


async def test_failed_sign_ins_leave_nothing_to_guess_at(
    service: Service, anyone: httpx.AsyncClient
) -> None:
    typed = "a password where the name belongs"
    form = {"username": typed, "password": "x"}
    assert (await anyone.post("/v1/auth/token", data=form)).status_code == 401
    async with service.runtime.database.read() as session:
        event = await session.scalar(select(Event).where(Event.action == "sign_in.failed"))
    assert event is not None
    assert hashlib.sha256(typed.encode()).hexdigest()[:32] not in event.subject_id.hex
    assert event.after is None


def test_an_address_of_ipv4_within_ipv6_is_counted_as_itself() -> None:
    assert network("::ffff:203.0.113.7") == network("203.0.113.7")
