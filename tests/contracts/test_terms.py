"""What contracts say, lack and cost, without a database."""

import uuid
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kechuangtong.contracts.content import ContractContent
from kechuangtong.contracts.items import missing_items
from kechuangtong.contracts.plan import Royalty
from kechuangtong.contracts.schemas import EXAMPLE
from kechuangtong.contracts.sharing import Part, parts, reversed_parts
from kechuangtong.contracts.states import TRANSITIONS, Action, sides_of
from kechuangtong.models.contract import ContractSide, ContractState
from kechuangtong.models.deal import DealSide

SELLER, BUYER = str(uuid.uuid4()), str(uuid.uuid4())
PARTIES = [
    {"side": "seller", "organization_id": SELLER, "share": "100"},
    {"side": "buyer", "organization_id": BUYER, "share": "100"},
]
PATENT = {
    "name": "热泵烘房",
    "applicant": "蜀江大学",
    "owner": "蜀江大学",
    "filed_on": "2017-01-20",
    "application_number": "201710601862.3",
    "patent_number": "ZL 2017 1 0601862.3",
    "valid_until": "2037-01-19",
}
LICENCE = {
    "kind": "license",
    "sub_kind": None,
    "patents": [PATENT],
    "licence": {"scope": "制造、使用、销售", "until_on": "2030-12-31"},
}


def content(**values: Any) -> ContractContent:
    return ContractContent.model_validate({**EXAMPLE, "parties": PARTIES, **values})


MISSING: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"sub_kind": None}, ["sub_kind"]),
    ({"subject": None, "acceptance": None}, ["subject", "acceptance"]),
    ({"performance": None, "confidentiality": None}, ["performance", "confidentiality"]),
    ({"results": None, "payment": None}, ["results", "payment"]),
    ({"parties": PARTIES[1:]}, ["sellers"]),
    ({"parties": []}, ["sellers", "buyers"]),
    ({"sub_kind": "cooperative"}, ["division"]),
    ({"sub_kind": "cooperative", "division": "甲方出资，乙方研发。"}, []),
    ({"kind": "service", "sub_kind": "training"}, ["training"]),
    ({"kind": "service", "sub_kind": "intermediation"}, []),
    ({"kind": "service", "sub_kind": None}, ["sub_kind"]),
    ({"kind": "consulting", "sub_kind": None}, []),
    ({"kind": "transfer", "sub_kind": None}, ["rights"]),
    ({"kind": "transfer", "sub_kind": None, "know_how": "配方"}, []),
    (LICENCE, []),
    ({**LICENCE, "licence": None}, ["licence_scope"]),
    (
        {**LICENCE, "licence": {"scope": "制造", "until_on": "2037-01-20"}},
        ["licence_within_patent"],
    ),
    ({**LICENCE, "licence": {"scope": "制造", "until_on": "2038-01-01"}, "know_how": "工艺"}, []),
    (
        {**LICENCE, "patents": [PATENT, {"name": "二", "pending": True}]},
        ["patent_2_applicant", "patent_2_filed_on", "patent_2_application_number"],
    ),
    (
        {"patents": [{"name": "一"}]},
        [
            f"patent_1_{name}"
            for name in (
                "applicant",
                "filed_on",
                "application_number",
                "owner",
                "patent_number",
                "valid_until",
            )
        ],
    ),
]


@pytest.mark.parametrize(("values", "codes"), MISSING)
def test_what_a_contract_lacks_by_its_kind(values: dict[str, Any], codes: list[str]) -> None:
    missing = missing_items(content(**values))
    assert [one.code for one in missing] == codes
    assert all(one.article.startswith("民法典 8") and one.text.zh for one in missing)


def test_a_licence_that_says_nothing_is_ordinary() -> None:
    licence = content(kind="license", sub_kind=None).licence
    assert licence is not None
    assert licence.type == "ordinary"
    assert content(**LICENCE).patents[0].patent_number == "ZL201710601862.3"


BROKER = {"side": "broker", "name": "某中心"}
INVALID: list[tuple[str, dict[str, Any]]] = [
    ("is no sub-kind", {"sub_kind": "training"}),
    ("only a licence", {"licence": {}}),
    ("sells an achievement", {**LICENCE, "pricing": "no_achievement"}),
    ("last day", {"starts_on": "2026-02-02", "ends_on": "2026-02-01"}),
    ("an organization or a name", {"parties": [{"side": "broker"}]}),
    ("stands once", {"parties": [PARTIES[0], {**PARTIES[0], "side": "buyer"}]}),
    ("add up to 100, not 99.9999", {"parties": [{**PARTIES[0], "share": "99.9999"}]}),
    (
        "all shares are named",
        {
            "parties": [
                PARTIES[0],
                {"side": "seller", "organization_id": str(uuid.uuid4())},
            ]
        },
    ),
    ("brokers have commissions", {"parties": [{**BROKER, "share": "100"}]}),
    ("brokers have commissions", {"parties": [{**PARTIES[0], "commission_percent": "1"}]}),
    (
        "an amount or a percentage",
        {"parties": [{**BROKER, "commission_amount": "1", "commission_percent": "1"}]},
    ),
    (
        "commissions exceed",
        {
            "parties": [
                {**BROKER, "commission_amount": "1000000.00"},
                {**BROKER, "commission_percent": "20"},
            ]
        },
    ),
    ("exceeds the total", {"deductions": [{"name": "机组", "amount": "1200000.01"}]}),
    (
        "amounts add up",
        {"payment": {"kind": "instalments", "instalments": [{"amount": "1", "milestone": "一"}]}},
    ),
    (
        "percentages add up to 100, these to 99",
        {"payment": {"kind": "instalments", "instalments": [{"percent": "99", "milestone": "一"}]}},
    ),
    (
        "all instalments have amounts",
        {
            "payment": {
                "kind": "instalments",
                "instalments": [
                    {"percent": "50", "milestone": "一"},
                    {"amount": "600000", "milestone": "二"},
                ],
            }
        },
    ),
    ("a day or a milestone", {"payment": {"kind": "lump_sum"}}),
    ("the total", {"payment": {"kind": "shares", "company": "某", "percent": "5", "value": "1"}}),
    ("percentage or number", {"payment": {"kind": "shares", "company": "某", "value": "1200000"}}),
    ("check digit", {"patents": [{"application_number": "201710601862.4"}]}),
    (
        "its application number",
        {"patents": [{**PATENT, "application_number": "200710308494.X"}]},
    ),
    ("Input should be", {"total": "-1"}),
    ("no more than 2 decimal places", {"total": "1.001"}),
]


@pytest.mark.parametrize(("says", "values"), INVALID)
def test_what_does_not_hold_together_is_refused(says: str, values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as error:
        content(**values)
    raised = error.value.errors()[0]
    text = raised.get("ctx", {}).get("error")
    assert says in (text.args[0].en if text is not None else raised["msg"])


CENTS = st.integers(min_value=1, max_value=10**12).map(lambda cents: Decimal(cents) / 100)
PERCENTS = st.integers(min_value=1, max_value=400_000).map(lambda n: Decimal(n) / 10_000)


@settings(max_examples=30, deadline=None)
@given(total=CENTS, cuts=st.lists(st.integers(1, 999_999), max_size=8, unique=True))
def test_instalments_in_percent_add_up_to_the_cent(total: Decimal, cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), 1_000_000]
    percents = [Decimal(b - a) / 10_000 for a, b in pairwise(ends)]
    said = content(
        total=total,
        deductions=[{"name": "料", "amount": total / 2}] if total % Decimal("0.02") == 0 else [],
        payment={
            "kind": "instalments",
            "instalments": [{"percent": one, "milestone": "某"} for one in percents],
        },
    )
    assert said.payment is not None
    payments = said.payment.payments(said.total)
    assert sum(one.amount for one in payments) == total
    assert [one.number for one in payments] == sorted({one.number for one in payments})
    assert 0 <= said.technical <= said.total
    assert said.technical + said.deducted == said.total


@settings(max_examples=30, deadline=None)
@given(
    total=CENTS,
    percents=st.lists(PERCENTS, max_size=2),
    received=st.lists(CENTS, min_size=1, max_size=6),
    third=st.integers(1, 999_999),
)
def test_a_receipt_is_shared_to_the_cent_and_no_commission_grows_by_rounding(
    total: Decimal, percents: list[Decimal], received: list[Decimal], third: int
) -> None:
    share = Decimal(third) / 10_000
    fixed = (total / 10).quantize(Decimal("0.01"), "ROUND_DOWN")
    said = content(
        total=total,
        deductions=[],
        payment={"kind": "lump_sum", "milestone": "某"},
        parties=[
            {"side": "seller", "organization_id": SELLER, "share": share},
            {"side": "seller", "organization_id": str(uuid.uuid4()), "share": 100 - share},
            {**BROKER, "name": "定额", "commission_amount": fixed},
            *(
                {**BROKER, "name": f"{n}", "commission_percent": one}
                for n, one in enumerate(percents)
            ),
        ],
    )
    former: list[Part] = []
    for amount in received:
        found = parts(said, amount, former)
        assert sum(one.amount for one in found) == amount
        assert all(one.amount >= 0 for one in found)
        former += found
        if amount == received[0]:  # taken back and received again, it is shared as before
            assert parts(said, amount, [*former, *reversed_parts(found)]) == found
    everything = sum(received)
    paid = {name: sum(one.amount for one in former if one.name == name) for name in ("定额", "0")}
    assert paid["定额"] <= fixed
    if percents:
        assert paid["0"] <= (everything * percents[0] / 100) + Decimal("0.01")


def test_a_commission_of_an_amount_is_all_paid_once_all_is_received() -> None:
    said = content(
        total="100.00",
        deductions=[],
        payment={"kind": "lump_sum", "milestone": "某"},
        parties=[*PARTIES, {**BROKER, "commission_amount": "10.00"}],
    )
    former: list[Part] = []
    for _ in range(3):
        former += parts(said, Decimal("33.33"), former)
    former += parts(said, Decimal("0.01"), former)
    broker = [one.amount for one in former if one.side is ContractSide.BROKER]
    assert broker == [Decimal(one) for one in ("3.33", "3.34", "3.33", "0.00")]


def test_one_broker_in_two_lines_gets_both() -> None:
    """A percentage and an amount stand in two lines of the same name."""
    said = content(
        total="1000.00",
        deductions=[],
        payment={"kind": "lump_sum", "milestone": "某"},
        parties=[
            *PARTIES,
            {**BROKER, "commission_percent": "3"},
            {**BROKER, "commission_amount": "50.00"},
        ],
    )
    former: list[Part] = []
    for _ in range(4):
        former += parts(said, Decimal("250.00"), former)
    broker = sum(one.amount for one in former if one.side is ContractSide.BROKER)
    assert broker == Decimal("80.00")


ROYALTY = {
    "base": "净销售额",
    "rate": "5",
    "steps": [{"from_on": "2026-07-01", "rate": "4"}, {"from_on": "2027-01-01", "rate": "3.5"}],
    "period": "quarter",
    "from_on": "2026-01-31",
    "until_on": "2027-03-15",
    "minimum": "100.00",
    "cap": "1000.00",
}


def test_a_royalty_has_periods_rates_a_minimum_and_a_cap() -> None:
    royalty = Royalty.model_validate(ROYALTY)
    periods = list(royalty.periods())
    assert [(one.start, one.end, one.rate) for one in periods] == [
        (date(2026, 1, 31), date(2026, 4, 29), Decimal(5)),
        (date(2026, 4, 30), date(2026, 7, 30), Decimal(5)),
        (date(2026, 7, 31), date(2026, 10, 30), Decimal(4)),
        (date(2026, 10, 31), date(2027, 1, 30), Decimal(4)),
        (date(2027, 1, 31), date(2027, 3, 15), Decimal("3.5")),
    ]
    owed = [
        royalty.owed(periods[number], Decimal(base), Decimal(before))
        for number, base, before in (
            (0, "10000.10", "0"),  # 500.005
            (0, "0", "0"),
            (2, "5000", "900"),
            (4, "100000", "1000"),
        )
    ]
    assert owed == [Decimal(one) for one in ("500.01", "100.00", "100.00", "0")]
    for wrong in (
        {"until_on": "2026-01-30"},
        {"steps": [{"from_on": "2026-01-31", "rate": "4"}]},
        {"steps": [{"from_on": "2028-01-01", "rate": "4"}]},
        {"steps": ROYALTY["steps"][::-1]},
    ):
        with pytest.raises(ValidationError):
            Royalty.model_validate({**ROYALTY, **wrong})


def test_the_table_of_states_is_whole() -> None:
    assert set(TRANSITIONS) == set(ContractState)
    assert {action for actions in TRANSITIONS.values() for action in actions} == set(Action)
    assert sides_of(Action.REGISTER, technology_import=True) == {DealSide.BUYER}
    assert sides_of(Action.REGISTER, technology_import=False) == {DealSide.SELLER}
    assert TRANSITIONS[ContractState.DISCARDED] == {}
