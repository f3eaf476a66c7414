"""Deals made public (交易公开) over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from kechuangtong.accounts.deps import IdempotentSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import now, today
from kechuangtong.core.http import ExpectedVersions, etag
from kechuangtong.core.openapi import answers, file
from kechuangtong.core.paging import link_next
from kechuangtong.deals.http import Writer
from kechuangtong.lists.http import of_sample
from kechuangtong.releases import service
from kechuangtong.releases.schemas import (
    Links,
    Publication,
    Publisher,
    ReleasePackage,
    ReleaseQuery,
)
from kechuangtong.runtime import RuntimeDep
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1/deals", tags=["releases"], route_class=IdempotentRoute)

_READERS = [Depends(requires(Permission.DUMP_READ))]
DealToPublishId = Annotated[uuid.UUID, of_sample(ids.DEAL_TO_PUBLISH)]
DealPublicId = Annotated[uuid.UUID, of_sample(ids.DEAL_PUBLIC)]
_NDJSON = "application/x-ndjson"


@router.get(
    "/releases",
    dependencies=_READERS,
    summary="Public deals as open contracting data (公开交易)",
    response_model_exclude_none=True,
    responses=answers(401, 403, 422),
)
async def list_releases(
    runtime: RuntimeDep,
    request: Request,
    response: Response,
    query: Annotated[ReleaseQuery, Query()],
) -> ReleasePackage:
    """What is public of deals, as one page of a release package of the Open Contracting Data
    Standard (OCDS 1.1). Each release tells how things stand now:

    - the deals whose contract was signed and which both sides have agreed to make public. `tag` has
      `planning` where the achievement or demand that it began with is published, `award` and
      `contract` from the signing on, `implementation` once money was received, and
      `contractTermination` where the contract was cancelled. `value` is the contract's total
      (成交额) as it was last amended, `status` is `terminated` once the deal is completed or
      terminated, and `implementation` has the money received until a day as one sum.
    - the notices of agreed prices (协议定价公示), with the `tag` `tender`, and `award` once they
      are awarded. Who buys is not told; that a buyer is a maker or related to one is, as
      `eligibilityCriteria`.

    `ocid` is `kct-` and the id of the deal or sale (the prefix is not registered). Who sells
    technology is the supplier. Days begin and end in the city (Asia/Shanghai). Amounts are numbers,
    as the standard wants them. Nothing else of a deal is public: not its steps, notes and
    documents, nor who carries it on.
    """
    async with runtime.database.snapshot() as session:
        releases, cursor = await service.page(session, query)
    link_next(request, response, cursor)
    following = request.url.include_query_params(cursor=cursor)
    return ReleasePackage(
        uri=str(request.url),
        published_date=now(),
        publisher=Publisher(name=f"科创通 {runtime.settings.public_url}"),
        releases=releases,
        links=Links(next=None if cursor is None else str(following)),
    )


@router.get(
    "/releases.ndjson",
    dependencies=_READERS,
    summary="Download all releases (下载公开交易)",
    response_class=StreamingResponse,
    responses={**file("A file with one release a line", _NDJSON), **answers(401, 403, 422)},
)
async def download_releases(runtime: RuntimeDep) -> StreamingResponse:
    """All releases as they are at this moment, one a line in the order of the ids in `ocid`: JSON
    in UTF-8 with keys in order and no spaces, each line ended by a line feed. The `id` of a
    release is another one whenever what it tells has changed."""
    headers = {"Content-Disposition": f'attachment; filename="releases-{today()}.ndjson"'}
    return StreamingResponse(service.ndjson(runtime.database), media_type=_NDJSON, headers=headers)


@router.post(
    "/{deal_id}/publish",
    summary="Agree that a deal is public (同意公开交易)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def publish_deal(
    deal_id: DealToPublishId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
) -> Publication:
    """For one's side, once the contract is signed. When both sides have, who they are, the
    contract's title, amount and term, and the sum received are public (`/v1/deals/releases`), and
    so are the titles of the achievement and the demand where they are published. Of an anonymous
    demand nothing is told."""
    found = await service.publish(session, actor, deal_id, expected_versions=expected_versions)
    response.headers["ETag"] = etag(found)
    return found


@router.post(
    "/{deal_id}/unpublish",
    summary="Take back that a deal is public (撤回公开)",
    responses=answers(400, 401, 403, 404, 412, 413, 422, 428),
)
async def unpublish_deal(
    deal_id: DealPublicId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
) -> Publication:
    """For one's side, at any time: the deal is not public from now on. What others have read they
    have read."""
    found = await service.unpublish(session, actor, deal_id, expected_versions=expected_versions)
    response.headers["ETag"] = etag(found)
    return found
