"""Signing in and out by the pages."""

from kechuangtong.sample import ids
from pages.conftest import Visitor


def test_one_signs_in_chooses_a_language_and_signs_out(visitor: Visitor) -> None:
    visitor.opens("/")
    page = visitor.page
    page.get_by_role("link", name="登录").click()
    visitor.checks()
    page.get_by_label("用户名").fill("demo")
    page.get_by_label("密码").fill("wrong")
    page.keyboard.press("Enter")
    assert "用户名或密码" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("用户名").input_value() == "demo"
    visitor.checks()
    visitor.signs_in()
    visitor.checks()
    visitor.opens("/webhooks")  # what administrators and managers see alone
    page.get_by_role("link", name="科研管理系统").click()
    page.get_by_role("heading", name="推送记录").wait_for()
    visitor.checks()
    visitor.opens(f"/webhooks/{ids.WEBHOOK}/deliveries/{ids.WEBHOOK_DELIVERY}")
    visitor.opens("/")
    page.get_by_role("link", name="English").click()
    page.get_by_role("heading", name="Achievements and demands, matched").wait_for()
    visitor.checks()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in").wait_for()


def test_a_page_is_used_by_the_keyboard_alone(visitor: Visitor) -> None:
    visitor.opens("/")
    page = visitor.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "跳到正文"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("除湿")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=*")
