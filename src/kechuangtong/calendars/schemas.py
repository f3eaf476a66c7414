"""Calendar feeds (日历订阅) on the way in and out."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from kechuangtong.core.schemas import Input, Output, ShortLine
from kechuangtong.sample import ids


class FeedCreate(Input):
    """A new feed: of an instrument, or of one's own bookings."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "手机日历", "instrument_id": ids.INSTRUMENT}}
    )

    name: Annotated[ShortLine, Field(description="Where it is read (用途)")]
    instrument_id: Annotated[
        uuid.UUID | None,
        Field(description="Bookings of this instrument; null: those for oneself (仪器)"),
    ] = None


class FeedRead(Output):
    """A feed, without its address."""

    id: uuid.UUID
    name: str
    instrument_id: uuid.UUID | None
    created_at: datetime
    revoked_at: datetime | None


class FeedCreated(FeedRead):
    """A new feed with its address, which is shown this once; only its hash is kept."""

    url: Annotated[str, Field(description="To be subscribed to in a calendar program (订阅地址)")]
