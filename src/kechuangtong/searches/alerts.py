"""What is new in saved searches (订阅提醒): told once, when the index has surely taken it in."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import ANONYMOUS
from kechuangtong.core.clock import now
from kechuangtong.core.errors import Unavailable
from kechuangtong.inbox import service as inbox
from kechuangtong.lists.public import LISTS
from kechuangtong.models import IndexMark, LiveIndex, SavedSearch
from kechuangtong.models.indexing import Part
from kechuangtong.models.listing import ListingState
from kechuangtong.models.notice import NoticeKind
from kechuangtong.runtime import Runtime
from kechuangtong.search.drain import rebuilding
from kechuangtong.search.schemas import SearchTerms
from kechuangtong.search.service import index_filter, load

log = structlog.get_logger()

# What is published bears the instant before its transaction is committed: so long it may take.
SETTLING: Final = timedelta(minutes=1)
_PAGE: Final = 100
# So many are counted; of more it is told that there are more.
_MOST: Final = 1_000
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class _News:
    """What was published in a saved search from `since` on and before `until`, newest first."""

    since: datetime
    until: datetime
    titles: list[str]


async def alert(runtime: Runtime) -> int:
    """Tell organizations what is new in their saved searches; how many notices that makes.

    Raises Unavailable where searching is not available.
    """
    async with runtime.database.read() as session:
        live = await session.get(LiveIndex, runtime.index.engine)
        if live is None or await rebuilding(session):
            return 0  # the index may lack what has no mark any more: it is told of next time
        ids = (await session.scalars(select(SavedSearch.id).order_by(SavedSearch.id))).all()
    told = 0
    for one in ids:
        try:
            told += await _tell(runtime, one)
        except Unavailable:
            raise
        except Exception as error:  # one that cannot be run is not to keep the others waiting
            log.error("a saved search was not run", id=str(one), exc_info=error)
    return told


async def _tell(runtime: Runtime, search_id: uuid.UUID) -> bool:
    async with runtime.database.read() as session:
        saved = await session.get(SavedSearch, search_id)
        news = None if saved is None else await _news(session, runtime, saved)
    if saved is None or news is None:
        return False
    async with runtime.database.write() as session:
        # Of several workers one moves it on, and tells.
        moved = await session.scalar(
            update(SavedSearch)
            .where(SavedSearch.id == saved.id, SavedSearch.seen_until == news.since)
            .values(seen_until=news.until, updated_at=SavedSearch.updated_at)
            .returning(SavedSearch.id)
        )
        if moved is None or not news.titles:
            return False
        count = len(news.titles)
        return await inbox.notify(
            session,
            saved.organization_id,
            NoticeKind.SEARCH_ALERT,
            subject_kind="saved_search",
            subject_id=saved.id,
            title=saved.name,
            key=f"search {saved.id} {news.until.isoformat()}",
            by_mail=saved.mail,
            count=f"{_MOST}+" if count > _MOST else count,
            titles=news.titles[:_NAMED],
        )


async def _news(session: AsyncSession, runtime: Runtime, saved: SavedSearch) -> _News | None:
    query = SearchTerms.model_validate(saved.query)
    until = await _surely_indexed(session, query, saved.seen_until)
    if until <= saved.seen_until:
        return None
    titles: dict[uuid.UUID, str] = {}
    offset = 0
    while len(titles) <= _MOST:
        found = await runtime.index.search(
            query.kind.indexed, query.q, index_filter(query, ANONYMOUS), [], "newest", offset, _PAGE
        )
        ids = [uuid.UUID(one.id) for one in found.hits]
        records = await load(session, ANONYMOUS, query.kind, ids, query)
        for one in records:
            assert one.published_at is not None
            new = saved.seen_until <= one.published_at < until
            own = one.organization_id == saved.organization_id
            if new and not own and one.state is ListingState.PUBLISHED:
                titles[one.id] = one.title
        offset += _PAGE
        last = records[-1].published_at if records else None
        if len(found.hits) < _PAGE or (last is not None and last < saved.seen_until):
            break
    return _News(saved.seen_until, until, list(titles.values()))


async def _surely_indexed(session: AsyncSession, query: SearchTerms, since: datetime) -> datetime:
    """Up to when what was published is in the index: before the first of those it still lacks.

    Those that are set aside, since the index would not take them, are not waited for.
    """
    model = LISTS[query.kind].model
    lacking = await session.scalar(
        select(func.min(model.published_at))
        .join(IndexMark, IndexMark.record_id == model.id)
        .where(
            IndexMark.kind == query.kind,
            IndexMark.part.in_([Part.WORDS, Part.BUILT]),
            IndexMark.due_at.is_not(None),
            model.stored_state == ListingState.PUBLISHED,
            model.published_at >= since,
        )
    )
    settled = now() - SETTLING
    return settled if lacking is None else min(lacking, settled)
