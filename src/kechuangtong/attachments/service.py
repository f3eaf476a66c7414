"""Attachments of the lists' records: content first, then the row; the row first, then its content.

So a crash at any moment leaves a content without a row (`orphans`), never the reverse.
"""

import hashlib
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from anyio import to_thread
from sqlalchemy import ColumnElement, delete, exists, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.achievements.service import achievements
from kechuangtong.attachments import files
from kechuangtong.attachments.errors import (
    AttachmentEmpty,
    AttachmentTooLarge,
    TooManyAttachments,
)
from kechuangtong.attachments.schemas import AttachmentForm, AttachmentPatch, AttachmentRead
from kechuangtong.attachments.store import BLOCK, Store
from kechuangtong.core.clock import now
from kechuangtong.core.db import Database, new_id
from kechuangtong.core.errors import Forbidden, NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.paging import Page, PageQuery, decode_id
from kechuangtong.core.trade import ListKind
from kechuangtong.demands.service import demands
from kechuangtong.events import log
from kechuangtong.lists import naming
from kechuangtong.lists.errors import NamesOrganization, OrganizationUnknown
from kechuangtong.lists.service import ListService
from kechuangtong.models import Achievement, Attachment, AttachmentGrant, Demand, Organization
from kechuangtong.models.attachment import Access, AttachedTo

MOST: Final = 20
_OPEN_FIRST: Final = (Access.PUBLIC, Access.SIGNED_IN, Access.LET_IN)
# A content without a row may be one whose row is about to be written.
_ORPHANED_AFTER: Final = timedelta(hours=1)
_AT_ONCE: Final = 1_000
# Photographs of instruments and documents of deals are had by their own paths.
_OF_LISTS: Final = frozenset(AttachedTo(kind) for kind in ListKind)

LISTS: Final[dict[ListKind, ListService[Any, Any]]] = {
    ListKind.ACHIEVEMENT: achievements,
    ListKind.DEMAND: demands,
}
Listing = Achievement | Demand


@dataclass(frozen=True, slots=True)
class Content:
    """A file that is in the store, and who is to have it."""

    id: uuid.UUID
    name: str
    media_type: str
    size: int
    sha256: str
    access: Access


async def keep(store: Store, form: AttachmentForm, *, limit: int) -> Content:
    """Check a file and bring it to the store. Raises what `errors` names, StoreUnavailable."""
    file = form.file
    name = files.safe_name(file.filename or "")
    size = await to_thread.run_sync(file.file.seek, 0, 2)
    if size == 0:
        raise AttachmentEmpty
    if size > limit:
        raise AttachmentTooLarge(limit=limit)
    media_type = await to_thread.run_sync(files.media_type_of, name, file.content_type, file.file)
    digest = hashlib.sha256()

    async def blocks() -> AsyncIterator[bytes]:
        await file.seek(0)
        while block := await file.read(BLOCK):
            digest.update(block)
            yield block

    content_id = new_id()
    await store.put(content_id, blocks())
    return Content(content_id, name, media_type, size, digest.hexdigest(), form.access)


async def is_attached(database: Database, content_id: uuid.UUID) -> bool:
    """Whether a content has its row."""
    async with database.read() as session:
        return await session.get(Attachment, content_id) is not None


async def attach(
    session: AsyncSession,
    actor: Actor,
    kind: ListKind,
    record_id: uuid.UUID,
    *,
    content: Content,
    reviewed: bool,
) -> AttachmentRead:
    """Attach a kept content to a record; one that more than those let in may have is reviewed with
    it, where that is required. Raises NotFound, Forbidden, TooManyAttachments,
    NamesOrganization."""
    record = await _own(session, actor, kind, record_id)
    count = await session.scalar(
        select(func.count()).select_from(Attachment).where(*_of(kind, record_id))
    )
    if (count or 0) >= MOST:
        raise TooManyAttachments(limit=MOST)
    if isinstance(record, Demand) and record.anonymous:
        known_by = await naming.known_by(session, [record.organization_id])
        if naming.naming_field(known_by[record.organization_id], {"file": content.name}):
            raise NamesOrganization(field="file", loc=("body", "file"))
    attachment = Attachment(
        id=content.id,
        subject_kind=AttachedTo(kind),
        subject_id=record_id,
        organization_id=record.organization_id,
        user_id=actor.id,
        name=content.name,
        media_type=content.media_type,
        size=content.size,
        sha256=content.sha256,
        access=content.access,
    )
    session.add(attachment)
    await session.flush()  # its version is shown
    shown = _shown(attachment, [])
    _log(session, actor, "created", shown.id, before=None, after=shown)
    if attachment.access is not Access.LET_IN:
        await LISTS[kind].review_again(session, actor, record, reviewed=reviewed)
    return shown


async def list_attachments(
    session: AsyncSession, actor: Actor, kind: ListKind, record_id: uuid.UUID, query: PageQuery
) -> Page[AttachmentRead]:
    """One page of a record's attachments that the actor may have. Raises NotFound."""
    record = await LISTS[kind].get(session, actor, record_id)
    statement = (
        select(Attachment)
        .where(*_of(kind, record_id), _had_by(actor, record))
        .order_by(Attachment.id)
        .limit(query.limit + 1)
    )
    if query.cursor is not None:
        statement = statement.where(Attachment.id > decode_id(query.cursor))
    rows = (await session.scalars(statement)).all()
    let_in = await _let_in(session, actor, record, [one.id for one in rows])
    return Page[AttachmentRead].of(
        rows,
        query.limit,
        lambda one: [str(one.id)],
        lambda one: _shown(one, None if let_in is None else let_in[one.id]),
    )


async def get(session: AsyncSession, actor: Actor, attachment_id: uuid.UUID) -> AttachmentRead:
    """An attachment that the actor may have. Raises NotFound."""
    attachment, record = await _get(session, actor, attachment_id)
    let_in = await _let_in(session, actor, record, [attachment_id])
    return _shown(attachment, None if let_in is None else let_in[attachment_id])


async def download(
    session: AsyncSession, actor: Actor, store: Store, attachment: AttachmentRead
) -> AsyncIterator[bytes]:
    """The content, block by block, once it is recorded who has it. Raises StoreUnavailable."""
    blocks = await store.open(attachment.id)
    _log(session, actor, "downloaded", attachment.id, before=None, after=None)
    return blocks


async def change(
    session: AsyncSession,
    actor: Actor,
    attachment_id: uuid.UUID,
    *,
    values: AttachmentPatch,
    expected_versions: frozenset[int] | None,
    reviewed: bool,
) -> AttachmentRead:
    """Say anew who may have it; where it is opened to more, it is reviewed as a new one. Raises
    NotFound, Forbidden, PreconditionFailed, OrganizationUnknown."""
    attachment, record = await _changing(session, actor, attachment_id, expected_versions)
    granted = select(AttachmentGrant.organization_id).where(
        AttachmentGrant.attachment_id == attachment_id
    )
    let_in = sorted(await session.scalars(granted))
    before = _shown(attachment, let_in)
    if "organizations" in values.model_fields_set:
        let_in = sorted(set(values.organizations))
        await _grant(session, attachment_id, let_in)
    if "access" in values.model_fields_set:
        attachment.access = values.access
    if _shown(attachment, let_in) == before:
        return before
    attachment.updated_at = now()  # the version grows with the organizations let in, too
    await session.flush()
    after = _shown(attachment, let_in)
    _log(session, actor, "changed", attachment_id, before=before, after=after)
    if _OPEN_FIRST.index(after.access) < _OPEN_FIRST.index(before.access):
        await LISTS[after.subject_kind].review_again(session, actor, record, reviewed=reviewed)
    return after


async def remove(
    session: AsyncSession,
    actor: Actor,
    attachment_id: uuid.UUID,
    *,
    expected_versions: frozenset[int] | None,
) -> None:
    """Delete an attachment's row; its content goes when that is committed. Raises NotFound,
    Forbidden, PreconditionFailed."""
    attachment, _ = await _changing(session, actor, attachment_id, expected_versions)
    before = _shown(attachment, None)
    await session.delete(attachment)
    _log(session, actor, "deleted", attachment_id, before=before, after=None)


async def orphans(database: Database, store: Store) -> list[uuid.UUID]:
    """Contents that no attachment has, as a crash leaves them."""
    old = [key for key, written in await store.keys() if written < now() - _ORPHANED_AFTER]
    found: list[uuid.UUID] = []
    for start in range(0, len(old), _AT_ONCE):
        part = old[start : start + _AT_ONCE]
        async with database.read() as session:
            known = set(await session.scalars(select(Attachment.id).where(Attachment.id.in_(part))))
        found += [one for one in part if one not in known]
    return found


def _of(kind: ListKind, record_id: uuid.UUID) -> tuple[ColumnElement[bool], ...]:
    return Attachment.subject_kind == kind, Attachment.subject_id == record_id


def _had_by(actor: Actor, record: Listing) -> ColumnElement[bool]:
    """The attachments of a record that the actor may have, who sees that record."""
    if actor.sees(record.organization_id):
        return true()
    open_to = [Access.PUBLIC, *([] if actor.kind == "anonymous" else [Access.SIGNED_IN])]
    let_in = exists().where(
        AttachmentGrant.attachment_id == Attachment.id,
        AttachmentGrant.organization_id.in_(actor.organization_ids),
    )
    granted = true() if record.introduced else let_in
    return or_(Attachment.access.in_(open_to), (Attachment.access == Access.LET_IN) & granted)


async def _get(
    session: AsyncSession, actor: Actor, attachment_id: uuid.UUID, *, to_change: bool = False
) -> tuple[Attachment, Listing]:
    found = await session.get(Attachment, attachment_id)
    if found is None or found.subject_kind not in _OF_LISTS:
        raise NotFound
    record = await LISTS[ListKind(found.subject_kind)].get(
        session, actor, found.subject_id, to_change=to_change
    )
    # Read again: to be changed, it may have been changed while its record was waited for.
    attachment = await session.scalar(
        select(Attachment)
        .where(Attachment.id == attachment_id, _had_by(actor, record))
        .execution_options(populate_existing=True)
    )
    if attachment is None:
        raise NotFound
    return attachment, record


async def _changing(
    session: AsyncSession,
    actor: Actor,
    attachment_id: uuid.UUID,
    expected_versions: frozenset[int] | None,
) -> tuple[Attachment, Listing]:
    attachment, record = await _get(session, actor, attachment_id, to_change=True)
    if not actor.may(Permission.ATTACHMENTS_WRITE, record.organization_id):
        raise Forbidden
    check_version(attachment, expected_versions)
    return attachment, record


async def _own(
    session: AsyncSession, actor: Actor, kind: ListKind, record_id: uuid.UUID
) -> Listing:
    """A record to attach to; another who does so waits."""
    record: Listing = await LISTS[kind].get(session, actor, record_id, to_change=True)
    if not actor.may(Permission.ATTACHMENTS_WRITE, record.organization_id):
        raise Forbidden
    return record


async def _let_in(
    session: AsyncSession, actor: Actor, record: Listing, ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[uuid.UUID]] | None:
    """The organizations let in by attachment, where they are the actor's to know."""
    if not actor.sees(record.organization_id):
        return None
    let_in: dict[uuid.UUID, list[uuid.UUID]] = {one: [] for one in ids}
    granted = await session.execute(
        select(AttachmentGrant.attachment_id, AttachmentGrant.organization_id)
        .where(AttachmentGrant.attachment_id.in_(ids))
        .order_by(AttachmentGrant.organization_id)
    )
    for attachment_id, organization_id in granted:
        let_in[attachment_id].append(organization_id)
    return let_in


async def _grant(
    session: AsyncSession, attachment_id: uuid.UUID, organization_ids: Sequence[uuid.UUID]
) -> None:
    known = select(func.count()).where(Organization.id.in_(organization_ids))
    if await session.scalar(known) != len(organization_ids):
        raise OrganizationUnknown(loc=("body", "organizations"))
    of_attachment = AttachmentGrant.attachment_id == attachment_id
    await session.execute(delete(AttachmentGrant).where(of_attachment))
    session.add_all(
        AttachmentGrant(attachment_id=attachment_id, organization_id=one)
        for one in organization_ids
    )


def _shown(attachment: Attachment, let_in: list[uuid.UUID] | None) -> AttachmentRead:
    values = {
        name: getattr(attachment, name)
        for name in AttachmentRead.model_fields
        if name != "organizations"
    }
    return AttachmentRead(**values, organizations=let_in)


def _log(
    session: AsyncSession,
    actor: Actor,
    what: str,
    attachment_id: uuid.UUID,
    *,
    before: AttachmentRead | None,
    after: AttachmentRead | None,
) -> None:
    log.record(
        session,
        actor,
        f"attachment.{what}",
        subject_kind="attachment",
        subject_id=attachment_id,
        before=None if before is None else before.model_dump(mode="json"),
        after=None if after is None else after.model_dump(mode="json"),
    )
