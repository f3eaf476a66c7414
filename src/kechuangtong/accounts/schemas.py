"""Signing in."""

import uuid

from pydantic import ConfigDict

from kechuangtong.accounts.permissions import PlatformRole, Role
from kechuangtong.core.schemas import Output


class Token(Output):
    """An access token (OAuth2, RFC 6750)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"access_token": "eyJ…", "token_type": "bearer", "expires_in": 3600}
        }
    )

    access_token: str
    token_type: str = "bearer"  # noqa: S105
    expires_in: int


class Me(Output):
    """Who is signed in, and for which organizations."""

    id: uuid.UUID
    name: str
    administrator: bool
    platform_role: PlatformRole | None
    district: str | None
    organization_ids: list[uuid.UUID]
    roles: dict[uuid.UUID, Role]
