"""What the routes of the lists share; the examples of path parameters are of the demo's sample."""

import uuid
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Path

from kechuangtong.core.errors import AppError
from kechuangtong.lists.schemas import BulkItem, BulkOutcome
from kechuangtong.models import Achievement, Demand
from kechuangtong.runtime import RuntimeDep
from kechuangtong.sample import ids


def of_sample(record_id: str) -> Any:  # noqa: ANN401
    """A path parameter that Swagger UI fills in with a record of the sample."""
    return Path(openapi_examples={"sample": {"summary": "示例数据", "value": record_id}})


OrganizationId = Annotated[uuid.UUID, of_sample(ids.ORGANIZATION)]
OrganizationToMergeId = Annotated[uuid.UUID, of_sample(ids.ORGANIZATION_TO_MERGE)]
AchievementId = Annotated[uuid.UUID, of_sample(ids.ACHIEVEMENT)]
AchievementDraftId = Annotated[uuid.UUID, of_sample(ids.ACHIEVEMENT_DRAFT)]
DemandId = Annotated[uuid.UUID, of_sample(ids.DEMAND)]
UserId = Annotated[uuid.UUID, of_sample(ids.USER)]
DemandDraftId = Annotated[uuid.UUID, of_sample(ids.DEMAND_DRAFT)]
AchievementToReviewId = Annotated[uuid.UUID, of_sample(ids.ACHIEVEMENT_TO_REVIEW)]
AchievementToRenewId = Annotated[uuid.UUID, of_sample(ids.ACHIEVEMENT_TO_RENEW)]
DemandToReviewId = Annotated[uuid.UUID, of_sample(ids.DEMAND_TO_REVIEW)]


def bulk_outcome(outcomes: Mapping[uuid.UUID, Achievement | Demand | AppError]) -> BulkOutcome:
    """What became of many records, as it is answered."""
    items = []
    for record_id, one in outcomes.items():
        if isinstance(one, AppError):
            left: dict[str, Any] = {"code": one.code, "message": str(one.message)}
            items.append(BulkItem(id=record_id, done=False, state=None, version=None, **left))
        else:
            now = {"state": one.state, "version": one.version}
            items.append(BulkItem(id=record_id, done=True, code=None, message=None, **now))
    return BulkOutcome(done=sum(one.done for one in items), items=items)


def _reviewed(runtime: RuntimeDep) -> bool:
    return runtime.settings.review


Reviewed = Annotated[bool, Depends(_reviewed)]
"""Whether records are reviewed before publication, but for organizations with their own rule."""
