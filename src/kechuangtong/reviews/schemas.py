"""What a review (审核) is on the way in and out."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from kechuangtong.achievements.schemas import AchievementRead
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import FreeText, Input, Output
from kechuangtong.demands.schemas import DemandRead
from kechuangtong.models.review import ReturnReason, ReviewState, ReviewSubject
from kechuangtong.registrations.schemas import RegistrationReviewed


class Return(Input):
    """Why something is returned (退回)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"reasons": ["unclear"], "comment": "请写明中试条件和已达到的指标。"}
        }
    )

    reasons: Annotated[list[ReturnReason], Field(min_length=1, max_length=10)]
    comment: Annotated[FreeText | None, Field(max_length=2_000)] = None


class ReviewRead(Output):
    """A review as it is shown."""

    id: uuid.UUID
    subject_kind: ReviewSubject
    subject_id: uuid.UUID
    organization_id: Annotated[
        uuid.UUID | None, Field(description="Null for a registration that is not approved")
    ]
    title: str
    place: Annotated[str | None, Field(description="Which district's it is (所在地)")]
    state: ReviewState
    reasons: list[ReturnReason]
    comment: str | None
    created_at: datetime
    decided_at: datetime | None
    version: int


class ReviewDetail(ReviewRead):
    """A review with what it is of, as that stands; null where the caller may not see that."""

    achievement: AchievementRead | None = None
    demand: DemandRead | None = None
    registration: RegistrationReviewed | None = None


class ReviewQuery(PageQuery):
    """Filters of the reviews."""

    state: ReviewState | None = None
    subject_kind: ReviewSubject | None = None
    subject_id: Annotated[uuid.UUID | None, Field(description="Of this record or registration")] = (
        None
    )
