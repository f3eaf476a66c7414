"""What an edition (动态清单) shows."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, Field

from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Output
from kechuangtong.core.trade import ListKind


class ListName(StrEnum):
    """The lists, as paths name them."""

    ACHIEVEMENTS = "achievements"  # 成果清单
    DEMANDS = "demands"  # 需求清单

    @property
    def kind(self) -> ListKind:
        return ListKind(self.value)


class EditionRead(Output):
    """A list as it was on a day (动态清单)."""

    kind: ListKind
    number: Annotated[int, Field(description="The list's editions are numbered from 1 (期号)")]
    date: Annotated[date, Field(description="The day that it was frozen on (日期)")]
    created_at: datetime
    count: Annotated[int, Field(description="Its records (记录数)")]
    came: Annotated[int, Field(description="Not in the edition before (新增)")]
    went: Annotated[int, Field(description="In the edition before alone (退出)")]
    changed: Annotated[int, Field(description="Otherwise in the edition before (变更)")]
    sha256: Annotated[
        str | None,
        Field(
            description="The SHA-256 of its NDJSON as it is served; in a list of editions null "
            "where a record was masked since and the edition itself has not been read (校验值)"
        ),
    ]


class EditionDetail(EditionRead):
    """An edition, and how many of its records are not as they were frozen."""

    masked: Annotated[
        int,
        Field(description="Demands whose enterprise has become anonymous since (匿名处理)"),
    ]


class Difference(StrEnum):
    """How a record of an edition differs from the edition before."""

    CAME = "came"  # 新增
    WENT = "went"  # 退出
    CHANGED = "changed"  # 变更


class DifferenceRead(BaseModel):
    """A record that came, went or changed."""

    difference: Difference
    id: uuid.UUID
    title: Annotated[str, Field(description="In this edition, or of what went in the one before")]


class DifferenceQuery(PageQuery):
    """Which differences."""

    difference: Annotated[Difference | None, Field(description="These alone (差异)")] = None


FrozenRecord = Annotated[
    dict[str, Any],
    Field(description="A record as `GET /v1/achievements` or `/v1/demands` showed it to anyone"),
]
