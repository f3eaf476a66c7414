"""A webhook of the sample, for the examples of the documentation.

No machine has a name that ends in `.example`: nothing leaves the demo.
"""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.core.clock import now
from kechuangtong.events import log
from kechuangtong.models import Webhook, WebhookAttempt, WebhookDelivery
from kechuangtong.models.webhook import DeliveryState
from kechuangtong.sample import ids
from kechuangtong.webhooks import catalogue


async def add_webhook(session: AsyncSession) -> None:
    """An endpoint that was tested once."""
    webhook = Webhook(
        id=uuid.UUID(ids.WEBHOOK),
        organization_id=uuid.UUID(ids.ORGANIZATION),
        url="https://hooks.example/kechuangtong",
        description="科研管理系统",
        event_types=["interest.*"],
    )
    session.add(webhook)
    event = log.record(
        session,
        OPERATOR,
        catalogue.TEST,
        subject_kind="webhook",
        subject_id=webhook.id,
        before=None,
        after={"version": 1},
    )
    await session.flush()  # what follows refers to them
    delivery = WebhookDelivery(
        id=uuid.UUID(ids.WEBHOOK_DELIVERY),
        webhook_id=webhook.id,
        event_id=event.id,
        type=event.action,
        state=DeliveryState.SUCCEEDED,
        attempts=1,
        tries=1,
        due_at=None,
        status=204,
        duration_ms=86,
        ended_at=now(),
    )
    session.add(delivery)
    await session.flush()  # what follows refers to it
    session.add(WebhookAttempt(delivery_id=delivery.id, number=1, status=204, duration_ms=86))
