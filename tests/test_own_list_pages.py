"""The pages of an organization's own lists."""

import re
from html import unescape

import httpx

from conftest import Service
from forms import send
from sending import HEADER, workbook
from test_upload_pages import browser, cells, upload


def ticked(page: httpx.Response, *titles: str) -> list[str]:
    """The values of the boxes of records."""
    boxes = re.findall(r'name="ids" value="([^"]+)" aria-label="([^"]*)"', page.text)
    return [value for value, title in boxes if unescape(title) in titles]


async def test_records_are_found_withdrawn_and_published_with_reasons(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    body = {"organization_id": str(service.university), "title": "草稿<b>"}
    await scholar.post("/v1/achievements", json=body)
    async with browser(service, "scholar") as office, browser(service, "buyer") as other:
        await upload(office, workbook([[f"转轮 {one}", "吸附"] for one in range(60)], HEADER[:2]))
        page = await office.get("/my/achievements")
        assert len(cells(page)) == 50
        (following,) = re.findall(r'rel="next" href="([^"]+)"', page.text)
        rest = cells(await office.get("/my/achievements" + unescape(following)))
        assert len(rest) == 11
        assert {row[1] for row in rest} & {row[1] for row in cells(page)} == set()
        assert rest[-1][1] == "草稿<b>"
        found = await office.get("/my/achievements", params={"q": "吸附 轮 7", "state": ""})
        assert {row[1] for row in cells(found)} == {
            "转轮 7", "转轮 17", "转轮 27", "转轮 37", "转轮 47", "转轮 57"
        }  # fmt: skip
        for q in ("%", "_"):
            assert "没有记录" in (await office.get("/my/achievements", params={"q": q})).text
        drafts = await office.get("/my/achievements?state=draft")
        assert [row[1] for row in cells(drafts)] == ["草稿<b>"]

        listed = "/my/achievements?q=7"
        ids = ticked(found, "转轮 7", "转轮 17") + ticked(drafts, "草稿<b>")
        fields = {"action": "withdraw", "ids": ids}
        done = await send(office, listed, fields)
        status = unescape(done.text.split('role="status"')[1].split("</div>")[0])
        assert "已办 2 条" in status
        assert "草稿<b>: 状态为" in unescape(status)
        assert "<b>" not in done.text.split('role="status"')[1].split("</div>")[0]
        states = {row[1]: row[3] for row in cells(done)}
        assert (states["转轮 7"], states["转轮 27"]) == ("已撤回", "已发布")
        seventh = ticked(found, "转轮 7")
        published = await send(office, listed, {"action": "publish", "ids": seventh})
        assert {row[1]: row[3] for row in cells(published)}["转轮 7"] == "已发布"
        assert "请先勾选" in (await send(office, listed, {"action": "publish"})).text
        assert (await send(office, listed, {"action": "delete", "ids": ids})).status_code == 422

        # Another's are not shown, and nothing of them is changed or told.
        organization = f"/my/achievements?organization={service.university}"
        assert (await other.get(organization)).status_code == 404
        theirs = await send(other, "/my/achievements", fields)
        assert "没有权限" in theirs.text
        assert "没有找到" in theirs.text
        assert "草稿" not in theirs.text.split('role="status"')[1].split("</div>")[0]
        assert (await office.get("/my/achievements?limit=101")).status_code == 422


async def test_who_sees_all_names_whose_list(service: Service) -> None:
    async with browser(service, "admin") as admin, service.client() as anyone:
        assert "请指定单位" in (await admin.get("/my/demands?organization=")).text
        named = await admin.get("/my/demands", params={"organization": "锦城机电有限公司"})
        assert f"/v1/demands/export.xlsx?organization_id={service.enterprise}" in named.text
        assert (await admin.get("/my/demands?organization=nobody")).status_code == 404
        asked = await anyone.get("/my/demands")
        assert asked.headers["Location"] == "/sign-in?next=/my/demands"
