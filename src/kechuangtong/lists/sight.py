"""Who may know of a record what not everyone sees: its contact, and whose an anonymous one is.

Both are shown to the organization's own people, to those who see everything, and to organizations
introduced to each other for the record; the enterprise of an anonymous demand also to the
reviewers of its district.
What a query was not asked to tell is not known, so what forgets to ask hides.
"""

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, exists, false, or_, select, true
from sqlalchemy.orm import joinedload, with_expression

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import PlatformRole
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.lists.schemas import ListingRead
from kechuangtong.models import Achievement, Demand, Instrument, Introduction, Organization
from kechuangtong.models.instrument import InstrumentState
from kechuangtong.models.listing import ListingState
from kechuangtong.reviews.queries import of_district

R = TypeVar("R", Achievement, Demand)
Read = TypeVar("Read", bound=ListingRead)


def as_seen_by(actor: Actor, model: type[R], statement: Select[R]) -> Select[R]:
    """Records with their organizations, and whether the actor was introduced for them."""
    told = with_expression(model.introduced, introduced(actor, model))
    # One session may ask for several actors: the answer is always that of the last question.
    return statement.options(
        joinedload(model.organization, innerjoin=True), told
    ).execution_options(populate_existing=True)


def show(schema: type[Read], record: Achievement | Demand, actor: Actor) -> Read:
    """A record as the actor may see it."""
    shown = schema.model_validate(record)
    if not knows_contact(actor, record):
        shown.contact = None
    if not knows_owner(actor, record):
        shown.organization = shown.number = None
    return shown


def introduced(actor: Actor, model: type[R]) -> ColumnElement[bool]:
    """Whether one of the actor's organizations was introduced for a record."""
    if not actor.organization_ids:
        return false()
    record_id: Any = Introduction.demand_id if model is Demand else Introduction.achievement_id
    mine = actor.organization_ids
    return exists().where(
        record_id == model.id,
        or_(Introduction.organization_id.in_(mine), Introduction.owner_id.in_(mine)),
    )


def knows_contact(actor: Actor, record: Achievement | Demand) -> bool:
    """Whether a record's contact is shown to the actor."""
    return actor.sees(record.organization_id) or bool(record.introduced)


def knows_owner(actor: Actor, record: Achievement | Demand) -> bool:
    """Whether the organization of a record is shown to the actor."""
    if isinstance(record, Achievement) or not record.anonymous or knows_contact(actor, record):
        return True
    place = record.organization.place or ""
    return actor.platform_role is PlatformRole.REVIEWER and (actor.district or "") in place


def owner_known(actor: Actor, model: type[R]) -> ColumnElement[bool]:
    """As `knows_owner`, as a condition."""
    if model is Achievement or actor.sees_all:
        return true()
    known = [
        ~Demand.anonymous,
        Demand.organization_id.in_(actor.organization_ids),
        introduced(actor, model),
    ]
    if actor.platform_role is PlatformRole.REVIEWER:
        here = select(Organization.id).where(of_district(actor, Organization.place))
        known.append(Demand.organization_id.in_(here))
    return or_(*known)


def listed_to(actor: Actor) -> ColumnElement[bool]:
    """Organizations that the actor may find. An enterprise is found once something is published in
    its name: one that only has anonymous demands must not stand in a list beside them, nor vanish
    from it when it makes one."""
    if actor.sees_all or actor.platform_role is PlatformRole.REVIEWER:
        return true()
    mine = actor.organization_ids
    of_achievement = exists().where(
        Achievement.organization_id == Organization.id,
        Achievement.stored_state == ListingState.PUBLISHED,
    )
    of_demand = exists().where(
        Demand.organization_id == Organization.id,
        Demand.stored_state == ListingState.PUBLISHED,
        ~Demand.anonymous,
    )
    of_instrument = exists().where(
        Instrument.organization_id == Organization.id,
        Instrument.state == InstrumentState.PUBLISHED,
    )
    met = exists().where(
        or_(
            Introduction.organization_id.in_(mine) & (Introduction.owner_id == Organization.id),
            Introduction.owner_id.in_(mine) & (Introduction.organization_id == Organization.id),
        )
    )
    return or_(
        Organization.kind != OrganizationKind.ENTERPRISE,
        Organization.id.in_(mine),
        met,
        of_achievement,
        of_demand,
        of_instrument,
    )
