"""What the change feed (变更流) shows."""

import uuid
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from kechuangtong.achievements.schemas import AchievementRead
from kechuangtong.core.schemas import Input
from kechuangtong.core.trade import ListKind
from kechuangtong.demands.schemas import DemandRead


class ChangeKind(StrEnum):
    """What a mirror of the lists does with a record."""

    SHOWN = "shown"  # 公开: put it there, or in the place of what is there
    GONE = "gone"  # 不再公开: take it away


class Change(BaseModel):
    """The latest change of a record that is or was public."""

    change: Annotated[ChangeKind, Field(description="`shown`: new or changed (变更)")]
    kind: ListKind
    id: uuid.UUID
    record: Annotated[
        AchievementRead | DemandRead | None,
        Field(description="As anyone sees it at present; null where it is gone"),
    ]


class Changes(BaseModel):
    """A part of the feed."""

    items: list[Change]
    next_cursor: Annotated[
        str, Field(description="What to send as `after` next, also when all has been read")
    ]
    more: Annotated[bool, Field(description="Whether there is more already (还有更多)")]


class ChangeQuery(Input):
    """Which changes."""

    after: Annotated[
        str | None,
        Field(
            max_length=200, description="`next_cursor` of the answer before; none: from the start"
        ),
    ] = None
    kind: Annotated[ListKind | None, Field(description="Of one list alone (清单)")] = None
    limit: Annotated[int, Field(ge=1, le=100, description="At most so many, 1 to 100")] = 100
