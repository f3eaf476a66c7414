"""Members of an organization (成员) on the way in and out."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from kechuangtong.accounts.permissions import Role
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Input, Output


class MemberRead(Output):
    """A person with a role in an organization."""

    user_id: uuid.UUID
    organization_id: uuid.UUID
    name: str
    role: Role
    created_at: datetime


class MemberPatch(Input):
    """A change of a member's role."""

    model_config = ConfigDict(json_schema_extra={"example": {"role": "member"}})

    role: Annotated[Role, Field(description="The new role (角色)")]


class MemberQuery(PageQuery):
    """Filters of the members."""

    role: Annotated[Role | None, Field(description="With this role only (角色)")] = None
