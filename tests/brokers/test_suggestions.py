"""Which broker fits a pair: the order, the reasons, and who is left out."""

import uuid

import httpx

from brokering import ANY, broker
from conftest import Service
from kechuangtong.brokers.suggestions import Candidate, Wanted, rank, reasons
from kechuangtong.models.broker import BrokerGrade

JUNIOR, SENIOR = BrokerGrade.JUNIOR, BrokerGrade.SENIOR


def candidate(number: int, fields: str, places: str, *more: int, grade: BrokerGrade) -> Candidate:
    return Candidate(uuid.UUID(int=number), grade, fields.split(), places.split(), *more)


def test_fields_come_before_place_before_what_was_done_before_the_grade() -> None:
    sought = Wanted(("烘房除湿改造", "节能环保", "食品"), ("四川省成都市",))
    in_order = [
        candidate(9, "节能环保 食品", "", grade=JUNIOR),
        candidate(8, "节能环保", "成都", grade=JUNIOR),
        candidate(7, "节能環保", "", 3, 2, grade=JUNIOR),
        candidate(6, "除湿", "", 3, 1, grade=JUNIOR),
        candidate(5, "节能环保", "北京市", 2, 1, grade=JUNIOR),
        candidate(4, "节能环保", "", grade=SENIOR),
        candidate(3, "节能环保", "", grade=JUNIOR),
        candidate(2, "", "四川省", grade=SENIOR),
    ]
    nothing = [candidate(1, "医药", "重庆市", 9, 9, grade=SENIOR)]
    ranked = rank(sought, [*nothing, *reversed(in_order)])
    assert [one.candidate.id.int for one in ranked] == [9, 8, 7, 6, 5, 4, 3, 2]
    assert [one.code for one in reasons(ranked[1])] == ["shared_fields", "same_place", "grade"]
    record = next(one for one in reasons(ranked[2]) if one.code == "record")
    assert record.data == {"signed": 3, "completed": 2}


async def test_suggestions_say_why_and_tell_no_owner(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    body = {
        "organization_id": str(service.enterprise),
        "title": "烘房除湿改造",
        "field": "节能环保",
        "place": "四川省成都市",
        "anonymous": True,
    }
    path = (await buyer.post("/v1/demands", json=body)).raise_for_status().headers["Location"]
    demand = path.rsplit("/", 1)[1]
    draft = await anyone.get(f"/v1/brokers/suggestions?demand_id={demand}")
    assert draft.status_code == 404
    (await buyer.post(f"{path}/publish", headers=ANY)).raise_for_status()
    bound, own = await broker(service, "苏明溪", fields=["节能环保"], places=["四川省"])
    await broker(service, "池望舒", fields=["节能环保"])
    await broker(service, "石听澜", fields=["医药"])
    conflict = {"organization_id": str(service.enterprise), "since": "2020-01-01"}
    assert (await own.post(f"/v1/brokers/{bound}/conflicts", json=conflict)).status_code == 201
    url = f"/v1/brokers/suggestions?demand_id={demand}"
    found = {
        buyer: ["池望舒"],
        scholar: ["苏明溪", "池望舒"],  # to whom a gap would tell whose demand it is
    }
    for caller, names in found.items():
        items = (await caller.get(url)).json()["items"]
        assert [one["broker"]["name"] for one in items] == names
    assert items[0]["reasons"][0] == {
        "code": "shared_fields",
        "text": "服务领域相符：节能环保",
        "data": {"fields": ["节能环保"]},
    }
    assert (await anyone.get("/v1/brokers/suggestions")).status_code == 422
