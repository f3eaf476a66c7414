"""Statistics: what is public is counted, and nothing tells whose an anonymous demand is."""

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import time_machine

from conftest import PASSWORD, Service
from forms import send
from kechuangtong.core.db import new_id
from kechuangtong.core.trade import ListKind, OrganizationKind, Price, PriceKind, Stage
from kechuangtong.models import (
    Achievement,
    Demand,
    Interest,
    Introduction,
    MatchFeedback,
    Organization,
    User,
)
from kechuangtong.models.feedback import Verdict
from kechuangtong.models.listing import ListingState
from waiting import until

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
LISTS = "/v1/statistics/lists"


def achievement(service: Service, number: int, **values: Any) -> Achievement:
    return Achievement(
        **{
            "id": new_id(),
            "organization_id": service.university,
            "identity": f"a{number}",
            "title": f"成果{number}",
            "stored_state": ListingState.PUBLISHED,
            "published_at": NOW,
            "price": Price(PriceKind.UNKNOWN),
            **values,
        }
    )


def demand(owner: uuid.UUID, number: int, **values: Any) -> Demand:
    return Demand(
        **{
            "id": new_id(),
            "organization_id": owner,
            "identity": f"d{number}",
            "title": f"需求{number}",
            "stored_state": ListingState.PUBLISHED,
            "published_at": NOW,
            "budget": Price(PriceKind.UNKNOWN),
            **values,
        }
    )


async def store(service: Service, *rows: Any) -> None:
    async with service.runtime.database.write() as session:
        session.add_all(rows)


def found(breakdown: dict[str, Any]) -> dict[str, int]:
    return {one["value"]: one["count"] for one in breakdown["items"] if one["count"]}


@time_machine.travel(NOW, tick=False)
async def test_a_list_is_counted_by_what_it_holds(
    service: Service, anyone: httpx.AsyncClient
) -> None:
    begin = datetime(2026, 10, 31, 15, 59, tzinfo=UTC)  # the last minute of October in Chengdu
    records = [
        achievement(service, 0, field="新材料", stage=Stage.PILOT, cooperation=["license"]),
        achievement(service, 1, field="新材料", published_at=begin),
        achievement(
            service,
            2,
            cooperation=["license", "equity"],
            published_at=begin + timedelta(minutes=1),
            valid_until=date(2026, 11, 24),
        ),
        achievement(service, 3, field="装备", published_at=datetime(2020, 1, 1, tzinfo=UTC)),
        # None of these is public.
        achievement(service, 4, field="新材料", stored_state=ListingState.DRAFT),
        achievement(service, 5, field="新材料", stored_state=ListingState.WITHDRAWN),
        achievement(service, 6, field="新材料", valid_until=date(2026, 11, 23)),
    ]
    many = [achievement(service, 100 + n, place=f"地点{n}") for n in range(14)]
    await store(service, *records, *many)
    shown = (await anyone.get(LISTS)).raise_for_status().json()
    assert (shown["kind"], shown["published"]) == ("achievement", 18)
    assert found(shown["by_field"]) == {"新材料": 2, "装备": 1}
    assert (shown["by_field"]["others"], shown["by_field"]["unstated"]) == (0, 15)
    assert (len(found(shown["by_place"])), shown["by_place"]["others"]) == (12, 2)
    assert shown["by_place"]["unstated"] == 4
    assert found(shown["by_stage"]) == {"pilot": 1}
    assert [one["value"] for one in shown["by_stage"]["items"]] == list(Stage)
    assert found(shown["by_cooperation"]) == {"license": 2, "equity": 1}
    assert shown["by_cooperation"]["unstated"] == 16
    assert found(shown["by_month"]) == {"2026-10": 1, "2026-11": 16}
    assert (len(shown["by_month"]["items"]), shown["by_month"]["earlier"]) == (24, 1)
    assert found(shown["by_organization_kind"]) == {"university": 18}
    assert [(one["name"], one["count"]) for one in shown["organizations"]] == [("蜀江大学", 18)]
    assert shown["by_budget"] is None
    wrong = await anyone.get(LISTS, params={"kind": "patent"})
    assert (wrong.status_code, wrong.json()["errors"][0]["loc"]) == (422, ["query", "kind"])
    assert (await anyone.get(LISTS, params={"by": "field"})).status_code == 422


@time_machine.travel(NOW, tick=False)
async def test_demands_are_counted_by_budget_and_by_how_far_they_came(
    service: Service, anyone: httpx.AsyncClient
) -> None:
    def price(low: int | None, high: int | None) -> Price:
        amounts = [None if one is None else Decimal(one) for one in (low, high)]
        return Price(PriceKind.FIXED if low == high else PriceKind.RANGE, *amounts)

    budgets = [
        price(99_999, 99_999),
        price(50_000, 100_000),
        price(None, 800_000),
        price(6_000_000, None),
        Price(PriceKind.NEGOTIABLE),
    ]
    demands = [demand(service.enterprise, n, budget=one) for n, one in enumerate(budgets)]
    offer, hidden = achievement(service, 0), demand(service.enterprise, 9)
    hidden.stored_state = ListingState.WITHDRAWN
    await store(service, *demands, offer, hidden)

    def interest(subject: Demand, hours: int) -> Interest:
        return Interest(
            id=new_id(),
            subject_kind=ListKind.DEMAND,
            demand_id=subject.id,
            achievement_id=offer.id,
            organization_id=service.university,
            owner_id=service.enterprise,
            created_at=NOW,
            answered_at=NOW + timedelta(hours=hours),
        )

    interests = [interest(demands[0], 24), interest(demands[0], 48), interest(demands[1], 72)]
    await store(service, *interests, interest(hidden, 12))
    async with service.runtime.database.write() as session:
        user = User(name="judge", password_hash="")
        session.add(user)
        await session.flush()
        for one, verdict in ((demands[0], Verdict.USEFUL), (demands[1], Verdict.WRONG)):
            pair = {"demand_id": one.id, "achievement_id": offer.id, "user_id": user.id}
            how = {"ranker": "1", "score": 0.5, "grade": 3}
            session.add(MatchFeedback(**pair, **how, verdict=verdict, reasons=["too_dear"]))
        for one in interests[:2]:
            about = {"demand_id": one.demand_id, "interest_id": one.id}
            sides = {"organization_id": one.organization_id, "owner_id": one.owner_id}
            session.add(Introduction(**about, **sides))
    shown = (await anyone.get(LISTS, params={"kind": "demand"})).json()
    bands = shown["by_budget"]["bands"]
    assert [(one["low"], one["count"]) for one in bands] == [
        ("0.00", 1),
        ("100000.00", 1),
        ("500000.00", 1),
        ("1000000.00", 0),
        ("5000000.00", 1),
    ]
    assert (shown["by_budget"]["negotiable"], shown["by_budget"]["unstated"]) == (1, 0)
    funnel = {"published": 5, "useful": 1, "interested": 2, "introduced": 1}
    # Four answers, also of what is public no more, are too few for a median.
    assert shown["funnel"] == {**funnel, "days_to_answer": None}
    await store(service, interest(demands[0], 240))
    shown = (await anyone.get(LISTS, params={"kind": "demand"})).json()
    assert shown["funnel"] == {**funnel, "days_to_answer": 2.0}
    other = (await anyone.get(LISTS)).json()["funnel"]
    assert other == {
        "published": 1,
        "useful": 1,
        "interested": 1,
        "introduced": 0,
        "days_to_answer": None,
    }
    said = (await anyone.get("/v1/statistics")).json()["feedback"]
    assert (said["verdicts"], said["reasons"]["too_dear"]) == ({"useful": 1, "wrong": 1}, 2)


async def test_anonymous_demands_count_for_no_organization(
    service: Service, admin: httpx.AsyncClient, buyer: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    bank = Organization(
        id=new_id(), name="隐名银行", name_key="隐名银行", kind=OrganizationKind.BANK
    )
    await store(service, bank)
    named = demand(service.enterprise, 0)
    await store(
        service,
        named,
        demand(service.enterprise, 1, anonymous=True),
        demand(bank.id, 2, anonymous=True),
    )
    for client in (anyone, buyer, admin):  # these figures are the same for everyone
        answer = await client.get(LISTS, params={"kind": "demand"})
        shown = answer.json()
        assert [(one["name"], one["count"]) for one in shown["organizations"]] == [
            ("锦城机电有限公司", 1)
        ]
        assert found(shown["by_organization_kind"]) == {"enterprise": 1}
        assert (shown["published"], shown["by_organization_kind"]["unstated"]) == (3, 2)
        page = await client.get("/statistics", params={"kind": "demand"})
        for one in (answer, page):
            assert "隐名银行" not in one.text
            assert str(bank.id) not in one.text


async def test_an_organization_sees_its_own_figures(
    service: Service, buyer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await store(
        service,
        achievement(service, 0),
        achievement(service, 1, stored_state=ListingState.DRAFT),
        achievement(service, 2, valid_until=date(2020, 1, 1)),
        demand(service.enterprise, 0, anonymous=True),
    )
    path = "/v1/statistics/records"
    of_university = {"organization_id": str(service.university)}
    for name in ("scholar", "admin"):
        async with service.client(await service.token(name)) as client:
            shown = (await client.get(path, params=of_university)).raise_for_status().json()
            states = {one: n for one, n in shown["achievements"].items() if n}
            assert states == {"draft": 1, "published": 1, "expired": 1}
            assert sum(shown["demands"].values()) == 0
    assert (await buyer.get(path, params=of_university)).status_code == 403
    own = await buyer.get("/statistics")
    assert '<h2 id="own">锦城机电有限公司' in own.text
    assert (await buyer.get("/statistics", params=of_university)).status_code == 404
    assert 'id="own"' not in (await admin.get("/statistics")).text
    async with service.client(**{"Accept-Language": "en"}) as anyone:
        shown_page = await anyone.get("/statistics", params={"kind": "demand"})
        assert 'id="own"' not in shown_page.text
        assert "Budgets" in shown_page.text
        assert (await anyone.get("/statistics", params={"kind": "x"})).status_code == 422


async def test_a_list_is_matched_by_the_pages(service: Service) -> None:
    async with service.client() as browser:
        form = {"username": "scholar", "password": PASSWORD}
        await send(browser, "/sign-in", form)
        shown = (await browser.get("/match-runs")).text
        assert "还没有批量匹配" in shown
        assert 'name="organization_id"' not in shown  # there is one to choose
        begun = await send(browser, "/match-runs", {"kind": "achievement", "min_grade": "1"})
        assert begun.status_code == 303
        path = begun.headers["Location"]

        async def ended() -> bool:
            return "已完成" in (await browser.get(path)).text

        await until(ended)
        assert path in (await browser.get("/match-runs")).text
        again = await send(browser, f"{path}/cancel", at="/match-runs")
        assert (again.status_code, "已结束" in again.text) == (409, True)
        theirs = {"kind": "demand", "organization_id": str(service.enterprise)}
        assert (await send(browser, "/match-runs", theirs)).status_code == 403
        wrong = await send(browser, "/match-runs", {"kind": "patents"})
        assert (wrong.status_code, "kind" in wrong.text) == (422, True)
    async with service.client(await service.token("buyer")) as buyer:
        assert (await buyer.get(path)).status_code == 404
        assert path not in (await buyer.get("/match-runs")).text
