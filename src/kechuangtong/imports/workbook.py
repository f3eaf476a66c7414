"""An import's report as a file: JSON, or the sheet as it was sent with the outcomes in front."""

from pathlib import Path
from typing import Final

import xlsxwriter
from anyio import to_thread

from kechuangtong.core.language import Text
from kechuangtong.imports.cells import shown
from kechuangtong.imports.reading import Limits, read_table
from kechuangtong.imports.schemas import Report
from kechuangtong.models.importing import Outcome
from kechuangtong.settings import Settings

_HEADERS: Final = (Text("行号", "Row"), Text("结果", "Outcome"), Text("原因", "Reasons"))
_WIDTHS: Final = (8, 10, 60)
_OUTCOMES: Final = {
    Outcome.CREATED: Text("新增", "created"),
    Outcome.CHANGED: Text("更新", "changed"),
    Outcome.UNCHANGED: Text("未变", "unchanged"),
    Outcome.DUPLICATE: Text("重复", "duplicate"),
    Outcome.REFUSED: Text("未导入", "refused"),
}
_DUPLICATE_OF: Final = Text("与第 {row} 行重复", "repeats row {row}")


async def write_report(path: Path, report: Report, source: Path, settings: Settings) -> None:
    """Write a report to a .json or .xlsx; `source` is the file that was imported."""
    if path.suffix.lower() == ".json":
        text = report.model_dump_json(indent=2) + "\n"
        await to_thread.run_sync(lambda: path.write_text(text, encoding="utf-8"))
    else:
        await to_thread.run_sync(_write_workbook, path, report, source, settings)


def _write_workbook(path: Path, report: Report, source: Path, settings: Settings) -> None:
    limits = Limits(
        file_bytes=settings.max_file_size, rows=settings.max_rows, columns=settings.max_columns
    )
    sheets = {one.name: one for one in read_table(source, limits=limits)}
    rows = sheets[report.sheet].rows
    assert report.header_row is not None
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet((report.sheet or "report")[:31])
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True})
        for column, width in enumerate(_WIDTHS):
            sheet.set_column(column, column, width)
        sheet.set_column(len(_WIDTHS), len(_WIDTHS) + len(report.columns), 20)
        sheet.freeze_panes(1, 0)
        header = [str(one) for one in _HEADERS]
        header += [shown(cell) for cell in rows[report.header_row - 1]]
        for column, value in enumerate(header):
            sheet.write_string(0, column, value, bold)
        for place, row in enumerate(report.rows, 1):
            reasons = [f"{one.column}：{one.message}（{one.value}）" for one in row.problems]
            if row.of_row is not None:
                reasons.append(str(_DUPLICATE_OF.format(row=row.of_row)))
            sheet.write_number(place, 0, row.row)
            sheet.write_string(place, 1, str(_OUTCOMES[row.outcome]))
            sheet.write_string(place, 2, "\n".join(reasons), wrapped)
            for column, cell in enumerate(rows[row.row - 1], len(_WIDTHS)):
                sheet.write_string(place, column, shown(cell)[:32_767])
