"""Cleaning: what is past and of no use to anyone is forgotten."""

from datetime import timedelta
from typing import Final

from anyio import to_thread
from dbos import DBOS
from sqlalchemy import delete, or_, update

from kechuangtong.accounts.idempotency import KEPT_FOR
from kechuangtong.core.clock import now
from kechuangtong.matching.runs.service import superseded
from kechuangtong.models import (
    IdempotentAnswer,
    Invitation,
    Mail,
    MatchRun,
    PasswordReset,
    RateCount,
    SignIn,
    SignInFailures,
    WebhookDelivery,
)
from kechuangtong.runtime import Runtime

# How long failed sign-ins count, the texts of mails are kept, and what has ended may be asked for.
_FAILURES: Final = timedelta(days=1)
_TEXTS: Final = timedelta(days=7)
_ENDED: Final = timedelta(days=30)


async def clean(runtime: Runtime) -> None:
    """Forget answers to repeated requests, counts, and sign-ins, invitations and wishes for a new
    password that ended long ago, the texts of mails, match runs that many later ones have followed,
    what webhooks were told of, and the records of finished work."""
    long_ago = now() - _ENDED
    unlocked = or_(SignInFailures.locked_until.is_(None), SignInFailures.locked_until <= now())
    for statement in (
        delete(IdempotentAnswer).where(IdempotentAnswer.created_at <= now() - KEPT_FOR),
        delete(SignInFailures).where(SignInFailures.last_at <= now() - _FAILURES, unlocked),
        delete(RateCount).where(RateCount.expires_at <= now()),
        delete(PasswordReset).where(PasswordReset.expires_at <= long_ago),
        delete(Invitation).where(Invitation.expires_at <= long_ago),
        delete(WebhookDelivery).where(WebhookDelivery.ended_at <= long_ago),
        delete(MatchRun).where(MatchRun.id.in_(superseded())),
        delete(SignIn).where(or_(SignIn.ended_at <= long_ago, SignIn.expires_at <= long_ago)),
        update(Mail)
        .where(Mail.created_at <= now() - _TEXTS, Mail.due_at.is_(None), Mail.text.is_not(None))
        .values(text=None),
    ):
        async with runtime.database.write() as session:
            await session.execute(statement)
    await to_thread.run_sync(_forget_finished_work)


def _forget_finished_work() -> None:
    before = (now() - _TEXTS).isoformat()
    while found := DBOS.list_workflows(
        status=["SUCCESS", "ERROR"], completed_before=before, limit=500, load_input=False
    ):
        DBOS.delete_workflows([one.workflow_id for one in found])
