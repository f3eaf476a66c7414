"""Interests (对接意向) and introductions (引荐) on the way in and out."""

import hashlib
import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kechuangtong.achievements.schemas import AchievementRead
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import FreeText, Input, Output
from kechuangtong.core.trade import ListKind
from kechuangtong.demands.schemas import DemandRead
from kechuangtong.interests.states import Side
from kechuangtong.lists.schemas import OrganizationBrief
from kechuangtong.models.interest import DeclineReason, InterestState
from kechuangtong.models.listing import ListingState
from kechuangtong.sample import ids

Box = Literal["sent", "received"]
Message = Annotated[FreeText, StringConstraints(min_length=1, max_length=5_000)]


class InterestCreate(Input):
    """An interest in a record of another organization's."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "subject_kind": "achievement",
                "achievement_id": str(ids.sample_id("a0012")),
                "demand_id": str(ids.sample_id("d0003")),
                "organization_id": str(ids.sample_id("e014")),
                "message": "辊颈磨损件有二十余根，想了解现场修复的周期和每根的费用。",
            }
        }
    )

    subject_kind: Annotated[ListKind, Field(description="In which of the two the interest is")]
    achievement_id: Annotated[
        uuid.UUID | None, Field(description="The achievement (成果) of the other, or one's own")
    ] = None
    demand_id: Annotated[
        uuid.UUID | None, Field(description="The demand (需求) of the other, or one's own")
    ] = None
    organization_id: Annotated[
        uuid.UUID | None,
        Field(description="Who is interested (意向单位); needed by who acts for several"),
    ] = None
    message: Annotated[Message, Field(description="The first words to the other side (留言)")]


class InterestMessageCreate(Input):
    """A question, or its answer."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"message": "每天有多少小时余热，温度多高？"}}
    )

    message: Message


class InterestDecline(Input):
    """Why an interest is declined."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"reason": "no_capacity", "message": "今年试验已排满。"}}
    )

    reason: Annotated[DeclineReason, Field(description="Why (谢绝原因)")]
    message: Message | None = None


class RecordBrief(Output):
    """A record that an interest is about."""

    id: uuid.UUID
    title: str
    state: ListingState


class ReasonCodes(BaseModel):
    """What spoke for a pair and what against it."""

    model_config = ConfigDict(populate_by_name=True)

    for_: Annotated[list[str], Field(alias="for")]
    against: list[str]


class MatchedAs(BaseModel):
    """What the ranking said of the pair when the interest was expressed."""

    score: float
    grade: int
    ranker: str
    reasons: ReasonCodes


class MessageRead(BaseModel):
    """What one side wrote."""

    id: uuid.UUID
    side: Side
    organization: OrganizationBrief | None
    user: Annotated[
        str | None, Field(description="Who wrote it; told to the other side by the introduction")
    ]
    text: str
    created_at: datetime


class InterestRead(BaseModel):
    """An interest as one of its sides sees it.

    The side that owns an anonymous demand (匿名需求) is null for the other until it is accepted.
    """

    id: uuid.UUID
    box: Annotated[Box | None, Field(description="Null for who belongs to neither side")]
    subject_kind: ListKind
    achievement: RecordBrief | None
    demand: RecordBrief | None
    organization: Annotated[OrganizationBrief | None, Field(description="Who is interested")]
    owner: Annotated[OrganizationBrief | None, Field(description="Whose record it is")]
    state: InterestState
    reason: DeclineReason | None
    match: MatchedAs | None
    introduction_id: uuid.UUID | None
    created_at: datetime
    answered_at: Annotated[datetime | None, Field(description="The owner's first answer")]
    updated_at: datetime
    version: int


class InterestDetail(InterestRead):
    """An interest with what was written."""

    messages: list[MessageRead]

    @property
    def tag(self) -> str:
        """Of what is shown alone: the version of an enterprise that is not named would tell."""
        shown = hashlib.sha256(self.model_dump_json().encode()).hexdigest()
        return f"{self.version}-{shown[:16]}"


class InterestQuery(PageQuery):
    """Filters of the list; several of them must all hold."""

    box: Annotated[Box | None, Field(description="Sent or received (发出、收到)")] = None
    state: InterestState | None = None
    organization_id: Annotated[uuid.UUID | None, Field(description="Of one's own")] = None
    achievement_id: uuid.UUID | None = None
    demand_id: uuid.UUID | None = None


class PartyContact(BaseModel):
    """Whom to call (联系人)."""

    name: str | None = None
    department: str | None = None
    phone: str | None = None
    email: str | None = None


class Party(BaseModel):
    """One side of an introduction."""

    organization: OrganizationBrief
    contact: Annotated[
        PartyContact | None,
        Field(description="That of its record, else the person who expressed or accepted"),
    ]


class IntroductionRead(BaseModel):
    """Two sides who have agreed to meet; the records as they are now, withdrawn ones too."""

    id: uuid.UUID
    interest_id: uuid.UUID
    sender: Party
    owner: Party
    achievement: AchievementRead | None
    demand: DemandRead | None
    created_at: datetime


class IntroductionQuery(PageQuery):
    """Filters of the list; several of them must all hold."""

    organization_id: Annotated[uuid.UUID | None, Field(description="Of one's own")] = None
    achievement_id: uuid.UUID | None = None
    demand_id: uuid.UUID | None = None


class BoxStatistics(BaseModel):
    """Counts of what an organization sent, or received."""

    states: dict[InterestState, int]
    declined: Annotated[dict[DeclineReason, int], Field(description="Declines by reason")]
    days_to_answer: Annotated[
        float | None,
        Field(description="Median days to the owner's first answer; null where there is none"),
    ]


class InterestStatistics(BaseModel):
    """How an organization's interests fare (对接统计)."""

    organization_id: uuid.UUID
    received: BoxStatistics
    sent: BoxStatistics
