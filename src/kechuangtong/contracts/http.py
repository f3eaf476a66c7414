"""What the routes of contracts share."""

import uuid
from typing import Annotated

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.contracts import reading
from kechuangtong.contracts.schemas import ContractDetail
from kechuangtong.core.http import etag
from kechuangtong.lists.http import of_sample
from kechuangtong.models import Contract
from kechuangtong.sample import ids

ContractId = Annotated[uuid.UUID, of_sample(ids.CONTRACT)]
DraftId = Annotated[uuid.UUID, of_sample(ids.CONTRACT_DRAFT)]
ToDiscardId = Annotated[uuid.UUID, of_sample(ids.CONTRACT_TO_DISCARD)]
RoyaltyId = Annotated[uuid.UUID, of_sample(ids.CONTRACT_WITH_ROYALTY)]
ToCancelId = Annotated[uuid.UUID, of_sample(ids.CONTRACT_TO_CANCEL)]


async def answer(
    session: AsyncSession, actor: Actor, response: Response, contract: Contract
) -> ContractDetail:
    """A contract as it stands, with its tag."""
    shown = await reading.show(session, actor, contract)
    response.headers["ETag"] = etag(shown)
    return shown
