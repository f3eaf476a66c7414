"""Signing in, passwords, users, and what is kept of a person."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from kechuangtong.accounts.permissions import PlatformRole, Role
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Email, Input, Line, Output
from kechuangtong.sample import ids

_ONE_OF = Text("用户名与邮箱须填且只填一项", "give either the name or the email")

# As it was typed, blanks at its ends included; what a new one must be the service says.
Password = Annotated[
    str,
    StringConstraints(strip_whitespace=False, min_length=1, max_length=1_000),
    Field(json_schema_extra={"format": "password"}),
]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]


class TokenForm(BaseModel):
    """OAuth2 (RFC 6749): a name and password, or a refresh token; what clients send beside those
    is taken and means nothing here."""

    model_config = ConfigDict(extra="forbid")

    grant_type: Literal["password", "refresh_token"] = "password"
    username: Annotated[str | None, Field(description="With `password` (用户名)")] = None
    password: Annotated[
        str | None,
        Field(description="With `password` (密码)", json_schema_extra={"format": "password"}),
    ] = None
    refresh_token: Annotated[str | None, Field(description="With `refresh_token` (刷新令牌)")] = (
        None
    )
    scope: str = ""
    client_id: str | None = None
    client_secret: Annotated[str | None, Field(json_schema_extra={"format": "password"})] = None


class Token(Output):
    """An access token (OAuth2, RFC 6750), and the refresh token for the next one, good once."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "access_token": "eyJ…",
                "token_type": "bearer",
                "expires_in": 1800,
                "refresh_token": "eyJ…",
            }
        }
    )

    access_token: str
    token_type: str = "bearer"  # noqa: S105
    expires_in: int
    refresh_token: str


class SignInRead(Output):
    """Where one is signed in."""

    id: uuid.UUID
    address: Annotated[str | None, Field(description="The address it was last used from")]
    agent: Annotated[str | None, Field(description="The program, as it names itself")]
    created_at: datetime
    used_at: Annotated[datetime, Field(description="When it was begun or last carried on")]
    expires_at: datetime
    current: Annotated[bool, Field(description="It is the one that asks")] = False


class Me(Output):
    """Who is signed in, and for which organizations."""

    id: uuid.UUID
    name: str
    email: str | None
    mail_news: bool
    administrator: bool
    platform_role: PlatformRole | None
    district: str | None
    organization_ids: list[uuid.UUID]
    roles: dict[uuid.UUID, Role]


class MePatch(Input):
    """A change of one's own: only the fields that are given are changed."""

    model_config = ConfigDict(json_schema_extra={"example": {"mail_news": False}})

    email: Annotated[Email | None, Field(description="Where mail goes (邮箱)")] = None
    mail_news: Annotated[
        bool, Field(description="News of one's organizations by mail (邮件通知)")
    ] = True


class PasswordChange(Input):
    """One's present password and a new one."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"present": "kechuangtong-demo", "new": "九眼桥下的一盏茶，慢慢喝"}
        }
    )

    present: Annotated[Password, Field(description="Present password (现用密码)")]
    new: Annotated[Password, Field(description="New password (新密码), 10 to 200 characters")]


class PasswordResetCreate(Input):
    """Who has forgotten the password: the name or the e-mail address."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "demo-editor"}})

    name: Annotated[Line | None, Field(description="User name (用户名)")] = None
    email: Annotated[Email | None, Field(description="E-mail address (邮箱)")] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.name is None) is (self.email is None):
            raise ValueError(_ONE_OF)
        return self


class PasswordResetComplete(Input):
    """The token of the mail's link, and a new password."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"token": ids.RESET_TOKEN, "password": "kechuangtong-demo"}}
    )

    token: Annotated[Secret, Field(description="The end of the link (重置链接的末段)")]
    password: Annotated[Password, Field(description="New password (新密码)")]


class Erasure(Input):
    """One's password, where one has one."""

    model_config = ConfigDict(json_schema_extra={"example": {"password": "kechuangtong-demo"}})

    password: Annotated[Password | None, Field(description="Needed by all who have one (密码)")] = (
        None
    )


class UserRead(Output):
    """A user as administrators and auditors see it."""

    id: uuid.UUID
    name: str
    email: str | None
    platform_role: PlatformRole | None
    district: str | None
    roles: Annotated[dict[uuid.UUID, Role], Field(description="Roles by organization (单位角色)")]
    has_password: Annotated[bool, Field(description="False: signs in at an institution")]
    mail_news: bool
    locked_at: Annotated[datetime | None, Field(description="Set: may do nothing (已锁定)")]
    erased_at: Annotated[datetime | None, Field(description="Set: a number alone (已注销)")]
    created_at: datetime
    updated_at: datetime
    version: int


class UserPatch(Input):
    """A change: only the fields that are given are changed."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"platform_role": "reviewer", "district": "武侯区"}}
    )

    email: Annotated[Email | None, Field(description="Where mail goes (邮箱)")] = None
    platform_role: Annotated[
        PlatformRole | None, Field(description="A role for the whole platform (平台角色)")
    ] = None
    district: Annotated[
        Line | None,
        Field(max_length=100, description="What a reviewer decides for alone (辖区)"),
    ] = None


class UserQuery(PageQuery):
    """Filters of the users."""

    q: Annotated[Line | None, Field(description="A part of the name or email (名称或邮箱)")] = None
    platform_role: PlatformRole | None = None
    organization_id: uuid.UUID | None = None


class PersonalData(Output):
    """Everything that is kept of a person, secrets left out, as it is stored."""

    account: list[dict[str, Any]]
    memberships: list[dict[str, Any]]
    identities: list[dict[str, Any]]
    sign_ins: list[dict[str, Any]]
    password_resets: list[dict[str, Any]]
    api_keys: list[dict[str, Any]]
    invitations: list[dict[str, Any]]
    registrations: list[dict[str, Any]]
    feedback: list[dict[str, Any]]
    interests: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    deal_steps: list[dict[str, Any]]
    ownerships: list[dict[str, Any]]
    receipts: list[dict[str, Any]]
    royalty_reports: list[dict[str, Any]]
    sale_applications: list[dict[str, Any]]
    sale_bids: list[dict[str, Any]]
    sale_objections: list[dict[str, Any]]
    saved_searches: list[dict[str, Any]]
    calendar_feeds: list[dict[str, Any]]
    bookings: list[dict[str, Any]]
    qualifications: list[dict[str, Any]]
    broker: list[dict[str, Any]]
    broker_trainings: list[dict[str, Any]]
    broker_conflicts: list[dict[str, Any]]
    mandates: list[dict[str, Any]]
    reviews: list[dict[str, Any]]
    imports: list[dict[str, Any]]
    attachments: list[dict[str, Any]]
    mails: list[dict[str, Any]]
    events: list[dict[str, Any]]
