"""The dump of all public records (公开数据转储) over HTTP."""

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from kechuangtong.accounts.deps import requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import today
from kechuangtong.core.openapi import answers
from kechuangtong.dump.service import dump
from kechuangtong.runtime import RuntimeDep

router = APIRouter(
    prefix="/v1/dump", tags=["dump"], dependencies=[Depends(requires(Permission.DUMP_READ))]
)

_NDJSON = "application/x-ndjson"


@router.get(
    "",
    summary="Download all public records (公开数据转储)",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "A file with one record a line",
            "content": {_NDJSON: {"schema": {"type": "string"}}},
        },
        **answers(401, 403, 422),
    },
)
async def download_dump(runtime: RuntimeDep) -> StreamingResponse:
    """All organizations, achievements and demands as anyone sees them at this moment, as JSON
    lines: a `header` with the format's version and the date of the content (its latest change),
    each record by id as `{"organization": …}`, `{"achievement": …}` or `{"demand": …}`, and at the
    `end` the SHA-256 of all lines before, without which the file is not whole.

    `kechuangtong load FILE` loads it into an empty instance, which gives the same dump byte for
    byte.
    """
    headers = {"Content-Disposition": f'attachment; filename="kechuangtong-{today()}.ndjson"'}
    return StreamingResponse(dump(runtime.database), media_type=_NDJSON, headers=headers)
