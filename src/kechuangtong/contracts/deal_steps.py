"""The deal's steps that a contract takes, so that the two never disagree.

A step that the deal's table does not have where it stands is left out: a contract may be registered
after its performance has begun, and the deal goes on from where it is.
"""

from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import OPERATOR, Actor
from kechuangtong.contracts.content import ContractContent
from kechuangtong.core.clock import today
from kechuangtong.deals import queries, service
from kechuangtong.deals.policy import agreed, sides_to
from kechuangtong.deals.states import BEFORE_SIGNING, ENDED, TRANSITIONS, Action, Pricing
from kechuangtong.models import Contract, ContractRegistration, Deal, PaymentReceipt
from kechuangtong.models.contract import ContractKind
from kechuangtong.models.deal import DealSide

# In these an achievement changes hands, or may be used by another.
_OF_ACHIEVEMENTS: Final = (ContractKind.TRANSFER, ContractKind.LICENSE)


def has_ended(deal: Deal) -> bool:
    """Whether nothing more is done in a deal."""
    return deal.state in ENDED


async def signed(session: AsyncSession, actor: Actor, contract: Contract, by: DealSide) -> None:
    """Both sides sign, the one that confirmed first as first. Raises WrongDealState,
    PriceNoticeRequired, PriceNoticeRunning, PriceObjectionOpen, SaleNotAwarded."""
    content = ContractContent.model_validate(contract.content)
    default = Pricing.AGREEMENT if content.kind in _OF_ACHIEVEMENTS else Pricing.NO_ACHIEVEMENT
    details = {"pricing": (content.pricing or default).value}
    if content.sale_reference is not None:
        details["sale_reference"] = content.sale_reference
    deal = contract.deal
    for side in (by.other, by):
        steps = (await queries.histories(session, [deal.id]))[deal.id]
        if deal.state in BEFORE_SIGNING and side not in agreed(steps, Action.SIGN_CONTRACT):
            await _take(session, actor, contract, side, Action.SIGN_CONTRACT, today(), details)


async def cancelled(
    session: AsyncSession, actor: Actor, contract: Contract, by: DealSide, reason: str
) -> None:
    """The deal ends with its contract."""
    details = {"reason": reason}
    await _if_possible(session, actor, contract, by, Action.TERMINATE, today(), details)


async def applied(session: AsyncSession, actor: Actor, contract: Contract, on: date) -> None:
    """The seller applies for registration."""
    seller, action = DealSide.SELLER, Action.APPLY_REGISTRATION
    await _if_possible(session, actor, contract, seller, action, on, {})


async def decided(
    session: AsyncSession,
    actor: Actor,
    contract: Contract,
    registration: ContractRegistration,
    received: Decimal,
) -> None:
    """The registry has decided; what was received meanwhile moves the deal on."""
    assert registration.decided_on is not None
    seller, on = DealSide.SELLER, registration.decided_on
    if registration.number is not None:
        details = {"register_number": registration.number}
        moved = await _if_possible(session, actor, contract, seller, Action.REGISTER, on, details)
    else:
        why = {"reason": registration.reason}
        refuse = Action.REFUSE_REGISTRATION
        moved = await _if_possible(session, actor, contract, seller, refuse, on, why)
    if moved and received > 0:  # else the deal has noted it when it came
        await _received(session, actor, contract, today(), received)


async def received(
    session: AsyncSession, actor: Actor, contract: Contract, receipt: PaymentReceipt
) -> None:
    """Money came: the contract is performed."""
    await _received(session, actor, contract, receipt.received_on, receipt.amount)


async def _received(
    session: AsyncSession, actor: Actor, contract: Contract, on: date, amount: Decimal
) -> None:
    seller, details = DealSide.SELLER, {"amount": f"{amount:.2f}"}
    await _if_possible(session, actor, contract, seller, Action.START_PERFORMING, on, {})
    await _if_possible(session, actor, contract, seller, Action.RECORD_RECEIPT, on, details)


async def _if_possible(
    session: AsyncSession,
    actor: Actor,
    contract: Contract,
    side: DealSide,
    action: Action,
    on: date,
    details: dict[str, Any],
) -> bool:
    able = action in TRANSITIONS[contract.deal.state]
    if able:
        await _take(session, actor, contract, side, action, on, details)
    return able


async def _take(
    session: AsyncSession,
    actor: Actor,
    contract: Contract,
    side: DealSide,
    action: Action,
    on: date,
    details: dict[str, Any],
) -> None:
    """A step for a side; where the actor does not act for it, that side has confirmed before, and
    the platform notes it. It stands in the order of the deal's steps."""
    deal = contract.deal
    steps = (await queries.histories(session, [deal.id]))[deal.id]
    by = actor if side in sides_to(actor, deal, action) else OPERATOR
    kept = {**details, "contract_id": str(contract.id)}
    day = max(on, steps[-1].on)
    await service.take(session, by, deal, side, action, on=day, details=kept)
