"""From a sheet to typed rows: each with its values, or with what is wrong in it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from kechuangtong.core.identifiers import Patent, parse_patent
from kechuangtong.core.language import Text
from kechuangtong.core.text import identity, normalize
from kechuangtong.core.trade import ImportKind
from kechuangtong.imports import cells, equipment
from kechuangtong.imports.amounts import names_foreign_currency, parse_price
from kechuangtong.imports.cells import MESSAGES, Cell, CellError, shown
from kechuangtong.imports.columns import (
    TITLES,
    Column,
    Layout,
    Mapping,
    asks_for_openness,
    find_layout,
    repeats_header,
)
from kechuangtong.imports.dates import parse_date
from kechuangtong.imports.maturity import parse_maturity
from kechuangtong.imports.reading import Sheet
from kechuangtong.imports.rights import parse_evaluations, parse_patents
from kechuangtong.policies import trl

_LINE: Final = 200
_PASSAGE: Final = 20_000


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a cell: its column as typed, a stable code, what was read, and why."""

    column: str | None
    code: str
    value: str | None
    message: Text


@dataclass(slots=True)
class ParsedRow:
    """A row with content: the list's fields by name, and the problems that refuse it."""

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ParsedSheet:
    """A list as it was read: where it stood, its columns as typed with their fields, its rows."""

    sheet: str | None
    header_row: int
    columns: dict[str, str | None]
    rows: list[ParsedRow]


def parse_sheet(
    sheets: Sequence[Sheet], kind: ImportKind, mapping: Mapping | None = None
) -> ParsedSheet:
    """Find the list among the sheets and read it, some columns as `mapping` says. Raises
    FileRefused."""
    layout = find_layout(sheets, kind, mapping)
    reader = _Reader(layout, kind)
    rows = [reader.read(number, row) for number, row in layout.rows if reader.is_record(row)]
    return ParsedSheet(
        sheet=layout.sheet.name,
        header_row=layout.header_row,
        columns=_by_header(layout.columns),
        rows=rows,
    )


def _by_header(columns: Sequence[Column]) -> dict[str, str | None]:
    """The fields by their headers as typed; of two that are alike, the one that is read."""
    fields: dict[str, str | None] = {}
    for one in columns:
        fields[one.header] = fields.get(one.header) or one.field
    return fields


_TOTAL: Final = re.compile(
    "(?:本页|本表|全部|以上)?(?:合计|总计|小计|共计|总和|平均|total|sum)(?:[:：(].*|\\d+.*)?"
    "|(?:本页|本表|以上)?(?:合|总|共)?(?:共|计)[有计]?\\d+[个项条件行](?:成果|需求|记录)?"
)
_SEAL: Final = "[(](?:盖章|公章|签[字章名])[)]"
_CLOSING: Final = re.compile(
    "(?:填[表报写]|制表|审核|审批|复核|经办|分管|主管|科技处|科研处|科研管理|负责人|联系人|联系电话|日期|时间|报送|单位"
    "|盖章|公章|签[字章名])(?:单位|部门|负责|领导|人|员|意见|要求|须知|电话|方式|日期|时间|盖章|公章|签[字章名]|[及和与]|[(][^()]*[)])*"
    f"(?:[:：].*|(?<=[)]))|{_SEAL}.*|.{{2,30}}{_SEAL}"
    "|(?:备注|附注|注|说明|填[表报写]说明|注意事项)(?:\\d*[:：、].*)?"
    "|\\W*(?:以下空白|以下无正文|此页无正文)\\W*"
)
# What stands for the count in the row that shows how to fill in the list.
_EXAMPLE: Final = re.compile("[(]?(?:填[写表报])?(?:示例|样例|范例|举例|例|example)[)]?[:：]?")
# Alone in their row these are a date below a signature, a heading of the rows below, or a note.
_ALONE: Final = re.compile(
    "(?:20)?\\d{0,2}年\\d{0,2}月\\d{0,2}日|(?:19|20)\\d\\d年度?|[(].*[)]|[一二三四五六七八九十]+、.*|[(][一二三四五六七八九十]+[)].*"
    "|第[一二三四五六七八九十]+[章部分类批].*|[*※★].*"
)


_HINT: Final = re.compile("[(（].*[)）]|[*＊]?(?:必填|选填|可选|非必填)项?", re.DOTALL)


def _is_hint(filled: Sequence[str]) -> bool:
    """Whether a row below the header says how to fill in the columns, or counts them."""
    places = [one.strip("()（）") for one in filled]
    counts = len(filled) > 1 and places == [str(at) for at in range(1, len(places) + 1)]
    return counts or all(_HINT.fullmatch(one) for one in filled)


def parse_cells(headers: Sequence[str], cells: Sequence[Cell], kind: ImportKind) -> dict[str, Any]:
    """The values of one row below these headers."""
    layout = find_layout([Sheet(None, [list(headers), list(cells)])], kind)
    return _Reader(layout, kind).read(2, cells).values


class _Reader:
    """Reads the rows of one sheet."""

    def __init__(self, layout: Layout, kind: ImportKind) -> None:
        self._kind = kind
        self._columns = [one for one in layout.columns if one.field is not None]
        self._title = next(one for one in self._columns if one.place == layout.title)
        self._layout = layout
        self._begun = self._closed = False

    def is_record(self, row: Sequence[Cell]) -> bool:
        """Whether a row is one of the list: not blank, no total, no signature, no header again."""
        typed = [shown(cell) for cell in row]
        filled = [one for one in typed if one]
        told = [shown(_at(row, one.place)) for one in self._columns]
        if not filled or not any(told):
            return False
        if repeats_header(self._layout, row, self._kind):
            self._closed = False
            return False
        if not self._begun and _is_hint(filled):
            return False
        first = identity(filled[0])
        if _TOTAL.fullmatch(first) and (len(filled) <= 4 or not shown(_at(row, self._title.place))):
            return False
        if _EXAMPLE.fullmatch(first) and first != identity(shown(_at(row, self._title.place))):
            return False
        if len(filled) <= 4 and _CLOSING.fullmatch(first):
            self._closed = True
            return False
        if len(filled) == 1 and len(self._columns) > 1:
            # Below a signature or a note single cells are more of it (2. 成熟度按国标填写).
            return not (self._closed or _ALONE.fullmatch(first))
        self._closed = False
        self._begun = True
        return True

    def read(self, number: int, row: Sequence[Cell]) -> ParsedRow:
        """The values of a row, and its problems."""
        parsed = ParsedRow(number)
        for column in self._columns:
            value = _at(row, column.place)
            assert column.field is not None
            try:
                self._take(parsed, column, column.field, value)
            except CellError as error:
                self._refuse(parsed, column, error)
        title = parsed.values.get(TITLES[self._kind])
        if title is None and not any(one.column == self._title.header for one in parsed.problems):
            typed = shown(_at(row, self._title.place))
            self._refuse(parsed, self._title, CellError("title_missing", typed))
        self._check_coordinates(parsed)
        return parsed

    def _check_coordinates(self, row: ParsedRow) -> None:
        """Longitude and latitude tell of a place together."""
        told = [one for one in self._columns if one.field in ("longitude", "latitude")]
        given = [one for one in told if row.values.get(one.field or "") is not None]
        if len(given) == 1 and not row.problems:
            typed = str(row.values[given[0].field or ""])
            self._refuse(row, given[0], CellError("coordinates_incomplete", typed))

    def _refuse(self, row: ParsedRow, column: Column, error: CellError) -> None:
        row.problems.append(Problem(column.header, error.code, error.value[:_LINE], error.message))

    def _take(self, row: ParsedRow, column: Column, name: str, value: Cell) -> None:
        values = row.values
        if name in ("trl", "stage", "required_trl", "required_stage"):
            self._take_maturity(row, column, value)
        elif name in ("price", "budget"):
            foreign = names_foreign_currency(column.header)
            values[name] = asdict(parse_price(value, column.unit, foreign=foreign))
        elif name == "original_value":
            foreign = names_foreign_currency(column.header)
            values[name] = equipment.parse_value(value, column.unit, foreign=foreign)
        elif name in equipment.CHOICES:
            if (choice := equipment.parse_choice(value, name)) is not None:
                values[name] = choice
        elif name == "disciplines":
            values[name] = cells.parse_keywords(value)
        elif name in ("longitude", "latitude"):
            values[name] = equipment.parse_coordinate(value)
        elif name in ("completed_on", "valid_until", "commissioned_on"):
            values[name] = parse_date(value, end=name == "valid_until")
        elif name == "intellectual_property":
            patents = parse_patents(value)
            for error in patents.errors:
                self._refuse(row, column, error)
            known = values.setdefault(name, [])
            known += [right for one in patents.rights if (right := _right(one)) not in known]
        elif name == "evaluations":
            known = values.setdefault(name, [])
            found = [asdict(one) for one in parse_evaluations(value, normalize(column.header))]
            if len(known) == len(found) == 1 and _complete_each_other(known[0], found[0]):
                known[0] = {part: one or found[0][part] for part, one in known[0].items()}
            else:
                known += [one for one in found if one not in known]
        elif name == "anonymous":
            openness = asks_for_openness(column.header)
            said = cells.parse_anonymous(value, openness=openness)
            if said is not None:  # of several columns, the one that hides
                values[name] = values.get(name, False) or said
        elif name == "cooperation":
            known = values.setdefault(name, [])
            known += [one for one in cells.parse_cooperation(value)[0] if one not in known]
        elif name == "keywords":
            known = values.setdefault(name, [])
            known += [one for one in cells.parse_keywords(value) if one not in known]
        elif name == "contact":
            for part in ("name", "phone", "email"):
                values.setdefault(f"contact_{part}", None)
            for part, typed in cells.parse_contact(value).items():
                values[f"contact_{part}"] = values[f"contact_{part}"] or _bounded(typed, _LINE)
        else:
            self._take_text(values, name, value)

    def _take_maturity(self, row: ParsedRow, column: Column, value: Cell) -> None:
        prefix = "" if self._kind is ImportKind.ACHIEVEMENT else "required_"
        found = parse_maturity(value, trl.default())
        level = asdict(found.trl) if found.trl else None
        # 成熟度 tells of both, 阶段 and TRL of one: what a list has no column for is left alone.
        both = "成熟" in normalize(column.header)
        for name, one in ((prefix + "stage", found.stage), (prefix + "trl", level)):
            if one is not None or both or name == column.field:
                row.values[name] = row.values.get(name) or one

    def _take_text(self, values: dict[str, Any], name: str, value: Cell) -> None:
        parse = _TEXTS.get(name, cells.parse_line)
        text = parse(value)
        if text is not None:
            _bounded(text, _PASSAGE if parse is cells.parse_passage else _LINE)
        before = values.get(name)
        if before is None or text is None:
            values[name] = before if text is None else text
        elif name == "place":
            values[name] = before if text in before else _bounded(before + text, _LINE)
        elif name in _TEXTS:
            values[name] = before if text == before else _bounded(f"{before}\n{text}", _PASSAGE)


_TEXTS: Final[dict[str, Callable[[Cell], str | None]]] = {
    "description": cells.parse_passage,
    "application": cells.parse_passage,
    "functions": cells.parse_passage,
    "specifications": cells.parse_passage,
    "services": cells.parse_passage,
    "rules": cells.parse_passage,
    "reference_price": cells.parse_passage,
    "class_code": equipment.parse_class_code,
    "country": equipment.parse_country,
    "booking_url": equipment.parse_url,
    "contact_phone": cells.parse_phone,
    "organization_code": cells.parse_uscc,
    "state": cells.parse_unpublished,
}


def _right(one: Patent) -> dict[str, Any]:
    """A right by its number, from which the rest follows unless the cell says otherwise."""
    follows = one.granted == parse_patent(one.number).granted
    return {"number": one.number} | ({} if follows else {"granted": one.granted})


def _complete_each_other(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return not any(one[part] and other[part] for part in one)


def _bounded(text: str, limit: int) -> str:
    if len(text) > limit:
        raise CellError("too_long", text, MESSAGES["too_long"].format(limit=limit))
    return text


def _at(row: Sequence[Cell], place: int) -> Cell:
    return row[place] if place < len(row) else None
