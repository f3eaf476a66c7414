"""Registrations (单位注册): asked for by a person, decided in a review."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Role
from kechuangtong.accounts.service import create_user
from kechuangtong.core.db import hold
from kechuangtong.core.errors import AppError, Conflict, Forbidden, Invalid, NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.language import Text
from kechuangtong.core.paging import Page, decode_id
from kechuangtong.events import log
from kechuangtong.lists.schemas import OrganizationBrief
from kechuangtong.mail import service as mail
from kechuangtong.models import Membership, Organization, Registration, User
from kechuangtong.models.review import ReturnReason, ReviewState, ReviewSubject
from kechuangtong.organizations.service import create_organization
from kechuangtong.registrations.schemas import (
    RegistrationCreate,
    RegistrationPatch,
    RegistrationQuery,
    RegistrationRead,
    RegistrationReviewed,
    SameCode,
)
from kechuangtong.reviews import desk
from kechuangtong.reviews.queries import of_district
from kechuangtong.reviews.texts import in_words

# What may still become an organization.
_ALIVE: Final = (ReviewState.OPEN, ReviewState.RETURNED)

_APPROVED: Final = Text("单位注册已通过", "Your organization is registered")
_RETURNED: Final = Text("单位注册被退回", "Your registration was returned")
_AGAIN: Final = Text(
    "请登录后修改注册申请，修改后即重新提交。",
    "Sign in and change the registration; that hands it in again.",
)


class UserMissing(Invalid):
    code = "user_missing"
    text = Text("未登录时须填写申请人（user）。", "Who is not signed in says who applies: `user`.")
    place = ("body", "user")


class SignedInAlready(Invalid):
    code = "signed_in_already"
    text = Text("已登录时不填申请人（user）。", "Who is signed in sends no `user`.")
    place = ("body", "user")


class RegistrationOpen(Conflict):
    code = "registration_open"
    text = Text("您已为该代码提交过注册申请。", "You have registered this code already.")
    place = ("body", "code")


class RegistrationClosed(Conflict):
    code = "registration_closed"
    text = Text("该注册申请已是“{state}”。", "The registration is {state} already.")


def _visible_to(actor: Actor) -> ColumnElement[bool]:
    if actor.sees_all:
        return true()
    return or_(Registration.user_id == actor.id, of_district(actor, Registration.place))


async def page(
    session: AsyncSession, actor: Actor, query: RegistrationQuery
) -> Page[RegistrationRead]:
    """One page of what the actor may see, newest first."""
    statement = select(Registration).where(_visible_to(actor)).order_by(Registration.id.desc())
    if query.state is not None:
        statement = statement.where(Registration.state == query.state)
    if query.cursor is not None:
        statement = statement.where(Registration.id < decode_id(query.cursor))
    rows = (await session.scalars(statement.limit(query.limit + 1))).all()
    return Page[RegistrationRead].of(
        rows, query.limit, lambda row: [str(row.id)], RegistrationRead.model_validate
    )


async def get(
    session: AsyncSession, actor: Actor, registration_id: uuid.UUID, *, to_change: bool = False
) -> Registration:
    """A registration that the actor may see. Raises NotFound."""
    statement = select(Registration).where(Registration.id == registration_id, _visible_to(actor))
    found = await session.scalar(statement.with_for_update() if to_change else statement)
    if found is None:
        raise NotFound
    return found


async def for_review(session: AsyncSession, registration_id: uuid.UUID) -> RegistrationReviewed:
    """A registration with what its reviewer must know."""
    one = await session.get_one(Registration, registration_id)
    user = await session.get_one(User, one.user_id)
    organization = await _of_code(session, one.code)
    others = await session.scalars(
        select(Registration)
        .where(
            Registration.code == one.code,
            Registration.id != one.id,
            Registration.state.in_(_ALIVE),
        )
        .order_by(Registration.id)
        .limit(20)
    )
    return RegistrationReviewed(
        **RegistrationRead.model_validate(one).model_dump(),
        applicant=user.name,
        email=user.email,
        registered_as=OrganizationBrief.model_validate(organization) if organization else None,
        same_code=[SameCode.model_validate(other) for other in others],
    )


async def register(
    session: AsyncSession, actor: Actor, *, values: RegistrationCreate
) -> Registration:
    """Ask for an organization; one who is not signed in becomes a user, who can sign in at once.

    Raises UserMissing, SignedInAlready, RegistrationOpen, and what `create_user` does.
    """
    if actor.id is not None and values.user is not None:
        raise SignedInAlready
    if actor.id is None:
        if values.user is None:
            raise UserMissing
        try:
            user = await create_user(session, **values.user.model_dump(), actor=actor)
        except AppError as error:
            error.loc = ("body", "user", *(error.loc or ())[1:])
            raise
        actor = Actor(kind="user", name=user.name, id=user.id)
    registration = Registration(user_id=actor.id, **values.model_dump(exclude={"user"}))
    await _check_code(session, registration)
    session.add(registration)
    await session.flush()  # the log shows it as it is stored
    await _submit(session, actor, registration, "created", before=None)
    return registration


async def change(
    session: AsyncSession,
    actor: Actor,
    registration_id: uuid.UUID,
    *,
    values: RegistrationPatch,
    expected_versions: frozenset[int] | None,
) -> Registration:
    """Change what was given and hand it in (again). Raises NotFound, Forbidden,
    PreconditionFailed, RegistrationClosed, RegistrationOpen."""
    registration = await _own(session, actor, registration_id, expected_versions)
    before = _snapshot(registration)
    for name in values.model_fields_set:
        setattr(registration, name, getattr(values, name))
    registration.state = ReviewState.OPEN
    registration.reasons, registration.comment = [], None
    with session.no_autoflush:
        await _check_code(session, registration)
    await session.flush()  # the log shows its new version
    await _submit(session, actor, registration, "changed", before=before)
    return registration


async def withdraw(
    session: AsyncSession,
    actor: Actor,
    registration_id: uuid.UUID,
    *,
    expected_versions: frozenset[int] | None,
) -> Registration:
    """Take it back. Raises NotFound, Forbidden, PreconditionFailed, RegistrationClosed."""
    registration = await _own(session, actor, registration_id, expected_versions)
    await _withdraw(session, actor, registration)
    return registration


async def withdraw_all(session: AsyncSession, actor: Actor, user_id: uuid.UUID) -> None:
    """Take back what a person has asked for who is forgotten."""
    theirs = select(Registration).where(
        Registration.user_id == user_id, Registration.state.in_(_ALIVE)
    )
    for registration in (await session.scalars(theirs.with_for_update())).all():
        await _withdraw(session, actor, registration)


async def _withdraw(session: AsyncSession, actor: Actor, registration: Registration) -> None:
    before = _snapshot(registration)
    registration.state = ReviewState.WITHDRAWN
    await session.flush()  # the log shows its new version
    _log(session, actor, registration, "withdrawn", before=before)
    await desk.take_back(session, actor, ReviewSubject.REGISTRATION, registration.id)


async def concerns(session: AsyncSession, actor: Actor, registration: Registration) -> bool:
    """Whether it is the actor's own, or of an organization that the actor belongs to."""
    organization = await _of_code(session, registration.code)
    return registration.user_id == actor.id or (
        organization is not None and organization.id in actor.roles
    )


async def approve(session: AsyncSession, actor: Actor, registration: Registration) -> uuid.UUID:
    """Make the organization, or join the one that has the code already; the applicant becomes its
    manager. The organization's id."""
    await hold(session, f"code {registration.code}")
    organization = await _of_code(session, registration.code, to_change=True)
    if organization is None:
        organization = await create_organization(
            session,
            actor,
            name=registration.name,
            kind=registration.kind,
            code=registration.code,
            place=registration.place,
        )
    membership = await session.get(Membership, (registration.user_id, organization.id))
    if membership is None:
        session.add(
            Membership(
                user_id=registration.user_id, organization_id=organization.id, role=Role.MANAGER
            )
        )
    else:
        membership.role = Role.MANAGER
    before = _snapshot(registration)
    registration.state, registration.organization_id = ReviewState.APPROVED, organization.id
    await session.flush()  # the log shows its new version
    _log(session, actor, registration, "approved", before=before)
    await _tell(session, registration, _APPROVED, Text("您是该单位的管理者。", "You manage it."))
    return organization.id


async def return_(
    session: AsyncSession,
    actor: Actor,
    registration: Registration,
    *,
    reasons: Sequence[ReturnReason],
    comment: str | None,
) -> None:
    """Return it to its applicant, with reasons."""
    before = _snapshot(registration)
    registration.state = ReviewState.RETURNED
    registration.reasons, registration.comment = [one.value for one in reasons], comment
    await session.flush()  # the log shows its new version
    _log(session, actor, registration, "returned", before=before)
    why = in_words(reasons)
    said = f"\n{comment}" if comment else ""
    text = Text(f"{why.zh}。{said}\n{_AGAIN.zh}", f"{why.en}.{said}\n{_AGAIN.en}")
    await _tell(session, registration, _RETURNED, text)


async def _own(
    session: AsyncSession,
    actor: Actor,
    registration_id: uuid.UUID,
    expected_versions: frozenset[int] | None,
) -> Registration:
    registration = await get(session, actor, registration_id, to_change=True)
    if registration.user_id != actor.id:
        raise Forbidden
    check_version(registration, expected_versions)
    if registration.state not in _ALIVE:
        raise RegistrationClosed(state=registration.state.value)
    return registration


async def _of_code(
    session: AsyncSession, code: str, *, to_change: bool = False
) -> Organization | None:
    statement = select(Organization).where(Organization.code == code)
    return await session.scalar(statement.with_for_update() if to_change else statement)


async def _check_code(session: AsyncSession, registration: Registration) -> None:
    """Raises RegistrationOpen where the applicant has another for the same code."""
    await hold(session, f"code {registration.code}")
    others = select(Registration.id).where(
        Registration.code == registration.code,
        Registration.user_id == registration.user_id,
        Registration.state.in_(_ALIVE),
    )
    if registration.id is not None:
        others = others.where(Registration.id != registration.id)
    if await session.scalar(others.limit(1)) is not None:
        raise RegistrationOpen


async def _submit(
    session: AsyncSession,
    actor: Actor,
    registration: Registration,
    what: str,
    *,
    before: dict[str, Any] | None,
) -> None:
    _log(session, actor, registration, what, before=before)
    submission = desk.Submission(registration.id, registration.name, registration.place)
    await desk.submit(session, actor, ReviewSubject.REGISTRATION, [submission])


async def _tell(
    session: AsyncSession, registration: Registration, subject: Text, text: Text
) -> None:
    user = await session.get_one(User, registration.user_id)
    if user.email is not None:
        named = Text(f"{registration.name}：{text.zh}", f"{registration.name}: {text.en}")
        mail.write(session, to=user.email, subject=subject, text=named)


def _snapshot(registration: Registration) -> dict[str, Any]:
    return RegistrationRead.model_validate(registration).model_dump(mode="json")


def _log(
    session: AsyncSession,
    actor: Actor,
    registration: Registration,
    what: str,
    *,
    before: dict[str, Any] | None,
) -> None:
    log.record(
        session,
        actor,
        f"registration.{what}",
        subject_kind="registration",
        subject_id=registration.id,
        before=before,
        after=_snapshot(registration),
    )
