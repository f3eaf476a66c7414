"""Saved searches (订阅检索): kept by organizations, and told of what is new in them."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import now
from kechuangtong.core.db import hold
from kechuangtong.core.errors import Conflict, Forbidden, NotFound
from kechuangtong.core.http import check_version
from kechuangtong.core.language import Text
from kechuangtong.core.paging import Page, PageQuery, decode_id
from kechuangtong.events import log
from kechuangtong.models import SavedSearch
from kechuangtong.organizations.service import acting_organization
from kechuangtong.runtime import Runtime
from kechuangtong.search import service as search
from kechuangtong.search.schemas import SearchQuery, SearchResults, SearchTerms
from kechuangtong.searches.schemas import (
    SavedSearchCreate,
    SavedSearchPatch,
    SavedSearchQuery,
    SavedSearchRead,
)

LIMIT: Final = 50  # an organization


class TooManySearches(Conflict):
    code = "too_many_searches"
    text = Text(
        "每个单位最多保存 {limit} 个检索。", "An organization keeps at most {limit} searches."
    )
    place = ("body",)


async def save(
    session: AsyncSession, actor: Actor, body: SavedSearchCreate, *, max_query_length: int
) -> SavedSearch:
    """Keep a search; what is published from now on is new in it.

    Raises OrganizationUnnamed, OrganizationUnknown, Forbidden, QueryTooLong, TooManySearches.
    """
    organization = await acting_organization(
        session, actor, Permission.SEARCHES_WRITE, body.organization_id
    )
    await hold(session, f"saved searches {organization.id}")  # until this one is counted
    kept = await session.scalar(
        select(func.count())
        .select_from(SavedSearch)
        .where(SavedSearch.organization_id == organization.id)
    )
    if kept is not None and kept >= LIMIT:
        raise TooManySearches(limit=LIMIT)
    saved = SavedSearch(
        organization_id=organization.id,
        user_id=actor.id,
        name=body.name,
        query=_stored(body.query, max_query_length),
        mail=body.mail,
        seen_until=now(),
    )
    session.add(saved)
    await session.flush()  # the event shows it as it is stored
    _log(session, actor, saved, "created", before=None, after=_snapshot(saved))
    return saved


async def get(
    session: AsyncSession, actor: Actor, search_id: uuid.UUID, *, to_change: bool = False
) -> SavedSearch:
    """A saved search of one's own organizations. Raises NotFound."""
    statement = select(SavedSearch).where(SavedSearch.id == search_id, _visible_to(actor))
    saved = await session.scalar(statement.with_for_update() if to_change else statement)
    if saved is None:
        raise NotFound
    return saved


async def page(
    session: AsyncSession, actor: Actor, query: SavedSearchQuery
) -> Page[SavedSearchRead]:
    """One page of the saved searches of one's own organizations, newest first. Raises Forbidden."""
    statement = (
        select(SavedSearch)
        .where(_visible_to(actor))
        .order_by(SavedSearch.id.desc())
        .limit(query.limit + 1)
    )
    if query.organization_id is not None:
        if not actor.may(Permission.SEARCHES_READ, query.organization_id):
            raise Forbidden(loc=("query", "organization_id"))
        statement = statement.where(SavedSearch.organization_id == query.organization_id)
    if query.cursor is not None:
        statement = statement.where(SavedSearch.id < decode_id(query.cursor))
    rows: Sequence[SavedSearch] = (await session.scalars(statement)).all()
    return Page[SavedSearchRead].of(rows, query.limit, lambda one: [str(one.id)], show)


async def change(
    session: AsyncSession,
    actor: Actor,
    search_id: uuid.UUID,
    body: SavedSearchPatch,
    *,
    expected_versions: frozenset[int] | None,
    max_query_length: int,
) -> SavedSearch:
    """Change what was given. Raises NotFound, Forbidden, PreconditionFailed, QueryTooLong."""
    saved = await _own(session, actor, search_id, expected_versions)
    before = _snapshot(saved)
    for name in body.model_fields_set - {"query"}:
        setattr(saved, name, getattr(body, name))
    if "query" in body.model_fields_set:
        saved.query = _stored(body.query, max_query_length)
    await session.flush()  # its new version is shown
    if (after := _snapshot(saved)) != before:
        _log(session, actor, saved, "changed", before=before, after=after)
    return saved


async def delete(
    session: AsyncSession,
    actor: Actor,
    search_id: uuid.UUID,
    *,
    expected_versions: frozenset[int] | None,
) -> None:
    """Keep a search no longer. Raises NotFound, Forbidden, PreconditionFailed."""
    saved = await _own(session, actor, search_id, expected_versions)
    _log(session, actor, saved, "deleted", before=_snapshot(saved), after=None)
    await session.delete(saved)


async def results(
    session: AsyncSession, runtime: Runtime, actor: Actor, saved: SavedSearch, of: PageQuery
) -> SearchResults:
    """One page of what a saved search finds now, newest first."""
    query = SearchQuery.model_validate(
        {**saved.query, "limit": of.limit, "cursor": of.cursor, "sort": "newest"}
    )
    return await search.search(
        session, runtime.index, actor, query, max_query_length=runtime.settings.max_query_length
    )


def show(saved: SavedSearch) -> SavedSearchRead:
    """A saved search as it is shown."""
    return SavedSearchRead.model_validate(saved)


async def _own(
    session: AsyncSession,
    actor: Actor,
    search_id: uuid.UUID,
    expected_versions: frozenset[int] | None,
) -> SavedSearch:
    saved = await get(session, actor, search_id, to_change=True)
    if not actor.may(Permission.SEARCHES_WRITE, saved.organization_id):
        raise Forbidden
    check_version(saved, expected_versions)
    return saved


def _visible_to(actor: Actor) -> ColumnElement[bool]:
    """A saved search is for the organization's own people; an administrator can help them."""
    if actor.administrator:
        return true()
    return SavedSearch.organization_id.in_(actor.organization_ids)


def _stored(query: SearchTerms, max_query_length: int) -> dict[str, Any]:
    if len(query.q) > max_query_length:
        raise search.QueryTooLong(limit=max_query_length, loc=("body", "query", "q"))
    return query.model_dump(mode="json")


def _snapshot(saved: SavedSearch) -> dict[str, Any]:
    return show(saved).model_dump(mode="json", exclude={"seen_until"})


def _log(
    session: AsyncSession,
    actor: Actor,
    saved: SavedSearch,
    what: str,
    *,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    log.record(
        session,
        actor,
        f"saved_search.{what}",
        subject_kind="saved_search",
        subject_id=saved.id,
        before=before,
        after=after,
    )
