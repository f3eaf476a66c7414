"""Ownership of achievements: set anew, never changed; who asks sees what may be seen."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.achievements.service import achievements
from kechuangtong.calculators.calculation import REGION_UNKNOWN, Paper
from kechuangtong.calculators.reward import divided
from kechuangtong.core.clock import today
from kechuangtong.core.db import new_id
from kechuangtong.core.errors import (
    Forbidden,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
)
from kechuangtong.core.paging import CursorInvalid, Page, PageQuery, decode_cursor
from kechuangtong.events import log
from kechuangtong.lists.sight import listed_to
from kechuangtong.models import (
    Achievement,
    Attachment,
    Inventor,
    Organization,
    Ownership,
    OwnershipUnit,
)
from kechuangtong.models.attachment import AttachedTo
from kechuangtong.ownership import queries
from kechuangtong.ownership.errors import AttachmentUnknown, NoInventors, UnitUnknown, UseTooShort
from kechuangtong.ownership.schemas import (
    FloorRead,
    InventorRead,
    OwnershipPut,
    OwnershipRead,
    RewardPart,
    RewardRead,
    UnitRead,
)
from kechuangtong.policies import ownership as policy
from kechuangtong.policies import rewards

NONE_YET: frozenset[int] = frozenset({0})
"""The version that who sets an ownership first expects."""


async def put(
    session: AsyncSession,
    actor: Actor,
    achievement_id: uuid.UUID,
    values: OwnershipPut,
    *,
    expected_versions: frozenset[int] | None,
) -> OwnershipRead:
    """Set the ownership of an achievement from a day on.

    Raises NotFound, Forbidden, PreconditionRequired where there is one already and none was
    expected, PreconditionFailed, UnitUnknown, AttachmentUnknown, UseTooShort.
    """
    achievement = await achievements.get(session, actor, achievement_id, to_change=True)
    if not actor.may(Permission.ACHIEVEMENTS_WRITE, achievement.organization_id):
        raise Forbidden
    latest = await queries.latest_number(session, achievement.id)
    if expected_versions is not None and latest not in expected_versions:
        raise PreconditionRequired if expected_versions == NONE_YET else PreconditionFailed
    await _check(session, actor, achievement, values)
    shared = values.model_dump(exclude={"units", "inventors"})
    made = Ownership(
        id=new_id(),
        achievement_id=achievement.id,
        number=latest + 1,
        user_id=actor.id,
        units=[
            OwnershipUnit(position=position, **unit.model_dump())
            for position, unit in enumerate(values.units)
        ],
        inventors=[
            Inventor(position=position, **inventor.model_dump())
            for position, inventor in enumerate(values.inventors)
        ],
        **shared,
    )
    session.add(made)
    await session.flush()  # it is read with its organizations
    made = await queries.one(session, made.id)
    log.record(
        session,
        actor,
        "ownership.set",
        subject_kind="ownership",
        subject_id=made.id,
        before=None,
        after=_snapshot(made),
    )
    return show(made, achievement, actor)


async def current(
    session: AsyncSession, actor: Actor, achievement_id: uuid.UUID, on: date | None
) -> OwnershipRead:
    """The ownership that holds on a day. Raises NotFound."""
    achievement = await achievements.get(session, actor, achievement_id)
    return show(await _on(session, achievement, on), achievement, actor)


async def history(
    session: AsyncSession, actor: Actor, achievement_id: uuid.UUID, query: PageQuery
) -> Page[OwnershipRead]:
    """One page of the versions of an achievement's ownership, the last first. Raises NotFound."""
    achievement = await achievements.get(session, actor, achievement_id)
    rows = await queries.versions(
        session,
        achievement.id,
        before=None if query.cursor is None else _number(query.cursor),
        limit=query.limit,
    )
    return Page[OwnershipRead].of(
        rows,
        query.limit,
        lambda one: [str(one.number)],
        lambda one: show(one, achievement, actor),
    )


async def reward(
    session: AsyncSession,
    actor: Actor,
    achievement_id: uuid.UUID,
    amount: Decimal,
    on: date | None,
) -> RewardRead:
    """A reward divided among the persons of an ownership, for those who may see who they are, with
    the rules of the owner's region.

    Raises NotFound, Forbidden, NoInventors.
    """
    achievement = await achievements.get(session, actor, achievement_id)
    if not actor.sees(achievement.organization_id):
        raise Forbidden
    ownership = await _on(session, achievement, on)
    if not ownership.inventors:
        raise NoInventors
    on, region, paper = on or today(), achievement.organization.place, Paper()
    floor = rewards.floor(on, region)
    if floor is not None:
        paper.by(floor.rule)
        if floor.rule.region is None:
            paper.warn(*REGION_UNKNOWN)
    people = ownership.inventors
    amounts = divided(
        paper,
        amount,
        [one.contribution for one in people],
        rewards.parts(on, region),
        main=sum((one.contribution for one in people if one.main), Decimal(0)),
        office=sum((one.contribution for one in people if one.transfer_staff), Decimal(0)),
    )
    parts = [
        RewardPart(
            name=one.name,
            contribution=one.contribution,
            main=one.main,
            transfer_staff=one.transfer_staff,
            amount=yuan,
        )
        for one, yuan in zip(people, amounts, strict=True)
    ]
    return RewardRead(
        achievement_id=achievement.id,
        ownership_version=ownership.number,
        amount=amount,
        main=sum((one.amount for one in parts if one.main), Decimal(0)),
        transfer_staff=sum((one.amount for one in parts if one.transfer_staff), Decimal(0)),
        parts=parts,
        floor=None if floor is None else FloorRead.model_validate(floor),
        rules=paper.rules,
        warnings=paper.warnings,
    )


def show(ownership: Ownership, achievement: Achievement, actor: Actor) -> OwnershipRead:
    """An ownership as the actor may see it."""
    own = actor.sees(achievement.organization_id)
    return OwnershipRead(
        achievement_id=achievement.id,
        version=ownership.number,
        kind=ownership.kind,
        from_on=ownership.from_on,
        use_years=ownership.use_years,
        units=[UnitRead.model_validate(one) for one in ownership.units],
        inventors_count=len(ownership.inventors),
        inventors_share=sum((one.share for one in ownership.inventors), Decimal(0)),
        inventors=[InventorRead.model_validate(one) for one in ownership.inventors]
        if own
        else None,
        agreement=ownership.agreement if own else None,
        agreed_on=ownership.agreed_on if own else None,
        attachment_id=ownership.attachment_id if own else None,
        created_at=ownership.created_at,
    )


async def _on(session: AsyncSession, achievement: Achievement, on: date | None) -> Ownership:
    found = await queries.current(session, achievement.id, on or today())
    if found is None:
        raise NotFound
    return found


async def _check(
    session: AsyncSession, actor: Actor, achievement: Achievement, values: OwnershipPut
) -> None:
    named = [one.organization_id for one in values.units]
    known = set(
        await session.scalars(
            select(Organization.id).where(
                Organization.id.in_(named),
                Organization.merged_into_id.is_(None),
                listed_to(actor),
            )
        )
    )
    for index, organization_id in enumerate(named):
        if organization_id not in known:
            raise UnitUnknown(loc=("body", "units", index, "organization_id"))
    if values.attachment_id is not None:
        attachment = await session.get(Attachment, values.attachment_id)
        beside = (AttachedTo.ACHIEVEMENT, achievement.id)
        if attachment is None or (attachment.subject_kind, attachment.subject_id) != beside:
            raise AttachmentUnknown
    least = policy.years_of_use(values.from_on)
    if values.use_years is not None and least is not None and values.use_years < least:
        raise UseTooShort(years=least)


def _number(cursor: str) -> int:
    (number,) = decode_cursor(cursor, 1)
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise CursorInvalid
    return int(number)


def _snapshot(ownership: Ownership) -> dict[str, Any]:
    """An ownership as the log keeps it: no person's name."""
    return {
        "achievement_id": str(ownership.achievement_id),
        "version": ownership.number,
        "kind": ownership.kind.value,
        "from_on": ownership.from_on.isoformat(),
        "use_years": ownership.use_years,
        "units": [
            {"organization_id": str(one.organization_id), "share": f"{one.share:.4f}"}
            for one in ownership.units
        ],
        "inventors": len(ownership.inventors),
    }
