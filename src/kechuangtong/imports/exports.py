"""An organization's own list as a file in the columns of the template."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anyio import to_thread
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.errors import Forbidden, Invalid
from kechuangtong.core.language import Text
from kechuangtong.core.trade import ImportKind
from kechuangtong.imports.fields import cells_of
from kechuangtong.imports.workbook import ListFile
from kechuangtong.lists.errors import OrganizationUnknown
from kechuangtong.models import Achievement, Demand, Organization

_BATCH = 500


class OrganizationMissing(Invalid):
    code = "organization_missing"
    text = Text("请用 organization_id 指定单位。", "Say whose list: organization_id.")
    place = ("query", "organization_id")


async def exported_organization(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID | None
) -> uuid.UUID:
    """Whose list is meant: the one named, else the actor's only one. Raises OrganizationMissing,
    OrganizationUnknown, Forbidden."""
    if organization_id is None:
        if len(actor.organization_ids) != 1:
            raise OrganizationMissing
        (organization_id,) = actor.organization_ids
    if await session.get(Organization, organization_id) is None:
        raise OrganizationUnknown(loc=("query", "organization_id"))
    if not actor.sees(organization_id):
        raise Forbidden(loc=("query", "organization_id"))
    return organization_id


async def write_list(
    session: AsyncSession, kind: ImportKind, organization_id: uuid.UUID, path: Path
) -> None:
    """Write all records of an organization's list, in the order in which they came, with their
    contacts and with those that are not public."""
    model: type[Achievement | Demand] = Achievement if kind is ImportKind.ACHIEVEMENT else Demand
    file = await to_thread.run_sync(ListFile, path, kind)
    last = uuid.UUID(int=0)
    while True:
        found = await session.scalars(
            select(model)
            .where(model.organization_id == organization_id, model.id > last)
            .order_by(model.id)
            .limit(_BATCH)
        )
        records: Sequence[Any] = found.all()
        if not records:
            break
        last = records[-1].id
        rows = [(one.state, cells_of(one)) for one in records]
        session.expunge_all()
        await to_thread.run_sync(file.write, rows)
    await to_thread.run_sync(file.close)
