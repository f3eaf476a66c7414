"""What people type of instruments: their classes, countries, values, states and places."""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from kechuangtong.core.text import identity
from kechuangtong.core.trade import PriceKind
from kechuangtong.imports.amounts import parse_price
from kechuangtong.imports.cells import MESSAGES, Cell, CellError, parse_line, says_nothing, text
from kechuangtong.models.instrument import InstrumentKind, InstrumentStatus, ShareMode

KINDS: Final = {
    InstrumentKind.INSTRUMENT: "单台套",
    InstrumentKind.LARGE_FACILITY: "大型装置",
    InstrumentKind.SERVICE_UNIT: "服务单元",
    InstrumentKind.COMPUTING_RESOURCE: "计算资源",
}
STATUSES: Final = {
    InstrumentStatus.NORMAL: "正常",
    InstrumentStatus.STANDBY: "待机",
    InstrumentStatus.REMOTE: "远程服务中",
    InstrumentStatus.OCCASIONAL_FAULTS: "偶有故障",
    InstrumentStatus.FREQUENT_FAULTS: "故障频繁",
    InstrumentStatus.AWAITING_REPAIR: "待修",
    InstrumentStatus.AWAITING_SCRAPPING: "待报废",
}
SHARE_MODES: Final = {
    ShareMode.EXTERNAL: "外部共享",
    ShareMode.INTERNAL: "内部共享",
    ShareMode.NONE: "不共享",
}
CHOICES: Final[Mapping[str, Mapping[Any, str]]] = {
    "kind": KINDS,
    "status": STATUSES,
    "share_mode": SHARE_MODES,
}
# Other words for them, as they are compared.
_OTHERWISE: Final[Mapping[str, Mapping[str, StrEnum]]] = {
    "kind": {
        "仪器": InstrumentKind.INSTRUMENT,
        "仪器设备": InstrumentKind.INSTRUMENT,
        "单台": InstrumentKind.INSTRUMENT,
        "单台(套)": InstrumentKind.INSTRUMENT,
        "单台套仪器": InstrumentKind.INSTRUMENT,
        "装置": InstrumentKind.LARGE_FACILITY,
        "大科学装置": InstrumentKind.LARGE_FACILITY,
        "服务平台": InstrumentKind.SERVICE_UNIT,
        "算力": InstrumentKind.COMPUTING_RESOURCE,
        "算力资源": InstrumentKind.COMPUTING_RESOURCE,
        "计算平台": InstrumentKind.COMPUTING_RESOURCE,
    },
    "status": {
        "正常运行": InstrumentStatus.NORMAL,
        "运行正常": InstrumentStatus.NORMAL,
        "良好": InstrumentStatus.NORMAL,
        "完好": InstrumentStatus.NORMAL,
        "在用": InstrumentStatus.NORMAL,
        "闲置": InstrumentStatus.STANDBY,
        "远程服务": InstrumentStatus.REMOTE,
        "维修": InstrumentStatus.AWAITING_REPAIR,
        "维修中": InstrumentStatus.AWAITING_REPAIR,
        "故障": InstrumentStatus.AWAITING_REPAIR,
        "报废": InstrumentStatus.AWAITING_SCRAPPING,
    },
    "share_mode": {
        "外部": ShareMode.EXTERNAL,
        "对外共享": ShareMode.EXTERNAL,
        "对外开放": ShareMode.EXTERNAL,
        "开放共享": ShareMode.EXTERNAL,
        "共享": ShareMode.EXTERNAL,
        "是": ShareMode.EXTERNAL,
        "内部": ShareMode.INTERNAL,
        "校内": ShareMode.INTERNAL,
        "校内共享": ShareMode.INTERNAL,
        "对内共享": ShareMode.INTERNAL,
        "否": ShareMode.NONE,
        "不开放": ShareMode.NONE,
        "不对外共享": ShareMode.INTERNAL,
    },
}
# GB/T 2659, of the countries that instruments come from.
_COUNTRIES: Final = {
    "中国": "CHN",
    "国产": "CHN",
    "中国台湾": "TWN",
    "中国香港": "HKG",
    "美国": "USA",
    "德国": "DEU",
    "日本": "JPN",
    "英国": "GBR",
    "法国": "FRA",
    "瑞士": "CHE",
    "荷兰": "NLD",
    "瑞典": "SWE",
    "丹麦": "DNK",
    "挪威": "NOR",
    "芬兰": "FIN",
    "意大利": "ITA",
    "西班牙": "ESP",
    "葡萄牙": "PRT",
    "奥地利": "AUT",
    "比利时": "BEL",
    "爱尔兰": "IRL",
    "捷克": "CZE",
    "波兰": "POL",
    "匈牙利": "HUN",
    "立陶宛": "LTU",
    "爱沙尼亚": "EST",
    "俄罗斯": "RUS",
    "乌克兰": "UKR",
    "白俄罗斯": "BLR",
    "加拿大": "CAN",
    "墨西哥": "MEX",
    "巴西": "BRA",
    "澳大利亚": "AUS",
    "新西兰": "NZL",
    "韩国": "KOR",
    "新加坡": "SGP",
    "马来西亚": "MYS",
    "泰国": "THA",
    "印度": "IND",
    "以色列": "ISR",
    "土耳其": "TUR",
    "南非": "ZAF",
}


def parse_choice(value: Cell, field: str) -> Any:  # noqa: ANN401
    """Which of the choices of a field a cell names, if any. Raises CellError
    `{field}_not_understood`."""
    if says_nothing(typed := text(value)):
        return None
    folded = identity(typed)
    choices = CHOICES[field]
    for one, name in choices.items():
        if folded in (name, one.value):
            return one
    if (other := _OTHERWISE[field].get(folded)) is not None:
        return other
    message = MESSAGES["choice_not_understood"].format(choices="、".join(choices.values()))
    raise CellError(f"{field}_not_understood", typed, message)


def parse_class_code(value: Cell) -> str | None:
    """Six digits, also where a sheet has taken them for a number and lost the first, or a name
    stands behind them. Raises CellError `class_code_not_understood`."""
    if says_nothing(typed := text(value)):
        return None
    found = re.match(r"(\d{2})[-. ]?(\d{2})[-. ]?(\d{2})(?!\d)|(\d{5})(?!\d)", identity(typed))
    if found is None:
        raise CellError("class_code_not_understood", typed)
    return "0" + found[4] if found[4] else found[1] + found[2] + found[3]


def parse_country(value: Cell) -> str | None:
    """The code of a country; 进口 names none. Raises CellError `country_not_understood`."""
    typed = parse_line(value)
    if typed is None or (folded := identity(typed)) in ("进口", "国外"):
        return None
    if re.fullmatch("[a-z]{2,3}|[0-9]{3}", folded):
        return folded.upper()
    if (code := _COUNTRIES.get(folded)) is None:
        raise CellError("country_not_understood", typed)
    return code


def parse_value(value: Cell, unit: Decimal | None, *, foreign: bool) -> Decimal | None:
    """One amount in yuan. Raises CellError `price_not_understood`, `value_not_understood`."""
    price = parse_price(value, unit, foreign=foreign)
    if price.kind is PriceKind.UNKNOWN:
        return None
    if price.kind is not PriceKind.FIXED:
        raise CellError("value_not_understood", text(value))
    return price.low


def parse_coordinate(value: Cell) -> float | None:
    """Decimal degrees, east and north. Raises CellError `coordinate_not_understood`."""
    if says_nothing(typed := text(value)):
        return None
    found = re.fullmatch(
        r"(?:东经|北纬|[en])?(-?\d{1,3}(?:\.\d{1,12})?)[°度]?[en]?", identity(typed)
    )
    if found is None:
        raise CellError("coordinate_not_understood", typed)
    return float(found[1])


def parse_url(value: Cell) -> str | None:
    """An address on the web; one without its protocol (www.…) gets it."""
    typed = parse_line(value)
    return f"http://{typed}" if typed is not None and typed.lower().startswith("www.") else typed
