"""Marks: what the index must look at again, written in the transaction of the change."""

import uuid
from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core.clock import now
from kechuangtong.core.db import upsert
from kechuangtong.core.trade import IndexKind, ListKind
from kechuangtong.models import IndexMark
from kechuangtong.models.indexing import Part


async def mark(
    session: AsyncSession,
    kind: ListKind | IndexKind,
    ids: Iterable[uuid.UUID],
    part: Part = Part.WORDS,
) -> None:
    """Mark records for the index; one marked already gets a higher revision, and what failed
    before is tried again at once. Vectors alone are asked for where nothing else is."""
    fresh = {"part": part, "due_at": now(), "attempts": 0, "problem": None}
    await upsert(
        session,
        IndexMark.__table__,  # type: ignore[arg-type]
        # In one order, so that two transactions never wait for each other's marks.
        [
            {"kind": IndexKind(kind), "record_id": one, "revision": 1, "marked_at": now(), **fresh}
            for one in sorted(ids)
        ],
        keys=["kind", "record_id"],
        update={"revision": IndexMark.revision + 1, **fresh} if part is Part.WORDS else None,
    )
