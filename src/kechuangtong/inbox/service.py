"""The inbox (收件箱) of an organization: told in the transaction of what happened."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.clock import now
from kechuangtong.core.db import hold, new_id
from kechuangtong.core.errors import Forbidden, NotFound
from kechuangtong.core.language import Text
from kechuangtong.core.paging import Page, decode_id
from kechuangtong.events import log
from kechuangtong.inbox.schemas import InboxQuery, NoticeRead
from kechuangtong.inbox.texts import TITLES, link, page_link, sentence
from kechuangtong.mail import service as mail
from kechuangtong.models import Membership, Notice, User
from kechuangtong.models.notice import NoticeKind

_WAITS: Final = Text("需要贵单位处理：", "It waits for your organization: ")
_SEE: Final = Text("查看：", "See: ")


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

    `title` names the subject; `waiting` asks for an act, until `settle` says that it was done.
    `data` is what else the kind's sentence names (`texts`). Whether it was told now.
    """
    await hold(session, f"notice {key}")  # who tells the same at the same time waits
    if await session.scalar(select(Notice.id).where(Notice.key == key)) is not None:
        return False
    notice = Notice(
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
    session.add(notice)
    if by_mail:
        subject, told = TITLES[kind], sentence(kind, notice.data)
        where = f"{mail.PUBLIC_URL}{page_link(subject_kind, subject_id)}"
        leads = _WAITS if waiting else _SEE
        await write_to(
            session,
            organization_id,
            subject=Text(f"{subject.zh}：{title}", f"{subject.en}: {title}"),
            text=Text(f"{told.zh}\n{leads.zh}{where}", f"{told.en}\n{leads.en}{where}"),
        )
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


async def page(session: AsyncSession, actor: Actor, query: InboxQuery) -> Page[NoticeRead]:
    """One page of the notices of one's own organizations, newest first. Raises Forbidden."""
    statement = (
        select(Notice).where(_visible_to(actor)).order_by(Notice.id.desc()).limit(query.limit + 1)
    )
    if query.organization_id is not None:
        _check(actor, query.organization_id, "query")
        statement = statement.where(Notice.organization_id == query.organization_id)
    if query.waiting is not None:
        statement = statement.where(Notice.waiting == query.waiting)
    if query.unread is not None:
        statement = statement.where(Notice.read_at.is_(None) == query.unread)
    if query.cursor is not None:
        statement = statement.where(Notice.id < decode_id(query.cursor))
    rows: Sequence[Notice] = (await session.scalars(statement)).all()
    return Page[NoticeRead].of(rows, query.limit, lambda one: [str(one.id)], show)


async def read(session: AsyncSession, actor: Actor, notice_id: uuid.UUID) -> Notice:
    """Note that a notice was read; it stays as it was where it was read before. Raises NotFound."""
    notice = await session.scalar(
        select(Notice).where(Notice.id == notice_id, _visible_to(actor)).with_for_update()
    )
    if notice is None:
        raise NotFound
    if notice.read_at is None:
        notice.read_at = now()
        _log(session, actor, notice.organization_id, 1)
    return notice


async def read_all(session: AsyncSession, actor: Actor, organization_id: uuid.UUID | None) -> int:
    """Note that all notices of one's organizations, or of one of them, were read; how many.

    Raises Forbidden.
    """
    if organization_id is not None:
        _check(actor, organization_id, "body")
    whose = actor.organization_ids if organization_id is None else {organization_id}
    total = 0
    for one in sorted(whose):
        marked = await session.scalars(
            update(Notice)
            .where(Notice.organization_id == one, Notice.read_at.is_(None))
            .values(read_at=now())
            .returning(Notice.id)
        )
        if count := len(marked.all()):
            _log(session, actor, one, count)
        total += count
    return total


def show(notice: Notice) -> NoticeRead:
    """A notice in the caller's language."""
    return NoticeRead(
        id=notice.id,
        organization_id=notice.organization_id,
        kind=notice.kind,
        title=str(TITLES[notice.kind]),
        text=str(sentence(notice.kind, notice.data)),
        subject_kind=notice.subject_kind,
        subject_id=notice.subject_id,
        link=link(notice.subject_kind, notice.subject_id),
        page=page_link(notice.subject_kind, notice.subject_id),
        waiting=notice.waiting,
        created_at=notice.created_at,
        read_at=notice.read_at,
    )


def _visible_to(actor: Actor) -> ColumnElement[bool]:
    """A notice is for the organization's own people; an administrator can help them."""
    if actor.administrator:
        return true()
    return Notice.organization_id.in_(actor.organization_ids)


def _check(actor: Actor, organization_id: uuid.UUID, where: str) -> None:
    if not actor.administrator and organization_id not in actor.organization_ids:
        raise Forbidden(loc=(where, "organization_id"))


def _log(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, count: int) -> None:
    log.record(
        session,
        actor,
        "inbox.read",
        subject_kind="organization",
        subject_id=organization_id,
        before=None,
        after={"notices": count},
    )
