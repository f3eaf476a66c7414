"""Delivering webhooks: events become deliveries, and each is tried until it is taken.

Each try is noted before it is made, with when the next is due. So a worker that dies in one loses
nothing, and what workers die on is not sent again and again. A receiver may get a message twice
where it took one and the worker died before it had noted that: the message's id is the same.
"""

import json
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import anyio
import httpx
import structlog
from sqlalchemy import and_, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from kechuangtong import __version__
from kechuangtong.core.clock import now
from kechuangtong.core.db import Database, hold, new_id, upsert
from kechuangtong.inbox.service import notify
from kechuangtong.models import Event, UntoldEvent, Webhook, WebhookAttempt, WebhookDelivery
from kechuangtong.models.notice import NoticeKind
from kechuangtong.models.webhook import DeliveryState, DisabledReason
from kechuangtong.runtime import Runtime
from kechuangtong.settings import Settings
from kechuangtong.webhooks import catalogue, signing
from kechuangtong.webhooks.addresses import (
    AddressRefused,
    Allowed,
    CheckedTransport,
    Resolve,
    parse,
    resolve,
)
from kechuangtong.webhooks.service import title

log = structlog.get_logger()

# After each try; when the last has failed the event has been on its way for two days.
PAUSES: Final = [
    timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000)
]
FAILING_FOR: Final = timedelta(days=5)
"""How long an endpoint may fail before it is disabled."""

TIMEOUT_SECONDS: Final = 10.0
MAX_BODY: Final = 64_000
_READ: Final = 1_000  # bytes of an answer
_BUSY: Final = timedelta(seconds=2 * TIMEOUT_SECONDS)
_EVENTS_AT_ONCE: Final = 500
# So many at once an endpoint: one that does not answer does not hold up the others.
_EACH_AT_ONCE: Final = 3

Jitter = Callable[[], float]
"""By what a pause is multiplied, so that what failed together is not tried again together."""


def usual_jitter() -> float:
    """A tenth more or less."""
    return random.uniform(0.9, 1.1)  # noqa: S311


async def spread(database: Database) -> int:
    """Make deliveries of the events that were not told of yet; how many events. Of workers who do
    it at the same time each event is taken by one."""
    async with database.read() as session:
        if await session.scalar(select(UntoldEvent.event_id).limit(1)) is None:
            return 0
    async with database.write() as session:
        await hold(session, "webhook events")
        events = (
            await session.scalars(
                select(Event)
                .join(UntoldEvent, UntoldEvent.event_id == Event.id)
                .order_by(Event.id)
                .limit(_EVENTS_AT_ONCE)
            )
        ).all()
        webhooks = (await session.scalars(select(Webhook).where(Webhook.active))).all()
        rows = []
        for event in events if webhooks else ():
            told = await catalogue.audience(session, event)
            rows += [
                {
                    "id": new_id(),
                    "webhook_id": webhook.id,
                    "event_id": event.id,
                    "type": event.action,
                }
                for webhook in webhooks
                if webhook.organization_id in told
                and catalogue.wanted(webhook.event_types, event.action)
            ]
        await upsert(
            session,
            WebhookDelivery.__table__,  # type: ignore[arg-type]
            rows,
            keys=["webhook_id", "event_id"],
        )
        done = [event.id for event in events]
        await session.execute(delete(UntoldEvent).where(UntoldEvent.event_id.in_(done)))
    return len(events)


async def waiting(database: Database) -> list[str]:
    """The tries that are due: a delivery and how often it was tried already."""
    await spread(database)
    at = now()
    busy = and_(WebhookDelivery.busy_until.is_not(None), WebhookDelivery.busy_until > at)
    due = and_(WebhookDelivery.due_at <= at, ~busy)
    place = func.row_number().over(
        partition_by=WebhookDelivery.webhook_id,
        order_by=(busy.desc(), WebhookDelivery.due_at, WebhookDelivery.id),
    )
    ranked = (
        select(
            WebhookDelivery.id,
            WebhookDelivery.attempts,
            WebhookDelivery.due_at,
            due.label("due"),
            place.label("place"),
        )
        .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
        .where(
            WebhookDelivery.state == DeliveryState.PENDING,
            Webhook.active,
            busy | due,
        )
        .subquery()
    )
    async with database.read() as session:
        found = await session.execute(
            select(ranked.c.id, ranked.c.attempts)
            .where(ranked.c.due, ranked.c.place <= _EACH_AT_ONCE)
            .order_by(ranked.c.due_at, ranked.c.id)
        )
        return [f"{delivery_id}/{attempts}" for delivery_id, attempts in found]


@dataclass(frozen=True)
class Answer:
    """What came of a try: a status with how the body begins, or an error."""

    status: int | None
    error: str | None
    excerpt: str | None

    @property
    def taken(self) -> bool:
        """Whether the receiver has the message."""
        return self.status is not None and 200 <= self.status < 300


async def deliver(
    runtime: Runtime,
    key: str,
    *,
    jitter: Jitter = usual_jitter,
    resolve: Resolve = resolve,
) -> None:
    """Try to deliver an event, unless this try was begun before or the endpoint is not active."""
    delivery_id, attempts = _parts(key)
    begun = now()
    async with runtime.database.write() as session:
        delivery = await session.scalar(
            select(WebhookDelivery)
            .where(
                WebhookDelivery.id == delivery_id,
                WebhookDelivery.attempts == attempts,
                WebhookDelivery.state == DeliveryState.PENDING,
                exists().where(Webhook.id == WebhookDelivery.webhook_id, Webhook.active),
            )
            .options(
                joinedload(WebhookDelivery.webhook, innerjoin=True),
                joinedload(WebhookDelivery.event, innerjoin=True),
            )
            .with_for_update(of=WebhookDelivery)
        )
        if delivery is None:
            return
        pause = PAUSES[min(delivery.tries, len(PAUSES) - 1)]
        delivery.attempts += 1
        delivery.tries += 1
        delivery.due_at = begun + pause * jitter()
        delivery.busy_until = begun + _BUSY
    started = time.monotonic()
    answer = await _send(runtime.settings, delivery, begun, resolve)
    duration = round((time.monotonic() - started) * 1000)
    async with runtime.database.write() as session:
        there = select(WebhookDelivery.id).where(WebhookDelivery.id == delivery_id)
        if await session.scalar(there.with_for_update()) is None:
            return  # its endpoint was deleted meanwhile
        session.add(
            WebhookAttempt(
                delivery_id=delivery_id,
                number=delivery.attempts,
                at=begun,
                status=answer.status,
                duration_ms=duration,
                error=answer.error,
                excerpt=answer.excerpt,
            )
        )
        await _note(session, delivery, answer, duration)


async def give_up(runtime: Runtime, key: str) -> None:
    """End a delivery by a mistake of ours, which is in the log."""
    async with runtime.database.write() as session:
        await session.execute(
            update(WebhookDelivery)
            .where(
                WebhookDelivery.id == _parts(key)[0],
                WebhookDelivery.state == DeliveryState.PENDING,
            )
            .values(**_ended(DeliveryState.FAILED), error="internal error")
        )


def _parts(key: str) -> tuple[uuid.UUID, int]:
    delivery_id, attempts = key.split("/")
    return uuid.UUID(delivery_id), int(attempts)


def _ended(state: DeliveryState) -> dict[str, object]:
    return {"state": state, "due_at": None, "busy_until": None, "ended_at": now()}


async def _send(
    settings: Settings, delivery: WebhookDelivery, at: datetime, resolve: Resolve
) -> Answer:
    webhook = delivery.webhook
    body = json.dumps(catalogue.payload(delivery.event), ensure_ascii=False).encode()
    assert len(body) <= MAX_BODY  # it names the subject alone
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"Kechuangtong-Webhooks/{__version__}",
        **signing.headers(settings.signing_key, webhook, delivery.id, at, body),
    }
    try:
        transport = CheckedTransport(Allowed.of(settings.webhooks_allowed), resolve)
        # A redirect is not followed: it could lead anywhere.
        async with httpx.AsyncClient(
            transport=transport, trust_env=False, timeout=TIMEOUT_SECONDS
        ) as client:
            with anyio.fail_after(TIMEOUT_SECONDS):
                url = parse(webhook.url)
                async with client.stream("POST", url, content=body, headers=headers) as response:
                    return Answer(response.status_code, None, await _beginning(response))
    except AddressRefused as refused:
        return Answer(None, f"address refused: {refused.args[0].en}", None)
    except (httpx.HTTPError, OSError) as error:  # a timeout is an OSError
        return Answer(None, f"{type(error).__name__}: {error}"[:500].replace("\0", ""), None)


async def _beginning(response: httpx.Response) -> str | None:
    """How an answer's body begins, as it is sent: nothing is unpacked."""
    read = b""
    async for part in response.aiter_raw():
        read += part
        if len(read) >= _READ:
            break
    return read[:_READ].decode(errors="replace").replace("\0", "") or None


async def _note(
    session: AsyncSession, delivery: WebhookDelivery, answer: Answer, duration: int
) -> None:
    """Note what came of a try, in the delivery and for its endpoint."""
    webhook = delivery.webhook
    last = delivery.tries > len(PAUSES) or answer.status == httpx.codes.GONE
    values: dict[str, object] = {"busy_until": None}
    if answer.taken or last:
        values = _ended(DeliveryState.SUCCEEDED if answer.taken else DeliveryState.FAILED)
    await session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id == delivery.id, WebhookDelivery.attempts == delivery.attempts)
        .values(status=answer.status, duration_ms=duration, error=answer.error, **values)
    )
    # By statements, and not as a change that anyone made: the version stays.
    health = update(Webhook).where(Webhook.id == webhook.id).values(updated_at=Webhook.updated_at)
    if answer.taken:
        if webhook.failing_since is not None:
            await session.execute(health.values(failing_since=None))
        return
    log.warning(
        "webhook not delivered",
        webhook=str(webhook.id),
        delivery=str(delivery.id),
        status=answer.status,
        error=answer.error,
    )
    since = webhook.failing_since or now()
    await session.execute(health.where(Webhook.failing_since.is_(None)).values(failing_since=since))
    if answer.status == httpx.codes.GONE:
        await _disable(session, webhook, DisabledReason.GONE, NoticeKind.WEBHOOK_GONE)
    elif since <= now() - FAILING_FOR:
        await _disable(session, webhook, DisabledReason.FAILING, NoticeKind.WEBHOOK_DISABLED)
    elif last:
        await _tell(session, webhook, NoticeKind.WEBHOOK_FAILED, since, event=delivery.type)


async def _disable(
    session: AsyncSession, webhook: Webhook, reason: DisabledReason, kind: NoticeKind
) -> None:
    """Send an endpoint nothing until its people make it active again; what waits then goes on."""
    disabled = await session.scalar(
        update(Webhook)
        .where(Webhook.id == webhook.id, Webhook.active)
        .values(active=False, disabled_reason=reason, version=Webhook.version + 1)
        .returning(Webhook.id)
    )
    if disabled is not None:
        await _tell(session, webhook, kind, now())


async def _tell(
    session: AsyncSession, webhook: Webhook, kind: NoticeKind, since: datetime, *, event: str = ""
) -> None:
    """A notice, one while an endpoint fails however many events it misses."""
    await notify(
        session,
        webhook.organization_id,
        kind,
        subject_kind="webhook",
        subject_id=webhook.id,
        title=title(webhook),
        key=f"{kind.value} {webhook.id} {since.isoformat()}",
        event=event,
    )
