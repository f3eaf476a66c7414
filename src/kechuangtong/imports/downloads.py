"""Files of imports over HTTP: templates to fill in, reports, and one's own list."""

import uuid
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse
from pydantic import Field

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import today
from kechuangtong.core.openapi import answers, file
from kechuangtong.core.schemas import Input
from kechuangtong.core.trade import ImportKind
from kechuangtong.imports import service
from kechuangtong.imports.exports import exported_organization, write_list
from kechuangtong.imports.router import KindInPath, VisibleImport
from kechuangtong.imports.workbook import SHEETS, write_report, write_template
from kechuangtong.runtime import RuntimeDep
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1", tags=["imports"])

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CSV = "text/csv; charset=utf-8"


_file = partial(file, "The file (文件内容)", binary=True)


async def _scratch() -> AsyncIterator[Path]:
    with TemporaryDirectory(prefix="kechuangtong-") as folder:
        yield Path(folder)


# Kept until the answer is sent.
Scratch = Annotated[Path, Depends(_scratch, scope="request")]
Exporter = Annotated[Actor, Depends(requires(Permission.IMPORTS_READ))]


class ExportQuery(Input):
    """Whose list."""

    organization_id: Annotated[
        uuid.UUID | None,
        Field(
            description="Whose list (单位); not needed by who belongs to one organization only",
            json_schema_extra={"example": ids.ORGANIZATION},
        ),
    ] = None


@router.get(
    "/imports/templates/{kind}.xlsx",
    summary="Template of a list (清单模板)",
    response_class=FileResponse,
    responses={**_file(_XLSX), **answers(401, 422)},
    dependencies=[Depends(requires(Permission.SERVICE_READ))],
)
async def get_import_template(kind: KindInPath, scratch: Scratch) -> FileResponse:
    """A workbook to fill in: each header has a note, what is chosen has a drop-down list, and the
    row marked 示例 shows how and is not imported. It is understood completely as it is."""
    path = scratch / "template.xlsx"
    await to_thread.run_sync(write_template, path, kind)
    return FileResponse(path, media_type=_XLSX, filename=f"{SHEETS[kind]}模板.xlsx")


@router.get(
    "/imports/{import_id}/report.xlsx",
    summary="Report of an import as a workbook (导入报告工作簿)",
    response_class=FileResponse,
    responses={**_file(_XLSX), **answers(401, 404, 422)},
)
async def get_import_workbook(
    runtime: RuntimeDep, session: ReadSession, imported: VisibleImport, scratch: Scratch
) -> FileResponse:
    """The sheet as it was sent, with outcome and reasons in front of each row. Rows that were
    corrected in it can be sent again as they stand, with or without the others."""
    report = await service.report(session, imported)
    path = scratch / "report.xlsx"
    source = service.file_path(runtime.settings, imported)
    await write_report(path, report, source, runtime.settings)
    name = f"导入报告-{Path(imported.file_name).stem}.xlsx"
    return FileResponse(path, media_type=_XLSX, filename=name)


async def _export(
    session: ReadSession, actor: Actor, query: ExportQuery, kind: ImportKind, path: Path, media: str
) -> FileResponse:
    organization_id = await exported_organization(session, actor, query.organization_id)
    await write_list(session, kind, organization_id, path)
    name = f"{SHEETS[kind]}-{today():%Y%m%d}{path.suffix}"
    return FileResponse(path, media_type=media, filename=name)


@router.get(
    "/achievements/export.xlsx",
    summary="Export one's achievements as a workbook (导出成果清单)",
    response_class=FileResponse,
    responses={**_file(_XLSX), **answers(401, 403, 422)},
)
async def export_achievements_workbook(
    session: ReadSession, actor: Exporter, query: Annotated[ExportQuery, Query()], scratch: Scratch
) -> FileResponse:
    """An organization's own list, drafts and contacts included, for its people: in the columns of
    the template, so that it can be edited and imported again."""
    path = scratch / "list.xlsx"
    return await _export(session, actor, query, ImportKind.ACHIEVEMENT, path, _XLSX)


@router.get(
    "/achievements/export.csv",
    summary="Export one's achievements as text (导出成果清单 CSV)",
    response_class=FileResponse,
    responses={**_file(_CSV), **answers(401, 403, 422)},
)
async def export_achievements_text(
    session: ReadSession, actor: Exporter, query: Annotated[ExportQuery, Query()], scratch: Scratch
) -> FileResponse:
    """As the workbook, in UTF-8. What a program for spreadsheets would take for a formula has an
    apostrophe in front, which the import takes away again."""
    path = scratch / "list.csv"
    return await _export(session, actor, query, ImportKind.ACHIEVEMENT, path, _CSV)


@router.get(
    "/demands/export.xlsx",
    summary="Export one's demands as a workbook (导出需求清单)",
    response_class=FileResponse,
    responses={**_file(_XLSX), **answers(401, 403, 422)},
)
async def export_demands_workbook(
    session: ReadSession, actor: Exporter, query: Annotated[ExportQuery, Query()], scratch: Scratch
) -> FileResponse:
    """An organization's own demands, drafts and contacts included, for its people: in the columns
    of the template, so that it can be edited and imported again."""
    path = scratch / "list.xlsx"
    return await _export(session, actor, query, ImportKind.DEMAND, path, _XLSX)


@router.get(
    "/demands/export.csv",
    summary="Export one's demands as text (导出需求清单 CSV)",
    response_class=FileResponse,
    responses={**_file(_CSV), **answers(401, 403, 422)},
)
async def export_demands_text(
    session: ReadSession, actor: Exporter, query: Annotated[ExportQuery, Query()], scratch: Scratch
) -> FileResponse:
    """As the workbook, in UTF-8. What a program for spreadsheets would take for a formula has an
    apostrophe in front, which the import takes away again."""
    path = scratch / "list.csv"
    return await _export(session, actor, query, ImportKind.DEMAND, path, _CSV)
