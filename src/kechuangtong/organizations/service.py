"""Organizations: made, found, changed."""

import uuid
from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.db import new_id, violated
from kechuangtong.core.errors import Conflict, Forbidden, NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.language import Text
from kechuangtong.core.paging import Page, decode_id
from kechuangtong.core.text import identity
from kechuangtong.core.trade import ListKind, OrganizationKind
from kechuangtong.events import log
from kechuangtong.lists import naming
from kechuangtong.lists.sight import listed_to
from kechuangtong.models import Achievement, Demand, Organization
from kechuangtong.models.listing import ListingState
from kechuangtong.organizations.schemas import (
    OrganizationPatch,
    OrganizationQuery,
    OrganizationRead,
)
from kechuangtong.search.marks import mark


class CodeTaken(Conflict):
    code = "organization_exists"
    text = Text("该统一社会信用代码已登记。", "An organization with this code exists already.")
    place = ("body", "code")


class NamedByAnonymousDemands(Conflict):
    code = "named_by_anonymous_demands"
    text = Text(
        "有 {count} 条已发布的匿名需求写有新的名称或代码，请先改写或撤回。",
        "Published anonymous demands hold the new name or code: {count}; change or withdraw them "
        "first.",
    )
    place = ("body", "name")


class OrganizationAmbiguous(Conflict):
    code = "organization_ambiguous"
    text = Text(
        "有多个单位名为“{name}”，请用统一社会信用代码指明。",
        'Several organizations are named "{name}"; name it by its code.',
    )
    place = ("body", "organization")


def name_key(name: str) -> str:
    """A name as it is looked up: folding can lengthen it, so it is bounded."""
    return identity(name)[:400]


async def create_organization(
    session: AsyncSession,
    actor: Actor,
    *,
    name: str,
    kind: OrganizationKind,
    code: str | None = None,
    place: str | None = None,
    organization_id: uuid.UUID | None = None,
) -> Organization:
    """A new organization. `code` must have been checked. Raises CodeTaken."""
    organization = Organization(
        id=organization_id or new_id(),
        name=name,
        name_key=name_key(name),
        kind=kind,
        code=code,
        place=place,
    )
    await _store(session, organization)
    after = _snapshot(organization)
    _log(session, actor, organization, "created", before=None, after=after)
    return organization


async def get_organization(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, *, to_change: bool = False
) -> Organization:
    """Raises NotFound. Who gets it to change it waits for whoever is changing it."""
    statement = select(Organization).where(Organization.id == organization_id, listed_to(actor))
    organization = await session.scalar(statement.with_for_update() if to_change else statement)
    if organization is None:
        raise NotFound
    return organization


async def find_organization(session: AsyncSession, text: str) -> Organization | None:
    """The organization of an id, a code or a name. Raises OrganizationAmbiguous."""
    try:
        return await session.get(Organization, uuid.UUID(text))
    except ValueError:
        pass
    found = await session.scalars(
        select(Organization)
        .where(
            or_(Organization.code == text.strip().upper(), Organization.name_key == name_key(text))
        )
        .limit(2)
    )
    organizations = found.all()
    if len(organizations) > 1:
        raise OrganizationAmbiguous(name=text)
    return organizations[0] if organizations else None


async def list_organizations(
    session: AsyncSession, actor: Actor, query: OrganizationQuery
) -> Page[OrganizationRead]:
    """One page of those that the actor may find, newest first."""
    statement = (
        select(Organization)
        .where(listed_to(actor))
        .order_by(Organization.id.desc())
        .limit(query.limit + 1)
    )
    if query.kind is not None:
        statement = statement.where(Organization.kind == query.kind)
    if query.code is not None:
        statement = statement.where(Organization.code == query.code.upper())
    if query.name is not None:
        statement = statement.where(
            Organization.name_key.contains(name_key(query.name), autoescape=True)
        )
    if query.cursor is not None:
        statement = statement.where(Organization.id < decode_id(query.cursor))
    rows: Sequence[Organization] = (await session.scalars(statement)).all()
    return Page[OrganizationRead].of(
        rows, query.limit, lambda row: [str(row.id)], OrganizationRead.model_validate
    )


async def change_organization(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    *,
    values: OrganizationPatch,
    expected_versions: frozenset[int] | None,
) -> Organization:
    """Change what was given. Raises NotFound, Forbidden, PreconditionFailed, CodeTaken,
    NamedByAnonymousDemands."""
    organization = await get_organization(session, actor, organization_id, to_change=True)
    if not actor.may(Permission.ORGANIZATIONS_WRITE, organization_id):
        raise Forbidden
    check_version(organization, expected_versions)
    before = _snapshot(organization)
    for name in values.model_fields_set:
        setattr(organization, name, getattr(values, name))
    organization.name_key = name_key(organization.name)
    await _store(session, organization)
    after = _snapshot(organization)
    if after != before:
        await _check_anonymous_demands(session, organization)
        _log(session, actor, organization, "changed", before=before, after=after)
        await _mark_records(session, organization_id)
    return organization


async def _store(session: AsyncSession, organization: Organization) -> None:
    session.add(organization)
    try:
        await session.flush()  # the code's uniqueness is the database's to say
    except IntegrityError as error:
        if violated(error) == "uq_organizations_code":
            raise CodeTaken from error
        raise


async def _check_anonymous_demands(session: AsyncSession, organization: Organization) -> None:
    published = await session.scalars(
        select(Demand).where(
            Demand.organization_id == organization.id,
            Demand.anonymous,
            Demand.stored_state == ListingState.PUBLISHED,
        )
    )
    demands = published.all()
    files = await naming.attachment_names(session, [one.id for one in demands])
    known_by = naming.forms(organization.name, organization.code)
    naming_it = [
        one
        for one in demands
        if naming.naming_field(known_by, naming.texts_of(one) | {naming.ATTACHMENTS: files[one.id]})
    ]
    if naming_it:
        raise NamedByAnonymousDemands(count=len(naming_it))


async def _mark_records(session: AsyncSession, organization_id: uuid.UUID) -> None:
    # The index holds the organization's name with each of its records.
    for kind, model in ((ListKind.ACHIEVEMENT, Achievement), (ListKind.DEMAND, Demand)):
        ids = await session.scalars(
            select(model.id).where(model.organization_id == organization_id)
        )
        await mark(session, kind, ids)


def _snapshot(organization: Organization) -> dict[str, object]:
    return OrganizationRead.model_validate(organization).model_dump(mode="json")


def _log(
    session: AsyncSession,
    actor: Actor,
    organization: Organization,
    what: str,
    *,
    before: dict[str, object] | None,
    after: dict[str, object],
) -> None:
    log.record(
        session,
        actor,
        f"organization.{what}",
        subject_kind="organization",
        subject_id=organization.id,
        before=before,
        after=after,
    )
