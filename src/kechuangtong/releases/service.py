"""Making a deal public (交易公开) by the consent of both sides, and what is then told of it."""

import uuid
from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.core.clock import now
from kechuangtong.core.db import Database
from kechuangtong.core.errors import Conflict, Forbidden, NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.language import Text
from kechuangtong.core.paging import decode_id, encode_cursor
from kechuangtong.deals import policy
from kechuangtong.deals.queries import deal as find_deal
from kechuangtong.events import log
from kechuangtong.inbox import service as inbox
from kechuangtong.lists.public import canonical
from kechuangtong.models import Deal
from kechuangtong.models.deal import DealSide
from kechuangtong.models.notice import NoticeKind
from kechuangtong.releases import queries
from kechuangtong.releases.schemas import Publication, Release, ReleaseQuery
from kechuangtong.releases.told import plain, told

_AT_ONCE: Final = 200
_COLUMNS: Final = {
    DealSide.SELLER: "published_by_seller_at",
    DealSide.BUYER: "published_by_buyer_at",
}


class DealNotSigned(Conflict):
    code = "deal_not_signed"
    text = Text(
        "合同签订后才能公开交易。", "A deal can be made public once its contract is signed."
    )


async def publish(
    session: AsyncSession,
    actor: Actor,
    deal_id: uuid.UUID,
    *,
    expected_versions: frozenset[int] | None,
) -> Publication:
    """Agree for one's side that a deal is public; for both where one acts for both.

    Raises NotFound, Forbidden, PreconditionFailed, DealNotSigned.
    """
    return await _change(session, actor, deal_id, expected_versions, agreed=True)


async def unpublish(
    session: AsyncSession,
    actor: Actor,
    deal_id: uuid.UUID,
    *,
    expected_versions: frozenset[int] | None,
) -> Publication:
    """Take back what one's side agreed to. Raises NotFound, Forbidden, PreconditionFailed."""
    return await _change(session, actor, deal_id, expected_versions, agreed=False)


async def _change(
    session: AsyncSession,
    actor: Actor,
    deal_id: uuid.UUID,
    expected_versions: frozenset[int] | None,
    *,
    agreed: bool,
) -> Publication:
    deal = await find_deal(session, actor, deal_id, to_change=True)
    if deal is None:
        raise NotFound
    sides = policy.party_sides(actor, deal)  # a broker does not decide on this
    if not sides:
        raise Forbidden
    check_version(deal, expected_versions)
    if agreed and not await queries.contracts(session, [deal.id]):
        raise DealNotSigned
    before = publication(deal)
    for side in sides:
        if (side in before.agreed) is not agreed:
            setattr(deal, _COLUMNS[side], now() if agreed else None)
    await session.flush()  # the new version is shown
    after = publication(deal)
    if after.agreed != before.agreed:
        log.record(
            session,
            actor,
            "deal.publication_agreed" if agreed else "deal.publication_withdrawn",
            subject_kind="deal",
            subject_id=deal.id,
            before=before.model_dump(mode="json"),
            after=after.model_dump(mode="json"),
        )
        await inbox.settle(session, NoticeKind.DEAL_PUBLICATION, [deal.id])
        if agreed and not after.public:
            await _ask(session, deal, after.agreed[0])
    return after


async def _ask(session: AsyncSession, deal: Deal, agreed: DealSide) -> None:
    """Tell the other side, whose leading party is waited for."""
    by = deal.of_side(agreed)[0].organization.name
    for position, party in enumerate(deal.of_side(agreed.other)):
        await inbox.notify(
            session,
            party.organization_id,
            NoticeKind.DEAL_PUBLICATION,
            subject_kind="deal",
            subject_id=deal.id,
            title=deal.title,
            key=f"deal {deal.id} publication {deal.version} {party.organization_id}",
            waiting=position == 0,
            organization=by,
        )


def publication(deal: Deal) -> Publication:
    """Who has agreed that a deal is public."""
    agreed = [side for side in DealSide if getattr(deal, _COLUMNS[side]) is not None]
    return Publication(
        deal_id=deal.id, agreed=agreed, public=len(agreed) == len(DealSide), version=deal.version
    )


async def page(session: AsyncSession, query: ReleaseQuery) -> tuple[list[Release], str | None]:
    """One page of what is public, and the cursor of the next."""
    after = None if query.cursor is None else decode_id(query.cursor)
    ids = await queries.ids(session, after=after, limit=query.limit + 1)
    shown = ids[: query.limit]
    cursor = encode_cursor([str(shown[-1])]) if len(ids) > query.limit else None
    return await told(session, shown), cursor


async def ndjson(database: Database) -> AsyncIterator[bytes]:
    """All that is public at one moment, one a line."""
    async with database.snapshot() as session:
        after: uuid.UUID | None = None
        while ids := await queries.ids(session, after=after, limit=_AT_ONCE):
            for one in await told(session, ids):
                yield canonical(plain(one)).encode() + b"\n"
            after = ids[-1]
