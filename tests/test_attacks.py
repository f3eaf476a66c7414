"""What those try who want more than is theirs: each test is a way that was open once."""

import uuid
from typing import Any

import httpx
from sqlalchemy import select

from conftest import Service
from kechuangtong.accounts.permissions import Role
from kechuangtong.models import Event, Membership, User
from people import change
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
