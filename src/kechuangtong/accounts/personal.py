"""What is kept of a person: shown to it, and forgotten when it leaves (个人信息)."""

import uuid
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.errors import OwnAccount, PasswordWrong, SignInFailed
from kechuangtong.accounts.history import record
from kechuangtong.accounts.schemas import PersonalData
from kechuangtong.accounts.sign_ins import forgive, proven
from kechuangtong.accounts.users import keep_an_administrator
from kechuangtong.brokers import service as brokers
from kechuangtong.core.clock import now
from kechuangtong.core.db import Database
from kechuangtong.core.errors import NotFound
from kechuangtong.models import (
    ApiKey,
    Attachment,
    Base,
    Booking,
    Broker,
    BrokerConflict,
    BrokerTraining,
    CalendarFeed,
    DealStep,
    Event,
    IdempotentAnswer,
    Identity,
    Import,
    Interest,
    InterestMessage,
    Invitation,
    Mail,
    Mandate,
    MatchFeedback,
    Membership,
    Ownership,
    PasswordReset,
    PaymentReceipt,
    Qualification,
    Registration,
    Review,
    RoyaltyReport,
    SaleBid,
    SaleEntrant,
    SaleObjection,
    SavedSearch,
    SignIn,
    User,
)
from kechuangtong.organizations.members.service import keep_a_manager
from kechuangtong.registrations import service as registrations
from kechuangtong.settings import Settings

# Secrets, and what is of organizations rather than of the person who changed it.
_LEFT_OUT: Final = {
    "users.password_hash",
    "password_resets.token_hash",
    "invitations.token_hash",
    "api_keys.secret_hash",
    "calendar_feeds.token_hash",
    "mails.text",
    "events.before",
    "events.after",
}


async def personal_data(session: AsyncSession, user_id: uuid.UUID) -> PersonalData:
    """Everything that is kept of a user."""
    user = await session.get_one(User, user_id)
    of_user = Event.subject_kind == "user", Event.subject_id == user.id
    # Nobody has shown that an address is one's own: what came to it before is another's.
    moved = select(func.max(Event.at)).where(*of_user, Event.action == "user.email_changed")
    since = await session.scalar(moved) or user.created_at
    broker = select(Broker.id).where(Broker.user_id == user.id)
    kept: dict[str, tuple[type[Base], ColumnElement[bool]]] = {
        "account": (User, User.id == user.id),
        "memberships": (Membership, Membership.user_id == user.id),
        "identities": (Identity, Identity.user_id == user.id),
        "sign_ins": (SignIn, SignIn.user_id == user.id),
        "password_resets": (PasswordReset, PasswordReset.user_id == user.id),
        "api_keys": (ApiKey, ApiKey.user_id == user.id),
        "invitations": (Invitation, Invitation.accepted_by == user.id),
        "registrations": (Registration, Registration.user_id == user.id),
        "feedback": (MatchFeedback, MatchFeedback.user_id == user.id),
        "interests": (Interest, Interest.user_id == user.id),
        "messages": (InterestMessage, InterestMessage.user_id == user.id),
        "deal_steps": (DealStep, DealStep.user_id == user.id),
        "ownerships": (Ownership, Ownership.user_id == user.id),
        "receipts": (PaymentReceipt, PaymentReceipt.user_id == user.id),
        "royalty_reports": (RoyaltyReport, RoyaltyReport.user_id == user.id),
        "sale_applications": (SaleEntrant, SaleEntrant.user_id == user.id),
        "sale_bids": (SaleBid, SaleBid.user_id == user.id),
        "sale_objections": (SaleObjection, SaleObjection.user_id == user.id),
        "saved_searches": (SavedSearch, SavedSearch.user_id == user.id),
        "calendar_feeds": (CalendarFeed, CalendarFeed.user_id == user.id),
        "bookings": (Booking, Booking.user_id == user.id),
        "qualifications": (Qualification, Qualification.user_id == user.id),
        "broker": (Broker, Broker.user_id == user.id),
        "broker_trainings": (BrokerTraining, BrokerTraining.broker_id.in_(broker)),
        "broker_conflicts": (BrokerConflict, BrokerConflict.broker_id.in_(broker)),
        "mandates": (Mandate, or_(Mandate.user_id == user.id, Mandate.broker_id.in_(broker))),
        "reviews": (Review, or_(Review.submitted_by == user.id, Review.decided_by == user.id)),
        "imports": (Import, Import.user_id == user.id),
        "attachments": (Attachment, Attachment.user_id == user.id),
        "mails": (Mail, and_(Mail.recipient == user.email, Mail.created_at >= since)),
        "events": (Event, or_(Event.actor_id == user.id, *of_user)),
    }
    return PersonalData(
        **{name: await _rows(session, model, where) for name, (model, where) in kept.items()}
    )


async def _rows(
    session: AsyncSession, model: type[Base], where: ColumnElement[bool]
) -> list[dict[str, Any]]:
    columns = [one for one in model.__table__.columns if str(one) not in _LEFT_OUT]
    rows = await session.execute(
        select(*columns).where(where).order_by(*model.__table__.primary_key)
    )
    return [dict(row) for row in rows.mappings()]


async def erase_oneself(
    database: Database, settings: Settings, actor: Actor, *, password: str | None
) -> None:
    """Forget the person who calls. Raises PasswordWrong, SignInLocked, LastManager,
    LastAdministrator."""
    async with database.read() as session:
        user = await session.get_one(User, actor.id)
    if user.password_hash is None:
        async with database.write() as session:
            await erase(session, actor, user.id)
        return
    try:
        async with proven(database, settings, name=user.name, password=password or "") as (
            session,
            user,
        ):
            await erase(session, actor, user.id)
    except SignInFailed:
        raise PasswordWrong(loc=("body", "password")) from None


async def erase_another(session: AsyncSession, actor: Actor, user_id: uuid.UUID) -> None:
    """Forget a person. Raises OwnAccount, NotFound, LastManager, LastAdministrator."""
    if user_id == actor.id:
        raise OwnAccount
    await erase(session, actor, user_id)


async def erase(session: AsyncSession, actor: Actor, user_id: uuid.UUID) -> None:
    """Keep of a person a number alone: what it did stays whole. Raises NotFound, LastManager,
    LastAdministrator."""
    user = await session.get(User, user_id, with_for_update=True)
    if user is None:
        raise NotFound
    if user.erased_at is not None:
        return
    await keep_an_administrator(session, user)
    await _keep_managers(session, user)
    await registrations.withdraw_all(session, actor, user.id)
    await brokers.end(session, actor, user.id)
    await forgive(session, user.name)
    for model in (Membership, Identity, SignIn, PasswordReset, Qualification, CalendarFeed):
        await session.execute(delete(model).where(model.user_id == user.id))
    await session.execute(delete(IdempotentAnswer).where(IdempotentAnswer.caller == str(user.id)))
    await session.execute(
        update(ApiKey)
        .where(ApiKey.user_id == user.id)
        .values(name="", revoked_at=func.coalesce(ApiKey.revoked_at, now()))
    )
    if user.email is not None:
        await _forget_address(session, user.email)
    user.name = f"erased-{user.id.hex[-12:]}"
    user.email = user.password_hash = user.platform_role = user.district = None
    user.mail_news = False
    user.erased_at = now()
    record(session, actor, "erased", user.id)


async def _keep_managers(session: AsyncSession, user: User) -> None:
    """Raises LastManager where an organization would be without a manager."""
    owners = select(Membership.organization_id).where(Membership.user_id == user.id)
    for one in (await session.scalars(owners.order_by(Membership.organization_id))).all():
        await keep_a_manager(session, one, user.id)


async def _forget_address(session: AsyncSession, email: str) -> None:
    """What waits to be sent to the address is not sent, and nothing tells that it was known."""
    await session.execute(
        update(Mail).where(Mail.recipient == email).values(recipient="", text=None, due_at=None)
    )
    await session.execute(
        update(Invitation)
        .where(Invitation.email == email)
        .values(email="", revoked_at=func.coalesce(Invitation.revoked_at, now()))
    )
