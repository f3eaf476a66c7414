"""Calculators in a browser."""

from pages.conftest import Visitor


def test_an_award_is_computed_and_shows_its_rules(visitor: Visitor) -> None:
    visitor.opens("/calculators")
    page = visitor.page
    page.get_by_role("link", name="成果转化奖励").click()
    visitor.checks()
    page.get_by_label("地区（省、市）").fill("浙江省")
    page.get_by_label("转让或许可收入（元）").fill("1000000")
    people = page.get_by_role("group", name="奖励对象")
    for number, share in enumerate(("70", "30")):
        people.nth(number).get_by_label("姓名").fill(f"完成人{number}")
        people.nth(number).get_by_label("份额").fill(share)
    page.get_by_role("button", name="计算").click()
    page.get_by_role("heading", name="结果").wait_for()
    visitor.checks()
    assert page.get_by_role("row", name="完成人1").get_by_text("210,000.00 元").is_visible()
    assert page.get_by_text("未核实", exact=True).first.is_visible()
    page.get_by_label("转让或许可收入（元）").fill("")
    page.get_by_role("button", name="计算").click()
    assert "须填转让或许可收入" in page.get_by_role("alert").inner_text()
    for name in ("subsidy", "transfer-tax-relief"):
        visitor.opens(f"/calculators/{name}")
