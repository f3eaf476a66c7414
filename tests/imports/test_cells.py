"""Cells: worked examples of what people type, and what holds for anything they could type."""

import math
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kechuangtong.core.identifiers import IdentifierError, IntellectualPropertyKind, check_uscc
from kechuangtong.core.trade import Cooperation, OrganizationKind, Price, PriceKind, Stage
from kechuangtong.imports import cells
from kechuangtong.imports.amounts import parse_price, unit_of
from kechuangtong.imports.cells import Cell, CellError
from kechuangtong.imports.dates import find_date, parse_date
from kechuangtong.imports.maturity import parse_maturity
from kechuangtong.imports.rights import Evaluation, parse_evaluations, parse_patents
from kechuangtong.policies import trl

WAN = Decimal(10_000)

# Text of any kind, and text of the characters that the parsers look for.
TYPED = st.text(max_size=60) | st.text(
    "0123456789０１二两三十百千万亿元零壹拾.,，。、-~至—到（）()级阶段trlTRLxXZLCN年月日底前上下半季度约不超过面议以内%￥$ \n:：;；/|+",
    max_size=30,
)
CELLS = (
    TYPED
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.datetimes()
    | st.sampled_from(["#REF!", "无", "\x00", "_x000D_", "9" * 5000, "万" * 200, "①②", "²"])
)
PARSERS: list[Callable[[Cell], object]] = [
    parse_price,
    lambda cell: parse_price(cell, WAN),
    parse_date,
    lambda cell: parse_date(cell, end=True),
    lambda cell: parse_maturity(cell, trl.default()),
    parse_patents,
    parse_evaluations,
    cells.parse_line,
    cells.parse_passage,
    cells.parse_keywords,
    cells.parse_cooperation,
    cells.parse_contact,
    cells.parse_phone,
    cells.parse_organization_kind,
    cells.parse_uscc,
]


def refused(parse: Callable[[Cell], object], cell: Cell) -> str:
    with pytest.raises(CellError) as error:
        parse(cell)
    assert error.value.message.zh
    assert error.value.message.en
    return error.value.code


@given(CELLS)
@settings(max_examples=600, deadline=None)
def test_nothing_that_a_cell_can_hold_breaks_a_parser(cell: Cell) -> None:
    for parse in PARSERS:
        with suppress(CellError):
            parse(cell)


# Amounts


def fixed(yuan: float | str) -> Price:
    return Price(PriceKind.FIXED, Decimal(str(yuan)), Decimal(str(yuan)))


def between(low: int | None, high: int | None) -> Price:
    def yuan(amount: int | None) -> Decimal | None:
        return None if amount is None else Decimal(amount)

    return Price(PriceKind.RANGE, yuan(low), yuan(high))


NEGOTIABLE, UNKNOWN = Price(PriceKind.NEGOTIABLE), Price(PriceKind.UNKNOWN)


@given(CELLS, st.none() | st.sampled_from([Decimal(1), WAN]))
@settings(max_examples=600, deadline=None)
def test_no_price_is_below_zero_or_runs_backwards(cell: Cell, unit: Decimal | None) -> None:
    try:
        price = parse_price(cell, unit)
    except CellError:
        return
    assert price.low is None or price.low >= 0
    assert price.high is None or price.high >= 0
    if price.low is not None and price.high is not None:
        assert price.low <= price.high
        assert (price.kind is PriceKind.FIXED) == (price.low == price.high)
    if price.kind in (PriceKind.NEGOTIABLE, PriceKind.UNKNOWN):
        assert (price.low, price.high) == (None, None)


@given(st.integers(0, 99_999_999))
@settings(deadline=None)
def test_any_number_of_wan_is_ten_thousand_times_as_many_yuan(number: int) -> None:
    assert parse_price(f"{number}万元") == parse_price(f"{number:,}万") == fixed(number * 10_000)
    assert parse_price(number, WAN) == parse_price(float(number), WAN) == fixed(number * 10_000)


@given(st.integers(1, 99_999), st.integers(1, 99_999))
@settings(deadline=None)
def test_any_range_that_runs_upwards_is_read(low: int, more: int) -> None:
    high = low + more
    expected = between(low * 10_000, high * 10_000)
    for typed in (f"{low}-{high}万元", f"{low}万～{high}万", f"{low}万元至{high}万元"):
        assert parse_price(typed) == expected
    assert refused(parse_price, f"{high}-{low}万元") == "price_not_understood"


@pytest.mark.parametrize(
    ("cell", "price"),
    [
        ("120万", fixed(1_200_000)),
        ("120万元", fixed(1_200_000)),
        ("１２０万元", fixed(1_200_000)),
        ("120 万 元", fixed(1_200_000)),
        ("120萬元", fixed(1_200_000)),
        ("人民币120万元整", fixed(1_200_000)),
        ("120w", fixed(1_200_000)),
        ("1,200,000元", fixed(1_200_000)),
        ("1，200，000元", fixed(1_200_000)),
        ("¥1,200,000.50", fixed("1200000.50")),
        ("1.5亿元", fixed(150_000_000)),
        ("0.8万", fixed(8_000)),
        ("5千元", fixed(5_000)),
        ("三十万元", fixed(300_000)),
        ("一百二十万", fixed(1_200_000)),
        ("壹佰贰拾万元整", fixed(1_200_000)),
        ("三万五", fixed(35_000)),
        ("约50万元", fixed(500_000)),
        ("50万元左右", fixed(500_000)),
        ("50万元（含税）", fixed(500_000)),
        ("50（万元）", fixed(500_000)),
        ("50万元，可面议", fixed(500_000)),
        ("面议（50万元）", fixed(500_000)),
        ("转让费50万元", fixed(500_000)),
        ("5 million yuan", fixed(5_000_000)),
        ("免费许可", fixed(0)),
        ("0元", fixed(0)),
        ("50-80万元", between(500_000, 800_000)),
        ("50～80万", between(500_000, 800_000)),
        ("50万至80万元", between(500_000, 800_000)),
        ("五到十万", between(50_000, 100_000)),
        ("五千到一万元", between(5_000, 10_000)),
        ("不超过50万元", between(None, 500_000)),
        ("50万元以内", between(None, 500_000)),
        ("100万以上", between(1_000_000, None)),
        ("≥100万元", between(1_000_000, None)),
        ("50万起", between(500_000, None)),
        ("50万-50万", fixed(500_000)),
        ("8千到1万", between(8_000, 10_000)),
        ("200万含税", fixed(2_000_000)),
        ("不含税100万元", fixed(1_000_000)),
        ("50万元（独占许可）", fixed(500_000)),
        ("面议（参考价50万）", fixed(500_000)),
        ("面议，约50万", fixed(500_000)),
        ("50万/面议", fixed(500_000)),
        ("接近100万", fixed(1_000_000)),
        ("不到100万", between(None, 1_000_000)),
        ("超100万", between(1_000_000, None)),
        ("起拍价100万元", between(1_000_000, None)),
        ("50万块", fixed(500_000)),
        ("一次性50万元", fixed(500_000)),
        ("50k", fixed(50_000)),
        ("一二〇万", fixed(1_200_000)),
        ("详询", NEGOTIABLE),
        ("价格可谈", NEGOTIABLE),
        ("无预算", UNKNOWN),
        ("财政拨款", UNKNOWN),
        ("自筹+银行贷款", UNKNOWN),
        ("视方案而定", UNKNOWN),
        ("按项目实际情况确定", UNKNOWN),
        ("评估后确定", UNKNOWN),
        ("面议", NEGOTIABLE),
        ("价格面议", NEGOTIABLE),
        ("双方协商确定", NEGOTIABLE),
        ("面議", NEGOTIABLE),
        ("negotiable", NEGOTIABLE),
        ("自筹", UNKNOWN),
        ("企业自筹资金", UNKNOWN),
        ("待定", UNKNOWN),
        ("暂无", UNKNOWN),
        ("—", UNKNOWN),
        ("", UNKNOWN),
        (None, UNKNOWN),
        (math.nan, UNKNOWN),
    ],
)
def test_amounts(cell: Cell, price: Price) -> None:
    assert parse_price(cell) == price


@pytest.mark.parametrize(
    "cell",
    [
        "一百来万吧", "几十万", "十几万", "数百万", "百万元", "50多万", "上百万", "50余万元",
        "-50万", "-3元", "80-50万", "50-60-70万", "50万美元", "$500", "50万/年", "每年50万",
        "销售额的5%", "5%", "首付30万，提成5%", "转让100万、许可20万", "50", "50-80", 50, 0.5, True, "五六十万", "三四万", "一两百万", "每吨按50元确定",
        date(2026, 5, 6), "2026年5月", "详见附件", "9999亿9999万万", "1000000000000元", "万元", "12.34.5万",
        "1,2,3万", f"{'1' * 30}万5", f"{'1' * 30}.5亿", "0x10万", "1e6元", "x" * 201,
    ],
)  # fmt: skip
def test_amounts_that_are_refused(cell: Cell) -> None:
    assert refused(parse_price, cell) == "price_not_understood"


@pytest.mark.parametrize(
    ("header", "yuan"),
    [
        ("预算（万元）", 10_000),
        ("预算\n单位：元", 1),
        ("金额(千元)", 1_000),
        ("投入（亿元）", 100_000_000),
        ("Budget (10k yuan)", 10_000),
        ("Price (RMB)", 1),
        ("预算（万）", 10_000),
        ("预算（人民币万元）", 10_000),
        ("预算（人民币）", 1),
        ("Price (RMB 10,000)", 10_000),
        ("Budget in million yuan", 1_000_000),
        ("预算", None),
        ("意向价格", None),
        ("预算（元/万元）", None),
        ("报价（万美元）", None),
        ("Price (USD)", None),
    ],
)
def test_units_of_headers(header: str, yuan: int | None) -> None:
    assert unit_of(header) == yuan


@pytest.mark.parametrize(
    ("cell", "yuan"),
    [("¥500,000", 500_000), ("RMB 500000", 500_000), ("500 thousand", 500_000), ("50k", 50_000)],
)
def test_a_unit_of_any_kind_in_the_cell_beats_the_headers(cell: Cell, yuan: int) -> None:
    assert parse_price(cell, WAN) == parse_price(cell, Decimal(1)) == fixed(yuan)


def test_under_another_currency_only_what_says_yuan_is_yuan() -> None:
    assert refused(lambda one: parse_price(one, foreign=True), "50万") == "price_not_understood"
    assert refused(lambda one: parse_price(one, foreign=True), 50) == "price_not_understood"
    assert parse_price("50万元", foreign=True) == fixed(500_000)
    assert parse_price("面议", foreign=True) == NEGOTIABLE


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("120", 120),
        ("1,200.5", "1200.5"),
        ("一百二十万", 1_200_000),
        ("1.5亿", 150_000_000),
        ("三万五", 35_000),
        ("三万〇五", 30_005),
        ("三万零五百", 30_500),
        ("十", 10),
        ("十五", 15),
        ("二百五", 250),
        ("二百零五", 205),
        ("两千", 2_000),
        ("二〇二六", 2026),
        ("三点一四", "3.14"),
        ("一亿二千万", 120_000_000),
        ("1万2千", 12_000),
        ("百万", None),
        ("几万", None),
        ("万", None),
        ("", None),
        ("1.2.3", None),
        ("12,34", None),
        ("一十一十", None),
        ("五六", None),
        ("五六十万", None),
        ("五百千", None),
        ("1" * 30 + "万5", Decimal("1" * 30) * 10_000 + 5_000),
        ("一" * 41, None),
    ],
)
def test_numbers(typed: str, number: float | str | None) -> None:
    assert cells.chinese_number(typed) == (None if number is None else Decimal(str(number)))


# Dates

WRITTEN: list[Callable[[date], str]] = [
    lambda day: day.isoformat(),
    lambda day: f"{day.year}/{day.month}/{day.day}",
    lambda day: f"{day.year}.{day.month:02}.{day.day:02}",
    lambda day: f"{day.year}年{day.month}月{day.day}日",
    lambda day: f" {day.year} 年 {day.month} 月 {day.day} 号 ",
    lambda day: f"{day:%Y%m%d}",
    lambda day: f"{day.isoformat()} 00:00:00",
    lambda day: f"{day.isoformat()}T08:30:00Z",
    lambda day: f"截止{day.year}年{day.month}月{day.day}日前",
    lambda day: f"{day.day} {day:%b} {day.year}",
    lambda day: f"{day:%B} {day.day}, {day.year}",
    lambda day: "".join(chr(ord(one) + 0xFEE0) for one in day.isoformat()),
]


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)), st.booleans())
@settings(deadline=None)
def test_any_day_is_read_however_it_is_written(day: date, end: bool) -> None:
    for write in WRITTEN:
        assert parse_date(write(day), end=end) == day, write(day)
    assert parse_date(day, end=end) == day
    assert parse_date(datetime(day.year, day.month, day.day, 23, 59), end=end) == day  # noqa: DTZ001
    assert parse_date(int(f"{day:%Y%m%d}"), end=end) == day


@given(st.dates(date(1955, 1, 1), date(2119, 1, 1)))
@settings(deadline=None)
def test_any_day_is_read_as_excel_counts_it(day: date) -> None:
    count = (day - date(1899, 12, 30)).days
    assert parse_date(count) == parse_date(count + 0.5) == parse_date(str(count)) == day


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)))
@settings(deadline=None)
def test_any_month_is_its_first_day_or_its_last(day: date) -> None:
    first = day.replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    for typed in (f"{day:%Y-%m}", f"{day.year}年{day.month}月", f"{day.year}/{day.month}"):
        assert (parse_date(typed), parse_date(typed, end=True)) == (first, last)


@pytest.mark.parametrize(
    ("cell", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        (2026, date(2026, 1, 1), date(2026, 12, 31)),
        (2026.0, date(2026, 1, 1), date(2026, 12, 31)),
        ("2026年", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026年度", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026年底", date(2026, 12, 31), date(2026, 12, 31)),
        ("2026年上半年", date(2026, 1, 1), date(2026, 6, 30)),
        ("2026年第三季度", date(2026, 7, 1), date(2026, 9, 30)),
        ("Q3 2026", date(2026, 7, 1), date(2026, 9, 30)),
        ("2026Q3", date(2026, 7, 1), date(2026, 9, 30)),
        ("2026年2月", date(2026, 2, 1), date(2026, 2, 28)),
        ("2024年2月", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026年5月底", date(2026, 5, 31), date(2026, 5, 31)),
        ("2026年5月下旬", date(2026, 5, 21), date(2026, 5, 31)),
        ("2026.5", date(2026, 5, 1), date(2026, 5, 31)),
        (2026.5, date(2026, 5, 1), date(2026, 5, 31)),
        (202605, date(2026, 5, 1), date(2026, 5, 31)),
        ("26年5月", date(2026, 5, 1), date(2026, 5, 31)),
        ("98年5月", date(1998, 5, 1), date(1998, 5, 31)),
        ("二〇二六年五月六日", date(2026, 5, 6), date(2026, 5, 6)),
        ("二零二六年十二月三十一日", date(2026, 12, 31), date(2026, 12, 31)),
        ("May 2026", date(2026, 5, 1), date(2026, 5, 31)),
        ("2024.1-2026.12", date(2026, 12, 31), date(2026, 12, 31)),
        ("2024年1月至2026年5月", date(2026, 5, 31), date(2026, 5, 31)),
        ("2026年3-5月", date(2026, 5, 31), date(2026, 5, 31)),
        ("25/12/2026", date(2026, 12, 25), date(2026, 12, 25)),
        ("2026. 5. 6", date(2026, 5, 6), date(2026, 5, 6)),
        ("2026，5，6", date(2026, 5, 6), date(2026, 5, 6)),
        ("2026、05、06", date(2026, 5, 6), date(2026, 5, 6)),
        ("2026年五月", date(2026, 5, 1), date(2026, 5, 31)),
        ("2026年十二月三十一日", date(2026, 12, 31), date(2026, 12, 31)),
        ("2026年元月", date(2026, 1, 1), date(2026, 1, 31)),
        ("2026年1月1日-12月31日", date(2026, 12, 31), date(2026, 12, 31)),
        ("2026年5月至12月", date(2026, 12, 31), date(2026, 12, 31)),
        ("2026年6月30日24时", date(2026, 6, 30), date(2026, 6, 30)),
        ("2026年6月30日17:00前", date(2026, 6, 30), date(2026, 6, 30)),
        ("2026/5/6 下午 3:00", date(2026, 5, 6), date(2026, 5, 6)),
        ("即日起至2026年12月31日", date(2026, 12, 31), date(2026, 12, 31)),
        ("2026-05-06（周三）", date(2026, 5, 6), date(2026, 5, 6)),
    ],
)
def test_dates(cell: Cell, first: date, last: date) -> None:
    assert (parse_date(cell), parse_date(cell, end=True)) == (first, last)


@pytest.mark.parametrize(
    "cell",
    [
        "长期有效",
        "长期 有效",
        "长期征集",
        "不设期限",
        "长期",
        "待定",
        "不限",
        "至今",
        "研发中",
        "无",
        "/",
        "",
        None,
        "long-term",
    ],
)
def test_dates_that_are_not_said(cell: Cell) -> None:
    assert parse_date(cell) is None


@pytest.mark.parametrize(
    "cell",
    [
        "明年", "尽快", "年底", "三个月内", "2026-02-30", "2023年2月29日", "2026-13-01", "2026年0月", "26-05-06",
        "5/6/2026", "05-06", "1026-05-06", "9999-01-01", "2026-06-01至2026-05-01", 0, 7, -1, 12, 0.5, True, False,
        20260230, math.pi, 99_999, "2026-05-06-07", "2026.05-06", "即日起", "二〇二六年十三月", "x" * 101, date(1800, 1, 1),
    ],
)  # fmt: skip
def test_dates_that_are_refused(cell: Cell) -> None:
    assert refused(parse_date, cell) == "date_not_understood"


def test_the_first_date_in_a_text_is_found() -> None:
    assert find_date("2023年5月6日由省科技厅组织鉴定") == date(2023, 5, 6)
    assert find_date("编号 202305061234，2021.3 通过") == date(2021, 3, 1)
    assert find_date("未鉴定") is None


# Maturity


@pytest.mark.parametrize(
    ("cell", "stage", "level"),
    [
        ("概念验证", Stage.CONCEPT, None),
        ("实验室阶段", Stage.LABORATORY, None),
        ("实验室样机", Stage.LABORATORY, None),
        ("小试", Stage.BENCH, None),
        ("中试", Stage.PILOT, None),
        ("已完成中试", Stage.PILOT, None),
        ("样机", Stage.PILOT, None),
        ("小批量生产", Stage.PILOT, None),
        ("產業化", Stage.INDUSTRIAL, None),
        ("量产阶段", Stage.INDUSTRIAL, None),
        ("可产业化", Stage.INDUSTRIAL, None),
        ("Pilot scale", Stage.PILOT, None),
        ("小试/中试", Stage.BENCH, None),
        ("已完成小试，正在中试", Stage.PILOT, None),
        ("■中试 □小试", Stage.PILOT, None),
        ("□小试 ☑中试 □产业化", Stage.PILOT, None),
        ("小试□ 中试☑", Stage.PILOT, None),
        ("□小试 □√产业化", Stage.INDUSTRIAL, None),
        ("□小试 □中试", None, None),
        ("原型机", Stage.PILOT, None),
        ("有样品", Stage.PILOT, None),
        ("pilot-scale", Stage.PILOT, None),
        ("7.", None, 7),
        ("7级", None, 7),
        ("７级", None, 7),
        ("七级", None, 7),
        ("TRL7", None, 7),
        ("trl-7", None, 7),
        ("TRL 7级", None, 7),
        ("TRL VII", None, 7),
        ("技术成熟度7级", None, 7),
        ("第7级", None, 7),
        ("7", None, 7),
        (7, None, 7),
        (7.0, None, 7),
        ("TRL6-7", None, 6),
        ("TRL7级及以上", None, 7),
        ("中试（TRL6）", Stage.PILOT, 6),
        ("GB/T 22900-2022 7级", None, 7),
        ("无", None, None),
        ("", None, None),
        ("待定", None, None),
    ],
)
def test_maturity(cell: Cell, stage: Stage | None, level: int | None) -> None:
    found = parse_maturity(cell, trl.default())
    assert (found.stage, found.trl and found.trl.level) == (stage, level)


@pytest.mark.parametrize(
    "cell",
    ["很成熟", "一般", "0级", "10级", "TRL0", "TRL10", "TRL3-8", 0, 10, 6.5, -3, "80%", True,
     date(2026, 5, 6), "尚未中试", "x" * 501],
)  # fmt: skip
def test_maturity_that_is_refused(cell: Cell) -> None:
    code = refused(lambda one: parse_maturity(one, trl.default()), cell)
    assert code == "maturity_not_understood"


@given(st.integers(1, 9))
@settings(deadline=None)
def test_every_level_of_the_scale_is_read(level: int) -> None:
    for cell in (level, float(level), f"{level}级", f"TRL{level}", f"TRL {level}", f"trl-{level}"):
        found = parse_maturity(cell, trl.default())
        assert found.trl is not None
        assert (found.stage, found.trl.level) == (None, level)


# Cooperation, keywords, kinds of organizations


@pytest.mark.parametrize(
    ("cell", "hides", "opens"),
    [
        # Below 是否匿名, and below 是否公开企业名称, which asks the opposite.
        ("是", True, False),
        ("否", False, True),
        ("Y", True, False),
        ("no", False, True),
        (True, True, False),
        (0, False, True),
        ("√", True, False),
        ("×", False, True),
        ("☑是 □否", True, False),
        ("□是 ☑否", False, True),
        ("同意", True, False),
        ("不需要", False, True),
        ("无", False, None),
        # What says itself which of the two it is means the same below both.
        ("匿名", True, True),
        ("匿名发布", True, True),
        ("需要保密", True, True),
        ("企业名称保密", True, True),
        ("不公开", True, True),
        ("不對外公開", True, True),
        ("不同意公开企业名称", True, True),
        ("公开", False, False),
        ("可公开", False, False),
        ("同意公开", False, False),
        ("不匿名", False, False),
        ("无需保密", False, False),
        ("实名", False, False),
        ("", None, None),
        (None, None, None),
        ("/", None, None),
    ],
)
def test_anonymity(cell: Cell, hides: bool | None, opens: bool | None) -> None:
    assert cells.parse_anonymous(cell, openness=False) is hides
    assert cells.parse_anonymous(cell, openness=True) is opens


@pytest.mark.parametrize("cell", ["看情况", "部分公开", "x", "2", "签协议后", "#REF!"])
def test_anonymity_that_is_not_said(cell: str) -> None:
    with pytest.raises(CellError):
        cells.parse_anonymous(cell, openness=False)


@pytest.mark.parametrize(
    ("cell", "ways", "unknown"),
    [
        ("技术转让", [Cooperation.TRANSFER], []),
        ("转让/许可", [Cooperation.TRANSFER, Cooperation.LICENSE], []),
        ("專利許可", [Cooperation.LICENSE], []),
        ("技术许可、作价入股", [Cooperation.LICENSE, Cooperation.EQUITY], []),
        ("合作开发", [Cooperation.JOINT_DEVELOPMENT], []),
        ("委托开发", [Cooperation.COMMISSIONED_DEVELOPMENT], []),
        ("技术开发", [Cooperation.JOINT_DEVELOPMENT, Cooperation.COMMISSIONED_DEVELOPMENT], []),
        ("技术服务和技术咨询", [Cooperation.SERVICE, Cooperation.CONSULTING], []),
        ("不可转让，可许可", [Cooperation.LICENSE], ["不可转让"]),
        ("均可", [Cooperation.ANY], []),
        ("□转让 ☑许可 ☑作价入股 □其他", [Cooperation.LICENSE, Cooperation.EQUITY], []),
        ("转让、许可均可", [Cooperation.TRANSFER, Cooperation.LICENSE], []),
        ("面议", [], []),
        ("其他", [], []),
        ("卖给我", [], ["卖给我"]),
        ("License; joint development", [Cooperation.LICENSE, Cooperation.JOINT_DEVELOPMENT], []),
        ("无", [], []),
        (None, [], []),
    ],
)
def test_cooperation(cell: Cell, ways: list[Cooperation], unknown: list[str]) -> None:
    assert cells.parse_cooperation(cell) == (ways, unknown)


@pytest.mark.parametrize(
    ("cell", "keywords"),
    [
        ("石墨烯；导热膜，散热", ["石墨烯", "导热膜", "散热"]),
        ("石墨烯 导热膜", ["石墨烯", "导热膜"]),
        ("machine learning; robots", ["machine learning", "robots"]),
        ("machine learning", ["machine learning"]),
        ("石墨烯、石墨烯、ＡＢＣ、abc", ["石墨烯", "ＡＢＣ"]),
        ("热泵\n除湿", ["热泵", "除湿"]),
        ("；；", []),
        ("无", []),
        (5, ["5"]),
    ],
)
def test_keywords(cell: Cell, keywords: list[str]) -> None:
    assert cells.parse_keywords(cell) == keywords


def test_keywords_have_limits() -> None:
    assert refused(cells.parse_keywords, "词" * 51) == "keyword_too_long"
    assert refused(cells.parse_keywords, "、".join(map(str, range(31)))) == "too_many_keywords"
    assert len(cells.parse_keywords("、".join(map(str, range(30))))) == 30


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("四川大学", OrganizationKind.UNIVERSITY),
        ("某某研究院有限公司", OrganizationKind.ENTERPRISE),
        ("中国科学院光电技术研究所", OrganizationKind.INSTITUTE),
        ("民营企业", OrganizationKind.ENTERPRISE),
        ("天府锦城实验室", OrganizationKind.LABORATORY),
        ("成都市科学技术局", OrganizationKind.GOVERNMENT),
        ("成都银行", OrganizationKind.BANK),
        ("技术转移中心", OrganizationKind.SERVICE_INSTITUTION),
        ("不知道", None),
    ],
)
def test_kinds_of_organizations(cell: Cell, kind: OrganizationKind | None) -> None:
    assert cells.parse_organization_kind(cell) == kind


@pytest.mark.parametrize(
    ("cell", "line", "passage"),
    [
        ("  导热\u200b膜 ", "导热膜", "导热膜"),
        ("导热\n膜", "导热膜", "导热\n膜"),
        ("heat\r\npump", "heat pump", "heat\npump"),
        ("a\x00b_x000D_", "ab", "ab"),
        (13800138000.0, "13800138000", "13800138000"),
        (0.1, "0.1", "0.1"),
        (1e22, "1" + "0" * 22, "1" + "0" * 22),
        (datetime(2026, 5, 6), "2026-05-06", "2026-05-06"),  # noqa: DTZ001
        ("N/A", None, None),
        ("——", None, None),
        (math.inf, None, None),
    ],
)
def test_texts(cell: Cell, line: str | None, passage: str | None) -> None:
    assert (cells.parse_line(cell), cells.parse_passage(cell)) == (line, passage)


# Patents: ZC 0006-2003, the check is the sum of the digits by 2 to 9 and 2 to 5, modulo 11.


def application(body: str) -> str:
    weights = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5][: len(body)]
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return f"{body}.{'0123456789X'[total % 11]}"


BODIES = st.builds(
    lambda year, kind, serial: f"{year}{kind}{serial:07}",
    st.integers(2003, 2025),
    st.sampled_from("12389"),
    st.integers(0, 9_999_999),
)


def numbers(cell: Cell) -> list[str]:
    found = parse_patents(cell)
    assert found.errors == []
    return [one.number for one in found.rights]


def test_the_check_digit_is_that_of_known_patents() -> None:
    for number in ("201710601862.3", "200710308494.X", "95115608.X", "97101765.4"):
        assert application(number[:-2]) == number


@given(BODIES)
@settings(deadline=None)
def test_any_number_with_its_check_digit_is_read_however_it_is_typed(body: str) -> None:
    number = application(body)
    wide = "".join(chr(ord(one) + 0xFEE0) for one in number)
    for typed in (number, number.replace(".", ""), f"CN{number}", wide, number.replace(".", "·")):
        assert numbers(typed) == [number]
    for typed in (f"ZL{number}", f"ZL {number}", f"专利号：zl{number}", f"ZL{number.lower()}"):
        assert numbers(typed) == [f"ZL{number}"]


@given(BODIES, st.sampled_from("0123456789X"))
@settings(deadline=None)
def test_any_other_check_digit_is_refused(body: str, check: str) -> None:
    if application(body)[-1] != check:
        found = parse_patents(f"ZL{body}.{check}")
        assert [one.code for one in found.errors] == ["patent_check_digit"]
        assert found.rights == []


@given(st.lists(BODIES, min_size=1, max_size=6, unique=True), st.sampled_from("；;、,，\n /|"))
@settings(deadline=None)
def test_numbers_are_found_whatever_separates_them(bodies: list[str], mark: str) -> None:
    expected = [f"ZL{application(body)}" for body in bodies]
    assert numbers(mark.join(expected)) == expected


@pytest.mark.parametrize(
    ("cell", "number", "kind", "granted"),
    [
        ("ZL201710601862.3", "ZL201710601862.3", IntellectualPropertyKind.INVENTION, True),
        ("2017106018623", "201710601862.3", IntellectualPropertyKind.INVENTION, None),
        (2017106018623, "201710601862.3", IntellectualPropertyKind.INVENTION, None),
        (201710601862.3, "201710601862.3", IntellectualPropertyKind.INVENTION, None),
        ("ZL 2017 1 0601862.3", "ZL201710601862.3", IntellectualPropertyKind.INVENTION, True),
        ("ZL No. 201710601862.3", "ZL201710601862.3", IntellectualPropertyKind.INVENTION, True),
        ("ZL-201710601862•3", "ZL201710601862.3", IntellectualPropertyKind.INVENTION, True),
        ("Z L 201710601862.3", "ZL201710601862.3", IntellectualPropertyKind.INVENTION, True),
        ("证书号第1234567号，ZL201710601862.3", "ZL201710601862.3", IntellectualPropertyKind.INVENTION, True),
        ("WO/2021/123456", "WO2021123456", IntellectualPropertyKind.PCT, None),
        ("ZL95115608.X", "ZL95115608.X", IntellectualPropertyKind.INVENTION, True),
        ("200710308494.×", "200710308494.X", IntellectualPropertyKind.INVENTION, None),
        ("CN1071234A", "CN1071234A", IntellectualPropertyKind.INVENTION, False),
        ("PCT/CN2020/123456", "PCT/CN2020/123456", IntellectualPropertyKind.PCT, None),
        ("2023SR0123456", "2023SR0123456", IntellectualPropertyKind.SOFTWARE_COPYRIGHT, True),
        ("软著登字第1234567号", "软著登字第1234567号", IntellectualPropertyKind.SOFTWARE_COPYRIGHT, True),
        ("US10,123,456B2", "US10123456B2", IntellectualPropertyKind.OTHER, True),
    ],
)  # fmt: skip
def test_rights(
    cell: Cell, number: str, kind: IntellectualPropertyKind, granted: bool | None
) -> None:
    (right,) = parse_patents(cell).rights
    assert (right.number, right.kind, right.granted) == (number, kind, granted)


@pytest.mark.parametrize("number", ["CN107123456A", "CN101234567B", "CN207123456U"])
def test_publications_of_today_are_read(number: str) -> None:
    assert numbers(number) == numbers(f"{number[:2]} {number[2:-1]} {number[-1]}") == [number]


@pytest.mark.parametrize(
    ("cell", "codes", "unnumbered"),
    [
        ("无", [], None),
        (None, [], None),
        ("申请中", [], None),
        ("发明专利2项", [], "发明专利2项"),
        ("ZL201710601862.4", ["patent_check_digit"], None),
        ("ZL201710601862", ["patent_not_understood"], None),
        ("ZL2017106018", ["patent_not_understood"], None),
        ("1234567890", ["patent_not_understood"], None),
        ("CN109876543", ["patent_not_understood"], None),
        (application("209910601862"), ["patent_year"], None),
    ],
)
def test_cells_without_a_right(cell: Cell, codes: list[str], unnumbered: str | None) -> None:
    found = parse_patents(cell)
    assert found.rights == []
    assert [one.code for one in found.errors] == codes
    assert found.unnumbered == unnumbered


def test_too_many_rights_are_refused() -> None:
    typed = "、".join(application(f"20171{serial:07}") for serial in range(51))
    assert [one.code for one in parse_patents(typed).errors] == ["too_many_patents"]


@pytest.mark.parametrize(
    ("cell", "evaluations"),
    [
        (
            "2023年5月6日，经四川省科技厅组织鉴定，达到国际先进水平",
            [Evaluation("四川省科技厅", date(2023, 5, 6), "达到国际先进水平")],
        ),
        (
            "国内领先；填补国内空白",
            [Evaluation(level="国内领先"), Evaluation(level="填补国内空白")],
        ),
        ("通过用户评价", [Evaluation(level="通过用户评价")]),
        ("未鉴定", []),
        ("无", []),
        (None, []),
    ],
)
def test_evaluations(cell: Cell, evaluations: list[Evaluation]) -> None:
    assert parse_evaluations(cell) == evaluations


# Codes of organizations: GB 32100-2015 with the organization code of GB 11714-1997 inside.

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def uscc(registry: str, region: str = "510100", body: str = "MA61TPA0") -> str:
    """A code whose two check characters are right."""
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(one, 36) * weight for one, weight in zip(body, weights, strict=True))
    code = registry + region + body + "0123456789X"[-total % 11]
    total = sum(ALPHABET.index(one) * 3**place for place, one in enumerate(code))
    return code + ALPHABET[-total % 31]


BODY_OF_CODE = st.text(ALPHABET, min_size=8, max_size=8)


def test_the_check_characters_are_those_of_a_known_code() -> None:
    assert uscc("91", "110000", "60003734") == "91110000600037341L"


@given(
    st.sampled_from(["11", "12", "35", "52", "91", "92", "93", "A1", "N1", "N2", "N9", "Y1"]),
    BODY_OF_CODE,
)
@settings(deadline=None)
def test_any_code_with_both_checks_is_read(registry: str, body: str) -> None:
    code = uscc(registry, body=body)
    assert cells.parse_uscc(code) == code
    assert cells.parse_uscc(f" {code[:8].lower()} {code[8:]}\n") == code


@given(BODY_OF_CODE, st.integers(8, 17), st.sampled_from(ALPHABET))
@settings(deadline=None)
def test_any_one_wrong_character_is_seen(body: str, place: int, other: str) -> None:
    code = uscc("91", body=body)
    if code[place] != other:
        wrong = code[:place] + other + code[place + 1 :]
        assert refused(cells.parse_uscc, wrong) in ("uscc_check", "uscc_organization_check")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("9111000060003734L", "uscc_length"),
        ("91110000600037341X", "uscc_check"),
        ("91110000600037351L", "uscc_organization_check"),
        ("9111000060003734IL", "uscc_character"),
        ("911100OO600037341L", "uscc_character"),
        (uscc("94"), "uscc_category"),
        (uscc("Z1".replace("Z", "B")), "uscc_category"),
        (uscc("Y2"), "uscc_category"),
        (uscc("91", "990000"), "uscc_region"),
        ("1" * 18, "uscc_organization_check"),
        ("11010519491231002X", "uscc_identity_card"),
    ],
)
def test_wrong_codes_say_what_is_wrong(code: str, reason: str) -> None:
    with pytest.raises(IdentifierError) as error:
        check_uscc(code)
    assert error.value.code == refused(cells.parse_uscc, code) == reason


def test_no_code_is_no_error() -> None:
    assert cells.parse_uscc("无") is None
    assert cells.parse_uscc(None) is None
