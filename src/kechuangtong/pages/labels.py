"""Names of the trade's values, as pages show them."""

from typing import Final

from kechuangtong.core.language import Text
from kechuangtong.core.schemas import PriceValue, TrlValue
from kechuangtong.core.trade import ImportKind, ListKind, OrganizationKind, Price, PriceKind
from kechuangtong.matching.explanation import STAGES, WAYS, amounts
from kechuangtong.models.importing import ImportState
from kechuangtong.models.interest import DeclineReason, InterestState
from kechuangtong.models.listing import ListingState
from kechuangtong.policies import trl as trl_policy

__all__ = ["STAGES", "WAYS"]

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
_NO_AMOUNT: Final = {
    PriceKind.NEGOTIABLE: Text("面议", "negotiable"),
    PriceKind.UNKNOWN: Text("未定", "not known"),
}


def price(value: PriceValue) -> Text:
    """A price or a budget: in Chinese in 万元."""
    return _NO_AMOUNT.get(value.kind) or amounts(Price(value.kind, value.low, value.high))


def trl(value: TrlValue) -> Text:
    """A level on its scale, and what shows it."""
    scale = trl_policy.scale(value.scale).name
    evidence = f"；{value.evidence}" if value.evidence else ""
    return Text(
        f"{value.level} 级（{scale.zh}）{evidence}", f"{value.level} ({scale.en}){evidence}"
    )
