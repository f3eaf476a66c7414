"""From a search to the first contact by the pages, on both sides."""

import re

import httpx

from kechuangtong.sample.service import EDITOR
from pages.conftest import Visitor, register_enterprise
from sending import workbook

# Each device has an enterprise of its own.
CODES = {"desktop": "91510100MA6CGUTY07", "phone": "91510100MA77PAGE65"}


def test_an_upload_leads_to_a_search_to_a_match_and_to_the_contacts(
    visitor: Visitor, operator: httpx.Client
) -> None:
    page, device = visitor.page, visitor.device
    main = page.get_by_role("main")
    visitor.signs_in(register_enterprise(operator, f"buyer-{device}", CODES[device]))
    visitor.opens("/uploads")
    page.get_by_label("清单").select_option("demand")
    rows = [[f"烘房余熱除濕 {device}", "烘房除湿耗电高，希望用 60 ℃ 工艺余热除湿。", "是"]]
    content = workbook(rows, ["需求名称", "需求描述", "是否匿名"])
    page.get_by_label("文件").set_input_files(
        {"name": "需求.xlsx", "mimeType": "", "buffer": content}
    )
    page.get_by_role("button", name="上传").click()
    assert page.get_by_role("status").inner_text() == "导入完成。"

    found = page.get_by_text("共 1 条")
    for _ in range(100):  # the index follows
        visitor.opens("/search")
        page.get_by_label("检索词").fill(f"余热 {device}")
        page.get_by_label("清单").select_option("demand")
        main.get_by_role("search").get_by_role("button").click()
        page.wait_for_url("**/search?*")
        if found.is_visible():
            break
    visitor.checks()
    main.get_by_role("link", name=f"烘房余熱除濕 {device}").click()
    page.get_by_role("heading", name="匹配的成果").wait_for()
    visitor.checks()

    match = page.locator("ol.cards > li").filter(has_text="余热再生吸附转轮除湿机组").first
    bar = match.get_by_role("meter", name="匹配度")
    assert 0 < bar.evaluate("bar => bar.value") <= 1
    assert match.locator("h3 mark").all_inner_texts() == ["余热", "除湿"]
    assert "烘房余熱除濕" in match.locator("blockquote").last.locator("mark").all_inner_texts()
    assert match.get_by_role("list", name="理由概览").get_by_text("领域").is_visible()
    match.get_by_text("这条匹配有用吗？").click()
    match.get_by_role("button", name="有用").click()
    page.get_by_text("您的反馈：有用").wait_for()

    match.get_by_role("link", name=re.compile("提出对接意向")).click()
    visitor.checks()
    page.get_by_label("留言").fill("想看一次现场试验。")
    page.get_by_role("button", name="发送").click()
    page.get_by_text("待答复").wait_for()
    visitor.checks()
    interest = page.url
    page.get_by_role("button", name="退出").click()

    visitor.signs_in(EDITOR)
    visitor.opens("/inbox")
    page.locator(f'a[href="{httpx.URL(interest).path}"]').click()
    page.get_by_text("想看一次现场试验。").wait_for()
    assert "食品有限公司" not in main.inner_text()
    visitor.checks()
    page.get_by_role("button", name="接受").click()
    page.get_by_role("heading", name="双方联系方式").wait_for()
    assert f"buyer-{device}@example.org" in main.inner_text()
    visitor.checks()
    page.get_by_role("link", name="查看引荐").click()
    page.get_by_role("heading", name="引荐").wait_for()
    visitor.checks()


def test_a_text_is_matched_and_a_search_without_results_says_what_to_try(
    visitor: Visitor,
) -> None:
    visitor.opens("/search?q=zzqqxx&stage=pilot")
    page = visitor.page
    page.get_by_text("没有找到").wait_for()
    page.get_by_role("link", name="中试 （去掉）").click()
    assert "stage" not in page.url
    page.get_by_label("描述您的需求").fill("烘房除湿能耗太高，想利用工艺余热。")
    page.get_by_role("button", name="匹配").click()
    page.get_by_role("heading", name="匹配的成果").wait_for()
    visitor.checks()
    assert page.locator("ol.cards mark").count() > 1
    page.locator("ol.cards h3 a").first.click()
    page.get_by_role("heading", name="匹配的需求").wait_for()
    page.locator("main a[href^='/organizations/']").first.click()
    page.get_by_role("heading", name="已发布的").first.wait_for()
    visitor.checks()
