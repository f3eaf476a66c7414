"""What contracts say of an organization that is merged (合并) into another: they name the other.

Columns that refer to an organization are moved by the merging itself; here is what stands within
contents, proposals and the parts of receipts.
"""

import uuid

from sqlalchemy import ColumnElement, Text, cast, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, selectinload

from kechuangtong.contracts.content import ContractContent, joined
from kechuangtong.contracts.service import say, touch
from kechuangtong.models import Contract, ContractProposal, Deal, PaymentReceipt


async def rename(session: AsyncSession, one: uuid.UUID, to: uuid.UUID) -> None:
    """Let contracts that name an organization name the other; shares of one side that are the
    same organization's now are one. What was in force before stays as it was signed."""
    # Held, so that nothing is agreed meanwhile: also the deals in which it is a broker alone.
    own = select(Contract.deal_id).where(_names(Contract.content, one))
    await session.execute(
        select(Deal.id).where(Deal.id.in_(own)).order_by(Deal.id).with_for_update()
    )
    contracts = await session.scalars(
        select(Contract)
        .where(_names(Contract.content, one))
        .order_by(Contract.id)
        .options(selectinload(Contract.parties))
    )
    for contract in contracts.all():
        say(contract, _renamed(ContractContent.model_validate(contract.content), one, to))
        touch(contract)
    proposals = await session.scalars(
        select(ContractProposal).where(_names(ContractProposal.content, one))
    )
    for proposal in proposals.all():
        content = _renamed(ContractContent.model_validate(proposal.content), one, to)
        proposal.content = content.model_dump(mode="json")
    receipts = await session.scalars(
        select(PaymentReceipt).where(_names(PaymentReceipt.parts, one))
    )
    for receipt in receipts.all():
        receipt.parts = [
            part | {"organization_id": str(to)} if part["organization_id"] == str(one) else part
            for part in receipt.parts
        ]
    await session.flush()  # what is moved next is moved by statement


def _names(column: InstrumentedAttribute[object], one: uuid.UUID) -> ColumnElement[bool]:
    return cast(column, Text).contains(str(one))


def _renamed(content: ContractContent, one: uuid.UUID, to: uuid.UUID) -> ContractContent:
    parties = [
        party.model_copy(update={"organization_id": to}) if party.organization_id == one else party
        for party in content.parties
    ]
    return content.model_copy(update={"parties": joined(parties)})
