"""Objections (异议) to a price that was agreed and made public."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.core.errors import NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.paging import Page, PageQuery
from kechuangtong.inbox import service as inbox
from kechuangtong.lists.schemas import OrganizationBrief
from kechuangtong.models import Sale, SaleObjection
from kechuangtong.models.notice import NoticeKind
from kechuangtong.models.sale import FailReason, Outcome, SaleWay
from kechuangtong.organizations.service import acting_organization
from kechuangtong.sales import deals, queries, service
from kechuangtong.sales.errors import NotBegun, ObjectionDecided, ObjectorUnasked
from kechuangtong.sales.moving import (
    check,
    held,
    held_by_owner,
    move,
    record,
    settle_notices,
    snapshot,
    tell,
    tell_others,
)
from kechuangtong.sales.schemas import ObjectionCreate, ObjectionDecision, ObjectionRead
from kechuangtong.sales.states import Action


async def object_to(
    session: AsyncSession, actor: Actor, sale_id: uuid.UUID, body: ObjectionCreate
) -> SaleObjection:
    """Object to the price while it is on notice; the owner notes what others tell it.

    Raises NotFound, Forbidden, OrganizationUnnamed, ObjectorUnasked, WrongWay, WrongSaleState,
    NotBegun.
    """
    sale = await held(session, actor, sale_id)
    organization = await acting_organization(
        session, actor, Permission.DEALS_WRITE, body.organization_id
    )
    if body.objector is not None and organization.id != sale.organization_id:
        raise ObjectorUnasked
    check(sale, Action.OBJECT, SaleWay.AGREEMENT)
    if service.to_begin(sale):
        raise NotBegun
    before = snapshot(sale)
    made = SaleObjection(
        id=new_id(),
        sale_id=sale.id,
        organization_id=organization.id,
        organization=organization,
        user_id=actor.id,
        objector=body.objector,
        text=body.text,
        created_at=now(),
    )
    session.add(made)
    move(sale, Action.OBJECT)
    await session.flush()  # the log shows the new version
    await tell(
        session,
        sale,
        sale.organization_id,
        NoticeKind.SALE_OBJECTED,
        of=made.id,
        waiting=True,
        organization=body.objector or organization.name,
    )
    record(session, actor, sale, "objected", before=before)
    return made


async def decide(
    session: AsyncSession,
    actor: Actor,
    sale_id: uuid.UUID,
    objection_id: uuid.UUID,
    body: ObjectionDecision,
    *,
    expected_versions: frozenset[int] | None,
) -> Sale:
    """Decide an objection; one that is upheld ends the sale.

    Raises NotFound, Forbidden, PreconditionFailed, ObjectionDecided, WrongSaleState.
    """
    sale = await held_by_owner(session, actor, sale_id)
    objection = await session.get(SaleObjection, objection_id)
    if objection is None or objection.sale_id != sale.id:
        raise NotFound
    check_version(sale, expected_versions)
    if objection.outcome is not None:
        raise ObjectionDecided
    before = snapshot(sale)
    upheld = body.outcome is Outcome.UPHELD
    move(sale, Action.UPHOLD if upheld else Action.DISMISS)
    objection.outcome, objection.answer = body.outcome, body.answer
    objection.decided_at = now()
    if upheld:
        sale.stored_fail_reason = FailReason.OBJECTION_UPHELD
        await deals.objected(session, actor, sale, body.answer)
    await session.flush()  # the log shows the new version
    if upheld:
        await settle_notices(session, sale)
        await tell_others(session, sale, NoticeKind.SALE_LOST, but=objection.organization_id)
    elif not await queries.open_objections(session, sale.id):
        await inbox.settle(session, NoticeKind.SALE_OBJECTED, [sale.id])
    if objection.organization_id != sale.organization_id:
        await tell(
            session,
            sale,
            objection.organization_id,
            NoticeKind.SALE_OBJECTION_DECIDED,
            of=objection.id,
            comment=body.answer,
        )
    record(session, actor, sale, f"objection_{body.outcome.value}", before=before)
    return sale


async def objections(
    session: AsyncSession, actor: Actor, sale_id: uuid.UUID, query: PageQuery
) -> Page[ObjectionRead]:
    """One page of a sale's objections: all to its owner, else one's own. Raises NotFound."""
    sale = await service.get(session, actor, sale_id)
    own = None if actor.sees(sale.organization_id) else actor.organization_ids
    rows = await queries.objections_page(session, sale.id, own, query)
    return Page[ObjectionRead].of(rows, query.limit, lambda one: [str(one.id)], show_objection)


def show_objection(one: SaleObjection) -> ObjectionRead:
    """An objection as who made it and the owner see it."""
    return ObjectionRead(
        id=one.id,
        organization=OrganizationBrief.model_validate(one.organization),
        objector=one.objector,
        text=one.text,
        outcome=one.outcome,
        answer=one.answer,
        decided_at=one.decided_at,
        created_at=one.created_at,
    )
