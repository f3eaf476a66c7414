"""The pages of uploads: a list is sent, its rows are read, columns are mapped, all is undone."""

import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape

import httpx

from conftest import PASSWORD, Service
from forms import send
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.core.trade import ImportKind
from kechuangtong.imports import service as imports
from kechuangtong.models import Import, Organization
from people import signed_in
from sending import HEADER, workbook
from waiting import until

ROWS = [
    ["石墨烯导热膜", "卷对卷制备", "中试", "50万", ""],
    ["低温余热除湿", "", "7级", "面议", ""],
    ["", "没有名称", "", "", ""],
    ["石墨烯導熱膜", "又一次", "", "", ""],
    ["坏专利", "", "", "<script>alert(1)</script>", "ZL201710601862.4"],
]


@asynccontextmanager
async def browser(service: Service, name: str) -> AsyncIterator[httpx.AsyncClient]:
    """Someone who is signed in at a browser."""
    async with service.client() as client:
        await send(client, "/sign-in", {"username": name, "password": PASSWORD})
        yield client


async def ended(client: httpx.AsyncClient, answer: httpx.Response) -> str:
    """The path of the page to which a form led, once its import has ended."""
    assert answer.status_code == 303, answer.text
    path = answer.headers["Location"]

    async def over() -> bool:
        return (await client.get(f"/v1/imports/{path.split('/')[-1]}")).json()["finished_at"]

    await until(over)
    return str(path)


async def upload(
    client: httpx.AsyncClient, content: bytes, name: str = "成果.xlsx", **fields: str
) -> str:
    files = {"file": (name, content)}
    return await ended(client, await send(client, "/uploads", fields, files=files))


def cells(page: httpx.Response) -> list[list[str]]:
    """The rows of a page's last table, as text."""
    body = page.text.rsplit("<tbody>", 1)[1].split("</tbody>")[0]
    return [
        [
            " ".join(unescape(re.sub("<[^>]+>", "", cell)).split())
            for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
        ]
        for row in body.split("</tr>")[:-1]
    ]


def figures(page: httpx.Response) -> dict[str, str]:
    return dict(re.findall(r'data-count="(\w+)"[^>]*>(\d+)<', page.text))


async def test_a_list_is_sent_and_what_is_wrong_is_read(service: Service) -> None:
    async with browser(service, "scholar") as scholar:
        header = [*HEADER, "<b>备注</b>"]
        path = await upload(scholar, workbook(ROWS, header), name="<i>成果.xlsx")
        page = await scholar.get(path)
        assert figures(page) == {
            "refused": "2", "duplicate": "1", "created": "2", "changed": "0", "unchanged": "0"
        }  # fmt: skip
        assert [row[:4] for row in cells(page)] == [
            ["4", "未导入", "成果名称", "（空）"],
            ["6", "未导入", "意向价格", "<script>alert(1)</script>"],
            ["6", "未导入", "知识产权号", "ZL201710601862.4"],
        ]
        assert "校验" in cells(page)[2][4]
        for typed in ("<script>alert", "<i>", "<b>备注"):
            assert typed not in page.text
        assert "<h1>&lt;i&gt;成果.xlsx</h1>" in page.text
        assert "<q>&lt;b&gt;备注&lt;/b&gt;</q>" in page.text

        every = cells(await scholar.get(f"{path}?outcome=all"))
        assert [row[0] for row in every] == ["2", "3", "4", "5", "6", "6"]
        (repeated,) = cells(await scholar.get(f"{path}?outcome=duplicate"))
        assert repeated[4] == "与第 2 行重复"
        created = await scholar.get(f"{path}?outcome=created")
        assert [row[4] for row in cells(created)] == ["石墨烯导热膜", "低温余热除湿"]
        (link, _) = re.findall(r'href="/achievements/([0-9a-f-]+)"', created.text)
        record = (await scholar.get(f"/v1/achievements/{link}")).json()
        assert record["title"] == "石墨烯导热膜"
        assert (await scholar.get(f"{path}?outcome=other")).status_code == 422
        report = re.search(r'href="(/v1/imports/[^"]+/report.xlsx)"', page.text)
        assert (await scholar.get(report[1])).content[:2] == b"PK"

        shown = cells(await scholar.get("/uploads"))
        assert shown[0][:5] == [
            "<i>成果.xlsx", "成果", "蜀江大学", "已完成", "未导入 2 · 重复 1 · 新增 2"
        ]  # fmt: skip
        assert shown[0][6] == "scholar"
        await scholar.get("/language?to=en")
        assert "check digit" in cells(await scholar.get(path))[2][4]


async def test_many_rows_come_by_pages(service: Service) -> None:
    async with browser(service, "scholar") as scholar:
        rows = [["", f"没有名称 {one}"] for one in range(52)]
        path = await upload(scholar, workbook([["导热膜", ""], *rows], HEADER[:2]))
        first = await scholar.get(path)
        assert [row[0] for row in cells(first)] == [str(one) for one in range(3, 53)]
        (following,) = re.findall(r'rel="next" href="([^"]+)"', first.text)
        second = await scholar.get(path + unescape(following))
        assert [row[0] for row in cells(second)] == ["53", "54"]
        assert 'rel="next"' not in second.text
        for cursor in ("x", "WyIxIiwgIjIiXQ", "WyJhIl0"):
            assert (await scholar.get(f"{path}?cursor={cursor}")).status_code == 422


async def test_what_is_not_taken_is_told_on_the_page(service: Service) -> None:
    async with browser(service, "scholar") as scholar, browser(service, "admin") as admin:
        none = await send(scholar, "/uploads", {"kind": "demand", "dry_run": "true"})
        assert none.status_code == 422
        assert "请选择文件" in none.text
        assert 'value="demand" selected' in none.text
        assert 'value="true" checked' in none.text
        path = await upload(scholar, b"no spreadsheet at all", name="成果.xlsx")
        refused = await scholar.get(path)
        reason = (await scholar.get(f"/v1/imports/{path.split('/')[-1]}")).json()["failure"]
        assert f'<p role="alert">{reason["message"]}</p>' in refused.text
        sheet = {"file": ("a.xlsx", workbook(ROWS))}
        unknown = await send(admin, "/uploads", {"organization": "<没有>大学"}, files=sheet)
        assert unknown.status_code == 422
        assert "没有单位“&lt;没有&gt;大学”" in unknown.text
        assert 'value="&lt;没有&gt;大学"' in unknown.text
        other = {"organization": str(service.enterprise)}
        assert (await send(admin, "/uploads", other, files=sheet)).status_code == 303
        # The enterprise is not known to the university, which may not import for another it knows.
        assert (await send(scholar, "/uploads", other, files=sheet)).status_code == 422
        async with browser(service, "buyer") as buyer:
            wanted = {"organization": str(service.university)}
            assert (await send(buyer, "/uploads", wanted, files=sheet)).status_code == 403
        beyond = service.runtime.settings.max_file_size + 200_000
        headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(beyond)}
        too_large = await scholar.post("/uploads", headers=headers, content=b"--x")
        assert too_large.status_code == 413


async def test_others_do_not_reach_it_and_no_other_site_sends_its_forms(service: Service) -> None:
    await signed_in(service, "colleague", member_of=service.university)
    async with browser(service, "scholar") as scholar, browser(service, "buyer") as buyer:
        path = await upload(scholar, workbook(ROWS))
        assert (await buyer.get(path)).status_code == 404
        assert path not in (await buyer.get("/uploads")).text
        for what in ("cancel", "undo", "again"):
            assert (await send(buyer, f"{path}/{what}", at="/uploads")).status_code == 404
            forged = await scholar.post(f"{path}/{what}", data={"form_token": "x"})
            assert forged.status_code == 403
        for page in ("/uploads", "/my/achievements", "/my/demands"):
            assert (await scholar.post(page, data={"action": "withdraw"})).status_code == 403
        assert "已完成" in (await scholar.get("/uploads")).text
        assert (await scholar.get(f"/uploads/{uuid.uuid4()}")).status_code == 404
        assert (await scholar.get("/uploads/not-an-id")).status_code == 404


async def test_columns_are_mapped_on_the_page(service: Service) -> None:
    async with browser(service, "scholar") as scholar:
        header = ["品名", "亮点", "成果名称", "内部"]
        rows = [["除湿机组", "吸附转轮", "甲", "勿传"], ["导热膜", "石墨烯", "乙", "勿传"]]
        tried = await upload(scholar, workbook(rows, header), dry_run="true")
        page = await scholar.get(tried)
        assert "试导入完成，没有写入任何记录" in page.text
        order = re.findall(r"<label>(\S+?)(?: <span[^>]*>未识别</span>)?\s*<select", page.text)
        assert sorted(order[:3]) == ["亮点", "内部", "品名"]
        assert order[3] == "成果名称"

        said = {"品名": "title", "亮点": "description", "内部": "-", "成果名称": "title"}
        fields = [said[one] for one in order]
        twice = await send(scholar, f"{tried}/again", {"fields": ["title", "title"]}, at=tried)
        assert twice.status_code == 422
        assert "只能有一列对应“成果名称”" in twice.text
        mapped = await ended(
            scholar, await send(scholar, f"{tried}/again", {"fields": fields}, at=tried)
        )
        assert figures(await scholar.get(mapped))["created"] == "2"
        mine = await scholar.get("/my/achievements")
        assert {row[1] for row in cells(mine)} == {"除湿机组", "导热膜"}
        # It is remembered, and a later word replaces it.
        again = await upload(scholar, workbook(rows, header))
        assert figures(await scholar.get(again))["unchanged"] == "2"

        (service.runtime.settings.uploads_dir / f"{again.split('/')[-1]}.xlsx").unlink()
        gone = await send(scholar, f"{again}/again", at=again)
        assert gone.status_code == 409
        assert "请重新上传" in gone.text


async def test_a_trial_is_made_real_undone_and_what_was_built_on_it_stays(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    async with browser(service, "scholar") as office:
        tried = await upload(office, workbook(ROWS), dry_run="true")
        assert "撤销此次导入" not in (await office.get(tried)).text
        assert (await send(office, f"{tried}/undo", at=tried)).status_code == 409
        real = await ended(office, await send(office, f"{tried}/again", at=tried))
        assert "新增的 2 条将撤回" in (await office.get(real)).text
        items = (await office.get("/v1/achievements")).json()["items"]
        one = next(item for item in items if item["title"] == "石墨烯导热膜")
        path = f"/v1/achievements/{one['id']}"
        await scholar.patch(path, json={"place": "成都"}, headers={"If-Match": "*"})
        refused = await send(office, f"{real}/undo", at=real)
        assert refused.status_code == 409
        assert "石墨烯导热膜" in refused.text.split('role="alert"')[1].split("</p>")[0]
        second = await upload(office, workbook([["电解水制氢"]], HEADER[:1]))
        undone = await send(office, f"{second}/undo", at=second)
        assert (undone.status_code, undone.headers["Location"]) == (303, second)
        assert "已撤销" in (await office.get(second)).text
        withdrawn = cells(await office.get("/my/achievements?state=withdrawn"))
        assert [row[1] for row in withdrawn] == ["电解水制氢"]


async def test_an_import_that_waits_is_watched_and_stopped(service: Service) -> None:
    async with service.runtime.database.write() as session:
        university = await session.get_one(Organization, service.university)
        waits: Import = imports.new_import(
            OPERATOR, kind=ImportKind.ACHIEVEMENT, organization=university, file_name="a.xlsx"
        )
        session.add(waits)
    async with browser(service, "scholar") as scholar:
        path = f"/uploads/{waits.id}"
        page = await scholar.get(path)
        assert f'data-events="/v1/imports/{waits.id}/events"' in page.text
        assert '<noscript><meta http-equiv="refresh"' in page.text
        for _ in range(2):  # stopping what has stopped is no failure
            stopped = await send(scholar, f"{path}/cancel", at=path)
            assert (stopped.status_code, stopped.headers["Location"]) == (303, path)
        assert "已取消" in (await scholar.get(path)).text
