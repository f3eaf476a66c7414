"""Service institutions (科技服务机构), and the members of the alliance (联盟) among them."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import String, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.brokers.institution_schemas import (
    AllianceMembership,
    AllianceMembershipRead,
    InstitutionQuery,
    InstitutionRead,
    ProfileWrite,
)
from kechuangtong.brokers.queries import folded, keys, practising
from kechuangtong.core.db import new_id
from kechuangtong.core.errors import Forbidden, NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.paging import Page, decode_id
from kechuangtong.core.text import identity
from kechuangtong.events import log
from kechuangtong.lists.errors import OrganizationMerged
from kechuangtong.lists.schemas import OrganizationBrief
from kechuangtong.lists.sight import listed_to
from kechuangtong.models import Broker, Organization, ServiceProfile
from kechuangtong.models.broker import MembershipState
from kechuangtong.organizations.service import get_organization

_SHOWN: Final = joinedload(ServiceProfile.organization, innerjoin=True)


async def page(
    session: AsyncSession, actor: Actor, query: InstitutionQuery
) -> Page[InstitutionRead]:
    """One page of the directory, newest first."""
    statement = (
        select(ServiceProfile)
        .join(ServiceProfile.organization)
        .where(listed_to(actor))
        .options(_SHOWN)
        .order_by(ServiceProfile.id.desc())
        .limit(query.limit + 1)
    )
    for word in (query.q or "").split():
        named = identity(word)
        statement = statement.where(
            or_(
                ServiceProfile.text_key.contains(named, autoescape=True),
                Organization.name_key.contains(named, autoescape=True),
            )
        )
    if query.service is not None:
        offered = cast(ServiceProfile.services, String)
        statement = statement.where(offered.contains(f'"{query.service.value}"'))
    if query.place is not None:
        statement = statement.where(
            or_(
                ServiceProfile.places_key.contains(identity(query.place), autoescape=True),
                Organization.place.contains(query.place, autoescape=True),
            )
        )
    if query.standing is not None:
        statement = statement.where(
            ServiceProfile.standing == query.standing,
            ServiceProfile.membership_state == MembershipState.ACTIVE,
        )
    if query.cursor is not None:
        statement = statement.where(ServiceProfile.id < decode_id(query.cursor))
    rows: Sequence[ServiceProfile] = (await session.scalars(statement)).all()
    counts = await _brokers(session, [one.organization_id for one in rows])
    return Page[InstitutionRead].of(
        rows,
        query.limit,
        lambda one: [str(one.id)],
        lambda one: _shown(one, counts.get(one.organization_id, 0)),
    )


async def get(session: AsyncSession, actor: Actor, organization_id: uuid.UUID) -> InstitutionRead:
    """What an organization offers. Raises NotFound where it offers nothing."""
    await get_organization(session, actor, organization_id)
    profile = await _profile(session, organization_id)
    if profile is None:
        raise NotFound
    return await show(session, profile)


async def write(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    body: ProfileWrite,
    *,
    expected_versions: frozenset[int] | None,
) -> ServiceProfile:
    """Say what an organization offers; the first time nothing was read before, so the version must
    be any. Raises NotFound, Forbidden, PreconditionFailed, OrganizationMerged."""
    organization = await _organization(session, actor, organization_id)
    if not actor.may(Permission.BROKERS_WRITE, organization_id):
        raise Forbidden
    profile = await _profile(session, organization_id)
    before = None
    if profile is None:
        profile = ServiceProfile(
            id=new_id(), organization=organization, organization_id=organization_id
        )
        session.add(profile)
    else:
        check_version(profile, expected_versions)
        before = _snapshot(profile)
    profile.services = [one.value for one in body.services]
    profile.description, profile.fields, profile.places = body.description, body.fields, body.places
    profile.text_key = folded(*body.fields, body.description)
    profile.places_key = keys(body.places)
    await session.flush()  # the log shows its new version
    _log(session, actor, profile, "written", before)
    return profile


async def admit(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    body: AllianceMembership,
    *,
    expected_versions: frozenset[int] | None,
) -> ServiceProfile:
    """Set an institution's place in the alliance; administrators alone.

    Raises NotFound, Forbidden, PreconditionFailed.
    """
    profile = await _of_alliance(session, actor, organization_id, expected_versions)
    before = _snapshot(profile)
    profile.standing, profile.member_since = body.standing, body.since
    profile.membership_state = body.state
    await session.flush()  # the log shows its new version
    _log(session, actor, profile, "admitted", before)
    return profile


async def dismiss(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    *,
    expected_versions: frozenset[int] | None,
) -> None:
    """End an institution's membership. Raises NotFound, Forbidden, PreconditionFailed."""
    profile = await _of_alliance(session, actor, organization_id, expected_versions)
    before = _snapshot(profile)
    profile.standing = profile.member_since = profile.membership_state = None
    await session.flush()  # the log shows its new version
    _log(session, actor, profile, "dismissed", before)


async def show(session: AsyncSession, profile: ServiceProfile) -> InstitutionRead:
    """An institution with the number of its brokers."""
    counts = await _brokers(session, [profile.organization_id])
    return _shown(profile, counts.get(profile.organization_id, 0))


async def _organization(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID
) -> Organization:
    """An organization that nobody else changes, so its profile is written by one at a time."""
    organization = await get_organization(session, actor, organization_id, to_change=True)
    if organization.merged_into_id is not None:
        raise OrganizationMerged(loc=("path", "organization_id"))
    return organization


async def _of_alliance(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    expected_versions: frozenset[int] | None,
) -> ServiceProfile:
    await _organization(session, actor, organization_id)
    profile = await _profile(session, organization_id)
    if profile is None:
        raise NotFound
    if not (actor.administrator and actor.in_scope(Permission.BROKERS_WRITE)):
        raise Forbidden
    check_version(profile, expected_versions)
    return profile


async def _profile(session: AsyncSession, organization_id: uuid.UUID) -> ServiceProfile | None:
    return await session.scalar(
        select(ServiceProfile)
        .where(ServiceProfile.organization_id == organization_id)
        .options(_SHOWN)
    )


async def _brokers(
    session: AsyncSession, organization_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, int]:
    rows = await session.execute(
        select(Broker.organization_id, func.count())
        .where(Broker.organization_id.in_(organization_ids), practising())
        .group_by(Broker.organization_id)
    )
    return dict(iter(rows))


def _shown(profile: ServiceProfile, brokers: int) -> InstitutionRead:
    membership = None
    if profile.standing is not None:
        assert profile.member_since is not None
        assert profile.membership_state is not None
        membership = AllianceMembershipRead(
            standing=profile.standing,
            since=profile.member_since,
            state=profile.membership_state,
        )
    return InstitutionRead.model_validate(
        {
            "organization": OrganizationBrief.model_validate(profile.organization),
            "place": profile.organization.place,
            "services": profile.services,
            "description": profile.description,
            "fields": profile.fields,
            "places": profile.places,
            "membership": membership,
            "brokers": brokers,
            "updated_at": profile.updated_at,
            "version": profile.version,
        }
    )


def _snapshot(profile: ServiceProfile) -> dict[str, Any]:
    """A profile as the log keeps it."""
    since, state = profile.member_since, profile.membership_state
    return {
        "services": profile.services,
        "description": profile.description,
        "fields": profile.fields,
        "places": profile.places,
        "standing": None if profile.standing is None else profile.standing.value,
        "member_since": None if since is None else since.isoformat(),
        "membership_state": None if state is None else state.value,
        "version": profile.version,
    }


def _log(
    session: AsyncSession,
    actor: Actor,
    profile: ServiceProfile,
    what: str,
    before: dict[str, Any] | None,
) -> None:
    log.record(
        session,
        actor,
        f"service_institution.{what}",
        subject_kind="organization",
        subject_id=profile.organization_id,
        before=before,
        after=_snapshot(profile),
    )
