"""The audit trail (审计记录) on the way out, and its filters."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Input, Instant, Line, Output


class EventRead(Output):
    """What somebody did (审计记录); the actor's name is the present one."""

    id: int
    at: datetime
    actor_kind: Annotated[str, Field(description="user, key, operator or anonymous (操作者类型)")]
    actor_id: uuid.UUID | None
    actor_name: str | None
    key_id: Annotated[uuid.UUID | None, Field(description="The API key that was used (密钥)")]
    address: Annotated[str | None, Field(description="From where (来源地址)")]
    action: Annotated[str, Field(description="What was done (操作)", examples=["demand.published"])]
    subject_kind: Annotated[str, Field(description="To what kind of thing (对象类型)")]
    subject_id: uuid.UUID
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str | None


class EventFilter(Input):
    """Which events."""

    actor_id: Annotated[uuid.UUID | None, Field(description="Who did it (操作者)")] = None
    action: Annotated[
        Line | None,
        Field(description="What was done (操作); all that begins so where it ends in a dot"),
    ] = None
    subject_kind: Annotated[Line | None, Field(description="The kind of thing (对象类型)")] = None
    subject_id: Annotated[uuid.UUID | None, Field(description="The thing (对象)")] = None
    address: Annotated[Line | None, Field(description="From where (来源地址)")] = None
    request_id: Annotated[Line | None, Field(description="In which request (请求编号)")] = None
    after: Annotated[Instant | None, Field(description="From this instant on (起)")] = None
    before: Annotated[Instant | None, Field(description="Before this instant (止)")] = None


class EventQuery(EventFilter, PageQuery):
    """Which events, page by page."""


class ExportFormat(StrEnum):
    """How events are exported."""

    NDJSON = "ndjson"
    CSV = "csv"


class ExportQuery(EventFilter):
    """Which events are exported, and how."""

    format: Annotated[ExportFormat, Field(description="The file's format (文件格式)")] = (
        ExportFormat.NDJSON
    )
