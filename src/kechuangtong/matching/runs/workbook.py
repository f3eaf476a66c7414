"""Pairs as a spreadsheet (.xlsx), for people."""

import uuid
from typing import IO, Final

import xlsxwriter

from kechuangtong.achievements.schemas import AchievementRead
from kechuangtong.demands.schemas import DemandRead
from kechuangtong.matching.schemas import Reasons, demander
from kechuangtong.models.match_run import PairChange

_CELL: Final = 32_767  # characters that a cell holds
_COLUMNS: Final = (
    ("需求", 36),
    ("需求单位", 22),
    ("成果", 36),
    ("成果单位", 22),
    ("匹配度", 8),
    ("等级", 6),
    ("符合", 60),
    ("不符", 60),
    ("需求 ID", 38),
    ("成果 ID", 38),
)
_CHANGES: Final = {PairChange.NEW: "新增", PairChange.KEPT: "保留", PairChange.GONE: "消失"}
_COMPARED: Final = (("变化", 8), ("上次等级", 10))
_NOT_PUBLIC: Final = "（已不公开）"


class PairSheet:
    """A workbook that is written pair by pair; `compared` with the run before: two columns more.

    Nothing that stands in a record becomes a formula or a link.
    """

    def __init__(self, file: IO[bytes], *, compared: bool = False) -> None:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(file, options)
        self._sheet = self._book.add_worksheet("匹配")
        self._wrapped = self._book.add_format({"text_wrap": True})
        self._columns = (*_COLUMNS, *_COMPARED) if compared else _COLUMNS
        self._row = 0
        bold = self._book.add_format({"bold": True})
        self._sheet.freeze_panes(1, 0)
        for column, (name, width) in enumerate(self._columns):
            self._sheet.set_column(column, column, width)
            self._sheet.write_string(0, column, name, bold)

    def write(
        self,
        *,
        demand_id: uuid.UUID,
        achievement_id: uuid.UUID,
        demand: DemandRead | None,
        achievement: AchievementRead | None,
        score: float,
        grade: int,
        reasons: Reasons | None,
        change: PairChange | None = None,
        grade_before: int | None = None,
    ) -> None:
        """One more row."""
        self._row += 1
        values: list[str | float | None] = [
            demand.title if demand else _NOT_PUBLIC,
            demander(demand) if demand else None,
            achievement.title if achievement else _NOT_PUBLIC,
            achievement.organization.name if achievement else None,
            score,
            grade,
            "\n".join(reason.text for reason in reasons.for_) if reasons else None,
            "\n".join(reason.text for reason in reasons.against) if reasons else None,
            str(demand_id),
            str(achievement_id),
        ]
        if change is not None:
            values += [_CHANGES[change], grade_before]
        for column, value in enumerate(values):
            cell = value[:_CELL] if isinstance(value, str) else value
            self._sheet.write(self._row, column, cell, self._wrapped)

    def close(self) -> None:
        """Finish the file."""
        self._sheet.autofilter(0, 0, max(self._row, 1), len(self._columns) - 1)
        self._book.close()
