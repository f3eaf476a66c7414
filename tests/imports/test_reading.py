"""Reading files: what is refused and why, and what every kind of file that is read gives."""

import io
import resource
import time
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from kechuangtong.imports.reading import FileRefused, Limits, Sheet, read_table

LIMITS = Limits(file_bytes=50_000_000, rows=100_000, columns=200)
LIST = "成果名称,简介\n导热膜,卷对卷\n"
READ = [["成果名称", "简介"], ["导热膜", "卷对卷"]]


def workbook(rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def with_part(content: bytes, name: str, part: bytes | None = None) -> bytes:
    """A workbook with one part added, or left out where none is given."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.infolist():
            if entry.filename != name:
                new.writestr(entry.filename, old.read(entry))
        if part is not None:
            new.writestr(name, part)
    return buffer.getvalue()


def read(tmp_path: Path, content: bytes, limits: Limits = LIMITS) -> list[Sheet]:
    path = tmp_path / "sent"
    path.write_bytes(content)
    return read_table(path, limits=limits)


def refused(tmp_path: Path, content: bytes, limits: Limits = LIMITS) -> FileRefused:
    with pytest.raises(FileRefused) as refusal:
        read(tmp_path, content, limits)
    assert refusal.value.message.zh
    assert "{" not in refusal.value.message.en
    return refusal.value


BOOK = workbook([["成果名称"], ["导热膜"]])


def test_the_refusal_of_quotes_names_the_record(tmp_path: Path) -> None:
    refusal = refused(tmp_path, '名称\n甲\n"乙"丙\n'.encode())
    assert (refusal.code, "第 3 条" in refusal.message.zh) == ("csv_quotes", True)


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(file_bytes=30, rows=9, columns=9), "file_too_large"),
        (Limits(file_bytes=900, rows=2, columns=9), "too_many_rows"),
        (Limits(file_bytes=900, rows=9, columns=1), "too_many_columns"),
        (Limits(file_bytes=900, rows=3, columns=2), None),
    ],
)
def test_limits_count_what_has_content(tmp_path: Path, limits: Limits, code: str | None) -> None:
    content = f"{LIST}热泵,,,\n,,,\n\n".encode()
    if code is None:
        assert read(tmp_path, content, limits)[0].rows == [*READ, ["热泵"]]
    else:
        assert refused(tmp_path, content, limits).code == code


def bomb(part: bytes, times: int) -> bytes:
    """A workbook whose sheet unpacks to hundreds of megabytes."""
    buffer = io.BytesIO(with_part(BOOK, "xl/worksheets/sheet1.xml"))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        with packed.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(
                b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
                b"<sheetData>"
            )
            for _ in range(times):
                sheet.write(part)
            sheet.write(b"</sheetData></worksheet>")
    return buffer.getvalue()


SPACES = b" " * 1_000_000
ROWS = b"<row><c><v>1</v></c></row>" * 40_000
CELLS = b"<row>" + b"<c><v>1</v></c>" * 60_000 + b"</row>"
LONG = b'<row><c t="inlineStr"><is><t>' + b"x" * 1_000_000 + b"</t></is></c></row>"


@pytest.mark.parametrize(
    ("part", "times", "code"),
    [
        pytest.param(SPACES, 300, None, id="spaces"),
        pytest.param(ROWS, 100, "too_many_rows", id="rows"),
        pytest.param(CELLS, 100, "too_many_columns", id="cells"),
        pytest.param(LONG, 300, "file_too_complex", id="long texts"),
    ],
)
def test_a_bomb_is_read_or_refused_in_time_and_outside_of_this_process(
    tmp_path: Path, part: bytes, times: int, code: str | None
) -> None:
    content = bomb(part, times)
    assert len(content) < LIMITS.file_bytes
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    if code is None:
        assert [sheet.rows for sheet in read(tmp_path, content)] == [[]]
    else:
        assert refused(tmp_path, content).code == code
    assert time.monotonic() - began < 40
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # kilobytes
    assert grown < 400_000


def test_a_cell_in_the_farthest_corner_is_refused_and_ends_nothing(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "成果名称"
    book.active["XFD1048576"] = "远"
    began = time.monotonic()
    assert refused(tmp_path, saved(book)).code == "file_too_complex"
    assert time.monotonic() - began < 30
    assert read(tmp_path, BOOK)[0].rows == [["成果名称"], ["导热膜"]]


def test_formats_far_below_and_beside_the_list_are_no_content(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(BOOK))
    book.active["A9000"].font = openpyxl.styles.Font(bold=True)
    book.active["KK1"].font = openpyxl.styles.Font(bold=True)
    assert read(tmp_path, saved(book), Limits(10**6, 2, 1))[0].rows == [["成果名称"], ["导热膜"]]


def test_quoted_line_breaks_quotes_and_separators_stay_in_their_cell(tmp_path: Path) -> None:
    content = '名称,简介\n"甲\n一,二","他说""好"""\n乙,"a\r\nb"\n'.encode()
    rows = read(tmp_path, content)[0].rows
    assert rows[1:] == [["甲\n一,二", '他说"好"'], ["乙", "a\r\nb"]]


@pytest.mark.parametrize(("mark", "other"), [(",", ";"), (";", ","), ("\t", ","), (",", "|")])
def test_other_separators_within_the_cells_do_not_mislead(
    tmp_path: Path, mark: str, other: str
) -> None:
    texts = ["甲", other.join("一二三四五六七八"), "3"]
    content = "\n".join([mark.join(["名称", "关键词", "预算"]), *[mark.join(texts)] * 12])
    rows = read(tmp_path, f"清单\n{content}".encode())[0].rows
    assert rows[1:3] == [["名称", "关键词", "预算"], texts]


def test_hidden_sheets_and_charts_are_left_out(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        book.add_worksheet("成果").write("A1", "成果名称")
        hidden, very = book.add_worksheet("字典"), book.add_worksheet("旧")
        hidden.write("A1", "中试")
        hidden.hide()
        very.very_hidden()
        book.add_worksheet("空")
        chart = book.add_chart({"type": "column"})
        chart.add_series({"values": "=成果!$A$1:$A$1"})
        book.add_chartsheet("图").set_chart(chart)
    assert read(tmp_path, buffer.getvalue()) == [Sheet("成果", [["成果名称"]]), Sheet("空", [])]


def test_a_cell_merged_downwards_is_each_rows(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in [
        ["需求清单"],
        ["企业", "需求"],
        ["甲", "除湿"],
        [None, "节能"],
        [None, None],
        ["乙", "x"],
    ]:
        book.active.append(row)
    book.active.merge_cells("A1:B1")
    book.active.merge_cells("A3:A5")
    assert read(tmp_path, saved(book))[0].rows == [
        ["需求清单"],
        ["企业", "需求"],
        ["甲", "除湿"],
        ["甲", "节能"],
        [],
        ["乙", "x"],
    ]


def test_rows_have_the_sheets_own_numbers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["C4"] = "成果名称"
    book.active["C6"] = "导热膜"
    rows = read(tmp_path, saved(book))[0].rows
    assert [(number, row[2]) for number, row in enumerate(rows, 1) if row] == [
        (4, "成果名称"),
        (6, "导热膜"),
    ]


def test_records_of_a_text_are_counted_whatever_lines_they_take(tmp_path: Path) -> None:
    rows = read(tmp_path, '\n名称\n"甲\n乙"\n\n丙\n'.encode())[0].rows
    assert rows == [[], ["名称"], ["甲\n乙"], [], ["丙"]]


def test_cells_arrive_as_what_they_are(tmp_path: Path) -> None:
    typed = [7, 7.0, 7.5, "007", date(2026, 5, 6), datetime(2026, 5, 6, 12, 30), True, None, "x"]  # noqa: DTZ001
    (row,) = read(tmp_path, workbook([typed]))[0].rows
    assert row == [7, 7, 7.5, "007", date(2026, 5, 6), datetime(2026, 5, 6, 12, 30), True, None, "x"]  # fmt: skip  # noqa: DTZ001
    assert isinstance(row[4], date)
    assert isinstance(row[6], bool)
