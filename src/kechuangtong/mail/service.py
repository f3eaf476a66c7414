"""Mail (邮件): written in the transaction of what it tells of, sent by a worker."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core.language import Text
from kechuangtong.models import Mail

# What links begin with: the sender puts the setting `public_url` in its place.
PUBLIC_URL: Final = "{public_url}"


def write(session: AsyncSession, *, to: str, subject: Text, text: Text) -> None:
    """Have a mail sent, Chinese first and English below."""
    session.add(
        Mail(
            recipient=to,
            subject=f"{subject.zh} / {subject.en}"[:300],
            text=f"{text.zh}\n\n{text.en}\n",
        )
    )
