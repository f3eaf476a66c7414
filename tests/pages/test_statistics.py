"""Statistics and match runs in a browser."""

from kechuangtong.sample.service import EDITOR
from pages.conftest import Visitor


def test_figures_are_shown_as_charts_and_as_tables(visitor: Visitor) -> None:
    visitor.opens("/statistics")
    page = visitor.page
    page.get_by_role("link", name="需求", exact=True).click()
    page.get_by_role("heading", name="统计", level=1).wait_for()
    visitor.checks()
    chart = page.get_by_role("figure").filter(has_text="预算")
    picture = chart.get_by_role("img", name="预算")
    longest = max(one.bounding_box()["width"] for one in picture.locator(".bar").all())
    assert longest > picture.bounding_box()["width"] * 0.99
    chart.get_by_text("数据表").click()
    assert chart.get_by_role("row", name="面议").is_visible()
    page.emulate_media(color_scheme="dark")
    visitor.checks()
    visitor.opens("/statistics")
    page.get_by_role("link", name="交易统计").click()
    page.get_by_role("figure").filter(has_text="从匹配到到款").first.wait_for()
    visitor.checks()


def test_a_list_is_matched_against_the_other(visitor: Visitor) -> None:
    visitor.signs_in(EDITOR)
    visitor.opens("/match-runs")
    page = visitor.page
    page.get_by_role("button", name="开始匹配").click()
    page.get_by_text("已完成").wait_for()  # the page follows the run by itself
    visitor.checks()
    found = page.get_by_role("listitem").filter(has_text="/ 100")
    assert found.count() > 0
    found.first.get_by_text("理由").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="下载 Excel").click()
    assert download.value.suggested_filename.endswith(".xlsx")
    page.get_by_role("link", name="所有批量匹配").click()
    visitor.checks()
    page.goto("/statistics")
    page.get_by_role("heading", name="锦江理工大学").wait_for()
    visitor.checks()
