"""Reviews (审核): seen by whom they concern, decided by the reviewers of the district."""

import uuid
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import OPERATOR, Actor
from kechuangtong.achievements.service import achievements
from kechuangtong.core.clock import now
from kechuangtong.core.errors import Conflict, Forbidden, NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.language import Text
from kechuangtong.core.paging import Page, decode_id
from kechuangtong.demands.service import demands
from kechuangtong.inbox import service as inbox
from kechuangtong.lists.service import ListService
from kechuangtong.models import Registration, Review
from kechuangtong.models.notice import NoticeKind
from kechuangtong.models.review import ReturnReason, ReviewState, ReviewSubject
from kechuangtong.registrations import service as registrations
from kechuangtong.reviews import desk
from kechuangtong.reviews.queries import of_district
from kechuangtong.reviews.schemas import Return, ReviewDetail, ReviewQuery, ReviewRead

_LISTS: Final[dict[ReviewSubject, ListService[Any, Any]]] = {
    ReviewSubject.ACHIEVEMENT: achievements,
    ReviewSubject.DEMAND: demands,
}


class ReviewDecided(Conflict):
    code = "review_decided"
    text = Text("该审核已是“{state}”，不能再次处理。", "The review is {state} already.")


class OwnReview(Forbidden):
    code = "own_review"
    text = Text("不能审核自己单位的事项。", "Nobody decides about an organization of one's own.")


def _visible_to(actor: Actor) -> ColumnElement[bool]:
    """Reviewers see those of their district, people those of their organizations."""
    if actor.sees_all:
        return true()
    return or_(Review.organization_id.in_(actor.organization_ids), of_district(actor, Review.place))


async def page(session: AsyncSession, actor: Actor, query: ReviewQuery) -> Page[ReviewRead]:
    """One page of what the actor may see, newest first."""
    statement = select(Review).where(_visible_to(actor)).order_by(Review.id.desc())
    if query.state is not None:
        statement = statement.where(Review.state == query.state)
    if query.subject_kind is not None:
        statement = statement.where(Review.subject_kind == query.subject_kind)
    if query.subject_id is not None:
        statement = statement.where(Review.subject_id == query.subject_id)
    if query.cursor is not None:
        statement = statement.where(Review.id < decode_id(query.cursor))
    rows = (await session.scalars(statement.limit(query.limit + 1))).all()
    return Page[ReviewRead].of(
        rows, query.limit, lambda row: [str(row.id)], ReviewRead.model_validate
    )


async def get(session: AsyncSession, actor: Actor, review_id: uuid.UUID) -> Review:
    """A review that the actor may see. Raises NotFound."""
    review = await session.scalar(select(Review).where(Review.id == review_id, _visible_to(actor)))
    if review is None:
        raise NotFound
    return review


async def show(session: AsyncSession, actor: Actor, review: Review) -> ReviewDetail:
    """A review with what it is of, as that stands, where the actor may see it."""
    shown = ReviewDetail.model_validate(ReviewRead.model_validate(review).model_dump())
    if review.subject_kind is ReviewSubject.REGISTRATION:
        if actor.sees_all or actor.reviews(review.place):
            shown.registration = await registrations.for_review(session, review.subject_id)
        return shown
    service = _LISTS[review.subject_kind]
    try:
        record = await service.get(session, actor, review.subject_id)
    except NotFound:
        return shown
    setattr(shown, review.subject_kind.value, service.show(record, actor))
    return shown


async def approve(
    session: AsyncSession,
    actor: Actor,
    review_id: uuid.UUID,
    *,
    expected_versions: frozenset[int] | None,
) -> Review:
    """Publish the record; make the organization. Raises NotFound, OwnReview, Forbidden,
    PreconditionFailed, ReviewDecided, DatePast."""
    review, subject = await _take(session, actor, review_id, expected_versions)
    before = desk.snapshot(review)
    if isinstance(subject, Registration):
        review.organization_id = await registrations.approve(session, actor, subject)
    else:
        await _LISTS[review.subject_kind].decide(session, actor, subject, approved=True)
    await _decided(session, actor, review, ReviewState.APPROVED, before)
    return review


async def return_(
    session: AsyncSession,
    actor: Actor,
    review_id: uuid.UUID,
    *,
    values: Return,
    expected_versions: frozenset[int] | None,
) -> Review:
    """Return it to be changed, with reasons. Raises as `approve` does."""
    review, subject = await _take(session, actor, review_id, expected_versions)
    before = desk.snapshot(review)
    reasons: list[ReturnReason] = list(dict.fromkeys(values.reasons))
    if isinstance(subject, Registration):
        await registrations.return_(
            session, actor, subject, reasons=reasons, comment=values.comment
        )
    else:
        await _LISTS[review.subject_kind].decide(session, actor, subject, approved=False)
    review.reasons, review.comment = [one.value for one in reasons], values.comment
    await _decided(session, actor, review, ReviewState.RETURNED, before)
    return review


async def _take(
    session: AsyncSession,
    actor: Actor,
    review_id: uuid.UUID,
    expected_versions: frozenset[int] | None,
) -> tuple[Review, Any]:
    """An open review that the actor may decide, and what it is of, both held.

    The subject is held first, as by those who change it: so nobody waits for each other.
    """
    review = await get(session, actor, review_id)
    if review.organization_id in actor.roles:
        raise OwnReview
    if not actor.reviews(review.place):
        raise Forbidden
    subject: Any
    if review.subject_kind is ReviewSubject.REGISTRATION:
        subject = await registrations.get(session, OPERATOR, review.subject_id, to_change=True)
        if await registrations.concerns(session, actor, subject):
            raise OwnReview
    else:
        service = _LISTS[review.subject_kind]
        subject = await service.get(session, OPERATOR, review.subject_id, to_change=True)
    await session.refresh(review, with_for_update=True)
    check_version(review, expected_versions)
    if review.state is not ReviewState.OPEN:
        raise ReviewDecided(state=review.state.value)
    return review, subject


async def _decided(
    session: AsyncSession, actor: Actor, review: Review, state: ReviewState, before: dict[str, Any]
) -> None:
    review.state, review.decided_by, review.decided_at = state, actor.id, now()
    await session.flush()  # the log shows its new version
    desk.record(session, actor, review, state.value, before=before)
    if review.organization_id is None:
        return
    returned = state is ReviewState.RETURNED
    registered = review.subject_kind is ReviewSubject.REGISTRATION
    await inbox.notify(
        session,
        review.organization_id,
        NoticeKind.REVIEW_RETURNED if returned else NoticeKind.REVIEW_APPROVED,
        # A registration is its applicant's alone; the organization is everyone's to see.
        subject_kind="organization" if registered else review.subject_kind.value,
        subject_id=review.organization_id if registered else review.subject_id,
        title=review.title,
        key=f"review:{review.id}",
        waiting=returned,
        # An applicant has had a mail of its own.
        by_mail=not registered,
        review_id=str(review.id),
        reasons=review.reasons,
        comment=review.comment,
    )
