"""The policy table and the calendar of working days."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import pytest

from kechuangtong.policies import (
    holidays,
    instrument_use,
    price_notice,
    registration,
    research,
    rewards,
    subsidies,
    table,
    transfer_taxes,
    trl,
)


def test_the_table_is_whole_and_sound() -> None:
    rules = table.rules()
    assert len({rule.id for rule in rules}) == len(rules) > 30
    for rule in rules:
        assert rule.title.zh, rule.id
        assert rule.title.en, rule.id
        assert rule.source, rule.id
        assert rule.in_force_until is None or rule.in_force_from <= rule.in_force_until, rule.id
        assert rule.in_force(rule.in_force_from), rule.id
        assert not rule.in_force(rule.in_force_from - timedelta(days=1)), rule.id
        if rule.in_force_until is not None:
            assert rule.in_force(rule.in_force_until), rule.id
            assert not rule.in_force(rule.in_force_until + timedelta(days=1)), rule.id
    ids = {rule.id for rule in rules}
    assert {f"trl-{scale}" for scale in trl.scales()} <= ids
    assert len([one for one in ids if one.startswith("instrument-use")]) == len(
        instrument_use.lines()
    )
    assert len([one for one in ids if one.startswith("price-notice")]) == len(price_notice.rules())
    assert {"long-term-use-2020", "first-refusal-2021"} <= ids
    # The text of 2026 could not be read, and a subsidy's rate is not known.
    verified = {rule.id: rule.verified for rule in rules}
    assert not verified["registration-2026"]
    subsidy = subsidies.at(date(2025, 1, 1), "四川省成都市")
    assert subsidy is not None
    assert subsidy.rule.values["percent"] is None
    assert subsidies.at(date(2025, 1, 1), "四川省绵阳市") is None


# A list of words that we made ourselves: nobody's rule.
_NO_RULES = {"testing.json"}


def test_the_table_has_each_rule_of_each_file() -> None:
    listed = {rule.source for rule in table.rules()}
    found = {
        one.name: set(_sources(json.loads(one.read_text(encoding="utf-8"))))
        for one in files("kechuangtong.policies").iterdir()
        if one.name.endswith(".json") and one.name not in _NO_RULES
    }
    assert len(found) > 10
    for name, sources in found.items():
        assert sources, name
        assert sources <= listed, name


def _sources(node: Any) -> Iterator[str]:
    """All sources that a file names, wherever they stand in it."""
    if isinstance(node, dict):
        if isinstance(node.get("source"), str):
            yield node["source"]
        for one in node.values():
            yield from _sources(one)
    elif isinstance(node, list):
        for one in node:
            yield from _sources(one)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2024-02-09", True),  # 除夕 of 2024 was no holiday
        ("2024-02-18", True),  # a Sunday that was worked
        ("2024-09-16", False),
        ("2025-01-26", True),
        ("2025-01-28", False),
        ("2025-10-08", False),
        ("2025-10-11", True),
        ("2026-01-04", True),
        ("2026-02-23", False),
        ("2026-02-24", True),
        ("2026-09-20", True),
        ("2026-10-08", True),
        ("2026-11-28", False),  # a plain Saturday
        # Not arranged yet: what has a fixed date is known alone.
        ("2027-01-01", False),
        ("2027-05-03", True),
        ("2027-10-04", True),
        ("2023-05-02", True),  # free since 2025, and until 2007
        ("2007-05-02", False),
        ("2008-05-02", True),
    ],
)
def test_working_days(day: str, works: bool) -> None:
    assert holidays.is_working(date.fromisoformat(day)) is works


@pytest.mark.parametrize(("year", "rest", "work"), [(2024, 28, 8), (2025, 28, 5), (2026, 33, 6)])
def test_a_year_is_as_its_notice_has_it(year: int, rest: int, work: int) -> None:
    arrangement = holidays.arrangements()[year]
    assert (len(arrangement.rest), len(arrangement.work)) == (rest, work)
    assert all(day.weekday() >= 5 for day in arrangement.work)
    assert all(day.year == year for day in arrangement.rest | arrangement.work)


def test_rules_are_chosen_by_date_and_region() -> None:
    for on, region, expected in (
        (date(2026, 1, 22), None, "registration-2000"),
        (date(2026, 1, 23), None, "registration-2026"),
        (date(2026, 1, 23), "四川省成都市", "registration-2026"),
        (date(2026, 1, 23), "浙江省杭州市", "registration-zhejiang"),
        (date(2016, 1, 1), "浙江省杭州市", "registration-2000"),
    ):
        term = registration.at(on, region)
        assert term is not None
        assert term.rule.id == expected, (on, region)
    assert registration.at(date(1999, 1, 1)) is None
    assert rewards.floor(date(2015, 9, 30)) is None
    assert rewards.cash_tax(date(2018, 6, 30)) is None
    assert transfer_taxes.relief(date(2007, 12, 31)) is None
    assert transfer_taxes.non_exclusive(date(2015, 9, 30)) is None
    assert transfer_taxes.vat_exemption(date(2015, 12, 31)) is None


@pytest.mark.parametrize(
    ("on", "kind", "percent", "rule"),
    [
        (date(2010, 6, 1), "general", 50, "rd-rate-2008"),
        (date(2017, 6, 1), "technology_sme", 75, "rd-rate-2017-sme"),
        (date(2017, 6, 1), "general", 50, "rd-rate-2008"),
        (date(2018, 6, 1), "general", 75, "rd-rate-2018"),
        (date(2021, 1, 1), "manufacturing", 100, "rd-rate-2021-manufacturing"),
        (date(2021, 1, 1), "general", 75, "rd-rate-2018"),
        (date(2022, 1, 1), "technology_sme", 100, "rd-rate-2022-sme"),
        (date(2022, 9, 30), "general", 75, "rd-rate-2018"),
        (date(2022, 10, 1), "general", 100, "rd-rate-2022-fourth-quarter"),
        (date(2023, 1, 1), "general", 100, "rd-rate-2023"),
        (date(2023, 1, 1), "machine_tools", 120, "rd-rate-2023-chips-and-machine-tools"),
        (date(2028, 1, 1), "integrated_circuits", 100, "rd-rate-2023"),
    ],
)
def test_rates_of_deduction(on: date, kind: str, percent: int, rule: str) -> None:
    rate = research.rate(on, kind)
    assert rate is not None
    assert (rate.percent, rate.rule.id) == (percent, rule)
