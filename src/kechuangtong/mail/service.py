"""Mail (邮件): written in the transaction of what it tells of, sent by a worker."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core.language import Text
from kechuangtong.models import Mail
from kechuangtong.settings import Settings

# What links begin with: the sender puts the setting `public_url` in its place.
PUBLIC_URL: Final = "{public_url}"


def write(session: AsyncSession, *, to: str, subject: Text, text: Text) -> None:
    """Have a mail sent, Chinese first and English below."""
    line = " ".join(f"{subject.zh} / {subject.en}".split())  # a subject has no second line
    session.add(Mail(recipient=to, subject=line[:300], text=f"{text.zh}\n\n{text.en}\n"))


def text_of(mail: Mail, settings: Settings) -> str:
    """A mail's text as it is read, its links with it; empty where it was forgotten."""
    return (mail.text or "").replace(PUBLIC_URL, settings.public_url.rstrip("/"))


async def latest(session: AsyncSession, limit: int) -> Sequence[Mail]:
    """The mails that were written last, newest first."""
    return (await session.scalars(select(Mail).order_by(Mail.id.desc()).limit(limit))).all()


def state(mail: Mail) -> str:
    """What has become of a mail, in a word or two."""
    if mail.sent_at is not None:
        return "not sent" if mail.problem else "sent"
    return "given up" if mail.due_at is None else "waiting"
