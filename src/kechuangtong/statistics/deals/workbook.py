"""The yearly report of transfers as a spreadsheet (.xlsx), for people."""

import io
from decimal import Decimal
from typing import Any, Final

import xlsxwriter

from kechuangtong.contracts.names import KINDS
from kechuangtong.deals.states import Pricing
from kechuangtong.deals.texts import PRICINGS
from kechuangtong.statistics.deals.schemas import YearOfDeals, YearSums

_LINES: Final = (
    ("合同类型", 14),
    ("定价方式", 16),
    ("合同数", 10),
    ("成交额（元）", 18),
    ("技术交易额（元）", 18),
    ("认定登记数", 12),
    ("登记成交额（元）", 18),
    ("登记技术交易额（元）", 20),
    ("到款额（元）", 18),
)
_LARGEST: Final = (
    ("合同名称", 44),
    ("合同类型", 14),
    ("定价方式", 16),
    ("卖方", 28),
    ("买方", 28),
    ("签订日期", 12),
    ("成交额（元）", 18),
    ("技术交易额（元）", 18),
    ("登记编号", 20),
    ("登记日期", 12),
    ("本年到款额（元）", 18),
)


def xlsx(report: YearOfDeals) -> bytes:
    """Two sheets: the sums by kind and way of pricing, and the largest contracts."""
    file = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    with xlsxwriter.Workbook(file, options) as book:
        sums = [[KINDS[one.kind].zh, _pricing(one.pricing), *_sums(one)] for one in report.lines]
        title = f"{report.organization or '全部单位'}{report.year}年度科技成果转化情况"
        _sheet(book, "汇总", title, _LINES, [*sums, ["合计", "", *_sums(report.total)]])
        largest = [
            [
                one.title,
                KINDS[one.kind].zh,
                _pricing(one.pricing),
                "；".join(one.sellers),
                "；".join(one.buyers),
                one.signed_on.isoformat(),
                one.amount,
                one.technical,
                one.register_number,
                one.registered_on and one.registered_on.isoformat(),
                one.received,
            ]
            for one in report.largest
        ]
        _sheet(book, "最大合同", title, _LARGEST, largest)
    return file.getvalue()


def _pricing(one: Pricing | None) -> str:
    return "未填写" if one is None else PRICINGS[one].zh


def _sums(one: YearSums) -> list[int | Decimal]:
    return [getattr(one, name) for name in YearSums.model_fields]


def _sheet(
    book: Any,  # noqa: ANN401
    name: str,
    title: str,
    columns: tuple[tuple[str, int], ...],
    rows: list[list[Any]],
) -> None:
    sheet = book.add_worksheet(name)
    bold, yuan = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"})
    sheet.write_string(0, 0, title, bold)
    sheet.freeze_panes(2, 0)
    for column, (header, width) in enumerate(columns):
        sheet.set_column(column, column, width)
        sheet.write_string(1, column, header, bold)
    for row, cells in enumerate(rows, 2):
        for column, cell in enumerate(cells):
            if isinstance(cell, Decimal):
                sheet.write_number(row, column, cell, yuan)
            elif isinstance(cell, int):
                sheet.write_number(row, column, cell)
            elif cell:
                sheet.write_string(row, column, cell)
