"""Webhooks in a browser."""

from kechuangtong.sample import ids
from pages.conftest import Visitor


def test_a_webhook_and_its_messages_are_shown(visitor: Visitor) -> None:
    visitor.signs_in()
    visitor.opens("/webhooks")
    page = visitor.page
    page.get_by_role("link", name="科研管理系统").click()
    page.get_by_role("heading", name="推送记录").wait_for()
    visitor.checks()
    page.locator(f'a[href$="{ids.WEBHOOK_DELIVERY}"]').click()
    page.get_by_text("webhook.test").last.wait_for()
    visitor.checks()
