"""Workbooks: the template of a list, an import's report (or JSON), and an organization's list."""

import csv
import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final

import xlsxwriter
from anyio import to_thread
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from kechuangtong.core.language import Text
from kechuangtong.core.trade import ImportKind
from kechuangtong.imports.cells import Cell, shown
from kechuangtong.imports.columns import settled
from kechuangtong.imports.fields import COLUMNS, OWNERS, STATE, Field, headers
from kechuangtong.imports.reading import Limits, Sheet, guarded, read_table
from kechuangtong.imports.schemas import Report, RowReport
from kechuangtong.models.importing import Outcome
from kechuangtong.models.listing import ListingState
from kechuangtong.settings import Settings

# No text ever becomes a formula or a link.
_PLAIN: Final = {"strings_to_formulas": False, "strings_to_urls": False}
SHEETS: Final = {
    ImportKind.ACHIEVEMENT: "成果清单",
    ImportKind.DEMAND: "需求清单",
    ImportKind.INSTRUMENT: "仪器清单",
}
_ROWS_WITH_CHOICES: Final = 2_000
# What a cell takes.
_CHARACTERS: Final = 32_767

_HEADERS: Final = (Text("行号", "Row"), Text("结果", "Outcome"), Text("原因", "Reasons"))
_WIDTHS: Final = (8, 10, 60)
OUTCOMES: Final = {
    Outcome.CREATED: Text("新增", "created"),
    Outcome.CHANGED: Text("更新", "changed"),
    Outcome.UNCHANGED: Text("未变", "unchanged"),
    Outcome.DUPLICATE: Text("重复", "duplicate"),
    Outcome.REFUSED: Text("未导入", "refused"),
}
DUPLICATE_OF: Final = Text("与第 {row} 行重复", "repeats row {row}")

STATES: Final = {
    ListingState.DRAFT: "草稿",
    ListingState.SUBMITTED: "待审核",
    ListingState.RETURNED: "退回修改",
    ListingState.PUBLISHED: "已发布",
    ListingState.WITHDRAWN: "已撤回",
    ListingState.EXPIRED: "已过期",
}


def write_template(path: Path, kind: ImportKind) -> None:
    """A list to be filled in: headers with notes, choices, and a row that shows how and is not
    imported."""
    columns = (*COLUMNS[kind], *OWNERS[kind])
    with xlsxwriter.Workbook(path, _PLAIN) as book:
        sheet = book.add_worksheet(SHEETS[kind])
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        example = book.add_format(
            {"text_wrap": True, "valign": "top", "italic": True, "font_color": "#808080"}
        )
        _write_header(book, sheet, columns, wrapped)
        for place, one in enumerate(columns):
            sheet.write_comment(0, place, _note(one), {"x_scale": 2, "y_scale": 1.5})
            sheet.write_string(1, place, one.example, example)
            if one.choices:
                sheet.data_validation(
                    1,
                    place,
                    _ROWS_WITH_CHOICES,
                    place,
                    {
                        "validate": "list",
                        "source": list(one.choices),
                        # Several of them may be written, and levels of other scales.
                        "show_error": not one.several,
                    },
                )


def _note(one: Field) -> str:
    return one.meant.zh + (f"\n例：{one.example}" if one.example and one.field != "number" else "")


def _write_header(
    book: xlsxwriter.Workbook, sheet: Worksheet, columns: Sequence[Field], wrapped: Format
) -> None:
    shade = {"bold": True, "text_wrap": True, "valign": "top", "border": 1}
    optional = book.add_format({**shade, "bg_color": "#DDEBF7"})
    required = book.add_format({**shade, "bg_color": "#FCE4D6"})
    for place, one in enumerate(columns):
        sheet.set_column(place, place, one.width, wrapped)
        sheet.write_string(0, place, one.header, required if one.required else optional)
    titled = [one.required for one in columns].index(True)
    sheet.freeze_panes(1, titled + 1)


class ListFile:
    """An organization's list as a .xlsx or .csv, written row by row."""

    def __init__(self, path: Path, kind: ImportKind) -> None:
        self._columns = COLUMNS[kind]
        self._row = 0
        if path.suffix == ".csv":
            # With the mark by which programs for spreadsheets know its encoding.
            self._text = path.open("w", encoding="utf-8-sig", newline="")
            self._csv = csv.writer(self._text)
            self._csv.writerow(headers([STATE, *self._columns]))
            self._book = None
        else:
            self._book = xlsxwriter.Workbook(path, {**_PLAIN, "constant_memory": True})
            self._sheet = self._book.add_worksheet(SHEETS[kind])
            wrapped = self._book.add_format({"text_wrap": True, "valign": "top"})
            _write_header(self._book, self._sheet, (STATE, *self._columns), wrapped)

    def write(self, rows: Sequence[tuple[ListingState, Sequence[Cell]]]) -> None:
        """Add records."""
        for state, cells in rows:
            self._row += 1
            if self._book is None:
                self._csv.writerow([STATES[state], *(guarded(shown(one)) for one in cells)])
            else:
                self._sheet.write_string(self._row, 0, STATES[state])
                for place, one in enumerate(cells, 1):
                    _write_cell(self._sheet, self._row, place, one)

    def close(self) -> None:
        """Finish the file."""
        if self._book is None:
            self._text.close()
        else:
            self._book.close()


def _write_cell(sheet: Worksheet, row: int, place: int, cell: Cell) -> None:
    """A cell as it is: numbers stay numbers, all else is text."""
    number = isinstance(cell, int | float) and not isinstance(cell, bool)
    if number and not isinstance(cell, date | datetime):
        sheet.write_number(row, place, cell)
    elif text := shown(cell):
        sheet.write_string(row, place, text[:_CHARACTERS])


async def write_report(path: Path, report: Report, source: Path, settings: Settings) -> None:
    """Write a report to a .json or .xlsx; `source` is the file that was imported."""
    if path.suffix.lower() == ".json":
        text = report.model_dump_json(indent=2) + "\n"
        await to_thread.run_sync(lambda: path.write_text(text, encoding="utf-8"))
    else:
        await to_thread.run_sync(_write_workbook, path, report, source, settings)


def _write_workbook(path: Path, report: Report, source: Path, settings: Settings) -> None:
    """The sheet as it was sent with outcomes in front: what stood above the first row is above it
    here, so that it reads the same when it is sent again; other rows that are none are left out.

    Of a file that is no longer kept, or was never read, the outcomes alone.
    """
    rows: list[list[Cell]] = []
    if report.header_row is not None and source.exists():
        rows = _sheet(report, source, settings).rows
    header = (report.header_row or 1) - 1
    first = report.rows[0].row - 1 if report.rows else len(rows)
    above = rows[:first] or [[]]
    with xlsxwriter.Workbook(path, {**_PLAIN, "constant_memory": True}) as book:
        sheet = book.add_worksheet(_sheet_name(report.sheet))
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True})
        for column, width in enumerate(_WIDTHS):
            sheet.set_column(column, column, width)
        sheet.set_column(len(_WIDTHS), len(_WIDTHS) + len(report.columns), 20)
        sheet.freeze_panes(len(above), 0)
        for place, row in enumerate(above):
            if place == min(header, len(above) - 1):
                for column, own in enumerate(_HEADERS):
                    sheet.write_string(place, column, str(own), bold)
            for column, cell in enumerate(row, len(_WIDTHS)):
                typed = shown(cell)
                if typed in report.columns:
                    field = report.columns[typed]
                    sheet.write_string(place, column, settled(typed, field, report.kind), bold)
                else:
                    _write_cell(sheet, place, column, cell)
        for place, one in enumerate(report.rows, len(above)):
            sheet.write_number(place, 0, one.row)
            sheet.write_string(place, 1, str(OUTCOMES[one.outcome]))
            sheet.write_string(place, 2, "\n".join(_reasons(one)), wrapped)
            for column, cell in enumerate(rows[one.row - 1] if rows else (), len(_WIDTHS)):
                _write_cell(sheet, place, column, cell)


def _sheet_name(name: str | None) -> str:
    """A sheet's name within the rules, which not all programs keep that write sheets."""
    return re.sub(r"[\[\]:*?/\\]", "_", name or "")[:31].strip("'") or "report"


def _sheet(report: Report, source: Path, settings: Settings) -> Sheet:
    limits = Limits(
        file_bytes=settings.max_file_size, rows=settings.max_rows, columns=settings.max_columns
    )
    return next(one for one in read_table(source, limits=limits) if one.name == report.sheet)


def _reasons(row: RowReport) -> list[str]:
    reasons = [f"{one.column}：{one.message}（{one.value}）" for one in row.problems]
    if row.of_row is not None:
        reasons.append(str(DUPLICATE_OF.format(row=row.of_row)))
    return reasons
