"""Brokers: recorded by themselves or their institution, reviewed, registered."""

import uuid
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.brokers import policy, queries
from kechuangtong.brokers.errors import (
    BrokerExists,
    CertificateOver,
    CertificatePeriod,
    NotOfInstitution,
    ReviewedField,
    WrongBrokerState,
)
from kechuangtong.brokers.schemas import (
    BrokerCreate,
    BrokerPatch,
    BrokerQuery,
    BrokerRead,
    BrokerRenew,
)
from kechuangtong.brokers.states import (
    ACTS,
    PARTLY_CHANGED,
    TRANSITIONS,
    WHOLLY_CHANGED,
    Action,
    By,
)
from kechuangtong.core.clock import now, today
from kechuangtong.core.db import new_id, violated
from kechuangtong.core.errors import Forbidden, NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.paging import Page
from kechuangtong.events import log
from kechuangtong.inbox import service as inbox
from kechuangtong.lists.errors import OrganizationUnknown
from kechuangtong.lists.schemas import OrganizationBrief
from kechuangtong.models import (
    Broker,
    BrokerConflict,
    BrokerTraining,
    Mandate,
    Membership,
    Organization,
)
from kechuangtong.models.broker import LIVE, BrokerState, MandateState
from kechuangtong.models.notice import NoticeKind

_CERTIFICATE: Final = frozenset(
    {"grade", "certificate_number", "issuer", "issued_on", "valid_until"}
)
_REVIEWED: Final = _CERTIFICATE | {"name", "organization_id"}
_NOTICES: Final = {
    Action.APPROVE: NoticeKind.BROKER_APPROVED,
    Action.RETURN: NoticeKind.BROKER_RETURNED,
    Action.SUSPEND: NoticeKind.BROKER_SUSPENDED,
    Action.REINSTATE: NoticeKind.BROKER_REINSTATED,
}
_DONE: Final = {
    Action.SUBMIT: "submitted",
    Action.APPROVE: "approved",
    Action.RETURN: "returned",
    Action.SUSPEND: "suspended",
    Action.REINSTATE: "reinstated",
    Action.RENEW: "renewed",
}


async def create(
    session: AsyncSession, actor: Actor, body: BrokerCreate, broker_id: uuid.UUID | None = None
) -> Broker:
    """A draft of oneself, or of one of the people of an institution that the actor edits for.

    Raises Forbidden, OrganizationUnknown, NotOfInstitution, BrokerExists.
    """
    user_id = body.user_id or actor.id
    organization = await session.get(Organization, body.organization_id)
    if organization is None or organization.merged_into_id is not None:
        raise OrganizationUnknown(loc=("body", "organization_id"))
    if user_id is None:
        raise NotOfInstitution
    broker = Broker(
        id=broker_id or new_id(),
        user_id=user_id,
        organization=organization,
        organization_id=organization.id,
        stored_state=BrokerState.DRAFT,
    )
    if not policy.may_edit(actor, broker):
        raise Forbidden(loc=("body", "organization_id"))
    await _check_person(session, broker)
    _set(broker, body.model_dump(mode="python", exclude={"user_id", "organization_id"}))
    session.add(broker)
    try:
        await session.flush()  # the database says whether the person has one already
    except IntegrityError as error:
        if violated(error) == "uq_brokers_user_id":
            raise BrokerExists from error
        raise
    record(session, actor, broker, "created", before=None)
    return broker


async def change(
    session: AsyncSession,
    actor: Actor,
    broker_id: uuid.UUID,
    body: BrokerPatch,
    *,
    expected_versions: frozenset[int] | None,
) -> Broker:
    """Change what was given. Raises NotFound, Forbidden, PreconditionFailed, WrongBrokerState,
    ReviewedField, CertificatePeriod, OrganizationUnknown, NotOfInstitution."""
    broker = await own(session, actor, broker_id, expected_versions)
    state = broker.stored_state
    if state not in WHOLLY_CHANGED + PARTLY_CHANGED:
        raise WrongBrokerState(state=broker.state.value, action="change")
    before = snapshot(broker)
    given = {name: getattr(body, name) for name in body.model_fields_set}
    reviewed = {one for one in _REVIEWED & given.keys() if given[one] != getattr(broker, one)}
    if reviewed and state not in WHOLLY_CHANGED:
        raise ReviewedField(loc=("body", min(reviewed)))
    if "organization_id" in reviewed:
        await _move(session, broker, given["organization_id"])
    given.pop("organization_id", None)
    if "contact" in given and body.contact is not None:
        given["contact"] = body.contact.model_dump(mode="json")
    _set(broker, given)
    if broker.valid_until <= broker.issued_on:
        raise CertificatePeriod
    await session.flush()  # the log shows its new version
    if snapshot(broker) != before:
        record(session, actor, broker, "changed", before=before)
    return broker


async def act(
    session: AsyncSession,
    actor: Actor,
    broker_id: uuid.UUID,
    action: Action,
    *,
    expected_versions: frozenset[int] | None,
    comment: str | None = None,
    renewal: BrokerRenew | None = None,
) -> Broker:
    """Move a registration on, and tell the institution what was decided.

    Raises NotFound, Forbidden, PreconditionFailed, WrongBrokerState, CertificateOver,
    OrganizationUnknown, NotOfInstitution.
    """
    broker = await get(session, actor, broker_id, to_change=True)
    if not policy.may(actor, broker, action):
        raise Forbidden
    check_version(broker, expected_versions)
    state = broker.stored_state
    if action not in TRANSITIONS[state]:
        raise WrongBrokerState(state=broker.state.value, action=action.value)
    before = snapshot(broker)
    if action is Action.RENEW:
        assert renewal is not None
        await _propose(session, broker, renewal)
    elif action is Action.SUBMIT and broker.valid_until < today():
        raise CertificateOver
    elif action is Action.APPROVE:
        await _approve(session, broker)
    if ACTS[action] is By.REVIEW:  # what was proposed is decided with it
        broker.proposed = None
    broker.stored_state = TRANSITIONS[state][action]
    broker.reason = comment
    await session.flush()  # notices are told apart by the new version
    if action in _NOTICES:
        await inbox.notify(
            session,
            broker.organization_id,
            _NOTICES[action],
            subject_kind="broker",
            subject_id=broker.id,
            title=broker.name,
            key=f"broker {broker.id} {broker.version}",
            comment=comment,
        )
    record(session, actor, broker, _DONE[action], before=before)
    return broker


async def get(
    session: AsyncSession, actor: Actor, broker_id: uuid.UUID, *, to_change: bool = False
) -> Broker:
    """A broker that the actor may see. Raises NotFound."""
    broker = await queries.broker(session, actor, broker_id, to_change=to_change)
    if broker is None:
        raise NotFound
    return broker


async def own(
    session: AsyncSession,
    actor: Actor,
    broker_id: uuid.UUID,
    expected_versions: frozenset[int] | None,
) -> Broker:
    """A broker to change its record. Raises NotFound, Forbidden, PreconditionFailed."""
    broker = await get(session, actor, broker_id, to_change=True)
    if not policy.may_edit(actor, broker):
        raise Forbidden
    check_version(broker, expected_versions)
    return broker


async def page(session: AsyncSession, actor: Actor, query: BrokerQuery) -> Page[BrokerRead]:
    """One page of the directory, newest first."""
    rows = await queries.brokers(session, actor, query)
    hours = await queries.hours(session, [one.id for one in rows])
    return Page[BrokerRead].of(
        rows,
        query.limit,
        lambda one: [str(one.id)],
        lambda one: shown(actor, one, hours.get(one.id)),
    )


async def show(session: AsyncSession, actor: Actor, broker: Broker) -> BrokerRead:
    """A broker as the actor may see it."""
    hours = await queries.hours(session, [broker.id])
    return shown(actor, broker, hours.get(broker.id))


def shown(actor: Actor, broker: Broker, hours: Decimal | None) -> BrokerRead:
    """A broker with the hours of its courses, as the actor may see it."""
    knows = policy.knows(actor, broker)
    contact = broker.contact
    if contact is not None and not knows:
        contact = {part: contact.get(part) for part in broker.public} or None
    return BrokerRead(
        id=broker.id,
        name=broker.name,
        organization=OrganizationBrief.model_validate(broker.organization),
        **{name: getattr(broker, name) for name in _CERTIFICATE},
        fields=broker.fields,
        places=broker.places,
        introduction=broker.introduction,
        contact=contact,
        public=broker.public,
        state=broker.state,
        training_hours=hours or Decimal(0),
        user_id=broker.user_id if knows else None,
        reason=broker.reason if knows else None,
        proposed=broker.proposed if knows else None,
        possible=possible(actor, broker),
        registered_at=broker.registered_at,
        updated_at=broker.updated_at,
        version=broker.version,
    )


def possible(actor: Actor, broker: Broker) -> list[Action]:
    """What the actor may do with a registration as it stands."""
    return [one for one in TRANSITIONS[broker.stored_state] if policy.may(actor, broker, one)]


async def end(session: AsyncSession, actor: Actor, user_id: uuid.UUID) -> None:
    """Forget the broker that a person is: what it did stays, of nobody who can be named."""
    broker = await queries.of_user(session, user_id)
    if broker is None or broker.stored_state is BrokerState.ENDED:
        return
    await session.execute(
        update(Mandate)
        .where(Mandate.broker_id == broker.id, Mandate.stored_state.in_(LIVE))
        .values(stored_state=MandateState.RESIGNED, version=Mandate.version + 1, updated_at=now())
    )
    for model in (BrokerTraining, BrokerConflict):
        await session.execute(delete(model).where(model.broker_id == broker.id))
    broker.stored_state = BrokerState.ENDED
    broker.name = f"erased-{user_id.hex[-12:]}"
    broker.certificate_number = broker.issuer = ""
    broker.issued_on = broker.valid_until = today()
    broker.introduction = broker.contact = broker.proposed = broker.reason = None
    broker.fields, broker.places, broker.public = [], [], []
    _index(broker)
    log.record(
        session,
        actor,
        "broker.ended",
        subject_kind="broker",
        subject_id=broker.id,
        before=None,
        after=None,
    )


async def _check_person(session: AsyncSession, broker: Broker) -> None:
    membership = await session.get(Membership, (broker.user_id, broker.organization_id))
    if membership is None:
        raise NotOfInstitution


async def _move(session: AsyncSession, broker: Broker, organization_id: uuid.UUID) -> None:
    """To another institution, of which the person is one of the people."""
    organization = await session.get(Organization, organization_id)
    if organization is None or organization.merged_into_id is not None:
        raise OrganizationUnknown(loc=("body", "organization_id"))
    if await session.get(Membership, (broker.user_id, organization.id)) is None:
        raise NotOfInstitution(loc=("body", "organization_id"))
    broker.organization, broker.organization_id = organization, organization.id


async def _propose(session: AsyncSession, broker: Broker, renewal: BrokerRenew) -> None:
    if renewal.valid_until < today():
        raise CertificateOver
    proposed = renewal.model_dump(mode="json", exclude_none=True)
    if renewal.organization_id is not None:
        membership = (broker.user_id, renewal.organization_id)
        if await session.get(Membership, membership) is None:
            raise NotOfInstitution(loc=("body", "organization_id"))
    broker.proposed = proposed


async def _approve(session: AsyncSession, broker: Broker) -> None:
    if broker.proposed is not None:
        renewal = BrokerRenew.model_validate(broker.proposed)
        given = renewal.model_dump(exclude_none=True, exclude={"organization_id"})
        if renewal.valid_until < today():
            raise CertificateOver
        if renewal.organization_id is not None:
            organization = await session.get(Organization, renewal.organization_id)
            while organization is not None and organization.merged_into_id is not None:
                organization = await session.get(Organization, organization.merged_into_id)
            if organization is None:
                raise OrganizationUnknown(loc=("body", "organization_id"))
            broker.organization, broker.organization_id = organization, organization.id
        _set(broker, given)
    elif broker.valid_until < today():
        raise CertificateOver
    broker.registered_at = broker.registered_at or now()


def _set(broker: Broker, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(broker, name, value)
    _index(broker)


def _index(broker: Broker) -> None:
    broker.text_key = queries.folded(broker.name, *broker.fields, broker.introduction)
    broker.fields_key = queries.keys(broker.fields)
    broker.places_key = queries.keys(broker.places)


def snapshot(broker: Broker) -> dict[str, Any]:
    """A broker as the log keeps it, which stays whole when the person is forgotten: no name, no
    number of a certificate, no contact."""
    return {
        "user_id": str(broker.user_id),
        "organization_id": str(broker.organization_id),
        "grade": broker.grade.value,
        "issued_on": broker.issued_on.isoformat(),
        "valid_until": broker.valid_until.isoformat(),
        "fields": broker.fields,
        "places": broker.places,
        "state": broker.state.value,
        "reason": broker.reason,
        "proposed": broker.proposed is not None,
        "version": broker.version,
    }


def record(
    session: AsyncSession,
    actor: Actor,
    broker: Broker,
    what: str,
    *,
    before: dict[str, Any] | None,
) -> None:
    """Note what became of a broker."""
    log.record(
        session,
        actor,
        f"broker.{what}",
        subject_kind="broker",
        subject_id=broker.id,
        before=before,
        after=snapshot(broker),
    )
