"""Match runs (批量匹配) on the way in and out, and their pairs."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from kechuangtong.achievements.schemas import AchievementRead
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Input, Output
from kechuangtong.core.trade import ListKind
from kechuangtong.demands.schemas import DemandRead
from kechuangtong.matching.schemas import Judged, Reasons
from kechuangtong.models.match_run import MatchRunState, PairChange
from kechuangtong.sample import ids
from kechuangtong.search.schemas import PublicFilter


class RunQuery(Input):
    """What is asked in a run; runs of the same question are compared."""

    filter: Annotated[
        PublicFilter, Field(description="Which records of the list are matched (匹配范围)")
    ] = PublicFilter()
    against: Annotated[
        PublicFilter, Field(description="Against which of the other list (对方范围)")
    ] = PublicFilter()
    per_record: Annotated[
        int, Field(ge=1, le=20, description="At most so many pairs a record (每条记录的匹配数)")
    ] = 10
    min_grade: Annotated[int, Field(ge=1, le=4, description="Leave out lower grades")] = 2


class MatchRunCreate(RunQuery):
    """A run to be begun."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "kind": "demand",
                "organization_id": ids.ENTERPRISE,
                "against": {"stage": ["pilot", "industrial"]},
            }
        }
    )

    kind: Annotated[ListKind, Field(description="The list whose records are matched (清单)")]
    organization_id: Annotated[
        uuid.UUID | None,
        Field(
            description="Whose records (单位); needed by who acts for several, and left out by an "
            "administrator who matches the whole list"
        ),
    ] = None


class RunCounts(Output):
    """How many pairs there are by grade, and since the run before; a regraded pair is a kept one of
    another grade."""

    grade_4: int = 0
    grade_3: int = 0
    grade_2: int = 0
    grade_1: int = 0
    new: int = 0
    kept: int = 0
    regraded: int = 0
    gone: int = 0


class RunFailure(Output):
    """Why a run ended before it was done."""

    code: str
    message: str


class MatchRunRead(RunQuery):
    """A match run (批量匹配): `done` of `total` records have been dealt with, those among them that
    stood in the run before and are public no more."""

    id: uuid.UUID
    kind: ListKind
    organization_id: Annotated[uuid.UUID | None, Field(description="null: the whole list")]
    state: MatchRunState
    total: int | None
    done: int
    counts: RunCounts
    previous_id: Annotated[
        uuid.UUID | None, Field(description="The run that it is compared with: the one before")
    ]
    ranker: Annotated[str | None, Field(description="Version of the ranking")]
    engine: Annotated[str | None, Field(description="The index that proposed")]
    degraded: Annotated[str | None, Field(description="Why matching is less than it could be")]
    failure: RunFailure | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class RunPairRead(Judged):
    """A pair of a run. Score and grade are those of its time; the records as the caller may see
    them now, null where that is no longer so."""

    change: PairChange
    grade_before: Annotated[int | None, Field(description="Of a kept pair: its grade before")]
    demand_id: uuid.UUID
    achievement_id: uuid.UUID
    demand: DemandRead | None
    achievement: AchievementRead | None
    reasons: Annotated[
        Reasons | None, Field(description="null where a record has changed since, or is not seen")
    ]


class RunListQuery(PageQuery):
    """Filters of the runs."""

    state: MatchRunState | None = None


class PairFilter(Input):
    """Which pairs of a run."""

    change: Annotated[
        list[PairChange],
        Field(max_length=3, description="Without it those that the run found, new and kept"),
    ] = [PairChange.NEW, PairChange.KEPT]
    min_grade: Annotated[int, Field(ge=1, le=4, description="Leave out lower grades")] = 1


class PairQuery(PageQuery, PairFilter):
    """Which pairs of a run, page by page."""
