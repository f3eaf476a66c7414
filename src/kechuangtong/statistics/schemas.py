"""Statistics as they are shown."""

import uuid
from typing import Annotated

from pydantic import BaseModel, Field

from kechuangtong.core.schemas import Input, Yuan
from kechuangtong.core.trade import ListKind, OrganizationKind
from kechuangtong.models.feedback import FeedbackReason, Verdict
from kechuangtong.models.listing import ListingState
from kechuangtong.sample import ids


class FeedbackCounts(BaseModel):
    """What people said of matches (匹配反馈)."""

    verdicts: dict[Verdict, int]
    reasons: dict[FeedbackReason, int]


class Totals(BaseModel):
    """How many there are."""

    organizations: int
    achievements: Annotated[int, Field(description="Published achievements (已发布成果)")]
    demands: Annotated[int, Field(description="Published demands (已发布需求)")]
    interests: Annotated[int, Field(description="Interests expressed (对接意向)")]
    introductions: Annotated[int, Field(description="Introductions made (引荐)")]


class Statistics(Totals):
    """Counts over the lists, what was said of matches, and first contacts."""

    feedback: FeedbackCounts


class OrganizationStatisticsQuery(Input):
    """Whose statistics."""

    organization_id: Annotated[
        uuid.UUID,
        Field(description="One's own organization", json_schema_extra={"example": ids.ENTERPRISE}),
    ]


class ListStatisticsQuery(Input):
    """Which list."""

    kind: Annotated[ListKind, Field(description="Which list (清单)")] = ListKind.ACHIEVEMENT


class Count(BaseModel):
    """How many records have a value."""

    value: str
    count: int


class Breakdown(BaseModel):
    """Records by a value: the most frequent ones, or all of those that there can be."""

    items: list[Count]
    others: Annotated[int, Field(description="Records with other values (其他)")]
    unstated: Annotated[int, Field(description="Records that do not say (未填写)")]


class Months(BaseModel):
    """Records by the month of their publication (按月发布), oldest first, as `2026-11`."""

    items: list[Count]
    earlier: int


class BudgetBand(BaseModel):
    """Demands with a budget from `low` up to below `high`; of a range its upper end counts."""

    low: Yuan
    high: Annotated[Yuan | None, Field(description="null: and more")]
    count: int


class Budgets(BaseModel):
    """Demands by their budget (预算)."""

    bands: list[BudgetBand]
    negotiable: Annotated[int, Field(description="面议")]
    unstated: int


class OrganizationCount(BaseModel):
    """How many records an organization has published in its name."""

    id: uuid.UUID
    name: str
    kind: OrganizationKind
    count: int


class Funnel(BaseModel):
    """How far published records have come (转化漏斗)."""

    published: int
    useful: Annotated[int, Field(description="Of these, with a match that was called useful")]
    interested: Annotated[int, Field(description="Of these, with an interest, in it or from it")]
    introduced: Annotated[int, Field(description="Of these, with an introduction")]
    days_to_answer: Annotated[
        float | None,
        Field(
            description="Median days to the first answer to an interest in a record of this list, "
            "of the newest thousand; null where there are fewer than five"
        ),
    ]


class ListStatistics(BaseModel):
    """Counts of a list's public records. Whose an anonymous demand is counts nowhere."""

    kind: ListKind
    published: int
    by_month: Months
    by_field: Breakdown
    by_stage: Annotated[
        Breakdown, Field(description="The stage reached (成熟阶段), or the one required")
    ]
    by_place: Breakdown
    by_cooperation: Annotated[
        Breakdown, Field(description="A record counts for each of its ways (合作方式)")
    ]
    by_organization_kind: Annotated[
        Breakdown, Field(description="Anonymous demands (匿名需求) are `unstated`")
    ]
    by_budget: Annotated[Budgets | None, Field(description="null for achievements")]
    organizations: Annotated[
        list[OrganizationCount],
        Field(description="The ten with most records; anonymous demands are not counted"),
    ]
    funnel: Funnel


class OwnStatistics(BaseModel):
    """An organization's own records by state."""

    organization_id: uuid.UUID
    achievements: dict[ListingState, int]
    demands: dict[ListingState, int]
