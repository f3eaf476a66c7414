"""Reviews (审核) over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.http import ExpectedVersions, etag
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.lists.http import of_sample
from kechuangtong.reviews import service
from kechuangtong.reviews.schemas import Return, ReviewDetail, ReviewQuery, ReviewRead
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1/reviews", tags=["reviews"], route_class=IdempotentRoute)

Reader = Annotated[Actor, Depends(requires(Permission.REVIEWS_READ))]
Decider = Annotated[Actor, Depends(requires(Permission.REVIEWS_DECIDE))]
ReviewId = Annotated[uuid.UUID, of_sample(ids.REVIEW)]
OtherReviewId = Annotated[uuid.UUID, of_sample(ids.REVIEW_TO_RETURN)]


@router.get("", summary="List reviews (审核列表)", responses=answers(401, 403, 422))
async def list_reviews(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[ReviewQuery, Query()],
) -> Page[ReviewRead]:
    """Newest first: a reviewer's those of its district, others' those of their organizations.

    A record's last review, with the reasons for which it was returned, is found by `subject_id`.
    """
    page = await service.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.get(
    "/{review_id}", summary="Read a review (查看审核)", responses=answers(401, 403, 404, 422)
)
async def get_review(
    review_id: ReviewId, session: ReadSession, actor: Reader, response: Response
) -> ReviewDetail:
    """A review with the record or registration that it is of, as that stands.

    Of a registration it says which organization has the code already, and who else asks for it.
    """
    review = await service.get(session, actor, review_id)
    response.headers["ETag"] = etag(review)
    return await service.show(session, actor, review)


@router.post(
    "/{review_id}/approve",
    summary="Approve (审核通过)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def approve_review(
    review_id: ReviewId,
    session: IdempotentSession,
    actor: Decider,
    response: Response,
    expected_versions: ExpectedVersions,
) -> ReviewRead:
    """Publish the record. Of a registration: make the organization, or join the one that has the
    code already; the applicant becomes its manager.
    """
    review = await service.approve(session, actor, review_id, expected_versions=expected_versions)
    response.headers["ETag"] = etag(review)
    return ReviewRead.model_validate(review)


@router.post(
    "/{review_id}/return",
    summary="Return (审核退回)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def return_review(
    review_id: OtherReviewId,
    session: IdempotentSession,
    actor: Decider,
    response: Response,
    body: Return,
    expected_versions: ExpectedVersions,
) -> ReviewRead:
    """Return it to be changed, with at least one reason; it can be handed in again."""
    review = await service.return_(
        session, actor, review_id, values=body, expected_versions=expected_versions
    )
    response.headers["ETag"] = etag(review)
    return ReviewRead.model_validate(review)
