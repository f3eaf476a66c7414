"""What the routes of instruments share."""

import uuid
from typing import Annotated

from fastapi import Depends

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.lists.http import of_sample
from kechuangtong.sample import ids

Reader = Annotated[Actor, Depends(requires(Permission.INSTRUMENTS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.INSTRUMENTS_WRITE))]
PhotographId = Annotated[uuid.UUID, of_sample(ids.PHOTOGRAPH)]
InstrumentId = Annotated[uuid.UUID, of_sample(ids.INSTRUMENT)]
InstrumentDraftId = Annotated[uuid.UUID, of_sample(ids.INSTRUMENT_DRAFT)]
InstrumentToWithdrawId = Annotated[uuid.UUID, of_sample(ids.INSTRUMENT_TO_WITHDRAW)]
