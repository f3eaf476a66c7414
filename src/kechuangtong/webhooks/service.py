"""Webhooks (事件推送): endpoints of organizations, and what they were told of."""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import anyio
import httpx
from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission, Role
from kechuangtong.core.clock import now
from kechuangtong.core.db import hold, new_id
from kechuangtong.core.errors import Forbidden, NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.paging import Page, decode_id
from kechuangtong.events import log
from kechuangtong.models import Webhook, WebhookAttempt, WebhookDelivery
from kechuangtong.models.webhook import DeliveryState
from kechuangtong.organizations.service import acting_organization
from kechuangtong.settings import Settings
from kechuangtong.webhooks import catalogue, signing
from kechuangtong.webhooks.addresses import AddressRefused, Allowed, check, parse
from kechuangtong.webhooks.errors import (
    DeliveryPending,
    EventTypeUnknown,
    TooManyWebhooks,
    UrlRefused,
    WebhookInactive,
)
from kechuangtong.webhooks.schemas import (
    AttemptRead,
    DeliveryDetails,
    DeliveryQuery,
    DeliveryRead,
    Replayed,
    ReplayQuery,
    WebhookCreate,
    WebhookPatch,
    WebhookQuery,
    WebhookRead,
)

LIMIT: Final = 20  # an organization
# What is replayed at once at most, and how far apart: a receiver that was down is not run over.
REPLAYED: Final = 1_000
REPLAY_PAUSE: Final = timedelta(milliseconds=500)
_RESOLVING_SECONDS: Final = 3.0


async def check_url(url: str, settings: Settings) -> None:
    """Raises UrlRefused for a URL that webhooks may not go to. A host that is not known yet may
    become known: it is looked at again at each connection."""
    try:
        with suppress(OSError), anyio.fail_after(_RESOLVING_SECONDS):
            await check(parse(url), Allowed.of(settings.webhooks_allowed))
    except AddressRefused as refused:
        zh, en = refused.args[0]
        raise UrlRefused(zh=zh, en=en) from None


async def create(
    session: AsyncSession, actor: Actor, body: WebhookCreate, settings: Settings
) -> Webhook:
    """A new endpoint. Raises UrlRefused, EventTypeUnknown, OrganizationUnnamed,
    OrganizationUnknown, Forbidden, TooManyWebhooks."""
    await check_url(body.url, settings)  # before anything of the database is held
    _check_types(body.event_types)
    organization = await acting_organization(
        session, actor, Permission.WEBHOOKS_WRITE, body.organization_id
    )
    await hold(session, f"webhooks {organization.id}")  # until this one is counted
    there = await session.scalar(
        select(func.count()).select_from(Webhook).where(Webhook.organization_id == organization.id)
    )
    if there is not None and there >= LIMIT:
        raise TooManyWebhooks(limit=LIMIT)
    webhook = Webhook(
        id=new_id(),
        organization_id=organization.id,
        url=body.url,
        description=body.description,
        event_types=sorted(set(body.event_types)),
    )
    session.add(webhook)
    await session.flush()  # the event shows it as it is stored
    _log(session, actor, webhook, "created", before=None, after=_snapshot(webhook))
    return webhook


async def get(
    session: AsyncSession, actor: Actor, webhook_id: uuid.UUID, *, to_change: bool = False
) -> Webhook:
    """An endpoint of an organization that one manages. Raises NotFound, Forbidden."""
    statement = select(Webhook).where(Webhook.id == webhook_id, _visible_to(actor))
    webhook = await session.scalar(statement.with_for_update() if to_change else statement)
    if webhook is None:
        raise NotFound
    if to_change and not actor.may(Permission.WEBHOOKS_WRITE, webhook.organization_id):
        raise Forbidden
    return webhook


async def page(session: AsyncSession, actor: Actor, query: WebhookQuery) -> Page[WebhookRead]:
    """One page of the endpoints of organizations that one manages, newest first. Raises
    Forbidden."""
    statement = (
        select(Webhook).where(_visible_to(actor)).order_by(Webhook.id.desc()).limit(query.limit + 1)
    )
    if query.organization_id is not None:
        if not actor.may(Permission.WEBHOOKS_READ, query.organization_id):
            raise Forbidden(loc=("query", "organization_id"))
        statement = statement.where(Webhook.organization_id == query.organization_id)
    if query.cursor is not None:
        statement = statement.where(Webhook.id < decode_id(query.cursor))
    rows: Sequence[Webhook] = (await session.scalars(statement)).all()
    return Page[WebhookRead].of(rows, query.limit, lambda one: [str(one.id)], show)


async def change(
    session: AsyncSession,
    actor: Actor,
    webhook_id: uuid.UUID,
    body: WebhookPatch,
    settings: Settings,
    *,
    expected_versions: frozenset[int] | None,
) -> Webhook:
    """Change what was given. Raises UrlRefused, EventTypeUnknown, NotFound, Forbidden,
    PreconditionFailed."""
    given = body.model_fields_set
    if "url" in given:
        await check_url(body.url, settings)  # before anything of the database is held
    if "event_types" in given:
        _check_types(body.event_types)
    webhook = await get(session, actor, webhook_id, to_change=True)
    check_version(webhook, expected_versions)
    before = _snapshot(webhook)
    for name in given:
        value = getattr(body, name)
        setattr(webhook, name, sorted(set(value)) if name == "event_types" else value)
    if "active" in given:  # what it was disabled for is past, or it is not the reason any more
        webhook.disabled_reason = webhook.failing_since = None
    await session.flush()  # its new version is shown
    if webhook.version != before["version"]:
        _log(session, actor, webhook, "changed", before=before, after=_snapshot(webhook))
    return webhook


async def delete(
    session: AsyncSession,
    actor: Actor,
    webhook_id: uuid.UUID,
    *,
    expected_versions: frozenset[int] | None,
) -> None:
    """Tell an endpoint of nothing any more, and forget what it was told of. Raises NotFound,
    Forbidden, PreconditionFailed."""
    webhook = await get(session, actor, webhook_id, to_change=True)
    check_version(webhook, expected_versions)
    _log(session, actor, webhook, "deleted", before=_snapshot(webhook), after=None)
    await session.delete(webhook)


async def rotate(
    session: AsyncSession,
    actor: Actor,
    webhook_id: uuid.UUID,
    *,
    expected_versions: frozenset[int] | None,
) -> Webhook:
    """Give an endpoint a new secret; the one before is signed with for a day, too. Raises NotFound,
    Forbidden, PreconditionFailed."""
    webhook = await get(session, actor, webhook_id, to_change=True)
    check_version(webhook, expected_versions)
    before = _snapshot(webhook)
    webhook.secret_number += 1
    webhook.rotated_at = now()
    await session.flush()  # its new version is shown
    _log(session, actor, webhook, "secret_rotated", before=before, after=_snapshot(webhook))
    return webhook


def secret(webhook: Webhook, settings: Settings) -> str:
    """The secret that an endpoint's messages are signed with at present."""
    return signing.secret(settings.signing_key, webhook.id, webhook.secret_number)


async def send_test(session: AsyncSession, actor: Actor, webhook_id: uuid.UUID) -> WebhookDelivery:
    """Send an event of its own to an endpoint. Raises NotFound, Forbidden, WebhookInactive."""
    webhook = await get(session, actor, webhook_id, to_change=True)
    if not webhook.active:
        raise WebhookInactive
    event = log.record(
        session,
        actor,
        catalogue.TEST,
        subject_kind="webhook",
        subject_id=webhook.id,
        before=None,
        after={"version": webhook.version},
    )
    await session.flush()  # for the event's id
    delivery = WebhookDelivery(
        id=new_id(), webhook_id=webhook.id, event_id=event.id, type=event.action
    )
    session.add(delivery)
    await session.flush()  # it is shown as it is stored
    return delivery


async def deliveries(
    session: AsyncSession, actor: Actor, webhook_id: uuid.UUID, query: DeliveryQuery
) -> Page[DeliveryRead]:
    """One page of what an endpoint was told of, newest first. Raises NotFound."""
    await get(session, actor, webhook_id)
    statement = (
        select(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == webhook_id)
        .order_by(WebhookDelivery.id.desc())
        .limit(query.limit + 1)
    )
    if query.state is not None:
        statement = statement.where(WebhookDelivery.state == query.state)
    if query.type is not None:
        statement = statement.where(WebhookDelivery.type == query.type)
    if query.cursor is not None:
        statement = statement.where(WebhookDelivery.id < decode_id(query.cursor))
    rows: Sequence[WebhookDelivery] = (await session.scalars(statement)).all()
    return Page[DeliveryRead].of(
        rows, query.limit, lambda one: [str(one.id)], DeliveryRead.model_validate
    )


async def details(
    session: AsyncSession, actor: Actor, webhook_id: uuid.UUID, delivery_id: uuid.UUID
) -> DeliveryDetails:
    """A delivery with what is sent, and its tries. Raises NotFound."""
    await get(session, actor, webhook_id)
    delivery = await session.scalar(
        select(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.webhook_id == webhook_id)
        .options(joinedload(WebhookDelivery.event, innerjoin=True))
    )
    if delivery is None:
        raise NotFound
    attempts = await session.scalars(
        select(WebhookAttempt)
        .where(WebhookAttempt.delivery_id == delivery_id)
        .order_by(WebhookAttempt.number)
    )
    return DeliveryDetails(
        **DeliveryRead.model_validate(delivery).model_dump(),
        payload=catalogue.payload(delivery.event),
        log=[AttemptRead.model_validate(one) for one in attempts],
    )


async def replay(
    session: AsyncSession, actor: Actor, webhook_id: uuid.UUID, delivery_id: uuid.UUID
) -> WebhookDelivery:
    """Send a delivery again, as the same message. Raises NotFound, Forbidden, WebhookInactive,
    DeliveryPending."""
    webhook = await get(session, actor, webhook_id, to_change=True)
    delivery = await session.scalar(
        select(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.webhook_id == webhook_id)
        .with_for_update()
    )
    if delivery is None:
        raise NotFound
    if not webhook.active:
        raise WebhookInactive
    if delivery.state is DeliveryState.PENDING:
        raise DeliveryPending
    _again(delivery, timedelta(0))
    _log(session, actor, webhook, "replayed", before=None, after={"delivery": str(delivery.id)})
    return delivery


async def replay_since(
    session: AsyncSession, actor: Actor, webhook_id: uuid.UUID, query: ReplayQuery
) -> Replayed:
    """Send what has ended since an instant again, the oldest first, over time. Raises NotFound,
    Forbidden, WebhookInactive."""
    webhook = await get(session, actor, webhook_id, to_change=True)
    if not webhook.active:
        raise WebhookInactive
    statement = (
        select(WebhookDelivery)
        .where(
            WebhookDelivery.webhook_id == webhook_id,
            WebhookDelivery.created_at >= query.since,
            WebhookDelivery.state != DeliveryState.PENDING,
        )
        .order_by(WebhookDelivery.created_at, WebhookDelivery.id)
        .limit(REPLAYED + 1)
        .with_for_update()
    )
    if query.state is not None:
        statement = statement.where(WebhookDelivery.state == query.state)
    found = (await session.scalars(statement)).all()
    chosen = found[:REPLAYED]
    for number, delivery in enumerate(chosen):
        _again(delivery, number * REPLAY_PAUSE)
    asked = {"since": query.since.isoformat(), "deliveries": len(chosen)}
    _log(session, actor, webhook, "replayed", before=None, after=asked)
    return Replayed(
        count=len(chosen),
        until=chosen[-1].created_at if chosen else None,
        last_due_at=chosen[-1].due_at if chosen else None,
        more=len(found) > REPLAYED,
    )


def _again(delivery: WebhookDelivery, after: timedelta) -> None:
    delivery.state, delivery.ended_at = DeliveryState.PENDING, None
    delivery.tries, delivery.due_at = 0, now() + after


def show(webhook: Webhook) -> WebhookRead:
    """An endpoint as it is shown."""
    return WebhookRead.model_validate(webhook)


def title(webhook: Webhook) -> str:
    """What an endpoint is called: a URL may hold what lets its reader in."""
    return webhook.description or httpx.URL(webhook.url).host


def _check_types(names: list[str]) -> None:
    for number, name in enumerate(names):
        if not catalogue.known(name):
            raise EventTypeUnknown(name=name, loc=("body", "event_types", number))


def _visible_to(actor: Actor) -> ColumnElement[bool]:
    """Endpoints are for the managers of their organization; an administrator can help them."""
    if actor.administrator:
        return true()
    managed = [one for one, role in actor.roles.items() if role is Role.MANAGER]
    return Webhook.organization_id.in_(managed)


def _snapshot(webhook: Webhook) -> dict[str, Any]:
    """An endpoint as the log keeps it: of its URL what lets nobody in."""
    url = httpx.URL(webhook.url)
    shown = show(webhook).model_dump(mode="json", exclude={"failing_since"})
    return {**shown, "url": f"{url.scheme}://{url.netloc.decode()}"}


def _log(
    session: AsyncSession,
    actor: Actor,
    webhook: Webhook,
    what: str,
    *,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    log.record(
        session,
        actor,
        f"webhook.{what}",
        subject_kind="webhook",
        subject_id=webhook.id,
        before=before,
        after=after,
    )
