"""What the routes of deals share."""

import uuid
from typing import Annotated

from fastapi import Depends

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.lists.http import of_sample
from kechuangtong.sample import ids

Reader = Annotated[Actor, Depends(requires(Permission.DEALS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.DEALS_WRITE))]
DealId = Annotated[uuid.UUID, of_sample(ids.DEAL)]
PartyId = Annotated[uuid.UUID, of_sample(ids.DEAL_PARTY)]
DocumentId = Annotated[uuid.UUID, of_sample(ids.DEAL_DOCUMENT)]
