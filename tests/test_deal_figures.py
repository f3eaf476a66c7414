"""Figures of deals: exact over a small made set, and of few deals nobody is told amounts."""

import io
import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import Service
from kechuangtong.core.db import new_id
from kechuangtong.core.trade import ListKind, OrganizationKind, Price, PriceKind
from kechuangtong.models import (
    Demand,
    Interest,
    Introduction,
    MatchFeedback,
    Organization,
    User,
)
from kechuangtong.models.contract import ContractKind, ContractState
from kechuangtong.models.deal import DealState
from kechuangtong.models.feedback import Verdict
from kechuangtong.statistics.deals.cases import Case, Received, Signed
from kechuangtong.statistics.deals.figures import figures
from kechuangtong.statistics.deals.schemas import By, DealStatisticsQuery
from made_deals import Made, noon

S = DealState
PATH = "/v1/statistics/deals"


def steps(shown: dict[str, Any]) -> dict[str, int | None]:
    return {one["step"]: one["count"] for one in shown["funnel"] if one["count"] != 0}


def days(shown: dict[str, Any]) -> dict[str, float]:
    return {one["step"]: one["days"] for one in shown["funnel"] if one["days"] is not None}


def amounts(shown: dict[str, Any]) -> list[Any]:
    names = ("contracts", "amount", "technical", "paying", "received")
    return [shown[name] for name in names]


async def made(service: Service, session: AsyncSession) -> tuple[uuid.UUID, uuid.UUID]:
    """Seven deals of two sellers; the ids of the other seller and of a deal that has just begun."""
    institute = Organization(
        id=new_id(),
        name="绵州研究所",
        name_key="绵州研究所",
        kind=OrganizationKind.INSTITUTE,
        place="四川省绵阳市",
    )
    session.add(institute)
    university = await session.get_one(Organization, service.university)
    university.place = "四川省成都市"
    await session.flush()
    here, there, buyer = service.university, institute.id, service.enterprise
    materials: dict[str, Any] = {"seller": here, "buyer": buyer, "field": "新材料"}
    machines: dict[str, Any] = {"seller": there, "buyer": buyer, "field": "装备"}
    whole = Made(
        **materials,
        steps=[
            (S.INTRODUCED, "2026-01-10"),
            (S.INTRODUCED, "2026-01-11"),  # the first side's agreement
            (S.CONFIDENTIAL, "2026-01-20"),
            (S.NEGOTIATION, "2026-02-01"),
            (S.SIGNED, "2026-03-05"),
            (S.REGISTRATION_APPLIED, "2026-03-06"),
            (S.REGISTERED, "2026-03-20"),
            (S.PERFORMING, "2026-03-21"),
            (S.RECEIPTS, "2026-04-10"),
            (S.COMPLETED, "2026-06-01"),
        ],
    )
    first = whole.contract("1000000.00", "800000.00", "2026-03-05", registered="2026-03-20")
    whole.receipt(first, "300000.00", "2026-04-10", commission="50000.00")
    wrong = whole.receipt(first, "100000.00", "2026-05-01")
    whole.receipt(first, "-100000.00", "2026-05-02", reverses=wrong)
    quick = Made(
        **materials,
        steps=[
            (S.INTRODUCED, "2026-01-12"),
            (S.NEGOTIATION, "2026-01-15"),
            (S.SIGNED, "2026-03-07"),
        ],
        pricing="auction",
    )
    licence = quick.contract("500000.00", "500000.00", "2026-03-07", kind=ContractKind.LICENSE)
    quick.receipt(licence, "500000.00", "2026-04-15")
    unpaid = Made(
        **materials,
        steps=[
            (S.INTEREST, "2026-02-01"),
            (S.INTRODUCED, "2026-02-02"),
            (S.NEGOTIATION, "2026-02-11"),
            (S.PRICE_NOTICE, "2026-03-01"),
            (S.NEGOTIATION, "2026-03-10"),  # came back, and counts once
            (S.SIGNED, "2026-04-01"),
        ],
    )
    unpaid.contract("200000.50", "100000.25", "2026-04-01")
    other = Made(
        **machines,
        steps=[
            (S.INTRODUCED, "2026-02-02"),
            (S.CONFIDENTIAL, "2026-02-03"),
            (S.NEGOTIATION, "2026-02-05"),
            (S.SIGNED, "2026-04-02"),
        ],
    )
    second = other.contract("2000000.00", "1500000.00", "2026-04-02", share="66.6667")
    other.receipt(second, "1000000.00", "2026-04-20")
    ended = Made(
        **machines,
        steps=[
            (S.INTRODUCED, "2026-02-10"),
            (S.NEGOTIATION, "2026-02-12"),
            (S.TERMINATED, "2026-03-01"),
        ],
        cause="price",
    )
    cancelled = Made(
        **machines,
        steps=[
            (S.INTRODUCED, "2026-02-15"),
            (S.NEGOTIATION, "2026-02-16"),
            (S.SIGNED, "2026-03-15"),
            (S.TERMINATED, "2026-05-05"),
        ],
    )
    cancelled.contract("9000000.00", "1.00", "2026-03-15", state=ContractState.CANCELLED)
    fresh = Made(seller=here, buyer=buyer, steps=[(S.INTEREST, "2026-05-31")])
    deals = [whole, quick, unpaid, other, ended, cancelled, fresh]
    for one in deals:
        for row in one.rows:
            session.add(row)
            await session.flush()
    await contacts(session, whole, service)
    return institute.id, fresh.id


async def contacts(session: AsyncSession, whole: Made, service: Service) -> None:
    """A match, two interests, one in the last minute of May in the city, and what came of one."""
    assert whole.achievement is not None
    late = noon("2026-05-31").replace(hour=15, minute=59)
    interests = [
        Interest(
            id=new_id(),
            subject_kind=ListKind.ACHIEVEMENT,
            achievement_id=whole.achievement.id,
            organization_id=service.enterprise,
            owner_id=service.university,
            created_at=at,
        )
        for at in (late, noon("2026-01-05"))
    ]
    session.add_all(interests)
    await session.flush()
    wanted = Demand(
        id=new_id(),
        organization_id=service.enterprise,
        identity="需求",
        title="需求",
        field="装备",
        budget=Price(PriceKind.UNKNOWN),
    )
    session.add(wanted)
    await session.flush()
    judge = await session.scalar(select(User.id).where(User.name == "buyer"))
    pair = {"achievement_id": whole.achievement.id, "demand_id": wanted.id, "user_id": judge}
    how = {"ranker": "1", "score": 0.5, "grade": 3, "created_at": noon("2026-01-04")}
    session.add(MatchFeedback(**pair, **how, verdict=Verdict.USEFUL))
    about = {"achievement_id": whole.achievement.id, "interest_id": interests[1].id}
    sides = {"organization_id": service.enterprise, "owner_id": service.university}
    session.add(Introduction(**about, **sides, created_at=noon("2026-01-09")))


async def test_deals_are_counted_from_match_to_money(
    service: Service,
    anyone: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    scholar: httpx.AsyncClient,
) -> None:
    async with service.runtime.database.write() as session:
        institute, fresh = await made(service, session)

    async def shown(client: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
        answer = await client.get(PATH, params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    # All of it, to who sees everything.
    whole = await shown(admin)
    assert steps(whole["total"]) == {
        "useful": 1,
        "interest": 2,
        "introduction": 1,
        "deal": 7,
        "confidential": 2,
        "negotiation": 6,
        "signed": 5,
        "registered": 1,
        "received": 3,
        "completed": 1,
    }
    assert days(whole["total"]) == {"negotiation": 2.5, "signed": 49.0, "received": 21.0}
    assert amounts(whole["total"]) == [4, "3700000.50", "2900000.25", 3, "1800000.00"]
    assert whole["terminated"] == {
        "count": 2,
        "by_cause": [{"cause": "price", "count": 1}, {"cause": None, "count": 1}],
        "by_state": [{"state": "negotiation", "count": 1}, {"state": "signed", "count": 1}],
    }
    assert (whole["groups"], whole["left_out"]) == ([], 0)
    # A time, on both its days; what happened before and after is not in it.
    spring = await shown(admin, **{"from": "2026-04-01", "until": "2026-05-31"})
    assert steps(spring["total"]) == {"interest": 1, "deal": 1, "signed": 2, "received": 3}
    assert amounts(spring["total"]) == [2, "2200000.50", "1600000.25", 3, "1800000.00"]
    assert spring["terminated"]["count"] == 1
    # Broken down.
    fields = {one["value"]: one for one in (await shown(admin, by="field"))["groups"]}
    assert list(fields) == ["新材料", "装备", None]
    assert amounts(fields["新材料"]) == [3, "1700000.50", "1400000.25", 2, "800000.00"]
    assert amounts(fields["装备"]) == [1, "2000000.00", "1500000.00", 1, "1000000.00"]
    assert amounts(fields[None]) == [0, "0.00", "0.00", 0, "0.00"]
    regions = {one["value"]: one for one in (await shown(admin, by="region"))["groups"]}
    assert steps(regions["四川省绵阳市"])["deal"] == 3
    assert steps(regions["四川省成都市"])["interest"] == 2
    assert (steps(fields["新材料"])["useful"], "useful" in steps(fields["装备"])) == (1, False)
    months = {one["value"]: one for one in (await shown(admin, by="month"))["groups"]}
    assert list(months) == [f"2026-0{month}" for month in range(1, 7)]
    assert steps(months["2026-03"]) == {"signed": 3, "registered": 1}
    assert amounts(months["2026-03"]) == [2, "1500000.00", "1300000.00", 0, "0.00"]
    assert amounts(months["2026-05"]) == [0, "0.00", "0.00", 1, "0.00"]
    assert steps(months["2026-05"]) == {"interest": 1, "deal": 1}
    parties = {one["name"]: one for one in (await shown(admin, by="organization"))["groups"]}
    assert steps(parties["锦城机电有限公司"])["deal"] == 7
    assert steps(parties["绵州研究所"])["deal"] == 3
    assert steps(parties["绵州研究所"])["interest"] is None
    part = await shown(admin, field="装备", region="绵阳", organization_id=str(institute))
    assert amounts(part["total"]) == [1, "2000000.00", "1500000.00", 1, "1000000.00"]
    # An organization's own, to its people.
    for whose in (service.university, service.enterprise):
        assert steps((await shown(admin, organization_id=str(whose)))["total"])["useful"] == 1
    assert "useful" not in steps((await shown(admin, organization_id=str(institute)))["total"])
    own = await shown(scholar, organization_id=str(service.university), by="field")
    assert amounts(own["total"]) == [3, "1700000.50", "1400000.25", 2, "800000.00"]
    assert steps(own["total"])["interest"] == 2
    # Everyone is told the whole, and no amounts of few.
    public = await shown(anyone, by="field")
    assert steps(public["total"]) == steps(whole["total"])
    assert amounts(public["total"]) == amounts(whole["total"])
    hidden = {one["value"]: amounts(one) for one in public["groups"]}
    assert hidden["装备"] == [1, None, None, 1, None]
    assert hidden["新材料"] == [3, None, None, 2, None]  # else the whole would tell the other
    await yearly(admin, scholar, service, institute)
    await pages(service, anyone, scholar, institute)
    for client, query, status in (
        (anyone, {"by": "organization"}, 401),
        (anyone, {"until": "2026-04-01"}, 401),
        (scholar, {"by": "broker"}, 403),
        (scholar, {"field": "装备"}, 403),
        (scholar, {"organization_id": str(institute)}, 403),
        (scholar, {"broker_id": str(institute)}, 403),
        (admin, {"from": "2026-04-02", "until": "2026-04-01"}, 422),
        (admin, {"by": "year"}, 422),
    ):
        assert (await client.get(PATH, params=query)).status_code == status, query
    # Why a deal ends is told by who ends it, and what is written of it stays between the two.
    ends = {"action": "terminate", "reason": "不便公开", "cause": "funds"}
    taken = await scholar.post(f"/v1/deals/{fresh}/steps", json=ends, headers={"If-Match": "*"})
    assert taken.status_code == 200, taken.text
    answer = await anyone.get(PATH)
    assert answer.json()["terminated"]["by_cause"] == [
        {"cause": "price", "count": 1},
        {"cause": "funds", "count": 1},
        {"cause": None, "count": 1},
    ]
    assert "不便公开" not in answer.text
    # What one received before it was merged into another is the other's.
    merged = await admin.post(
        f"/v1/organizations/{institute}/merge",
        json={"into": str(service.university)},
        headers={"If-Match": "*"},
    )
    assert merged.status_code == 200, merged.text
    own_report = {"organization_id": str(service.university), "year": 2026}
    together = (await scholar.get(f"{PATH}/yearly", params=own_report)).json()["total"]
    assert (together["amount"], together["received"]) == ("3033334.50", "1750000.00")


async def pages(
    service: Service, anyone: httpx.AsyncClient, scholar: httpx.AsyncClient, institute: uuid.UUID
) -> None:
    """The same as charts: to everyone the whole, to an organization's people its own."""
    path = "/statistics/deals"
    assert path in (await anyone.get("/statistics")).text
    public = (await anyone.get(path)).text
    for told in (
        "从匹配到到款",
        "3,700,000.50 元",
        "洽谈（中位数 2.5 天）",
        "合同已签订",
        "价格未谈拢",
    ):
        assert told in public, told
    for hidden in ("2,000,000", "1,700,000", "私下", "绵州研究所", "锦城机电"):
        assert hidden not in public, hidden
    english = await anyone.get(path, headers={"Accept-Language": "en"})
    assert "Contracts signed by month" in english.text
    own = (await scholar.get(path, params={"organization_id": str(service.university)})).text
    assert "1,700,000.50 元" in own
    assert f"yearly.xlsx?organization_id={service.university}" in own
    for client, status in ((scholar, 404), (anyone, 404)):
        answer = await client.get(path, params={"organization_id": str(institute)})
        assert answer.status_code == status


async def yearly(
    admin: httpx.AsyncClient, scholar: httpx.AsyncClient, service: Service, institute: uuid.UUID
) -> None:
    """The report of the year, of all and of one."""
    path = f"{PATH}/yearly"
    own = {"organization_id": str(service.university), "year": 2026}
    shown = (await scholar.get(path, params=own)).json()
    assert (shown["organization"], shown["year"]) == ("蜀江大学", 2026)
    assert shown["total"] == {
        "contracts": 3,
        "amount": "1700000.50",
        "technical": "1400000.25",
        "registered": 1,
        "registered_amount": "1000000.00",
        "registered_technical": "800000.00",
        "received": "750000.00",  # without the broker's commission
    }
    lines = [(one["kind"], one["pricing"], one["contracts"]) for one in shown["lines"]]
    assert lines == [("transfer", "agreement", 2), ("license", "auction", 1)]
    assert [(one["amount"], one["buyers"], one["received"]) for one in shown["largest"]] == [
        ("1000000.00", [str(service.enterprise)], "250000.00"),
        ("500000.00", [str(service.enterprise)], "500000.00"),
        ("200000.50", [str(service.enterprise)], "0.00"),
    ]
    assert shown["largest"][0]["registered_on"] == "2026-03-20"
    # Of two sellers each has its share, to the cent.
    theirs = {"organization_id": str(institute), "year": 2026}
    of_institute = (await admin.get(path, params=theirs)).json()
    assert of_institute["total"]["amount"] == "1333334.00"
    whole = (await admin.get(path, params={"year": 2026})).json()
    assert (whole["total"]["amount"], whole["total"]["received"]) == ("3700000.50", "1800000.00")
    before = (await admin.get(path, params={"year": 2025})).json()
    assert (before["lines"], before["total"]["amount"], before["largest"]) == ([], "0.00", [])
    file = await scholar.get(f"{path}.xlsx", params=own)
    sums, largest = (
        CalamineWorkbook.from_filelike(io.BytesIO(file.content)).get_sheet_by_index(n).to_python()
        for n in (0, 1)
    )
    assert sums[0][0] == "蜀江大学2026年度科技成果转化情况"
    assert sums[2][:4] == ["技术转让", "协议定价", 2.0, 1200000.5]
    assert sums[-1][2:] == [3.0, 1700000.5, 1400000.25, 1.0, 1000000.0, 800000.0, 750000.0]
    assert [row[6] for row in largest[2:]] == [1000000.0, 500000.0, 200000.5]
    assert (await scholar.get(path, params={"year": 2026})).status_code == 403
    assert (await scholar.get(path, params=theirs)).status_code == 403


def case(field: str, *contracts: int, received: int = 0) -> Case:
    one = Case(field=field)
    one.signed = [Signed(date(2026, 1, 1), Decimal(yuan), Decimal(yuan)) for yuan in contracts]
    if received:
        one.received = [Received(new_id(), date(2026, 1, 1), Decimal(received))]
    return one


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        ({"a": 3, "b": 4}, {"a": True, "b": True}),
        ({"a": 2}, {"a": False}),
        # Two hidden ones of one each could be one of two: the next is hidden, too.
        ({"a": 1, "b": 1, "c": 3, "d": 4}, {"a": False, "b": False, "c": False, "d": True}),
        ({"a": 1, "b": 2, "c": 3}, {"a": False, "b": False, "c": True}),
        ({"a": 1, "b": 5}, {"a": False, "b": False}),
        ({"a": 0, "b": 5}, {"a": True, "b": True}),
    ],
)
def test_amounts_of_few_are_not_told_nor_to_be_subtracted(
    groups: dict[str, int], told: dict[str, bool]
) -> None:
    found = [
        case(name, *[10] * count) if count else case(name, received=0)
        for name, count in groups.items()
    ]
    paying = [case(name, received=7) for name, count in groups.items() for _ in range(count)]
    query = DealStatisticsQuery(by=By.FIELD)
    for shown, amount in (
        (figures(found, [], query, everyone=True), "amount"),
        (figures(paying, [], query, everyone=True), "received"),
    ):
        values = {one.value: getattr(one, amount) is not None for one in shown.groups}
        assert values == {name: told[name] for name in values}
        enough = sum(groups.values()) >= 3
        assert (getattr(shown.total, amount) is not None) is enough
    assert all(one.amount is not None for one in figures(found, [], query, everyone=False).groups)


def test_what_is_left_out_is_not_to_be_subtracted_either() -> None:
    found = [case(f"{number:03}", 10, 10, 10) for number in range(100)] + [case("有一", 7)]
    shown = figures(found, [], DealStatisticsQuery(by=By.FIELD), everyone=True)
    assert (len(shown.groups), shown.left_out) == (100, 1)
    assert [one.amount for one in shown.groups].count(None) == 1
