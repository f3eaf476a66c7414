"""Review (审核): of records before they are published, of organizations that register."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kechuangtong.core.trade import OrganizationKind
from kechuangtong.models.base import Base, Record, choice


class ReviewSubject(StrEnum):
    """What is reviewed."""

    ACHIEVEMENT = "achievement"  # 成果
    DEMAND = "demand"  # 需求
    REGISTRATION = "registration"  # 单位注册


class ReviewState(StrEnum):
    """Where a review stands."""

    OPEN = "open"  # 待审核
    APPROVED = "approved"  # 通过
    RETURNED = "returned"  # 退回
    WITHDRAWN = "withdrawn"  # 撤回


class ReturnReason(StrEnum):
    """Why something is returned."""

    INCOMPLETE = "incomplete"  # 内容不完整
    UNCLEAR = "unclear"  # 表述不清
    NOT_TECHNICAL = "not_technical"  # 不属于技术成果或技术需求
    DUPLICATE = "duplicate"  # 重复
    RIGHTS_UNCLEAR = "rights_unclear"  # 权属不清
    CONFIDENTIAL = "confidential"  # 含涉密或不宜公开内容
    CODE_DIFFERS = "code_differs"  # 统一社会信用代码与单位不符
    PROOF_INSUFFICIENT = "proof_insufficient"  # 证明材料不足
    NOT_ELIGIBLE = "not_eligible"  # 不符合条件
    OTHER = "other"  # 其他


class Review(Record, Base):
    """One submission and what was decided of it. `place` says which district's it is."""

    __tablename__ = "reviews"
    __table_args__ = (Index(None, "subject_kind", "subject_id", "state"),)

    subject_kind: Mapped[ReviewSubject] = mapped_column(choice(ReviewSubject))
    subject_id: Mapped[uuid.UUID]
    organization_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("organizations.id"), index=True
    )
    title: Mapped[str] = mapped_column(String(200))
    place: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[ReviewState] = mapped_column(choice(ReviewState), default=ReviewState.OPEN)
    reasons: Mapped[list[str]] = mapped_column(default=list)
    comment: Mapped[str | None] = mapped_column(Text)
    submitted_by: Mapped[uuid.UUID | None]
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]


class Registration(Record, Base):
    """A person's wish that its organization be registered; it is made when that is approved.

    `reasons` and `comment` say why it was returned, to an applicant who sees no reviews yet.
    """

    __tablename__ = "registrations"

    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[OrganizationKind] = mapped_column(choice(OrganizationKind))
    code: Mapped[str] = mapped_column(String(18), index=True)
    place: Mapped[str | None] = mapped_column(String(200))
    proof: Mapped[str] = mapped_column(Text)
    state: Mapped[ReviewState] = mapped_column(choice(ReviewState), default=ReviewState.OPEN)
    reasons: Mapped[list[str]] = mapped_column(default=list)
    comment: Mapped[str | None] = mapped_column(Text)
    organization_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("organizations.id"), index=True
    )
