"""The 成果清单 over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.achievements.schemas import (
    AchievementBulk,
    AchievementCreate,
    AchievementPatch,
    AchievementRead,
)
from kechuangtong.achievements.service import achievements
from kechuangtong.attachments.deps import Discarded
from kechuangtong.core.http import ExpectedVersions, IfNoneMatch, etag, not_modified
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.lists.completeness import Completeness, completeness
from kechuangtong.lists.http import (
    AchievementDraftId,
    AchievementId,
    AchievementToRenewId,
    AchievementToReviewId,
    Reviewed,
    bulk_outcome,
)
from kechuangtong.lists.schemas import BulkOutcome, ListingQuery, Renewal
from kechuangtong.lists.states import Action
from kechuangtong.models import Achievement

router = APIRouter(prefix="/v1/achievements", tags=["achievements"], route_class=IdempotentRoute)

Reader = Annotated[Actor, Depends(requires(Permission.ACHIEVEMENTS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.ACHIEVEMENTS_WRITE))]


def _shown(record: Achievement, actor: Actor, response: Response) -> AchievementRead:
    shown = achievements.show(record, actor)
    response.headers["ETag"] = etag(shown)
    return shown


@router.get("", summary="List achievements (成果清单)", responses=answers(401, 422))
async def list_achievements(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[ListingQuery, Query()],
) -> Page[AchievementRead]:
    """The achievements that the caller may see: all published ones, and drafts of its own."""
    page = await achievements.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "",
    status_code=201,
    summary="Create an achievement (新建成果)",
    responses=answers(400, 401, 403, 409, 413, 422),
)
async def create_achievement(
    session: IdempotentSession, actor: Writer, response: Response, body: AchievementCreate
) -> AchievementRead:
    """A new draft (草稿) for an organization that the caller acts for."""
    record = await achievements.create(
        session, actor, organization_id=body.organization_id, values=body
    )
    response.headers["Location"] = f"/v1/achievements/{record.id}"
    return _shown(record, actor, response)


@router.post(
    "/bulk",
    summary="Publish, submit or withdraw many achievements (批量发布、提交、撤回成果)",
    responses=answers(400, 401, 403, 413, 422),
)
async def change_many_achievements(
    session: IdempotentSession, actor: Writer, body: AchievementBulk, reviewed: Reviewed
) -> BulkOutcome:
    """All that can be are done, in one transaction, by the rules for one alone; the answer says
    of each what became of it."""
    action = Action(body.action)
    return bulk_outcome(
        await achievements.bulk(session, actor, action=action, ids=body.ids, reviewed=reviewed)
    )


@router.get(
    "/{achievement_id}",
    summary="Read an achievement (查看成果)",
    responses={304: {"description": "Not modified"}, **answers(401, 404, 422)},
    response_model=AchievementRead,
)
async def get_achievement(
    achievement_id: AchievementId,
    session: ReadSession,
    actor: Reader,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> AchievementRead | Response:
    """One achievement; its ETag is what a change sends as If-Match."""
    record = await achievements.get(session, actor, achievement_id)
    shown = _shown(record, actor, response)
    return not_modified(shown, if_none_match) or shown


@router.get(
    "/{achievement_id}/completeness",
    summary="How complete an achievement is (成果完整度)",
    responses=answers(401, 404, 422),
)
async def get_achievement_completeness(
    achievement_id: AchievementId, session: ReadSession, actor: Reader
) -> Completeness:
    """A score from 0 to 100, and what a reader from industry will miss."""
    return completeness(await achievements.get(session, actor, achievement_id))


@router.patch(
    "/{achievement_id}",
    summary="Change an achievement (修改成果)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def change_achievement(
    achievement_id: AchievementId,
    session: WriteSession,
    actor: Writer,
    response: Response,
    body: AchievementPatch,
    expected_versions: ExpectedVersions,
    reviewed: Reviewed,
) -> AchievementRead:
    """Change the fields that are given; the others stay as they are.

    Where the organization's records are reviewed, one that is public is submitted again by any
    edit, and shown again when it is approved.
    """
    record = await achievements.change(
        session,
        actor,
        achievement_id,
        values=body,
        expected_versions=expected_versions,
        reviewed=reviewed,
    )
    return _shown(record, actor, response)


@router.post(
    "/{achievement_id}/publish",
    summary="Publish an achievement (发布成果)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def publish_achievement(
    achievement_id: AchievementDraftId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
    reviewed: Reviewed,
) -> AchievementRead:
    """Show the achievement to everyone, and let it be matched.

    Where the organization's records are reviewed, only administrators do: others `submit` it.
    """
    record = await achievements.publish(
        session, actor, achievement_id, expected_versions=expected_versions, reviewed=reviewed
    )
    return _shown(record, actor, response)


@router.post(
    "/{achievement_id}/submit",
    summary="Submit an achievement for review (成果提交审核)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def submit_achievement(
    achievement_id: AchievementToReviewId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
    reviewed: Reviewed,
) -> AchievementRead:
    """Hand a draft in, or what was returned or withdrawn: it is published when it is approved.

    What a review has said of it is in `GET /v1/reviews?subject_id=…`.
    """
    record = await achievements.submit(
        session, actor, achievement_id, expected_versions=expected_versions, reviewed=reviewed
    )
    return _shown(record, actor, response)


@router.post(
    "/{achievement_id}/renew",
    summary="Renew an achievement (成果延长有效期)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def renew_achievement(
    achievement_id: AchievementToRenewId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: Renewal,
    expected_versions: ExpectedVersions,
) -> AchievementRead:
    """A later last day of validity, for one that is published or has expired; no review."""
    record = await achievements.renew(
        session, actor, achievement_id, values=body, expected_versions=expected_versions
    )
    return _shown(record, actor, response)


@router.post(
    "/{achievement_id}/withdraw",
    summary="Withdraw an achievement (撤回成果)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def withdraw_achievement(
    achievement_id: AchievementId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
) -> AchievementRead:
    """Take the achievement back from the public; it is kept and can be published again.

    Withdrawn from review it is a draft again.
    """
    record = await achievements.withdraw(
        session, actor, achievement_id, expected_versions=expected_versions
    )
    return _shown(record, actor, response)


@router.delete(
    "/{achievement_id}",
    status_code=204,
    summary="Delete a draft (删除草稿)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def delete_achievement(
    achievement_id: AchievementDraftId,
    discarded: Discarded,
    session: WriteSession,
    actor: Writer,
    expected_versions: ExpectedVersions,
) -> None:
    """Delete a draft; what was public once can only be withdrawn."""
    discarded += await achievements.delete(
        session, actor, achievement_id, expected_versions=expected_versions
    )
