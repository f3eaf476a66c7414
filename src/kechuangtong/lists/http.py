"""Path parameters of the lists; their examples are records of the demo's sample."""

import uuid
from typing import Annotated, Any

from fastapi import Path

from kechuangtong.sample import ids


def of_sample(record_id: str) -> Any:  # noqa: ANN401
    """A path parameter that Swagger UI fills in with a record of the sample."""
    return Path(openapi_examples={"sample": {"summary": "示例数据", "value": record_id}})


OrganizationId = Annotated[uuid.UUID, of_sample(ids.ORGANIZATION)]
AchievementId = Annotated[uuid.UUID, of_sample(ids.ACHIEVEMENT)]
AchievementDraftId = Annotated[uuid.UUID, of_sample(ids.ACHIEVEMENT_DRAFT)]
DemandId = Annotated[uuid.UUID, of_sample(ids.DEMAND)]
UserId = Annotated[uuid.UUID, of_sample(ids.USER)]
DemandDraftId = Annotated[uuid.UUID, of_sample(ids.DEMAND_DRAFT)]
