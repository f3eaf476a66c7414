"""The registration (认定登记) of a contract: applied for, accepted, decided.

Only days, the number and the amounts are kept here; until when the registry has to decide is told
by a rule that changes, when it is read.
"""

import uuid
from datetime import date

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.contracts import deal_steps, ledger
from kechuangtong.contracts.errors import (
    DateInFuture,
    DatesOutOfOrder,
    NoRegistration,
    RegisterNumberTaken,
    RegistrationOpen,
    TechnicalExceeds,
)
from kechuangtong.contracts.schemas import (
    RegistrationAccept,
    RegistrationApply,
    RegistrationGrant,
    RegistrationRefuse,
)
from kechuangtong.contracts.service import hold, log_change, move, side_of, snapshot, tell, touch
from kechuangtong.contracts.states import Action
from kechuangtong.core.clock import today
from kechuangtong.core.db import new_id, violated
from kechuangtong.deals.errors import RegisterNumberInvalid
from kechuangtong.deals.register_numbers import check_register_number
from kechuangtong.models import Contract, ContractRegistration
from kechuangtong.models.contract import RegistrationState
from kechuangtong.models.notice import NoticeKind


async def apply(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID, body: RegistrationApply
) -> Contract:
    """Note that a contract was handed in: once, and anew only where it was refused.

    Raises NotFound, Forbidden, WrongContractState, RegistrationOpen, DateInFuture, DatesOutOfOrder.
    """
    contract = await _held(session, actor, contract_id)
    former = contract.registration
    if former is not None and former.state is not RegistrationState.REFUSED:
        raise RegistrationOpen
    _check_day("applied_on", body.applied_on, contract.signed_on)
    before = snapshot(contract)
    contract.registrations.append(
        ContractRegistration(id=new_id(), state=RegistrationState.APPLIED, **body.model_dump())
    )
    await deal_steps.applied(session, actor, contract, body.applied_on)
    touch(contract)
    await session.flush()  # the log tells what is stored
    log_change(session, actor, contract, "registration_applied", before=before)
    return contract


async def accept(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID, body: RegistrationAccept
) -> Contract:
    """Note that the registry has accepted it. Raises NotFound, Forbidden, WrongContractState,
    NoRegistration, DateInFuture, DatesOutOfOrder."""
    contract = await _held(session, actor, contract_id)
    registration = _open(contract, RegistrationState.APPLIED)
    _check_day("accepted_on", body.accepted_on, registration.applied_on)
    before = snapshot(contract)
    registration.state = RegistrationState.ACCEPTED
    registration.accepted_on = body.accepted_on
    touch(contract)
    await session.flush()  # the log tells what is stored
    log_change(session, actor, contract, "registration_accepted", before=before)
    return contract


async def grant(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID, body: RegistrationGrant
) -> Contract:
    """Note that the contract is registered, and under which number.

    Raises NotFound, Forbidden, WrongContractState, NoRegistration, DateInFuture, DatesOutOfOrder,
    RegisterNumberInvalid, RegisterNumberTaken, TechnicalExceeds.
    """
    contract = await _held(session, actor, contract_id)
    registration = _open(contract, RegistrationState.APPLIED, RegistrationState.ACCEPTED)
    _check_decided(registration, body.decided_on)
    try:
        number = check_register_number(body.number, body.decided_on)
    except ValueError as error:
        raise RegisterNumberInvalid(loc=("body", "number"), why=error.args[0]) from None
    same = select(ContractRegistration.id).where(ContractRegistration.number == number)
    if await session.scalar(same) is not None:
        raise RegisterNumberTaken
    before = snapshot(contract)
    registration.total = contract.total if body.total is None else body.total
    technical = contract.technical if body.technical is None else body.technical
    if technical > registration.total:
        raise TechnicalExceeds
    registration.technical = technical
    registration.number, registration.decided_on = number, body.decided_on
    registration.state = RegistrationState.REGISTERED
    touch(contract)
    try:
        await session.flush()  # the database has the last word on who has the number
    except IntegrityError as error:
        if violated(error) == "uq_contract_registrations_number":
            raise RegisterNumberTaken from error
        raise
    await _decided(session, actor, contract, registration)
    log_change(session, actor, contract, "registered", before=before)
    await tell(
        session,
        contract,
        NoticeKind.CONTRACT_REGISTERED,
        by=None,
        key=f"registered {registration.id}",
        comment=number,
    )
    return contract


async def refuse(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID, body: RegistrationRefuse
) -> Contract:
    """Note that the registry does not register it. Raises NotFound, Forbidden, WrongContractState,
    NoRegistration, DateInFuture, DatesOutOfOrder."""
    contract = await _held(session, actor, contract_id)
    registration = _open(contract, RegistrationState.APPLIED, RegistrationState.ACCEPTED)
    _check_decided(registration, body.decided_on)
    before = snapshot(contract)
    registration.state = RegistrationState.REFUSED
    registration.decided_on, registration.reason = body.decided_on, body.reason
    touch(contract)
    await _decided(session, actor, contract, registration)
    await session.flush()  # notices and the log tell what is stored
    log_change(session, actor, contract, "registration_refused", before=before)
    await tell(
        session,
        contract,
        NoticeKind.CONTRACT_NOT_REGISTERED,
        by=None,
        key=f"refused {registration.id}",
        comment=body.reason,
    )
    return contract


async def _held(session: AsyncSession, actor: Actor, contract_id: uuid.UUID) -> Contract:
    contract = await hold(session, actor, contract_id)
    side_of(actor, contract, Action.REGISTER)
    move(contract, Action.REGISTER)
    return contract


def _open(contract: Contract, *states: RegistrationState) -> ContractRegistration:
    found = contract.registration
    if found is None or found.state not in states:
        raise NoRegistration
    return found


def _check_decided(registration: ContractRegistration, on: date) -> None:
    _check_day("decided_on", on, registration.accepted_on or registration.applied_on)


def _check_day(field: str, on: date, before: date | None) -> None:
    if on > today():
        raise DateInFuture(loc=("body", field))
    if before is not None and on < before:
        raise DatesOutOfOrder(loc=("body", field), date=before)


async def _decided(
    session: AsyncSession, actor: Actor, contract: Contract, registration: ContractRegistration
) -> None:
    sums = (await ledger.of_contract(session, contract)).sums()
    await deal_steps.decided(session, actor, contract, registration, sums.received)
