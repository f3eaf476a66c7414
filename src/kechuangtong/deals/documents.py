"""Documents (交易文件) of a deal: for its parties, or for those of one side alone.

Content first, then the rows; the rows first, then the content (as `attachments.service` does).
"""

import uuid
from collections.abc import AsyncIterator
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from kechuangtong.accounts.actor import Actor
from kechuangtong.attachments import service as attachments
from kechuangtong.attachments.errors import TooManyAttachments
from kechuangtong.attachments.schemas import AttachmentForm
from kechuangtong.attachments.service import Content
from kechuangtong.attachments.store import Store
from kechuangtong.core.errors import Forbidden, NotFound
from kechuangtong.core.paging import Page, PageQuery, decode_id
from kechuangtong.deals import policy, service
from kechuangtong.deals.errors import DocumentStays, StepUnknown
from kechuangtong.deals.schemas import DocumentForm, DocumentRead
from kechuangtong.events import log
from kechuangtong.models import Attachment, Deal, DealDocument, DealStep
from kechuangtong.models.attachment import Access, AttachedTo

MOST: Final = 100


async def keep(store: Store, form: DocumentForm, *, limit: int) -> Content:
    """Check a file and bring it to the store. Raises what `attachments.errors` names,
    StoreUnavailable."""
    kept = AttachmentForm(file=form.file, access=Access.LET_IN)
    return await attachments.keep(store, kept, limit=limit)


async def add(
    session: AsyncSession,
    actor: Actor,
    deal_id: uuid.UUID,
    form: DocumentForm,
    content: Content,
) -> DocumentRead:
    """Put a kept content beside a deal, or beside one step of it, for one's side.

    Raises NotFound, Forbidden, SideUnnamed, StepUnknown, TooManyAttachments.
    """
    deal = await service.get(session, actor, deal_id, to_change=True)
    side = policy.one_of(policy.sides(actor, deal), form.side)
    step = None
    if form.step is not None:
        of_deal = DealStep.deal_id == deal_id, DealStep.number == form.step
        step = await session.scalar(select(DealStep).where(*of_deal))
        if step is None:
            raise StepUnknown
    of_deal_all = select(func.count()).where(DealDocument.deal_id == deal_id)
    if (await session.scalar(of_deal_all) or 0) >= MOST:
        raise TooManyAttachments(limit=MOST)
    attachment = Attachment(
        id=content.id,
        subject_kind=AttachedTo.DEAL,
        subject_id=deal_id,
        organization_id=service.acting(actor, deal, side),
        user_id=actor.id,
        name=content.name,
        media_type=content.media_type,
        size=content.size,
        sha256=content.sha256,
        access=content.access,
    )
    document = DealDocument(
        attachment=attachment, deal_id=deal_id, step=step, side=side, own_side=form.own_side
    )
    session.add(document)
    await session.flush()  # its time is shown
    shown = _shown(document)
    _log(session, actor, "created", document, after=shown.model_dump(mode="json"))
    return shown


async def listed(
    session: AsyncSession, actor: Actor, deal_id: uuid.UUID, query: PageQuery
) -> Page[DocumentRead]:
    """One page of the documents that the actor may have, oldest first. Raises NotFound."""
    deal = await service.get(session, actor, deal_id)
    statement = (
        select(DealDocument)
        .where(DealDocument.deal_id == deal_id, _had_by(actor, deal))
        .options(joinedload(DealDocument.attachment), joinedload(DealDocument.step))
        .order_by(DealDocument.attachment_id)
        .limit(query.limit + 1)
    )
    if query.cursor is not None:
        statement = statement.where(DealDocument.attachment_id > decode_id(query.cursor))
    rows = (await session.scalars(statement)).all()
    return Page[DocumentRead].of(rows, query.limit, lambda one: [str(one.attachment_id)], _shown)


async def get(
    session: AsyncSession, actor: Actor, deal_id: uuid.UUID, document_id: uuid.UUID
) -> DocumentRead:
    """A document that the actor may have. Raises NotFound."""
    deal = await service.get(session, actor, deal_id)
    return _shown(await _document(session, actor, deal, document_id))


async def download(
    session: AsyncSession, actor: Actor, store: Store, document: DocumentRead
) -> AsyncIterator[bytes]:
    """The content, block by block, once it is recorded who has it. Raises StoreUnavailable."""
    blocks = await store.open(document.id)
    log.record(
        session,
        actor,
        "attachment.downloaded",
        subject_kind="attachment",
        subject_id=document.id,
        before=None,
        after=None,
    )
    return blocks


async def remove(
    session: AsyncSession, actor: Actor, deal_id: uuid.UUID, document_id: uuid.UUID
) -> None:
    """Delete a document's rows; its content goes when that is committed. Raises NotFound,
    Forbidden for the other side, DocumentStays."""
    deal = await service.get(session, actor, deal_id, to_change=True)
    document = await _document(session, actor, deal, document_id)
    if document.side not in policy.sides(actor, deal):
        raise Forbidden
    if document.step_id is not None:
        raise DocumentStays
    _log(session, actor, "deleted", document, before=_shown(document).model_dump(mode="json"))
    await session.delete(document)
    await session.flush()  # what refers to it goes first
    await session.delete(document.attachment)


async def _document(
    session: AsyncSession, actor: Actor, deal: Deal, document_id: uuid.UUID
) -> DealDocument:
    found = await session.scalar(
        select(DealDocument)
        .where(
            DealDocument.deal_id == deal.id,
            DealDocument.attachment_id == document_id,
            _had_by(actor, deal),
        )
        .options(joinedload(DealDocument.attachment), joinedload(DealDocument.step))
    )
    if found is None:
        raise NotFound
    return found


def _had_by(actor: Actor, deal: Deal) -> ColumnElement[bool]:
    """The documents of a deal that the actor may have, who sees that deal."""
    own = {one.side for one in deal.parties if actor.sees(one.organization_id)}
    return or_(~DealDocument.own_side, DealDocument.side.in_(own))


def _shown(document: DealDocument) -> DocumentRead:
    attachment = document.attachment
    return DocumentRead(
        id=attachment.id,
        step=document.step.number if document.step else None,
        side=document.side,
        own_side=document.own_side,
        organization_id=attachment.organization_id,
        name=attachment.name,
        media_type=attachment.media_type,
        size=attachment.size,
        sha256=attachment.sha256,
        created_at=attachment.created_at,
    )


def _log(
    session: AsyncSession,
    actor: Actor,
    what: str,
    document: DealDocument,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    log.record(
        session,
        actor,
        f"attachment.{what}",
        subject_kind="attachment",
        subject_id=document.attachment.id,
        before=before,
        after=after,
    )
