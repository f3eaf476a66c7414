"""Service institutions, the alliance, and what becomes of them where organizations are merged."""

import httpx
from sqlalchemy import select

from brokering import ANY, broker, mandate
from conftest import Service
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.models import Broker, Mandate, ServiceProfile
from kechuangtong.organizations.service import create_organization

OFFER = {"services": ["brokerage", "brokerage", "testing"], "places": ["四川省成都市"]}


async def test_who_offers_what_and_who_is_of_the_alliance(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    path = f"/v1/service-institutions/{service.university}"
    assert (await buyer.get(path)).status_code == 404
    assert (await admin.put(f"{path}/membership", json=_MEMBER, headers=ANY)).status_code == 404
    assert (await buyer.put(path, json=OFFER, headers=ANY)).status_code == 403
    assert (await scholar.put(path, json={"services": []}, headers=ANY)).status_code == 422
    said = await scholar.put(path, json={**OFFER, "description": "檢測服務"}, headers=ANY)
    assert (said.json()["services"], said.json()["membership"]) == (["brokerage", "testing"], None)
    assert (await scholar.put(f"{path}/membership", json=_MEMBER, headers=ANY)).status_code == 403
    tag = {"If-Match": said.headers["ETag"]}
    admitted = await admin.put(f"{path}/membership", json=_MEMBER, headers=tag)
    assert admitted.json()["membership"] == {**_MEMBER, "state": "active"}
    assert (await scholar.put(path, json=OFFER, headers=tag)).status_code == 412
    await broker(service, "苏明溪")
    assert (await buyer.get(path)).json()["brokers"] == 1
    found = {
        "": 1,
        "?service=testing": 1,
        "?service=law": 0,
        "?place=成都": 1,
        "?place=重庆": 0,
        "?standing=council": 1,
        "?standing=president": 0,
        "?q=检测": 1,
        "?q=蜀江 檢測": 1,
        "?q=法律": 0,
    }
    for query, count in found.items():
        items = (await buyer.get(f"/v1/service-institutions{query}")).json()["items"]
        assert len(items) == count, query
    suspended = {**_MEMBER, "state": "suspended"}
    await admin.put(f"{path}/membership", json=suspended, headers=ANY)
    items = (await buyer.get("/v1/service-institutions?standing=council")).json()["items"]
    assert items == []
    assert (await admin.delete(f"{path}/membership", headers=ANY)).status_code == 204
    assert (await buyer.get(path)).json()["membership"] is None


async def test_merging_carries_brokers_mandates_and_what_is_offered(
    service: Service, scholar: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    async with service.runtime.database.write() as session:
        one = await create_organization(
            session, OPERATOR, name="蜀江大学转移中心", kind=OrganizationKind.UNIVERSITY
        )
    for organization_id in (one.id, service.university):
        path = f"/v1/service-institutions/{organization_id}"
        assert (await admin.put(path, json=OFFER, headers=ANY)).status_code == 200
    path = f"/v1/service-institutions/{one.id}/membership"
    assert (await admin.put(path, json=_MEMBER, headers=ANY)).status_code == 200
    broker_id, own = await broker(service, "苏明溪", of=one.id)
    body = {"organization_id": str(one.id), "title": "除湿机组"}
    record = (await admin.post("/v1/achievements", json=body)).json()["id"]
    mandate_id = await mandate(service, broker_id, one.id, achievement_id=record)
    conflict = {"organization_id": str(one.id), "since": "2020-01-01"}
    assert (await own.post(f"/v1/brokers/{broker_id}/conflicts", json=conflict)).is_success
    merged = await admin.post(
        f"/v1/organizations/{one.id}/merge", json={"into": str(service.university)}, headers=ANY
    )
    assert merged.status_code == 200, merged.text
    async with service.runtime.database.read() as session:
        assert (await session.get_one(Broker, broker_id)).organization_id == service.university
        assert (await session.get_one(Mandate, mandate_id)).organization_id == service.university
        (profile,) = (await session.scalars(select(ServiceProfile))).all()
        assert (profile.organization_id, profile.standing) == (service.university, "council")
    (declared,) = (await own.get(f"/v1/brokers/{broker_id}/conflicts")).json()["items"]
    assert declared["organization"]["id"] == str(service.university)


_MEMBER = {"standing": "council", "since": "2025-06-01"}
