"""Invitations (邀请) on the way in and out."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from kechuangtong.accounts.permissions import Role
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Email, Input, Line, Output, ShortLine
from kechuangtong.sample import ids

_BOTH = Text("用户名与密码须一并填写", "name and password go together")


class InvitationState(StrEnum):
    """What became of an invitation."""

    OPEN = "open"  # 待接受
    ACCEPTED = "accepted"  # 已接受
    REVOKED = "revoked"  # 已撤销
    EXPIRED = "expired"  # 已过期


class InvitationCreate(Input):
    """Whom to ask, and as what."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"email": "colleague@example.edu.cn", "role": "editor"}}
    )

    email: Annotated[Email, Field(description="Where the invitation goes (电子邮箱)")]
    role: Annotated[Role, Field(description="The role to have (角色)")] = Role.MEMBER


class InvitationAccept(Input):
    """The token of the mail's link, and for a new user a name and a password."""

    model_config = ConfigDict(json_schema_extra={"example": {"token": ids.INVITATION_TOKEN}})

    token: Line
    name: Annotated[ShortLine | None, Field(description="User name of a new user (用户名)")] = None
    password: Annotated[
        Annotated[str, StringConstraints(strip_whitespace=False, max_length=1_000)] | None,
        Field(description="Password of a new user (密码)"),
    ] = None

    @model_validator(mode="after")
    def _name_with_password(self) -> Self:
        if (self.name is None) != (self.password is None):
            raise ValueError(_BOTH)
        return self


class InvitationRead(Output):
    """An invitation as those who manage the organization see it."""

    id: uuid.UUID
    organization_id: uuid.UUID
    email: str
    role: Role
    state: InvitationState
    invited_by: uuid.UUID | None
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    accepted_by: uuid.UUID | None
    revoked_at: datetime | None


class InvitationQuery(PageQuery):
    """Filters of the invitations."""

    state: Annotated[InvitationState | None, Field(description="In this state only (状态)")] = None
