"""Reading spreadsheets that people send: .xlsx, .xls and .csv, told apart by their content.

A small file can ask a parser for any amount of memory or stop it altogether, so files are parsed
in a child process with limits; what it dies of is a refusal, never the service's end.
"""

import csv
import io
import pickle
import re
import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from kechuangtong.core.language import Text

Cell = str | int | float | bool | date | datetime | None

_MEMORY: Final = 2_000_000_000
_SECONDS: Final = 30
_UNPACKED: Final = 1_000_000_000
# Characters in all cells together: 100,000 rows of 1,000.
_CHARACTERS: Final = 100_000_000
# Characters in a cell of a text.
_CELL: Final = 1_000_000
# Cells that take their value from one that they are merged with.
_SPREAD: Final = 1_000_000

_Place = tuple[int, int]

_MESSAGES: Final = {
    "file_empty": Text("文件是空的", "the file is empty"),
    "file_too_large": Text(
        "文件过大：最多 {limit} 字节", "the file is too large: at most {limit} bytes"
    ),
    "file_type_not_supported": Text(
        "不支持此文件：请另存为 .xlsx、.xls 或 .csv",
        "this kind of file is not supported: save it as .xlsx, .xls or .csv",
    ),
    "file_damaged": Text("文件已损坏，无法读取", "the file is damaged and cannot be read"),
    "file_encrypted": Text(
        "文件有密码保护：请取消密码后再上传", "the file is protected by a password: remove it first"
    ),
    "macro_file": Text(
        "文件含有宏：请另存为不含宏的 .xlsx", "the file holds macros: save it as .xlsx without them"
    ),
    "file_too_complex": Text(
        "文件展开后过大，无法读取", "the file is too large when unpacked and cannot be read"
    ),
    "too_many_rows": Text("行数过多：最多 {limit} 行", "too many rows: at most {limit}"),
    "too_many_columns": Text("列数过多：最多 {limit} 列", "too many columns: at most {limit}"),
    "encoding_not_understood": Text(
        "文本编码无法识别：请用 UTF-8 或 GB18030",
        "the text's encoding is not understood: use UTF-8 or GB18030",
    ),
    "csv_quotes": Text(
        "第 {record} 条记录的引号不成对", "the quotes of record {record} are not in pairs"
    ),
    "cell_too_long": Text(
        "第 {record} 条记录有过长的单元格：最多 {limit} 个字符",
        "a cell of record {record} is too long: at most {limit} characters",
    ),
}


class FileRefused(Exception):
    """A file that cannot be imported at all: a stable code, and why."""

    def __init__(self, code: str, message: Text) -> None:
        self.code = code
        self.message = message
        super().__init__(message.en)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may have: bytes, and rows and columns with content in one sheet."""

    file_bytes: int
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's cells; the first row is the sheet's row 1. A .csv has one sheet without a name."""

    name: str | None
    rows: list[list[Cell]]


def read_table(path: Path, *, limits: Limits) -> list[Sheet]:
    """The sheets of a file, those hidden left out. Raises FileRefused."""
    check_size(path, limits.file_bytes)
    command = [sys.executable, "-m", __name__, str(path), str(limits.rows), str(limits.columns)]
    try:
        child = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise _refusal("file_too_complex") from error
    if child.returncode != 0:
        memory = child.returncode < 0 or b"MemoryError" in child.stderr
        raise _refusal("file_too_complex" if memory else "file_damaged")
    answer = pickle.loads(child.stdout)  # noqa: S301 - our own child wrote it
    if isinstance(answer, tuple):
        raise _refusal(answer[0], **answer[1])
    sheets: list[Sheet] = answer
    return sheets


def check_size(path: Path, limit: int) -> None:
    """Refuse an empty file or one over the limit. Raises FileRefused."""
    size = path.stat().st_size
    if size > limit:
        raise _refusal("file_too_large", limit=limit)
    if size == 0:
        raise _refusal("file_empty")


def _refusal(code: str, **values: object) -> FileRefused:
    return FileRefused(code, _MESSAGES[code].format(**values))


# Everything below runs in the child.


class _Refused(Exception):
    def __init__(self, code: str, **values: object) -> None:
        self.answer = code, values
        super().__init__(code)


def _read(path: Path, rows: int, columns: int) -> list[Sheet]:
    content = path.read_bytes()
    if content.startswith(b"PK\x03\x04"):
        _check_zip(content)
        sheets = _workbook(_with_errors_as_text(content), rows, columns)
    elif content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        _check_container(content)
        sheets = _workbook(content, rows, columns)
    else:
        records = _trimmed(_bared(_records(_decoded(content))), rows, columns)
        sheets = iter([Sheet(None, records)])
    read = []
    characters = 0
    for one in sheets:
        read.append(one)
        cells = (cell for row in one.rows for cell in row)
        characters += sum(len(cell) for cell in cells if isinstance(cell, str))
        if characters > _CHARACTERS:
            raise _Refused("file_too_complex")
    return read


def _check_zip(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            entries = packed.infolist()
    except (zipfile.BadZipFile, ValueError) as error:
        raise _Refused("file_damaged") from error
    names = {one.filename.lower() for one in entries}
    if any(name.endswith("vbaproject.bin") for name in names):
        raise _Refused("macro_file")
    if "xl/workbook.xml" not in names:
        raise _Refused("file_type_not_supported")
    if sum(one.file_size for one in entries) > _UNPACKED:
        raise _Refused("file_too_complex")


def _with_errors_as_text(content: bytes) -> bytes:
    """The workbook with #N/A and its like as texts, for calamine reads them as empty cells."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        changed = {}
        for entry in packed.infolist():
            if entry.filename.lower().startswith("xl/worksheets/"):
                part, errors = _ERROR_CELL.subn(rb"\1\2str\2", packed.read(entry))
                if errors:
                    changed[entry.filename] = part
        if not changed:
            return content
        rewritten = io.BytesIO()
        with zipfile.ZipFile(rewritten, "w") as target:
            for entry in packed.infolist():
                name = entry.filename
                target.writestr(name, changed[name] if name in changed else packed.read(entry))
    return rewritten.getvalue()


_ERROR_CELL: Final = re.compile(rb"""(<(?:\w+:)?c\s[^<>]*?\bt=)(["'])e\2""")


def _check_container(content: bytes) -> None:
    """An old container: .xls, a protected .xlsx, or another program's document."""

    def holds(stream: str) -> bool:
        return stream.encode("utf-16-le") in content

    if holds("EncryptedPackage"):
        raise _Refused("file_encrypted")
    if not (holds("Workbook") or holds("Book")):
        raise _Refused("file_type_not_supported")
    if holds("_VBA_PROJECT"):
        raise _Refused("macro_file")


def _workbook(content: bytes, most_rows: int, most_columns: int) -> Iterator[Sheet]:
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        for one in book.sheets_metadata:
            if (
                one.visible is calamine.SheetVisibleEnum.Visible
                and one.typ is calamine.SheetTypeEnum.WorkSheet
            ):
                sheet = book.get_sheet_by_name(one.name)
                rows = (
                    [_plain(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)
                )
                trimmed = _trimmed(rows, most_rows, most_columns)
                _spread(trimmed, sheet.merged_cell_ranges or [])
                yield Sheet(one.name, trimmed)
    except calamine.PasswordError as error:
        raise _Refused("file_encrypted") from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise _Refused("file_damaged") from error


def _spread(rows: list[list[Cell]], merged: Iterable[tuple[_Place, _Place]]) -> None:
    """Give each row its part of a cell that is merged downwards (one 企业名称 for three 需求)."""
    spread = 0
    for (top, left), (bottom, right) in merged:
        if left != right or top >= len(rows) or left >= len(rows[top]):
            continue
        for row in rows[top + 1 : bottom + 1]:
            spread += 1
            if spread > _SPREAD:
                raise _Refused("file_too_complex")
            # A row with nothing else in it is none.
            if row:
                row += [None] * (left + 1 - len(row))
                row[left] = rows[top][left] if row[left] is None else row[left]


def _plain(cell: object) -> Cell:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return int(cell)
    if cell is None or isinstance(cell, str | int | float | date):
        return cell or None if isinstance(cell, str) else cell
    return str(cell)  # times of day and durations


_CONTROLS: Final = re.compile(rb"[\x01-\x08\x0e-\x1f]")


def _decoded(content: bytes) -> str:
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if content.startswith(mark):
            return _checked(content, encoding)
    if b"\0" in content:
        # Old programs pad their texts with it; among other controls it is no text.
        if _CONTROLS.search(content) or content.count(0) > len(content) // 10:
            raise _Refused("file_type_not_supported")
        content = content.replace(b"\0", b"")
    if content.startswith((b"%PDF", b"{\\rtf")):
        raise _Refused("file_type_not_supported")
    try:
        return _checked(content, "utf-8")
    except _Refused:
        return _checked(content, "gb18030")


def _checked(content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise _Refused("encoding_not_understood") from error
    if re.match(r"\s*<(?:!doctype|html|table|\?xml)", text, re.IGNORECASE):
        raise _Refused("file_type_not_supported")  # web pages that call themselves .xls
    return text


def _records(text: str) -> list[list[Cell]]:
    csv.field_size_limit(_CELL)
    # The first record that a mark divides tells which it is: long texts below hold other marks.
    best = max(",\t;|", key=lambda mark: _widths(text, mark))
    records = csv.reader(io.StringIO(text, newline=""), delimiter=best, strict=True)
    rows: list[list[Cell]] = []
    try:
        rows.extend([cell or None for cell in record] for record in records)
    except csv.Error as error:
        code = "cell_too_long" if "field limit" in str(error) else "csv_quotes"
        raise _Refused(code, record=len(rows) + 1, limit=_CELL) from error
    return rows


# A text that a program for spreadsheets would take for a formula, and what keeps it a text.
_FORMULA: Final = re.compile("'*[=+\\-@＝＋－＠\t\r]")


def guarded(text: str) -> str:
    """A text as a .csv may hold it: with an apostrophe before what else became a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def _bared(rows: Iterable[list[Cell]]) -> Iterator[list[Cell]]:
    """The rows without the apostrophes of `guarded`."""
    for row in rows:
        yield [
            cell[1:]
            if isinstance(cell, str) and cell.startswith("'") and _FORMULA.match(cell[1:])
            else cell
            for cell in row
        ]


def _widths(text: str, mark: str) -> list[int]:
    """The number of cells that each opening record has with this mark between them."""
    records = csv.reader(io.StringIO(text[:20_000], newline=""), delimiter=mark)
    return [len(record) for record, _ in zip(records, range(10), strict=False)]


def _trimmed(rows: Iterable[list[Cell]], most_rows: int, most_columns: int) -> list[list[Cell]]:
    """The rows without what is empty at their ends, within the limits."""
    trimmed = []
    last = 0
    for number, row in enumerate(rows, 1):
        width = max((at for at, cell in enumerate(row, 1) if cell not in (None, "")), default=0)
        if width > most_columns:
            raise _Refused("too_many_columns", limit=most_columns)
        if width:
            last = number
            if number > most_rows:
                raise _Refused("too_many_rows", limit=most_rows)
        if number <= most_rows:
            trimmed.append(row[:width])
    return trimmed[:last]


def _child(path: str, rows: str, columns: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer: object = _read(Path(path), int(rows), int(columns))
    except _Refused as refused:
        answer = refused.answer
    # Run as a module this is `__main__`, whose classes the parent does not know.
    if isinstance(answer, list):
        from kechuangtong.imports import reading

        answer = [reading.Sheet(one.name, one.rows) for one in answer]
    pickle.dump(answer, sys.stdout.buffer)


if __name__ == "__main__":
    _child(*sys.argv[1:])
