"""Signing messages as Standard Webhooks has it (https://www.standardwebhooks.com).

The secrets are not stored anywhere: each is derived from the deployment's key (`KCT_SECRET_KEY`),
the endpoint's id and the number of its secret. So a copy of the database signs nothing; and who
changes the deployment's key changes all secrets, which are then shown anew by rotating each.
"""

import base64
import hashlib
import hmac
import uuid
from datetime import datetime, timedelta
from typing import Final

from kechuangtong.models import Webhook

PREFIX: Final = "whsec_"
BOTH_FOR: Final = timedelta(hours=24)
"""How long after a rotation the secret before it is signed with, too."""


def secret(key: str, webhook_id: uuid.UUID, number: int) -> str:
    """The secret of a number of an endpoint, as its receiver keeps it."""
    return PREFIX + base64.b64encode(_secret(key, webhook_id, number)).decode()


def _secret(key: str, webhook_id: uuid.UUID, number: int) -> bytes:
    purpose = f"kechuangtong webhook secret {webhook_id} {number}"
    return hmac.digest(key.encode(), purpose.encode(), hashlib.sha256)


def headers(
    key: str, webhook: Webhook, message_id: uuid.UUID, at: datetime, body: bytes
) -> dict[str, str]:
    """The three headers of a message that is sent at an instant: its id, the instant in seconds,
    and the signatures by the present secret and, for a day, by the one before."""
    seconds = str(int(at.timestamp()))
    numbers = [webhook.secret_number]
    if webhook.rotated_at is not None and at < webhook.rotated_at + BOTH_FOR:
        numbers.append(webhook.secret_number - 1)
    signed = f"{message_id}.{seconds}.".encode() + body
    signatures = (
        hmac.digest(_secret(key, webhook.id, number), signed, hashlib.sha256) for number in numbers
    )
    return {
        "webhook-id": str(message_id),
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(
            f"v1,{base64.b64encode(signature).decode()}" for signature in signatures
        ),
    }
