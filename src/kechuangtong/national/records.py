"""The record types and fields of the national platform's upload dictionary (国家网络管理平台), and
what of them our records can fill.

Names and units are those of a public database schema made after the dictionary, not checked against
the dictionary itself. What is not recorded here stays empty.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from kechuangtong.core.clock import CITY
from kechuangtong.models import Instrument
from kechuangtong.models.instrument import InstrumentKind, InstrumentStatus, ShareMode

_WAN: Final = 10_000
_CENT: Final = Decimal("0.01")

_STATUS: Final = {
    InstrumentStatus.NORMAL: "正常",
    InstrumentStatus.STANDBY: "待机",
    InstrumentStatus.REMOTE: "远程服务中",
    InstrumentStatus.OCCASIONAL_FAULTS: "偶有故障",
    InstrumentStatus.FREQUENT_FAULTS: "故障频繁",
    InstrumentStatus.AWAITING_REPAIR: "待修",
    InstrumentStatus.AWAITING_SCRAPPING: "待报废",
}
_SHARED: Final = {
    ShareMode.EXTERNAL: "外部共享",
    ShareMode.INTERNAL: "内部共享",
    ShareMode.NONE: "不共享",
}
_RATINGS: Final = {5: "非常满意", 4: "基本满意", 3: "一般", 2: "不满意", 1: "极差"}

Value = str | Decimal | None


@dataclass(frozen=True, slots=True)
class Service:
    """A finished booking of an instrument: all its units together."""

    instrument_id: uuid.UUID
    number: str | None
    fee: Decimal | None
    hours: Decimal | None
    starts_at: datetime
    ends_at: datetime
    content: str | None
    person: str | None
    organization: str
    rating: int | None


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its name in the dictionary, what it is called, and how it is filled, if it can be.
    Amounts are numbers with two decimals."""

    name: str
    title: str
    value: Callable[[Any], Value] | None = None


@dataclass(frozen=True, slots=True)
class RecordType:
    """A type of records by its number, and which of ours are of it."""

    number: int
    name: str
    fields: tuple[Field, ...]
    kind: InstrumentKind | None = None


def in_wan(yuan: Decimal | None) -> Decimal | None:
    """Yuan as 万元, to the hundredth."""
    return None if yuan is None else (yuan / _WAN).quantize(_CENT, ROUND_HALF_UP)


def _contact(name: str) -> Callable[[Instrument], Value]:
    return lambda one: (one.contact or {}).get(name)


def _during(one: Service) -> str:
    start, end = (instant.astimezone(CITY) for instant in (one.starts_at, one.ends_at))
    return f"{start:%Y-%m-%d %H:%M} 至 {end:%Y-%m-%d %H:%M}"


_INSTRUMENT: Final[tuple[Field, ...]] = (
    Field("innerId", "所在单位内部编码", lambda one: one.number or str(one.id)),
    Field("cname", "名称", lambda one: one.name),
    Field("ename", "英文名称", lambda one: one.name_en),
    Field("instrBelongsType", "所属大型科学装置/仪器中心/服务单元"),
    Field("instrBelongsName", "隶属仪器内部编号"),
    Field("instrCategory", "设备分类编码", lambda one: one.class_code),
    Field("instrSource", "仪器设备来源"),
    Field("instrSupervise", "海关监管情况"),
    Field("worth", "原值（万元）", lambda one: in_wan(one.original_value)),
    Field("nation", "产地国别", lambda one: one.country),
    Field("manufacturer", "生产制造商", lambda one: one.manufacturer),
    Field(
        "beginDate",
        "启用日期",
        lambda one: one.commissioned_on.isoformat() if one.commissioned_on else None,
    ),
    Field("instrVersion", "规格型号", lambda one: one.model),
    Field("technical", "技术指标", lambda one: one.specifications),
    Field("function", "主要功能", lambda one: one.functions),
    Field("subject", "主要学科领域", lambda one: "，".join(one.disciplines) or None),
    Field("serviceContent", "服务内容", lambda one: one.services),
    Field("achievement", "服务的典型成果"),
    Field("status", "运行状态", lambda one: _STATUS[one.status]),
    Field("requirement", "对外开放共享规定", lambda one: one.rules),
    Field("fee", "参考收费标准", lambda one: one.reference_price),
    Field("serviceUrl", "预约服务网址", lambda one: one.booking_url),
    Field("province", "安放地址：省"),
    Field("city", "安放地址：市"),
    Field("county", "安放地址：区县"),
    Field("street", "安放地址：街道门牌", lambda one: one.place),
    Field("contact", "联系人", _contact("name")),
    Field("phone", "电话", _contact("phone")),
    Field("email", "电子邮箱", _contact("email")),
    Field("address", "通讯地址"),
    Field("postalcode", "邮政编码"),
    Field("shareMode", "共享模式", lambda one: _SHARED[one.share_mode]),
    Field("image", "图片"),
)
_CUSTOMS: Final = (
    Field("innerId", "所在单位内部编码"),
    Field("codeCpd", "征免税证明编号"),
    Field("declarationNumber", "进口报关单编号"),
    Field("importDate", "进口日期"),
)
_SERVICE: Final[tuple[Field, ...]] = (
    Field("innerId", "所在单位仪器内部编号", lambda one: one.number or str(one.instrument_id)),
    Field("amounts", "服务金额（元）", lambda one: one.fee),
    Field("serviceTime", "实际服务时间", _during),
    Field("serviceContent", "实际服务内容", lambda one: one.content),
    Field("serviceWay", "服务方式"),
    Field("serviceAmount", "服务量（小时）", lambda one: one.hours),
    Field("subjectName", "课题名称"),
    Field("subjectIncome", "课题经费来源"),
    Field("subjectArea", "课题主要学科领域"),
    Field("subjectContent", "课题研究内容"),
    Field("applicant", "申请人", lambda one: one.person),
    Field("applicatPhone", "申请人电话"),
    Field("applicatEmail", "申请人电子邮箱"),
    Field("applicatUnit", "申请人单位", lambda one: one.organization),
    Field("comment", "用户评价", lambda one: _RATINGS.get(one.rating)),
)

SERVICES: Final = RecordType(6, "服务记录", _SERVICE)
TYPES: Final = (
    RecordType(1, "仪器中心", _INSTRUMENT),
    RecordType(2, "大型装置", _INSTRUMENT, InstrumentKind.LARGE_FACILITY),
    RecordType(3, "服务单元", _INSTRUMENT, InstrumentKind.SERVICE_UNIT),
    RecordType(4, "单台套", _INSTRUMENT, InstrumentKind.INSTRUMENT),
    RecordType(5, "海关监管", _CUSTOMS),
    SERVICES,
)
"""All six, in the dictionary's order. Ours are of the four that have a kind, or are services."""

KINDS: Final = [one.kind for one in TYPES if one.kind is not None]


def filled(record_type: RecordType, one: Instrument | Service) -> Mapping[str, Value]:
    """A record under the dictionary's names."""
    return {
        field.name: None if field.value is None else field.value(one)
        for field in record_type.fields
    }
