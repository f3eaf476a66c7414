"""Marks: what the index must look at again, written in the transaction of the change."""

import uuid
from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core.clock import now
from kechuangtong.core.db import upsert
from kechuangtong.core.trade import ListKind
from kechuangtong.models import IndexMark
from kechuangtong.models.indexing import Part


async def mark(
    session: AsyncSession, kind: ListKind, ids: Iterable[uuid.UUID], part: Part = Part.WORDS
) -> None:
    """Mark records for the index; one marked already gets a higher revision."""
    at = now()
    await upsert(
        session,
        IndexMark.__table__,  # type: ignore[arg-type]
        [
            {"kind": kind, "record_id": one, "part": part, "revision": 1, "marked_at": at}
            for one in sorted(ids)  # in one order, so that two who mark many never wait in a ring
        ],
        keys=["kind", "record_id", "part"],
        update={"revision": IndexMark.revision + 1},
    )
