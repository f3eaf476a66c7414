"""Dates as people type them: whole ones, months and years, Excel's own, periods.

A month or a year is its first day, or its last where an end is asked for (a deadline); 底 and 末
always mean the end, and of a period (2024.1-2024.12) the end counts. 长期有效 and 待定 name no
date. Refused: 明年, 尽快, two-digit years without 年, what the calendar does not have, and days
that two countries read differently (5/6/2023).
"""

import math
import re
from calendar import monthrange
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from kechuangtong.core.text import fold
from kechuangtong.imports.cells import Cell, CellError, chinese_number, says_nothing, text

_FIRST_YEAR, _LAST_YEAR = 1900, 2200
# Excel counts days from here; the serials taken for dates are those of 1954 to 2119.
_EPOCH: Final = date(1899, 12, 30)
_SERIALS: Final = range(20_000, 80_200)

_NO_DATE: Final = re.compile(
    "(?:长期|永久|无限期|常年|全年)(?:有效|招募|征集|征求|需求|合作|可用|开放|接受|受理)?|长期有效.*|不[限设](?:期限?|时间)?|"
    "无(?:固定|截止)?(?:期限|日期|限制)|"
    "待定|另行通知|未定|未知|不详|在研|(?:研发|研究|进行|实施|开发)中|正在(?:研发|进行|研究)|未完成|尚未完成|至今|"
    "long-?term|permanent|ongoing|open|unlimited|tbd"
)
_BEFORE: Final = re.compile(
    r"^(?:(?:自)?(?:即日|今|现在|发布之?日)起|截止日?期?|截至|有效期|有效|到期日?|完成时?间?|预计|预期|预估|计划|拟|约|于|在|至|到|为|最迟|最晚|不晚于|不迟于"
    r"|before|by|until|due|[:\s])+"
)
_AFTER: Final = re.compile(
    r"(?:之前|以前|前|为止|截止|止|到期|完成|结束|结题|验收|\(?星期.\)?|\(?周.\)?|[\s,.。;、])+$"
)
_TIME: Final = re.compile(
    r"(?:\s+|t|(?<=[日号]))(?:[上下]午\s*)?\d{1,2}(?:时(?!\d)|[:时]\d{1,2})(?:[:分](?:\d{1,2}(?:\.\d+)?秒?)?)?\s?(?:[ap]m|z|[+\-]\d{2}:?\d{2})?$",
    re.ASCII,
)
_NUMERAL: Final = "〇零○一二三四五六七八九十"
_CHINESE: Final = re.compile(
    f"([{_NUMERAL}]{{4}}|[0-9]{{4}}(?=年(?:[{_NUMERAL}]|元月)))年(?:([{_NUMERAL}]{{1,3}}|元)月(?:份)?(?:([{_NUMERAL}]{{1,3}})[日号]?)?)?"
)
_PARTS: Final = (
    re.compile(
        r"(?P<y>\d{4})\s?(?P<sep>[-./,、。·])\s?(?P<m>\d{1,2})\s?(?P=sep)\s?(?P<d>\d{1,2})[日号]?",
        re.ASCII,
    ),
    re.compile(r"(?P<y>\d{4}|\d{2})年(?P<m>\d{1,2})月(?P<d>\d{1,2})[日号]?", re.ASCII),
    re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})", re.ASCII),
    re.compile(r"(?P<y>\d{4}) (?P<m>\d{1,2}) (?P<d>\d{1,2})", re.ASCII),
    re.compile(r"(?P<y>\d{4}|\d{2})年(?P<m>\d{1,2})月?份?(?P<when>[底末初]|[上中下]旬)?", re.ASCII),
    re.compile(r"(?P<y>\d{4})[-./](?P<m>\d{1,2})月?(?P<when>[底末初])?", re.ASCII),
    re.compile(r"(?P<when>q[1-4])[ .\-/]?(?P<y>\d{4})", re.ASCII),
    re.compile(r"(?P<y>\d{4})(?P<m>\d{2})", re.ASCII),
    re.compile(
        r"(?P<y>\d{4}|\d{2}(?=年))年?度?"
        r"(?P<when>年?[底末初中]|[上下]半年|第?[1-4一二三四]季度|[.\-/ ]?q[1-4])?",
        re.ASCII,
    ),
)
_MONTHS: Final = {
    name: place
    for place, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)
}
_MONTH: Final = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?"
_ENGLISH: Final = (
    re.compile(rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[\s\-]*{_MONTH}[\s\-,]*(?P<y>\d{{4}})", re.ASCII),
    re.compile(rf"{_MONTH}\s*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[\s,]+(?P<y>\d{{4}})", re.ASCII),
    re.compile(rf"(?P<y>\d{{4}})[\s\-]*{_MONTH}[\s\-]*(?P<d>\d{{1,2}})", re.ASCII),
    re.compile(rf"{_MONTH}[\s\-,]*(?P<y>\d{{4}})", re.ASCII),
    re.compile(rf"(?P<y>\d{{4}})[\s\-]*{_MONTH}", re.ASCII),
)
_YEAR_LAST: Final = re.compile(r"(\d{1,2})([-./])(\d{1,2})\2(\d{4})", re.ASCII)
_MONTHS_OF_A_YEAR: Final = re.compile(
    r"(\d{4})年(\d{1,2})月?(?:[-~—–―]+|至|到)(\d{1,2})月", re.ASCII
)
_YEAR_ONCE: Final = re.compile(
    r"(?P<y>\d{4}年)\d{1,2}月.*?(?:[-~—–―]+|至|到)\s*(?=\d{1,2}月)", re.ASCII
)
_BETWEEN: Final = re.compile(r"\s*(?:至|到|~|—+|–|―|--|\bto\b)\s*|\s+-\s+")
_IN_TEXT: Final = re.compile(
    r"(?<!\d)(?:19|20)\d\d(?:[-./]\d{1,2}(?:[-./]\d{1,2})?|年(?:\d{1,2}月(?:\d{1,2}[日号])?)?)?(?!\d)",
    re.ASCII,
)


class _Period(NamedTuple):
    """The days that a date means; `last_day` where only its end can be meant (底, 末)."""

    first: date
    last: date
    last_day: bool = False

    def day(self, end: bool) -> date:
        return self.last if end or self.last_day else self.first


def parse_date(value: Cell, *, end: bool = False) -> date | None:
    """The date of a cell; of a month or a year the first day, with `end` the last.

    None where the cell names none (长期有效). Raises CellError `date_not_understood`.
    """
    if isinstance(value, datetime):
        value = value.date()
    typed = text(value)
    try:
        if isinstance(value, bool):
            raise ValueError
        if isinstance(value, date):
            found: date | None = _checked(value, value).first
        elif says_nothing(typed):
            found = None
        elif isinstance(value, int | float):
            found = _of_number(typed).day(end)
        else:
            found = _of_text(typed, end)
    except ValueError as error:
        raise CellError("date_not_understood", typed) from error
    return found


def find_date(typed: str) -> date | None:
    """The first date that stands in a text, if one does."""
    for match in _IN_TEXT.finditer(fold(typed)):
        with suppress(CellError):
            return parse_date(match.group())
    return None


def _of_text(typed: str, end: bool) -> date | None:
    if len(typed) > 100:
        raise ValueError
    folded = re.sub(r"\([^()0-9]*\)", "", fold(typed)).strip()
    folded = re.sub(r"\s*([年月日号])\s*", r"\1", " ".join(folded.split()))
    if _NO_DATE.fullmatch("".join(folded.split()).rstrip(".。!")):
        return None
    plain = _CHINESE.sub(_digits, folded)
    period = _single(plain)
    if period is not None:
        return period.day(end)
    return _last_of_two(plain)


def _single(plain: str) -> _Period | None:
    """The period of a text that is one date; None where its shape is none. Raises ValueError."""
    core = _TIME.sub("", _AFTER.sub("", _BEFORE.sub("", plain)))
    if re.fullmatch(r"\d{5}(?:\.\d+)?", core, re.ASCII):
        return _of_number(core)
    for pattern in _PARTS:
        if match := pattern.fullmatch(core):
            part = match.groupdict()
            return _period(part["y"], part.get("m"), part.get("d"), part.get("when"))
    for pattern in _ENGLISH:
        if match := pattern.fullmatch(core):
            part = match.groupdict()
            return _period(part["y"], str(_MONTHS[part["month"]]), part.get("d"), None)
    if match := _YEAR_LAST.fullmatch(core):
        return _either_way(int(match[4]), int(match[1]), int(match[3]))
    return None


def _last_of_two(plain: str) -> date:
    """The end of a period typed as two dates in their order. Raises ValueError."""
    core = _AFTER.sub("", _BEFORE.sub("", plain))
    core = _YEAR_ONCE.sub(r"\g<0>\g<y>", core)  # 2026年1月1日-12月31日
    if match := _MONTHS_OF_A_YEAR.fullmatch(core):
        ends = [f"{match[1]}年{match[2]}月", f"{match[1]}年{match[3]}月"]
    elif len(ends := _BETWEEN.split(core)) != 2:
        middle = len(core) // 2
        ends = [core[:middle], core[middle + 1 :]] if core[middle : middle + 1] == "-" else []
        if len(core.split("-")) == 2:
            ends = core.split("-")
    periods = [_single(one) for one in ends]
    if len(periods) != 2 or periods[0] is None or periods[1] is None:
        raise ValueError
    if periods[0].first > periods[1].last:
        raise ValueError
    return periods[1].last


def _of_number(typed: str) -> _Period:
    """A year, a month (2023.5 or 202305), a day (20230506) or Excel's count of days."""
    whole = typed.split(".")[0]
    if len(whole) == 5 and int(whole) in _SERIALS:
        day = _EPOCH + timedelta(days=int(whole))
        return _checked(day, day)
    if len(whole) == 5 or (period := _single_number(typed)) is None:
        raise ValueError
    return period


def _single_number(typed: str) -> _Period | None:
    if not math.isfinite(float(typed)):
        return None
    return _single(typed)


def _period(year: str, month: str | None, day: str | None, when: str | None) -> _Period:
    y = int(year) if len(year) == 4 else int(year) + (2000 if int(year) < 80 else 1900)
    if month is None:
        return _part_of_year(y, when or "")
    m = int(month)
    if day is not None:
        return _checked(date(y, m, int(day)), date(y, m, int(day)))
    last = monthrange(y, m)[1] if 1 <= m <= 12 else 0
    first_day, last_day = {
        "上旬": (1, 10),
        "中旬": (11, 20),
        "下旬": (21, last),
        "初": (1, 10),
    }.get(when or "", (1, last))
    return _checked(date(y, m, first_day), date(y, m, last_day), when in ("底", "末"))


def _part_of_year(year: int, when: str) -> _Period:
    first, last = 1, 12
    if "初" in when:
        last = 3
    elif "中" in when:
        first, last = 6, 6
    elif "上半" in when:
        last = 6
    elif "下半" in when:
        first = 7
    elif found := re.search("[1-4一二三四]", when):
        quarter = int(chinese_number(found.group()) or 0)
        first, last = 3 * quarter - 2, 3 * quarter
    end = date(year, last, monthrange(year, last)[1])
    return _checked(date(year, first, 1), end, when.endswith(("底", "末")))


def _either_way(year: int, one: int, other: int) -> _Period:
    """Day and month before the year: only where one of the two readings exists."""
    readings = set()
    for month, day in ((one, other), (other, one)):
        with suppress(ValueError):
            readings.add(date(year, month, day))
    (found,) = readings  # two are ambiguous, none is impossible: ValueError both
    return _checked(found, found)


def _checked(first: date, last: date, last_day: bool = False) -> _Period:
    if not _FIRST_YEAR <= first.year <= last.year <= _LAST_YEAR:
        raise ValueError
    return _Period(first, last, last_day)


def _digits(match: re.Match[str]) -> str:
    """二〇二三年五月 in digits."""
    numerals = match[1].translate(_ZERO)
    year = "".join(
        one if one.isascii() else str("〇一二三四五六七八九".find(one)) for one in numerals
    )
    month, day = (
        1 if part == "元" else int(chinese_number(part) or 0) if part else None
        for part in match.groups()[1:]
    )
    return (
        f"{year}年"
        + (f"{month}月" if month is not None else "")
        + (f"{day}日" if day is not None else "")
    )


_ZERO: Final = str.maketrans("零○", "〇〇")
