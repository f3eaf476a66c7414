"""Matches as they are shown."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from kechuangtong.achievements.schemas import AchievementRead
from kechuangtong.core.language import Text
from kechuangtong.core.schemas import FreeText, Input, Keyword, Line, Output, Passage
from kechuangtong.core.trade import ListKind
from kechuangtong.demands.schemas import DemandRead
from kechuangtong.lists.schemas import MAX_KEYWORDS
from kechuangtong.models.feedback import FeedbackReason, Verdict
from kechuangtong.sample import ids
from kechuangtong.search.schemas import RecordFilter

Item = TypeVar("Item")

_ANONYMOUS = Text("匿名企业", "an enterprise, not named")


class Reason(BaseModel):
    """One thing that speaks for or against a pair, checkable in the two records."""

    code: str
    text: str
    data: dict[str, Any]


class Reasons(BaseModel):
    """What speaks for a pair and what against it."""

    for_: Annotated[list[Reason], Field(alias="for")]
    against: list[Reason]

    model_config = ConfigDict(populate_by_name=True)


class Judged(BaseModel):
    """What the ranking says of a pair."""

    score: Annotated[
        float,
        Field(ge=0, le=1, description="Probability that an expert would grade the pair 3 or 4"),
    ]
    grade: Annotated[int, Field(ge=1, le=4, description="4 strong, 3 fair, 2 weak, 1 none")]


class _Explained(Judged):
    reasons: Reasons


class MatchedAchievement(_Explained):
    """An achievement that may solve the demand."""

    achievement: AchievementRead


class MatchedDemand(_Explained):
    """A demand that the achievement may solve."""

    demand: DemandRead


class MatchedPair(MatchedAchievement):
    """Both sides of a pair, as a run over the two lists writes it."""

    demand: DemandRead


def demander(demand: DemandRead) -> str:
    """Who needs it, as far as that is told."""
    return demand.organization.name if demand.organization else str(_ANONYMOUS)


class Matches(BaseModel, Generic[Item]):
    """The best pairs, best first."""

    items: list[Item]
    ranker: Annotated[str, Field(description="Version of the ranking")]
    engine: Annotated[str, Field(description="The index that proposed")]
    degraded: Annotated[str | None, Field(description="Why matching is less than it could be")]
    notice: Annotated[
        str | None, Field(description="Set where nothing fits: the nearest are shown, if any")
    ] = None


class MatchQuery(RecordFilter):
    """How many matches, and among which records."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    min_grade: Annotated[int, Field(ge=1, le=4, description="Leave out lower grades")] = 1


class MatchSearch(MatchQuery):
    """A free text to be matched as if it stood in the other list."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "text": "烘干车间除湿能耗太高，想利用 60 ℃ 的工艺余热，能耗至少降低 30%。",
                "kind": "achievement",
                "limit": 5,
            }
        }
    )

    text: Annotated[
        FreeText, Field(min_length=1, description="The need or the offer, in any length")
    ]
    title: Annotated[Line | None, Field(description="Its title, where it has one")] = None
    keywords: Annotated[list[Keyword], Field(max_length=MAX_KEYWORDS)] = []
    kind: Annotated[ListKind, Field(description="Which list is searched")] = ListKind.ACHIEVEMENT


class FeedbackCreate(Input):
    """What the caller says of a match."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "demand_id": ids.DEMAND,
                "achievement_id": ids.ACHIEVEMENT,
                "verdict": "wrong",
                "reasons": ["too_early"],
                "comment": "尚无同类车间的长期运行记录",
            }
        }
    )

    demand_id: uuid.UUID
    achievement_id: uuid.UUID
    verdict: Annotated[Verdict, Field(description="Did the match help (是否有用)")]
    reasons: Annotated[
        list[FeedbackReason], Field(max_length=7, description="Why it is wrong (不合适的原因)")
    ] = []
    comment: Annotated[Passage | None, Field(description="In one's own words (说明)")] = None


class FeedbackRead(Output):
    """What was said of a match, and how the pair was ranked then."""

    id: uuid.UUID
    demand_id: uuid.UUID
    achievement_id: uuid.UUID
    verdict: Verdict
    reasons: list[FeedbackReason]
    comment: str | None
    ranker: str
    score: float
    grade: int
    created_at: datetime
    updated_at: datetime
