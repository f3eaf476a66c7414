"""The desk (受理): reviews are opened and taken back with what they are of.

It knows reviews alone, so that the lists and the registrations can call it.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.events import log
from kechuangtong.models import Organization, Review
from kechuangtong.models.review import ReviewState, ReviewSubject
from kechuangtong.reviews.schemas import ReviewRead


@dataclass(frozen=True, slots=True)
class Submission:
    """What is handed in: a record, or a registration, which is of no organization yet."""

    subject_id: uuid.UUID
    title: str
    place: str | None
    organization_id: uuid.UUID | None = None


async def submit(
    session: AsyncSession, actor: Actor, kind: ReviewSubject, submissions: Sequence[Submission]
) -> None:
    """Open a review of each. One that is open already gets a new version: whoever has read it
    before must read again what it is of."""
    already = await _open(session, kind, [one.subject_id for one in submissions])
    opened = []
    for one in submissions:
        review = already.get(one.subject_id)
        if review is None:
            review = Review(
                id=new_id(), subject_kind=kind, subject_id=one.subject_id, submitted_by=actor.id
            )
            opened.append(review)
        else:
            review.updated_at = now()
            flag_modified(review, "updated_at")
        review.title, review.place = one.title, one.place
        review.organization_id = one.organization_id
    session.add_all(opened)
    await session.flush()  # the log shows them as they are stored
    for review in opened:
        record(session, actor, review, "opened", before=None)


async def take_back(
    session: AsyncSession, actor: Actor, kind: ReviewSubject, subject_id: uuid.UUID
) -> None:
    """Withdraw the open review of something."""
    for review in (await _open(session, kind, [subject_id])).values():
        before = snapshot(review)
        review.state = ReviewState.WITHDRAWN
        await session.flush()  # the log shows its new version
        record(session, actor, review, "withdrawn", before=before)


async def readdress(session: AsyncSession, organization: Organization) -> None:
    """Let the district that an organization is in now have its open reviews."""
    await session.execute(
        update(Review)
        .where(
            Review.organization_id == organization.id,
            Review.state == ReviewState.OPEN,
        )
        .values(place=organization.place, version=Review.version + 1)
    )


async def _open(
    session: AsyncSession, kind: ReviewSubject, subject_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, Review]:
    found = await session.scalars(
        select(Review).where(
            Review.subject_kind == kind,
            Review.subject_id.in_(subject_ids),
            Review.state == ReviewState.OPEN,
        )
    )
    return {review.subject_id: review for review in found}


def snapshot(review: Review) -> dict[str, Any]:
    """A review as the log shows it."""
    return ReviewRead.model_validate(review).model_dump(mode="json")


def record(
    session: AsyncSession, actor: Actor, review: Review, what: str, *, before: dict[str, Any] | None
) -> None:
    """Note what became of a review."""
    log.record(
        session,
        actor,
        f"review.{what}",
        subject_kind="review",
        subject_id=review.id,
        before=before,
        after=snapshot(review),
    )
