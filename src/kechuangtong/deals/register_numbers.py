"""Register numbers of technology contracts (技术合同登记编号), as far as they show what is wrong.

Of 16 digits: year 4, region 4, point 2, serial 6, as printed covers group them (4-4-2-6; inferred,
not read in a rule). The old form of 14: year 2, province 2, city 2, point 2, serial 6. Neither has
a check digit.
"""

import re
import unicodedata
from datetime import date
from typing import Final

from kechuangtong.core.language import Text

_FIRST_YEAR: Final = 1988  # 技术合同法 came into force at the end of the year before
# The first two digits of GB/T 2260, and 66 of the Corps of Xinjiang.
_PROVINCES: Final = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 "
    "50 51 52 53 54 61 62 63 64 65 66 71 81 82".split()
)
_LENGTH: Final = Text(
    "应为 16 位数字，或旧式 14 位数字", "there are 16 digits, or 14 of the old form"
)
_YEAR: Final = Text("年份 {year} 不可能", "the year {year} is impossible")
_PROVINCE: Final = Text("地区代码 {region} 不存在", "there is no region {region}")
_SERIAL: Final = Text("顺序号不能全为 0", "the serial number is not zero")


def check_register_number(text: str, on: date) -> str:
    """The digits of a number that was given by a day. Raises ValueError with a Text."""
    digits = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text))
    if not re.fullmatch(r"[0-9]{14}(?:[0-9]{2})?", digits):
        raise ValueError(_LENGTH)
    if len(digits) == 16:
        year, rest = int(digits[:4]), digits[4:]
    else:
        year, rest = _full_year(int(digits[:2])), digits[2:]
    if not _FIRST_YEAR <= year <= on.year:
        raise ValueError(_YEAR.format(year=year))
    if rest[:2] not in _PROVINCES:
        raise ValueError(_PROVINCE.format(region=rest[:4]))
    if not int(rest[-6:]):
        raise ValueError(_SERIAL)
    return digits


def _full_year(year: int) -> int:
    return year + (1900 if year >= _FIRST_YEAR % 100 else 2000)
