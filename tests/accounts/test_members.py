"""Members of an organization and how they are invited."""

import asyncio
import re
import uuid
from datetime import timedelta
from typing import Any

import httpx
import time_machine
from sqlalchemy import select, update

from conftest import PASSWORD, Service
from forms import send
from kechuangtong.accounts.permissions import PlatformRole, Role
from kechuangtong.accounts.service import create_user
from kechuangtong.core.clock import now
from kechuangtong.mail.service import text_of
from kechuangtong.models import Event, Invitation, Mail, User
from kechuangtong.settings import Settings


async def add(service: Service, name: str, role: Role | None = None, **values: Any) -> uuid.UUID:
    if role is not None:
        values |= {"organization_id": service.university, "role": role}
    async with service.runtime.database.write() as session:
        return (await create_user(session, name=name, password=PASSWORD, **values)).id


async def signed_in(service: Service, name: str) -> httpx.AsyncClient:
    return service.client(await service.token(name))


async def id_of(client: httpx.AsyncClient) -> str:
    return str((await client.get("/v1/auth/me")).json()["id"])


async def invite(client: httpx.AsyncClient, service: Service, **values: str) -> str:
    """The token that the invited colleague is sent."""
    body = {"email": "new@example.edu.cn", "role": "editor", **values}
    answer = await client.post(f"/v1/organizations/{service.university}/invitations", json=body)
    assert answer.status_code == 201, answer.text
    async with service.runtime.database.read() as session:
        mail = (await session.scalars(select(Mail).order_by(Mail.id.desc()))).first()
    assert mail.recipient == body["email"].lower()
    text = text_of(mail, Settings(public_url="https://kct.example/"))
    token = re.search(r"https://kct\.example/invitations/(\S+)", text)[1]
    assert token not in answer.text
    return token


async def test_members_are_shown_to_each_other_and_changed_by_managers(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    path = f"/v1/organizations/{service.university}/members"
    member_id = await add(service, "member", Role.MEMBER)
    await add(service, "auditor", platform_role=PlatformRole.AUDITOR)
    async with (
        await signed_in(service, "member") as member,
        await signed_in(service, "auditor") as auditor,
    ):
        for client, status in ((scholar, 200), (member, 200), (auditor, 200), (buyer, 404)):
            assert (await client.get(path)).status_code == status
        first = await member.get(f"{path}?limit=1")
        assert first.json()["items"][0] | {"created_at": ""} == {
            "user_id": await id_of(scholar),
            "organization_id": str(service.university),
            "name": "scholar",
            "role": "manager",
            "created_at": "",
        }
        second = await member.get(first.links["next"]["url"])
        assert [one["name"] for one in second.json()["items"]] == ["member"]
        only = await member.get(f"{path}?role=member")
        assert [one["name"] for one in only.json()["items"]] == ["member"]

        one = f"{path}/{member_id}"
        for client, status in ((member, 403), (auditor, 403), (buyer, 404), (scholar, 200)):
            assert (await client.patch(one, json={"role": "editor"})).status_code == status
        assert (await member.get("/v1/auth/me")).json()["roles"] == {
            str(service.university): "editor"
        }
        assert (await admin.patch(one, json={"role": "member"})).status_code == 200
        bad = await scholar.patch(one, json={"role": "king"})
        assert bad.json()["errors"][0]["loc"] == ["body", "role"]
        nobody = await scholar.patch(f"{path}/{uuid.uuid4()}", json={"role": "editor"})
        assert nobody.status_code == 404

        key = await member.post(
            "/v1/api-keys",
            json={
                "name": "k",
                "scopes": ["members:read"],
                "organization_id": str(service.university),
            },
        )
        async with service.client(key.json()["secret"]) as program:
            # A program cannot let its person leave.
            assert (await program.delete(one)).status_code == 403
            assert (await member.delete(f"{path}/{await id_of(scholar)}")).status_code == 403
            assert (await member.delete(one)).status_code == 204  # one may leave
            assert (await program.get(path)).json()["code"] == "api_key_revoked"
        assert (await member.get(path)).status_code == 403
    async with service.runtime.database.read() as session:
        events = list(await session.scalars(select(Event).where(Event.action.like("member.%"))))
    assert [one.action for one in events] == ["member.changed"] * 2 + ["member.left"]
    assert "name" not in str(events[0].after)


async def test_the_last_manager_stays(
    service: Service, scholar: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    path = f"/v1/organizations/{service.university}/members"
    mine = f"{path}/{await id_of(scholar)}"
    other = f"{path}/{await add(service, 'second', Role.MANAGER)}"
    async with service.runtime.database.write() as session:
        await session.execute(update(User).where(User.name == "second").values(locked_at=now()))
    for client in (scholar, admin):  # who is locked cannot manage
        for refused in (
            await client.patch(mine, json={"role": "editor"}),
            await client.delete(mine),
        ):
            assert (refused.status_code, refused.json()["code"]) == (409, "last_manager")
    async with service.runtime.database.write() as session:
        await session.execute(update(User).values(locked_at=None))
    async with await signed_in(service, "second") as second:
        answers = await asyncio.gather(
            scholar.patch(other, json={"role": "member"}), second.delete(mine)
        )
        assert sorted(one.status_code for one in answers) in ([200, 409], [204, 409])
        refused = next(one for one in answers if one.status_code == 409)
        assert refused.json()["code"] == "last_manager"
    managers = (await admin.get(f"{path}?role=manager")).json()["items"]
    assert len(managers) == 1


async def test_a_new_colleague_accepts_an_invitation_once(
    service: Service, scholar: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    token = await invite(scholar, service, email="New@example.edu.cn")
    body = {"token": token, "name": "新同事", "password": " a password with blanks "}
    alone = await anyone.post("/v1/invitations/accept", json={"token": token})
    assert (alone.status_code, alone.json()["code"]) == (422, "name_needed")
    half = await anyone.post("/v1/invitations/accept", json={"token": token, "name": "x"})
    assert half.status_code == 422
    taken = await anyone.post("/v1/invitations/accept", json={**body, "name": "scholar"})
    assert (taken.status_code, taken.json()["code"]) == (409, "user_exists")
    assert taken.json()["errors"][0]["loc"] == ["body", "name"]
    unknown = await anyone.post("/v1/invitations/accept", json={**body, "token": "nonsense"})
    assert (unknown.status_code, unknown.json()["errors"][0]["loc"]) == (404, ["body", "token"])

    answers = await asyncio.gather(
        *(
            anyone.post("/v1/invitations/accept", json={**body, "name": f"新同事{n}"})
            for n in range(4)
        )
    )
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]
    assert {one.json()["code"] for one in answers if one.is_error} == {"invitation_closed"}
    made = next(one.json() for one in answers if one.is_success)
    assert (made["role"], made["organization_id"]) == ("editor", str(service.university))
    form = {"username": made["name"], "password": body["password"]}
    assert (await anyone.post("/v1/auth/token", data=form)).status_code == 200
    async with service.runtime.database.read() as session:
        user = await session.get_one(User, uuid.UUID(made["user_id"]))
        events = list(await session.scalars(select(Event).order_by(Event.id)))
        invitation = await session.scalar(select(Invitation))
    assert user.email == "new@example.edu.cn"
    assert token not in invitation.token_hash
    actions = [one.action for one in events[-5:]]
    assert actions == [
        "invitation.created",
        "user.created",
        "member.joined",
        "invitation.accepted",
        "user.signed_in",
    ]
    assert {one.actor_id for one in events[-2:]} == {user.id}
    assert events[-4].actor_kind == "anonymous"
    assert not any("example.edu.cn" in str(vars(one)) for one in events)

    # One who has an account has it still, whoever reads the mail.
    await add(service, "holder", email="holder@example.edu.cn")
    token = await invite(scholar, service, email="holder@example.edu.cn")
    body = {"token": token, "name": "impostor", "password": PASSWORD}
    refused = await anyone.post("/v1/invitations/accept", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "account_exists")
    async with await signed_in(service, "holder") as holder:
        joined = await holder.post("/v1/invitations/accept", json={"token": token})
        assert (joined.status_code, joined.json()["name"]) == (201, "holder")


async def test_invitations_are_for_managers_and_end(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    path = f"/v1/organizations/{service.university}/invitations"
    await add(service, "editor", Role.EDITOR, email="editor@example.edu.cn")
    buyer_id = await id_of(buyer)
    async with await signed_in(service, "editor") as editor:
        body = {"email": "a@example.edu.cn"}
        for client, status in ((editor, 403), (buyer, 403)):
            assert (await client.post(path, json=body)).status_code == status
        assert (await editor.get(path)).status_code == 403
        for client in (buyer, service.client()):
            assert (await client.get(path)).status_code in (401, 404)
        member = await scholar.post(path, json={"email": "Editor@example.edu.cn"})
        assert (member.status_code, member.json()["code"]) == (409, "already_member")
        for email in ("nobody", "a b@example.cn", "a@example.cn\r\nBcc: x@example.cn", "a@b"):
            bad = await scholar.post(path, json={"email": email})
            assert bad.json()["errors"][0]["loc"] == ["body", "email"], email

        replaced = await invite(scholar, service)
        token = await invite(scholar, service)
        for used, code in ((replaced, "invitation_closed"), (token, "already_member")):
            refused = await editor.post("/v1/invitations/accept", json={"token": used})
            assert (refused.status_code, refused.json()["code"]) == (409, code)
        named = {"token": token, "name": "y", "password": PASSWORD}
        refused = await buyer.post("/v1/invitations/accept", json=named)
        assert (refused.status_code, refused.json()["code"]) == (422, "already_signed_in")
        accepted = await buyer.post("/v1/invitations/accept", json={"token": token})
        assert accepted.json()["user_id"] == buyer_id
        assert str(service.university) in (await buyer.get("/v1/auth/me")).json()["roles"]

        revoked = await invite(scholar, service, email="b@example.edu.cn")
        late = await invite(scholar, service, email="c@example.edu.cn")
        await invite(admin, service, email="d@example.edu.cn")
        listed = (await scholar.get(path)).json()["items"]
        assert "token" not in str(listed)
        by_email = {one["email"]: one["id"] for one in listed}
        one = f"/v1/invitations/{by_email['b@example.edu.cn']}"
        assert (await editor.delete(one)).status_code == 403
        async with service.client(await service.token("buyer")) as outsider:
            await scholar.delete(f"/v1/organizations/{service.university}/members/{buyer_id}")
            assert (await outsider.delete(one)).status_code == 404
        for _ in range(2):
            assert (await scholar.delete(one)).status_code == 204
        accepted_one = next(one["id"] for one in listed if one["state"] == "accepted")
        closed = await scholar.delete(f"/v1/invitations/{accepted_one}")
        assert (closed.status_code, closed.json()["code"]) == (409, "invitation_closed")
        with time_machine.travel(now() + timedelta(days=7, seconds=1)):
            token_later = await service.token("scholar")
            for used in (revoked, late):
                async with service.client() as client:
                    gone = await client.post(
                        "/v1/invitations/accept",
                        json={"token": used, "name": "z", "password": PASSWORD},
                    )
                assert (gone.status_code, gone.json()["code"]) == (409, "invitation_closed")
            async with service.client(token_later) as later:
                states = [one["state"] for one in (await later.get(path)).json()["items"]]
                assert states == ["expired", "expired", "revoked", "accepted", "revoked"]
                for state in ("open", "accepted", "revoked", "expired"):
                    found = (await later.get(f"{path}?state={state}")).json()["items"]
                    assert [one["state"] for one in found] == [
                        one for one in states if one == state
                    ]


async def test_the_page_of_an_invitation(
    service: Service,
    scholar: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    organization = f"/v1/organizations/{service.university}"
    tag = (await admin.get(organization)).headers["ETag"]
    await admin.patch(organization, json={"name": "<b>蜀江</b>"}, headers={"If-Match": tag})
    token = await invite(scholar, service)
    page = await anyone.get(f"/invitations/{token}")
    assert page.status_code == 200
    assert "&lt;b&gt;蜀江&lt;/b&gt;" in page.text
    assert "<script" not in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    for form, status in (
        ({"name": '"><b>', "password": "short"}, 422),
        ({"name": "", "password": PASSWORD}, 422),
        ({}, 422),
        ({"name": "scholar", "password": PASSWORD}, 409),
    ):
        refused = await send(anyone, f"/invitations/{token}", form)
        assert refused.status_code == status, form
        assert 'role="alert"' in refused.text
        assert "<b>" not in refused.text
    form = {"name": "新同事", "password": PASSWORD}
    accepted = await send(anyone, f"/invitations/{token}", form)
    assert accepted.status_code == 200
    assert "新同事" in accepted.text
    await service.token("新同事")
    for path, status in ((f"/invitations/{token}", 409), ("/invitations/nonsense", 404)):
        gone = await anyone.get(path)
        assert gone.status_code == status
        assert "<form" not in gone.text
