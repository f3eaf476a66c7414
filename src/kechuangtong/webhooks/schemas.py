"""Webhooks (事件推送) on the way in and out."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Input, Instant, Keyword, Line, Output
from kechuangtong.lists.schemas import required_in_create
from kechuangtong.models.webhook import DeliveryState, DisabledReason
from kechuangtong.sample import ids

Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2_000,
        description="Where events are sent: an https address in the public net (推送地址)",
    ),
]
EventTypes = Annotated[
    list[Keyword],
    Field(
        min_length=1,
        max_length=50,
        description="Names of events, all of a kind (`deal.*`), or `*` for all (事件类型)",
    ),
]


class WebhookCreate(Input):
    """A new endpoint of an organization."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "organization_id": ids.ORGANIZATION,
                "url": "https://hooks.example/kechuangtong",
                "description": "科研管理系统",
                "event_types": ["interest.*", "deal.*", "achievement.published"],
            }
        }
    )

    organization_id: Annotated[
        uuid.UUID | None, Field(description="Whose; needed by who acts for several (单位)")
    ] = None
    url: Url
    description: Annotated[Line | None, Field(description="What it is for (用途)")] = None
    event_types: EventTypes


class WebhookPatch(Input):
    """A change: only what is given is changed."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"event_types": ["interest.*", "booking.*"], "active": True}}
    )

    url: Annotated[Url, Field(json_schema_extra=required_in_create)] = ""
    description: Annotated[Line | None, Field(description="What it is for (用途)")] = None
    event_types: Annotated[EventTypes, Field(json_schema_extra=required_in_create)] = []
    active: Annotated[
        bool,
        Field(
            description="Whether events are sent; what waits goes on when they are again (启用)",
            json_schema_extra=required_in_create,
        ),
    ] = True


class WebhookRead(Output):
    """An endpoint. One that was disabled says why; `failing_since` is null while it works."""

    id: uuid.UUID
    organization_id: uuid.UUID
    url: str
    description: str | None
    event_types: list[str]
    active: bool
    disabled_reason: DisabledReason | None
    failing_since: datetime | None
    rotated_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


class WebhookWithSecret(WebhookRead):
    """An endpoint with its secret, which is shown this once."""

    secret: Annotated[
        str, Field(description="What its receiver verifies signatures with (签名密钥)")
    ]


class WebhookQuery(PageQuery):
    """A filter of the list."""

    organization_id: Annotated[uuid.UUID | None, Field(description="Of one's own (单位)")] = None


class EventTypeRead(Output):
    """An event that webhooks tell of."""

    name: Annotated[str, Field(examples=["achievement.published"])]
    zh: str
    en: str


class EventTypeList(Output):
    """All of them."""

    items: list[EventTypeRead]


class DeliveryRead(Output):
    """An event that an endpoint is or was told of; `id` is the message's (`webhook-id`). `status`,
    `duration_ms` and `error` are those of the latest try."""

    id: uuid.UUID
    webhook_id: uuid.UUID
    type: str
    state: DeliveryState
    attempts: int
    due_at: Annotated[datetime | None, Field(description="When it is tried next (下次推送)")]
    status: int | None
    duration_ms: int | None
    error: str | None
    created_at: datetime
    ended_at: datetime | None


class AttemptRead(Output):
    """One try: what was answered, or why nothing was."""

    number: int
    at: datetime
    status: int | None
    duration_ms: int
    error: str | None
    excerpt: Annotated[str | None, Field(description="How the answer's body begins")]


class DeliveryDetails(DeliveryRead):
    """A delivery with what is sent and with its tries, the first one first."""

    payload: Annotated[dict[str, object], Field(description="The body that is sent (推送内容)")]
    log: list[AttemptRead]


class DeliveryQuery(PageQuery):
    """Which deliveries."""

    state: Annotated[DeliveryState | None, Field(description="Where they stand (状态)")] = None
    type: Annotated[Line | None, Field(description="Of one event type (事件类型)")] = None


class ReplayQuery(Input):
    """Which deliveries are sent again."""

    since: Annotated[
        Instant,
        Field(
            description="Those that were made since (起)",
            json_schema_extra={"example": "2026-11-01T00:00:00Z"},
        ),
    ]
    state: Annotated[
        DeliveryState | None,
        Field(description="Those alone that are in this state, as `failed` (状态)"),
    ] = None


class Replayed(Output):
    """How many deliveries will be sent again. Where there are `more`, another call goes on with
    those since `until`, which is when the last of these was made."""

    count: int
    until: datetime | None
    last_due_at: Annotated[
        datetime | None, Field(description="When the last of these is sent (最后一条的时间)")
    ]
    more: bool
