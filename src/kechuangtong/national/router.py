"""National records (国家网络管理平台上报数据) over HTTP."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import today
from kechuangtong.core.openapi import answers
from kechuangtong.core.schemas import Input
from kechuangtong.national import service
from kechuangtong.national.files import as_json, as_xlsx
from kechuangtong.runtime import RuntimeDep
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1/instruments", tags=["instruments"])

Reader = Annotated[Actor, Depends(requires(Permission.BOOKINGS_READ))]
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ExportQuery(Input):
    """Whose records, and the services of which year."""

    organization_id: Annotated[
        uuid.UUID,
        Field(
            description="One's own organization", json_schema_extra={"example": ids.ORGANIZATION}
        ),
    ]
    year: Annotated[
        int | None,
        Field(ge=2000, le=2100, description="Of the services, in the city (年度); null: this year"),
    ] = None


def _file(media_type: str, schema: dict[str, Any]) -> dict[int | str, Any]:
    content = {media_type: {"schema": schema}}
    return {
        200: {"description": "The file (文件内容)", "content": content},
        **answers(401, 403, 422),
    }


def _named(year: int, ending: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="instruments-{year}.{ending}"'}


@router.get(
    "/export.xlsx",
    summary="Export for the national platform (导出国家平台上报数据)",
    response_class=StreamingResponse,
    responses=_file(_XLSX, {"type": "string", "format": "binary"}),
)
async def export_national_workbook(
    session: ReadSession,
    runtime: RuntimeDep,
    actor: Reader,
    query: Annotated[ExportQuery, Query()],
) -> StreamingResponse:
    """An organization's published instruments and its services of a year, for its own people: a
    sheet for each of the six record types of the national upload dictionary, under the dictionary's
    names. 大型装置, 服务单元 and 单台套 are filled by kind, 服务记录 by finished bookings, each for
    each of its instruments.

    What is not recorded here stays empty: 仪器中心 and 海关监管 altogether; of instruments what
    they belong to and come from, 典型成果, 通讯地址 and 图片; of services way, project (课题) and
    the applicant's telephone and mail. The place stands undivided as 街道, countries and
    disciplines as they are recorded, and texts are not cut to the dictionary's lengths. An
    instrument without a number has its id as innerId. Computing resources have no type there and
    are left out.
    """
    organization = await service.check(session, actor, query.organization_id)
    year = query.year or today().year
    return StreamingResponse(
        as_xlsx(runtime.database, organization.id, year),
        media_type=_XLSX,
        headers=_named(year, "xlsx"),
    )


@router.get(
    "/export.json",
    summary="Export for the national platform as JSON (导出国家平台上报数据 JSON)",
    response_class=StreamingResponse,
    responses=_file("application/json", {"type": "object"}),
)
async def export_national_json(
    session: ReadSession,
    runtime: RuntimeDep,
    actor: Reader,
    query: Annotated[ExportQuery, Query()],
) -> StreamingResponse:
    """As the workbook: `types` with `number`, `name` and `records`, whose fields have the
    dictionary's names; 原值 (`worth`) in 万元 and other amounts as decimal strings, null for what
    is not recorded."""
    organization = await service.check(session, actor, query.organization_id)
    year = query.year or today().year
    return StreamingResponse(
        as_json(runtime.database, organization.id, year),
        media_type="application/json",
        headers=_named(year, "json"),
    )
