"""What every use case of a sale begins and ends with: getting it alone, moving it, telling."""

import uuid
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import OPERATOR, Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import now
from kechuangtong.core.errors import Forbidden, NotFound
from kechuangtong.events import log
from kechuangtong.inbox import service as inbox
from kechuangtong.models import Sale
from kechuangtong.models.notice import NoticeKind
from kechuangtong.models.sale import SaleState, SaleWay
from kechuangtong.sales import queries
from kechuangtong.sales.errors import WrongSaleState, WrongWay
from kechuangtong.sales.states import TRANSITIONS, Action


async def held(session: AsyncSession, actor: Actor, sale_id: uuid.UUID) -> Sale:
    """A sale to change, alone with it; one whose time is over is closed first. Raises NotFound."""
    sale = await queries.sale(session, actor, sale_id, to_change=True)
    if sale is None:
        raise NotFound
    await settle(session, sale)
    return sale


async def held_by_owner(session: AsyncSession, actor: Actor, sale_id: uuid.UUID) -> Sale:
    """As `held`, for those who act for the owner. Raises NotFound, Forbidden."""
    sale = await held(session, actor, sale_id)
    if not actor.may(Permission.DEALS_WRITE, sale.organization_id):
        raise Forbidden
    return sale


def check(sale: Sale, action: Action, *ways: SaleWay) -> None:
    """Raises WrongWay, WrongSaleState where this may not be done to a sale."""
    if ways and sale.way not in ways:
        raise WrongWay(way=sale.way.value, action=action.value)
    if action not in TRANSITIONS[sale.state]:
        raise WrongSaleState(state=sale.state.value, action=action.value)


def move(sale: Sale, action: Action) -> None:
    """Move a sale on. Raises WrongSaleState."""
    check(sale, action)
    sale.stored_state = TRANSITIONS[sale.stored_state][action]
    sale.updated_at = now()  # what is done beside it is a change of it, too
    if sale.stored_state in (SaleState.AWARDED, SaleState.FAILED, SaleState.WITHDRAWN):
        sale.ended_at = now()


async def settle(session: AsyncSession, sale: Sale) -> bool:
    """Store what time has done to a sale, and tell of it; whether there was anything."""
    if not sale.over:
        return False
    before, reason = snapshot(sale), sale.in_vain
    action = Action.CLOSE if reason is None else Action.FAIL
    sale.stored_state = TRANSITIONS[sale.stored_state][action]
    sale.stored_fail_reason = reason
    sale.updated_at = now()
    if reason is not None:
        sale.ended_at = sale.closes_at
    await session.flush()  # the log shows the new version
    if reason is None:
        await tell(
            session,
            sale,
            sale.organization_id,
            NoticeKind.SALE_CLOSED,
            waiting=True,
            amount=f"{sale.standing:.2f}",
        )
    else:
        await tell(session, sale, sale.organization_id, NoticeKind.SALE_FAILED)
        await tell_others(session, sale, NoticeKind.SALE_LOST)
    record(session, OPERATOR, sale, sale.stored_state.value, before=before)
    return True


async def tell(
    session: AsyncSession,
    sale: Sale,
    organization_id: uuid.UUID,
    kind: NoticeKind,
    *,
    of: uuid.UUID | None = None,
    waiting: bool = False,
    **data: Any,  # noqa: ANN401
) -> None:
    """Tell an organization of a sale: once a kind, or once for each bid or such (`of`)."""
    await inbox.notify(
        session,
        organization_id,
        kind,
        subject_kind="sale",
        subject_id=sale.id,
        title=sale.title,
        key=f"{kind.value} {of or sale.id} {organization_id}",
        waiting=waiting,
        **data,
    )


async def settle_notices(session: AsyncSession, sale: Sale) -> None:
    """Nothing of a sale waits for its owner any more."""
    for kind in (NoticeKind.SALE_CLOSED, NoticeKind.SALE_OBJECTED):
        await inbox.settle(session, kind, [sale.id])


async def tell_others(
    session: AsyncSession,
    sale: Sale,
    kind: NoticeKind,
    *,
    but: uuid.UUID | None = None,
    **data: Any,  # noqa: ANN401
) -> None:
    """Tell all who applied or bid, and the buyer of a published agreement; but for one."""
    told = {one.organization_id for one in await queries.entrants(session, sale.id)}
    if sale.buyer_id is not None and sale.published_at is not None:
        told.add(sale.buyer_id)
    for organization_id in sorted(told - {but}):
        await tell(session, sale, organization_id, kind, **data)


def snapshot(sale: Sale) -> dict[str, Any]:
    """A sale as the log keeps it: not the reserve, nor who bids."""
    return {
        "achievement_id": str(sale.achievement_id),
        "organization_id": str(sale.organization_id),
        "deal_id": str(sale.deal_id) if sale.deal_id else None,
        "way": sale.way.value,
        "object": sale.object.value,
        "title": sale.title,
        "price": f"{sale.price:.2f}",
        "opens_at": sale.opens_at.isoformat(),
        "closes_at": sale.closes_at.isoformat(),
        "state": sale.stored_state.value,
        "fail_reason": sale.stored_fail_reason.value if sale.stored_fail_reason else None,
        "applications_count": sale.applications_count,
        "bids_count": sale.bids_count,
        "highest": f"{sale.highest:.2f}" if sale.highest is not None else None,
        "awarded_price": f"{sale.awarded_price:.2f}" if sale.awarded_price is not None else None,
        "awarded_to_maker": sale.awarded_to_maker,
        "awarded_related": sale.awarded_related,
        "version": sale.version,
    }


def record(
    session: AsyncSession, actor: Actor, sale: Sale, what: str, *, before: dict[str, Any] | None
) -> None:
    """Note what was done to a sale in the log."""
    log.record(
        session,
        actor,
        f"sale.{what}",
        subject_kind="sale",
        subject_id=sale.id,
        before=before,
        after=snapshot(sale),
    )
