"""Photographs (照片) of instruments: who sees an instrument sees them, the main one first."""

import io
import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final

from anyio import to_thread
from fastapi import UploadFile
from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.attachments import pictures
from kechuangtong.attachments import service as attachments
from kechuangtong.attachments.errors import (
    AttachmentTypeDiffers,
    AttachmentTypeRefused,
    TooManyAttachments,
)
from kechuangtong.attachments.schemas import AttachmentForm
from kechuangtong.attachments.service import Content
from kechuangtong.attachments.store import Store
from kechuangtong.core.errors import NotFound
from kechuangtong.core.paging import CursorInvalid, Page, PageQuery, decode_cursor
from kechuangtong.instruments.queries import photographs_of
from kechuangtong.instruments.schemas import PhotographForm, PhotographRead
from kechuangtong.instruments.service import get, log_change, own
from kechuangtong.models import Attachment, Instrument
from kechuangtong.models.attachment import Access, AttachedTo

_ORDER: Final = (Attachment.position, Attachment.id)


async def keep(store: Store, form: PhotographForm, *, limit: int) -> Content:
    """Check a picture and bring it to the store, without what it says of where and when it was
    taken. Raises what `attachments.errors` names, StoreUnavailable."""
    file = form.file
    extension = (file.filename or "").rpartition(".")[2].lower()
    if extension not in pictures.MEDIA_TYPES:
        raise AttachmentTypeRefused(types=", ".join(pictures.MEDIA_TYPES))
    content = await file.read(limit + 1)  # what is over the limit is refused as it is
    if 0 < len(content) <= limit:
        media_type = pictures.MEDIA_TYPES[extension]
        try:
            content = await to_thread.run_sync(pictures.bare, media_type, content)
        except ValueError:
            raise AttachmentTypeDiffers(extension=extension) from None
    bare = UploadFile(io.BytesIO(content), filename=file.filename, headers=file.headers)
    kept = AttachmentForm(file=bare, access=Access.PUBLIC)
    return await attachments.keep(store, kept, limit=limit)


async def add(
    session: AsyncSession,
    actor: Actor,
    instrument_id: uuid.UUID,
    *,
    content: Content,
    caption: str,
) -> PhotographRead:
    """Add a kept picture as the last. Raises NotFound, Forbidden, TooManyAttachments."""
    instrument = await own(session, actor, instrument_id)
    of_it = photographs_of(instrument_id)
    count, last = (
        await session.execute(
            select(func.count(), func.max(Attachment.position))
            .select_from(Attachment)
            .where(*of_it)
        )
    ).one()
    if count >= attachments.MOST:
        raise TooManyAttachments(limit=attachments.MOST)
    photograph = Attachment(
        id=content.id,
        subject_kind=AttachedTo.INSTRUMENT,
        subject_id=instrument_id,
        organization_id=instrument.organization_id,
        user_id=actor.id,
        name=content.name,
        media_type=content.media_type,
        size=content.size,
        sha256=content.sha256,
        access=content.access,
        caption=caption,
        position=0 if last is None else last + 1,
    )
    session.add(photograph)
    await session.flush()  # its time is shown
    _record(session, actor, instrument, "added", photograph)
    return PhotographRead.model_validate(photograph)


async def listed(
    session: AsyncSession, actor: Actor, instrument_id: uuid.UUID, query: PageQuery
) -> Page[PhotographRead]:
    """One page of an instrument's photographs, the main one first. Raises NotFound,
    CursorInvalid."""
    await get(session, actor, instrument_id)
    statement = select(Attachment).where(*photographs_of(instrument_id)).order_by(*_ORDER)
    if query.cursor is not None:
        position, identifier = decode_cursor(query.cursor, 2)
        try:
            after = int(position), uuid.UUID(identifier)
        except ValueError:
            raise CursorInvalid from None
        statement = statement.where(tuple_(*_ORDER) > after)
    rows: Sequence[Attachment] = (await session.scalars(statement.limit(query.limit + 1))).all()
    return Page[PhotographRead].of(
        rows,
        query.limit,
        lambda one: [str(one.position), str(one.id)],
        PhotographRead.model_validate,
    )


async def main_ones(
    session: AsyncSession, instrument_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, PhotographRead]:
    """The main photographs of instruments that the actor sees, by the instruments' ids."""
    rows = await session.scalars(
        select(Attachment).where(*photographs_of(*instrument_ids)).order_by(*_ORDER)
    )
    found: dict[uuid.UUID, PhotographRead] = {}
    for one in rows:
        found.setdefault(one.subject_id, PhotographRead.model_validate(one))
    return found


async def find(
    session: AsyncSession, actor: Actor, instrument_id: uuid.UUID, photograph_id: uuid.UUID
) -> Attachment:
    """A photograph of an instrument that the actor may see. Raises NotFound."""
    await get(session, actor, instrument_id)
    return await _photograph(session, instrument_id, photograph_id)


async def put_first(
    session: AsyncSession, actor: Actor, instrument_id: uuid.UUID, photograph_id: uuid.UUID
) -> PhotographRead:
    """Make a photograph the main one. Raises NotFound, Forbidden."""
    instrument = await own(session, actor, instrument_id)
    photograph = await _photograph(session, instrument_id, photograph_id)
    first = await session.scalar(
        select(func.min(Attachment.position)).where(*photographs_of(instrument_id))
    )
    if photograph.position != first:
        photograph.position = (first or 0) - 1
    _record(session, actor, instrument, "put_first", photograph)
    return PhotographRead.model_validate(photograph)


async def remove(
    session: AsyncSession, actor: Actor, instrument_id: uuid.UUID, photograph_id: uuid.UUID
) -> None:
    """Delete a photograph's row; its content goes when that is committed. Raises NotFound,
    Forbidden."""
    instrument = await own(session, actor, instrument_id)
    photograph = await _photograph(session, instrument_id, photograph_id)
    await session.delete(photograph)
    _record(session, actor, instrument, "removed", photograph)


async def _photograph(
    session: AsyncSession, instrument_id: uuid.UUID, photograph_id: uuid.UUID
) -> Attachment:
    photograph = await session.scalar(
        select(Attachment).where(Attachment.id == photograph_id, *photographs_of(instrument_id))
    )
    if photograph is None:
        raise NotFound
    return photograph


def _record(
    session: AsyncSession, actor: Actor, instrument: Instrument, what: str, photograph: Attachment
) -> None:
    shown: dict[str, Any] = PhotographRead.model_validate(photograph).model_dump(mode="json")
    removed = what == "removed"
    log_change(
        session,
        actor,
        instrument,
        f"photograph_{what}",
        before={"photograph": shown} if removed else None,
        after=None if removed else {"photograph": shown},
    )
