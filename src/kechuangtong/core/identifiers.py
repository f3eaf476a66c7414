"""Numbers that carry their own proof: organizations' codes, patents and other rights.

统一社会信用代码 after GB 32100-2015: 18 characters of an alphabet of 31, the last a check over
the others (weights 3^i mod 31); characters 9 to 17 are the organization code of GB 11714-1997
with a check of its own (mod 11). Numbers of patent applications after ZC 0006-2003: year,
kind, serial and a check digit (weights 2 to 9, mod 11, 10 written X).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from kechuangtong.core.clock import today
from kechuangtong.core.language import Text

MESSAGES: Final = {
    "uscc_length": Text(
        "统一社会信用代码应为 18 位，现为 {length} 位",
        "a unified social credit code has 18 characters, this has {length}",
    ),
    "uscc_character": Text(
        "统一社会信用代码不应有字符“{character}”",
        'a unified social credit code cannot have "{character}" at this place',
    ),
    "uscc_category": Text(
        "统一社会信用代码的前两位“{category}”不是登记部门和机构类别",
        'the first two characters "{category}" name no registry and category',
    ),
    "uscc_region": Text(
        "统一社会信用代码第 3 至 8 位“{region}”不是行政区划",
        'characters 3 to 8, "{region}", are no region',
    ),
    "uscc_organization_check": Text(
        "第 9 至 17 位的组织机构代码校验位不符，请核对",
        "the check character of the organization code (characters 9 to 17) is wrong",
    ),
    "uscc_check": Text(
        "统一社会信用代码的校验位不符，请核对",
        "the check character of the unified social credit code is wrong",
    ),
    "uscc_identity_card": Text(
        "这是居民身份证号码，不是统一社会信用代码",
        "this is the number of an identity card, not a unified social credit code",
    ),
    "patent_check_digit": Text(
        "专利号的校验位不符，请核对号码",
        "the check digit of the patent number is wrong",
    ),
    "patent_year": Text(
        "专利号中的年份 {year} 不可能",
        "the year {year} in the patent number is impossible",
    ),
    "patent_not_understood": Text(
        "不是可识别的专利号或其他知识产权号（专利号须含校验位，如 ZL201710601862.3）",
        "not a number of a patent or another right (a patent number includes its check digit, "
        "as in ZL201710601862.3)",
    ),
}


class IdentifierError(ValueError):
    """A number that cannot be right: a stable code, and why in both languages."""

    def __init__(self, code: str, **values: object) -> None:
        self.code = code
        self.message = MESSAGES[code].format(**values)
        super().__init__(self.message.en)


# The registry's character and the categories it hands out, as quoted at osuse.cn/post/10002590
# from the rules after 国发〔2015〕33号 with the amendments for A and N.
_CATEGORIES: Final = {
    "1": "1239",  # 机构编制
    "2": "19",  # 外交
    "3": "123459",  # 司法行政
    "4": "19",  # 文化
    "5": "1239",  # 民政
    "6": "129",  # 旅游
    "7": "129",  # 宗教
    "8": "19",  # 工会
    "9": "123",  # 工商
    "A": "19",  # 中央军委改革和编制办公室
    "N": "1239",  # 农业
    "Y": "1",  # 其他
}
# GB/T 2260 provinces; 10 stands for bodies registered with the central government.
_PROVINCE: Final = re.compile("10|1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-6]|71|8[12]")
_USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORGANIZATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_IDENTITY_CARD_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_PATENT_WEIGHTS: Final = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)


def check_uscc(text: str) -> str:
    """The code in its one form: half width, upper case, without spaces and hyphens.

    Raises IdentifierError with a code `uscc_…` that says what is wrong with it.
    """
    code = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text)).upper()
    if len(code) != 18:
        raise IdentifierError("uscc_length", length=len(code))
    if _is_identity_card(code):
        raise IdentifierError("uscc_identity_card")
    for place, character in enumerate(code):
        # Only the registry may be a letter outside the organization code and the check.
        allowed = _USCC_ALPHABET if place == 0 or place >= 8 else "0123456789"
        if character not in allowed:
            raise IdentifierError("uscc_character", character=character)
    if code[1] not in _CATEGORIES.get(code[0], ""):
        raise IdentifierError("uscc_category", category=code[:2])
    if not _PROVINCE.fullmatch(code, 2, 4):
        raise IdentifierError("uscc_region", region=code[2:8])
    if code[16] != _organization_check(code[8:16]):
        raise IdentifierError("uscc_organization_check")
    if code[17] != _uscc_check(code[:17]):
        raise IdentifierError("uscc_check")
    return code


def _uscc_check(body: str) -> str:
    total = sum(_USCC_ALPHABET.index(one) * pow(3, place, 31) for place, one in enumerate(body))
    return _USCC_ALPHABET[-total % 31]


def _organization_check(body: str) -> str:
    # GB 11714 values letters as in base 36, unlike the alphabet of 31.
    total = sum(int(one, 36) * by for one, by in zip(body, _ORGANIZATION_WEIGHTS, strict=True))
    return "0123456789X"[-total % 11]


def _is_identity_card(code: str) -> bool:
    """GB 11643: a birthday at 7 to 14 and a check that is right. No code is so by chance."""
    digits, check = code[:17], code[17]
    if not (code.isascii() and digits.isdigit()):
        return False
    try:
        born = date(int(code[6:10]), int(code[10:12]), int(code[12:14]))
    except ValueError:
        return False
    total = sum(int(one) * by for one, by in zip(digits, _IDENTITY_CARD_WEIGHTS, strict=True))
    return date(1900, 1, 1) <= born <= today() and check == "10X98765432"[total % 11]


class IntellectualPropertyKind(StrEnum):
    """What a right is (知识产权类型)."""

    INVENTION = "invention"  # 发明
    UTILITY_MODEL = "utility_model"  # 实用新型
    DESIGN = "design"  # 外观设计
    PCT = "pct"  # PCT 国际申请
    SOFTWARE_COPYRIGHT = "software_copyright"  # 软件著作权
    PLANT_VARIETY = "plant_variety"  # 植物新品种
    OTHER = "other"  # 国外专利、集成电路布图设计、品种审定等


@dataclass(frozen=True, slots=True)
class Patent:
    """A patent or another right by its number, which has one form for all ways to type it.

    An application number keeps its ZL, the sign of a grant; `granted` is None where the number
    does not say.
    """

    number: str
    kind: IntellectualPropertyKind
    granted: bool | None


_KIND_OF_DIGIT: Final = {
    "1": IntellectualPropertyKind.INVENTION,
    "2": IntellectualPropertyKind.UTILITY_MODEL,
    "3": IntellectualPropertyKind.DESIGN,
    "8": IntellectualPropertyKind.PCT,  # 进入国家阶段的发明
    "9": IntellectualPropertyKind.PCT,  # 进入国家阶段的实用新型
}
_KIND_OF_LETTER: Final = {
    **dict.fromkeys("ABC", IntellectualPropertyKind.INVENTION),
    **dict.fromkeys("UY", IntellectualPropertyKind.UTILITY_MODEL),
    **dict.fromkeys("DS", IntellectualPropertyKind.DESIGN),
}

# Numbers as people type them, after NFKC and in upper case: spaces between the parts, any dot.
_RIGHT: Final = re.compile(
    r"""
    (?:(?<![0-9A-Z])|(?=ZL|CN\d))
    (?:
      CN\s?(?P<publication>\d{7,9})\s?(?P<letter>[ABCDSUY]\d?)(?![0-9A-Z])
    | (?:(?P<prefix>Z\s?L|CN)[\s.:\-]*(?:NO[\s.:]*|第\s?)?)?(?P<year>\d{4})[\s\-]?(?P<digit>\d)
        [\s\-]?(?P<serial>\d{7})
        \s?[.·・•。\-]?\s?(?P<check>[\dX])(?![0-9X])
    | (?:(?P<old_prefix>Z\s?L|CN)[\s.:\-]*(?:NO[\s.:]*|第\s?)?)?
        (?P<old_year>8[5-9]|9\d|0[0-3])\s?(?P<old_digit>\d)\s?
        (?P<old_serial>\d{5})\s?(?P<old_dot>[.·・•。\-]?)\s?(?P<old_check>[\dX])(?![0-9X])
    | PCT\s?/?\s?(?P<office>[A-Z]{2})\s?/?(?P<pct_year>\d{4})\s?/?\s?(?P<pct_serial>\d{6})(?!\d)
    | WO\s?/?\s?(?P<wo_year>\d{4})\s?/?\s?(?P<wo_serial>\d{6})\s?(?P<wo_letter>[A-Z]\d)?(?![0-9A-Z])
    | (?P<software_year>\d{4})\s?SR\s?(?P<software_serial>\d{6,7})(?!\d)
    | 软著登字第?\s?(?P<certificate>\d{5,8})\s?号?(?!\d)
    | CNA\s?(?P<variety>\d{8,11}(?:\.\d)?)(?!\d)
    | BS\s?\.?\s?(?P<layout>\d{8,11}(?:\.[\dX])?)(?![0-9X])
    | (?P<approval>[一-鿿]审[一-鿿]{1,4}\s?\d{7,11}|国药准字\s?[A-Z]\d{8})(?!\d)
    | (?P<country>US|EP|JP|KR|DE|GB|FR|AU|CA|TW|HK|RU|IN|SG)\s?
        (?P<foreign>\d[\d,/\-.]{4,14}\d)\s?(?P<foreign_letter>[A-Z]\d?)?(?![0-9A-Z])
    )
    """,
    re.VERBOSE | re.ASCII,
)

# Whether it is granted, written behind a number.
_GRANTED: Final = re.compile(r"\s*\(([已未])授权\)")


def parse_patent(text: str) -> Patent:
    """The right that one number names: with or without ZL or CN, full width, spaced, undotted.

    Raises IdentifierError: `patent_check_digit`, `patent_year` or `patent_not_understood`.
    """
    found = _RIGHT.fullmatch(_plain(text).strip())
    if found is None:
        raise IdentifierError("patent_not_understood")
    return _right(found)


@dataclass(frozen=True, slots=True)
class Found:
    """A number found in a text: as it was typed, with what it names or why it names nothing."""

    typed: str
    right: Patent | IdentifierError


def find_patents(text: str) -> tuple[list[Found], str]:
    """Every number in a text, and the text that is left between them (half width, upper case)."""
    plain = _plain(text)
    found = list(_find(plain))
    return found, _RIGHT.sub("\n", plain)


def _find(plain: str) -> Iterator[Found]:
    for match in _RIGHT.finditer(plain):
        typed = match.group().strip()
        try:
            right = _right(match)
            if said := _GRANTED.match(plain, match.end()):
                right = replace(right, granted=said[1] == "已")
            yield Found(typed, right)
        except IdentifierError as error:
            yield Found(typed, error)


def _plain(text: str) -> str:
    # × and the Cyrillic letter are typed for the check character X; ① counts and is no digit.
    text = re.sub("[\u2460-\u2473]", "\n", text)
    return unicodedata.normalize("NFKC", text).upper().replace("×", "X").replace("Х", "X")


def _right(match: re.Match[str]) -> Patent:
    part = match.groupdict()
    kinds = IntellectualPropertyKind
    if part["serial"]:
        body = part["year"] + part["digit"] + part["serial"]
        return _application(part["prefix"], part["year"], body, part["check"])
    if part["old_serial"]:
        if not part["old_prefix"] and not part["old_dot"]:
            raise IdentifierError("patent_not_understood")  # nine digits could be anything
        year = ("20" if part["old_year"] < "80" else "19") + part["old_year"]
        body = part["old_year"] + part["old_digit"] + part["old_serial"]
        return _application(part["old_prefix"], year, body, part["old_check"])
    if part["publication"]:
        kind = _KIND_OF_LETTER[part["letter"][0]]
        number = f"CN{part['publication']}{part['letter']}"
        return Patent(number, kind, part["letter"][0] != "A")
    if part["pct_serial"]:
        number = f"PCT/{part['office']}{_year(part['pct_year'])}/{part['pct_serial']}"
        return Patent(number, kinds.PCT, None)
    if part["wo_serial"]:
        number = f"WO{_year(part['wo_year'])}{part['wo_serial']}{part['wo_letter'] or ''}"
        return Patent(number, kinds.PCT, None)
    if part["software_serial"]:
        number = f"{_year(part['software_year'])}SR{part['software_serial']}"
        return Patent(number, kinds.SOFTWARE_COPYRIGHT, True)
    if part["certificate"]:
        return Patent(f"软著登字第{part['certificate']}号", kinds.SOFTWARE_COPYRIGHT, True)
    if part["variety"]:
        return Patent(f"CNA{part['variety']}", kinds.PLANT_VARIETY, None)
    if part["layout"]:
        return Patent(f"BS.{part['layout']}", kinds.OTHER, None)
    if part["approval"]:
        return Patent("".join(part["approval"].split()), kinds.OTHER, True)
    letter = part["foreign_letter"] or ""
    number = part["country"] + part["foreign"].replace(",", "") + letter
    return Patent(number, kinds.OTHER, True if letter.startswith("B") else None)


def _application(prefix: str | None, year: str, body: str, check: str) -> Patent:
    kind = _KIND_OF_DIGIT.get(body[-8] if len(body) == 12 else body[2])
    if kind is None:
        raise IdentifierError("patent_not_understood")
    total = sum(int(one) * by for one, by in zip(body, _PATENT_WEIGHTS, strict=False))
    if check != "0123456789X"[total % 11]:
        raise IdentifierError("patent_check_digit")
    _year(year)
    granted = True if prefix and prefix != "CN" else None
    return Patent(f"{'ZL' if granted else ''}{body}.{check}", kind, granted)


def _year(year: str) -> str:
    if not 1985 <= int(year) <= today().year:  # the first Chinese patent law took effect in 1985
        raise IdentifierError("patent_year", year=year)
    return year
