"""Path parameters of the lists; their examples are records of the demo's sample."""

import uuid
from typing import Annotated

from fastapi import Path

from kechuangtong.sample import ids

OrganizationId = Annotated[uuid.UUID, Path(examples=[ids.ORGANIZATION])]
AchievementId = Annotated[uuid.UUID, Path(examples=[ids.ACHIEVEMENT])]
AchievementDraftId = Annotated[uuid.UUID, Path(examples=[ids.ACHIEVEMENT_DRAFT])]
DemandId = Annotated[uuid.UUID, Path(examples=[ids.DEMAND])]
DemandDraftId = Annotated[uuid.UUID, Path(examples=[ids.DEMAND_DRAFT])]
