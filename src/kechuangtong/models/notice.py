"""The inbox (收件箱) of an organization: what happened that concerns it, what waits for it."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.models.base import Base, choice


class NoticeKind(StrEnum):
    """What a notice tells of."""

    INTEREST_EXPRESSED = "interest_expressed"  # 收到对接意向
    INTEREST_ASKED = "interest_asked"  # 对方提问
    INTEREST_ANSWERED = "interest_answered"  # 对方答复
    INTEREST_ACCEPTED = "interest_accepted"  # 意向被接受
    INTEREST_DECLINED = "interest_declined"  # 意向被谢绝
    INTEREST_WITHDRAWN = "interest_withdrawn"  # 对方撤回意向
    REVIEW_APPROVED = "review_approved"  # 审核通过
    REVIEW_RETURNED = "review_returned"  # 审核退回
    LISTING_EXPIRING = "listing_expiring"  # 即将到期
    LISTING_EXPIRED = "listing_expired"  # 已到期
    BOOKING_REQUESTED = "booking_requested"  # 收到预约申请
    BOOKING_MADE = "booking_made"  # 有新预约
    BOOKING_WAITS = "booking_waits"  # 有新候补
    BOOKING_APPROVED = "booking_approved"  # 预约已批准
    BOOKING_DECLINED = "booking_declined"  # 预约被谢绝
    BOOKING_CANCELLED = "booking_cancelled"  # 预约已取消
    BOOKING_MEETS_CLOSURE = "booking_meets_closure"  # 预约遇停机
    BOOKING_MOVED_UP = "booking_moved_up"  # 候补已排上
    BOOKING_LAPSED = "booking_lapsed"  # 预约逾期失效
    BOOKING_FINISHED = "booking_finished"  # 使用已记录
    BOOKING_NO_SHOW = "booking_no_show"  # 记为爽约
    CONTRACT_CREATED = "contract_created"  # 合同已草拟
    CONTRACT_CONFIRMED = "contract_confirmed"  # 对方已确认合同
    CONTRACT_SIGNED = "contract_signed"  # 合同已签订
    CONTRACT_DISCARDED = "contract_discarded"  # 合同草稿已作废
    CONTRACT_AMENDMENT = "contract_amendment"  # 对方提议变更
    CONTRACT_AMENDED = "contract_amended"  # 合同已变更
    CONTRACT_CANCELLATION = "contract_cancellation"  # 对方提议解除
    CONTRACT_CANCELLED = "contract_cancelled"  # 合同已解除
    CONTRACT_PROPOSAL_DROPPED = "contract_proposal_dropped"  # 提议未被采纳
    CONTRACT_REGISTERED = "contract_registered"  # 合同已登记
    CONTRACT_NOT_REGISTERED = "contract_not_registered"  # 合同不予登记
    PAYMENT_DUE = "payment_due"  # 款项即将到期
    PAYMENT_OVERDUE = "payment_overdue"  # 款项逾期
    PAYMENT_RECEIVED = "payment_received"  # 已到款
    PAYMENT_REVERSED = "payment_reversed"  # 到款已冲销
    SALE_APPLIED = "sale_applied"  # 有单位申请购买
    SALE_OBJECTED = "sale_objected"  # 价格公示收到异议
    SALE_OBJECTION_DECIDED = "sale_objection_decided"  # 异议已处理
    SALE_OUTBID = "sale_outbid"  # 出价被超过
    SALE_CLOSED = "sale_closed"  # 出让已截止
    SALE_FAILED = "sale_failed"  # 出让未成交
    SALE_AWARDED = "sale_awarded"  # 成交
    SALE_LOST = "sale_lost"  # 未由本单位成交
    SALE_WITHDRAWN = "sale_withdrawn"  # 出让已撤回
    BROKER_APPROVED = "broker_approved"  # 经纪人登记通过
    BROKER_RETURNED = "broker_returned"  # 经纪人登记退回
    BROKER_SUSPENDED = "broker_suspended"  # 经纪人登记暂停
    BROKER_REINSTATED = "broker_reinstated"  # 经纪人登记恢复
    BROKER_CONFLICT = "broker_conflict"  # 经纪人声明利益冲突
    MANDATE_OFFERED = "mandate_offered"  # 收到委托
    MANDATE_ACCEPTED = "mandate_accepted"  # 委托被接受
    MANDATE_DECLINED = "mandate_declined"  # 委托被谢绝
    MANDATE_REVOKED = "mandate_revoked"  # 委托被撤销
    MANDATE_RESIGNED = "mandate_resigned"  # 经纪人辞任
    DEAL_BROKER_JOINED = "deal_broker_joined"  # 经纪人进入交易
    DEAL_OPENED = "deal_opened"  # 有新交易
    DEAL_STEP = "deal_step"  # 交易有进展
    DEAL_PUBLICATION = "deal_publication"  # 对方同意公开交易
    SEARCH_ALERT = "search_alert"  # 订阅检索有新结果
    MATCH_RUN_DONE = "match_run_done"  # 批量匹配完成
    WEBHOOK_FAILED = "webhook_failed"  # 推送失败
    WEBHOOK_GONE = "webhook_gone"  # 推送地址已不存在
    WEBHOOK_DISABLED = "webhook_disabled"  # 推送连续失败，已停用


class Notice(Base):
    """One notice; `waiting` while an answer or another act of the organization is asked for.

    `key` tells it from others of the same event, so that telling twice is telling once.
    """

    __tablename__ = "notices"
    __table_args__ = (Index(None, "organization_id", "waiting", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE")
    )
    kind: Mapped[NoticeKind] = mapped_column(choice(NoticeKind))
    subject_kind: Mapped[str] = mapped_column(String(30))
    subject_id: Mapped[uuid.UUID] = mapped_column(index=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    waiting: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)
    read_at: Mapped[datetime | None]
