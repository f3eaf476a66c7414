"""Attachments: what is taken, who may have it, and that contents and rows stay together."""

import asyncio
import hashlib
import io
import uuid
import zipfile
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import httpx
import pytest
import time_machine
from pydantic import SecretStr
from sqlalchemy import select

from conftest import PASSWORD, Service, running
from kechuangtong.accounts.permissions import PlatformRole, Role
from kechuangtong.accounts.service import create_user
from kechuangtong.attachments import files
from kechuangtong.attachments import service as attachments
from kechuangtong.attachments.errors import AttachmentTypeDiffers, AttachmentTypeRefused
from kechuangtong.attachments.router import disposition
from kechuangtong.core.clock import now
from kechuangtong.core.trade import ListKind
from kechuangtong.models import Event, Interest, Introduction
from kechuangtong.settings import Settings

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40
UNKNOWN = uuid.UUID(int=7)


def archive(*members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for one in ("[Content_Types].xml", "_rels/.rels", *members):
            packed.writestr(one, one)
    return buffer.getvalue()


DOCX = archive("word/document.xml")
DECLARED = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "txt": "text/plain",
    "csv": "text/csv",
    "zip": "application/zip",
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
}


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, object]]:
    """An S3 server of our own on this machine, and the settings that name a bucket of it."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    httpx.put(f"http://{host}:{port}/papers", trust_env=False).raise_for_status()
    yield {
        "s3_endpoint": f"http://{host}:{port}",
        "s3_region": "us-east-1",
        "s3_access_key": SecretStr("testing"),
        "s3_secret_key": SecretStr("testing"),
    }
    server.stop()


@pytest.fixture(params=["disk", "s3"])
async def stored(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Service]:
    """A running service with each kind of store."""
    named: dict[str, object] = {}
    if request.param == "s3":
        url = f"s3://papers/kept/{uuid.uuid4()}"
        named = {**request.getfixturevalue("s3"), "attachments_url": url}
    async with running(settings.model_copy(update=named)) as one:
        yield one


async def person(service: Service, name: str) -> httpx.AsyncClient:
    return service.client(await service.token(name))


async def published(
    client: httpx.AsyncClient, path: str = "/v1/achievements", **values: object
) -> str:
    """The path of a new published record."""
    made = (await client.post(path, json=values)).raise_for_status()
    where = made.headers["Location"]
    (await client.post(f"{where}/publish", headers={"If-Match": "*"})).raise_for_status()
    return str(where)


async def attach(
    client: httpx.AsyncClient,
    path: str,
    name: str = "说明.pdf",
    content: bytes = PDF,
    access: str = "public",
    **headers: str,
) -> httpx.Response:
    declared = DECLARED.get(name.rpartition(".")[2], "application/octet-stream")
    sent = {"file": (name, content, declared)}
    return await client.post(
        f"{path}/attachments", files=sent, data={"access": access}, headers=headers
    )


async def contents(service: Service) -> set[uuid.UUID]:
    return {key for key, _ in await service.runtime.attachments.keys()}


async def test_a_file_is_kept_described_sent_and_removed(stored: Service) -> None:
    async with await person(stored, "scholar") as scholar, stored.client() as anyone:
        record = await published(scholar, organization_id=str(stored.university), title="成果")
        big = b"%PDF-1.7\n" + bytes(range(256)) * 50_000  # several blocks, several parts
        made = await attach(scholar, record, "../资料\u202efdp/技术 \u202e说明“甲”.PDF", big)
        assert made.status_code == 201, made.text
        path, shown = made.headers["Location"], made.json()
        assert shown["name"] == "技术 说明“甲”.PDF"
        assert (shown["size"], shown["sha256"]) == (len(big), hashlib.sha256(big).hexdigest())
        assert shown["organizations"] == []

        listed = await anyone.get(f"{record}/attachments")
        assert listed.json()["items"] == [{**shown, "organizations": None}]
        got = await anyone.get(f"{path}/content")
        assert got.content == big
        assert got.headers["Content-Type"] == "application/pdf"
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Content-Length"] == str(len(big))
        assert got.headers["ETag"] == f'"{shown["sha256"]}"'
        sent_as = got.headers["Content-Disposition"]
        assert sent_as.startswith("attachment; filename=\"__ _____.PDF\"; filename*=UTF-8''%E6")
        again = await anyone.get(f"{path}/content", headers={"If-None-Match": got.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")

        stale = await scholar.patch(path, json={"access": "let_in"}, headers={"If-Match": '"9"'})
        assert stale.status_code == 412
        body = {"access": "let_in", "organizations": [str(stored.enterprise)]}
        changed = await scholar.patch(path, json=body, headers={"If-Match": made.headers["ETag"]})
        assert (changed.json()["organizations"], changed.json()["version"]) == (
            [str(stored.enterprise)],
            2,
        )
        none = await scholar.patch(path, json={"organizations": []}, headers={"If-Match": "*"})
        assert (none.json()["organizations"], none.json()["version"]) == ([], 3)
        unknown = {"organizations": [str(UNKNOWN)]}
        refused = await scholar.patch(path, json=unknown, headers={"If-Match": "*"})
        assert (refused.status_code, refused.json()["code"]) == (422, "organization_unknown")

        assert await contents(stored) >= {uuid.UUID(shown["id"])}
        removed = await scholar.delete(path, headers={"If-Match": none.headers["ETag"]})
        assert removed.status_code == 204
        assert uuid.UUID(shown["id"]) not in await contents(stored)
        assert (await scholar.get(path)).status_code == 404

    async with stored.runtime.database.read() as session:
        events = await session.scalars(
            select(Event).where(Event.subject_kind == "attachment").order_by(Event.id)
        )
        found = [(one.action, one.actor_kind, one.address) for one in events]
    assert found == [
        ("attachment.created", "user", "127.0.0.1"),
        ("attachment.downloaded", "anonymous", "127.0.0.1"),
        ("attachment.changed", "user", "127.0.0.1"),
        ("attachment.changed", "user", "127.0.0.1"),
        ("attachment.deleted", "user", "127.0.0.1"),
    ]


async def test_what_a_failed_request_leaves_is_removed_and_orphans_are_found(
    stored: Service,
) -> None:
    before = await contents(stored)
    async with await person(stored, "scholar") as scholar, await person(stored, "buyer") as buyer:
        record = await published(scholar, organization_id=str(stored.university), title="成果")
        assert (await attach(buyer, record)).status_code == 403
        nowhere = await attach(scholar, f"/v1/achievements/{UNKNOWN}")
        assert nowhere.status_code == 404
        assert await contents(stored) == before

        # A repetition is answered with the answer of the first, whose content alone stays.
        first, again = [await attach(scholar, record, **{"Idempotency-Key": "1"}) for _ in "12"]
        assert (first.json(), first.status_code) == (again.json(), again.status_code)
        kept = before | {uuid.UUID(first.json()["id"])}
        assert await contents(stored) == kept

        # The last places are taken by as many as there are, at once.
        for n in range(16):
            assert (await attach(scholar, record, f"{n}.pdf")).is_success
        answers = await asyncio.gather(*(attach(scholar, record, f"x{n}.pdf") for n in range(6)))
        assert sorted(one.status_code for one in answers) == [201] * 3 + [409] * 3
        assert len(await contents(stored)) == len(before) + 20
        page = await scholar.get(f"{record}/attachments?limit=15")
        rest = await scholar.get(page.links["next"]["url"])
        assert [len(one.json()["items"]) for one in (page, rest)] == [15, 5]

        # A crash after the content, before the row; a content is never taken from its row.
        async def blocks() -> AsyncIterator[bytes]:
            yield b"lost"

        await stored.runtime.attachments.put(UNKNOWN, blocks())
        runtime = stored.runtime
        # It may be on its way at first.
        assert await attachments.orphans(runtime.database, runtime.attachments) == []
        with time_machine.travel(now() + timedelta(hours=2)):
            lost = await attachments.orphans(runtime.database, runtime.attachments)
        assert lost == [UNKNOWN]
        assert (await scholar.get(f"{first.headers['Location']}/content")).content == PDF

        # A content that is gone is told as such; that nobody has had it is not recorded.
        await runtime.attachments.delete(uuid.UUID(first.json()["id"]))
        gone = await scholar.get(f"{first.headers['Location']}/content")
        assert (gone.status_code, gone.json()["code"]) == (503, "attachments_unavailable")
    async with stored.runtime.database.read() as session:
        events = await session.scalars(select(Event).where(Event.action == "attachment.downloaded"))
        assert len(events.all()) == 1


async def test_a_draft_takes_its_attachments_along(service: Service) -> None:
    async with await person(service, "buyer") as buyer, service.client() as anyone:
        body = {"organization_id": str(service.enterprise), "title": "需求"}
        record = (await buyer.post("/v1/demands", json=body)).headers["Location"]
        attached = await attach(buyer, record)
        path = attached.headers["Location"]
        # Of a record that one may not see there is no attachment, public as it is.
        for where in (f"{record}/attachments", path, f"{path}/content"):
            assert (await anyone.get(where)).status_code == 404
        assert (await buyer.get(f"{path}/content")).is_success
        assert (await buyer.delete(record, headers={"If-Match": "*"})).status_code == 204
        assert (await buyer.get(path)).status_code == 404
        assert await contents(service) == set()


async def test_each_has_what_is_let_out_to_them(service: Service) -> None:
    async with service.runtime.database.write() as session:
        for name, role, organization in (
            ("member", None, service.enterprise),
            ("auditor", PlatformRole.AUDITOR, None),
        ):
            await create_user(
                session,
                name=name,
                password=PASSWORD,
                platform_role=role,
                organization_id=organization,
                role=Role.MEMBER,
            )
    clients = {
        name: await person(service, name) for name in ("scholar", "buyer", "member", "auditor")
    } | {"anyone": service.client()}
    scholar, buyer = clients["scholar"], clients["buyer"]
    record = await published(
        buyer, "/v1/demands", organization_id=str(service.enterprise), title="需求"
    )
    made = {
        access: await attach(buyer, record, f"{access}.pdf", access=access)
        for access in ("public", "signed_in", "let_in")
    }
    assert (await attach(clients["member"], record)).status_code == 403

    async def had() -> dict[str, set[str]]:
        """The attachments that each has, the same by list, by id and by content."""
        found: dict[str, set[str]] = {}
        for name, client in clients.items():
            items = (await client.get(f"{record}/attachments")).json()["items"]
            found[name] = {one["access"] for one in items}
            for access, one in made.items():
                for path in (one.headers["Location"], f"{one.headers['Location']}/content"):
                    status = (await client.get(path)).status_code
                    assert status == (200 if access in found[name] else 404), (name, path)
        return found

    everything, open_to_all = {"public", "signed_in", "let_in"}, {"public"}
    people = {"buyer": everything, "member": everything, "auditor": everything}
    expected = {**people, "anyone": open_to_all, "scholar": {"public", "signed_in"}}
    assert await had() == expected

    let_in = made["let_in"].headers["Location"]
    refused = await scholar.patch(let_in, json={"access": "public"}, headers={"If-Match": "*"})
    assert refused.status_code == 404
    seen = made["public"].headers["Location"]
    for method in ("PATCH", "DELETE"):
        body = {"access": "let_in"} if method == "PATCH" else None
        answer = await scholar.request(method, seen, json=body, headers={"If-Match": "*"})
        assert answer.status_code == 403

    granted = {"organizations": [str(service.university)]}
    assert (await buyer.patch(let_in, json=granted, headers={"If-Match": "*"})).is_success
    assert await had() == {**expected, "scholar": everything}
    assert (await scholar.get(let_in)).json()["organizations"] is None
    nobody: dict[str, list[str]] = {"organizations": []}
    assert (await buyer.patch(let_in, json=nobody, headers={"If-Match": "*"})).is_success
    assert await had() == expected

    demand_id = uuid.UUID(record.rsplit("/", 1)[1])
    async with service.runtime.database.write() as session:
        sides = {
            "demand_id": demand_id,
            "organization_id": service.university,
            "owner_id": service.enterprise,
        }
        interest = Interest(id=uuid.uuid4(), subject_kind=ListKind.DEMAND, **sides)
        session.add(interest)
        await session.flush()
        session.add(Introduction(interest_id=interest.id, **sides))
    assert await had() == {**expected, "scholar": everything}
    for client in clients.values():
        await client.aclose()


async def test_what_is_not_taken_is_told_why(settings: Settings) -> None:
    async with running(settings.model_copy(update={"max_attachment_size": 20_000})) as service:
        async with await person(service, "scholar") as scholar:
            record = await published(scholar, organization_id=str(service.university), title="成果")
            for name, content, status, code in (
                ("空.pdf", b"", 422, "attachment_empty"),
                ("大.pdf", PDF + bytes(20_000), 413, "attachment_too_large"),
                ("巨.pdf", PDF + bytes(200_000), 413, "body_too_large"),
                ("程序.exe", b"MZ" + bytes(100), 422, "attachment_type_refused"),
                ("像.pdf", b"MZ" + bytes(100), 422, "attachment_type_differs"),
            ):
                answer = await attach(scholar, record, name, content)
                assert (answer.status_code, answer.json()["code"]) == (status, code)
                assert answer.json()["errors"][0]["loc"][0] == "body"
            missing = await scholar.post(f"{record}/attachments", data={"access": "public"})
            assert (missing.status_code, missing.json()["errors"][0]["loc"]) == (
                422,
                ["body", "file"],
            )
            assert await contents(service) == set()


PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(20)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(20)
WEBP = b"RIFF\x20\x00\x00\x00WEBPVP8 " + bytes(20)


@pytest.mark.parametrize(
    ("name", "content", "declared"),
    [
        ("a.pdf", PDF, "application/pdf"),
        ("a.PDF", PDF, "application/octet-stream"),
        ("a.png", PNG, "image/png"),
        ("a.jpg", JPEG, "image/jpeg"),
        ("a.jpeg", JPEG, None),
        ("a.webp", WEBP, "image/webp"),
        ("a.docx", DOCX, DECLARED["docx"]),
        ("a.xlsx", archive("xl/workbook.xml"), "application/zip"),
        ("a.pptx", archive("ppt/presentation.xml"), None),
        ("a.zip", archive("a.txt"), "application/x-zip-compressed"),
        ("a.txt", "说明\r\n第二行\t尾".encode(), "text/plain; charset=utf-8"),
        ("a.txt", "说明".encode("gb18030"), "text/plain"),
        ("a.txt", "说明".encode("utf-16"), "text/plain"),
        ("a.csv", "\ufeff名称,数\n甲,1\n".encode(), "application/vnd.ms-excel"),
    ],
)
def test_extension_declared_type_and_content_agree(
    name: str, content: bytes, declared: str | None
) -> None:
    assert files.media_type_of(name, declared, io.BytesIO(content)) in files.MEDIA_TYPES


@pytest.mark.parametrize(
    ("name", "content", "declared"),
    [
        ("a.pdf", PNG, "application/pdf"),
        ("a.pdf", PDF, "image/png"),
        ("a.pdf", b" " + PDF, "application/pdf"),
        ("a.png", JPEG, "image/png"),
        ("a.docx", archive("xl/workbook.xml"), DECLARED["docx"]),
        ("a.docx", archive("a.txt"), DECLARED["docx"]),
        ("a.docx", archive("word/document.xml", "word/vbaProject.bin"), DECLARED["docx"]),
        ("a.docx", PDF, DECLARED["docx"]),
        ("a.zip", PDF, "application/zip"),
        ("a.txt", PDF, "text/plain"),
        ("a.txt", b"%PDF-1.7\n", "text/plain"),
        ("a.txt", b"a\x00b", "text/plain"),
        ("a.txt", b"\x81", "text/plain"),
        ("a.txt", b"  <!DOCTYPE html><script>", "text/plain"),
        ("a.csv", "\ufeff<svg onload=1>".encode(), "text/csv"),
        ("a.csv", b"#!/bin/sh\n", "text/csv"),
        ("a.csv", "名称".encode(), "text/html"),
        ("a.html", b"<p>", "text/html"),
        ("a.svg", b"<svg>", "image/svg+xml"),
        ("a.pdf.exe", PDF, "application/pdf"),
        ("a.js", b"1", "text/plain"),
        ("pdf", PDF, "application/pdf"),
    ],
)
def test_what_does_not_agree_is_refused(name: str, content: bytes, declared: str) -> None:
    with pytest.raises((AttachmentTypeRefused, AttachmentTypeDiffers)):
        files.media_type_of(name, declared, io.BytesIO(content))


def test_names_are_made_safe() -> None:
    for typed, name in (
        ("C:\\用户\\说明.pdf", "说明.pdf"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("年\r\n报\x00\u200b.pdf", "年 报.pdf"),
        ("ann\u202eexe.fdp.pdf", "annexe.fdp.pdf"),
        ('a"<b>|c?.pdf', "a__b__c_.pdf"),
        (".pdf", "附件.pdf"),
        ("", "附件"),
        ("...", "附件."),
    ):
        assert files.safe_name(typed) == name
    long = files.safe_name("技术" * 200 + ".docx")
    assert long.endswith(("技术.docx", "技.docx"))
    assert 190 < len(long.encode()) <= files.NAME_BYTES
    assert disposition('甲 "1%\\.pdf') == (
        "attachment; filename=\"_ _1__.pdf\"; filename*=UTF-8''%E7%94%B2%20%221%25%5C.pdf"
    )
