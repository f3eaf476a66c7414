"""Names of what is said of instruments, as people read them."""

from typing import Final

from kechuangtong.core.language import Text
from kechuangtong.models.instrument import InstrumentStatus, UsageUnit, UserClass

INSTRUMENT_STATUSES: Final = {
    InstrumentStatus.NORMAL: Text("正常", "Normal"),
    InstrumentStatus.STANDBY: Text("待机", "Standby"),
    InstrumentStatus.REMOTE: Text("远程服务中", "Remote service"),
    InstrumentStatus.OCCASIONAL_FAULTS: Text("偶有故障", "Occasional faults"),
    InstrumentStatus.FREQUENT_FAULTS: Text("故障频繁", "Frequent faults"),
    InstrumentStatus.AWAITING_REPAIR: Text("待修", "Awaiting repair"),
    InstrumentStatus.AWAITING_SCRAPPING: Text("待报废", "Awaiting scrapping"),
}
USAGE_UNITS: Final = {
    UsageUnit.HOUR: Text("小时", "hour"),
    UsageUnit.CARD_HOUR: Text("卡时", "card-hour"),
    UsageUnit.CORE_HOUR: Text("核时", "core-hour"),
}
USER_CLASSES: Final = {
    UserClass.INTERNAL: Text("本单位", "The organization itself"),
    UserClass.ACADEMIC: Text("高校、科研院所、实验室", "Universities, institutes"),
    UserClass.ENTERPRISE: Text("企业", "Enterprises"),
    UserClass.OTHER: Text("其他", "Others"),
}
