"""What people search for, and what they find."""

import uuid
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kechuangtong.achievements.schemas import AchievementRead
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import FreeText, Input, Instant, Line
from kechuangtong.core.trade import Cooperation, IndexKind, ListKind, Stage
from kechuangtong.demands.schemas import DemandRead
from kechuangtong.instruments.schemas import InstrumentRead
from kechuangtong.models.instrument import InstrumentKind, ShareMode

_NOT_OF_KIND: Final = Text(
    "{names} 不适用于所选的类别（kind）", "{names} does not apply to this kind of records"
)


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


class InstrumentFilter(Input):
    """Filters of instruments; several of one kind: any of them."""

    model_config = ConfigDict(populate_by_name=True)

    class_: Annotated[
        list[Annotated[str, Field(pattern=r"^[0-9]{2}([0-9]{2}){0,2}$")]],
        Field(alias="class", max_length=20, description="Classes of instruments, e.g. 0301 (分类)"),
    ] = []
    instrument_kind: Annotated[
        list[InstrumentKind], Field(max_length=4, description="Kinds of instruments (仪器类别)")
    ] = []
    share_mode: Annotated[
        list[ShareMode], Field(max_length=3, description="Who may use instruments (共享模式)")
    ] = []


class Facet(StrEnum):
    """Fields that are counted; a class (分类) of instruments at each of its three levels."""

    FIELD = "field"
    STAGE = "stage"
    COOPERATION = "cooperation"
    PLACE = "place"
    ORGANIZATION = "organization_id"
    CLASS = "class"
    INSTRUMENT_KIND = "instrument_kind"
    SHARE_MODE = "share_mode"

    @property
    def column(self) -> str:
        """What the index calls it."""
        return "classes" if self is Facet.CLASS else self.value

    @property
    def attribute(self) -> str:
        """Its filter in a search."""
        return "class_" if self is Facet.CLASS else self.value


class Words(RecordFilter):
    """What is searched for: words that must all stand in a record, or any where none has all."""

    q: Annotated[
        FreeText,
        Field(
            description="Words (检索词), at most 2,000 characters",
            json_schema_extra={"example": "余热 除湿"},
        ),
    ] = ""
    published_after: Instant | None = None
    published_before: Instant | None = None


class SearchTerms(Words):
    """What is searched for in one of the two lists."""

    kind: Annotated[ListKind, Field(description="Which list (清单)")] = ListKind.ACHIEVEMENT


_OF_LISTS: Final = frozenset({"field", "stage", "cooperation", "include_expired"})
_OF_INSTRUMENTS: Final = frozenset({"class", "instrument_kind", "share_mode"})


def of_others(kind: object) -> frozenset[str]:
    """The filters, and counts, that records of a kind do not have."""
    return _OF_LISTS if kind == IndexKind.INSTRUMENT else _OF_INSTRUMENTS


class SearchQuery(PageQuery, Words, InstrumentFilter):
    """A search, what is counted in it, and its order."""

    kind: Annotated[
        IndexKind, Field(description="Which of the two lists, or instruments (清单、仪器)")
    ] = IndexKind.ACHIEVEMENT
    facet: Annotated[list[Facet], Field(max_length=5, description="Count these (分面)")] = []
    sort: Literal["relevance", "newest"] = "relevance"

    @model_validator(mode="after")
    def _suits_the_kind(self) -> Self:
        asked = self.model_dump(by_alias=True, exclude_defaults=True).keys()
        names = of_others(self.kind) & {*asked, *self.facet}
        if names:
            raise ValueError(_NOT_OF_KIND.format(names=", ".join(sorted(names))))
        return self


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


class FoundInstrument(BaseModel):
    """An instrument that was found; the description marked is what it does and offers."""

    instrument: InstrumentRead
    highlights: Highlights


class FacetCount(BaseModel):
    """How many of the found have this value."""

    value: str
    count: int


class SearchResults(BaseModel):
    """One page of what was found."""

    items: list[FoundAchievement] | list[FoundDemand] | list[FoundInstrument]
    total: int
    facets: dict[Facet, list[FacetCount]]
    next_cursor: str | None
