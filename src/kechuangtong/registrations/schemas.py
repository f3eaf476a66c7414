"""What a registration (单位注册) is on the way in and out."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints

from kechuangtong.accounts.hashing import MAX_LENGTH, MIN_LENGTH
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Email, FreeText, Input, Line, Output
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.lists.schemas import OrganizationBrief, required_in_create
from kechuangtong.models.review import ReturnReason, ReviewState
from kechuangtong.organizations.schemas import Uscc

EXAMPLE: dict[str, Any] = {
    "name": "成都锦里智造有限公司",
    "kind": "enterprise",
    "code": "91510100MA6CGUTY07",
    "place": "四川省成都市锦江区",
    "proof": "营业执照编号与法人身份已由锦江区市场监管局核发，可电话核对。",
}

Name = Annotated[Line, Field(description="Name (单位名称)")]
Code = Annotated[Uscc, Field(description="统一社会信用代码, both check characters")]
Proof = Annotated[
    FreeText,
    StringConstraints(min_length=1, max_length=2_000),
    Field(description="What shows that it is this organization (证明说明)"),
]
Place = Annotated[
    Line | None, Field(description="Place (所在地), which says what district reviews it")
]


class NewUser(Input):
    """Who applies, where nobody is signed in: can sign in at once."""

    name: Annotated[Line, Field(max_length=100)]
    password: Annotated[FreeText, Field(min_length=MIN_LENGTH, max_length=MAX_LENGTH)]
    email: Annotated[Email, Field(examples=["li@example.org"])]


class RegistrationCreate(Input):
    """An organization that wants to take part, and who asks for it."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    name: Name
    kind: Annotated[OrganizationKind, Field(description="Kind (单位性质)")]
    code: Code
    place: Place = None
    proof: Proof
    user: Annotated[
        NewUser | None, Field(description="Who applies; left out by one who is signed in")
    ] = None


class RegistrationPatch(Input):
    """A change: only the fields that are given are changed."""

    model_config = ConfigDict(json_schema_extra={"example": {"proof": "附上授权书编号 2026-018。"}})

    name: Annotated[Name, Field(json_schema_extra=required_in_create)] = ""
    kind: Annotated[OrganizationKind, Field(json_schema_extra=required_in_create)] = (
        OrganizationKind.ENTERPRISE
    )
    code: Annotated[Code, Field(json_schema_extra=required_in_create)] = ""
    place: Place = None
    proof: Annotated[Proof, Field(json_schema_extra=required_in_create)] = ""


class RegistrationRead(Output):
    """A registration as its applicant sees it."""

    id: uuid.UUID
    name: str
    kind: OrganizationKind
    code: str
    place: str | None
    proof: str
    state: ReviewState
    reasons: Annotated[list[ReturnReason], Field(description="Why it was returned (退回原因)")]
    comment: str | None
    organization_id: Annotated[
        uuid.UUID | None, Field(description="The organization, once it is approved")
    ]
    created_at: datetime
    updated_at: datetime
    version: int


class SameCode(Output):
    """Another open registration of the same code, by somebody else."""

    id: uuid.UUID
    name: str
    place: str | None
    created_at: datetime


class RegistrationReviewed(RegistrationRead):
    """A registration as its reviewer sees it."""

    applicant: str
    email: str | None
    registered_as: Annotated[
        OrganizationBrief | None,
        Field(description="Who has the code already: approving joins the applicant to it"),
    ]
    same_code: list[SameCode]


class RegistrationQuery(PageQuery):
    """Filters of the registrations."""

    state: ReviewState | None = None
