"""What states and lists are called on pages."""

from typing import Final

from kechuangtong.core.language import Text
from kechuangtong.core.trade import ListKind
from kechuangtong.models.importing import ImportState
from kechuangtong.models.listing import ListingState

LISTS: Final = {
    ListKind.ACHIEVEMENT: Text("成果", "Achievements"),
    ListKind.DEMAND: Text("需求", "Demands"),
}
LISTING_STATES: Final = {
    ListingState.DRAFT: Text("草稿", "draft"),
    ListingState.SUBMITTED: Text("待审核", "in review"),
    ListingState.RETURNED: Text("退回修改", "returned"),
    ListingState.PUBLISHED: Text("已发布", "published"),
    ListingState.WITHDRAWN: Text("已撤回", "withdrawn"),
    ListingState.EXPIRED: Text("已过期", "expired"),
}
IMPORT_STATES: Final = {
    ImportState.QUEUED: Text("等待处理", "waiting"),
    ImportState.RUNNING: Text("正在导入", "running"),
    ImportState.DONE: Text("已完成", "done"),
    ImportState.FAILED: Text("未能导入", "failed"),
    ImportState.CANCELLED: Text("已取消", "cancelled"),
    ImportState.UNDONE: Text("已撤销", "undone"),
}
