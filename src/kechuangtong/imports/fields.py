"""The fields of a list as people meet them: headers, what is meant, examples, what is chosen.

The template, the export and the list of fields are made from these, and a record's cells as the
export has them: read again they say what the record says.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from kechuangtong.core.identifiers import parse_patent
from kechuangtong.core.language import Text
from kechuangtong.core.trade import Cooperation, ImportKind, Price, PriceKind, Stage, Trl
from kechuangtong.imports import equipment
from kechuangtong.imports.cells import Cell
from kechuangtong.models import Achievement, Demand, Instrument
from kechuangtong.models.instrument import InstrumentKind, InstrumentStatus, ShareMode
from kechuangtong.policies import trl

STAGES: Final = {
    Stage.CONCEPT: "概念验证",
    Stage.LABORATORY: "实验室",
    Stage.BENCH: "小试",
    Stage.PILOT: "中试",
    Stage.INDUSTRIAL: "产业化",
}
WAYS: Final = {
    Cooperation.TRANSFER: "技术转让",
    Cooperation.LICENSE: "技术许可",
    Cooperation.JOINT_DEVELOPMENT: "合作开发",
    Cooperation.COMMISSIONED_DEVELOPMENT: "委托开发",
    Cooperation.EQUITY: "作价入股",
    Cooperation.SERVICE: "技术服务",
    Cooperation.CONSULTING: "技术咨询",
    Cooperation.ANY: "均可",
}
YES: Final = "是"
NO: Final = "否"
_LEVELS: Final = tuple(f"TRL{level}" for level in range(1, 10))


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a list: its header, its name, what is meant by it, an example of it.

    `choices` are offered below the header; where `several` of them may be written, what is typed
    beside them is right, too.
    """

    field: str
    header: str
    name: Text
    meant: Text
    example: str
    width: int = 16
    choices: tuple[str, ...] = ()
    several: bool = False
    required: bool = False


def _number(header: str) -> Field:
    return Field(
        "number",
        header,
        Text("编号", "Number"),
        Text(
            "选填。本单位清单中唯一的编号：再次导入时按编号更新原记录；不填则按名称。",
            "The list's own number, unique in the organization: by it a later import finds the "
            "record, else by the title.",
        ),
        "示例",
    )


def _stage(name: str, header: str, meant: Text) -> Field:
    return Field(name, header, Text("阶段", "Stage"), meant, "中试", choices=tuple(STAGES.values()))


def _trl(name: str, header: str) -> Field:
    return Field(
        name,
        header,
        Text("技术成熟度", "Readiness level"),
        Text(
            "选填。1 至 9 级，如 TRL6、6级；用其他等级标准时写在括号中："
            "10级（青岛市 2025 年技术成熟度十三级）。",
            "A level from 1 to 9 (TRL6, 6级); another scale stands in brackets behind it.",
        ),
        "TRL6",
        choices=_LEVELS,
        several=True,
    )


def _money(name: str, header: str, text: Text) -> Field:
    return Field(
        name,
        header,
        text,
        Text(
            "选填，单位：万元。可写 80、50-80万元、100万元以上、面议；元请写明：800000元。",
            "In 万元 (10,000 yuan): 80, 50-80万元, 100万元以上 (at least), 面议 (negotiable).",
        ),
        "50-80万元",
        width=18,
    )


_FIELD: Final = Field(
    "field",
    "所属领域",
    Text("所属领域", "Field"),
    Text("选填。行业或技术领域。", "Industry or field of technology."),
    "绿色低碳",
)
_KEYWORDS: Final = Field(
    "keywords",
    "关键词",
    Text("关键词", "Keywords"),
    Text("选填。最多 30 个，用分号隔开。", "Up to 30, semicolons between them."),
    "余热利用；吸附除湿",
    width=24,
)
_COOPERATION: Final = Field(
    "cooperation",
    "合作方式",
    Text("合作方式", "Ways of cooperation"),
    Text(
        "选填。可从下拉列表选一种，或写几种，用顿号隔开：技术转让、技术许可。",
        "One of the list, or several with 、 between them.",
    ),
    "技术许可、合作开发",
    width=22,
    choices=tuple(WAYS.values()),
    several=True,
)
_PLACE_AND_CONTACT: Final = (
    Field(
        "place",
        "所在地",
        Text("所在地", "Place"),
        Text("选填。如 四川省成都市。", "Such as 四川省成都市."),
        "四川省成都市",
    ),
    Field(
        "contact_name",
        "联系人",
        Text("联系人", "Contact person"),
        Text("选填。不对外公开。", "Never shown to the public."),
        "李老师",
    ),
    Field(
        "contact_department",
        "联系部门",
        Text("联系部门", "Contact's department"),
        Text("选填。不对外公开。", "Never shown to the public."),
        "科研院",
    ),
    Field(
        "contact_phone",
        "联系电话",
        Text("联系电话", "Contact's telephone"),
        Text("选填。不对外公开。", "Never shown to the public."),
        "028-00000000",
    ),
    Field(
        "contact_email",
        "电子邮箱",
        Text("电子邮箱", "Contact's e-mail"),
        Text("选填。不对外公开。", "Never shown to the public."),
        "li@example.edu.cn",
        width=24,
    ),
)

STATE: Final = Field(
    "state",
    "发布状态",
    Text("发布状态", "Whether it is public"),
    Text(
        "选填。写“草稿”“退回修改”或“已撤回”的行导入后不发布，其他一律发布或提交审核。",
        "Rows that say 草稿 (draft), 退回修改 (returned) or 已撤回 (withdrawn) are not published.",
    ),
    "草稿",
    width=10,
)

_SIGNED_IN: Final = Text("选填。登录后可见。", "For those who are signed in.")


def _optional(name: str, header: str, name_en: str, example: str, width: int) -> Field:
    return Field(
        name, header, Text(header, name_en), Text("选填。", "As it is."), example, width=width
    )


# The columns of a list: of its template, and of its export.
COLUMNS: Final[dict[ImportKind, tuple[Field, ...]]] = {
    ImportKind.ACHIEVEMENT: (
        _number("成果编号（本单位唯一）"),
        Field(
            "title",
            "成果名称",
            Text("成果名称", "Title"),
            Text("必填，最多 200 字。", "Required, at most 200 characters."),
            "低温余热驱动的吸附式除湿机组",
            width=36,
            required=True,
        ),
        Field(
            "description",
            "成果简介",
            Text("成果简介", "Description"),
            Text("选填。解决什么问题、原理、指标。", "The problem solved, the principle, figures."),
            "以 60 ℃ 余热再生的复合吸附剂转轮，除湿能耗较冷冻除湿降低 35%。",
            width=50,
        ),
        Field(
            "application",
            "应用前景",
            Text("应用前景", "Application"),
            Text("选填。用在何处、市场如何。", "Where it is used, and its market."),
            "烘干车间、制药与食品车间除湿",
            width=36,
        ),
        _FIELD,
        _KEYWORDS,
        _stage(
            "stage",
            "所处阶段",
            Text(
                "选填。从下拉列表选：概念验证、实验室、小试、中试、产业化。",
                "One of the list: concept, laboratory, bench, pilot, industrial.",
            ),
        ),
        _trl("trl", "技术成熟度（TRL）"),
        Field(
            "intellectual_property",
            "知识产权号",
            Text("知识产权号", "Intellectual property"),
            Text(
                "选填。专利号、软著登记号等，用分号隔开，校验位须正确；"
                "号码看不出授权与否的，可在其后写（已授权）或（未授权）。",
                "Numbers of patents and other rights, semicolons between them; （已授权） behind "
                "one that is granted and does not show it, （未授权） behind one that is not.",
            ),
            "ZL201710601862.3",
            width=30,
        ),
        Field(
            "evaluations",
            "成果评价",
            Text("成果评价", "Evaluations"),
            Text(
                "选填。一行一项：评价单位：某学会；评价日期：2025-05-06；评价结论：国内领先",
                "One a line, by whom, when and with what result.",
            ),
            "评价单位：四川省制冷学会；评价日期：2025-05-06；评价结论：国内领先",
            width=40,
        ),
        _COOPERATION,
        _money("price", "意向价格（万元）", Text("意向价格", "Asking price")),
        Field(
            "completed_on",
            "完成日期",
            Text("完成日期", "Completed on"),
            Text("选填。如 2025-05-06、2025年5月。", "Such as 2025-05-06 or 2025年5月."),
            "2025-05-06",
        ),
        Field(
            "valid_until",
            "有效期至",
            Text("有效期至", "Valid until"),
            Text("选填。到期后不再公开；不填为长期有效。", "The last day; empty: no limit."),
            "2030-12-31",
        ),
        *_PLACE_AND_CONTACT,
    ),
    ImportKind.DEMAND: (
        _number("需求编号（本单位唯一）"),
        Field(
            "title",
            "需求名称",
            Text("需求名称", "Title"),
            Text("必填，最多 200 字。", "Required, at most 200 characters."),
            "烘干车间低能耗除湿技术",
            width=36,
            required=True,
        ),
        Field(
            "description",
            "需求内容",
            Text("需求内容", "Description"),
            Text("选填。现状、难题、要达到的指标。", "The problem, and the figures to be reached."),
            "现用冷冻除湿能耗高，希望利用 60 ℃ 左右的工艺余热除湿，能耗降低 30% 以上。",
            width=50,
        ),
        _FIELD,
        _KEYWORDS,
        _stage(
            "required_stage",
            "阶段要求",
            Text(
                "选填。至少达到的阶段，从下拉列表选。",
                "The stage that is needed at least, one of the list.",
            ),
        ),
        _trl("required_trl", "技术成熟度要求（TRL）"),
        _COOPERATION,
        _money("budget", "预算（万元）", Text("预算", "Budget")),
        Field(
            "valid_until",
            "截止日期",
            Text("截止日期", "Valid until"),
            Text("选填。到期后不再公开；不填为长期有效。", "The last day; empty: no limit."),
            "2030-12-31",
        ),
        Field(
            "anonymous",
            "是否匿名",
            Text("是否匿名", "Anonymous"),
            Text(
                "选填。选“是”则不显示企业名称；名称、内容中也不得写出企业名称。",
                "是: published without the enterprise's name, which the texts must not hold.",
            ),
            NO,
            choices=(YES, NO),
        ),
        *_PLACE_AND_CONTACT,
    ),
    ImportKind.INSTRUMENT: (
        Field(
            "number",
            "仪器编号（本单位唯一）",
            Text("编号", "Number"),
            Text(
                "选填。本单位内唯一的编号：再次导入时按编号更新原记录；不填则按名称和型号。",
                "The organization's own number: by it a later import finds the record, else by "
                "name and model.",
            ),
            "示例",
        ),
        Field(
            "name",
            "仪器名称",
            Text("仪器名称", "Name"),
            Text("必填，最多 200 字。", "Required, at most 200 characters."),
            "热重-差热同步分析仪",
            width=36,
            required=True,
        ),
        _optional("name_en", "英文名称", "English name", "Simultaneous thermal analyser", 30),
        Field(
            "kind",
            "仪器类别",
            Text("仪器类别", "Kind"),
            Text("选填。从下拉列表选；不填为单台套。", "One of the list; empty: 单台套."),
            equipment.KINDS[InstrumentKind.INSTRUMENT],
            choices=tuple(equipment.KINDS.values()),
        ),
        Field(
            "class_code",
            "分类编码",
            Text("分类编码", "Class code"),
            Text("选填。六位数字。", "Six digits."),
            "010902",
        ),
        _optional("model", "规格型号", "Model", "示例型号 1500", 20),
        _optional("manufacturer", "生产厂商", "Manufacturer", "某仪器有限公司", 24),
        Field(
            "country",
            "产地国别",
            Text("产地国别", "Country of origin"),
            Text("选填。国名或三位字母代码。", "The country's name or code."),
            "中国",
        ),
        Field(
            "original_value",
            "原值（万元）",
            Text("原值", "Original value"),
            Text(
                "选填，单位：万元；元请写明：860000元。", "In 万元 (10,000 yuan); 860000元 in yuan."
            ),
            "86",
        ),
        Field(
            "commissioned_on",
            "启用日期",
            Text("启用日期", "Commissioned on"),
            Text("选填。如 2021-05-20、2021年5月。", "Such as 2021-05-20 or 2021年5月."),
            "2021-05-20",
        ),
        Field(
            "disciplines",
            "主要学科领域",
            Text("主要学科领域", "Disciplines"),
            Text("选填。最多四个，用分号隔开。", "Up to four, semicolons between them."),
            "材料科学；化学",
            width=24,
        ),
        _optional("functions", "主要功能", "What it does", "测定材料的热稳定性和相变温度。", 40),
        _optional("specifications", "技术指标", "Specifications", "室温至 1500 ℃", 40),
        _optional("services", "服务内容", "Services", "热重曲线测试与分析", 30),
        Field(
            "status",
            "运行状态",
            Text("运行状态", "How it runs"),
            Text("选填。从下拉列表选；不填为正常。", "One of the list; empty: 正常 (normal)."),
            equipment.STATUSES[InstrumentStatus.NORMAL],
            choices=tuple(equipment.STATUSES.values()),
        ),
        Field(
            "share_mode",
            "共享模式",
            Text("共享模式", "Who may use it"),
            Text("选填。从下拉列表选；不填为外部共享。", "One of the list; empty: 外部共享."),
            equipment.SHARE_MODES[ShareMode.EXTERNAL],
            choices=tuple(equipment.SHARE_MODES.values()),
        ),
        _optional("rules", "对外开放共享规定", "Rules", "提前三天预约。", 30),
        _optional("reference_price", "参考收费标准", "Prices in words", "校外 200 元/样", 30),
        _optional(
            "booking_url", "预约网址", "Where else to book", "https://lab.example.edu.cn", 24
        ),
        Field(
            "place",
            "安放地址",
            Text("安放地址", "Place"),
            Text("选填。如 四川省成都市某路 1 号。", "Such as 四川省成都市某路 1 号."),
            "四川省成都市",
            width=24,
        ),
        Field(
            "longitude",
            "经度",
            Text("经度", "Longitude"),
            Text("选填，与纬度同时填写。十进制度数。", "Decimal degrees, with the latitude."),
            "104.08",
        ),
        Field(
            "latitude",
            "纬度",
            Text("纬度", "Latitude"),
            Text("选填，与经度同时填写。十进制度数。", "Decimal degrees, with the longitude."),
            "30.63",
        ),
        *(replace(one, meant=_SIGNED_IN) for one in _PLACE_AND_CONTACT[1:]),
    ),
}


def _owner(header: str) -> tuple[Field, Field]:
    meant = Text(
        "选填。清单含多家单位时填写；单位自己的清单不必填。",
        "Where one list holds several organizations; else empty.",
    )
    return (
        Field("organization", header, Text("单位", "Organization"), meant, "", width=24),
        Field(
            "organization_code",
            "统一社会信用代码",
            Text("统一社会信用代码", "Organization's code"),
            meant,
            "",
            width=24,
        ),
    )


OWNERS: Final = {
    ImportKind.ACHIEVEMENT: _owner("完成单位"),
    ImportKind.DEMAND: _owner("企业名称"),
    ImportKind.INSTRUMENT: _owner("所属单位"),
}
_CONTACT: Final = Field(
    "contact",
    "联系方式",
    Text("联系方式（一格）", "Contact in one cell"),
    Text("姓名、电话、邮箱写在一格。", "Name, telephone and e-mail in one cell."),
    "李老师 028-00000000",
)


def fields_of(kind: ImportKind) -> tuple[Field, ...]:
    """All fields that a column of a list may tell of."""
    return (*COLUMNS[kind], _CONTACT, STATE, *OWNERS[kind])


_KINDS: Final = {
    Achievement: ImportKind.ACHIEVEMENT,
    Demand: ImportKind.DEMAND,
    Instrument: ImportKind.INSTRUMENT,
}


def cells_of(record: Achievement | Demand | Instrument) -> list[Cell]:
    """A record in the columns of its list."""
    return [_cell(record, one.field) for one in COLUMNS[_KINDS[type(record)]]]


def _cell(record: Achievement | Demand | Instrument, name: str) -> Cell:
    if name.startswith("contact_"):
        return (record.contact or {}).get(name.removeprefix("contact_"))
    value: Any = getattr(record, name)
    match name:
        case "stage" | "required_stage":
            return STAGES[value] if value else None
        case "trl" | "required_trl":
            return _level(value)
        case "price" | "budget":
            return _amount(value)
        case "intellectual_property":
            return "；".join(_right(one) for one in value)
        case "evaluations":
            return "\n".join(_evaluation(one) for one in value)
        case "cooperation":
            return "、".join(WAYS[Cooperation(one)] for one in value)
        case "keywords" | "disciplines":
            return "；".join(value)
        case "kind" | "status" | "share_mode":
            return equipment.CHOICES[name][value]
        case "original_value":
            return None if value is None else float(_wan(value))
        case "longitude" | "latitude":
            return None if value is None else str(value)
        case "completed_on" | "valid_until" | "commissioned_on":
            return value.isoformat() if value else None
        case "anonymous":
            return YES if value else NO
    return str(value) if value else None


def _level(level: Trl | None) -> str | None:
    if level is None:
        return None
    other = level.scale != trl.default().id
    return f"TRL{level.level}" + (f"（{trl.scale(level.scale).name.zh}）" if other else "")


def _amount(price: Price) -> Cell:
    match price:
        case Price(PriceKind.UNKNOWN):
            return None
        case Price(PriceKind.NEGOTIABLE):
            return "面议"
        case Price(PriceKind.FIXED, low):
            return float(_wan(low))
        case Price(_, None, high):
            return f"{_wan(high)}万元以内"
        case Price(_, low, None):
            return f"{_wan(low)}万元以上"
        case Price(_, low, high):
            return f"{_wan(low)}-{_wan(high)}万元"
    raise AssertionError(price)


def _wan(yuan: Decimal | None) -> str:
    assert yuan is not None
    return format((yuan / 10_000).normalize(), "f")


def _right(right: dict[str, Any]) -> str:
    """A right by its number; whether it is granted where the number alone says otherwise."""
    said: bool | None = right.get("granted")
    if said is None or said == parse_patent(right["number"]).granted:
        return str(right["number"])
    return f"{right['number']}（{'已授权' if said else '未授权'}）"


EVALUATION: Final = (("evaluator", "评价单位"), ("evaluated_on", "评价日期"), ("level", "评价结论"))


def _evaluation(one: dict[str, Any]) -> str:
    told = [(label, one.get(name)) for name, label in EVALUATION]
    return "；".join(f"{label}：{' '.join(value.split())}" for label, value in told if value)


def headers(fields: Sequence[Field]) -> list[str]:
    """The headers of columns."""
    return [one.header for one in fields]
