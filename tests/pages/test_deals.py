"""Deals, contracts, sales, brokers and webhooks in a browser: each page is sound."""

from kechuangtong.sample import ids
from kechuangtong.sample.service import EDITOR
from pages.conftest import Visitor


def test_the_pages_of_the_trade_are_sound(visitor: Visitor) -> None:
    page = visitor.page
    visitor.opens(f"/sales/{ids.AUCTION}")
    assert not page.get_by_role("navigation", name="本单位").is_visible()
    visitor.signs_in(EDITOR)
    for path, shows in (
        ("/deals", "洽谈中"),
        (f"/deals/{ids.DEAL}", "草拟合同"),
        (f"/deals/{ids.DEAL}/contract", "付款条件"),
        ("/contracts", "技术交易额"),
        (f"/contracts/{ids.CONTRACT}", "记录申请"),
        (f"/contracts/{ids.CONTRACT_DRAFT}", "填写、修改合同内容"),
        (f"/contracts/{ids.CONTRACT_WITH_ROYALTY}", "变更和解除"),
        ("/sales", "挂牌"),
        (f"/sales/{ids.AGREEMENT}", "处理异议"),
        (f"/sales/{ids.SALE_DRAFT}", "发布"),
        ("/brokers", "等级"),
        (f"/brokers/{ids.BROKER}", "证书编号"),
        (f"/mandates/{ids.MANDATE}", "委托方"),
        ("/service-institutions", "服务类别"),
    ):
        answer = page.goto(path)
        assert answer is not None
        assert answer.ok, path
        main = page.get_by_role("main")
        # What is folded away has to be sound, too.
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        visitor.checks()
        assert shows in main.inner_text(), path
    page.get_by_role("navigation", name="更多").get_by_role("link", name="计算器").click()
    page.get_by_role("link", name="English").click()
    page.get_by_role("heading", name="Calculators").wait_for()
    assert page.get_by_role("navigation", name="Your organization").is_visible()
