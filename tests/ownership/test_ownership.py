"""Ownership: its versions, who sees whom, what is refused, and the reward divided to the cent."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from sqlalchemy import select

from conftest import Service
from kechuangtong.accounts.permissions import PlatformRole
from kechuangtong.core.clock import today
from kechuangtong.models import Event, Organization
from kechuangtong.ownership.schemas import OwnershipPut
from people import change, signed_in

PEOPLE = [
    {"name": "钟离颢", "share": "42.5", "contribution": "60", "main": True},
    {"name": "闻人翊", "share": "27.5", "contribution": "33.3333"},
    {"name": "濮阳昕", "contribution": "6.6667", "transfer_staff": True},
]
UNIT = "00000000-0000-4000-8000-000000000001"


def body(unit: object = UNIT, **values: Any) -> dict[str, Any]:
    shared = {
        "kind": "shared",
        "from_on": "2026-03-01",
        "units": [{"organization_id": str(unit), "share": "30"}],
        "inventors": PEOPLE,
        "agreement": "赋权协议第七号",
    }
    return {**shared, **values}


async def test_a_new_version_stands_from_its_day_and_names_are_for_own_people(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    made = {"organization_id": str(service.university), "title": "高熵合金粉末"}
    record = (await scholar.post("/v1/achievements", json=made)).headers["Location"]
    path, unit = f"{record}/ownership", service.university
    assert (await scholar.get(path)).status_code == 404  # none yet
    first = body(unit, kind="unit_owned", from_on="2025-01-01", inventors=[], units=[whole(unit)])
    one = await scholar.put(path, json=first)
    assert (one.status_code, one.json()["version"]) == (200, 1)
    assert (await scholar.put(path, json=body(unit))).status_code == 428
    refused = await scholar.put(path, json=body(unit), headers={"If-Match": '"7"'})
    assert refused.status_code == 412
    two = await scholar.put(path, json=body(unit), headers={"If-Match": one.headers["ETag"]})
    assert two.json()["version"] == 2
    # What begins later is set now; what was set last stands first from its day on.
    tomorrow = str(today() + timedelta(days=1))
    later = body(unit, from_on=tomorrow, kind="long_term_use", use_years=10, units=[whole(unit)])
    later["inventors"] = [{**one, "share": "0"} for one in PEOPLE]
    (await scholar.put(path, json=later, headers={"If-Match": '"2"'})).raise_for_status()
    for on, version in (("2025-01-01", 1), ("2026-02-28", 1), ("2026-03-01", 2), (tomorrow, 3)):
        assert (await scholar.get(f"{path}?on={on}")).json()["version"] == version, on
    assert (await scholar.get(path)).json()["version"] == 2
    assert (await scholar.get(f"{path}?on=2024-12-31")).status_code == 404
    page = (await scholar.get(f"{path}/history?limit=2")).json()
    rest = (await scholar.get(f"{path}/history?cursor={page['next_cursor']}")).json()
    assert [one["version"] for one in page["items"] + rest["items"]] == [3, 2, 1]
    assert (await scholar.get(f"{path}/history?cursor=WyJ4Il0")).status_code == 422

    assert (await anyone.get(path)).status_code == 404  # the achievement is a draft
    (await change(scholar, f"{record}/publish")).raise_for_status()
    auditor = await signed_in(service, "auditor", role=PlatformRole.AUDITOR)
    for client, sees in ((scholar, True), (auditor, True), (buyer, False), (anyone, False)):
        shown = (await client.get(path)).json()
        text = json.dumps([shown, (await client.get(f"{path}/history")).json()], ensure_ascii=False)
        assert (shown["inventors_count"], shown["inventors_share"]) == (3, "70.0000")
        assert shown["units"][0]["share"] == "30.0000"
        for private in ("钟离颢", "闻人翊", "濮阳昕", "赋权协议"):
            assert (private in text) is sees
    async with service.runtime.database.read() as session:
        events = await session.scalars(select(Event).where(Event.action == "ownership.set"))
        logged = json.dumps([one.after for one in events], ensure_ascii=False)
    assert logged.count('"inventors": 3') == 2
    assert "钟离颢" not in logged

    reward = await scholar.get(f"{path}/reward?amount=1000.01")
    assert [one["amount"] for one in reward.json()["parts"]] == ["600.00", "333.34", "66.67"]
    assert (reward.json()["main"], reward.json()["transfer_staff"]) == ("600.00", "66.67")
    # The floor, and who gets what part, are those of the owner's region.
    for place, percent, rules, warned in (
        (
            None,
            "50",
            ["reward-national", "reward-shares-national"],
            {"region_unknown"},
        ),
        (
            "浙江省杭州市",
            "70",
            ["reward-zhejiang", "reward-shares-zhejiang"],
            {"unverified", "main_below"},
        ),
    ):
        async with service.runtime.database.write() as session:
            (await session.get_one(Organization, service.university)).place = place
        shown = (await scholar.get(f"{path}/reward?amount=1000.01")).json()
        assert (shown["floor"]["income_percent"], shown["floor"]["least_years"] > 0) == (
            percent,
            True,
        )
        assert [one["id"] for one in shown["rules"]] == rules
        assert all(one["source"] for one in shown["rules"])
        assert {one["code"] for one in shown["warnings"]} == warned
    assert (await scholar.get(f"{path}/reward?amount=1&on=2025-06-01")).status_code == 409
    for client, status in ((auditor, 200), (buyer, 403), (anyone, 401)):
        assert (await client.get(f"{path}/reward?amount=1")).status_code == status
    assert (await buyer.put(path, json=body(unit))).status_code == 403

    for wrong, code, loc in (
        (body(UNIT), "unit_unknown", ["body", "units", 0, "organization_id"]),
        (body(unit, attachment_id=UNIT), "attachment_unknown", ["body", "attachment_id"]),
        ({**later, "use_years": 9}, "use_too_short", ["body", "use_years"]),
    ):
        answer = await scholar.put(path, json=wrong, headers={"If-Match": "*"})
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert answer.json()["errors"][0]["loc"] == loc
    await auditor.aclose()


def whole(unit: object) -> dict[str, str]:
    return {"organization_id": str(unit), "share": "100"}


def test_what_does_not_add_up_or_suit_the_kind_is_refused() -> None:
    OwnershipPut.model_validate(body())
    owned = {"kind": "unit_owned", "units": [whole(UNIT)]}
    free = [{**one, "share": "0"} for one in PEOPLE]
    OwnershipPut.model_validate(body(**owned, inventors=free))
    half = {"organization_id": UNIT, "share": "15"}
    for values in (
        {"units": [{"organization_id": UNIT, "share": "30.0001"}]},
        {"units": []},
        {"units": [half, half]},
        {"inventors": [*PEOPLE[:2], {**PEOPLE[2], "contribution": "6.6666"}]},
        {"kind": "unit_owned"},
        {"kind": "shared", "units": [whole(UNIT)], "inventors": free},
        {"use_years": 10},
        {**owned, "kind": "long_term_use", "inventors": free},
        {**owned, "kind": "long_term_use", "inventors": [], "use_years": 10},
        {"units": [{"organization_id": UNIT, "share": "30.00001"}]},
        {"units": [{"organization_id": UNIT, "share": "NaN"}]},
    ):
        with pytest.raises(ValidationError):
            OwnershipPut.model_validate(body(**values))
