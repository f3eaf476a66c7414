"""Files of imports: templates, reports that are sent again, exports that come back unchanged."""

import csv
import io
from datetime import date
from typing import Any

import httpx
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from conftest import Service
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.achievements.schemas import AchievementCreate
from kechuangtong.achievements.service import achievements
from kechuangtong.core.schemas import TrlValue
from kechuangtong.core.trade import Cooperation, ImportKind, Stage
from kechuangtong.demands.schemas import DemandCreate
from kechuangtong.demands.service import demands
from kechuangtong.imports.fields import COLUMNS, OWNERS
from kechuangtong.imports.reading import Limits, Sheet, read_table
from kechuangtong.imports.rows import parse_sheet
from kechuangtong.imports.workbook import write_template
from kechuangtong.models import Achievement, Organization
from sending import HEADER, send, workbook

LIMITS = Limits(file_bytes=50_000_000, rows=1_000, columns=200)


def opened(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content)).active


@pytest.mark.parametrize("kind", ImportKind)
def test_a_template_is_understood_completely_and_its_example_is_not_imported(
    kind: ImportKind, tmp_path: Any
) -> None:
    path = tmp_path / "模板.xlsx"
    write_template(path, kind)
    columns = (*COLUMNS[kind], *OWNERS[kind])
    sheets = read_table(path, limits=LIMITS)
    read = parse_sheet(sheets, kind)
    assert list(read.columns.values()) == [one.field for one in columns]
    assert read.rows == []
    sheet = openpyxl.load_workbook(path).active
    assert sheet.freeze_panes == "C2"
    assert all(cell.comment is not None for cell in sheet[1])
    choices = {str(one.sqref).split(":")[0]: one for one in sheet.data_validations.dataValidation}
    assert len(choices) == (4 if kind is ImportKind.DEMAND else 3)
    # The example, marked as the list's own, and below it each choice.
    header, example = sheets[0].rows
    example[0] = "A-1"
    rows = [header, example]
    for place, one in enumerate(columns):
        for choice in one.choices:
            row: list[Any] = [None] * len(columns)
            row[1], row[place] = choice, choice
            rows.append(row)
    read = parse_sheet([Sheet("清单", rows)], kind)
    assert [one.problems for one in read.rows] == [[]] * (len(rows) - 1)
    first = read.rows[0].values
    if kind is ImportKind.INSTRUMENT:
        assert first["original_value"] == 860_000
    else:
        price = first["price" if kind is ImportKind.ACHIEVEMENT else "budget"]
        assert (price["low"], price["high"]) == (500_000, 800_000)
    assert all(first[one.field] for one in COLUMNS[kind] if one.field != "anonymous")


async def test_anyone_gets_the_templates(anyone: httpx.AsyncClient) -> None:
    titles = {"achievement": "成果名称", "demands": "需求名称", "instruments": "仪器名称"}
    for kind, title in titles.items():
        answer = await anyone.get(f"/v1/imports/templates/{kind}.xlsx")
        assert answer.status_code == 200
        assert "attachment" in answer.headers["Content-Disposition"]
        assert opened(answer.content)["B1"].value == title
    assert (await anyone.get("/v1/imports/templates/cats.xlsx")).status_code == 422


ROWS = [
    ["1", "石墨烯导热膜", "=1+1", "中试", "50万", ""],
    ["2", "低温余热除湿", "-", "7级", "几十万", ""],
    ["3", "坏专利", "'@x", "", "", "ZL201710601862.4"],
    ["合计", "", "", "", "", ""],
]


async def test_what_a_report_refuses_is_corrected_in_it_and_sent_again(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    sent = workbook(ROWS, ["成果编号", *HEADER])
    ended = await send(scholar, sent)
    path = f"/v1/imports/{ended['id']}/report.xlsx"
    assert (await buyer.get(path)).status_code == 404
    answer = await scholar.get(path, headers={"Accept-Language": "zh"})
    sheet = opened(answer.content)
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert [row[:2] for row in rows] == [
        ["行号", "结果"], [2, "新增"], [3, "未导入"], [4, "未导入"]
    ]  # fmt: skip
    assert "金额无法识别" in rows[2][2]
    formula = sheet["F2"]
    assert (formula.value, formula.data_type) == ("=1+1", "s") or formula.quotePrefix
    # The refused rows alone, corrected as they stand: the count in front is still no number.
    rows[2][7], rows[3][8] = "面议", "ZL201710601862.3"
    again = await send(scholar, workbook(rows[2:], rows[0]))
    assert again["counts"]["created"] == 2, again
    whole = [*ROWS[:1], [*ROWS[1][:4], "面议", ""], [*ROWS[2][:5], "ZL201710601862.3"]]
    later = await send(scholar, workbook(whole, ["成果编号", *HEADER]))
    assert later["counts"]["unchanged"] == 3


async def test_a_report_keeps_what_stands_above_the_rows(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    """Its unit, and a header of two rows with groups."""
    rows = [
        ["成果清单", "", "单位：万元", ""],
        ["成果名称", "转让价格", "联系人", ""],
        ["", "", "姓名", "电话"],
        ["除湿机组", "20", "李老师", "028-11112222"],
        ["导热膜", "十几万", "李老师", "028-11112222"],
    ]
    ended = await send(scholar, workbook(rows[1:], rows[0]))
    assert (ended["counts"]["created"], ended["counts"]["refused"]) == (1, 1)
    answer = await scholar.get(f"/v1/imports/{ended['id']}/report.xlsx")
    sent = [[cell.value or "" for cell in row] for row in opened(answer.content).iter_rows()]
    sent[-1][4] = "15"
    again = await send(scholar, workbook(sent[1:], sent[0]))
    assert (again["counts"]["created"], again["counts"]["unchanged"]) == (1, 1)
    async with service.runtime.database.read() as session:
        made = await session.scalar(select(Achievement).where(Achievement.title == "导热膜"))
    assert made.price.low == 150_000
    assert made.contact["phone"] == "028-11112222"


async def test_a_file_that_was_refused_has_an_empty_report(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    ended = await send(scholar, b"no list", file_name="a.csv")
    assert ended["state"] == "failed"
    answer = await scholar.get(f"/v1/imports/{ended['id']}/report.xlsx")
    assert answer.status_code == 200
    assert [cell.value for cell in opened(answer.content)[1]] == ["行号", "结果", "原因"]


AWKWARD = st.sampled_from(
    ["=1+1", "'=1+1", "''", "-5%", "+86", "@名", "00123", "1.0", "1e5", "2020-01-01", "TRUE",
     "第一行\n第二行", "二　全角", "“引号”,逗号；分号", "<b>&amp;", "示例", "合计", "ＡＢ", "a\tb"]
)  # fmt: skip
TEXT = st.one_of(AWKWARD, st.text("石墨烯除湿膜ab1 -=\"'\n", min_size=1, max_size=12)).filter(
    str.strip
)
YUAN = st.decimals("0", "999999999999.99", places=2)
PRICE = st.one_of(
    st.sampled_from([{"kind": "unknown"}, {"kind": "negotiable"}]),
    st.builds(lambda one: {"kind": "fixed", "low": one}, YUAN),
    st.builds(lambda one: {"kind": "range", "low": one}, YUAN),
    st.builds(lambda one: {"kind": "range", "high": one}, YUAN),
    st.builds(lambda one, more: {"kind": "range", "low": min(one, more), "high": max(one, more)},
              YUAN, YUAN),
)  # fmt: skip
TRL = st.one_of(
    st.builds(lambda level: TrlValue(level=level, evidence="检测报告"), st.integers(1, 9)),
    st.builds(lambda level: TrlValue(scale="qingdao-2025", level=level), st.integers(1, 13)),
    st.builds(lambda level: TrlValue(scale="gb-t-37264-2018", level=level), st.integers(1, 9)),
)
RIGHT = st.sampled_from(
    [{"number": "ZL201710601862.3"}, {"number": "201710601862.3", "granted": True},
     {"number": "CN107388611A"}, {"number": "ZL200710308494.X", "granted": False},
     {"number": "PCT/CN2020/123456"}, {"number": "2020SR1234567"}, {"number": "软著登字第1234567号"},
     {"number": "US10123456B2"}]
)  # fmt: skip
DAY = st.dates(date(1900, 1, 1), date(2200, 12, 31))
EVALUATION = st.fixed_dictionaries(
    {}, optional={"evaluator": TEXT, "evaluated_on": DAY, "level": TEXT}
)
SHARED = {
    "description": TEXT, "field": TEXT, "place": TEXT, "valid_until": DAY,
    "keywords": st.lists(TEXT.map(lambda one: one[:50].strip()).filter(bool), max_size=4),
    "cooperation": st.lists(st.sampled_from(Cooperation), max_size=8, unique=True),
    "contact": st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("name", "department", "phone", "email"), TEXT)
    ),
}  # fmt: skip
# A title or number that says nothing (--) is none to an import, and is not one of these.
NUMBERED = st.builds("{}号{}".format, TEXT, st.integers(1, 99))
FIELDS: dict[ImportKind, Any] = {
    ImportKind.ACHIEVEMENT: SHARED
    | {"application": TEXT, "stage": st.sampled_from(Stage), "trl": TRL, "price": PRICE,
       "intellectual_property": st.lists(RIGHT, max_size=8), "completed_on": DAY,
       "evaluations": st.lists(EVALUATION, max_size=3)},
    ImportKind.DEMAND: SHARED
    | {"required_stage": st.sampled_from(Stage), "required_trl": TRL, "budget": PRICE,
       "anonymous": st.booleans()},
}  # fmt: skip


def _drawn(kind: ImportKind) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []

    @settings(max_examples=70, derandomize=True, database=None, deadline=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.fixed_dictionaries({"title": NUMBERED}, optional=FIELDS[kind]))
    def collect(values: dict[str, Any]) -> None:
        made.append(values)

    collect()
    return made


@pytest.fixture(scope="module")
def drawn() -> dict[ImportKind, list[dict[str, Any]]]:
    """Values of records. They are drawn while no service runs: its threads use the same random
    numbers as the drawing, which would take that for its own mistake."""
    return {kind: _drawn(kind) for kind in FIELDS}


@pytest.mark.parametrize("kind", FIELDS)
async def test_an_exported_list_comes_back_unchanged_whatever_it_holds(
    drawn: dict[ImportKind, list[dict[str, Any]]],
    kind: ImportKind,
    service: Service,
    scholar: httpx.AsyncClient,
) -> None:
    lists: Any = achievements if kind is ImportKind.ACHIEVEMENT else demands
    schema: Any = AchievementCreate if kind is ImportKind.ACHIEVEMENT else DemandCreate
    made = [dict(values) for values in drawn[kind]]
    async with service.runtime.database.write() as session:
        owner = await session.get_one(Organization, service.university)
        changes = []
        for place, values in enumerate(made, 1):
            number = str(place) if place % 2 else None  # also what counts like rows
            values["title"] = f"{values['title'][:150]} {place}"
            full = schema(organization_id=owner.id, number=number, **values)
            changes.append(lists.draft(owner, full))
            if place % 3 == 0:
                lists.edit(changes[-1].record, full, reviewed=False, publish=True)
        await lists.save(session, OPERATOR, changes)
    for suffix in (".xlsx", ".csv"):
        answer = await scholar.get(f"/v1/{kind}s/export{suffix}")
        assert answer.status_code == 200, answer.text
        if suffix == ".csv":
            rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
            assert not [c for row in rows for c in row if c.startswith(("=", "+", "-", "@"))]
        ended = await send(
            scholar, answer.content, kind=kind.value, file_name=f"清单{suffix}", dry_run="true"
        )
        report = (await scholar.get(f"/v1/imports/{ended['id']}/report")).json()
        wrong = [row for row in report["rows"] if row["outcome"] != "unchanged"]
        assert wrong == []
        assert len(report["rows"]) == len(made)
