"""Editions of the lists (动态清单) over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.openapi import answers, file
from kechuangtong.core.paging import Page, PageQuery, link_next
from kechuangtong.editions import service
from kechuangtong.editions.schemas import (
    DifferenceQuery,
    DifferenceRead,
    EditionDetail,
    EditionRead,
    FrozenRecord,
    ListName,
)
from kechuangtong.editions.workbook import xlsx
from kechuangtong.runtime import RuntimeDep

router = APIRouter(prefix="/v1/lists", tags=["editions"], route_class=IdempotentRoute)

_READERS = [Depends(requires(Permission.EDITIONS_READ))]
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NDJSON = "application/x-ndjson"


def _sample(value: Any) -> Any:  # noqa: ANN401
    return {"sample": {"summary": "示例数据", "value": value}}


Name = Annotated[ListName, Path(openapi_examples=_sample(ListName.ACHIEVEMENTS.value))]
Number = Annotated[int, Path(ge=1, lt=2**31, openapi_examples=_sample("1"))]


@router.post(
    "/{kind}/editions",
    status_code=201,
    summary="Freeze an edition of a list (发布一期动态清单)",
    responses=answers(400, 401, 403, 413, 422),
)
async def freeze_edition(
    kind: Name,
    session: IdempotentSession,
    actor: Annotated[Actor, Depends(requires(Permission.EDITIONS_WRITE))],
    response: Response,
) -> EditionRead:
    """Freeze what is published now and has not expired, as anyone sees it, under today's date and
    the list's next number. A list of 100,000 records takes up to a minute.
    """
    edition = await service.freeze(session, actor, kind.kind)
    response.headers["Location"] = f"/v1/lists/{kind}/editions/{edition.number}"
    return EditionRead.model_validate(edition)


@router.get(
    "/{kind}/editions",
    dependencies=_READERS,
    summary="List a list's editions (历期动态清单)",
    responses=answers(401, 403, 422),
)
async def list_editions(
    kind: Name,
    session: ReadSession,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[EditionRead]:
    """The editions of a list, newest first."""
    page = await service.page(session, kind.kind, query)
    link_next(request, response, page.next_cursor)
    return page


def _disposition(kind: ListName, number: int, ending: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{kind}-{number}.{ending}"'}


@router.get(
    "/{kind}/editions/{number}.ndjson",
    dependencies=_READERS,
    summary="Download an edition as JSON lines (下载 NDJSON)",
    response_class=StreamingResponse,
    responses={**file("A file with one record a line", _NDJSON), **answers(401, 403, 404, 422)},
)
async def download_edition_ndjson(
    kind: Name, number: Number, runtime: RuntimeDep, session: ReadSession
) -> StreamingResponse:
    """The edition's records, one a line in the order of their ids: JSON in UTF-8 with keys in
    order and no spaces, each line ended by a line feed. The edition's `sha256` is that of this
    file, so that whoever has it can check it (`sha256sum`).
    """
    edition = await service.find(session, kind.kind, number)
    return StreamingResponse(
        service.ndjson(runtime.database, edition.kind, number),
        media_type=_NDJSON,
        headers=_disposition(kind, number, "ndjson"),
    )


@router.get(
    "/{kind}/editions/{number}.xlsx",
    dependencies=_READERS,
    summary="Download an edition as a spreadsheet (下载 Excel)",
    response_class=StreamingResponse,
    responses={
        **file("A spreadsheet with one record a row", _XLSX, binary=True),
        **answers(401, 403, 404, 422),
    },
)
async def download_edition_xlsx(
    kind: Name, number: Number, runtime: RuntimeDep, session: ReadSession
) -> StreamingResponse:
    """The edition's records, one a row, with Chinese headers; what a program needs is in the JSON
    lines."""
    edition = await service.find(session, kind.kind, number)
    return StreamingResponse(
        xlsx(runtime.database, edition.kind, number),
        media_type=_XLSX,
        headers=_disposition(kind, number, "xlsx"),
    )


@router.get(
    "/{kind}/editions/{number}",
    dependencies=_READERS,
    summary="Read about an edition (查看一期动态清单)",
    responses=answers(401, 403, 404, 422),
)
async def get_edition(kind: Name, number: Number, runtime: RuntimeDep) -> EditionDetail:
    """Its date, how many records it has, how many came, went and changed since the edition before,
    and the checksum of its NDJSON.

    An edition stays as it was frozen, whatever becomes of its records. With one exception: the
    enterprise of a demand that has become anonymous (匿名) since is not told any more. Its name,
    its number and the texts that name it are taken out (`masked` counts such demands), and
    `sha256` is from then on that of the text as it is served.
    """
    return await service.get(runtime.database, kind.kind, number)


@router.get(
    "/{kind}/editions/{number}/records",
    dependencies=_READERS,
    summary="Read an edition's records (动态清单内容)",
    responses=answers(401, 403, 404, 422),
)
async def list_edition_records(
    kind: Name,
    number: Number,
    session: ReadSession,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[FrozenRecord]:
    """The edition's records as they were frozen, in the order of their ids."""
    page = await service.records(session, kind.kind, number, query)
    link_next(request, response, page.next_cursor)
    return page


@router.get(
    "/{kind}/editions/{number}/differences",
    dependencies=_READERS,
    summary="What came, went and changed (与上一期的差异)",
    responses=answers(401, 403, 404, 422),
)
async def list_edition_differences(
    kind: Name,
    number: Number,
    session: ReadSession,
    request: Request,
    response: Response,
    query: Annotated[DifferenceQuery, Query()],
) -> Page[DifferenceRead]:
    """The records that came, went or changed since the edition before, in the order of their
    ids. All of the first edition came."""
    page = await service.differences(session, kind.kind, number, query)
    link_next(request, response, page.next_cursor)
    return page
