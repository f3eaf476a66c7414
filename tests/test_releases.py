"""Deals made public: by the consent of both sides, as OCDS has them, and nothing else of them."""

import json
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from sqlalchemy import func, select

from conftest import Service
from kechuangtong.core.db import new_id
from kechuangtong.core.trade import Price, PriceKind
from kechuangtong.models import Deal, Demand, Event, Organization, Sale
from kechuangtong.models.contract import ContractState
from kechuangtong.models.deal import DealState
from kechuangtong.models.listing import ListingState
from kechuangtong.models.sale import SaleObject, SaleState, SaleWay
from made_deals import Made, noon

S = DealState
PATH = "/v1/deals/releases"
ANY = {"If-Match": "*"}

# What OCDS 1.1 wants of what is told here.
TEXT = {"type": "string", "minLength": 1}
INSTANT = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
}
VALUE = {
    "type": "object",
    "properties": {"amount": {"type": "number"}, "currency": {"const": "CNY"}},
    "required": ["amount", "currency"],
    "additionalProperties": False,
}


def whole(**properties: Any) -> dict[str, Any]:
    optional = properties.pop("optional", {})
    return {
        "type": "object",
        "properties": properties | optional,
        "required": list(properties),
        "additionalProperties": False,
    }


def many(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


PERIOD = whole(optional={"startDate": INSTANT, "endDate": INSTANT})
REFERENCE = whole(id=TEXT, name=TEXT)
RELEASE = whole(
    ocid={"type": "string", "pattern": "^kct-[0-9a-f-]{36}$"},
    id={"type": "string", "pattern": "^[^#]+$"},
    date=INSTANT,
    language={"const": "zh"},
    tag={
        **many(
            {
                "enum": [
                    *("planning", "tender", "award", "contract", "implementation"),
                    "contractTermination",
                ]
            }
        ),
        "minItems": 1,
    },
    initiationType={"const": "tender"},
    parties=many(
        whole(
            id=TEXT,
            name=TEXT,
            roles=many({"enum": ["supplier", "buyer"]}),
            optional={"identifier": whole(scheme=TEXT, id=TEXT, legalName=TEXT)},
        )
    ),
    awards=many(whole(id=TEXT, status={"const": "active"}, value=VALUE, suppliers=many(REFERENCE))),
    contracts=many(
        whole(
            id=TEXT,
            awardID=TEXT,
            title=TEXT,
            status={"enum": ["active", "terminated"]},
            value=VALUE,
            dateSigned=INSTANT,
            optional={
                "period": PERIOD,
                "implementation": whole(
                    transactions=many(whole(id=TEXT, date=INSTANT, value=VALUE))
                ),
            },
        )
    ),
    optional={
        "buyer": REFERENCE,
        "planning": whole(rationale=TEXT),
        "tender": whole(
            id=TEXT,
            title=TEXT,
            description=TEXT,
            status={"enum": ["active", "complete", "unsuccessful", "withdrawn"]},
            value=VALUE,
            procurementMethod={"const": "direct"},
            procurementMethodDetails=TEXT,
            tenderPeriod=PERIOD,
            optional={"eligibilityCriteria": TEXT},
        ),
    },
)


def two_deals(service: Service) -> tuple[Made, Made]:
    """One that is carried out, and one whose contract was cancelled."""
    sides = {"seller": service.university, "buyer": service.enterprise}
    done = Made(
        **sides,
        field="新材料",
        steps=[(S.INTRODUCED, "2026-01-10"), (S.SIGNED, "2026-03-05"), (S.RECEIPTS, "2026-04-10")],
    )
    contract = done.contract(
        "1000000.10", "800000.00", "2026-03-05", starts_on="2026-04-01", ends_on="2027-03-31"
    )
    done.receipt(contract, "300000.00", "2026-04-10")
    wrong = done.receipt(contract, "100000.00", "2026-05-01")
    done.receipt(contract, "-100000.00", "2026-05-02", reverses=wrong)
    broken = Made(**sides, steps=[(S.INTRODUCED, "2026-01-10"), (S.TERMINATED, "2026-05-05")])
    broken.contract("7.00", "7.00", "2026-03-15", state=ContractState.CANCELLED)
    return done, broken


async def read(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = (await client.get(PATH)).raise_for_status()
    found: list[dict[str, Any]] = answer.json()["releases"]
    Draft202012Validator(many(RELEASE)).validate(found)
    return found


async def test_a_deal_is_public_when_both_sides_say_so(
    service: Service,
    anyone: httpx.AsyncClient,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
) -> None:
    done, broken = two_deals(service)
    early = Made(
        seller=service.university, buyer=service.enterprise, steps=[(S.INTRODUCED, "2026-01-10")]
    )
    hidden = Demand(
        id=new_id(),
        organization_id=service.enterprise,
        identity="匿名的",
        title="匿名需求之题",
        anonymous=True,
        contact={"name": "李某", "phone": "13800000000"},
        stored_state=ListingState.WITHDRAWN,
        budget=Price(PriceKind.UNKNOWN),
    )
    async with service.runtime.database.write() as session:
        university = await session.get_one(Organization, service.university)
        university.code = "12100000400010275N"
        session.add(hidden)
        for row in [*done.rows, *broken.rows, *early.rows]:
            session.add(row)
            await session.flush()
    path = f"/v1/deals/{done.id}"

    async def agrees(client: httpx.AsyncClient, deal: Made = done, **headers: str) -> Any:
        return await client.post(f"/v1/deals/{deal.id}/publish", headers=headers or ANY)

    assert await read(anyone) == []
    # Who may, and when.
    assert (await anyone.post(f"{path}/publish", headers=ANY)).status_code == 401
    assert (await scholar.post(f"{path}/publish")).status_code == 428
    assert (await agrees(scholar, **{"If-Match": '"99"'})).status_code == 412
    refused = await agrees(scholar, early)
    assert (refused.status_code, refused.json()["code"]) == (409, "deal_not_signed")
    unknown = f"/v1/deals/{new_id()}/publish"
    assert (await scholar.post(unknown, headers=ANY)).status_code == 404
    # One side alone makes nothing public, also not by saying so twice.
    for _ in range(2):
        said = await agrees(scholar)
        assert (said.status_code, said.json()["agreed"], said.json()["public"]) == (
            200,
            ["seller"],
            False,
        )
    assert said.headers["ETag"] == f'"{said.json()["version"]}"'
    assert (await anyone.get(f"{PATH}.ndjson")).text == ""
    (asked,) = (await buyer.get("/v1/inbox")).json()["items"]
    assert (asked["kind"], asked["waiting"]) == ("deal_publication", True)
    said = await agrees(buyer)
    (asked,) = (await buyer.get("/v1/inbox")).json()["items"]
    assert asked["waiting"] is False
    assert (said.json()["agreed"], said.json()["public"]) == (["seller", "buyer"], True)
    (release,) = await read(anyone)
    release_id, at = release.pop("id"), release.pop("date")
    assert release_id.startswith(f"kct-{done.id}-")
    (contract,) = release["contracts"]
    assert at >= "2026-05-02"
    seller = {"id": str(service.university), "name": "蜀江大学"}
    customer = {"id": str(service.enterprise), "name": "锦城机电有限公司"}
    value = {"amount": 1000000.1, "currency": "CNY"}
    assert release == {
        "ocid": f"kct-{done.id}",
        "language": "zh",
        "tag": ["planning", "award", "contract", "implementation"],
        "initiationType": "tender",
        "parties": [
            {
                **seller,
                "identifier": {
                    "scheme": "CN-USCC",
                    "id": "12100000400010275N",
                    "legalName": "蜀江大学",
                },
                "roles": ["supplier"],
            },
            {**customer, "roles": ["buyer"]},
        ],
        "buyer": customer,
        "planning": {"rationale": f"成果：成果 {done.id}"},
        "awards": [
            {"id": contract["id"], "status": "active", "value": value, "suppliers": [seller]}
        ],
        "contracts": [
            {
                "id": contract["id"],
                "awardID": contract["id"],
                "title": "合同 1000000.10",
                "status": "active",
                "value": value,
                "dateSigned": "2026-03-05T00:00:00+08:00",
                "period": {
                    "startDate": "2026-04-01T00:00:00+08:00",
                    "endDate": "2027-03-31T23:59:59+08:00",
                },
                "implementation": {
                    "transactions": [
                        {
                            "id": f"{contract['id']}-received",
                            "date": "2026-05-02T00:00:00+08:00",
                            "value": {"amount": 300000.0, "currency": "CNY"},
                        }
                    ]
                },
            }
        ],
    }
    # As a file it is the same, and stays the same while nothing changes.
    first, second = [(await anyone.get(f"{PATH}.ndjson")).text for _ in range(2)]
    assert first == second
    assert json.loads(first) == {**release, "id": release_id, "date": at}
    for secret in ("私下的话", "交易 ", "李某", "匿名", "scholar", "buyer_at"):
        assert secret not in first
    # The other one, by an administrator for both sides at once.
    said = await agrees(admin, broken)
    assert said.json()["public"] is True
    both = await read(anyone)
    (other,) = (one for one in both if one["ocid"] == f"kct-{broken.id}")
    assert other["tag"] == ["award", "contract", "contractTermination"]
    assert other["contracts"][0]["status"] == "terminated"
    assert "implementation" not in other["contracts"][0]
    # A demand that is published is told of, unless it is anonymous: its buyer is named here.
    async with service.runtime.database.write() as session:
        demand = await session.get_one(Demand, hidden.id)
        demand.stored_state = ListingState.PUBLISHED
        demand.published_at = noon("2026-01-01")
        deal = await session.get_one(Deal, done.id)
        deal.demand_id = hidden.id
    assert demand.title not in (await anyone.get(f"{PATH}.ndjson")).text
    # What is told changes with the demand, and so does the id.
    async with service.runtime.database.write() as session:
        (await session.get_one(Demand, hidden.id)).anonymous = False
    planned = next(one for one in await read(anyone) if one["ocid"] == f"kct-{done.id}")
    assert planned["planning"]["rationale"].endswith("；需求：匿名需求之题")
    assert planned["id"] != release_id
    # Pages in the order of the ids, with a link to the next.
    page = (await anyone.get(PATH, params={"limit": 1})).json()
    following = httpx.URL(page["links"]["next"])
    rest = (await anyone.get(following.path, params=following.params)).json()
    ocids = [one["ocid"] for one in page["releases"] + rest["releases"]]
    assert ocids == sorted([f"kct-{done.id}", f"kct-{broken.id}"])
    assert "next" not in rest["links"]
    assert (await anyone.get(PATH, params={"cursor": "x"})).status_code == 422
    # Either side takes it back.
    back = await buyer.post(f"{path}/unpublish", headers=ANY)
    assert (back.json()["agreed"], back.json()["public"]) == (["seller"], False)
    assert [one["ocid"] for one in await read(anyone)] == [f"kct-{broken.id}"]
    async with service.runtime.database.read() as session:
        actions = await session.execute(
            select(Event.action, func.count().label("times"))
            .where(Event.action.startswith("deal.publication"))
            .group_by(Event.action)
        )
        assert sorted((one.action, one.times) for one in actions) == [
            ("deal.publication_agreed", 3),
            ("deal.publication_withdrawn", 1),
        ]


def sale(service: Service, done: Made, **values: Any) -> Sale:
    assert done.achievement is not None
    return Sale(
        **{
            "id": new_id(),
            "achievement_id": done.achievement.id,
            "organization_id": service.university,
            "way": SaleWay.AGREEMENT,
            "object": SaleObject.TRANSFER,
            "title": "转让：一种涂层",
            "summary": "全部权利。",
            "price": 1200000,
            "opens_at": noon("2026-03-01").replace(hour=16),  # the 2nd in the city
            "closes_at": noon("2026-03-17").replace(hour=16),  # the end of the 17th
            "published_at": noon("2026-03-01"),
            "buyer_id": service.enterprise,
            "buyer_related": True,
            "stored_state": SaleState.OPEN,
            **values,
        }
    )


async def test_agreed_prices_on_notice_are_told_without_the_buyer(
    service: Service, anyone: httpx.AsyncClient
) -> None:
    done, _ = two_deals(service)
    shown = sale(service, done)
    awarded = sale(
        service,
        done,
        buyer_related=False,
        stored_state=SaleState.AWARDED,
        awarded_price=1200000,
        awarded_to_id=service.enterprise,
    )
    async with service.runtime.database.write() as session:
        for row in done.rows:
            session.add(row)
            await session.flush()
        draft = sale(service, done, published_at=None, stored_state=SaleState.DRAFT)
        session.add_all([shown, awarded, draft, sale(service, done, way=SaleWay.LISTING)])
    told = {one["ocid"]: one for one in await read(anyone)}
    assert set(told) == {f"kct-{shown.id}", f"kct-{awarded.id}"}
    notice = told[f"kct-{shown.id}"]
    assert notice["tender"] == {
        "id": str(shown.id),
        "title": "转让：一种涂层",
        "description": "全部权利。",
        "status": "complete",
        "value": {"amount": 1200000.0, "currency": "CNY"},
        "procurementMethod": "direct",
        "procurementMethodDetails": "协议定价",
        "eligibilityCriteria": "受让方为成果完成人或其关联方",
        "tenderPeriod": {
            "startDate": "2026-03-02T00:00:00+08:00",
            "endDate": "2026-03-17T23:59:59+08:00",
        },
    }
    assert (notice["tag"], told[f"kct-{awarded.id}"]["tag"]) == (["tender"], ["tender", "award"])
    assert "eligibilityCriteria" not in told[f"kct-{awarded.id}"]["tender"]
    assert "锦城机电" not in (await anyone.get(f"{PATH}.ndjson")).text
