"""Hiding in editions the enterprise of a demand that has become anonymous (匿名) since."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.core.db import hold
from kechuangtong.core.trade import ListKind
from kechuangtong.lists import naming
from kechuangtong.lists.public import canonical
from kechuangtong.models import Demand, Edition, EditionRecord

# What stands in the place of a text that names the enterprise; nothing where it may be unknown.
_INSTEAD: Final[dict[str, Any]] = {"title": "（匿名需求）", "keywords": []}


def digest(text: str) -> str:
    """The SHA-256 of a record's text."""
    return hashlib.sha256(text.encode()).hexdigest()


async def hold_editions(session: AsyncSession, kind: ListKind) -> None:
    """Let others who freeze or mask a list's editions wait until this transaction ends."""
    await hold(session, f"editions {kind.value}")


async def mask_demands(session: AsyncSession, demands: Sequence[Demand]) -> None:
    """Take the enterprises of demands that have become anonymous out of all editions.

    An edition that is being frozen is waited for, so that it cannot have them either.
    """
    await hold_editions(session, ListKind.DEMAND)
    owners = await naming.known_by(session, {one.organization_id for one in demands})
    for demand in demands:
        rows = await session.scalars(
            select(EditionRecord).where(
                EditionRecord.kind == ListKind.DEMAND,
                EditionRecord.record_id == demand.id,
                ~EditionRecord.masked,
            )
        )
        for row in rows:
            record = json.loads(row.text)
            if record["organization"] is None:
                continue
            known = naming.forms(record["organization"]["name"], None)
            row.text = canonical(masked(record, known | owners[demand.organization_id]))
            row.digest, row.masked = digest(row.text), True
            await session.execute(update(Edition).where(*_having(row)).values(sha256=None))


def masked(record: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """A demand as it was shown, without its enterprise, its number, and texts that name it."""
    hidden: dict[str, Any] = {"organization": None, "number": None, "anonymous": True}
    for name in naming.TEXTS:
        value = record[name]
        text = value["evidence"] if isinstance(value, dict) else value
        if naming.naming_field(known, {name: text}):
            without = {**value, "evidence": None} if isinstance(value, dict) else None
            hidden[name] = _INSTEAD.get(name, without)
    return record | hidden


def _having(row: EditionRecord) -> list[ColumnElement[bool]]:
    """The editions that a record stands in."""
    found = [Edition.kind == row.kind, Edition.number >= row.first]
    return found if row.last is None else [*found, Edition.number <= row.last]
