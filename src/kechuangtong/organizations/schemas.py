"""What an organization (单位) is on the way in and out."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from kechuangtong.core.identifiers import IdentifierError, check_uscc
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Input, Line, Output
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.lists.schemas import required_in_create


def _uscc(text: str) -> str:
    try:
        return check_uscc(text)
    except IdentifierError as error:
        raise ValueError(error.message) from error


_REVIEW = "Whether its records are reviewed before publication (发布前审核); null: by default"

Uscc = Annotated[Line, AfterValidator(_uscc)]


class OrganizationFields(Input):
    """What is known of an organization."""

    code: Annotated[
        Uscc | None,
        Field(description="统一社会信用代码, both check characters; without it: unverified"),
    ] = None
    place: Annotated[Line | None, Field(description="Place, e.g. 四川省成都市 (所在地)")] = None


class OrganizationCreate(OrganizationFields):
    """A new organization."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"name": "示例大学", "kind": "university", "place": "四川省成都市"}
        }
    )

    name: Annotated[Line, Field(description="Name (单位名称)")]
    kind: Annotated[OrganizationKind, Field(description="Kind (单位性质)")]


class OrganizationPatch(OrganizationFields):
    """A change: only the fields that are given are changed."""

    model_config = ConfigDict(json_schema_extra={"example": {"place": "四川省绵阳市"}})

    name: Annotated[
        Line, Field(description="Name (单位名称)", json_schema_extra=required_in_create)
    ] = ""
    review: Annotated[bool | None, Field(description=_REVIEW + "; administrators change it")] = None


class Merge(Input):
    """Which organization another is merged into."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"into": "01900000-0000-7000-8000-00000000e001"}}
    )

    into: Annotated[uuid.UUID, Field(description="The one that stays (并入的单位)")]


class OrganizationRead(Output):
    """An organization as it is shown."""

    id: uuid.UUID
    name: str
    kind: OrganizationKind
    code: str | None
    place: str | None
    verified: bool
    review: Annotated[bool | None, Field(description=_REVIEW)]
    merged_into_id: Annotated[
        uuid.UUID | None, Field(description="The organization that this one is a name of (已并入)")
    ]
    created_at: datetime
    updated_at: datetime
    version: int


class OrganizationQuery(PageQuery):
    """Filters of the organizations."""

    kind: OrganizationKind | None = None
    code: Line | None = None
    name: Annotated[Line | None, Field(description="A part of the name (名称包含)")] = None
