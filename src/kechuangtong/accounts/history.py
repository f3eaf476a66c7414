"""What happened to users, in the event log."""

import uuid
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.events import log


def record(
    session: AsyncSession,
    actor: Actor,
    what: str,
    user_id: uuid.UUID,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Note what happened to a user, without its name and address: the log stays whole when they
    are forgotten."""
    log.record(
        session,
        actor,
        f"user.{what}",
        subject_kind="user",
        subject_id=user_id,
        before=before,
        after=after,
    )
