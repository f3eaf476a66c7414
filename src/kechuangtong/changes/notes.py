"""Noting what of the lists has changed for the public, in the order in which it is committed."""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from sqlalchemy import func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core.db import do_last, hold, upsert
from kechuangtong.core.trade import ListKind
from kechuangtong.lists import public
from kechuangtong.models import PublicChange

_TOUCHED: Final = "kct_touched"
_AT_ONCE: Final = 500


def touch(session: AsyncSession, kind: ListKind, ids: Iterable[uuid.UUID]) -> None:
    """Say that records may be seen otherwise by the public when the transaction is committed."""
    session.info.setdefault(_TOUCHED, defaultdict(set))[kind].update(ids)
    do_last(session, _note)


async def _note(session: AsyncSession) -> None:
    """Give those records that are seen otherwise, and no others, their places in the feed.

    Places are given out one transaction after the other, each held until its commit: so whoever
    sees a place sees all before it, and one that is committed late never stands before what was
    read already.
    """
    touched: dict[ListKind, set[uuid.UUID]] = session.info.pop(_TOUCHED)
    await session.flush()  # what is read below is what will be committed
    chunks = [
        (kind, chunk, await _digests(session, kind, chunk))
        for kind, ids in sorted(touched.items())
        for chunk in _chunks(sorted(ids))
    ]
    await hold(session, "public changes")
    position = await session.scalar(select(func.max(PublicChange.position))) or 0
    for kind, ids, digests in chunks:
        known = await _known(session, kind, ids)
        rows = []
        for record_id in ids:
            digest = digests.get(record_id)  # neither: a draft, which nobody is told of
            if digest != known.get(record_id):
                position += 1
                row = {"kind": kind, "record_id": record_id, "position": position}
                rows.append({**row, "digest": digest})
        await upsert(
            session,
            PublicChange.__table__,  # type: ignore[arg-type]
            rows,
            keys=["kind", "record_id"],
            update={
                "position": literal_column("excluded.position"),
                "digest": literal_column("excluded.digest"),
            },
        )


def _chunks(ids: Sequence[uuid.UUID]) -> Iterator[Sequence[uuid.UUID]]:
    return (ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE))


async def _digests(
    session: AsyncSession, kind: ListKind, ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, str]:
    # A session of its own: in that of the transaction the records stay as their actor sees them.
    async with AsyncSession(bind=await session.connection()) as beside:
        found = await public.by_id(beside, kind, ids)
        return {
            record_id: hashlib.sha256(public.text_of(record).encode()).hexdigest()
            for record_id, record in found.items()
        }


async def _known(
    session: AsyncSession, kind: ListKind, ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, str | None]:
    rows = await session.execute(
        select(PublicChange.record_id, PublicChange.digest).where(
            PublicChange.kind == kind, PublicChange.record_id.in_(ids)
        )
    )
    return {row.record_id: row.digest for row in rows}
