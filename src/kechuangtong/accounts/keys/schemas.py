"""API keys (API 密钥) on the way in and out."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from kechuangtong.accounts.permissions import NOT_FOR_KEYS, Permission
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Input, Instant, Output, ShortLine

_NOT_FOR_KEYS = Text("此权限不可授予密钥", "a key cannot be given this permission")


def _for_keys(permission: Permission) -> Permission:
    if permission in NOT_FOR_KEYS:
        raise ValueError(_NOT_FOR_KEYS)
    return permission


class KeyCreate(Input):
    """A new key: for what, and for how long."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"name": "成果同步", "scopes": ["achievements:read", "achievements:write"]}
        }
    )

    name: Annotated[ShortLine, Field(description="What the key is for (用途)")]
    scopes: Annotated[
        list[Annotated[Permission, AfterValidator(_for_keys)]],
        Field(
            min_length=1,
            max_length=len(Permission),
            description="What the key may do, of what its person may (权限范围)",
        ),
    ]
    organization_id: Annotated[
        uuid.UUID | None,
        Field(description="Confines the key to one of one's own organizations (限于某单位)"),
    ] = None
    expires_at: Annotated[
        Instant | None,
        Field(description="At most a year away; without it 90 days (到期时间)"),
    ] = None


class KeyRead(Output):
    """A key as it is shown; `hint` is how its secret begins."""

    id: uuid.UUID
    name: str
    hint: str
    scopes: list[Permission]
    user_id: uuid.UUID
    organization_id: uuid.UUID | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


class KeyCreated(KeyRead):
    """A new key with its secret, which is shown this once and kept nowhere."""

    secret: str


class KeyQuery(PageQuery):
    """Filters of the keys; without one, one's own."""

    organization_id: Annotated[
        uuid.UUID | None,
        Field(description="Keys for an organization: all of them for its managers (某单位的密钥)"),
    ] = None
    user_id: Annotated[
        uuid.UUID | None,
        Field(description="Keys of a person, as far as the caller may see them (某人的密钥)"),
    ] = None
