"""Bad and odd files, each by its name: what becomes of it, and that nothing is half done."""

import asyncio
import csv
import io
import re
import sqlite3
import struct
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import xlsxwriter
from sqlalchemy import func, select

from conftest import Service, running, settings_for
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.core.db import new_id
from kechuangtong.core.trade import ListKind, OrganizationKind
from kechuangtong.imports.service import file_path, new_import, run_import
from kechuangtong.models import Achievement, Import, ImportRow, Organization
from kechuangtong.models.importing import ImportState
from sending import send

SHEET = "xl/worksheets/sheet1.xml"
CONTAINER = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
MAIN = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
HEADER = ["成果名称", "成果简介"]
LIST = "成果名称,成果简介\n导热膜,卷对卷\n"
READ = ["2 导热膜"]


def workbook(*rows: list[Any], edit: Callable[[Any], object] = id) -> bytes:
    """A workbook with these rows, and what `edit` does to its sheet."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    edit(book.active)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def written(edit: Callable[[Any, Any], object], **options: Any) -> bytes:
    """A workbook as `edit` writes it below the header."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, **options}) as book:
        sheet = book.add_worksheet("成果")
        sheet.write_row(0, 0, HEADER)
        edit(book, sheet)
    return buffer.getvalue()


def zipped(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, part in parts.items():
            packed.writestr(name, part)
    return buffer.getvalue()


def with_part(name: str, part: bytes | None = None, content: bytes | None = None) -> bytes:
    """A workbook with one part replaced or added, or left out where none is given."""
    with zipfile.ZipFile(io.BytesIO(content or BOOK)) as old:
        parts = {one.filename: old.read(one) for one in old.infolist() if one.filename != name}
    return zipped(**parts, **({} if part is None else {name: part}))


def with_sheet(rows: bytes, before: bytes = b"") -> bytes:
    """A workbook whose sheet has these rows in its own words, and what stands before them."""
    sheet = before + b"<worksheet " + MAIN + b"><sheetData>" + rows + b"</sheetData></worksheet>"
    return with_part(SHEET, b'<?xml version="1.0"?>' + sheet)


def text(cell: str) -> bytes:
    return f'<c t="inlineStr"><is><t>{cell}</t></is></c>'.encode()


def declaring(content: bytes, size: int) -> bytes:
    """A zip whose directory says that its first entry unpacks to so many bytes."""
    at = content.index(b"PK\x01\x02") + 24
    return content[:at] + struct.pack("<I", size) + content[at + 4 :]


def container(*streams: str) -> bytes:
    return CONTAINER + b"".join(one.encode("utf-16-le") + bytes(64) for one in streams)


def database() -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE a (b)")
        return connection.serialize()


def of_1904(book: Any, sheet: Any) -> None:
    sheet.write(0, 2, "完成日期")
    sheet.write_row(1, 0, ["导热膜", "卷对卷"])
    sheet.write_datetime(1, 2, date(2023, 5, 6), book.add_format({"num_format": "yyyy-mm-dd"}))


def hidden(book: Any, sheet: Any) -> None:
    sheet.write_row(1, 0, ["导热膜", "卷对卷"])
    sheet.write_row(2, 0, ["热泵", "卷对卷"])
    sheet.set_row(1, options={"hidden": True})
    sheet.set_column(1, 1, options={"hidden": True})
    sheet.autofilter(0, 0, 2, 1)


def only_hidden(book: Any, sheet: Any) -> None:
    book.add_worksheet("说明").activate()
    sheet.write_row(1, 0, ["导热膜", "卷对卷"])
    sheet.hide()


def formulas(book: Any, sheet: Any) -> None:
    sheet.write_formula(1, 0, '="导热"&"膜"', None, "导热膜")
    sheet.write_formula(2, 0, "=Z1", None, "#REF!")
    sheet.write_formula(3, 0, "=1/0", None, "#DIV/0!")
    sheet.write(4, 0, "热泵")
    sheet.write_rich_string(5, 0, "氧化", book.add_format({"bold": True}), "锆")


def merged(sheet: Any) -> None:
    sheet.merge_cells("A1:C1")
    sheet.merge_cells("C3:C4")


def dated(*cells: Any) -> bytes:
    """A list of achievements of these dates."""
    return workbook(["成果名称", "完成日期"], *([f"第{at}项", one] for at, one in enumerate(cells)))


def priced(*cells: Any) -> bytes:
    """A list of achievements of these prices in 万元."""
    rows = ([f"第{at}项", one] for at, one in enumerate(cells))
    return workbook(["成果名称", "意向价格（万元）"], *rows)


BOOK = workbook(HEADER, ["导热膜", "卷对卷"])
ENTITIES = b"<!DOCTYPE w [<!ENTITY a 'aaaaaaaaaa'>%s]>" % b"".join(
    b"<!ENTITY %c '%s'>" % (98 + at, b"&%c;" % (97 + at) * 10) for at in range(9)
)
OUTSIDE = b"<!DOCTYPE w [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"
TITLED = b"<row>" + text("成果名称") + text("成果简介") + b"</row>"

REFUSED: dict[str, tuple[bytes, str]] = {
    # No workbook, or half of one.
    "empty": (b"", "file_empty"),
    "half a workbook": (BOOK[: len(BOOK) // 2], "file_damaged"),
    "a workbook without its end": (BOOK[:-10], "file_damaged"),
    "a zip in name only": (b"PK\x03\x04nonsense", "file_damaged"),
    "no sheet inside": (with_part(SHEET), "file_damaged"),
    "a sheet cut short": (with_part(SHEET, b"<worksheet><sheetData><row><c"), "file_damaged"),
    "texts of the cells not there": (with_sheet(b'<row><c t="s"><v>7</v></c></row>'), "file_damaged"),
    "half an .xls": (container("Workbook"), "file_damaged"),
    # Other formats, whatever they are called.
    ".zip": (zipped(a=b"x"), "file_type_not_supported"),
    ".docx": (zipped(**{"word/document.xml": b"<x/>"}), "file_type_not_supported"),
    ".pptx": (zipped(**{"ppt/presentation.xml": b"<x/>"}), "file_type_not_supported"),
    ".xlsb": (zipped(**{"xl/workbook.bin": b"\x83"}), "file_type_not_supported"),
    ".ods": (zipped(mimetype=b"x", **{"content.xml": b"<x/>"}), "file_type_not_supported"),
    ".doc": (container("WordDocument"), "file_type_not_supported"),
    ".pdf": (b"%PDF-1.7\n1 0 obj", "file_type_not_supported"),
    ".rtf": (b"{\\rtf1 abc}", "file_type_not_supported"),
    ".png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "file_type_not_supported"),
    ".gz": (b"\x1f\x8b\x08\0\0\0\0\0\x02\xff\x4b\x04\0", "file_type_not_supported"),
    "a database": (database(), "file_type_not_supported"),
    "a web page": (b"\n<html><body><table></table></body></html>", "file_type_not_supported"),
    "XML": (b'\xef\xbb\xbf<?xml version="1.0"?><Workbook/>', "file_type_not_supported"),
    "NUL among controls": (b"a,b\n\0\x01\x02\0" * 9, "file_type_not_supported"),
    # Protected, or with macros.
    "a password": (container("EncryptionInfo", "EncryptedPackage"), "file_encrypted"),
    ".xlsm": (with_part("xl/vbaProject.bin", b"x"), "macro_file"),
    ".xls with macros": (container("Workbook", "_VBA_PROJECT"), "macro_file"),
    # Bombs; those that unpack to hundreds of megabytes are in test_reading.
    "a zip that declares 2 GB": (declaring(BOOK, 2_000_000_000), "file_too_complex"),
    "a zip in a zip": (zipped(**{"a.xlsx": BOOK}), "file_type_not_supported"),
    "entities of entities": (
        with_sheet(TITLED + b"<row>" + text("&j;") + b"</row>", ENTITIES),
        "file_damaged",
    ),
    "an entity from outside": (
        with_sheet(TITLED + b"<row>" + text("&a;") + b"</row>", OUTSIDE),
        "file_damaged",
    ),
    "10,000 columns": (workbook([*HEADER, *range(10_000)], ["导热膜"]), "too_many_columns"),
    "100,001 rows": ("成果名称\n膜,x\n".encode() * 50_001, "too_many_rows"),
    "a cell of two million characters": (f"成果名称\n{'长' * 2_000_000}".encode(), "cell_too_long"),
    # Texts.
    "no text of any encoding": (b"a,b\n\xff\xff\xff\n", "encoding_not_understood"),
    "Latin-1": ("成果".encode() + b"na\xefve caf\xe9,\xfc\n", "encoding_not_understood"),
    "half a UTF-16 character": (b"\xff\xfea\0b", "encoding_not_understood"),
    "UTF-16 without its mark": (LIST.encode("utf-16-le"), "file_type_not_supported"),
    "Big5": ("成果名稱,成果簡介\n導熱膜,材料\n".encode("big5"), "header_not_found"),
    "an unpaired quote": ('成果名称,简介\n"导热膜,乙\n丙'.encode(), "csv_quotes"),
    "a text behind a quote": ('成果名称\n甲\n"乙"丙\n'.encode(), "csv_quotes"),
    "JSON": (b'{"title": "a", "b": [1, 2]}', "header_not_found"),
    # No list, or another.
    "no header": (workbook(["导热膜", "卷对卷"], ["热泵", "余热"]), "header_not_found"),
    "nothing but a title": (workbook(["2026年度清单"]), "header_not_found"),
    "an empty sheet": (workbook(), "header_not_found"),
    "a list hidden with its sheet": (written(only_hidden), "header_not_found"),
    "a header far below": (workbook(*[["x"]] * 60, HEADER, ["膜"]), "header_not_found"),
    "the header of other lists": (workbook(["姓名", "电话"], ["张三", "1"]), "header_not_found"),
    "the other list": (workbook(["需求名称", "需求内容"], ["除湿", "x"]), "wrong_kind"),
}  # fmt: skip

TAKEN: dict[str, tuple[bytes, list[str]]] = {
    "UTF-8": (LIST.encode(), READ),
    "UTF-8 with its mark": (LIST.encode("utf-8-sig"), READ),
    "UTF-16": (LIST.encode("utf-16"), READ),
    "UTF-16 of the other order": (b"\xfe\xff" + LIST.encode("utf-16-be"), READ),
    "GBK": (LIST.encode("gbk"), READ),
    "GB18030": ("成果名称\n𠮷野家㐂䶮\n".encode("gb18030"), ["2 𠮷野家㐂䶮"]),
    "semicolons": (LIST.replace(",", ";").encode(), READ),
    "tabs": (LIST.replace(",", "\t").encode("utf-16"), READ),
    "Windows' line ends": (LIST.replace("\n", "\r\n").encode(), READ),
    "old Macintosh's line ends": (LIST.replace("\n", "\r").encode(), READ),
    "no last line end": (LIST.rstrip("\n").encode(), READ),
    "a stray NUL": (LIST.replace("卷对卷", "卷\0对卷").encode(), READ),
    "rows of other lengths": (f"{LIST}热泵\n氧化锆,x,y,z\n".encode(), [*READ, "3 热泵", "4 氧化锆"]),
    "a header alone": (b"\xef\xbb\xbf" + "成果名称,成果简介\n".encode(), []),
    "a text called a workbook": (LIST.encode(), READ),
    "a header in row 30": (workbook(*[["说明"]] * 29, HEADER, ["导热膜", "x"]), ["31 导热膜"]),
    "two headers": (
        workbook(HEADER, ["导热膜", "x"], HEADER, ["热泵", "y"]), ["2 导热膜", "4 热泵"]
    ),
    "a column twice": (workbook([*HEADER, "成果名称"], ["导热膜", "x", "热泵"]), READ),
    "cells merged in header and rows": (
        workbook(["清单"], [*HEADER, "所属领域"], ["导热膜", "x", "材料"], ["热泵"], edit=merged),
        ["3 导热膜", "4 热泵"],
    ),
    "hidden rows and columns": (written(hidden), ["2 导热膜", "3 热泵"]),
    "formulas with their values, errors, fonts within a text": (
        written(formulas),
        ["2 导热膜", "3 cell_error", "4 cell_error", "5 热泵", "6 氧化锆"],
    ),
    "formulas without their values": (workbook(HEADER, ["=A1", "卷对卷"]), ["2 title_missing"]),
    "texts that look like formulas": (
        written(lambda _, sheet: sheet.write_row(1, 0, ["=1+1", "@x"]), strings_to_formulas=False),
        ["2 =1+1"],
    ),
    "formats a million rows below": (
        with_sheet(TITLED + b"<row>" + text("导热膜") + b'</row><row r="1048576"><c s="0"/></row>'),
        READ,
    ),
    "a text of 40,000 characters": (
        f"{LIST}热泵,{'长' * 40_000}\n".encode(), [*READ, "3 too_long"]
    ),
    "dates as numbers of 1900": (dated(45_052, 45_052.5, "45052"), [
        "2 第0项 2023-05-06", "3 第1项 2023-05-06", "4 第2项 2023-05-06"
    ]),
    "dates as numbers of 1904": (written(of_1904, date_1904=True), ["2 导热膜 2023-05-06"]),
    "dates as texts": (
        dated("2023-5-6", "2023/05/06", "2023.5.6", "20230506", "２０２３年５月６日", "二〇二三年五月六日"),
        [f"{at + 2} 第{at}项 2023-05-06" for at in range(6)],
    ),
    "dates that are none": (dated("2023-02-30", "5/6/2023", "明年", "5月6日"), [
        f"{at} date_not_understood" for at in range(2, 6)
    ]),
    "amounts as texts, with spaces, commas and wide digits": (
        priced("50", " 50 ", "1,200", "５０万元", 50.0),
        ["2 第0项 500000", "3 第1项 500000", "4 第2项 12000000", "5 第3项 500000", "6 第4项 500000"],
    ),
    "percents and booleans as amounts": (priced("50%", True, -3), [
        f"{at} price_not_understood" for at in range(2, 5)
    ]),
    "a title of nothing but spaces": (workbook(HEADER, [" 　", "x"], [True, "y"]), [
        "2 title_missing", "3 TRUE"
    ]),
    "a row twice": (workbook(HEADER, ["导热膜", "x"], ["导热膜 ", "y"]), ["2 导热膜", "3 of row 2"]),
}  # fmt: skip

NAMES = {
    "a text called a workbook": "成果.xlsx",
    "GBK": "../../etc/成果.csv",
    "UTF-8": "成果",
    "tabs": "成果.TXT",
    "two headers": "成果.XLSX",
    "a column twice": "长" * 250 + ".xlsx",
    "hidden rows and columns": "成果.exe",
    "a row twice": "..",
}


async def test_every_bad_or_odd_file_has_its_answer_and_nothing_is_half_done(
    tmp_path: Path,
) -> None:
    settings = settings_for(tmp_path, f"sqlite+aiosqlite:///{tmp_path / 'kechuangtong.sqlite'}")
    async with running(settings) as service:
        await check(service)


async def check(service: Service) -> None:
    files = {name: content for name, (content, _) in (REFUSED | TAKEN).items()}
    assert len(REFUSED) + len(TAKEN) == len(files)
    runtime = service.runtime
    ids = {}
    async with runtime.database.write() as session:
        for name, content in files.items():
            owner = Organization(
                id=new_id(), name=name, name_key=name, kind=OrganizationKind.UNIVERSITY
            )
            session.add(owner)
            await session.flush()
            imported = new_import(
                OPERATOR,
                kind=ListKind.ACHIEVEMENT,
                organization=owner,
                file_name=NAMES.get(name, "成果.xlsx"),
            )
            session.add(imported)
            ids[name] = imported.id
            path = file_path(runtime.settings, imported)
            path.parent.mkdir(exist_ok=True)
            assert path.parent == runtime.settings.uploads_dir
            path.write_bytes(content)
    free = asyncio.Semaphore(3)

    async def run(name: str) -> Import:
        async with free:
            return await run_import(runtime.database, runtime.settings, ids[name])

    ended = dict(zip(ids, await asyncio.gather(*map(run, ids)), strict=True))

    answers = {name: ended[name].failure_code for name in REFUSED}
    assert answers == {name: code for name, (_, code) in REFUSED.items()}
    for name in REFUSED:
        one = ended[name]
        assert one.state is ImportState.FAILED
        assert (one.done, sum(one.counts.values())) == (0, 0)
        assert re.search("[一-鿿]", one.failure_zh or ""), name
        assert re.match("[a-z .][^{]+$", one.failure_en or ""), name
    became = {name: await rows_of(service, ended[name]) for name in TAKEN}
    assert became == {name: rows for name, (_, rows) in TAKEN.items()}
    async with runtime.database.read() as session:
        stored = await session.scalar(select(func.count()).select_from(Achievement))
    assert stored == sum(ended[name].counts["created"] for name in TAKEN)
    assert not list(runtime.settings.data_dir.parent.rglob("etc"))


async def rows_of(service: Service, imported: Import) -> list[str]:
    """What became of an import's rows: titles with dates and prices, or what is wrong in them."""
    assert imported.state is ImportState.DONE, imported.failure_code
    told = []
    async with service.runtime.database.read() as session:
        rows = await session.scalars(
            select(ImportRow).where(ImportRow.import_id == imported.id).order_by(ImportRow.row)
        )
        for row in rows:
            if row.problems:
                parts = [one["code"] for one in row.problems]
            elif row.of_row is not None:
                parts = [f"of row {row.of_row}"]
            else:
                record = await session.get_one(Achievement, row.record_id)
                low = record.price.low
                parts = [record.title, record.completed_on, None if low is None else int(low)]
            told.append(" ".join(str(one) for one in (row.row, *parts) if one is not None))
    return told


FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "=HYPERLINK(\"http://a.example\")", "\t=1", "＝1+1"]  # fmt: skip


async def test_no_cell_becomes_a_formula_in_what_is_written(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    rows = [[f"{one}项", one, one, f"{one}人"] for one in FORMULAS]
    rows.append(["坏的", "=1", "=1+1万", "x"])  # its price is refused: for the report
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("=1+1")
        for at, row in enumerate([["成果名称", "成果简介", "所属领域", "=1+1"], *rows]):
            sheet.write_row(at, 0, row)
        sheet.write(0, 4, "意向价格")
        sheet.write(len(rows), 4, "=1+1")
    ended = await send(scholar, content.getvalue())
    assert (ended["counts"]["created"], ended["counts"]["refused"]) == (len(FORMULAS), 1)
    for path in (f"/v1/imports/{ended['id']}/report.xlsx", "/v1/achievements/export.xlsx"):
        answer = await scholar.get(path)
        assert answer.status_code == 200, answer.text
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
        cells = [cell for row in sheet.iter_rows() for cell in row]
        with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
            parts = [packed.read(one) for one in packed.namelist() if "/worksheets/" in one]
        assert not re.search(b"<f[ >]|hyperlink", b"".join(parts))
        shown = [str(cell.value) for cell in cells]
        assert all(any(one.strip() in cell for cell in shown) for one in FORMULAS), shown
    text = (await scholar.get("/v1/achievements/export.csv")).content.decode("utf-8-sig")
    written = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert len(written) > 3 * len(FORMULAS)
    assert not [one for one in written if one[:1] in tuple("=+-@＝＋－＠\t\r") and one]


async def test_a_sheet_whose_name_no_program_allows_has_its_report(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    plain = workbook(HEADER, ["导热膜", "x"])
    with zipfile.ZipFile(io.BytesIO(plain)) as packed:
        book = packed.read("xl/workbook.xml")
    renamed = book.replace(b'name="Sheet"', f'name="\'a:b/c?[*]{"长" * 40}"'.encode())
    assert renamed != book
    ended = await send(scholar, with_part("xl/workbook.xml", renamed, plain))
    answer = await scholar.get(f"/v1/imports/{ended['id']}/report.xlsx")
    assert answer.status_code == 200, answer.text
    assert openpyxl.load_workbook(io.BytesIO(answer.content)).active["D2"].value == "导热膜"


async def test_one_file_sent_twice_at_once_gives_one_set_of_records(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    content = workbook(HEADER, *([f"第{at}项", "x"] for at in range(450)))
    first, second = await asyncio.gather(send(scholar, content), send(scholar, content))
    assert [one["state"] for one in (first, second)] == ["done"] * 2
    counts = [one["counts"] for one in (first, second)]
    assert sum(one["created"] for one in counts) == 450
    assert sum(one["unchanged"] for one in counts) == 450
    async with service.runtime.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Achievement)) == 450
