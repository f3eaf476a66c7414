"""The inbox (收件箱) of an organization: told in the transaction of what happened."""

import uuid
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.core.language import Text
from kechuangtong.mail import service as mail
from kechuangtong.models import Membership, Notice, User
from kechuangtong.models.notice import NoticeKind

TITLES: Final = {
    NoticeKind.INTEREST_EXPRESSED: Text("收到对接意向", "An interest was expressed"),
    NoticeKind.INTEREST_ASKED: Text("对方有一个问题", "The other side asks"),
    NoticeKind.INTEREST_ANSWERED: Text("对方已答复", "The other side has answered"),
    NoticeKind.INTEREST_ACCEPTED: Text("对接意向已被接受", "The interest was accepted"),
    NoticeKind.INTEREST_DECLINED: Text("对接意向被谢绝", "The interest was declined"),
    NoticeKind.INTEREST_WITHDRAWN: Text("对接意向已撤回", "The interest was withdrawn"),
    NoticeKind.REVIEW_APPROVED: Text("审核通过", "Approved in review"),
    NoticeKind.REVIEW_RETURNED: Text("审核退回，请修改", "Returned by review"),
    NoticeKind.LISTING_EXPIRING: Text("即将到期", "Expires soon"),
    NoticeKind.LISTING_EXPIRED: Text("已到期", "Has expired"),
    NoticeKind.SEARCH_ALERT: Text("订阅检索有新结果", "A saved search found something new"),
}


async def notify(
    session: AsyncSession,
    organization_id: uuid.UUID,
    kind: NoticeKind,
    *,
    subject_kind: str,
    subject_id: uuid.UUID,
    title: str,
    key: str,
    waiting: bool = False,
    by_mail: bool = True,
    **data: Any,  # noqa: ANN401
) -> bool:
    """Tell an organization of something, once a `key`; its people who want news get a mail.

    `title` names the subject; `waiting` asks for an answer. Whether it was told now.
    """
    if await session.scalar(select(Notice.id).where(Notice.key == key)) is not None:
        return False
    session.add(
        Notice(
            id=new_id(),
            organization_id=organization_id,
            kind=kind,
            subject_kind=subject_kind,
            subject_id=subject_id,
            key=key,
            data={"title": title, **data},
            waiting=waiting,
            created_at=now(),
        )
    )
    if by_mail:
        subject = TITLES[kind]
        text = Text(f"{subject.zh}：{title}", f"{subject.en}: {title}")
        await write_to(session, organization_id, subject=subject, text=text)
    return True


async def settle(
    session: AsyncSession, kind: NoticeKind, subject_ids: Collection[uuid.UUID]
) -> None:
    """What these notices waited for has been done."""
    await session.execute(
        update(Notice)
        .where(Notice.kind == kind, Notice.subject_id.in_(subject_ids), Notice.waiting)
        .values(waiting=False)
    )


async def write_to(
    session: AsyncSession, organization_id: uuid.UUID, *, subject: Text, text: Text
) -> None:
    """Mail to those of an organization's people who want news."""
    recipients = await session.scalars(
        select(User.email)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.organization_id == organization_id,
            User.email.is_not(None),
            User.mail_news,
            User.locked_at.is_(None),
        )
    )
    for one in recipients:
        assert one is not None
        mail.write(session, to=one, subject=subject, text=text)
