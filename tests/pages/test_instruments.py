"""From a search to an approved booking by the pages, on both sides."""

from datetime import timedelta

import httpx

from kechuangtong.core.clock import CITY, now
from kechuangtong.sample import ids
from kechuangtong.sample.instruments import PICTURE
from kechuangtong.sample.service import EDITOR
from pages.conftest import Visitor, register_enterprise

CODES = {"desktop": "91510100MA6CDTQ553", "phone": "91510100MA78YQP613"}


def test_an_instrument_is_found_booked_and_approved(
    visitor: Visitor, operator: httpx.Client
) -> None:
    page, device = visitor.page, visitor.device
    body = {
        "organization_id": ids.ORGANIZATION,
        "name": f"扫描电镜 {device}",
        "class_code": "010102",
        "capacity": 2,
        "opening_hours": [
            {"weekday": day, "opens": "08:30", "closes": "18:00"} for day in range(1, 6)
        ],
    }
    path = operator.post("/v1/instruments", json=body).raise_for_status().headers["Location"]
    operator.post(f"{path}/publish", headers={"If-Match": "*"}).raise_for_status()
    monday = now().astimezone(CITY).date()
    monday += timedelta(days=14 - monday.weekday())

    visitor.signs_in(register_enterprise(operator, f"user-{device}", CODES[device]))
    visitor.opens("/instruments")
    search = page.get_by_role("search")
    search.get_by_label("名称").fill(f"电镜 {device}")
    search.get_by_label("分类").select_option("0101")
    search.get_by_text("空闲时间、距离").press("Enter")  # by keyboard
    search.get_by_label("连续空闲").fill("3")
    search.get_by_label("自", exact=True).fill(f"{monday}")
    search.get_by_role("button").press("Enter")
    page.get_by_text("最早空闲").wait_for()
    visitor.checks()
    page.get_by_role("link", name=f"扫描电镜 {device}").click()
    visitor.opens(f"{httpx.URL(page.url).path}?week={monday}")
    page.get_by_role("link", name=f"空 {monday} 9:00").press("Enter")
    page.wait_for_url("**starts_at=**")
    visitor.checks()
    form = page.get_by_role("main").locator("form.form")
    assert form.get_by_label("开始").input_value() == f"{monday}T09:00"
    form.get_by_label("结束").fill(f"{monday}T11:00")
    form.get_by_label("数量").fill("1")
    form.get_by_label("用途").fill("断口形貌，2 个样品。")
    form.get_by_role("button").press("Enter")
    page.get_by_text("断口形貌").wait_for()
    visitor.checks()
    booking = httpx.URL(page.url).path
    page.get_by_role("button", name="退出").click()

    visitor.signs_in(EDITOR)
    visitor.opens("/bookings")
    page.locator(f'a[href="{booking}"]').click()
    page.get_by_text("断口形貌").wait_for()
    page.get_by_role("button", name="批准").press("Enter")
    page.get_by_text("已批准").wait_for()
    visitor.checks()
    page.get_by_role("button", name="退出").click()

    visitor.signs_in(f"user-{device}")
    visitor.opens(f"{path.removeprefix('/v1')}?week={monday}")
    page.get_by_role("link", name=f"我 {monday} 9:00 已批准").click()
    page.get_by_text("取消……").press("Enter")
    assert page.get_by_role("main").get_by_role("button").all_inner_texts() == ["取消预约"]


def test_an_editor_shows_an_instrument_and_sees_its_year(visitor: Visitor) -> None:
    page, path = visitor.page, f"/instruments/{ids.INSTRUMENT}"
    visitor.signs_in(EDITOR)
    page.goto(path)
    page.get_by_role("link", name="管理照片").click()
    picture = {"name": "外观.png", "mimeType": "image/png", "buffer": PICTURE}
    page.get_by_label("照片（jpg").set_input_files(picture)  # type: ignore[arg-type]
    page.get_by_label("说明").fill(f"外观 {visitor.device}")
    page.get_by_role("button", name="上传").press("Enter")
    page.get_by_role("img", name=f"外观 {visitor.device}").wait_for()
    visitor.checks()
    visitor.opens(path)
    shown = page.get_by_role("img", name=f"外观 {visitor.device}")
    shown.scroll_into_view_if_needed()
    page.wait_for_function("one => one.naturalWidth > 0", arg=shown.element_handle())
    visitor.opens("/statistics/instruments")
    assert page.get_by_role("figure").filter(has_text="台均机时").is_visible()
    visitor.opens(f"/calendar-feeds?instrument_id={ids.INSTRUMENT}")
