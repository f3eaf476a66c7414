"""Amounts of money as people type them, in yuan.

A cell's own unit beats the header's; a number with neither is refused. 自筹 and 待定 name no
amount, 面议 leaves it to talks, 免费 is nothing to pay. A bound (不超过50万, 100万以上) is a range
with one side. Refused: vague amounts (一百来万), other currencies, shares and yearly sums, several
amounts in one cell, ranges that run backwards, what is below zero.
"""

import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from kechuangtong.core.language import Text
from kechuangtong.core.text import identity
from kechuangtong.core.trade import Price, PriceKind
from kechuangtong.imports.cells import Cell, CellError, chinese_number, says_nothing, text

_CURRENCY: Final = "¥|yuan|rmb|cny|人民币"
_UNIT: Final = re.compile(
    rf"(?:10k|10,?000)元?|million|thousand|[十百千]?[万亿]元?|[百千]元|元|圆|{_CURRENCY}"
)
_FOREIGN: Final = re.compile(
    r"[美欧港澳台日韩]元|[美欧日]金|港币|台币|新?台币|澳币|英镑|日圆|卢布|卢比|马克|法郎|"
    r"usd|eur|hkd|gbp|jpy|twd|nt\$|\$|€|£"
)
# What the database keeps: twelve digits before the point.
_LIMIT: Final = Decimal(1_000_000_000_000)
_CENT: Final = Decimal("0.01")

_NO_UNIT: Final = Text(
    "金额没有单位，表头也没有：请写明 元 或 万元",
    "neither the cell nor the header names a unit: write 元 or 万元",
)

_NEGOTIABLE: Final = re.compile(
    "(?:价格|价钱|费用|具体|可|双方|进一步|另行|待|再|或|/)*(?:一事一议|面议|面谈|面洽|洽谈|协商|商议|商谈|商定|另议|再议|"
    "待议|议价|议定|详谈|详议|电议|待谈|另谈|再谈|可谈|详询|电询|面询|询价|协议定?价?|negotia[a-z]*|tobediscussed)(?:价格|确定|决定|而定)*"
)
_UNSAID: Final = re.compile(
    "(?:企业|单位|资金|全部|完全|财政|政府|银行)*(?:自筹|拨款|贷款|补助|资助)(?:资金|经费)*|(?:金额|价格|预算)*(?:待定|未定|待估|待评估|未评估|未知|不详|保密|不限|"
    "据实|暂不确定|尚未确定|暂未确定|tbd|unknown|confidential|self-?funded)(?:结算)*"
    "|(?:视|根据|依据?|按照?)[^0-9,;]{1,12}(?:而定|确定|商定|决定|结算|定价)|评估后?(?:再?确定|定价)|视情况|视项目"
    "|(?:暂无|尚无|没有|无)(?:明确|具体|固定|专项)?(?:预算|报价|经费|价格)"
)
_FREE: Final = re.compile("(?:免费|无偿|零元|free)(?:许可|转让|使用|提供|实施|ofcharge)*")
_NAMES_AMOUNT: Final = re.compile(
    "[0-9]|[一二两三四五六七八九十几数好壹贰叁肆伍陆柒捌玖拾百佰千仟上近]"
    "[一二两三四五六七八九十拾百佰千仟余多来几]*[十拾百佰千仟万亿元]"
)
# What in a remark would change what the amount means.
_CHANGES_MEANING: Final = re.compile(
    r"[0-9每/%]|[年月日起另余多]|[二两三四五六七八九十几数百千万亿]|以上|以下|以内|以外|超过|不足|提成|分成|(?<!独)占|"
    + _FOREIGN.pattern
)
_LABEL: Final = re.compile(
    r"(?:大?约|大概|将?近|接近|参考|挂牌|一次性(?:付清|支付)?|买断|合同额?|(?:不?含|未含)(?:增值)?税|税[前后]|预计|预估|预算|暂定|暂估|拟|计划|总价|总计|总额|合计|共计?|技术|专利|成果|转让|普通|独占|许可|使用|"
    r"费用?|报价|意向|价格|售价|标价|评估|价|金额|经费|资金|总?投资|投入|企业|研发|为|是|人民币|rmb|cny|¥|about|approx\.?|:|,)+"
)
_AFTER: Final = re.compile(
    r"(?:(?:不?含|未含)(?:增值)?税|税[前后]|左右|上下|之间|范围|整|正|人民币|rmb|cny|或|可|/项|/件|/套|/次|[,。.;、!/])+$"
)
_DASH: Final = re.compile("[-~—–−―─‐‑‒〜]+|至|到")
_AT_MOST: Final = re.compile(
    r"(?:不超过|不高于|不多于|不大于|最高|最多|至多|上限为?|不到|不足|小于等于|小于|低于|少于|≤|<=?|upto|max)(.+)"
    r"|(.+?)(?:及|或)?(?:以内|以下|之内|封顶)"
)
_AT_LEAST: Final = re.compile(
    r"(?:不低于|不少于|不小于|最低|最少|至少|底价|起拍价|大于等于|大于|高于|超过|超|逾|多于|≥|>=?|atleast|min)(.+)"
    r"|(.+?)(?:(?:及|或)?以上|起步价?|起价?|\+|往上)"
)
_WORDS: Final = (
    (r"million", "百万"),
    (r"billion", "十亿"),
    (r"(?:thousand|(?<=[0-9])k(?![a-z]))(?:yuan|元)?", "千元"),
    (r"(?<=[0-9])w(?![a-z])", "万"),
    (r"yuan|圆|块钱?", "元"),
)


def unit_of(header: str) -> Decimal | None:
    """Yuan in the unit that a header names (预算（万元）, 单位：元); None where none is.

    元/万元 leaves it open, and so does another currency.
    """
    folded = identity(header)
    found = set(_UNIT.findall(folded))
    if _FOREIGN.search(folded) or not found:
        return None
    sizes = {_size(unit) for unit in found if not re.fullmatch(_CURRENCY, unit)}
    return min(sizes, default=Decimal(1)) if len(sizes) < 2 else None


def _size(unit: str) -> Decimal:
    known = {"10": "万", "mi": "百万", "th": "千"}.get(unit[:2], unit)
    return chinese_number("1" + re.sub("[^十百千万亿]", "", known)) or Decimal(1)


def names_foreign_currency(header: str) -> bool:
    """Whether amounts under a header are no yuan (报价（万美元）)."""
    return bool(_FOREIGN.search(identity(header)))


def parse_price(value: Cell, unit: Decimal | None = None, *, foreign: bool = False) -> Price:
    """The price or budget of a cell under a header whose unit is `unit` yuan, if it names one.

    Under a header that names a `foreign` currency only amounts that say 元 are yuan.
    Raises CellError: `price_not_understood`.
    """
    typed = text(value)
    if isinstance(value, bool | date) or len(typed) > 200:
        raise CellError("price_not_understood", typed[:200])
    if says_nothing(typed):
        return Price(PriceKind.UNKNOWN)
    folded = identity(typed)
    if _FREE.fullmatch(folded):
        return Price(PriceKind.FIXED, Decimal(0), Decimal(0))
    rest, negotiable = _NEGOTIABLE.subn("", folded)
    rest, unsaid = _UNSAID.subn("", rest)
    if (negotiable or unsaid) and not _NAMES_AMOUNT.search(rest):
        return Price(PriceKind.NEGOTIABLE if negotiable else PriceKind.UNKNOWN)
    if foreign and not re.search(f"元|{_CURRENCY}", folded):
        raise CellError("price_not_understood", typed)
    if re.search(_CURRENCY, folded):
        unit = Decimal(1)
    try:
        low, high = _bounds(_without_remarks(rest.strip(",;/。、")), unit)
    except _UnitMissingError as error:
        raise CellError("price_not_understood", typed, _NO_UNIT) from error
    except ValueError as error:
        raise CellError("price_not_understood", typed) from error
    if low == high:
        return Price(PriceKind.FIXED, low, high)
    return Price(PriceKind.RANGE, low, high)


class _UnitMissingError(ValueError):
    """A bare number under a header without a unit."""


def _without_remarks(folded: str) -> str:
    """The amount without remarks that leave its meaning alone (含税, 一次性付清)."""

    def without(remark: re.Match[str]) -> str:
        inner = remark[1]
        if _UNIT.fullmatch(inner):
            return str(inner)
        _check_remark(inner)
        return ""

    folded = re.sub(r"^[(\[【](.*)[)\]】]$", r"\1", folded)  # 面议（50万起）
    plain = re.sub(r"[(\[【]([^()\[\]【】]*)[)\]】]", without, folded)
    for word, meaning in _WORDS:
        plain = re.sub(word, meaning, plain)
    amount, *remarks = re.split(r"[;。!]|,(?![0-9]{3}(?![0-9]))", plain)
    for remark in remarks:
        _check_remark(remark)
    return amount


def _check_remark(remark: str) -> None:
    if _CHANGES_MEANING.search(remark):
        raise ValueError


def _bounds(folded: str, unit: Decimal | None) -> tuple[Decimal | None, Decimal | None]:
    core = _bare(folded)
    if bound := _AT_MOST.fullmatch(core):
        return None, _amount(bound[1] or bound[2], unit)
    if bound := _AT_LEAST.fullmatch(core):
        return _amount(bound[1] or bound[2], unit), None
    ends = [_bare(end) for end in _DASH.split(core)]
    if len(ends) == 1:
        return (only := _amount(ends[0], unit)), only
    if len(ends) > 2:
        raise ValueError
    return _range(ends[0], ends[1], unit)


def _bare(folded: str) -> str:
    return _AFTER.sub("", _LABEL.sub("", folded, count=1) if _LABEL.match(folded) else folded)


def _amount(typed: str, unit: Decimal | None) -> Decimal:
    """The yuan of one amount. Raises ValueError."""
    body = _bare(typed)
    number = chinese_number(body.removesuffix("元"))
    if number is None:
        raise ValueError
    if not _has_unit(body):
        if unit is None:
            raise _UnitMissingError
        number *= unit
    return _yuan(number)


def _range(low: str, high: str, unit: Decimal | None) -> tuple[Decimal, Decimal]:
    if _has_unit(low) == _has_unit(high):
        readings = [(_amount(low, unit), _amount(high, unit))]
    elif _has_unit(high):
        readings = [(one, _amount(high, unit)) for one in _borrowed(low, high)]
    else:
        readings = [(_amount(low, unit), one) for one in _borrowed(high, low)]
    # 五到十万 is 50,000 to 100,000, 五千到一万元 is 5,000 to 10,000: the reading that runs upwards.
    return next((one for one in readings if one[0] <= one[1]), None) or _refuse()


def _refuse() -> tuple[Decimal, Decimal]:
    raise ValueError


def _has_unit(body: str) -> bool:
    return body.endswith("元") or "万" in body or "亿" in body


def _borrowed(body: str, lender: str) -> list[Decimal]:
    """What an end of a range without a unit may be in the unit of the other end."""
    large = re.search("[万亿]*$", lender.removesuffix("元"))
    sizes = [large.group() if large else ""]
    if re.fullmatch(r"[0-9.,]+|[〇零一二三四五六七八九两]+", body):
        full = re.search("[0-9〇零一二三四五六七八九两]([十百千万亿]*)$", lender.removesuffix("元"))
        sizes = [full[1], *sizes] if full else sizes
    else:
        sizes.append("")  # 8千到1万
    found = [chinese_number(body + size) for size in sizes]
    return [_yuan(one) for one in found if one is not None]


def _yuan(number: Decimal) -> Decimal:
    if number >= _LIMIT:
        raise ValueError
    return number.quantize(_CENT, ROUND_HALF_UP)
