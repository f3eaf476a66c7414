"""Organizations: made, found, changed."""

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.changes.notes import touch
from kechuangtong.core.db import new_id, violated
from kechuangtong.core.errors import Conflict, Forbidden, Invalid, NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.language import Text
from kechuangtong.core.paging import Page, decode_id
from kechuangtong.core.text import identity
from kechuangtong.core.trade import IndexKind, ListKind, OrganizationKind
from kechuangtong.events import log
from kechuangtong.lists import naming
from kechuangtong.lists.errors import OrganizationMerged, OrganizationUnknown
from kechuangtong.lists.sight import listed_to
from kechuangtong.models import Achievement, Demand, Instrument, Organization
from kechuangtong.models.listing import ListingState
from kechuangtong.organizations.schemas import (
    OrganizationPatch,
    OrganizationQuery,
    OrganizationRead,
)
from kechuangtong.reviews.desk import readdress
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


class OrganizationUnnamed(Invalid):
    code = "organization_unnamed"
    text = Text(
        "您不是恰好代表一个单位，请用 organization_id 指明。",
        "You do not act for exactly one organization: name it by organization_id.",
    )
    place = ("body", "organization_id")


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
    after = snapshot(organization)
    record(session, actor, organization, "created", before=None, after=after)
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


async def keep(session: AsyncSession, which: ColumnElement[bool]) -> None:
    """Let none of some organizations be merged until this transaction ends. To be called before
    what is theirs is held and they are told of it: who merges them holds them first, too."""
    kept = select(Organization.id).where(which).order_by(Organization.id)
    await session.execute(kept.with_for_update(read=True, key_share=True))


async def is_listed_to(session: AsyncSession, actor: Actor, organization: Organization) -> bool:
    """Whether the actor may know that there is such an organization."""
    statement = select(Organization.id).where(Organization.id == organization.id, listed_to(actor))
    return await session.scalar(statement) is not None


async def acting_organization(
    session: AsyncSession, actor: Actor, permission: Permission, organization_id: uuid.UUID | None
) -> Organization:
    """The organization that the actor speaks for: the one that is named, else its only one.

    Raises OrganizationUnnamed, OrganizationUnknown, Forbidden.
    """
    if organization_id is None:
        if len(actor.organization_ids) != 1:
            raise OrganizationUnnamed
        (organization_id,) = actor.organization_ids
    if not actor.may(permission, organization_id):
        raise Forbidden(loc=("body", "organization_id"))
    organization = await session.get(Organization, organization_id)
    if organization is None:
        raise OrganizationUnknown(loc=("body", "organization_id"))
    return organization


async def find_organization(session: AsyncSession, text: str) -> Organization | None:
    """The organization of an id, a code or a name; of one that was merged, that which it was merged
    into. Raises OrganizationAmbiguous."""
    try:
        named = Organization.id == uuid.UUID(text)
    except ValueError:
        code = Organization.code == text.strip().upper()
        named = or_(code, Organization.name_key == name_key(text))
    ids = select(func.coalesce(Organization.merged_into_id, Organization.id)).where(named)
    found = await session.scalars(select(Organization).where(Organization.id.in_(ids)).limit(2))
    organizations = found.all()
    if len(organizations) > 1:
        raise OrganizationAmbiguous(name=text)
    return organizations[0] if organizations else None


async def list_organizations(
    session: AsyncSession, actor: Actor, query: OrganizationQuery
) -> Page[OrganizationRead]:
    """One page of those that the actor may find, newest first, without those that were merged into
    others."""
    statement = (
        select(Organization)
        .where(Organization.merged_into_id.is_(None), listed_to(actor))
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
    """Change what was given; its code, and whether its records are reviewed, administrators say.
    Raises NotFound, Forbidden, PreconditionFailed, OrganizationMerged, CodeTaken,
    NamedByAnonymousDemands."""
    organization = await get_organization(session, actor, organization_id, to_change=True)
    if not actor.may(Permission.ORGANIZATIONS_WRITE, organization_id):
        raise Forbidden
    if "review" in values.model_fields_set and not actor.above_review:
        raise Forbidden(loc=("body", "review"))
    check_version(organization, expected_versions)
    if organization.merged_into_id is not None:
        raise OrganizationMerged(loc=("path", "organization_id"))
    before = snapshot(organization)
    # It says who an organization is, and whom a registration of the same code joins.
    new_code = "code" in values.model_fields_set and values.code != organization.code
    if new_code and not actor.administrator:
        raise Forbidden(loc=("body", "code"))
    for name in values.model_fields_set:
        setattr(organization, name, getattr(values, name))
    organization.name_key = name_key(organization.name)
    await _store(session, organization)
    after = snapshot(organization)
    if after != before:
        await check_anonymous_demands(session, organization)
        record(session, actor, organization, "changed", before=before, after=after)
        await mark_records(session, organization_id)
        await readdress(session, organization)
    return organization


async def _store(session: AsyncSession, organization: Organization) -> None:
    session.add(organization)
    try:
        await session.flush()  # the code's uniqueness is the database's to say
    except IntegrityError as error:
        if violated(error) == "uq_organizations_code":
            raise CodeTaken from error
        raise


async def check_anonymous_demands(session: AsyncSession, organization: Organization) -> None:
    """Raises NamedByAnonymousDemands where published ones of its own name the organization."""
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


async def mark_records(session: AsyncSession, organization_id: uuid.UUID) -> None:
    """Mark what an organization has in both lists, and its instruments: the index, and what mirrors
    the lists, hold its name with each."""
    for kind, model in ((ListKind.ACHIEVEMENT, Achievement), (ListKind.DEMAND, Demand)):
        ids = await session.scalars(
            select(model.id).where(model.organization_id == organization_id)
        )
        found = ids.all()
        await mark(session, kind, found)
        touch(session, kind, found)
    instruments = await session.scalars(
        select(Instrument.id).where(Instrument.organization_id == organization_id)
    )
    await mark(session, IndexKind.INSTRUMENT, instruments.all())


def snapshot(organization: Organization) -> dict[str, object]:
    """An organization as the log shows it."""
    return OrganizationRead.model_validate(organization).model_dump(mode="json")


def record(
    session: AsyncSession,
    actor: Actor,
    organization: Organization,
    what: str,
    *,
    before: dict[str, object] | None,
    after: dict[str, object],
) -> None:
    """Note what became of an organization."""
    log.record(
        session,
        actor,
        f"organization.{what}",
        subject_kind="organization",
        subject_id=organization.id,
        before=before,
        after=after,
    )
