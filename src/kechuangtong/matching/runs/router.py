"""Match runs (批量匹配) over HTTP: begin one, watch it, read and download its pairs."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.following import follow
from kechuangtong.core.openapi import answers, file
from kechuangtong.core.paging import Page, link_next
from kechuangtong.lists.http import of_sample
from kechuangtong.matching.runs import pairs, service
from kechuangtong.matching.runs.schemas import (
    MatchRunCreate,
    MatchRunRead,
    PairFilter,
    PairQuery,
    RunListQuery,
    RunPairRead,
)
from kechuangtong.models import MatchRun
from kechuangtong.runtime import RuntimeDep
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1/match-runs", tags=["matches"], route_class=IdempotentRoute)

Reader = Annotated[Actor, Depends(requires(Permission.MATCH_RUNS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.MATCH_RUNS_WRITE))]
MatchRunId = Annotated[uuid.UUID, of_sample(ids.MATCH_RUN)]

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NDJSON = "application/x-ndjson"


@router.post(
    "",
    status_code=202,
    summary="Match a list against the other (批量匹配)",
    responses=answers(400, 401, 403, 409, 413, 422),
)
async def create_match_run(
    session: IdempotentSession, actor: Writer, response: Response, body: MatchRunCreate
) -> MatchRunRead:
    """Match an organization's published records, or a part of them, against the other list, and
    keep the pairs. An administrator may match the whole list. The answer is the run to watch.

    It is compared with the run before of the same question: pairs are new, kept or gone. The ten
    newest runs of a question are kept.
    """
    run = await service.start(session, actor, body)
    response.headers["Location"] = f"/v1/match-runs/{run.id}"
    return service.show(run)


@router.get("", summary="List match runs (批量匹配记录)", responses=answers(401, 403, 422))
async def list_match_runs(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[RunListQuery, Query()],
) -> Page[MatchRunRead]:
    """The runs of one's own organizations, newest first."""
    page = await service.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


async def _visible_run(run_id: MatchRunId, session: ReadSession, actor: Reader) -> MatchRun:
    return await service.get(session, actor, run_id)


VisibleRun = Annotated[MatchRun, Depends(_visible_run)]


@router.get(
    "/{run_id}", summary="Watch a match run (批量匹配进度)", responses=answers(401, 403, 404, 422)
)
async def get_match_run(run: VisibleRun) -> MatchRunRead:
    """State, progress and counts of a run."""
    return service.show(run)


@router.get(
    "/{run_id}/events",
    summary="Follow a match run (批量匹配进度流)",
    response_class=EventSourceResponse,
    responses=answers(401, 403, 404, 422),
)
async def follow_match_run(runtime: RuntimeDep, run: VisibleRun) -> AsyncIterator[MatchRunRead]:
    """The run as server-sent events: each time it has moved on, until it has ended."""
    async for reached in follow(runtime.database, MatchRun, run.id, service.ENDED):
        yield service.show(reached)


@router.post(
    "/{run_id}/cancel",
    summary="Cancel a match run (取消批量匹配)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def cancel_match_run(
    run_id: Annotated[uuid.UUID, of_sample(ids.MATCH_RUN_TO_CANCEL)],
    session: IdempotentSession,
    actor: Writer,
) -> MatchRunRead:
    """Match no more of a run that waits or runs. The pairs found until then stay; no later run is
    compared with them."""
    return service.show(await service.cancel(session, actor, run_id))


@router.get(
    "/{run_id}/pairs",
    summary="Read a run's pairs (批量匹配结果)",
    responses=answers(401, 403, 404, 422),
)
async def list_match_run_pairs(
    run: VisibleRun,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PairQuery, Query()],
) -> Page[RunPairRead]:
    """The pairs that a run has found so far, best first; with `change=gone` those that only the
    run before had found.

    Score, grade and reasons are those of the run. What the caller may not see any more, as a record
    that was withdrawn, is left out of them, and so are reasons that quote a record as it no longer
    is.
    """
    page = await pairs.page(session, actor, run, query)
    link_next(request, response, page.next_cursor)
    return page


def _sent(
    run: MatchRun, ending: str, content: AsyncIterator[bytes], media_type: str
) -> StreamingResponse:
    disposition = f'attachment; filename="match-run-{run.id}.{ending}"'
    headers = {"Content-Disposition": disposition}
    return StreamingResponse(content, media_type=media_type, headers=headers)


@router.get(
    "/{run_id}/pairs.xlsx",
    summary="Download a run's pairs as a workbook (下载 Excel)",
    response_class=StreamingResponse,
    responses={
        **file("A spreadsheet with one pair a row", _XLSX, binary=True),
        **answers(401, 403, 404, 422),
    },
)
async def download_match_run_xlsx(
    runtime: RuntimeDep, run: VisibleRun, actor: Reader, query: Annotated[PairFilter, Query()]
) -> StreamingResponse:
    """The pairs, one a row, best first, with the reasons and what became of each since the run
    before."""
    content = pairs.xlsx(runtime.database, actor, run, query)
    return _sent(run, "xlsx", content, _XLSX)


@router.get(
    "/{run_id}/pairs.ndjson",
    summary="Download a run's pairs as JSON lines (下载 NDJSON)",
    response_class=StreamingResponse,
    responses={**file("A file with one pair a line", _NDJSON), **answers(401, 403, 404, 422)},
)
async def download_match_run_ndjson(
    runtime: RuntimeDep, run: VisibleRun, actor: Reader, query: Annotated[PairFilter, Query()]
) -> StreamingResponse:
    """The pairs, one a line, best first, each as `…/pairs` shows it."""
    content = pairs.ndjson(runtime.database, actor, run, query)
    return _sent(run, "ndjson", content, _NDJSON)
