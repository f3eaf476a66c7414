"""Notices as they are shown."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Input
from kechuangtong.models.notice import NoticeKind
from kechuangtong.sample import ids


class InboxQuery(PageQuery):
    """Filters of the inbox; several of them must all hold."""

    organization_id: Annotated[uuid.UUID | None, Field(description="Of one's own")] = None
    waiting: Annotated[bool | None, Field(description="Waits for an act (待处理)")] = None
    unread: Annotated[bool | None, Field(description="Not read yet (未读)")] = None


class ReadAll(Input):
    """Whose notices were read."""

    model_config = ConfigDict(json_schema_extra={"example": {"organization_id": ids.ENTERPRISE}})

    organization_id: Annotated[
        uuid.UUID | None, Field(description="Null: of all one's organizations")
    ] = None


class ReadCount(BaseModel):
    """How many notices were marked as read."""

    read: int


class NoticeRead(BaseModel):
    """A notice: what happened, in the caller's language, and where to see it."""

    id: uuid.UUID
    organization_id: uuid.UUID
    kind: NoticeKind
    title: str
    text: str
    subject_kind: str
    subject_id: uuid.UUID
    link: Annotated[str, Field(description="The path of what it speaks of")]
    page: Annotated[str, Field(description="The path of its page (页面)")]
    waiting: Annotated[bool, Field(description="The organization is asked to act (待处理)")]
    created_at: datetime
    read_at: datetime | None
