"""What the two lists have in common on the way in and out."""

import hashlib
import uuid
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Contact, Input, Instant, Keyword, Line, Output, Passage
from kechuangtong.core.trade import Cooperation, OrganizationKind, Stage
from kechuangtong.models.listing import ListingState

_NO_DATE = Text("日期须为文本，如 2026-01-31", "a date is text, such as 2026-01-31")
_DATE_RANGE = Text("日期须在 1900 至 2200 年之间", "a date is between the years 1900 and 2200")


def _not_a_number(value: object) -> object:
    if isinstance(value, int | float):  # it would be read as the seconds since 1970
        raise ValueError(_NO_DATE)
    return value


def _sane(value: date) -> date:
    if not 1900 <= value.year <= 2200:
        raise ValueError(_DATE_RANGE)
    return value


Day = Annotated[date, BeforeValidator(_not_a_number), AfterValidator(_sane)]


def required_in_create(schema: dict[str, Any]) -> None:
    """A patch may leave the title out but not empty it: the placeholder default is not shown."""
    schema.pop("default", None)


MAX_KEYWORDS = 30


class ListingFields(Input):
    """The fields that achievements and demands share; none of them must be given."""

    number: Annotated[
        Line | None, Field(description="The list's own number (编号), unique in the organization")
    ] = None
    description: Annotated[Passage | None, Field(description="Description (简介、内容)")] = None
    field: Annotated[Line | None, Field(description="Industry or field (所属领域)")] = None
    keywords: Annotated[
        list[Keyword], Field(max_length=MAX_KEYWORDS, description="Keywords (关键词)")
    ] = []
    cooperation: Annotated[
        list[Cooperation], Field(max_length=8, description="Ways of cooperation (合作方式)")
    ] = []
    place: Annotated[Line | None, Field(description="Place, e.g. 四川省成都市 (所在地)")] = None
    contact: Annotated[
        Contact | None, Field(description="Contact point (联系人), never shown to the public")
    ] = None
    valid_until: Annotated[
        Day | None, Field(description="Last day of validity (有效期、截止日期); null: no limit")
    ] = None


class Renewal(Input):
    """Until when a record is to be valid."""

    model_config = ConfigDict(json_schema_extra={"example": {"valid_until": "2031-12-31"}})

    valid_until: Annotated[Day, Field(description="The new last day of validity (有效期至)")]


class Bulk(Input):
    """The same for many records at once (批量操作)."""

    action: Literal["publish", "withdraw", "submit"]
    ids: Annotated[list[uuid.UUID], Field(min_length=1, max_length=1_000)]


class BulkItem(Output):
    """What became of a record: its state and version, or why it was left as it was."""

    id: uuid.UUID
    done: bool
    state: ListingState | None
    version: int | None
    code: str | None = Field(description="As the single operation would answer")
    message: str | None


class BulkOutcome(Output):
    """What became of each record, in the order of the request; `done` counts those changed."""

    done: int
    items: list[BulkItem]


class OrganizationBrief(Output):
    """The organization that a record belongs to."""

    id: uuid.UUID
    name: str
    kind: OrganizationKind
    verified: bool


class ListingRead(Output):
    """The fields that both lists show."""

    id: uuid.UUID
    organization: OrganizationBrief | None
    number: str | None
    title: str
    description: str | None
    field: str | None
    keywords: list[str]
    cooperation: list[Cooperation]
    place: str | None
    contact: Contact | None = Field(
        description="Null for all but the organization's own people, and those introduced"
    )
    valid_until: date | None
    state: ListingState
    published_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def tag(self) -> str:
        """What tells a record as it is shown to someone from every other state of it: the version
        alone does not, since it is shown with its organization, expires without being changed, and
        is not shown alike to all."""
        shown = hashlib.sha256(self.model_dump_json().encode()).hexdigest()
        return f"{self.version}-{shown[:16]}"


Sort = Literal["-created_at", "created_at", "-updated_at", "updated_at", "title", "-title"]


class ListingQuery(PageQuery):
    """Filters of a list; several of them must all hold."""

    organization_id: uuid.UUID | None = None
    state: Annotated[
        ListingState | None, Field(description="`published` means published and not expired")
    ] = None
    field: Line | None = None
    stage: Annotated[
        Stage | None, Field(description="Reached by an achievement, required by a demand")
    ] = None
    cooperation: Cooperation | None = None
    place: Annotated[Line | None, Field(description="A part of the place, e.g. 成都")] = None
    updated_since: Instant | None = None
    sort: Sort = "-created_at"
