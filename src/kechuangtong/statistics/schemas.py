"""Statistics as they are shown."""

import uuid
from typing import Annotated

from pydantic import BaseModel, Field

from kechuangtong.core.schemas import Input
from kechuangtong.models.feedback import FeedbackReason, Verdict
from kechuangtong.sample import ids


class FeedbackCounts(BaseModel):
    """What people said of matches (匹配反馈)."""

    verdicts: dict[Verdict, int]
    reasons: dict[FeedbackReason, int]


class Statistics(BaseModel):
    """Counts over the lists, what was said of matches, and first contacts."""

    organizations: int
    achievements: Annotated[int, Field(description="Published achievements (已发布成果)")]
    demands: Annotated[int, Field(description="Published demands (已发布需求)")]
    feedback: FeedbackCounts
    interests: Annotated[int, Field(description="Interests expressed (对接意向)")]
    introductions: Annotated[int, Field(description="Introductions made (引荐)")]


class InterestStatisticsQuery(Input):
    """Whose interests."""

    organization_id: Annotated[
        uuid.UUID,
        Field(description="One's own organization", json_schema_extra={"example": ids.ENTERPRISE}),
    ]
