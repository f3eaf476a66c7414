"""Searching (检索), matches for a text of one's own, and searches that are kept (订阅检索)."""

import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup
from pydantic import ValidationError, model_validator
from sqlalchemy import select

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, WriteSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.errors import Conflict, Invalid, validation_text
from kechuangtong.core.language import Text
from kechuangtong.core.trade import IndexKind, ListKind
from kechuangtong.demands.schemas import DemandRead
from kechuangtong.lists.schemas import OrganizationBrief
from kechuangtong.lists.sight import listed_to
from kechuangtong.matching.router import matcher
from kechuangtong.matching.schemas import MatchSearch
from kechuangtong.matching.service import OTHER
from kechuangtong.models import Organization
from kechuangtong.pages import labels
from kechuangtong.pages.choosing import own_organizations
from kechuangtong.pages.matches import Listed, Own, kind_of, shown
from kechuangtong.pages.records import MORE
from kechuangtong.pages.rendering import go, page, page_router
from kechuangtong.policies import instrument_classes
from kechuangtong.runtime import RuntimeDep
from kechuangtong.search import service as search
from kechuangtong.search.schemas import (
    Facet,
    FoundAchievement,
    FoundDemand,
    FoundInstrument,
    SearchQuery,
    SearchResults,
    SearchTerms,
    Words,
    of_others,
)
from kechuangtong.searches import service as searches
from kechuangtong.searches.schemas import SavedSearchCreate, SavedSearchQuery

router = page_router()

SearchReader = Annotated[Actor, Depends(requires(Permission.SEARCHES_READ))]
SearchWriter = Annotated[Actor, Depends(requires(Permission.SEARCHES_WRITE))]
Matched = Annotated[Actor, Depends(requires(Permission.MATCHES_READ))]

_CHOICES: Final = 12
_FACETS: Final = {
    Facet.FIELD: Text("所属领域", "Field"),
    Facet.STAGE: Text("成熟阶段", "Stage"),
    Facet.COOPERATION: Text("合作方式", "Cooperation"),
    Facet.CLASS: Text("分类", "Class"),
    Facet.INSTRUMENT_KIND: Text("类别", "Kind"),
    Facet.SHARE_MODE: Text("共享模式", "Shared"),
    Facet.PLACE: Text("所在地", "Place"),
}
_TOO_LONG: Final = Text(
    "检索词最多 {limit} 个字符；较长的描述请用下面的文本匹配。",
    "A search has at most {limit} characters; match a longer text below.",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that can be chosen or left again, where that leads, and how many have it."""

    name: str
    path: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found, with what was found in it marked."""

    organization: OrganizationBrief | None
    facts: list[str | None]
    tag: Text | None
    path: str
    title: str | Markup
    passage: str | Markup


class Asked(SearchQuery):
    """A search as the form asks for it: what was chosen of one kind is left where another is."""

    @model_validator(mode="before")
    @classmethod
    def _of_its_kind(cls, sent: dict[str, Any]) -> dict[str, Any]:
        others = of_others(sent.get("kind"))
        return {name: value for name, value in sent.items() if name not in others}


@router.get("/search")
async def show_search(
    request: Request,
    runtime: RuntimeDep,
    session: ReadSession,
    actor: Annotated[Actor, Depends(requires(Permission.SEARCH))],
    query: Annotated[Asked, Query()],
) -> HTMLResponse:
    """What words find in a list or among instruments, and what narrows it down."""
    limit = runtime.settings.max_query_length
    problem, results = None, None
    try:
        results = await search.search(
            session,
            runtime.index,
            actor,
            query.model_copy(update={"facet": _facets_of(query.kind)}),
            max_query_length=limit,
        )
    except search.QueryTooLong:
        problem = _TOO_LONG.format(limit=limit)
    named = select(Organization).where(Organization.id.in_(query.organization_id), listed_to(actor))
    organizations = {one.id: one.name for one in await session.scalars(named)}
    # Searches that are kept are those of the lists.
    writes = actor.holds(Permission.SEARCHES_WRITE) and query.kind is not IndexKind.INSTRUMENT
    terms = query.model_dump_json(exclude_defaults=True, include=set(SearchTerms.model_fields))
    return page(
        request,
        "search.html",
        status=HTTPStatus.OK if results else search.QueryTooLong.status,
        problem=problem,
        query=query,
        results=results,
        hits=[] if results is None else _hits(results),
        chosen=_chosen(query, organizations),
        facets=[] if results is None else _facets(query, results),
        kept=[(name, value) for name, value in _parameters(query) if name not in _TYPED],
        following=None
        if results is None or results.next_cursor is None
        else _path(query, cursor=results.next_cursor),
        text=query.q if problem else "",
        terms=terms,
        organizations=await own_organizations(session, actor, Permission.SEARCHES_WRITE)
        if writes
        else [],
    )


def _facets_of(kind: IndexKind) -> list[Facet]:
    return [one for one in _FACETS if one not in of_others(kind)]


# What the form's own fields hold.
_TYPED: Final = frozenset({"q", "kind", "sort"})


def _parameters(query: Words, **changes: object) -> list[tuple[str, str]]:
    """A search as the parameters of its address; a change begins on the first page again."""
    values = query.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude={"facet", "cursor"}
    )
    return [
        (name, str(one))
        for name, value in {**values, **changes}.items()
        for one in (value if isinstance(value, list) else [value])
        if one is not None
    ]


def _path(query: Words, **changes: object) -> str:
    return f"/search?{urlencode(_parameters(query, **changes))}"


def _hits(results: SearchResults) -> list[Hit]:
    return [
        _of_instrument(one) if isinstance(one, FoundInstrument) else _of_list(one)
        for one in results.items
    ]


def _of_list(one: FoundAchievement | FoundDemand) -> Hit:
    record: Listed = one.achievement if isinstance(one, FoundAchievement) else one.demand
    stage = record.required_stage if isinstance(record, DemandRead) else record.stage
    return Hit(
        record.organization,
        [record.field, record.place],
        labels.STAGES[stage] if stage else None,
        f"/{kind_of(record)}s/{record.id}",
        _found(one.highlights.title) or record.title,
        _found(one.highlights.description) or (record.description or "")[:120],
    )


def _of_instrument(one: FoundInstrument) -> Hit:
    instrument = one.instrument
    runs = instrument.status.runs
    return Hit(
        instrument.organization,
        [instrument.model, instrument.place],
        None if runs else labels.INSTRUMENT_STATUSES[instrument.status],
        f"/instruments/{instrument.id}",
        _found(one.highlights.title) or instrument.name,
        _found(one.highlights.description)
        or (instrument.functions or instrument.services or "")[:120],
    )


def _found(text: str | None) -> Markup | None:
    """A text of the search, which is escaped, with its marks in the pages' own style."""
    # Escaped as it is, it has no other tags.
    return text and Markup(text.replace("<em>", '<em class="found">'))  # type: ignore[return-value]  # noqa: S704


def _name(facet: Facet, value: str) -> str:
    named: dict[Facet, dict[str, Text]] = {
        Facet.STAGE: {one.value: text for one, text in labels.STAGES.items()},
        Facet.COOPERATION: {one.value: text for one, text in labels.WAYS.items()},
        Facet.INSTRUMENT_KIND: {one.value: text for one, text in labels.INSTRUMENT_KINDS.items()},
        Facet.SHARE_MODE: {one.value: text for one, text in labels.SHARE_MODES.items()},
    }
    if facet is Facet.CLASS:
        return f"{value} {instrument_classes.table().names.get(value, '')}".rstrip()
    return str(named.get(facet, {}).get(value, value))


def _chosen(query: SearchQuery, organizations: dict[uuid.UUID, str]) -> list[Choice]:
    found = [
        Choice(_name(facet, str(one)), _path(query, **{facet.value: _without(query, facet, one)}))
        for facet in _FACETS
        for one in getattr(query, facet.attribute)
    ]
    found += [
        Choice(
            organizations.get(one, str(one)),
            _path(query, organization_id=_without(query, Facet.ORGANIZATION, one)),
        )
        for one in query.organization_id
    ]
    for name in ("published_after", "published_before"):
        if (at := getattr(query, name)) is not None:
            sign = "≥" if name.endswith("after") else "≤"
            found.append(Choice(f"{sign} {at:%Y-%m-%d}", _path(query, **{name: None})))
    return found


def _without(query: SearchQuery, facet: Facet, value: object) -> list[object]:
    return [one for one in getattr(query, facet.attribute) if one != value]


def _facets(query: SearchQuery, results: SearchResults) -> list[tuple[Text, list[Choice]]]:
    """What narrows a search down: values that it does not ask for yet."""
    found = []
    for facet in _facets_of(query.kind):
        asked = getattr(query, facet.attribute)
        choices = [
            Choice(
                _name(facet, one.value),
                # A class holds those below it, so one takes the place of another.
                _path(
                    query,
                    **{facet.value: [*(() if facet is Facet.CLASS else asked), one.value]},
                ),
                one.count,
            )
            for one in results.facets[facet]
            if one.value not in asked
        ]
        if choices:
            found.append((_FACETS[facet], choices[:_CHOICES]))
    return found


@router.get("/matches")
async def show_matching(request: Request, actor: Matched) -> HTMLResponse:
    """The form in which one says what one needs or has."""
    return _matching(request)


@router.post("/matches")
async def match_text(
    request: Request,
    runtime: RuntimeDep,
    session: ReadSession,
    actor: Matched,
    text: Annotated[str, Form()] = "",
    kind: Annotated[ListKind, Form()] = ListKind.ACHIEVEMENT,
    limit: Annotated[int, Form(ge=1, le=MORE)] = 10,
) -> HTMLResponse:
    """What fits a text in one's own words; nothing of it is kept."""
    try:
        asked = MatchSearch(text=text, kind=kind, limit=limit)
    except ValidationError as error:
        problem = validation_text(dict(error.errors()[0]))
        return _matching(request, status=Invalid.status, problem=problem, text=text, kind=kind)
    matches = await matcher(runtime).for_text(session, actor, asked)
    own = Own(OTHER[kind], "", [asked.text])
    found = await shown(session, actor, own, matches)
    return _matching(
        request,
        text=text,
        kind=kind,
        matches=matches,
        found=found,
        more=MORE if limit < MORE and len(found) == limit else None,
    )


def _matching(
    request: Request,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
    text: str = "",
    kind: ListKind = ListKind.ACHIEVEMENT,
    **values: object,
) -> HTMLResponse:
    values = {"matches": None, "found": [], "more": None, **values}
    return page(
        request, "matching.html", status=status, problem=problem, text=text, kind=kind, **values
    )


@router.get("/saved-searches")
async def show_saved_searches(
    request: Request,
    session: ReadSession,
    actor: SearchReader,
    query: Annotated[SavedSearchQuery, Query()],
) -> HTMLResponse:
    """The searches that one's organizations keep."""
    return await _saved(request, session, actor, query)


async def _saved(
    request: Request,
    session: ReadSession,
    actor: Actor,
    query: SavedSearchQuery,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
) -> HTMLResponse:
    found = await searches.page(session, actor, query)
    return page(request, "saved_searches.html", status=status, problem=problem, found=found)


@router.post("/saved-searches")
async def save_search(
    request: Request,
    runtime: RuntimeDep,
    actor: SearchWriter,
    name: Annotated[str, Form()] = "",
    terms: Annotated[str, Form()] = "{}",
    organization_id: Annotated[uuid.UUID | None, Form()] = None,
    mail: Annotated[bool, Form()] = False,
) -> Response:
    """Keep a search, or say why not."""
    problem: Text
    try:
        body = SavedSearchCreate(
            name=name,
            organization_id=organization_id,
            query=SearchTerms.model_validate_json(terms),
            mail=mail,
        )
        async with runtime.database.write() as session:
            await searches.save(
                session, actor, body, max_query_length=runtime.settings.max_query_length
            )
        return go("/saved-searches")
    except ValidationError as error:
        problem, status = validation_text(dict(error.errors()[0])), Invalid.status
    except (Conflict, Invalid) as error:
        problem, status = error.message, error.status
    async with runtime.database.read() as session:
        return await _saved(
            request, session, actor, SavedSearchQuery(), status=status, problem=problem
        )


@router.post("/saved-searches/{search_id}/delete")
async def delete_saved_search(
    search_id: uuid.UUID,
    session: WriteSession,
    actor: SearchWriter,
    version: Annotated[int, Form()] = 0,
) -> RedirectResponse:
    """Keep a search no longer."""
    await searches.delete(session, actor, search_id, expected_versions=frozenset({version}))
    return go("/saved-searches")


@router.get("/saved-searches/{search_id}/results")
async def show_saved_results(
    search_id: uuid.UUID, session: ReadSession, actor: SearchReader
) -> RedirectResponse:
    """To what a saved search finds now, newest first."""
    saved = await searches.get(session, actor, search_id)
    terms = SearchTerms.model_validate(saved.query)
    return go(_path(SearchQuery(**terms.model_dump(), sort="newest")))
