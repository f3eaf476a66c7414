"""Calculators by worked examples, and what holds for all amounts."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kechuangtong.calculators.deadline import registration_deadline
from kechuangtong.calculators.errors import DeductionsAboveTotal, NoRuleThen
from kechuangtong.calculators.service import CALCULATORS
from kechuangtong.core.language import current

D = Decimal


def calculated(name: str, **inputs: Any) -> dict[str, Any]:
    """An answer as programs get it; warnings and rules by their codes and ids."""
    calculator = CALCULATORS[name]
    answer = calculator.calculate(calculator.inputs.model_validate(inputs)).model_dump(mode="json")
    answer["warnings"] = {one["code"] for one in answer["warnings"]}
    answer["rules"] = [one["id"] for one in answer["rules"]]
    return answer


def subset(results: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, Any]:
    return {name: results[name] for name in expected}


@pytest.mark.parametrize(
    ("accepted_on", "amount", "disputed", "region", "due_on", "cautions"),
    [
        # Fifteen working days: four in April, 6 to 9 May (a Saturday that is worked), 11 to 15, 18, 19.
        ("2026-04-24", 10_000, False, None, "2026-05-19", {"region_unknown"}),
        ("2026-11-27", 4_999_999, False, None, "2026-12-18", {"region_unknown"}),
        # The draft's line for large ones; the year after is not arranged yet.
        (
            "2026-11-27",
            5_000_000,
            False,
            None,
            "2027-01-11",
            {"region_unknown", "holidays_unknown"},
        ),
        ("2026-11-27", 1, True, "四川省", "2027-01-11", {"region_unknown", "holidays_unknown"}),
        # Through the National Day's holidays, with its exchanged Sunday and Saturday.
        ("2026-09-18", 1, False, None, "2026-10-15", {"region_unknown"}),
        # Zhejiang: ten days, whatever the amount; 6 December is a Sunday.
        ("2026-11-26", 9_000_000, False, "浙江省杭州市", "2026-12-07", set()),
        # Before 2026: thirty days; the last, 17 November 2024, is a Sunday.
        ("2024-10-18", 1, False, None, "2024-11-18", {"region_unknown"}),
    ],
)
def test_registration_deadline(
    accepted_on: str,
    amount: int,
    disputed: bool,
    region: str | None,
    due_on: str,
    cautions: set[str],
) -> None:
    found = registration_deadline(date.fromisoformat(accepted_on), D(amount), disputed, region)
    assert found.due_on.isoformat() == due_on
    assert {code for code, _ in found.cautions} == cautions
    answer = calculated(
        "registration-deadline",
        accepted_on=accepted_on,
        amount=amount,
        disputed=disputed,
        region=region,
    )
    assert answer["results"]["due_on"] == due_on
    assert answer["warnings"] == cautions | {"unverified"}


def test_transaction_amount() -> None:
    costs = [
        {"kind": "equipment", "amount": "800000.10"},
        {"kind": "materials", "amount": "200000"},
        {"kind": "deliverable", "amount": "150000", "name": "样机"},
    ]
    answer = calculated("transaction-amount", total="3000000", deductions=costs, on="2020-05-01")
    assert answer["results"] == {
        "total": "3000000.00",
        "deducted": "1000000.10",
        "kept": "150000.00",
        "amount": "1999999.90",
    }
    assert answer["warnings"] == {"deliverable_not_deducted"}
    assert answer["rules"] == ["transaction-amount-2001"]
    whole = [{"kind": "parts", "amount": "5"}]
    assert calculated("transaction-amount", total="5", deductions=whole)["results"]["amount"] == (
        "0.00"
    )
    with pytest.raises(DeductionsAboveTotal):
        calculated("transaction-amount", total="4.99", deductions=whole)


MAIN = {"name": "甲", "share": 90}
REWARDS = [
    # The national floor, art. 45: half of the net income.
    (
        {"way": "transfer", "region": "四川省成都市", "income": "1000000", "costs": "200000"},
        {"base": "800000.00", "percent": "50", "award": "400000.00", "taxable": "200000.00"},
        {"region_unknown", "tax_conditions"},
    ),
    (
        {"way": "licence", "region": "北京市海淀区", "income": "1000000.01"},
        {"percent": "70", "award": "700000.01", "remaining": "300000.00", "taxable": "350000.01"},
        {"tax_conditions"},
    ),
    (
        {"way": "shares", "region": "浙江省", "shares_value": "2000000"},
        {"percent": "70", "award": "1400000.00", "taxable": None},
        {"unverified"},
    ),
    # Own use: five per cent of each year's profit, three to five years.
    (
        {"way": "own_use", "profits": ["1000000", "0", "500000.01", "10", "10", "99"]},
        {"base": "1500020.01", "percent": "5", "award": "75001.00", "taxable": None},
        {"region_unknown", "years_beyond"},
    ),
    (
        {"way": "own_use", "region": "北京", "profits": ["100", "100", "100", "100"]},
        {"percent": "5", "award": "20.00"},
        {"fewer_years"},
    ),
    (
        {"way": "own_use", "region": "浙江", "profits": ["100", "100", "100", "100", "100"]},
        {"percent": "10", "award": "50.00"},
        {"unverified"},
    ),
    # A unit of the state may not go below the floor; an enterprise goes by what it agreed.
    (
        {"way": "transfer", "region": "北京", "income": "100", "agreed_percent": "60"},
        {"floor_percent": "70", "percent": "70", "award": "70.00"},
        {"below_floor", "tax_conditions"},
    ),
    (
        {
            "way": "transfer",
            "region": "北京",
            "income": "100",
            "agreed_percent": "60",
            "owner": "other",
        },
        {"floor_percent": "70", "percent": "60", "award": "60.00", "taxable": None},
        {"below_floor_agreed"},
    ),
    (
        {"way": "transfer", "region": "北京", "income": "100", "agreed_percent": "92.5"},
        {"percent": "92.5", "award": "92.50", "remaining": "7.50"},
        {"tax_conditions"},
    ),
    (
        {"way": "licence", "region": "北京", "income": "100", "costs": "100.01"},
        {"base": "0.00", "award": "0.00", "remaining": "0.00"},
        {"no_net_income", "tax_conditions"},
    ),
    # Zhejiang: main contributors 70 %, the transfer office 5 % of the award.
    (
        {
            "way": "transfer",
            "region": "浙江",
            "income": "100",
            "contributors": [
                {**MAIN, "share": 69},
                {"name": "乙", "role": "office", "share": 4},
                {"name": "丙", "role": "other", "share": 27},
            ],
        },
        {"award": "70.00", "taxable": "35.00"},
        {"unverified", "main_below", "office_below", "tax_conditions"},
    ),
    (
        {
            "way": "transfer",
            "region": "浙江",
            "income": "100",
            "contributors": [
                {**MAIN, "share": 70},
                {"name": "乙", "role": "office", "share": 5},
                {"name": "丙", "role": "other", "share": 25},
            ],
        },
        {"award": "70.00"},
        {"unverified", "tax_conditions"},
    ),
    # Before 2018-07-01 cash was taxed as any.
    (
        {"way": "transfer", "region": "四川", "income": "100", "on": "2018-06-30"},
        {"award": "50.00", "taxable": None},
        {"region_unknown"},
    ),
]


@pytest.mark.parametrize(("inputs", "expected", "warnings"), REWARDS)
def test_reward(inputs: dict[str, Any], expected: dict[str, Any], warnings: set[str]) -> None:
    answer = calculated("reward", **{"on": "2026-11-27", **inputs})
    assert subset(answer["results"], expected) == expected
    assert answer["warnings"] == warnings


def test_an_award_is_split_to_the_cent() -> None:
    people = [{"name": str(number), "share": 1} for number in range(3)]
    results = calculated("reward", way="transfer", income="200.00", contributors=people)["results"]
    assert [one["amount"] for one in results["contributors"]] == ["33.34", "33.33", "33.33"]
    assert [one["taxable"] for one in results["contributors"]] == ["16.67", "16.67", "16.67"]
    assert results["taxable"] == "50.01"


OWNED = {"kind": "ownership", "income": "6000000", "costs": "0"}
TRANSFERS = [
    # 5 million exempt, of the rest half: 500,000 × 25 %.
    (2020, [OWNED], {"exempt": "5000000.00", "halved_taxable": "500000.00", "tax": "125000.00"}),
    (
        2020,
        [{**OWNED, "income": "4000000", "costs": "500000"}],
        {"exempt": "3500000.00", "tax": "0.00", "tax_without": "875000.00", "saving": "875000.00"},
    ),
    (2020, [{**OWNED, "related": True}], {"other_income": "6000000.00", "tax": "1500000.00"}),
    (2020, [{**OWNED, "subject": "other"}], {"exempt": "0.00", "saving": "0.00"}),
    (
        2014,
        [{**OWNED, "kind": "non_exclusive_licence", "licence_years": 10}],
        {"eligible_income": "0.00", "tax": "1500000.00"},
    ),
    (
        2016,
        [{**OWNED, "kind": "non_exclusive_licence", "licence_years": 5}],
        {"eligible_income": "6000000.00", "tax": "125000.00"},
    ),
    (
        2016,
        [{**OWNED, "kind": "exclusive_licence", "licence_years": 4}],
        {"eligible_income": "0.00"},
    ),
    (2016, [{**OWNED, "kind": "exclusive_licence"}], {"eligible_income": "0.00"}),
    # A loss is taken from the gains, and never below nothing.
    (
        2020,
        [OWNED, {**OWNED, "income": "0", "costs": "500000.01"}],
        {
            "eligible_income": "5499999.99",
            "halved_taxable": "250000.00",
            "halved_untaxed": "249999.99",
        },
    ),
    (2020, [{**OWNED, "income": "0", "costs": "1"}], {"eligible_income": "0.00", "tax": "0.00"}),
]


@pytest.mark.parametrize(("year", "transfers", "expected"), TRANSFERS)
def test_transfer_tax(year: int, transfers: list[Any], expected: dict[str, str]) -> None:
    results = calculated("transfer-tax-relief", year=year, transfers=transfers)["results"]
    assert subset(results, expected) == expected
    for one in results["transfers"]:
        assert one["eligible"] is (one["reason"] is None)


def test_transfer_tax_tells_what_holds_of_the_year() -> None:
    licence = {**OWNED, "kind": "non_exclusive_licence", "licence_years": 5}
    for year, warnings, vat in (
        (2015, {"partly_in_force"}, None),
        (2025, {"vat"}, "transfer-vat-2016"),
        (2026, {"vat", "unverified"}, "transfer-vat-2026"),
    ):
        answer = calculated("transfer-tax-relief", year=year, transfers=[licence])
        assert answer["warnings"] == warnings
        assert vat is None or vat in answer["rules"]


RESEARCH = [
    ({"year": 2010, "own_expenses": "100"}, {"percent": "50", "extra": "50.00"}, set()),
    ({"year": 2019, "own_expenses": "100"}, {"percent": "75", "saving": "18.75"}, set()),
    (
        {"year": 2021, "kind": "manufacturing", "own_expenses": "100", "amortization": "10"},
        {"percent": "100", "extra_expenses": "100.00", "extra_amortization": "10.00"},
        set(),
    ),
    # Nine months at 75, three at 100.
    (
        {"year": 2022, "own_expenses": "100"},
        {"percent": "81.25", "extra": "81.25"},
        {"rate_changed"},
    ),
    ({"year": 2022, "kind": "technology_sme", "own_expenses": "1"}, {"percent": "100"}, set()),
    (
        {"year": 2024, "kind": "machine_tools", "own_expenses": "100", "amortization": "50"},
        {"percent": "120", "extra": "180.00", "saving": "45.00"},
        set(),
    ),
    ({"year": 2028, "kind": "machine_tools", "own_expenses": "1"}, {"percent": "100"}, set()),
    (
        {"year": 2024, "own_expenses": "900", "other_expenses": "150", "commissioned": "100"},
        {"counted_other": "100.00", "counted_commissioned": "80.00", "base": "1080.00"},
        {"other_over_limit"},
    ),
    (
        {"year": 2024, "own_expenses": "900", "other_expenses": "100"},
        {"counted_other": "100.00", "base": "1000.00"},
        set(),
    ),
    (
        {"year": 2012, "own_expenses": "900", "other_expenses": "50", "commissioned": "50"},
        {"base": "900.00", "percent": "50"},
        {"scope_unknown"},
    ),
    (
        {"year": 2024, "kind": "real_estate", "own_expenses": "900", "amortization": "1"},
        {"percent": "0", "extra": "0.00", "saving": "0.00"},
        {"excluded_trade"},
    ),
]


@pytest.mark.parametrize(("inputs", "expected", "warnings"), RESEARCH)
def test_rd_deduction(inputs: dict[str, Any], expected: dict[str, str], warnings: set[str]) -> None:
    answer = calculated("rd-deduction", **inputs)
    assert subset(answer["results"], expected) == expected
    assert answer["warnings"] == warnings


DEAL = {
    "role": "seller",
    "contract_kind": "development",
    "registered": True,
    "amount": "1000",
    "window_from": "2025-01-01",
    "window_until": "2025-12-31",
    "payments": [
        {"amount": "600", "invoiced_on": "2025-01-01", "received_on": "2025-12-31"},
        {"amount": "300", "invoiced_on": "2025-05-01"},
        {"amount": "200", "invoiced_on": "2024-12-31", "received_on": "2025-03-01"},
        {"amount": "100", "invoiced_on": "2025-12-30", "received_on": "2026-01-01"},
    ],
}
SUBSIDIES = [
    ({}, {"eligible": True, "counted": "600.00", "base": "600.00", "subsidy": None}),
    ({"percent": "3"}, {"subsidy": "18.00"}),
    ({"percent": "3", "limit": "10"}, {"subsidy": "10.00"}),
    ({"amount": "500"}, {"counted": "600.00", "base": "500.00"}),
    ({"registered": False, "percent": "3"}, {"eligible": False, "base": "0.00", "subsidy": "0.00"}),
    ({"contract_kind": "consulting"}, {"eligible": False, "base": "0.00"}),
    ({"role": "intermediary"}, {"eligible": False}),
    ({"role": "intermediary", "commission": "framework"}, {"eligible": False}),
    ({"role": "intermediary", "commission": "named"}, {"eligible": True, "base": "600.00"}),
]


@pytest.mark.parametrize(("changed", "expected"), SUBSIDIES)
def test_subsidy(changed: dict[str, Any], expected: dict[str, Any]) -> None:
    answer = calculated("subsidy", **{**DEAL, **changed})
    assert subset(answer["results"], expected) == expected
    assert answer["results"]["eligible"] is (answer["results"]["reasons"] == [])
    told = "rate_given" if "percent" in changed else "rate_unknown"
    assert answer["warnings"] == {"unverified", told}


TIERS = [
    {"up_to": "1000000", "percent": "5"},
    {"up_to": "5000000", "percent": "3"},
    {"percent": "1"},
]
COMMISSIONS = [
    ({"percent": "3"}, {"gross": "180000.00", "vat": "0.00"}),
    ({"fixed": "1060", "vat_percent": "6"}, {"net": "1000.00", "vat": "60.00", "gross": "1060.00"}),
    (
        {"fixed": "1000", "vat_percent": "6", "vat_included": False},
        {"net": "1000.00", "vat": "60.00", "gross": "1060.00"},
    ),
    # 50,000 + 120,000 + 10,000.
    ({"brackets": TIERS}, {"gross": "180000.00"}),
    ({"brackets": TIERS, "amount": "1000000"}, {"gross": "50000.00"}),
    ({"brackets": TIERS, "amount": "1000000.34"}, {"gross": "50000.01"}),
]


@pytest.mark.parametrize(("inputs", "expected"), COMMISSIONS)
def test_commission(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    results = calculated("commission", **{"amount": "6000000", **inputs})["results"]
    assert subset(results, expected) == expected


def test_brokers_share_a_commission() -> None:
    brokers = [{"name": "甲", "share": "2"}, {"name": "乙", "share": "1"}]
    asked = {"amount": "1000", "fixed": "100", "vat_percent": "6", "brokers": brokers}
    results = calculated("commission", **asked)["results"]
    assert [(one["net"], one["vat"], one["gross"]) for one in results["brokers"]] == [
        ("62.90", "3.77", "66.67"),
        ("31.44", "1.89", "33.33"),
    ]
    assert (results["net"], results["vat"], results["gross"]) == ("94.34", "5.66", "100.00")
    assert calculated("commission", amount="1", fixed="2")["warnings"] == {"above_amount"}


REFUSED = [
    ("reward", {"way": "transfer"}),
    ("reward", {"way": "transfer", "income": "1", "shares_value": "1"}),
    ("reward", {"way": "shares", "shares_value": "1", "costs": "1"}),
    ("reward", {"way": "own_use", "profits": []}),
    ("reward", {"way": "transfer", "income": "1", "contributors": [{"name": "甲", "share": 0}]}),
    ("reward", {"way": "transfer", "income": "-1"}),
    ("commission", {"amount": "1"}),
    ("commission", {"amount": "1", "percent": "1", "fixed": "1"}),
    ("commission", {"amount": "1", "brackets": TIERS[:2]}),
    ("commission", {"amount": "1", "brackets": [TIERS[1], TIERS[0], TIERS[2]]}),
    ("commission", {"amount": "1", "brackets": [TIERS[2], TIERS[2]]}),
    ("commission", {"amount": "1", "percent": "100.1"}),
    ("subsidy", {**DEAL, "window_from": "2026-01-01"}),
    ("transfer-tax-relief", {"year": 2020, "transfers": []}),
    ("transfer-tax-relief", {"year": 2007, "transfers": [OWNED]}),
]


@pytest.mark.parametrize(("name", "inputs"), REFUSED)
def test_what_makes_no_sense_is_refused(name: str, inputs: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CALCULATORS[name].inputs.model_validate(inputs)


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("registration-deadline", {"accepted_on": "1999-01-01", "amount": "1"}),
        ("transaction-amount", {"total": "1", "on": "2001-01-01"}),
        ("reward", {"way": "transfer", "income": "1", "on": "2015-09-30"}),
        ("subsidy", {**DEAL, "region": "四川省绵阳市"}),
        ("commission", {"amount": "1", "percent": "1", "on": "2020-12-31"}),
    ],
)
def test_where_the_table_has_no_rule_none_is_made_up(name: str, inputs: dict[str, Any]) -> None:
    with pytest.raises(NoRuleThen):
        calculated(name, **inputs)


def test_answers_are_in_the_callers_language() -> None:
    asked = {"way": "transfer", "income": "1", "region": "浙江"}
    for language, word in (("zh", "净收入"), ("en", "Net income")):
        token = current.set(language)  # type: ignore[arg-type]
        assert word in calculated("reward", **asked)["steps"][0]["text"]
        current.reset(token)


MONEY = st.decimals(0, 999_999_999_999, places=2)
PERCENTS = st.decimals(0, 100, places=4)
SHARES = st.lists(st.decimals(0, 99_999, places=4), min_size=1, max_size=8).filter(any)
few = hypothesis_settings(max_examples=30, deadline=None)


def total(parts: list[dict[str, Any]], field: str) -> Decimal:
    return sum((D(one[field]) for one in parts), D(0))


@few
@given(MONEY, MONEY, PERCENTS, SHARES)
def test_parts_of_an_award_add_up(income: D, costs: D, agreed: D, shares: list[D]) -> None:
    people = [{"name": str(number), "share": share} for number, share in enumerate(shares)]
    asked = {"income": income, "costs": costs, "agreed_percent": agreed, "contributors": people}
    results = calculated("reward", way="transfer", **asked)["results"]
    assert D(results["award"]) + D(results["remaining"]) == D(results["base"])
    assert total(results["contributors"], "amount") == D(results["award"])
    assert total(results["contributors"], "taxable") == D(results["taxable"])


@few
@given(MONEY, MONEY.filter(bool), PERCENTS, st.booleans(), SHARES)
def test_parts_of_a_commission_add_up(
    amount: D, edge: D, rate: D, included: bool, shares: list[D]
) -> None:
    brackets = [{"up_to": edge, "percent": rate}, {"percent": 1}]
    brokers = [{"name": str(number), "share": share} for number, share in enumerate(shares)]
    asked = {"amount": amount, "brackets": brackets, "vat_percent": rate, "vat_included": included}
    results = calculated("commission", **asked, brokers=brokers)["results"]
    assert total(results["brackets"], "amount") == amount
    agreed = total(results["brackets"], "commission")
    assert D(results["gross" if included else "net"]) == agreed
    assert D(results["net"]) + D(results["vat"]) == D(results["gross"])
    for field in ("net", "vat", "gross"):
        assert total(results["brokers"], field) == D(results[field])


@few
@given(MONEY, MONEY, PERCENTS)
def test_tax_relief_never_costs(income: D, costs: D, rate: D) -> None:
    transfer = {"kind": "ownership", "income": income, "costs": costs}
    asked = {"year": 2025, "transfers": [transfer], "tax_percent": rate}
    results = calculated("transfer-tax-relief", **asked)["results"]
    parts = (results["exempt"], results["halved_untaxed"], results["halved_taxable"])
    assert sum(map(D, parts)) == D(results["eligible_income"])
    assert D(results["tax"]) + D(results["saving"]) == D(results["tax_without"])
    assert D(results["saving"]) >= 0


@few
@given(MONEY, MONEY, MONEY, MONEY)
def test_deductions_are_no_more_than_the_whole(own: D, other: D, commissioned: D, made: D) -> None:
    asked = {"own_expenses": own, "other_expenses": other, "commissioned": commissioned}
    results = calculated("rd-deduction", year=2025, amortization=made, **asked)["results"]
    counted = D(results["counted_other"]), D(results["counted_commissioned"])
    assert own + sum(counted) == D(results["base"])
    assert counted[0] <= min(other, own / 9)
    assert D(results["extra_expenses"]) + D(results["extra_amortization"]) == D(results["extra"])
