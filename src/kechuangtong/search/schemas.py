"""What people search for, and what they find."""

import uuid
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from kechuangtong.achievements.schemas import AchievementRead
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import FreeText, Input, Instant, Line
from kechuangtong.core.trade import Cooperation, ListKind, Stage
from kechuangtong.demands.schemas import DemandRead


class PublicFilter(Input):
    """Filters of what is public and has not expired; several of one kind: any of them."""

    field: Annotated[list[Line], Field(max_length=20, description="Fields (所属领域)")] = []
    stage: Annotated[list[Stage], Field(max_length=5, description="Stages (成熟阶段)")] = []
    cooperation: Annotated[
        list[Cooperation], Field(max_length=8, description="Ways of cooperation (合作方式)")
    ] = []
    place: Annotated[list[Line], Field(max_length=20, description="Places (所在地)")] = []
    organization_id: Annotated[list[uuid.UUID], Field(max_length=20)] = []


class RecordFilter(PublicFilter):
    """Filters that searching and matching share."""

    include_expired: Annotated[
        bool, Field(description="Also records past their date, of those that the caller may see")
    ] = False


class Facet(StrEnum):
    """Fields that are counted."""

    FIELD = "field"
    STAGE = "stage"
    COOPERATION = "cooperation"
    PLACE = "place"
    ORGANIZATION = "organization_id"


class SearchTerms(RecordFilter):
    """What is searched for: words that must all stand in a record, or any where none has all."""

    q: Annotated[
        FreeText,
        Field(
            description="Words (检索词), at most 2,000 characters",
            json_schema_extra={"example": "余热 除湿"},
        ),
    ] = ""
    kind: Annotated[ListKind, Field(description="Which list (清单)")] = ListKind.ACHIEVEMENT
    published_after: Instant | None = None
    published_before: Instant | None = None


class SearchQuery(PageQuery, SearchTerms):
    """A search, what is counted in it, and its order."""

    facet: Annotated[list[Facet], Field(max_length=5, description="Count these (分面)")] = []
    sort: Literal["relevance", "newest"] = "relevance"


class Highlights(BaseModel):
    """HTML-safe texts with what was found in `<em>`; null where nothing of it was."""

    title: str | None
    description: str | None


class FoundAchievement(BaseModel):
    """An achievement that was found."""

    achievement: AchievementRead
    highlights: Highlights


class FoundDemand(BaseModel):
    """A demand that was found."""

    demand: DemandRead
    highlights: Highlights


class FacetCount(BaseModel):
    """How many of the found have this value."""

    value: str
    count: int


class SearchResults(BaseModel):
    """One page of what was found."""

    items: list[FoundAchievement] | list[FoundDemand]
    total: int
    facets: dict[Facet, list[FacetCount]]
    next_cursor: str | None
