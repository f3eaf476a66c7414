"""Delivering mail: by SMTP, or where no server is set into the log alone.

Each try is noted before it is made, with when the next is due. So a worker that dies in one loses
no mail, and a mail on which workers die is not sent again and again.
"""

import uuid
from datetime import timedelta
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog
from sqlalchemy import select, update

from kechuangtong.core.clock import now
from kechuangtong.core.db import Database
from kechuangtong.mail.service import text_of
from kechuangtong.models import Mail
from kechuangtong.runtime import Runtime
from kechuangtong.settings import Settings

log = structlog.get_logger()

# After each try; when the last has failed the mail has been on its way for a day.
PAUSES: Final = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 120, 240, 480, 520)]
_AT_ONCE: Final = 500
_TIMEOUT_SECONDS: Final = 30

NOT_SENT: Final = "KCT_SMTP_URL is not set"


class _Refused(Exception):
    """It is of no use to try again."""


async def waiting(database: Database) -> list[str]:
    """The tries that are due: a mail and how often it was tried already."""
    async with database.read() as session:
        found = await session.execute(
            select(Mail.id, Mail.attempts)
            .where(Mail.sent_at.is_(None), Mail.due_at <= now())
            .order_by(Mail.due_at)
            .limit(_AT_ONCE)
        )
        return [f"{mail_id}/{attempts}" for mail_id, attempts in found]


async def deliver(runtime: Runtime, key: str) -> None:
    """Try to deliver a mail, unless this try was begun before."""
    mail_id, attempts = _parts(key)
    pause = PAUSES[min(attempts, len(PAUSES) - 1)]
    async with runtime.database.write() as session:
        mail = await session.scalar(
            update(Mail)
            .where(
                Mail.id == mail_id,
                Mail.attempts == attempts,
                Mail.sent_at.is_(None),
                Mail.due_at.is_not(None),
            )
            .values(attempts=attempts + 1, due_at=now() + pause)
            .returning(Mail)
        )
    if mail is None:
        return
    if runtime.settings.smtp_url is None:
        _write_to_log(runtime.settings, mail)
        await _note(runtime.database, mail_id, sent_at=now(), due_at=None, problem=NOT_SENT)
        return
    try:
        await _send(runtime.settings, mail)
    except _Refused as refused:
        await _give_up(runtime.database, mail_id, str(refused))
    except (aiosmtplib.SMTPException, OSError) as error:
        problem = f"{type(error).__name__}: {error}"
        log.warning("mail could not be sent", mail=key, problem=problem)
        if attempts >= len(PAUSES):
            await _give_up(runtime.database, mail_id, problem)
        else:
            await _note(runtime.database, mail_id, problem=problem[:500])
    else:
        # The text may hold a link that lets its reader in.
        await _note(runtime.database, mail_id, sent_at=now(), due_at=None, problem=None, text=None)


async def give_up(runtime: Runtime, key: str) -> None:
    """End the delivery of a mail by a mistake of ours, which is in the log."""
    await _give_up(runtime.database, _parts(key)[0], "internal error")


def _parts(key: str) -> tuple[uuid.UUID, int]:
    mail_id, attempts = key.split("/")
    return uuid.UUID(mail_id), int(attempts)


def _write_to_log(settings: Settings, mail: Mail) -> None:
    if settings.environment == "production":
        log.warning("mail is not sent", mail=str(mail.id), problem=NOT_SENT, see="mail list")
    else:
        log.info("mail", to=mail.recipient, subject=mail.subject, text=text_of(mail, settings))


async def _give_up(database: Database, mail_id: uuid.UUID, problem: str) -> None:
    log.warning("mail given up", mail=str(mail_id), problem=problem)
    await _note(database, mail_id, due_at=None, problem=problem[:500])


async def _note(database: Database, mail_id: uuid.UUID, **values: object) -> None:
    async with database.write() as session:
        await session.execute(update(Mail).where(Mail.id == mail_id).values(**values))


def message(mail: Mail, sender: str, text: str) -> EmailMessage:
    """The mail as it goes out, always with the same Message-ID. Raises ValueError for an address
    that is not one."""
    made = EmailMessage(policy=policy.SMTP)
    try:
        made["From"] = sender
        made["To"] = Address(addr_spec=mail.recipient)
        made["Subject"] = mail.subject
    except (ValueError, IndexError, MessageError) as error:
        raise ValueError(f"the address or the subject is not valid: {error}") from error
    made["Date"] = format_datetime(mail.created_at)
    made["Message-ID"] = f"<{mail.id}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(text, cte="base64")
    return made


async def _send(settings: Settings, mail: Mail) -> None:
    """Hand a mail to the server. Raises _Refused, SMTPException, OSError."""
    assert settings.smtp_url is not None
    assert settings.mail_from is not None
    url = urlsplit(settings.smtp_url.get_secret_value())
    try:
        made = message(mail, settings.mail_from, text_of(mail, settings))
    except ValueError as error:
        raise _Refused(str(error)) from error
    try:
        await aiosmtplib.send(
            made,
            hostname=url.hostname,
            port=url.port,
            username=unquote(url.username) if url.username else None,
            password=unquote(url.password) if url.password else None,
            use_tls=url.scheme == "smtps",
            # A password goes over an encrypted line only.
            start_tls=None if url.scheme == "smtps" or not url.password else True,
            timeout=_TIMEOUT_SECONDS,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        refusal = error.recipients[0]
        raise (_Refused(_said(refusal)) if refusal.code >= 500 else refusal) from error
    except aiosmtplib.SMTPDataError as error:
        raise (_Refused(_said(error)) if error.code >= 500 else error) from error


def _said(error: aiosmtplib.SMTPResponseException) -> str:
    return f"{error.code} {error.message}"
