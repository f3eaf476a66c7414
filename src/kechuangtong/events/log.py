"""The append-only event log: written in the transaction of the change that it records."""

import uuid
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.http import address, request_id
from kechuangtong.models import Event, UntoldEvent


def record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    *,
    subject_kind: str,
    subject_id: uuid.UUID,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> Event:
    """Note who did what to which record, with the record before and after as the API shows it."""
    event = Event(
        actor_kind=actor.kind,
        actor_id=actor.id,
        key_id=actor.key_id,
        address=address.get(),
        action=action,
        subject_kind=subject_kind,
        subject_id=subject_id,
        before=before,
        after=after,
        request_id=request_id.get(),
    )
    session.add(UntoldEvent(event=event))
    return event
