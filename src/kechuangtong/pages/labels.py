"""Names of the trade's values, as pages show them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Final

from jinja2.filters import do_filesizeformat

from kechuangtong.brokers.states import MandateAction
from kechuangtong.core.clock import CITY
from kechuangtong.core.language import Text
from kechuangtong.core.schemas import PriceValue, TrlValue
from kechuangtong.core.trade import ImportKind, ListKind, OrganizationKind, Price, PriceKind
from kechuangtong.deals.texts import ACTIONS as DEAL_ACTIONS
from kechuangtong.deals.texts import CAUSES, PRICINGS
from kechuangtong.deals.texts import SIDES as DEAL_SIDES
from kechuangtong.deals.texts import STATES as DEALS
from kechuangtong.instruments.names import INSTRUMENT_STATUSES, USAGE_UNITS, USER_CLASSES
from kechuangtong.matching.explanation import STAGES, WAYS, amounts
from kechuangtong.models.booking import BookingState
from kechuangtong.models.broker import (
    BrokerGrade,
    BrokerState,
    MandateState,
    ServiceKind,
    Standing,
)
from kechuangtong.models.importing import ImportState
from kechuangtong.models.instrument import (
    InstrumentKind,
    InstrumentState,
    ShareMode,
)
from kechuangtong.models.interest import DeclineReason, InterestState
from kechuangtong.models.listing import ListingState
from kechuangtong.models.ownership import OwnershipKind, Preference
from kechuangtong.models.sale import FailReason, Outcome, SaleObject, SaleState, SaleWay
from kechuangtong.models.webhook import DeliveryState
from kechuangtong.policies import trl as trl_policy

__all__ = [
    "CAUSES",
    "DEALS",
    "DEAL_ACTIONS",
    "DEAL_SIDES",
    "INSTRUMENT_STATUSES",
    "PRICINGS",
    "STAGES",
    "USAGE_UNITS",
    "USER_CLASSES",
    "WAYS",
]

LISTS: Final = {
    ListKind.ACHIEVEMENT: Text("成果", "Achievement"),
    ListKind.DEMAND: Text("需求", "Demand"),
}
IMPORTED: Final = {
    **{ImportKind(kind): name for kind, name in LISTS.items()},
    ImportKind.INSTRUMENT: Text("仪器", "Instrument"),
}
ORGANIZATIONS: Final = {
    OrganizationKind.UNIVERSITY: Text("高校", "University"),
    OrganizationKind.INSTITUTE: Text("科研院所", "Institute"),
    OrganizationKind.LABORATORY: Text("实验室", "Laboratory"),
    OrganizationKind.ENTERPRISE: Text("企业", "Enterprise"),
    OrganizationKind.SERVICE_INSTITUTION: Text("科技服务机构", "Service institution"),
    OrganizationKind.GOVERNMENT: Text("政府部门", "Government"),
    OrganizationKind.BANK: Text("银行", "Bank"),
    OrganizationKind.FUND: Text("基金", "Fund"),
    OrganizationKind.PARK: Text("园区", "Park"),
}
STATES: Final = {
    ListingState.DRAFT: Text("草稿", "Draft"),
    ListingState.SUBMITTED: Text("待审核", "In review"),
    ListingState.RETURNED: Text("退回修改", "Returned"),
    ListingState.PUBLISHED: Text("已发布", "Published"),
    ListingState.WITHDRAWN: Text("已撤回", "Withdrawn"),
    ListingState.EXPIRED: Text("已过期", "Expired"),
}
IMPORTS: Final = {
    ImportState.QUEUED: Text("等待处理", "waiting"),
    ImportState.RUNNING: Text("正在导入", "running"),
    ImportState.DONE: Text("已完成", "done"),
    ImportState.FAILED: Text("未能导入", "failed"),
    ImportState.CANCELLED: Text("已取消", "cancelled"),
    ImportState.UNDONE: Text("已撤销", "undone"),
}
GRADES: Final = {
    4: Text("强", "strong"),
    3: Text("可", "fair"),
    2: Text("弱", "weak"),
    1: Text("无", "none"),
}
INTERESTS: Final = {
    InterestState.EXPRESSED: Text("待答复", "To be answered"),
    InterestState.ASKED: Text("已提问，待意向方答复", "Asked; the sender is to answer"),
    InterestState.ACCEPTED: Text("已接受", "Accepted"),
    InterestState.DECLINED: Text("已谢绝", "Declined"),
    InterestState.WITHDRAWN: Text("已撤回", "Withdrawn"),
}
# The reasons of feedback are the first of these.
REASONS: Final = {
    DeclineReason.OTHER_FIELD: Text("领域不符", "another field"),
    DeclineReason.OTHER_PROBLEM: Text("领域相同，但不解决此问题", "the field, not the problem"),
    DeclineReason.TOO_EARLY: Text("成熟度不够", "too early"),
    DeclineReason.TOO_DEAR: Text("价格过高", "too dear"),
    DeclineReason.TOO_FAR: Text("距离太远", "too far"),
    DeclineReason.ALREADY_KNOWN: Text("已了解", "known already"),
    DeclineReason.NO_LONGER_OPEN: Text("已失效", "no longer open"),
    DeclineReason.RIGHTS_BOUND: Text("权利已许可或转让他人", "the rights are bound"),
    DeclineReason.NO_CAPACITY: Text("暂无力量", "no capacity at present"),
    DeclineReason.PARTNER_UNSUITABLE: Text("合作方不合适", "the partner does not suit"),
}
INSTRUMENT_KINDS: Final = {
    InstrumentKind.INSTRUMENT: Text("单台套仪器", "Instrument"),
    InstrumentKind.LARGE_FACILITY: Text("大型装置", "Large facility"),
    InstrumentKind.SERVICE_UNIT: Text("服务单元", "Service unit"),
    InstrumentKind.COMPUTING_RESOURCE: Text("计算资源", "Computing resource"),
}
INSTRUMENT_STATES: Final = {
    InstrumentState.DRAFT: Text("草稿", "Draft"),
    InstrumentState.PUBLISHED: Text("已发布", "Published"),
    InstrumentState.WITHDRAWN: Text("已撤回", "Withdrawn"),
}
SHARE_MODES: Final = {
    ShareMode.EXTERNAL: Text("外部共享", "Shared with others"),
    ShareMode.INTERNAL: Text("内部共享", "Shared within the organization"),
    ShareMode.NONE: Text("不共享", "Not shared"),
}
BOOKINGS: Final = {
    BookingState.WAITING: Text("候补", "On the waiting list"),
    BookingState.REQUESTED: Text("待批准", "To be approved"),
    BookingState.APPROVED: Text("已批准", "Approved"),
    BookingState.IN_USE: Text("使用中", "In use"),
    BookingState.FINISHED: Text("已完成", "Finished"),
    BookingState.DECLINED: Text("已谢绝", "Declined"),
    BookingState.CANCELLED: Text("已取消", "Cancelled"),
    BookingState.LAPSED: Text("逾期失效", "Lapsed"),
    BookingState.NO_SHOW: Text("爽约", "No-show"),
}
DELIVERIES: Final = {
    DeliveryState.PENDING: Text("待送达", "Pending"),
    DeliveryState.SUCCEEDED: Text("已送达", "Delivered"),
    DeliveryState.FAILED: Text("未送达", "Failed"),
}
# What webhooks tell of, by kinds of the catalogue.
EVENT_KINDS: Final = {
    "achievement": Text("本单位成果", "Own achievements"),
    "demand": Text("本单位需求", "Own demands"),
    "match_run": Text("批量匹配", "Match runs"),
    "interest": Text("对接意向", "Interests"),
    "booking": Text("仪器预约", "Bookings"),
    "deal": Text("交易", "Deals"),
    "contract": Text("合同", "Contracts"),
    "payment": Text("付款", "Payments"),
    "sale": Text("定价交易", "Sales"),
    "broker": Text("技术经纪人", "Brokers"),
    "mandate": Text("经纪委托", "Mandates"),
}
SALES: Final = {
    SaleState.OPEN: Text("进行中", "Open"),
    SaleState.CLOSED: Text("已截止", "Closed"),
    SaleState.AWARDED: Text("已成交", "Sold"),
    SaleState.FAILED: Text("未成交", "Not sold"),
    SaleState.WITHDRAWN: Text("已撤回", "Withdrawn"),
    SaleState.DRAFT: Text("草稿", "Draft"),
}
SALE_WAYS: Final = {
    SaleWay.AGREEMENT: Text("协议定价", "Agreed price"),
    SaleWay.LISTING: Text("挂牌", "Listing"),
    SaleWay.AUCTION: Text("拍卖", "Auction"),
}
SALE_PRICES: Final = {
    SaleWay.AGREEMENT: Text("协议价格", "Price agreed"),
    SaleWay.LISTING: Text("挂牌价格", "Price asked"),
    SaleWay.AUCTION: Text("起拍价", "Starting price"),
}
SALE_OBJECTS: Final = {
    SaleObject.TRANSFER: Text("转让", "Transfer"),
    SaleObject.LICENSE: Text("许可", "Licence"),
    SaleObject.EQUITY: Text("作价投资", "Equity"),
}
SALE_FAILURES: Final = {
    FailReason.NO_BIDS: Text("无人竞价", "nobody bid"),
    FailReason.NO_APPLICATIONS: Text("无人申请", "nobody applied"),
    FailReason.RESERVE_NOT_MET: Text("未达保留价", "the reserve was not met"),
    FailReason.OBJECTION_UPHELD: Text("异议成立", "an objection was upheld"),
}
OUTCOMES: Final = {
    Outcome.DISMISSED: Text("异议不成立", "dismissed"),
    Outcome.UPHELD: Text("异议成立", "upheld"),
}
PREFERENCES: Final = {
    Preference.OPEN: Text("待答复", "to be answered"),
    Preference.TAKEN: Text("行使", "taken"),
    Preference.DECLINED: Text("放弃", "declined"),
    Preference.LAPSED: Text("逾期未答复", "not answered in time"),
}
OWNERSHIPS: Final = {
    OwnershipKind.UNIT_OWNED: Text("单位所有", "Owned by the unit"),
    OwnershipKind.SHARED: Text("赋权（共有）", "Shared with the inventors"),
    OwnershipKind.LONG_TERM_USE: Text("长期使用权", "Long-term right of use"),
}
BROKER_GRADES: Final = {
    BrokerGrade.JUNIOR: Text("初级", "Junior"),
    BrokerGrade.INTERMEDIATE: Text("中级", "Intermediate"),
    BrokerGrade.SENIOR: Text("高级", "Senior"),
}
BROKERS: Final = {
    BrokerState.DRAFT: Text("草稿", "Draft"),
    BrokerState.SUBMITTED: Text("待审核", "In review"),
    BrokerState.RETURNED: Text("退回修改", "Returned"),
    BrokerState.REGISTERED: Text("已登记", "Registered"),
    BrokerState.RENEWING: Text("已登记，变更待审", "Registered; a change is in review"),
    BrokerState.SUSPENDED: Text("已暂停", "Suspended"),
    BrokerState.ENDED: Text("已注销", "Ended"),
    BrokerState.EXPIRED: Text("证书已过期", "Expired"),
}
MANDATES: Final = {
    MandateState.OFFERED: Text("待接受", "Offered"),
    MandateState.ACCEPTED: Text("已接受", "Accepted"),
    MandateState.DECLINED: Text("已谢绝", "Declined"),
    MandateState.REVOKED: Text("已撤销", "Revoked"),
    MandateState.RESIGNED: Text("已辞任", "Resigned"),
    MandateState.ENDED: Text("已到期", "Ended"),
}
MANDATE_ACTIONS: Final = {
    MandateAction.ACCEPT: Text("接受委托", "Accept"),
    MandateAction.DECLINE: Text("谢绝", "Decline"),
    MandateAction.REVOKE: Text("撤销委托", "Revoke"),
    MandateAction.RESIGN: Text("辞去委托", "Resign"),
}
SERVICES: Final = {
    ServiceKind.TECHNOLOGY_TRANSFER: Text("技术转移", "Technology transfer"),
    ServiceKind.BROKERAGE: Text("技术经纪", "Brokerage"),
    ServiceKind.TESTING: Text("检验检测", "Testing"),
    ServiceKind.INTELLECTUAL_PROPERTY: Text("知识产权", "Intellectual property"),
    ServiceKind.FINANCE: Text("科技金融", "Finance"),
    ServiceKind.INCUBATION: Text("创业孵化", "Incubation"),
    ServiceKind.CONSULTING: Text("科技咨询", "Consulting"),
    ServiceKind.EVALUATION: Text("评估评价", "Evaluation"),
    ServiceKind.RESEARCH: Text("研究开发", "Research"),
    ServiceKind.DESIGN: Text("工业设计", "Design"),
    ServiceKind.PILOT: Text("中试、概念验证", "Pilot and proof of concept"),
    ServiceKind.TRAINING: Text("人才培训", "Training"),
    ServiceKind.LAW: Text("法律服务", "Law"),
    ServiceKind.INFORMATION: Text("科技信息", "Information"),
}
STANDINGS: Final = {
    Standing.MEMBER: Text("会员", "Member"),
    Standing.COUNCIL: Text("理事", "Council member"),
    Standing.VICE_PRESIDENT: Text("副理事长", "Vice president"),
    Standing.PRESIDENT: Text("理事长", "President"),
}
WEEKDAYS: Final = tuple(
    map(
        Text,
        ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
        ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    )
)
_NO_AMOUNT: Final = {
    PriceKind.NEGOTIABLE: Text("面议", "negotiable"),
    PriceKind.UNKNOWN: Text("未定", "not known"),
}


def price(value: PriceValue) -> Text:
    """A price or a budget: in Chinese in 万元."""
    return _NO_AMOUNT.get(value.kind) or amounts(Price(value.kind, value.low, value.high))


def value(yuan: Decimal) -> Text:
    """What something is worth: in Chinese in 万元."""
    return amounts(Price(PriceKind.FIXED, yuan, yuan))


def yuan(amount: Decimal) -> Text:
    """An amount to the cent."""
    return Text(f"{amount:,.2f} 元", f"CNY {amount:,.2f}")


def event_type(pattern: str) -> str:
    """What a webhook tells of: kinds by their names, single events as programs name them."""
    if pattern == "*":
        return str(Text("所有事件", "All events"))
    kind, _, rest = pattern.partition(".")
    return str(EVENT_KINDS[kind]) if rest == "*" and kind in EVENT_KINDS else pattern


def size(octets: int) -> str:
    """How large a file is, alike in both languages."""
    return do_filesizeformat(octets).replace("Bytes", "B")


def percent(value: Decimal | None) -> str:
    """So many of a hundred, without the zeros behind them."""
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")


def day(instant: datetime) -> date:
    """The day in the city on which an instant lies."""
    return instant.astimezone(CITY).date()


def period(starts_at: datetime, ends_at: datetime) -> str:
    """A time as people here read it: the day once where it is one."""
    first, last = starts_at.astimezone(CITY), ends_at.astimezone(CITY)
    same = first.date() == last.date()
    weekday = WEEKDAYS[first.weekday()]
    return (
        f"{first:%Y-%m-%d} {weekday} {first:%H:%M} – {last:{'%H:%M' if same else '%Y-%m-%d %H:%M'}}"
    )


def minutes(count: int) -> Text:
    """A length of time, in the largest unit that it is a multiple of."""
    for size, zh, en in ((1_440, "天", "d"), (60, "小时", "h")):
        if count and count % size == 0:
            return Text(f"{count // size} {zh}", f"{count // size} {en}")
    return Text(f"{count} 分钟", f"{count} min")


def trl(value: TrlValue) -> Text:
    """A level on its scale, and what shows it."""
    scale = trl_policy.scale(value.scale).name
    evidence = f"；{value.evidence}" if value.evidence else ""
    return Text(
        f"{value.level} 级（{scale.zh}）{evidence}", f"{value.level} ({scale.en}){evidence}"
    )
