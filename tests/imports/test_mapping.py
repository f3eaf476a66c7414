"""Columns that callers map themselves, for this list and the next."""

import json

import httpx

from conftest import Service
from kechuangtong.core.trade import ImportKind
from kechuangtong.imports.columns import find_layout
from kechuangtong.imports.reading import Sheet
from sending import send, workbook

HEADER = ["品名", "亮点", "序号", "内部备注", "成果名称"]
ROWS = [["除湿机组", "吸附转轮", "1", "勿传", "甲"], ["导热膜", "石墨烯", "2", "勿传", "乙"]]
SAID = {"品名": "title", "亮 点": "description", "序号": "number", "内部备注": None}


async def columns_of(client: httpx.AsyncClient, **form: str) -> dict[str, str | None]:
    ended = await send(client, workbook(ROWS, HEADER), dry_run="true", **form)
    assert ended["counts"]["created"] == 2
    report = (await client.get(f"/v1/imports/{ended['id']}/report")).json()
    return dict(report["columns"])


async def test_columns_are_mapped_remembered_replaced_and_unset(
    service: Service, scholar: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    plain = await columns_of(scholar)
    assert (plain["品名"], plain["成果名称"]) == (None, "title")
    said = {
        "品名": "title", "亮点": "description", "序号": "number", "内部备注": None, "成果名称": None
    }  # fmt: skip
    assert await columns_of(scholar, columns=json.dumps(SAID)) == said
    assert await columns_of(scholar) == said
    # By another of the organization's list, not by one of others.
    assert await columns_of(admin, organization=str(service.university)) == said
    assert await columns_of(admin, organization=str(service.enterprise)) == plain
    replaced = await columns_of(scholar, columns='{"亮点": "application"}')
    assert replaced == plain | {"亮点": "application"}
    assert await columns_of(scholar, columns="{}") == plain == await columns_of(scholar)


async def test_what_is_no_mapping_is_refused(scholar: httpx.AsyncClient) -> None:
    fields = (await scholar.get("/v1/imports/fields/achievements")).json()
    assert {"field": "price", "name_zh": "意向价格"}.items() <= next(
        one for one in fields if one["field"] == "price"
    ).items()
    demands = (await scholar.get("/v1/imports/fields/demand")).json()
    assert "anonymous" in {one["field"] for one in demands}
    for columns, told in (
        ("[]", ""),
        ("{", ""),
        ('{"a": 1}', ""),
        ('{"a": "anonymous"}', "anonymous"),
        ('{"a": "title", "b": "title"}', "title"),
    ):
        answer = await scholar.post(
            "/v1/imports",
            files={"file": ("a.xlsx", workbook(ROWS, HEADER))},
            data={"kind": "achievement", "columns": columns},
        )
        assert answer.status_code == 422, columns
        assert told in answer.json()["errors"][0]["msg"]


def test_a_header_is_found_by_what_is_said_of_it_alone() -> None:
    sheet = Sheet("a", [["说明"], ["甲", "乙"], ["除湿", "x"]])
    layout = find_layout([sheet], ImportKind.ACHIEVEMENT, {"甲": "title", "乙": "description"})
    assert (layout.header_row, [one.field for one in layout.columns]) == (
        2, ["title", "description"]
    )  # fmt: skip
