"""Searching for people: the index finds, the database shows."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.achievements.service import achievements
from kechuangtong.core.clock import today
from kechuangtong.core.errors import Invalid
from kechuangtong.core.language import Text
from kechuangtong.core.paging import CursorInvalid, decode_cursor, encode_cursor
from kechuangtong.core.trade import IndexKind, ListKind
from kechuangtong.demands.service import demands
from kechuangtong.instruments import texts
from kechuangtong.instruments.queries import shown
from kechuangtong.instruments.service import show as show_instrument
from kechuangtong.lists.queries import of_organizations, visible_to
from kechuangtong.lists.sight import as_seen_by
from kechuangtong.models import Achievement, Demand, Instrument
from kechuangtong.models.instrument import InstrumentState
from kechuangtong.search.highlight import highlight
from kechuangtong.search.port import Filter, SearchIndex
from kechuangtong.search.schemas import (
    FacetCount,
    FoundAchievement,
    FoundDemand,
    FoundInstrument,
    Highlights,
    InstrumentFilter,
    RecordFilter,
    SearchQuery,
    SearchResults,
    Words,
)

# Paging deeper than this costs the index more than any person reads.
MAX_OFFSET = 10_000


class QueryTooLong(Invalid):
    code = "query_too_long"
    text = Text(
        "检索词最多 {limit} 个字符；长文本请用 POST /v1/matches/search。",
        "A query has at most {limit} characters; send a long text to POST /v1/matches/search.",
    )


class TooDeep(Invalid):
    code = "page_too_deep"
    text = Text("最多翻到第 {limit} 条。", "Paging ends at item {limit}; narrow the search.")


def instrument_filter(wanted: InstrumentFilter, beside: Filter) -> Filter:
    """A filter of instruments as the index takes it, with what else is asked for."""
    return replace(
        beside,
        classes=tuple(wanted.class_) or None,
        instrument_kind=tuple(one.value for one in wanted.instrument_kind) or None,
        share_mode=tuple(one.value for one in wanted.share_mode) or None,
    )


def index_filter(wanted: RecordFilter, actor: Actor) -> Filter:
    """A caller's filter as the index takes it; what has expired is its own people's to see."""
    expired = wanted.include_expired and (actor.sees_all or bool(actor.roles))
    return Filter(
        field=tuple(wanted.field) or None,
        stage=tuple(one.value for one in wanted.stage) or None,
        cooperation=tuple(one.value for one in wanted.cooperation) or None,
        place=tuple(wanted.place) or None,
        organization_id=tuple(str(one) for one in wanted.organization_id) or None,
        valid_on=None if expired else today(),
        published_after=wanted.published_after if isinstance(wanted, Words) else None,
        published_before=wanted.published_before if isinstance(wanted, Words) else None,
    )


async def search(
    session: AsyncSession,
    index: SearchIndex,
    actor: Actor,
    query: SearchQuery,
    *,
    max_query_length: int,
) -> SearchResults:
    """One page of what the words find. Raises QueryTooLong, TooDeep, CursorInvalid."""
    if len(query.q) > max_query_length:
        raise QueryTooLong(limit=max_query_length, loc=("query", "q"))
    offset = _offset(query.cursor)
    results = await index.search(
        query.kind,
        query.q,
        instrument_filter(query, index_filter(query, actor)),
        [one.column for one in query.facet],
        query.sort,
        offset,
        query.limit,
    )
    ids = [uuid.UUID(hit.id) for hit in results.hits]
    found: Iterable[Achievement | Demand | Instrument]
    if query.kind is IndexKind.INSTRUMENT:
        found = await load_instruments(session, ids, query.organization_id)
    else:
        found = await load(session, actor, ListKind(query.kind), ids, query)
    following = offset + query.limit
    return SearchResults(
        items=[_item(record, actor, query.q) for record in found],
        total=results.total,
        facets={
            one: [FacetCount(value=v, count=n) for v, n in results.facets[one.column]]
            for one in query.facet
        },
        next_cursor=encode_cursor([str(following)]) if following < results.total else None,
    )


async def load_instruments(
    session: AsyncSession, ids: list[uuid.UUID], organization_ids: Sequence[uuid.UUID] = ()
) -> list[Instrument]:
    """The instruments of ids in their order; one that is public no more, or has another
    organization since it was indexed, is left out."""
    conditions = [Instrument.id.in_(ids), Instrument.state == InstrumentState.PUBLISHED]
    if organization_ids:
        conditions.append(Instrument.organization_id.in_(organization_ids))
    by_id = {one.id: one for one in await session.scalars(shown(*conditions))}
    return [by_id[one] for one in ids if one in by_id]


async def load(
    session: AsyncSession,
    actor: Actor,
    kind: ListKind,
    ids: list[uuid.UUID],
    wanted: RecordFilter,
) -> list[Achievement | Demand]:
    """The records of ids in their order; one that the index has and the actor may not see, or
    that is gone since it was indexed, is left out. So is one that has become anonymous since, where
    the filter asks for organizations."""
    model: Any = Achievement if kind is ListKind.ACHIEVEMENT else Demand
    statement = select(model).where(model.id.in_(ids), visible_to(model, actor))
    if wanted.organization_id:
        statement = statement.where(of_organizations(model, actor, wanted.organization_id))
    found: Iterable[Achievement | Demand] = await session.scalars(
        as_seen_by(actor, model, statement)
    )
    by_id = {record.id: record for record in found}
    return [by_id[one] for one in ids if one in by_id]


def _item(
    record: Achievement | Demand | Instrument, actor: Actor, q: str
) -> FoundAchievement | FoundDemand | FoundInstrument:
    if isinstance(record, Instrument):
        marked = Highlights(
            title=highlight(record.name, q), description=highlight(texts.body(record), q)
        )
        return FoundInstrument(instrument=show_instrument(record, actor), highlights=marked)
    highlights = Highlights(
        title=highlight(record.title, q), description=highlight(record.description or "", q)
    )
    if isinstance(record, Achievement):
        return FoundAchievement(achievement=achievements.show(record, actor), highlights=highlights)
    return FoundDemand(demand=demands.show(record, actor), highlights=highlights)


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    (text,) = decode_cursor(cursor, 1)
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise CursorInvalid
    if int(text) > MAX_OFFSET:
        raise TooDeep(limit=MAX_OFFSET, loc=("query", "cursor"))
    return int(text)
