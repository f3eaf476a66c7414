"""Lists as offices send them: where the header is, which rows count, what is wrong in them."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from kechuangtong.core.trade import Cooperation, ImportKind, PriceKind, Stage
from kechuangtong.imports.cells import Cell
from kechuangtong.imports.reading import FileRefused, Sheet
from kechuangtong.imports.rows import ParsedSheet, parse_sheet

ACHIEVEMENT, DEMAND = ImportKind.ACHIEVEMENT, ImportKind.DEMAND
PATENT, OTHER_PATENT = "ZL201710601862.3", "ZL200710308494.X"

Rows = Sequence[Sequence[Cell]]


def sheet(rows: Rows, name: str | None = "Sheet1") -> Sheet:
    return Sheet(name, [list(row) for row in rows])


def parsed(*rows: Sequence[Cell], kind: ImportKind = ACHIEVEMENT) -> ParsedSheet:
    return parse_sheet([sheet(rows)], kind)


def only(header: Sequence[Cell], row: Sequence[Cell], kind: ImportKind = ACHIEVEMENT) -> Any:
    """The values of the one row of a list that has no problems."""
    (read,) = parsed(header, row, kind=kind).rows
    assert read.problems == []
    return read.values


def problems(header: Sequence[Cell], row: Sequence[Cell]) -> list[tuple[str | None, str]]:
    (read,) = parsed(header, row).rows
    return [(one.column, one.code) for one in read.problems]


def titles(sheet: ParsedSheet) -> list[tuple[int, str | None]]:
    return [(one.number, one.values.get("title")) for one in sheet.rows]


def refusal(sheets: Sequence[Sheet], kind: ImportKind) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        parse_sheet(sheets, kind)
    return refused.value


@pytest.mark.parametrize(
    ("kind", "header", "fields"),
    [
        (
            ACHIEVEMENT,
            ["序号", "成果名称", "成果简介", "技术领域", "成熟度", "转让价格（万元）", "联系人"],
            ["number", "title", "description", "field", "trl", "price", "contact_name"],
        ),
        (
            ACHIEVEMENT,
            ["联系电话", "报价", "所处阶段", "应用前景", "专利号", "完成单位", "项目名称"],
            ["contact_phone", "price", "stage", "application", "intellectual_property", "organization", "title"],
        ),
        (
            ACHIEVEMENT,
            ["Title", "Abstract", "TRL", "Asking Price (RMB)", "Patent No.", "E-mail", "Keywords"],
            ["title", "description", "trl", "price", "intellectual_property", "contact_email", "keywords"],
        ),
        (
            ACHIEVEMENT,
            ["*成果名称", "成果\n简介", "知识产权号（选填）", "成熟度 ※必填", "合作方式：", "３、完成时间", "備註"],
            ["title", "description", "intellectual_property", "trl", "cooperation", "completed_on", None],
        ),
        (
            DEMAND,
            ["需求编号", "技术需求名称", "需求描述", "拟投入资金（万元）", "需求截止日期", "需求企业", "所在市"],
            ["number", "title", "description", "budget", "valid_until", "organization", "place"],
        ),
        (
            DEMAND,
            ["Company", "Demand Title", "Details", "Budget", "Deadline", "Industry", "Required TRL"],
            ["organization", "title", "description", "budget", "valid_until", "field", "required_trl"],
        ),
        (
            DEMAND,
            ["技術難題", "技術指標", "經費預算", "有效期至", "統一社會信用代碼", "合作方式", "成熟度要求"],
            ["title", "description", "budget", "valid_until", "organization_code", "cooperation", "required_trl"],
        ),
    ],
)  # fmt: skip
def test_headers_are_known_by_many_names_in_any_order(
    kind: ImportKind, header: list[str], fields: list[str | None]
) -> None:
    row: list[Cell] = [None] * len(header)
    row[fields.index("title")] = "导热膜"
    if "number" in fields:
        row[fields.index("number")] = "N-7"
    assert parsed(header, row, kind=kind).columns == dict(zip(header, fields, strict=True))


@pytest.mark.parametrize(
    ("kind", "header", "field"),
    [
        (ACHIEVEMENT, "成果完成单位名称", "organization"),
        (ACHIEVEMENT, "成果简介及应用前景", "description"),
        (ACHIEVEMENT, "应用前景简介", "application"),
        (ACHIEVEMENT, "软著登记号", "intellectual_property"),
        (ACHIEVEMENT, "评估值（万元）", "price"),
        (ACHIEVEMENT, "所属学院", "contact_department"),
        (ACHIEVEMENT, "联系人/电话", "contact"),
        (ACHIEVEMENT, "联系人及联系方式", "contact"),
        (ACHIEVEMENT, "负责人电话", "contact_phone"),
        (ACHIEVEMENT, "聯絡人", "contact_name"),
        (ACHIEVEMENT, "意向价格/万元", "price"),
        (ACHIEVEMENT, "合作方式\n转让、许可、入股", "cooperation"),
        (ACHIEVEMENT, "联系方式\n手机、邮箱", "contact"),
        (ACHIEVEMENT, f"成果简介（{'请写明原理、指标和应用情况，' * 6}）", "description"),
        (ACHIEVEMENT, "Technology Readiness Level", "trl"),
        (ACHIEVEMENT, "专利类型", None),
        (ACHIEVEMENT, "专利申请日", None),
        (ACHIEVEMENT, "专利有效期", None),
        (ACHIEVEMENT, "成果英文名称", None),
        (ACHIEVEMENT, "是否转让", None),
        (DEMAND, "需求单位名称", "organization"),
        (DEMAND, "企业全称", "organization"),
        (DEMAND, "需求方名称", "organization"),
        (DEMAND, "技术难题", "description"),
        (DEMAND, "需求领域", "field"),
        (DEMAND, "所属区县", "place"),
        (DEMAND, "Unified Social Credit Code", "organization_code"),
        (DEMAND, "Due Date", "valid_until"),
        (DEMAND, "注册资金（万元）", None),
        (DEMAND, "资金来源", None),
        (DEMAND, "合作期限", None),
        (DEMAND, "企业简介", None),
        (DEMAND, "意向合作单位名称", None),
        (DEMAND, "联系人职务", None),
    ],
)
def test_a_header_is_known_by_what_it_tells_of(
    kind: ImportKind, header: str, field: str | None
) -> None:
    title = "成果名称" if kind is ACHIEVEMENT else "需求名称"
    assert parsed([header, title], [None, "导热膜"], kind=kind).columns == {
        header: field,
        title: "title",
    }


def test_a_title_of_one_list_may_be_a_description_in_another() -> None:
    columns = ["企业名称", "项目名称", "技术需求", "拟投入经费（万元）"]
    values = only(columns, ["锦城机电", "除湿", "低温下除湿", 20], DEMAND)
    assert (values["title"], values["description"]) == ("除湿", "低温下除湿")


def test_a_word_of_the_other_list_does_not_make_a_list_the_other() -> None:
    header = ["企业名称", "项目名称", "需求内容", "预算（万元）", "是否对接科技成果"]
    found = parsed(header, ["锦城机电", "除湿", "低温", 20, "是"], kind=DEMAND)
    assert titles(found) == [(2, "除湿")]


def test_groups_above_the_header_tell_apart_what_is_below_them() -> None:
    found = parsed(
        ["企业信息", None, None, "需求信息", None, "联系方式", None],
        ["名称", "信用代码", "所在地", "名称", "预算（万元）", "姓名", "电话"],
        ["锦城机电", "91110000600037341L", "成都", "除湿", 20, "张三", "13800138000"],
        kind=DEMAND,
    )
    assert (found.header_row, titles(found)) == (2, [(3, "除湿")])
    assert found.rows[0].values["organization"] == "锦城机电"
    assert found.columns["需求信息 名称"] == "title"


def test_a_header_of_two_rows_is_read_whole() -> None:
    found = parsed(
        ["序号", "成果名称", "知识产权", None, "联系人", None, "意向价格（万元）"],
        [None, None, "类型", "专利号", "姓名", "电话", None],
        [1, "导热膜", "发明", PATENT, "张三", "13800138000", 50],
    )
    assert (found.header_row, titles(found)) == (1, [(3, "导热膜")])
    assert found.columns["专利号"] == "intellectual_property"
    assert found.columns["姓名"] == "contact_name"
    assert found.rows[0].values["price"]["low"] == Decimal(500_000)


def test_a_header_of_two_rows_begins_where_its_title_does() -> None:
    found = parsed(
        ["序号", "成果名称", "联系人", None],
        ["序号", "成果名称", "姓名", "电话"],
        [1, "导热膜", "张三", "13800138000"],
    )
    assert (found.header_row, titles(found)) == (1, [(3, "导热膜")])


def test_a_list_below_a_header_with_a_gap_is_no_second_row_of_it() -> None:
    found = parsed(
        ["成果名称", None, "联系人"], ["导热膜", "联系人", "张三"], ["热泵", "x", "李四"]
    )
    assert titles(found) == [(2, "导热膜"), (3, "热泵")]


def test_of_two_headers_that_are_alike_the_one_that_is_read_is_told() -> None:
    found = parsed(["成果名称", "联系电话", "联系电话"], ["导热膜", "13800138000", "1"])
    assert found.columns["联系电话"] == "contact_phone"
    assert found.rows[0].values["contact_phone"] == "13800138000"


def test_of_two_columns_for_one_field_the_usual_name_is_read() -> None:
    found = parsed(["项目名称", "成果名称", "简介"], ["大项目", "导热膜"], ["大项目", "散热片"])
    assert titles(found) == [(2, "导热膜"), (3, "散热片")]
    assert found.columns == {"项目名称": None, "成果名称": "title", "简介": "description"}


def test_a_title_alone_is_a_list() -> None:
    assert titles(parsed(["成果名称"], ["导热膜"])) == [(2, "导热膜")]


def test_what_is_around_the_list_is_no_row_of_it() -> None:
    header: list[Cell] = ["序号", "成果名称", "成果简介", "意向价格"]
    found = parsed(
        ["2026年度科技成果清单"],
        ["填报单位：蜀江大学", None, None, "单位：万元"],
        [],
        header,
        [1, "导热膜", "卷对卷", 50],
        [],
        header,
        [2, "热泵", None, "面议"],
        [3, None, None, None],
        [4, None, "忘了名称", None],
        ["合计", None, None, 50],
        ["小计：1项"],
        ["填表人：张三", None, "审核人：李四", "日期：2026年5月"],
        ["（盖章）"],
        ["备注：价格可议"],
    )
    assert found.header_row == 4
    assert titles(found) == [(5, "导热膜"), (8, "热泵"), (10, None)]
    assert [[one.code for one in row.problems] for row in found.rows] == [[], [], ["title_missing"]]
    assert found.rows[0].values["price"]["low"] == Decimal(500_000)


@pytest.mark.parametrize(
    "title",
    [
        "总计量传感器",
        "日期识别算法",
        "负责人管理系统",
        "合计算法",
        "单位时间产能提升",
        "注塑机节能",
        "审批流程自动化（RPA）平台",
        "日期识别算法（改进型）",
        "单位产品能耗：在线监测方法",
        "联系人推荐：图神经网络",
    ],
)
def test_titles_that_begin_like_a_total_or_a_signature_are_rows(title: str) -> None:
    assert titles(parsed(["成果名称", "简介"], [title, None])) == [(2, title)]


@pytest.mark.parametrize(
    "tail",
    [
        [["共2项"]],
        [["合计（万元）", None, 100]],
        [["以下空白"]],
        [["填报说明"], ["1.成果名称须写全称"], ["2.价格可填面议"]],
        [["注：1.价格可议"], ["2.成熟度按国标填写。"]],
        [["填表要求：请于10月底前报送"], ["邮箱：a@b.example"]],
        [["制表：张三   审核：李四   2024年1月1日"]],
        [["科研处负责人（签字）：", None, None, "年  月  日"]],
        [[None, None, "蜀江大学（盖章）"], [None, None, None, "2023年10月8日"]],
        [["单位（盖章）"], ["2023年10月8日"]],
        [["*为必填项"]],
    ],
)
def test_a_signature_a_note_and_what_follows_them_are_no_rows(tail: Rows) -> None:
    header = ["成果名称", "简介", "意向价格（万元）", "联系人"]
    found = parsed(
        header,
        ["一、电子信息"],
        ["导热膜", "x", 50, "张三"],
        ["（二）装备"],
        ["2023年度"],
        ["（以下为新增）"],
        ["热泵", None, None, None],
        *tail,
    )
    assert titles(found) == [(3, "导热膜"), (7, "热泵")]


def test_a_row_that_shows_how_to_fill_in_the_list_is_none_of_it() -> None:
    found = parsed(["序号", "成果名称"], ["示例", "某技术"], [1, "导热膜"], [2, "示例"])
    assert titles(found) == [(3, "导热膜"), (4, "示例")]


@pytest.mark.parametrize(
    "below",
    [
        ["必填", "选填", "*必填", None],
        ["（全称）", "（500字以内）", None, "（单位：万元）"],
        [1, 2, 3, 4],
        ["(1)", "(2)", "(3)", "(4)"],
        ["Title", "Description", "TRL", "Price"],
    ],
)
def test_what_explains_the_header_is_no_row(below: list[Cell]) -> None:
    header = ["成果名称", "成果简介", "成熟度", "意向价格（万元）"]
    found = parsed(header, below, ["（新型）导热膜", "x", "7级", 50], ["2", "3", "4", 5])
    assert (found.header_row, titles(found)) == (1, [(3, "（新型）导热膜"), (4, "2")])


def test_an_evaluation_is_put_together_from_its_columns() -> None:
    values = only(
        ["成果名称", "鉴定单位", "鉴定时间", "鉴定结论"],
        ["导热膜", "四川省科技厅", date(2020, 5, 6), "国际先进"],
    )
    assert values["evaluations"] == [
        {"evaluator": "四川省科技厅", "evaluated_on": date(2020, 5, 6), "level": "国际先进"}
    ]


def test_what_stands_above_one_column_is_no_group() -> None:
    found = parsed([None, "附件"], [None, None, "成果名称", "简介"], [None, None, "导热膜", "x"])
    assert found.columns == {"成果名称": "title", "简介": "description"}


def test_rows_go_on_below_a_note_between_them() -> None:
    found = parsed(["成果名称", "简介"], ["膜", "x"], ["注：以上已转让"], ["泵", "y"], ["阀", None])
    assert titles(found) == [(2, "膜"), (4, "泵"), (5, "阀")]


def test_a_row_without_a_title_that_begins_with_a_date_is_told() -> None:
    found = parsed(["完成日期", "成果名称", "简介"], ["2023年5月6日", None, "x"])
    assert [one.code for one in found.rows[0].problems] == ["title_missing"]


def test_a_count_of_rows_is_no_number_but_the_lists_own_is() -> None:
    header = ["序号", "成果名称", "简介"]
    counted = parsed(header, *[[n, f"成果{n}", "x"] for n in range(1, 6)])
    assert counted.columns["序号"] is None
    signed = parsed(header, [1, "膜", "x"], [2, "泵", "y"], ["填表人：张三", "审核人：李四", None])
    assert (signed.columns["序号"], len(signed.rows)) == (None, 2)
    thinned = parsed(header, [1, "膜", "x"], [4, "泵", "y"], [3, "阀", "z"], ["七", "灯", "w"])
    assert thinned.columns["序号"] is None
    lettered = parsed(header, ["CG-01", "膜", "x"], ["CG-02", "泵", "y"])
    assert [row.values["number"] for row in lettered.rows] == ["CG-01", "CG-02"]
    own = parsed(["成果编号", *header[1:]], ["CG-7", "导热膜", "x"], ["CG-9", "热泵", "x"])
    assert [row.values["number"] for row in own.rows] == ["CG-7", "CG-9"]
    both = parsed(["序号", "成果编号", "成果名称"], [1, 2023007, "导热膜"], [2, 2023011, "热泵"])
    assert [row.values["number"] for row in both.rows] == ["2023007", "2023011"]


@pytest.mark.parametrize(
    ("header", "cell", "low", "high"),
    [
        ("意向价格（万元）", 50, 500_000, 500_000),
        ("意向价格（万元）", "50-80", 500_000, 800_000),
        ("意向价格（万元）", "5000元", 5_000, 5_000),
        ("意向价格\n单位：元", 5000, 5_000, 5_000),
        ("意向价格（元）", "3万", 30_000, 30_000),
        ("意向价格", "120万元", 1_200_000, 1_200_000),
        ("意向价格", "￥5000", 5_000, 5_000),
    ],
)
def test_the_cells_unit_beats_the_headers(header: str, cell: Cell, low: int, high: int) -> None:
    price = only(["成果名称", header], ["导热膜", cell])["price"]
    assert (price["low"], price["high"]) == (low, high)


def test_a_note_above_the_header_gives_the_unit_unless_the_header_does() -> None:
    for header, low in (("意向价格", 500_000), ("意向价格（元）", 50)):
        rows = [["成果清单", "（单位：万元）"], ["成果名称", header], ["导热膜", 50]]
        assert parsed(*rows).rows[0].values["price"]["low"] == low


def test_amounts_under_another_currency_are_no_yuan() -> None:
    assert problems(["成果名称", "报价（万美元）"], ["导热膜", "50万"]) == [
        ("报价（万美元）", "price_not_understood")
    ]


def test_an_amount_without_any_unit_is_refused_and_says_so() -> None:
    (row,) = parsed(["成果名称", "意向价格"], ["导热膜", 50]).rows
    (problem,) = row.problems
    assert (problem.column, problem.code, problem.value) == (
        "意向价格",
        "price_not_understood",
        "50",
    )
    assert "单位" in problem.message.zh


@pytest.mark.parametrize(
    ("cell", "stage", "level"),
    [
        ("小试", Stage.BENCH, None),
        ("中试阶段", Stage.PILOT, None),
        ("7级", None, 7),
        ("TRL7", None, 7),
        (7, None, 7),
        ("7", None, 7),
        ("中试（TRL6）", Stage.PILOT, 6),
        (None, None, None),
        ("/", None, None),
    ],
)
@pytest.mark.parametrize("kind", [ACHIEVEMENT, DEMAND])
def test_a_stage_is_no_level_and_a_level_no_stage(
    kind: ImportKind, cell: Cell, stage: Stage | None, level: int | None
) -> None:
    title, prefix = ("成果名称", "") if kind is ACHIEVEMENT else ("需求名称", "required_")
    values = only([title, "成熟度"], ["导热膜", cell], kind)
    trl = values[prefix + "trl"]
    assert values[prefix + "stage"] == stage
    assert (trl and trl["level"]) == level


def test_a_column_of_stages_and_one_of_levels_are_read_together() -> None:
    values = only(["成果名称", "所处阶段", "TRL等级"], ["导热膜", "中试", 6])
    assert (values["stage"], values["trl"]["level"]) == (Stage.PILOT, 6)


def test_patents_of_a_cell_and_of_several_columns_are_all_read_once() -> None:
    values = only(
        ["成果名称", "发明专利号", "软件著作权"],
        ["导热膜", f"{PATENT}；ＺＬ２００７１０３０８４９４．Ｘ\n{PATENT}", "2023SR0123456"],
    )
    numbers = [one["number"] for one in values["intellectual_property"]]
    assert numbers == [PATENT, OTHER_PATENT, "2023SR0123456"]


def test_one_wrong_number_refuses_the_row() -> None:
    (row,) = parsed(
        ["成果名称", "专利号"], ["导热膜", f"{PATENT}、ZL201710601862.4、{OTHER_PATENT}"]
    ).rows
    assert [(one.column, one.code, one.value) for one in row.problems] == [
        ("专利号", "patent_check_digit", "ZL201710601862.4")
    ]


def test_a_place_is_put_together_from_its_columns() -> None:
    header = ["成果名称", "省", "市", "区县"]
    assert only(header, ["膜", "四川省", "成都市", "双流区"])["place"] == "四川省成都市双流区"
    assert only(header, ["膜", "北京市", "北京市", None])["place"] == "北京市"
    assert only(header, ["膜", None, None, None])["place"] is None


@pytest.mark.parametrize(
    ("cell", "name", "phone", "email"),
    [
        ("张三 13800138000", "张三", "13800138000", None),
        ("张三，028-85400000，zs@scu.example.cn", "张三", "028-85400000", "zs@scu.example.cn"),
        ("联系人：李四\n电话：１３９００１３９０００", "李四", "13900139000", None),
        (13800138000, None, "13800138000", None),
        (13800138000.0, None, "13800138000", None),
        ("a.b@c.example", None, None, "a.b@c.example"),
        ("王五", "王五", None, None),
        ("无", None, None, None),
    ],
)
def test_a_contact_in_one_cell_is_taken_apart(
    cell: Cell, name: str | None, phone: str | None, email: str | None
) -> None:
    values = only(["成果名称", "联系方式"], ["导热膜", cell])
    read = tuple(values[f"contact_{part}"] for part in ("name", "phone", "email"))
    assert read == (name, phone, email)


def test_a_contact_cell_does_not_undo_the_columns_beside_it() -> None:
    for header, row in (
        (["成果名称", "联系人", "联系方式"], ["膜", "张三", "13800138000"]),
        (["成果名称", "联系方式", "联系人"], ["膜", "13800138000", "张三"]),
        (["成果名称", "联系方式", "联系人"], ["膜", "李四 13800138000", "张三"]),
    ):
        values = only(header, row)
        assert values["contact_phone"] == "13800138000"
        assert "张三" in values["contact_name"] or values["contact_name"] == "李四"


def test_a_full_row_becomes_typed_values() -> None:
    values = only(
        ["需求名称", "需求内容", "预算", "截止日期", "合作方式", "关键词", "需求企业", "电话"],
        ["除湿", "第一行\n第二行", "20-80万元", "2027年3月", "技术转让、许可", "除湿；热泵", "锦城机电", 13800138000.0],
        DEMAND,
    )  # fmt: skip
    assert values == {
        "title": "除湿",
        "description": "第一行\n第二行",
        "budget": {"kind": PriceKind.RANGE, "low": Decimal(200_000), "high": Decimal(800_000)},
        "valid_until": date(2027, 3, 31),
        "cooperation": [Cooperation.TRANSFER, Cooperation.LICENSE],
        "keywords": ["除湿", "热泵"],
        "organization": "锦城机电",
        "contact_phone": "13800138000",
    }


def test_descriptions_of_several_columns_are_kept_together() -> None:
    values = only(["成果名称", "成果简介", "创新点"], ["膜", "卷对卷", "连续"])
    assert values["description"] == "卷对卷\n连续"


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        (["成果名称", "简介"], ["膜" * 201, None], [("成果名称", "too_long")]),
        (["成果名称", "简介"], ["膜" * 200, "长" * 20_001], [("简介", "too_long")]),
        (["成果名称", "简介"], [None, "x"], [("成果名称", "title_missing")]),
        (["成果名称", "简介"], ["无", "x"], [("成果名称", "title_missing")]),
        (["成果名称", "简介"], ["#REF!", "x"], [("成果名称", "cell_error")]),
        (["成果名称", "报价（万元）"], ["膜", "#N/A"], [("报价（万元）", "cell_error")]),
        (
            ["成果名称", "报价", "成熟度"],
            ["膜", "几十万", "很成熟"],
            [("报价", "price_not_understood"), ("成熟度", "maturity_not_understood")],
        ),
        (
            ["成果名称", "完成时间", "专利号"],
            [None, "2023-02-30", "ZL201710601862.4、ZL200710308494.1"],
            [
                ("完成时间", "date_not_understood"),
                ("专利号", "patent_check_digit"),
                ("专利号", "patent_check_digit"),
                ("成果名称", "title_missing"),
            ],
        ),
        (
            ["成果名称", "统一社会信用代码"],
            ["膜", "91110000600037341X"],
            [("统一社会信用代码", "uscc_check")],
        ),
        (["成果名称", "关键词"], ["膜", "词" * 51], [("关键词", "keyword_too_long")]),
    ],
)
def test_every_problem_of_a_row_is_told(
    header: list[str], row: list[Cell], expected: list[tuple[str, str]]
) -> None:
    assert problems(header, row) == expected


@pytest.mark.parametrize(
    ("kind", "header"),
    [
        (ACHIEVEMENT, ["需求名称", "需求内容", "预算（万元）", "截止日期"]),
        (ACHIEVEMENT, ["序号", "技术需求", "技术指标", "联系人"]),
        (ACHIEVEMENT, ["企业", "需求名称", "预算（万元）", "期限"]),
        (DEMAND, ["成果名称", "成果简介", "成熟度", "联系人"]),
        (DEMAND, ["科技成果名称", "知识产权号", "意向价格"]),
        (ACHIEVEMENT, ["企业名称", "项目名称", "需求内容", "预算（万元）"]),
        (DEMAND, ["项目名称", "成果简介", "完成单位", "转让价格"]),
    ],
)
def test_the_other_list_is_refused(kind: ImportKind, header: list[Cell]) -> None:
    assert refusal([sheet([header, ["甲", "乙", "1", "2"]])], kind).code == "wrong_kind"


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [["甲", "乙"], ["丙", "丁"]],
        [[1, 2, 3]],
        [["姓名", "电话", "邮箱"], ["张三", "1", "2"]],
        [["x"] * 3] * 50 + [["成果名称", "简介", "联系人"]],
    ],
)
def test_a_file_without_a_header_is_refused_and_names_its_sheets(rows: Rows) -> None:
    refused = refusal([sheet(rows, "通讯录")], ACHIEVEMENT)
    assert refused.code == "header_not_found"
    assert "通讯录" in refused.message.zh
    assert "成果名称" in refused.message.en


def test_the_list_is_found_beside_notes_and_other_sheets() -> None:
    notes = sheet([["填表说明"], ["成果名称：写全称"], ["成熟度：1 至 9 级"]], "说明")
    words = sheet([["成熟度", "合作方式"], ["小试", "许可"]], "字典")
    listed = sheet([["成果名称", "成熟度", "合作方式"], ["导热膜", "小试", "许可"]], "成果")
    found = parse_sheet([notes, words, listed], ACHIEVEMENT)
    assert (found.sheet, found.header_row, titles(found)) == ("成果", 1, [(2, "导热膜")])


def test_an_example_with_the_same_header_is_not_the_list() -> None:
    header = ["成果名称", "成果简介", "成熟度"]
    example = sheet([header, ["示例", "x", "小试"]], "填写示例")
    listed = sheet([header, ["导热膜", "x", "小试"], ["热泵", "y", "中试"]], "成果")
    assert parse_sheet([example, listed], ACHIEVEMENT).sheet == "成果"
    assert parse_sheet([listed, example], ACHIEVEMENT).sheet == "成果"


def test_a_file_with_both_lists_gives_the_one_that_is_asked_for() -> None:
    both = [
        sheet([["成果名称", "成果简介", "成熟度"], ["导热膜", "x", "小试"]], "成果"),
        sheet([["需求名称", "需求内容", "预算（万元）"], ["除湿", "y", 3]], "需求"),
    ]
    assert parse_sheet(both, ACHIEVEMENT).sheet == "成果"
    assert parse_sheet(both, DEMAND).sheet == "需求"


def test_short_rows_and_cells_without_a_header_are_no_trouble() -> None:
    found = parsed(["成果名称", None, "简介"], ["膜"], ["泵", "?", "x", "y"], [None, "z"])
    assert titles(found) == [(2, "膜"), (3, "泵")]
    assert found.rows[1].values["description"] == "x"


@pytest.mark.parametrize(
    ("header", "cell", "anonymous"),
    [
        ("是否匿名", "是", True),
        ("匿名发布（是/否）", "否", False),
        ("＊是否匿名發布", "是", True),
        ("企业名称是否公开", "是", False),
        ("企业名称是否公开", "否", True),
        ("是否公开企业名称", "否", True),
        ("是否同意公开单位名称", "√", False),
        ("是否不公开企业名称", "是", True),
        ("企业信息是否保密", "是", True),
        ("保密要求", "企业名称保密", True),
        ("保密要求", "无", False),
        ("是否需要保密", "不需要", False),
    ],
)
def test_a_column_says_whether_the_enterprise_is_named(
    header: str, cell: str, anonymous: bool
) -> None:
    columns = ["需求名称", "企业名称", header]
    read = parsed(columns, ["除湿", "锦城机电", cell], kind=DEMAND)
    assert read.columns == {"需求名称": "title", "企业名称": "organization", header: "anonymous"}
    assert read.rows[0].values["anonymous"] is anonymous


def test_of_two_columns_on_anonymity_the_one_that_hides_counts() -> None:
    header = ["需求名称", "是否匿名", "企业名称是否公开"]
    assert only(header, ["除湿", "否", "否"], DEMAND)["anonymous"] is True
    assert "anonymous" not in only(header, ["除湿", "", ""], DEMAND)
    (row,) = parsed(header, ["除湿", "待定吧", ""], kind=DEMAND).rows
    assert [(one.column, one.code) for one in row.problems] == [
        ("是否匿名", "anonymous_not_understood")
    ]


def test_what_is_kept_secret_elsewhere_is_no_anonymity() -> None:
    header = ["需求名称", "单位保密资质", "需求公开时间", "是否公开"]
    read = parsed(header, ["除湿", "二级", "2027-01-01", "是"], kind=DEMAND)
    assert "anonymous" not in read.columns.values()
    achievements = parsed(["成果名称", "是否保密"], ["除湿", "是"])
    assert achievements.columns["是否保密"] is None
