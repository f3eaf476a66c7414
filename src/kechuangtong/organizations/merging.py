"""Merging (合并) one organization into another: all that is the one's becomes the other's."""

import uuid
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Table,
    case,
    exists,
    false,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Role
from kechuangtong.contracts import merging as contracts
from kechuangtong.core.clock import now
from kechuangtong.core.errors import Conflict, Invalid
from kechuangtong.core.http import check_version
from kechuangtong.core.language import Text
from kechuangtong.lists.errors import OrganizationMerged, OrganizationUnknown
from kechuangtong.models import (
    Achievement,
    Attachment,
    AttachmentGrant,
    Base,
    Deal,
    DealParty,
    Demand,
    Instrument,
    Interest,
    Membership,
    Organization,
    Sale,
    SaleEntrant,
    ServiceProfile,
)
from kechuangtong.models.sale import SaleState
from kechuangtong.organizations.service import (
    check_anonymous_demands,
    get_organization,
    mark_records,
    record,
    snapshot,
)
from kechuangtong.reviews.desk import readdress

_NAMED: Final = 20  # so many records in a refusal


class MergedIntoItself(Invalid):
    code = "merged_into_itself"
    text = Text("不能并入自身。", "An organization cannot be merged into itself.")
    place = ("body", "into")


class CodesDiffer(Conflict):
    code = "codes_differ"
    text = Text(
        "两个单位的统一社会信用代码不同（{one}、{other}），不是同一单位。",
        "The two have different codes ({one}, {other}), so they are not the same.",
    )
    place = ("body", "into")


class RecordsConflict(Conflict):
    code = "records_conflict"
    text = Text(
        "两个单位的清单中有编号或名称相同的记录：{titles}。",
        "Both have records with the same number or title: {titles}.",
    )
    place = ("body", "into")


class OnBothSides(Conflict):
    code = "on_both_sides"
    text = Text(
        "两个单位是以下交易或出让的双方，不是同一单位：{titles}。",
        "The two are the two sides of deals or sales, so they are not the same: {titles}.",
    )
    place = ("body", "into")


def references() -> list[Column[Any]]:
    """All columns that refer to an organization."""
    return [
        column
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if any(key.column is Organization.__table__.c.id for key in column.foreign_keys)
    ]


async def merge(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    *,
    into: uuid.UUID,
    expected_versions: frozenset[int] | None,
) -> Organization:
    """Move all that refers to an organization to another, which is returned; the one stays as a
    name of the other. Raises NotFound, PreconditionFailed, MergedIntoItself, OrganizationUnknown,
    OrganizationMerged, CodesDiffer, RecordsConflict, OnBothSides, NamedByAnonymousDemands."""
    if into == organization_id:
        raise MergedIntoItself
    # In one order, so that two mergings never wait for each other; and nobody adds to either.
    held = select(Organization).where(Organization.id.in_([organization_id, into]))
    await session.scalars(held.order_by(Organization.id).with_for_update())
    one = await get_organization(session, actor, organization_id)
    target = await session.get(Organization, into)
    if target is None:
        raise OrganizationUnknown(loc=("body", "into"))
    check_version(one, expected_versions)
    if one.merged_into_id is not None:
        raise OrganizationMerged(loc=("path", "organization_id"))
    if target.merged_into_id is not None:
        raise OrganizationMerged(loc=("body", "into"))
    if one.code is not None and target.code is not None:
        raise CodesDiffer(one=one.code, other=target.code)
    await _check_records(session, one, target)
    await _check_sales(session, one, target)

    before, before_target = snapshot(one), snapshot(target)
    await _join_people(session, one, target)
    await _join_grants(session, one, target)
    await _join_profiles(session, one, target)
    await _join_deals(session, one, target)
    await contracts.rename(session, one.id, target.id)
    for column in references():
        await _move(session, column, one.id, target.id)
    code = one.code
    one.code, one.merged_into_id = None, target.id
    await session.flush()  # the code is free before the other takes it
    target.code = target.code or code
    target.updated_at = now()  # also where it has nothing new itself
    await session.flush()  # the log shows both as they are stored
    await check_anonymous_demands(session, target)
    await readdress(session, target)
    await mark_records(session, target.id)
    record(session, actor, one, "merged", before=before, after=snapshot(one))
    record(session, actor, target, "joined", before=before_target, after=snapshot(target))
    return target


async def _check_records(session: AsyncSession, one: Organization, target: Organization) -> None:
    titles: list[str] = []
    for model in (Achievement, Demand):
        there = select(model.identity).where(model.organization_id == target.id)
        statement = select(model.title).where(
            model.organization_id == one.id, model.identity.in_(there)
        )
        titles += await session.scalars(statement.order_by(model.id))
    numbers = select(Instrument.number).where(Instrument.organization_id == target.id)
    same = Instrument.organization_id == one.id, Instrument.number.in_(numbers)
    titles += await session.scalars(select(Instrument.name).where(*same).order_by(Instrument.id))
    if titles:
        more = "…" if len(titles) > _NAMED else ""
        raise RecordsConflict(titles="; ".join(titles[:_NAMED]) + more)


async def _check_sales(session: AsyncSession, one: Organization, target: Organization) -> None:
    """Nobody sells to itself, nor bids in its own auction."""
    over = (SaleState.FAILED, SaleState.WITHDRAWN)
    both = [
        (Sale.organization_id == seller.id)
        & or_(
            Sale.buyer_id == other.id,
            exists().where(SaleEntrant.sale_id == Sale.id, SaleEntrant.organization_id == other.id),
        )
        for seller, other in ((one, target), (target, one))
    ]
    titles = await session.scalars(
        select(Sale.title)
        .where(Sale.stored_state.not_in(over), or_(*both))
        .order_by(Sale.id)
        .limit(_NAMED)
    )
    if named := titles.all():
        raise OnBothSides(titles="; ".join(named))


async def _join_people(session: AsyncSession, one: Organization, target: Organization) -> None:
    """Of who belongs to both, the higher role stays."""
    ranks = list(Role)
    own = await session.scalars(select(Membership).where(Membership.organization_id == one.id))
    for membership in own.all():
        other = await session.get(Membership, (membership.user_id, target.id))
        if other is not None:
            other.role = max(other.role, membership.role, key=ranks.index)
            await session.delete(membership)
    await session.flush()  # what is moved next is moved by statement


async def _join_grants(session: AsyncSession, one: Organization, target: Organization) -> None:
    """Who was let in twice is let in once."""
    twice = select(AttachmentGrant.attachment_id).where(
        AttachmentGrant.organization_id == target.id
    )
    grants = await session.scalars(
        select(AttachmentGrant).where(
            AttachmentGrant.organization_id == one.id, AttachmentGrant.attachment_id.in_(twice)
        )
    )
    for grant in grants.all():
        await session.delete(grant)
    await session.flush()  # what is moved next is moved by statement


async def _join_profiles(session: AsyncSession, one: Organization, target: Organization) -> None:
    """Of two that offer services, what the other says stays; it is a member of the alliance
    (联盟) where either is."""
    profiles = await session.scalars(
        select(ServiceProfile).where(ServiceProfile.organization_id.in_([one.id, target.id]))
    )
    by_organization = {profile.organization_id: profile for profile in profiles}
    if len(by_organization) < 2:
        return
    own, kept = by_organization[one.id], by_organization[target.id]
    if kept.standing is None:
        kept.standing, kept.member_since = own.standing, own.member_since
        kept.membership_state = own.membership_state
    await session.delete(own)
    await session.flush()  # what is moved next is moved by statement


async def _join_deals(session: AsyncSession, one: Organization, target: Organization) -> None:
    """Who takes part in a deal twice does so once, in the better place."""
    own = select(DealParty.deal_id).where(DealParty.organization_id == one.id)
    # Held, so that no step is taken meanwhile; its parties are shown otherwise from now on.
    statement = select(Deal).where(Deal.id.in_(own)).order_by(Deal.id).with_for_update()
    deals = (await session.scalars(statement.options(selectinload(Deal.parties)))).all()
    opposed: list[str] = []
    for deal in deals:
        deal.updated_at = now()
        parties = {party.organization_id: party for party in deal.parties}
        leaves, stays = parties[one.id], parties.get(target.id)
        if stays is None:
            continue
        if stays.side is not leaves.side:
            opposed.append(deal.title)
            continue
        stays.position = min(stays.position, leaves.position)
        await session.delete(leaves)
    if opposed:
        raise OnBothSides(titles="; ".join(opposed[:_NAMED]))
    await session.flush()  # what is moved next is moved by statement


def _told(table: Table, column: Column[Any]) -> ColumnElement[bool]:
    """Where it is told whose things are. Of others the very time of a mergence would tell it."""
    if table is Attachment.__table__:
        return false()
    if table is Sale.__table__ and column is not Sale.__table__.c.organization_id:
        return false()  # who buys
    if table is Demand.__table__:
        return ~Demand.anonymous
    if table is Interest.__table__:
        return ~exists().where(Demand.id == Interest.demand_id, Demand.anonymous)
    return true()


async def _move(
    session: AsyncSession, column: Column[Any], from_id: uuid.UUID, to_id: uuid.UUID
) -> None:
    table = column.table
    assert isinstance(table, Table)
    values: dict[str, Any] = {column.name: to_id}
    if "version" in table.columns:  # it is shown otherwise now, and whoever has read it must again
        version, updated_at = table.columns.version, table.columns.updated_at
        told = _told(table, column)
        values |= {
            "version": case((told, version + 1), else_=version),
            "updated_at": case((told, now()), else_=updated_at),
        }
    await session.execute(update(table).where(column == from_id).values(values))
