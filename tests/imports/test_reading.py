"""Reading files: what is refused and why, and what every kind of file that is read gives."""

import io
import resource
import struct
import time
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from kechuangtong.imports.reading import FileRefused, Limits, Sheet, read_table

LIMITS = Limits(file_bytes=50_000_000, rows=100_000, columns=200)
CONTAINER = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
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


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name in names:
            packed.writestr(name, "<x/>")
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


def declaring(content: bytes, size: int) -> bytes:
    """A zip whose directory says that its first entry unpacks to so many bytes."""
    at = content.index(b"PK\x01\x02") + 24
    return content[:at] + struct.pack("<I", size) + content[at + 4 :]


def container(*streams: str) -> bytes:
    return CONTAINER + b"".join(one.encode("utf-16-le") + bytes(64) for one in streams)


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


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"", "file_empty", id="empty"),
        pytest.param(BOOK[: len(BOOK) // 2], "file_damaged", id="half a workbook"),
        pytest.param(BOOK[:-10], "file_damaged", id="workbook without its end"),
        pytest.param(b"PK\x03\x04nonsense", "file_damaged", id="zip in name only"),
        pytest.param(
            with_part(BOOK, "xl/worksheets/sheet1.xml"), "file_damaged", id="no sheet inside"
        ),
        pytest.param(
            with_part(BOOK, "xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row><c"),
            "file_damaged",
            id="sheet cut short",
        ),
        pytest.param(declaring(BOOK, 2_000_000_000), "file_too_complex", id="declares 2 GB"),
        pytest.param(
            zipped("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin"),
            "macro_file",
            id="xlsm",
        ),
        pytest.param(
            zipped("[Content_Types].xml", "word/document.xml"), "file_type_not_supported", id="docx"
        ),
        pytest.param(zipped("成果.txt"), "file_type_not_supported", id="zip"),
        pytest.param(
            container("EncryptionInfo", "EncryptedPackage"), "file_encrypted", id="password"
        ),
        pytest.param(container("WordDocument"), "file_type_not_supported", id="doc"),
        pytest.param(container("Workbook", "_VBA_PROJECT"), "macro_file", id="xls with macros"),
        pytest.param(container("Workbook"), "file_damaged", id="half an xls"),
        pytest.param(b"%PDF-1.7\n1 0 obj", "file_type_not_supported", id="pdf"),
        pytest.param(b"{\\rtf1 abc}", "file_type_not_supported", id="rtf"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "file_type_not_supported", id="png"),
        pytest.param(
            b"\n<html><body><table><tr><td>1</td></tr></table></body></html>",
            "file_type_not_supported",
            id="web page",
        ),
        pytest.param(
            b'\xef\xbb\xbf<?xml version="1.0"?><Workbook/>', "file_type_not_supported", id="xml"
        ),
        pytest.param(b"a,b\n\xff\xff\xff\n", "encoding_not_understood", id="undecodable"),
        pytest.param(b"\xff\xfea\0b", "encoding_not_understood", id="half a UTF-16 character"),
        pytest.param('成果名称\n"甲,乙\n丙'.encode(), "csv_quotes", id="unpaired quote"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(
    tmp_path: Path, content: bytes, code: str
) -> None:
    assert refused(tmp_path, content).code == code


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


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(LIST.encode(), id="UTF-8"),
        pytest.param(LIST.encode("utf-8-sig"), id="UTF-8 with its mark"),
        pytest.param(LIST.encode("utf-16"), id="UTF-16"),
        pytest.param(b"\xfe\xff" + LIST.encode("utf-16-be"), id="UTF-16, the other order"),
        pytest.param(LIST.encode("gb18030"), id="GB18030"),
        pytest.param(LIST.replace(",", ";").encode(), id="semicolons"),
        pytest.param(LIST.replace(",", "\t").encode("utf-16"), id="Excel's text: tabs"),
        pytest.param(LIST.replace("\n", "\r\n").encode(), id="Windows' line ends"),
        pytest.param(LIST.replace("\n", "\r").encode(), id="old Macintosh's line ends"),
        pytest.param(LIST.rstrip("\n").encode(), id="no last line end"),
    ],
)
def test_text_is_read_in_its_encoding_and_with_its_separator(
    tmp_path: Path, content: bytes
) -> None:
    assert read(tmp_path, content) == [Sheet(None, READ)]


def test_a_stray_nul_is_left_out_of_a_text(tmp_path: Path) -> None:
    assert read(tmp_path, LIST.replace("卷对卷", "卷\0对卷").encode())[0].rows == READ
    assert refused(tmp_path, b"a,b\n\0\x01\x02\0" * 9).code == "file_type_not_supported"
    assert refused(tmp_path, b"a\0,\0b\0\n\0").code == "file_type_not_supported"


def test_text_in_rare_characters_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, "名称\n𠮷野家㐂䶮\n".encode("gb18030"))[0].rows[1] == ["𠮷野家㐂䶮"]


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


def test_a_formula_gives_its_kept_value_and_an_error_stays_visible(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_formula("A1", "=1+1", None, 2)
        sheet.write_formula("B1", "=NA()", None, "#N/A")
        sheet.write("C1", "x")
    assert read(tmp_path, buffer.getvalue())[0].rows == [[2, "#N/A", "x"]]
