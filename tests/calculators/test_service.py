"""Calculators and the policy table, called as a program and as a person call them."""

import re

import httpx

from conftest import Service
from forms import send
from kechuangtong.calculators.service import CALCULATORS
from kechuangtong.policies import table


async def test_calculators_are_open_to_anyone(service: Service) -> None:
    async with service.client() as anyone:
        await _every_example(anyone)
        await _lists(anyone)
        await _refusals(anyone)
        await _pages(anyone)


async def _every_example(anyone: httpx.AsyncClient) -> None:
    for name, calculator in CALCULATORS.items():
        example = calculator.inputs.model_config["json_schema_extra"]["example"]  # type: ignore[index, call-overload]
        answer = await anyone.post(f"/v1/calculators/{name}", json=example)
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        assert shown["name"] == name
        assert (
            shown["inputs"].items()
            >= {key: value for key, value in example.items() if isinstance(value, str)}.items()
        )
        assert shown["steps"], name
        assert shown["rules"], name
        assert {one["id"] for one in shown["rules"]} <= {rule.id for rule in calculator.rules}
        english = await anyone.post(
            f"/v1/calculators/{name}", json=example, headers={"Accept-Language": "en"}
        )
        assert english.json()["results"].keys() == shown["results"].keys()
        assert english.json()["rules"][0]["title"] != shown["rules"][0]["title"]


async def _lists(anyone: httpx.AsyncClient) -> None:
    first = (await anyone.get("/v1/calculators", params={"limit": 5})).json()
    assert len(first["items"]) == 5
    rest = (await anyone.get("/v1/calculators", params={"cursor": first["next_cursor"]})).json()
    assert rest["next_cursor"] is None
    listed = [one["name"] for one in first["items"] + rest["items"]]
    assert listed == sorted(CALCULATORS)
    assert all(one["rules"] for one in first["items"])

    found: list[str] = []
    url: str | None = "/v1/policies?limit=20"
    while url:
        answer = await anyone.get(url)
        found += [one["id"] for one in answer.json()["items"]]
        url = answer.links.get("next", {}).get("url")
    assert found == [rule.id for rule in table.rules()]
    one = (await anyone.get("/v1/policies", params={"id": "reward-beijing"})).json()["items"]
    assert [(rule["values"]["income_percent"], rule["verified"]) for rule in one] == [("70", True)]
    for on, expected in (("2026-01-22", "registration-2000"), ("2026-01-23", "registration-2026")):
        asked = {"on": on, "limit": 100}
        items = (await anyone.get("/v1/policies", params=asked)).json()["items"]
        ids = {rule["id"] for rule in items}
        assert ids & {"registration-2000", "registration-2026"} == {expected}


async def _refusals(anyone: httpx.AsyncClient) -> None:
    for path, body, code, loc in (
        ("transaction-amount", {"total": "1", "tax": 1}, "validation_failed", ["body", "tax"]),
        ("transaction-amount", {"total": "1e99"}, "validation_failed", ["body", "total"]),
        (
            "transaction-amount",
            {"total": "1", "deductions": [{"kind": "parts", "amount": "2"}]},
            "deductions_above_total",
            ["body", "deductions"],
        ),
        (
            "registration-deadline",
            {"accepted_on": "1999-01-01", "amount": "1"},
            "no_rule_then",
            ["body", "accepted_on"],
        ),
    ):
        answer = await anyone.post(f"/v1/calculators/{path}", json=body)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, code)
        assert problem["errors"][0]["loc"] == loc
    for url, status in (
        ("/v1/policies?limit=101", 422),
        ("/v1/policies?on=1899-01-01", 422),
        ("/v1/policies?cursor=x", 422),
        ("/v1/policies?other=1", 422),
        ("/v1/calculators/none", 404),
        ("/calculators/none", 404),
    ):
        assert (await anyone.get(url)).status_code == status, url


async def _pages(anyone: httpx.AsyncClient) -> None:
    overview = (await anyone.get("/calculators")).text
    for name in CALCULATORS:
        assert f'href="/calculators/{name}"' in overview
        shown = await anyone.get(f"/calculators/{name}")
        assert shown.status_code == 200
        assert "出处" in shown.text

    asked = {
        "way": "transfer",
        "owner": "state",
        "region": "浙江省",
        "income": "100",
        "contributors-0-name": "<甲>",
        "contributors-0-role": "main",
        "contributors-0-share": "2",
        "contributors-1-name": "乙",
        "contributors-1-role": "office",
        "contributors-1-share": "1",
        "contributors-2-role": "main",
    }
    answer = await send(anyone, "/calculators/reward", asked)
    assert answer.status_code == 200
    for told in ("70.00 元", "46.67 元", "23.33 元", "&lt;甲&gt;", "转化工作人员", "未核实"):
        assert told in answer.text, told
    assert re.search(r'name="region" value="浙江省"', answer.text)

    profits = {"way": "own_use", "owner": "state", "profits-0-": "1000", "profits-2-": "500"}
    answer = await send(anyone, "/calculators/reward", profits)
    assert "75.00 元" in answer.text
    english = {"Accept-Language": "en"}
    for fields, told in (
        ({"way": "transfer", "income": "x"}, "Income of a transfer or licence (CNY): "),
        ({"way": "transfer"}, "this way needs income"),
        ({"way": "transfer", "income": "1", "on": "2000-01-01"}, "Rules of which day"),
        ({"way": "transfer", "income": "1", "contributors-0-share": "1"}, "Who shares it Name: "),
    ):
        answer = await send(anyone, "/calculators/reward", fields, headers=english)
        assert answer.status_code == 422
        (alert,) = re.findall(r'<p role="alert">(.*?)</p>', answer.text)
        assert told in alert
    filled = {
        "transaction-amount": {
            "total": "10",
            "deductions-1-kind": "parts",
            "deductions-1-amount": "3",
        },
        "registration-deadline": {"accepted_on": "2026-11-27", "amount": "1", "disputed": "on"},
        "transfer-tax-relief": {
            "year": "2025",
            "tax_percent": "25",
            "transfers-0-kind": "ownership",
            "transfers-0-subject": "other",
            "transfers-0-income": "4",
        },
        "rd-deduction": {"year": "2025", "kind": "general", "own_expenses": "8"},
        "subsidy": {
            "region": "四川省成都市",
            "role": "seller",
            "contract_kind": "service",
            "amount": "1",
            "window_from": "2025-01-01",
            "window_until": "2025-12-31",
            "payments-0-amount": "1",
        },
        "commission": {
            "amount": "100",
            "percent": "3",
            "brokers-0-name": "甲",
            "brokers-0-share": "1",
        },
    }
    for name, told in (
        ("transaction-amount", "7.00 元"),
        ("registration-deadline", "2027-01-11"),
        ("transfer-tax-relief", "不属于规定的技术类别"),
        ("rd-deduction", "2.00 元"),
        ("subsidy", "合同未认定登记；只补助技术转让、技术开发合同"),
        ("commission", "3.00 元"),
    ):
        answer = await send(anyone, f"/calculators/{name}", filled[name])
        assert (answer.status_code, told in answer.text) == (200, True), name
    assert (await anyone.post("/calculators/reward", data=asked)).status_code == 403
