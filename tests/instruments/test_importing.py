"""Instruments that come as a spreadsheet, with the national record's columns."""

import asyncio
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from booking import book, code
from conftest import PROGRAM, Service
from instruments.conftest import Publish
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.core.trade import ImportKind
from kechuangtong.imports import service as imports
from kechuangtong.imports.fields import COLUMNS, cells_of, headers
from kechuangtong.imports.reading import FileRefused, Sheet
from kechuangtong.imports.rows import parse_sheet
from kechuangtong.models import Event, Instrument, Organization
from sending import send, workbook

HEADER = (
    "仪器编号 仪器名称 英文名称 分类编码 规格型号 生产厂商 产地国别 原值（万元） 启用日期 主要学科领域 "
    "安放地址 主要功能 主要技术指标 服务内容 参考收费标准 联系人 电话 共享模式 运行状态 经度 纬度 所属单位"
).split()
FULL: list[Any] = [
    *["TEM-01", "场发射透射电镜", "TEM", 10203, "F200", "某公司", "德国", 865.5, "2020年9月1日"],
    *["材料科学；化学", "成都市一环路 1 号", "形貌分析", "0.12 nm", "材料表征", "800 元/小时"],
    *["蒲老师", "028-00000000", "外部", "偶有故障", 104.08, "北纬30.63°", "材料学院"],
]
PLAIN = ["", "离心机", "", "", "X5"]
BAD = [
    *["B-1", "光谱仪", "", "1234", "", "", "火星", "一百来万", "明年", "", "", "", "", "", "", ""],
    *["", "随便", "坏了一点", "104.08", "", ""],
]


def read(header: list[Any], *rows: list[Any]) -> list[Any]:
    return parse_sheet([Sheet("仪器", [header, *rows])], ImportKind.INSTRUMENT).rows


async def test_a_list_of_instruments_is_imported_once_and_a_later_one_changes_what_it_says(
    service: Service, scholar: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    rows = workbook([FULL, PLAIN, PLAIN, BAD, ["", ""]], HEADER)
    dry = await send(scholar, rows, kind="instruments", dry_run="true")
    ended = await send(scholar, rows, kind="instruments")
    assert ended["kind"] == "instrument"
    assert (
        ended["counts"]
        == dry["counts"]
        == {
            "created": 2,
            "changed": 0,
            "unchanged": 0,
            "duplicate": 1,
            "refused": 1,
        }
    )
    report = (await scholar.get(f"/v1/imports/{ended['id']}/report")).json()
    assert None not in report["columns"].values()
    assert report["rows"][2]["of_row"] == 3
    problems = [(one["column"], one["code"]) for one in report["rows"][3]["problems"]]
    assert problems == [
        ("分类编码", "class_code_not_understood"),
        ("产地国别", "country_not_understood"),
        ("原值（万元）", "price_not_understood"),
        ("启用日期", "date_not_understood"),
        ("共享模式", "share_mode_not_understood"),
        ("运行状态", "status_not_understood"),
    ]
    # What is there is published, of the university, and as the row has it.
    found = {one["name"]: one for one in (await anyone.get("/v1/instruments")).json()["items"]}
    shown = found["场发射透射电镜"]
    assert {name: shown[name] for name in ("class_code", "country", "original_value")} == {
        "class_code": "010203",
        "country": "DEU",
        "original_value": "8655000.00",
    }
    assert (shown["commissioned_on"], shown["disciplines"]) == ("2020-09-01", ["材料科学", "化学"])
    assert (shown["status"], shown["longitude"], shown["latitude"]) == (
        "occasional_faults",
        104.08,
        30.63,
    )
    assert (shown["organization"]["id"], shown["contact"]) == (str(service.university), None)
    own = (await scholar.get(f"/v1/instruments/{shown['id']}")).json()
    assert own["contact"]["name"] == "蒲老师"

    again = await send(scholar, rows, kind="instruments")
    assert (again["counts"]["unchanged"], again["counts"]["duplicate"]) == (2, 1)
    later = await send(
        scholar,
        workbook([["TEM-01", "场发射透射电镜", "不共享"]], ["编号", "设备名称", "共享模式"]),
        kind="instrument",
    )
    assert later["counts"]["changed"] == 1
    async with service.runtime.database.read() as session:
        record = await session.get_one(Instrument, uuid.UUID(shown["id"]))
        assert (record.share_mode, record.country, record.version) == ("none", "DEU", 2)
        events = await session.scalars(
            select(Event).where(Event.subject_id == record.id).order_by(Event.id)
        )
        assert [one.action for one in events] == ["instrument.created", "instrument.changed"]
        # As the template has it, it says what it says.
        cells = cells_of(record)
    (row,) = read(headers(COLUMNS[ImportKind.INSTRUMENT]), cells)
    assert row.problems == []
    assert (row.values["original_value"], row.values["latitude"]) == (record.original_value, 30.63)


async def test_an_import_of_instruments_is_undone_unless_one_is_booked(
    service: Service, scholar: httpx.AsyncClient, anyone: httpx.AsyncClient, publish: Publish
) -> None:
    header = ["编号", "仪器名称", "联系人", "发布状态"]
    await send(scholar, workbook([["A", "电镜", "蒲老师", ""]], header), kind="instrument")
    rows = [["A", "电镜二号", "李老师", ""], ["B", "天平", "", ""], ["C", "冰箱", "", "草稿"]]
    ended = await send(scholar, workbook(rows, header), kind="instrument")
    assert (ended["counts"]["changed"], ended["counts"]["created"]) == (1, 2)
    assert await states(scholar) == {"A": "published", "B": "published", "C": "draft"}
    undone = await scholar.post(f"/v1/imports/{ended['id']}/undo")
    assert undone.json()["state"] == "undone"
    assert await states(scholar) == {"A": "published", "B": "withdrawn"}
    (shown,) = (await scholar.get("/v1/instruments?state=published")).json()["items"]
    assert (shown["name"], shown["contact"]["name"]) == ("电镜", "蒲老师")
    assert (await anyone.get("/v1/instruments")).json()["items"][0]["id"] == shown["id"]

    booked = await publish("光谱仪", number="D")
    ended = await send(
        scholar, workbook([["D", "光谱仪", "李老师", ""]], header), kind="instrument"
    )
    assert ended["counts"]["changed"] == 1
    await book(scholar, booked, 9, 10)
    refused = await scholar.post(f"/v1/imports/{ended['id']}/undo")
    assert code(refused) == (409, "import_built_on")
    assert "光谱仪" in refused.json()["detail"]


async def test_two_imports_of_one_list_at_a_time_make_each_instrument_once(
    service: Service, scholar: httpx.AsyncClient, publish: Publish
) -> None:
    card = await publish("算力卡", number="G", kind="computing_resource", unit="card_hour")
    header = ["编号", "仪器名称", "仪器类别"]
    rows = [["G", "算力卡", "单台套"], *(["", f"天平{place}", ""] for place in range(20))]
    database, settings = service.runtime.database, service.runtime.settings
    async with database.write() as session:
        owner = await session.get_one(Organization, service.university)
        sent = [
            imports.new_import(
                OPERATOR, kind=ImportKind.INSTRUMENT, organization=owner, file_name="仪器.xlsx"
            )
            for _ in range(2)
        ]
        session.add_all(sent)
    for one in sent:
        path = imports.file_path(settings, one)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(workbook(rows, header))
    both = await asyncio.gather(*(imports.run_import(database, settings, one.id) for one in sent))
    counts = [one.counts for one in both]
    assert sorted(one["created"] for one in counts) == [0, 20]
    # What an instrument's other fields forbid is refused, and leaves it as it was.
    assert [one["refused"] for one in counts] == [1, 1]
    report = (await scholar.get(f"/v1/imports/{sent[0].id}/report")).json()
    assert report["rows"][0]["problems"][0]["code"] == "fields_disagree"
    kept = (await scholar.get(f"/v1/instruments/{card}")).json()
    assert (kept["kind"], kept["unit"]) == ("computing_resource", "card_hour")


async def states(client: httpx.AsyncClient) -> dict[str, str]:
    items = (await client.get("/v1/instruments")).json()["items"]
    return {one["number"]: one["state"] for one in items}


@pytest.mark.parametrize(
    ("header", "typed", "field", "value"),
    [
        ("仪器类别", "算力", "kind", "computing_resource"),
        ("分类编码", "01-02-03 透射电镜", "class_code", "010203"),
        ("产地", "usa", "country", "USA"),
        ("产地国别", "进口", "country", None),
        ("仪器原值", "865万元", "original_value", 8_650_000),
        ("技术参数", "0.1 nm", "specifications", "0.1 nm"),
        ("预约网址", "www.example.edu.cn", "booking_url", "http://www.example.edu.cn"),
        ("仪器负责人", "王老师", "contact_name", "王老师"),
        ("是否共享", "是", "share_mode", "external"),
        ("状态", "维修中", "status", "awaiting_repair"),
    ],
)
def test_what_people_type_of_an_instrument(
    header: str, typed: str, field: str, value: object
) -> None:
    (row,) = read(["设备名称", header], ["天平", typed])
    assert row.problems == []
    assert row.values == {"name": "天平", field: value}


def test_a_list_of_another_kind_is_told_from_instruments() -> None:
    sheet = Sheet("清单", [["仪器名称", "联系人"], ["天平", "王老师"]])
    for kind in (ImportKind.ACHIEVEMENT, ImportKind.DEMAND):
        with pytest.raises(FileRefused, match="header"):
            parse_sheet([sheet], kind)
    with pytest.raises(FileRefused) as refused:
        read(["成果名称", "联系人"], ["除湿", "王老师"])
    assert refused.value.code == "wrong_kind"
    (row,) = read(["名称", "经度"], ["天平", "104.1"])
    assert [one.code for one in row.problems] == ["coordinates_incomplete"]


def test_the_command_line_imports_instruments(tmp_path: Path) -> None:
    file = tmp_path / "仪器.csv"
    file.write_text("所属单位,仪器名称\n蜀江大学,天平\n,无主\n", encoding="utf-8")
    run = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(
        [*run, "import", "instruments", str(file)],
        env={**os.environ, "KCT_DATA_DIR": str(tmp_path / "data"), "KCT_EMBEDDINGS": "none"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(r"created +1\n", done.stdout)
    assert "没有填写单位" in done.stdout
