"""What people type into a cell, turned into the trade's values.

Each parser takes a cell and gives a value, or raises CellError with a code and what was read.
An empty cell, 无, / and - say nothing and are never wrong. Refused is what names something
without saying it (几十万, 很成熟, 明年) and what is impossible. Amounts of money are in
`amounts`, dates in `dates`, stages and levels in `maturity`, patents and evaluations in `rights`.
"""

import math
import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from kechuangtong.core.identifiers import MESSAGES as IDENTIFIER_MESSAGES
from kechuangtong.core.identifiers import IdentifierError, check_uscc
from kechuangtong.core.language import Text
from kechuangtong.core.text import identity, normalize
from kechuangtong.core.trade import Cooperation, OrganizationKind

Cell = str | int | float | bool | date | datetime | None

MESSAGES: Final = IDENTIFIER_MESSAGES | {
    "title_missing": Text("缺少名称", "the title is missing"),
    "price_not_understood": Text(
        "金额无法识别：请写明数额和单位，如 120万元、50-80万元，或写 面议、待定",
        "the amount is not understood: write it with its unit, as 120万元 or 50-80万元, "
        "or 面议 (negotiable), 待定 (unknown)",
    ),
    "maturity_not_understood": Text(
        "成熟度无法识别：请填 1 至 9 级（如 TRL7、7级）或 实验室、小试、中试、产业化",
        "the maturity is not understood: a level from 1 to 9 (TRL7, 7级) or "
        "实验室 (laboratory), 小试 (bench), 中试 (pilot), 产业化 (industrial)",
    ),
    "date_not_understood": Text(
        "日期无法识别或不存在：请写 2026-05-06、2026年5月 或 2026",
        "the date is not understood or does not exist: write 2026-05-06, 2026年5月 or 2026",
    ),
    "cooperation_not_understood": Text(
        "合作方式无法识别，未采用：可写 技术转让、许可、合作开发、委托开发、作价入股、技术服务、"
        "技术咨询、均可",
        "the way of cooperation is not understood and was left out",
    ),
    "patent_without_number": Text(
        "没有写出知识产权号，未采用", "no number of a right is given, so it was left out"
    ),
    "organization_kind_not_understood": Text(
        "单位性质无法识别，未采用", "the kind of organization is not understood and was left out"
    ),
    "anonymous_not_understood": Text(
        "是否匿名无法识别：请填 是 或 否，或写 匿名、公开",
        "whether the enterprise is to be named is not understood: write 是 or 否, 匿名 or 公开",
    ),
    "class_code_not_understood": Text("分类编码应为六位数字", "a class code has six digits"),
    "country_not_understood": Text(
        "产地国别无法识别：请写国名或三位字母代码，如 德国、DEU",
        "the country is not understood: write its name or its code, as 德国 or DEU",
    ),
    "value_not_understood": Text(
        "原值应为一个数额，并写明单位，如 120万元",
        "the original value is one amount with its unit, as 120万元",
    ),
    "coordinate_not_understood": Text(
        "经度、纬度请写十进制度数，如 104.08", "write a coordinate in decimal degrees, as 104.08"
    ),
    "coordinates_incomplete": Text("经度和纬度须同时给出", "latitude and longitude go together"),
    "choice_not_understood": Text(
        "无法识别，可填：{choices}", "it is not understood; write one of: {choices}"
    ),
    "cell_error": Text("单元格是公式错误值", "the cell holds the error value of a formula"),
    "too_long": Text(
        "内容过长：最多 {limit} 个字符", "the text is too long: at most {limit} characters"
    ),
    "keyword_too_long": Text(
        "关键词过长：每个最多 {limit} 个字符", "a keyword is too long: at most {limit} characters"
    ),
    "too_many_keywords": Text(
        "关键词过多：最多 {limit} 个", "there are too many keywords: at most {limit}"
    ),
    "too_many_patents": Text(
        "知识产权号过多：最多 {limit} 个", "there are too many numbers of rights: at most {limit}"
    ),
}

KEYWORD_LENGTH: Final = 50
KEYWORDS: Final = 30


class CellError(ValueError):
    """A cell that cannot be understood: a stable code, what was read, and why."""

    def __init__(self, code: str, value: str, message: Text | None = None) -> None:
        self.code = code
        self.value = value
        self.message = message or MESSAGES[code]
        super().__init__(self.message.en)


# Characters that no keyboard types and no text needs: controls, zero widths, directions.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff"
    "\ud800-\udfff\ufffe\uffff]|_x000[dD]_"
)
_ERRORS: Final = frozenset(
    "#REF! #N/A #VALUE! #DIV/0! #NAME? #NULL! #NUM! #SPILL! #CALC! #GETTING_DATA".split()
)
_NOTHING: Final = frozenset({"无", "暂无", "没有", "空", "n/a", "na", "none", "null", "nil"})
_LONGEST_PLACEHOLDER: Final = 20  # with spaces in it
_WORD: Final = re.compile(r"\w")


def text(value: Cell) -> str:
    """What a cell shows, cleaned: no control characters, trimmed, 13800138000.0 without its .0.

    Raises CellError `cell_error` for the error value of a formula.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return _plain_number(value)
    if isinstance(value, datetime) and (value.hour or value.minute or value.second):
        return value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.strftime("%Y-%m-%d")
    cleaned = _cleaned(str(value))
    if cleaned in _ERRORS:
        raise CellError("cell_error", cleaned)
    return cleaned


@lru_cache(maxsize=256)  # a cell is looked at several times while its row is read
def _cleaned(typed: str) -> str:
    return _INVISIBLE.sub("", typed.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _plain_number(value: float) -> str:
    if not math.isfinite(value):
        return ""
    return format(Decimal(repr(value)).normalize(), "f")


def shown(value: Cell) -> str:
    """As `text`, for reports: error values too."""
    try:
        return text(value)
    except CellError as error:
        return error.value


def says_nothing(typed: str) -> bool:
    """Whether a text is empty, a placeholder (无, /) or nothing but punctuation."""
    if len(typed) > _LONGEST_PLACEHOLDER and _WORD.search(typed):
        return False  # most cells: their texts need not be folded for this
    folded = identity(typed)
    return not _WORD.search(folded) or folded in _NOTHING


_BOX: Final = "□☐○"
_TICK: Final = "☑☒■√✓✔●"


def chosen(typed: str) -> str:
    """Of options with boxes (□小试 ☑中试) those that are ticked; any other text as it is."""
    if not re.search(f"[{_BOX}]", typed):
        return typed
    mark, words = f"([{_BOX}]?[{_TICK}]|[{_BOX}])", f"([^{_BOX}{_TICK}]+)"
    if re.match(f"\\s*{words}{mark}", typed) and re.search(f"{mark}\\s*$", typed):
        options = [(box, word) for word, box in re.findall(words + mark, typed)]
    else:
        options = re.findall(mark + words, typed)
    return "、".join(word.strip() for box, word in options if not re.fullmatch(f"[{_BOX}]", box))


def parse_line(value: Cell) -> str | None:
    """A text on one line; None where the cell says nothing."""
    typed = text(value)
    if says_nothing(typed):
        return None
    # A line break inside a Chinese sentence stands for nothing, elsewhere for a space.
    joined = re.sub(r"(?<=[^\x00-\x7f])\s*\n\s*(?=[^\x00-\x7f])", "", typed)
    return " ".join(joined.split())


def parse_passage(value: Cell) -> str | None:
    """A text of several lines; None where the cell says nothing."""
    typed = text(value)
    return None if says_nothing(typed) else typed


def parse_keywords(value: Cell) -> list[str]:
    """Keywords in their order without repetitions.

    Spaces separate them only where nothing else does and the text is Chinese: `machine learning;
    robots` are two. Raises CellError `keyword_too_long` or `too_many_keywords`.
    """
    typed = text(value)
    if says_nothing(typed):
        return []
    pieces = [one for piece in re.split(r"[,，;；、|｜\n\t]+", typed) if (one := piece.strip())]
    if len(pieces) == 1 and (not pieces[0].isascii() or len(pieces[0]) > KEYWORD_LENGTH):
        pieces = pieces[0].split()
    found = {identity(one): one for piece in reversed(pieces) if (one := parse_line(piece))}
    keywords = list(found.values())[::-1]
    for keyword in keywords:
        if len(keyword) > KEYWORD_LENGTH:
            message = MESSAGES["keyword_too_long"].format(limit=KEYWORD_LENGTH)
            raise CellError("keyword_too_long", keyword, message)
    if len(keywords) > KEYWORDS:
        message = MESSAGES["too_many_keywords"].format(limit=KEYWORDS)
        raise CellError("too_many_keywords", typed, message)
    return keywords


# Read in this order; a token may name several (转让、许可).
_COOPERATION: Final = (
    (Cooperation.TRANSFER, r"(?<!不)(?<!不可)(?:转让|买断|出售)|transfer|assign|sale"),
    (Cooperation.LICENSE, r"(?<!不)(?<!不可)(?:许可|授权使用|授权)|licen[sc]"),
    (
        Cooperation.JOINT_DEVELOPMENT,
        r"(?:合作|联合|共同|协同)(?:技术)?(?:开发|研发|研究|研制|攻关|创新|转化|实施)|共建|产学研"
        r"|技术开发|^(?:技术|校企|院企)?合作$|joint|co-?develop|co-?operat|collaborat",
    ),
    (
        Cooperation.COMMISSIONED_DEVELOPMENT,
        r"委托|受托|定制(?:开发|研发)|揭榜|技术开发|commission|contractr",
    ),
    (Cooperation.EQUITY, r"入股|股权|作价|参股|合资|折股|equity|jointventure"),
    (Cooperation.SERVICE, r"服务|service"),
    (Cooperation.CONSULTING, r"咨询|顾问|consult"),
)
_COOPERATION_SEPARATORS: Final = re.compile(
    r"[,;、/|+。()\n\t]+|(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])|或者?|以及|及|和"
)
_ANY_COOPERATION: Final = re.compile("均可|不限|皆可|都可|任意|任何|多种方式|any|all")


def parse_cooperation(value: Cell) -> tuple[list[Cooperation], list[str]]:
    """The ways of cooperation in a cell, and what in it names none of them.

    均可 counts where nothing else is named; 面议 and 其他 name nothing and are not missed.
    """
    typed = chosen(text(value))
    if says_nothing(typed):
        return [], []
    found: list[Cooperation] = []
    unknown: list[str] = []
    anything = False
    for token in _COOPERATION_SEPARATORS.split(normalize(typed)):
        folded = identity(token)
        ways = [way for way, words in _COOPERATION if re.search(words, folded)]
        found += [way for way in ways if way not in found]
        anything = anything or bool(_ANY_COOPERATION.search(folded))
        known = ways or _ANY_COOPERATION.search(folded) or says_nothing(token)
        if not known and not re.fullmatch("面议|协商|面谈|其他|其它|等|方式|合作", folded):
            unknown.append(token)
    if not found and anything:
        found = [Cooperation.ANY]
    return found, unknown


_WHOSE: Final = "(?:本|我)?(?:企业|单位|公司)?(?:名称?|信息|身份)?"
_HIDDEN: Final = re.compile(
    f"{_WHOSE}不(?:予以?|同意|愿意?|宜|可以?|能|希望|想|得|要)?(?:对外)?(?:公开|显示|展示|披露|实名){_WHOSE}"
    f"|{_WHOSE}(?:是|需要?|要求?|应|请|申请|选择|希望|完全|严格|对外|必须)*(?:匿名|保密|隐藏|隐去)(?:发布|展示|处理|公开|显示)?{_WHOSE}"
    "|anonymous|confidential"
)
_SHOWN: Final = re.compile(
    f"{_WHOSE}(?:是|可以?|同意|愿意?|能|完全|对外|均可)*(?:公开|显示|展示|披露|实名)(?:发布|展示|显示)?{_WHOSE}"
    f"|(?:否|不是?|非|无需?|无须|不用|不需要?|不必|不要求?|没有?)(?:匿名|保密|隐藏)(?:要求|发布|需要|需求)?|无(?:特殊|任何)?要求|public"
)
_YES: Final = re.compile("是的?|有|对|需要?|要|同意|可以?|愿意|[√✓✔☑■]|y|yes|t|true|1")
_NO: Final = re.compile(
    "否|不是?|没有|无需?|不用|不需要?|不要|不可以?|不同意|不愿意|[×✗✘❌]|n|no|f|false|0"
)


def parse_anonymous(value: Cell, *, openness: bool) -> bool | None:
    """Whether a demand is to be published without its enterprise's name; None where the cell does
    not say. `openness`: the column asks whether the name is shown, so that 是 means the opposite.

    Raises CellError `anonymous_not_understood`.
    """
    typed = text(value)
    folded = identity(chosen(typed)).strip("。.!()")
    if _HIDDEN.fullmatch(folded):
        return True
    if _SHOWN.fullmatch(folded):
        return False
    nothing = says_nothing(folded) and not re.fullmatch("[√✓✔☑■×✗✘❌]", folded)
    if nothing and (openness or folded != "无"):
        return None
    if _YES.fullmatch(folded):
        return not openness
    if _NO.fullmatch(folded):
        return openness
    raise CellError("anonymous_not_understood", typed)


# Under 发布状态: what says that a record is not public, and is to stay so.
UNPUBLISHED: Final = ("草稿", "退回修改", "已撤回")


def parse_unpublished(value: Cell) -> str | None:
    """Which of `UNPUBLISHED` a cell says; None where it says anything else."""
    typed = identity(shown(value))
    return typed if typed in UNPUBLISHED else None


_DIGITS: Final = "〇一二三四五六七八九"
# The forms for cheques, and other ways to write the same numerals.
_PLAIN_NUMERALS: Final = str.maketrans(
    "零○壹贰叁参肆伍陆柒捌玖拾佰仟两俩", "〇〇一二三三四五六七八九十百千二二"
)
_GROUPED: Final = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?")
_SIZES: Final = (("亿", 100_000_000), ("万", 10_000), ("千", 1_000), ("百", 100), ("十", 10))


def chinese_number(typed: str) -> Decimal | None:
    """The number that a text says exactly: 120, 1,200.5, 一百二十万, 1.5亿, 三万五; else None.

    百万 without a digit before it is vague; 十万 is exact.
    """
    plain = typed.translate(_PLAIN_NUMERALS)
    return _number(plain) if len(plain) <= 40 else None


def _number(plain: str) -> Decimal | None:
    if _GROUPED.fullmatch(plain):
        return Decimal(plain.replace(",", ""))
    for mark, size in _SIZES:
        head, found, tail = plain.rpartition(mark)
        if found:
            many = _number(head) if head else Decimal(1) if mark == "十" else None
            rest = _tail(tail, size)
            if many is None or rest is None or (rest and many != many.to_integral_value()):
                return None
            if size < 10_000 and re.search("[千百十]", head):
                return None  # 五百千
            return many * size + rest
    if re.match(f"[{_DIGITS[1:]}]{{2,}}(?:点|$)", plain):
        return None  # 五六 (十万) is about so many
    if match := re.fullmatch(f"([{_DIGITS}]+)(?:点([{_DIGITS}]+))?", plain):
        whole, fraction = (
            "".join(str(_DIGITS.index(one)) for one in part or "") for part in match.groups()
        )
        return Decimal(f"{whole}.{fraction or 0}")
    return None


def _tail(tail: str, size: int) -> Decimal | None:
    """What follows 万, 千, …: 三万五 is 35,000, 三万〇五 is 30,005."""
    if not tail:
        return Decimal(0)
    if len(tail) == 1 and tail in _DIGITS and size > 10:
        return Decimal(_DIGITS.index(tail) * size // 10)
    rest = _number(tail)
    return rest if rest is not None and rest < size else None


_EMAIL: Final = re.compile(r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+", re.ASCII)
_PHONE: Final = re.compile(
    r"(?<!\d)(?:(?:\+?86[-\s]?)?1[3-9]\d[-\s]?\d{4}[-\s]?\d{4}|\(?0\d{2,3}\)?[-\s]?\d{7,8}(?:(?:-|转|ext\.?)\s?\d{1,6})?"
    r"|400[-\s]?\d{3,4}[-\s]?\d{3,4}|\d{3,4}-\d{4}|\d{7,8})(?!\d)",
    re.ASCII,
)
_CONTACT_LABEL: Final = re.compile(
    r"(?:联系人?|姓名|联系(?:电话|方式)|办公电话|电话|手机号?码?|座机|电子邮[箱件]|邮箱|e-?mail|tel|phone|mobile)\s*[:：]",
    re.IGNORECASE,
)


def parse_contact(value: Cell) -> dict[str, str]:
    """The parts of a contact typed in one cell: `name`, `phone` and `email`, if they are there."""
    typed = normalize(text(value))
    parts: dict[str, str] = {}
    for name, pattern in (("email", _EMAIL), ("phone", _PHONE)):
        found = [match.group().strip() for match in pattern.finditer(typed)]
        if found:
            parts[name] = ", ".join(found)
            typed = pattern.sub(" ", typed)
    rest = _CONTACT_LABEL.sub(" ", typed)
    name = " ".join(re.split(r"[\s,;、/|:()]+", rest)).strip()
    if not says_nothing(name):
        parts["name"] = name
    return parts


def parse_phone(value: Cell) -> str | None:
    """A telephone number as typed, half width."""
    typed = parse_line(value)
    return None if typed is None else normalize(typed)


# The end of a name decides first: a 研究院有限公司 is an enterprise.
_ORGANIZATION_KINDS: Final = (
    (OrganizationKind.BANK, "银行|bank"),
    (OrganizationKind.FUND, "基金|fund|创投|风投"),
    (
        OrganizationKind.SERVICE_INSTITUTION,
        "服务机构|中介|技术转移|事务所|交易所|交易中心|转移中心|促进中心|生产力",
    ),
    (OrganizationKind.PARK, "园区|产业园|科技园|孵化|开发区|高新区|众创|park"),
    (
        OrganizationKind.ENTERPRISE,
        "公司|企业|集团|工厂|厂$|合作社|国企|央企|民营|国有|合资|外资|个体|enterprise|company|ltd|inc",
    ),
    (OrganizationKind.LABORATORY, "实验室|laborator"),
    (
        OrganizationKind.INSTITUTE,
        "研究院|研究所|科研院所|院所|科学院|中科院|科研|研究中心|设计院|institute|academy",
    ),
    (OrganizationKind.UNIVERSITY, "大学|学院|高校|院校|学校|university|college"),
    (OrganizationKind.GOVERNMENT, "政府|局$|厅$|委员会$|委$|机关|government|bureau"),
)


def parse_organization_kind(value: Cell) -> OrganizationKind | None:
    """What an organization is, from a cell (民营企业) or from its name; None where neither says."""
    folded = identity(text(value))
    return next((kind for kind, words in _ORGANIZATION_KINDS if re.search(words, folded)), None)


def parse_uscc(value: Cell) -> str | None:
    """A 统一社会信用代码. Raises CellError with its code."""
    typed = text(value)
    if says_nothing(typed):
        return None
    try:
        return check_uscc(typed)
    except IdentifierError as error:
        raise CellError(error.code, typed, error.message) from error
