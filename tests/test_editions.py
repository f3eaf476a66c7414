"""Editions: frozen, numbered, compared, downloaded, checked; and what is masked in them."""

import asyncio
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import openpyxl
import time_machine
from sqlalchemy import func, select

from conftest import Service
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.core.clock import today
from kechuangtong.core.trade import ListKind
from kechuangtong.editions import service as editions
from kechuangtong.models import EditionRecord

ANY = {"If-Match": "*"}
ACHIEVEMENTS = "/v1/lists/achievements/editions"
DEMANDS = "/v1/lists/demands/editions"


async def published(client: httpx.AsyncClient, path: str, **body: Any) -> str:
    where = (await client.post(path, json=body)).raise_for_status().headers["Location"]
    (await client.post(f"{where}/publish", headers=ANY)).raise_for_status()
    return where


async def everything(client: httpx.AsyncClient, path: str, **params: Any) -> list[Any]:
    items, where = [], httpx.URL(path, params=params)
    while where is not None:
        answer = (await client.get(where)).raise_for_status()
        items += answer.json()["items"]
        where = answer.links.get("next", {}).get("url")
    return items


async def check_file(client: httpx.AsyncClient, path: str) -> list[Any]:
    """The records of an edition, from its file, whose checksum anyone can compute."""
    file = (await client.get(f"{path}.ndjson")).raise_for_status()
    about = (await client.get(path)).json()
    assert hashlib.sha256(file.content).hexdigest() == about["sha256"]
    found = [json.loads(line) for line in file.content.decode().splitlines()]
    lines = [
        json.dumps(one, ensure_ascii=False, sort_keys=True, separators=(",", ":")) for one in found
    ]
    assert file.content.decode() == "".join(f"{line}\n" for line in lines)
    assert [one["id"] for one in found] == sorted(one["id"] for one in found)
    assert len(found) == about["count"]
    assert found == await everything(client, f"{path}/records", limit=2)
    return found


async def test_an_edition_stays_as_it_was_and_tells_what_is_new(
    service: Service,
    scholar: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    monkeypatch: Any,
) -> None:
    monkeypatch.setattr(editions, "AT_ONCE", 2)
    owner = {"organization_id": str(service.university)}
    list_path = "/v1/achievements"
    paths = [
        await published(
            scholar,
            list_path,
            **owner,
            title=f"成果{n}",
            contact={"phone": "028-5"},
            keywords=["=1+1"],
        )
        for n in range(5)
    ]
    await scholar.post(list_path, json={**owner, "title": "草稿"})
    await published(scholar, list_path, **owner, title="将过期", valid_until=str(today()))

    refused = await scholar.post(ACHIEVEMENTS)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await anyone.get(f"{ACHIEVEMENTS}/1")).status_code == 404
    assert (await anyone.get(f"{ACHIEVEMENTS}/1.ndjson")).status_code == 404
    assert (await anyone.get(f"{ACHIEVEMENTS}/1/records")).status_code == 404
    assert (await anyone.get("/v1/lists/things/editions")).status_code == 422

    # Two at once, with a repetition of one of them.
    keys = [{"Idempotency-Key": key} for key in ("a", "b", "a")]
    made = await asyncio.gather(*(admin.post(ACHIEVEMENTS, headers=key) for key in keys))
    assert {one.status_code for one in made} == {201}
    assert sorted({one.json()["number"] for one in made}) == [1, 2]
    assert made[0].json() == made[2].json()
    first = await check_file(anyone, f"{ACHIEVEMENTS}/1")
    assert len(first) == 6
    assert {one["contact"] for one in first} == {None}
    assert first == await check_file(anyone, f"{ACHIEVEMENTS}/2")
    about = (await anyone.get(f"{ACHIEVEMENTS}/1")).json()
    assert (about["date"], about["came"], about["went"], about["changed"]) == (
        str(today()),
        6,
        0,
        0,
    )
    about = (await anyone.get(f"{ACHIEVEMENTS}/2")).json()
    assert (about["came"], about["went"], about["changed"]) == (0, 0, 0)
    async with service.runtime.database.read() as session:  # what stays is kept once
        assert await session.scalar(select(func.count()).select_from(EditionRecord)) == 6

    await scholar.patch(paths[1], json={"title": "改名的成果"}, headers=ANY)
    await scholar.post(f"{paths[3]}/withdraw", headers=ANY)
    new = await published(scholar, list_path, **owner, title="新成果")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=2), tick=True):
        async with service.runtime.database.write() as session:
            await editions.freeze(session, OPERATOR, ListKind.ACHIEVEMENT)
            third_day = today()
    about = (await anyone.get(f"{ACHIEVEMENTS}/3")).json()
    assert (about["date"], about["count"]) == (str(third_day), 5)
    assert (about["came"], about["went"], about["changed"]) == (1, 2, 1)
    differences = await everything(anyone, f"{ACHIEVEMENTS}/3/differences", limit=1)
    assert [(one["difference"], one["title"]) for one in differences] == [
        ("changed", "改名的成果"),
        ("went", "成果3"),
        ("went", "将过期"),
        ("came", "新成果"),
    ]
    assert new.endswith(differences[-1]["id"])
    went = await everything(anyone, f"{ACHIEVEMENTS}/3/differences", difference="went")
    assert [one["title"] for one in went] == ["成果3", "将过期"]
    assert await check_file(anyone, f"{ACHIEVEMENTS}/1") == first
    assert len(await check_file(anyone, f"{ACHIEVEMENTS}/3")) == 5
    assert [one["number"] for one in await everything(anyone, ACHIEVEMENTS, limit=2)] == [3, 2, 1]
    assert await everything(anyone, DEMANDS) == []
    # What comes again has been away in between.
    await scholar.post(f"{paths[3]}/publish", headers=ANY)
    await admin.post(ACHIEVEMENTS)
    about = (await anyone.get(f"{ACHIEVEMENTS}/4")).json()
    assert (about["count"], about["came"], about["went"], about["changed"]) == (7, 2, 0, 0)

    file = await anyone.get(f"{ACHIEVEMENTS}/1.xlsx")
    assert file.headers["Content-Disposition"] == 'attachment; filename="achievements-1.xlsx"'
    sheet = openpyxl.load_workbook(io.BytesIO(file.content)).active
    rows = list(sheet.iter_rows(values_only=True))
    assert (len(rows), rows[0][0], rows[1][:3]) == (7, "成果名称", ("成果0", "蜀江大学", "高校"))
    assert "=1+1" in rows[1]


async def test_an_enterprise_that_has_become_anonymous_is_shown_in_no_edition(
    service: Service, buyer: httpx.AsyncClient, anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    own = {"organization_id": str(service.enterprise), "number": "锦城-7"}
    path = await published(
        buyer,
        "/v1/demands",
        **own,
        title="锦城机电的除湿技术",
        description="本公司需要",
        keywords=["锦城机电"],
        required_trl={"level": 6, "evidence": "锦城机电检测"},
    )
    other = await published(
        buyer, "/v1/demands", organization_id=own["organization_id"], title="别的需求"
    )
    await admin.post(DEMANDS)
    await admin.post(DEMANDS)
    before = (await anyone.get(f"{DEMANDS}/1")).json()
    hidden = {"anonymous": True, "title": "除湿技术", "keywords": [], "required_trl": None}
    (await buyer.patch(path, json=hidden, headers=ANY)).raise_for_status()
    assert (await anyone.get(DEMANDS)).json()["items"][0]["sha256"] is None
    for number in (1, 2):
        records = await check_file(anyone, f"{DEMANDS}/{number}")
        about = (await anyone.get(f"{DEMANDS}/{number}")).json()
        assert (about["masked"], about["sha256"] != before["sha256"]) == (1, True)
        one, named = sorted(records, key=lambda record: other.endswith(record["id"]))
        assert named["organization"]["name"] == "锦城机电有限公司"
        assert (one["organization"], one["number"], one["anonymous"]) == (None, None, True)
        assert (one["title"], one["description"]) == ("（匿名需求）", "本公司需要")
        assert one["required_trl"]["level"] == 6
        assert "锦城" not in json.dumps(one, ensure_ascii=False)
    for name in ("1/differences", "1/records"):
        text = (await anyone.get(f"{DEMANDS}/{name}")).text
        assert "锦城机电的" not in text
    sheet = openpyxl.load_workbook(
        io.BytesIO((await anyone.get(f"{DEMANDS}/1.xlsx")).content)
    ).active
    assert "匿名企业" in [cell.value for cell in sheet["B"]]
    await admin.post(DEMANDS)
    assert (await anyone.get(f"{DEMANDS}/3")).json()["changed"] == 1

    # Named again, it stays hidden where it was; and an edition under way is waited for.
    (await buyer.patch(path, json={"anonymous": False}, headers=ANY)).raise_for_status()
    assert "除湿技术" not in str(await check_file(anyone, f"{DEMANDS}/1"))
    await asyncio.gather(
        admin.post(DEMANDS), buyer.patch(path, json={"anonymous": True}, headers=ANY)
    )
    assert len(await check_file(anyone, f"{DEMANDS}/4")) == 2
    texts = (await anyone.get(f"{DEMANDS}/4.ndjson")).text.splitlines()
    assert [json.loads(one)["organization"] is None for one in texts] == [True, False]
