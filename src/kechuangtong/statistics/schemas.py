"""Statistics as they are shown."""

import uuid
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field, PlainSerializer

from kechuangtong.core.paging import Page, PageQuery
from kechuangtong.core.schemas import Input, Yuan, YuanSum
from kechuangtong.core.trade import ListKind, OrganizationKind
from kechuangtong.models.feedback import FeedbackReason, Verdict
from kechuangtong.models.instrument import InstrumentKind, UsageUnit
from kechuangtong.models.listing import ListingState
from kechuangtong.sample import ids

Tenths = Annotated[
    Decimal, PlainSerializer(lambda one: f"{one:.1f}", return_type=str, when_used="json")
]


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


class YearQuery(PageQuery):
    """Of whose instruments, and of which year."""

    organization_id: Annotated[
        uuid.UUID,
        Field(
            description="One's own organization", json_schema_extra={"example": ids.ORGANIZATION}
        ),
    ]
    year: Annotated[
        int | None, Field(ge=2000, le=2100, description="In the city (年度); null: this year")
    ] = None
    instrument_id: Annotated[uuid.UUID | None, Field(description="One instrument alone")] = None
    idle: Annotated[
        bool | None, Field(description="Only those that were not used (闲置), or only the others")
    ] = None


class Use(BaseModel):
    """Hours and fees of use. The hours of a booking that lies across the end of a year, or of a
    month, count in each by the time in it; as a service, and with its fee, it counts where it
    begins, as in the statements of its months."""

    hours: Annotated[Tenths, Field(description="All hours of use (机时); own and outside")]
    own_hours: Annotated[Tenths, Field(description="By the owner's people (本单位)")]
    outside_hours: Annotated[Tenths, Field(description="By other organizations (外部)")]
    outside_share: Annotated[
        Tenths | None, Field(description="Percent of the hours (外部共享比例); null: no use")
    ]
    services: Annotated[
        int, Field(description="Finished bookings, each for each of its instruments (服务次数)")
    ]
    outside_services: Annotated[int, Field(description="Of these, for other organizations")]
    fee: Annotated[YuanSum, Field(description="Of what has a price (费用)")]


class InstrumentYear(Use):
    """How an instrument was used in a year."""

    instrument_id: uuid.UUID
    name: str
    number: str | None
    kind: InstrumentKind
    unit: Annotated[UsageUnit, Field(description="What its hours are: of machines, cards, cores")]
    capacity: int
    hours_a_set: Annotated[
        Tenths, Field(description="hours ÷ capacity: what the line is about (台均机时)")
    ]
    full: Annotated[
        bool | None,
        Field(description="Whether it reaches the line (机时饱满); null for cards and cores"),
    ]
    idle: Annotated[bool, Field(description="Not used in the year at all (闲置)")]


class MonthOfUse(BaseModel):
    """The hours of a month, as `2026-11`."""

    month: str
    own_hours: Tenths
    outside_hours: Tenths


class UnitYear(Use):
    """How all instruments that are counted in one unit were used in a year."""

    unit: UsageUnit
    instruments: int
    idle: Annotated[int, Field(description="Of these, not used at all (闲置)")]
    full: Annotated[int | None, Field(description="Of these, those that reach the line")]
    hours_a_set: Annotated[Tenths, Field(description="hours ÷ capacities (台均机时)")]
    by_month: Annotated[list[MonthOfUse], Field(description="January to December")]


class YearOfInstruments(Page[InstrumentYear]):
    """How an organization's instruments were used in a year: the totals of all, and one page of
    them, the most used first."""

    year: int
    organization_id: uuid.UUID
    line_hours: Annotated[
        int | None,
        Field(description="Hours a year from which a set counts as fully used (机时饱满)"),
    ]
    line_source: str | None
    totals: Annotated[list[UnitYear], Field(description="By unit, those that there are")]
