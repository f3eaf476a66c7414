"""Lists that people send: the file is kept, and an import waits to read it."""

import hashlib
import os
import uuid
from pathlib import Path
from typing import BinaryIO

from anyio import to_thread
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.errors import Conflict, Forbidden, Invalid
from kechuangtong.core.language import Text
from kechuangtong.core.text import identity
from kechuangtong.core.trade import ImportKind
from kechuangtong.imports import service
from kechuangtong.imports.columns import SEVERAL, Mapping
from kechuangtong.imports.fields import fields_of
from kechuangtong.imports.schemas import ImportForm
from kechuangtong.models import Import, Organization
from kechuangtong.settings import Settings


class FileGone(Conflict):
    code = "file_gone"
    text = Text("文件已不在，请重新上传。", "The file is no longer kept: send it again.")


class FieldUnknown(Invalid):
    code = "field_unknown"
    text = Text("清单中没有字段“{field}”。", 'The list has no field "{field}".')


class FieldTwice(Invalid):
    code = "field_twice"
    text = Text("只能有一列对应“{zh}”。", 'Only one column can be "{en}".')


async def receive(
    session: AsyncSession, settings: Settings, actor: Actor, form: ImportForm
) -> Import:
    """Take a list in, to be imported. Raises OrganizationNotFound, OrganizationAmbiguous,
    Forbidden."""
    owner = await service.resolve_organization(session, actor, form.organization)
    mapping = await service.settle_mapping(session, form.kind, owner, form.columns)
    imported = service.new_import(
        actor,
        kind=form.kind,
        organization=owner,
        file_name=Path(form.file.filename or "list").name[:255],
        dry_run=form.dry_run,
        mapping=mapping,
    )
    path = service.file_path(settings, imported)
    imported.file_hash = await to_thread.run_sync(_keep, form.file.file, path)
    service.begin(session, actor, imported)
    return imported


async def repeat(
    session: AsyncSession,
    settings: Settings,
    actor: Actor,
    import_id: uuid.UUID,
    *,
    columns: Mapping,
    dry_run: bool,
) -> Import:
    """Import the same file once more, with `columns` read as is said of them now and the others as
    before. Raises NotFound, Forbidden, FileGone, FieldUnknown, FieldTwice."""
    former = await service.get_import(session, actor, import_id, to_change=True)
    owner: Organization | None = None
    if former.organization_id is not None:
        owner = await session.get_one(Organization, former.organization_id)
        if not actor.may(Permission.IMPORTS_WRITE, owner.id):
            raise Forbidden
    mapping = former.mapping
    if columns:
        mapping = _joined(former.kind, former.mapping or {}, columns)
        await service.settle_mapping(session, former.kind, owner, mapping)
    imported = service.new_import(
        actor,
        kind=former.kind,
        organization=owner,
        file_name=former.file_name,
        dry_run=dry_run,
        mapping=mapping,
    )
    source, path = (service.file_path(settings, one) for one in (former, imported))
    if not source.exists():
        raise FileGone
    imported.file_hash = await to_thread.run_sync(_copy, source, path)
    service.begin(session, actor, imported)
    return imported


def _joined(kind: ImportKind, before: Mapping, said: Mapping) -> Mapping:
    """What was said of columns and what is said now, which has its way where they differ."""
    fields = {one.field: one for one in fields_of(kind)}
    told = [field for field in said.values() if field is not None]
    for field in told:
        if field not in fields:
            raise FieldUnknown(field=field)
        if told.count(field) > 1 and field not in SEVERAL:
            raise FieldTwice(zh=fields[field].name.zh, en=fields[field].name.en)
    said_of = {identity(header) for header in said}
    kept = {
        header: None if field in told and field not in SEVERAL else field
        for header, field in before.items()
        if identity(header) not in said_of
    }
    return kept | said


def _copy(source: Path, path: Path) -> str:
    with source.open("rb") as file:
        return _keep(file, path)


def _keep(file: BinaryIO, path: Path) -> str:
    """Write the file so that it survives a crash once the import is committed; its hash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("wb") as kept:
        while block := file.read(1 << 20):
            digest.update(block)
            kept.write(block)
        kept.flush()
        os.fsync(kept.fileno())
    return digest.hexdigest()
