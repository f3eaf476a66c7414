"""The export of national records, as a workbook and as JSON."""

import io
import uuid
from decimal import Decimal

import httpx
import openpyxl

from booking import code
from conftest import Service
from instruments.conftest import Publish
from instruments.test_yearly import of

FORMULA = '=HYPERLINK("http://example.org")'


async def test_an_organization_as_national_records(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient, publish: Publish
) -> None:
    await publish(
        FORMULA,
        number="TEM-01",
        class_code="010101",
        original_value="8650049.99",
        commissioned_on="2020-09-01",
        disciplines=["430.10", "140"],
        share_mode="internal",
        status="awaiting_repair",
        contact={"name": "蒲老师", "phone": "028-00000000"},
    )
    facility = await publish("风洞", kind="large_facility")
    cards = await publish("卡池", kind="computing_resource")
    draft = {"organization_id": str(service.university), "name": "草稿"}
    assert (await scholar.post("/v1/instruments", json=draft)).status_code == 201
    used = of(service, facility, "2025-12-31T23:00", "2026-01-01T01:00", fee=Decimal("1800.5"))
    used.content, used.rating = "气动\n试验", 4
    (buyer_id,) = [one["id"] for one in (await buyer.get("/v1/auth/me/data")).json()["account"]]
    used.user_id = uuid.UUID(buyer_id)
    async with service.runtime.database.write() as session:
        session.add_all(
            [
                used,
                of(service, facility, "2026-01-01T01:00", "2026-01-01T02:00"),
                of(service, cards, "2025-05-01T00:00", "2025-05-01T02:00"),
            ]
        )
    whose = {"organization_id": str(service.university), "year": "2025"}
    path = "/v1/instruments/export"
    assert code(await buyer.get(f"{path}.json", params=whose)) == (403, "forbidden")
    assert code(await buyer.get(f"{path}.xlsx", params=whose)) == (403, "forbidden")
    answer = (await scholar.get(f"{path}.json", params=whose)).json()
    types = {one["name"]: one["records"] for one in answer["types"]}
    assert [one["number"] for one in answer["types"]] == [1, 2, 3, 4, 5, 6]
    assert (types["仪器中心"], types["服务单元"], types["海关监管"]) == ([], [], [])
    (microscope,) = types["单台套"]
    assert {
        name: microscope[name] for name in ("innerId", "cname", "worth", "status", "shareMode")
    } == {
        "innerId": "TEM-01",
        "cname": FORMULA,
        "worth": "865.00",  # 万元
        "status": "待修",
        "shareMode": "内部共享",
    }
    assert (microscope["subject"], microscope["contact"], microscope["image"]) == (
        "430.10，140",
        "蒲老师",
        None,
    )
    assert [one["innerId"] for one in types["大型装置"]] == [facility]
    (done,) = types["服务记录"]
    assert {name: done[name] for name in done if done[name] is not None} == {
        "innerId": facility,
        "amounts": "1800.50",
        "serviceTime": "2025-12-31 23:00 至 2026-01-01 01:00",
        "serviceContent": "气动\n试验",
        "serviceAmount": "2.00",
        "applicant": "buyer",
        "applicatUnit": "锦城机电有限公司",
        "comment": "基本满意",
    }
    file = await scholar.get(f"{path}.xlsx", params=whose)
    book = openpyxl.load_workbook(io.BytesIO(file.content))
    assert book.sheetnames == [one["name"] for one in answer["types"]]
    for name, records in types.items():
        names, titles, *rows = book[name].iter_rows()
        assert len(rows) == len(records)
        assert all(one.value for one in (*names, *titles))
        for row, record in zip(rows, records, strict=True):
            assert all(cell.data_type != "f" for cell in row)
            found = {field.value: cell.value for field, cell in zip(names, row, strict=True)}
            amounts = ("worth", "amounts", "serviceAmount")
            assert found == {
                key: float(value) if key in amounts and value else value
                for key, value in record.items()
            }
    assert (await scholar.get(f"{path}.json", params={"year": "2025"})).status_code == 422
    assert FORMULA in (
        await scholar.get(f"{path}.json", params={**whose, "year": "2024"})
    ).text.replace('\\"', '"')
