"""An organization's own lists (我的成果、我的需求)."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import Depends, Form, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import Field, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.achievements.service import achievements
from kechuangtong.core.errors import AppError
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Line
from kechuangtong.core.trade import ListKind
from kechuangtong.demands.service import demands
from kechuangtong.lists.http import Reviewed
from kechuangtong.lists.schemas import ListingQuery
from kechuangtong.lists.service import ListService
from kechuangtong.lists.states import Action
from kechuangtong.models import Achievement, Demand
from kechuangtong.models.listing import ListingState
from kechuangtong.pages import labels
from kechuangtong.pages.choosing import chosen_organization, own_organizations
from kechuangtong.pages.rendering import page, page_router
from kechuangtong.runtime import Runtime, RuntimeDep

router = page_router()

_NOTHING_CHOSEN = Text("请先勾选记录。", "Tick records first.")
_TITLES = {
    ListKind.ACHIEVEMENT: Text("我的成果", "My achievements"),
    ListKind.DEMAND: Text("我的需求", "My demands"),
}


class OwnListQuery(PageQuery):
    """Which of one's own records; what is left empty in the form is not asked for."""

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    organization: Line | None = None
    state: ListingState | None = None
    q: Line | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Any) -> Any:  # noqa: ANN401
        return {name: one for name, one in values.items() if one != ""}


ListQuery = Annotated[OwnListQuery, Query()]
Reader = Annotated[Actor, Depends(requires(Permission.IMPORTS_READ))]
BulkAction = Annotated[Literal["publish", "submit", "withdraw"], Form()]
Ids = Annotated[list[uuid.UUID] | None, Form(max_length=100)]
Outcomes = dict[uuid.UUID, Achievement | Demand | AppError]


@router.get("/my/achievements")
async def show_achievements(
    request: Request, session: ReadSession, actor: Reader, query: ListQuery, reviewed: Reviewed
) -> HTMLResponse:
    """The achievements of an organization, also those that are not public."""
    return await _show(request, session, actor, ListKind.ACHIEVEMENT, query, reviewed=reviewed)


@router.get("/my/demands")
async def show_demands(
    request: Request, session: ReadSession, actor: Reader, query: ListQuery, reviewed: Reviewed
) -> HTMLResponse:
    """The demands of an organization, also those that are not public."""
    return await _show(request, session, actor, ListKind.DEMAND, query, reviewed=reviewed)


@router.post("/my/achievements")
async def change_achievements(
    request: Request,
    runtime: RuntimeDep,
    actor: Annotated[Actor, Depends(requires(Permission.ACHIEVEMENTS_WRITE))],
    query: ListQuery,
    reviewed: Reviewed,
    action: BulkAction,
    ids: Ids = None,
) -> HTMLResponse:
    """Publish, submit or withdraw those that are ticked, and say what became of each."""
    kind = ListKind.ACHIEVEMENT
    return await _change(request, runtime, actor, kind, query, action, ids or [], reviewed=reviewed)


@router.post("/my/demands")
async def change_demands(
    request: Request,
    runtime: RuntimeDep,
    actor: Annotated[Actor, Depends(requires(Permission.DEMANDS_WRITE))],
    query: ListQuery,
    reviewed: Reviewed,
    action: BulkAction,
    ids: Ids = None,
) -> HTMLResponse:
    """Publish, submit or withdraw those that are ticked, and say what became of each."""
    kind = ListKind.DEMAND
    return await _change(request, runtime, actor, kind, query, action, ids or [], reviewed=reviewed)


def _service(kind: ListKind) -> ListService[Any, Any]:
    return achievements if kind is ListKind.ACHIEVEMENT else demands


async def _change(
    request: Request,
    runtime: Runtime,
    actor: Actor,
    kind: ListKind,
    query: OwnListQuery,
    action: str,
    ids: list[uuid.UUID],
    *,
    reviewed: bool,
) -> HTMLResponse:
    outcomes: Outcomes = {}
    problem = None if ids else _NOTHING_CHOSEN
    try:
        async with runtime.database.write() as session:
            outcomes = await _service(kind).bulk(
                session, actor, action=Action(action), ids=ids, reviewed=reviewed
            )
    except AppError as error:  # all of them together
        problem = error.message
    async with runtime.database.read() as session:
        return await _show(
            request, session, actor, kind, query,
            reviewed=reviewed, outcomes=outcomes, problem=problem,
        )  # fmt: skip


async def _show(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    kind: ListKind,
    query: OwnListQuery,
    *,
    reviewed: bool,
    outcomes: Outcomes | None = None,
    problem: Text | None = None,
) -> HTMLResponse:
    service = _service(kind)
    own = await own_organizations(session, actor, Permission.IMPORTS_READ)
    organization = await chosen_organization(session, actor, query.organization, own)
    records = None
    actions: list[Action] = []
    if organization is not None:
        wanted = ListingQuery(
            organization_id=organization.id,
            state=query.state,
            sort="-updated_at",
            limit=query.limit,
            cursor=query.cursor,
        )
        records = await service.page(session, actor, wanted, words=query.q or "")
        if actor.may(service.to_write, organization.id):
            reviewed = organization.reviewed(reviewed)
            first = Action.SUBMIT if reviewed and not actor.above_review else Action.PUBLISH
            actions = [first, Action.WITHDRAW]
    return page(
        request,
        "my_list.html",
        problem=problem,
        kind=kind,
        heading=_TITLES[kind],
        query=query,
        own=own,
        organization=organization,
        records=records,
        actions=actions,
        states=labels.STATES,
        done=[one for one in (outcomes or {}).values() if not isinstance(one, AppError)],
        left=await _left(session, actor, kind, outcomes or {}),
    )


async def _left(
    session: AsyncSession, actor: Actor, kind: ListKind, outcomes: Outcomes
) -> list[tuple[str, Text]]:
    """The records that were left as they were, by title, with the reason."""
    failed = {key: one.message for key, one in outcomes.items() if isinstance(one, AppError)}
    titles = await _service(kind).titles(session, actor, list(failed))
    return [(titles.get(key, "—"), message) for key, message in failed.items()]
