"""One record with its matches (成果、需求与匹配), and the organization that it belongs to."""

import uuid
from contextlib import suppress
from typing import Annotated, Any

from fastapi import Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.cookies import local_path
from kechuangtong.accounts.deps import ReadSession, WriteSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.achievements.service import achievements
from kechuangtong.attachments import service as attachments
from kechuangtong.core.errors import NotFound, Unavailable
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Input, Passage
from kechuangtong.core.trade import ListKind
from kechuangtong.demands.service import demands
from kechuangtong.lists.schemas import ListingQuery
from kechuangtong.matching import feedback
from kechuangtong.matching.instruments import service as instrument_matches
from kechuangtong.matching.instruments.schemas import InstrumentMatchQuery
from kechuangtong.matching.router import matcher
from kechuangtong.matching.schemas import FeedbackCreate, MatchQuery
from kechuangtong.models import Achievement, Demand
from kechuangtong.models.feedback import FeedbackReason, Verdict
from kechuangtong.models.listing import ListingState
from kechuangtong.organizations.schemas import OrganizationRead
from kechuangtong.organizations.service import get_organization
from kechuangtong.ownership import service as ownership
from kechuangtong.pages.matches import interest_in, own_side, shown
from kechuangtong.pages.rendering import go, page, page_router
from kechuangtong.runtime import Runtime, RuntimeDep

router = page_router()

MORE = 50
_INSTRUMENTS = 5


class MatchesShown(Input):
    """How many matches are shown."""

    limit: Annotated[int, Field(ge=1, le=MORE)] = 10


@router.get("/achievements/{achievement_id}")
async def show_achievement(
    request: Request,
    achievement_id: uuid.UUID,
    runtime: RuntimeDep,
    session: ReadSession,
    actor: Annotated[Actor, Depends(requires(Permission.ACHIEVEMENTS_READ))],
    query: Annotated[MatchesShown, Query()],
) -> HTMLResponse:
    """An achievement, and the demands that it may meet."""
    record = await achievements.get(session, actor, achievement_id)
    return await _record(request, runtime, session, actor, record, query)


@router.get("/demands/{demand_id}")
async def show_demand(
    request: Request,
    demand_id: uuid.UUID,
    runtime: RuntimeDep,
    session: ReadSession,
    actor: Annotated[Actor, Depends(requires(Permission.DEMANDS_READ))],
    query: Annotated[MatchesShown, Query()],
) -> HTMLResponse:
    """A demand, and the achievements that may meet it."""
    record = await demands.get(session, actor, demand_id)
    return await _record(request, runtime, session, actor, record, query)


async def _record(
    request: Request,
    runtime: Runtime,
    session: AsyncSession,
    actor: Actor,
    record: Achievement | Demand,
    query: MatchesShown,
) -> HTMLResponse:
    service: Any = achievements if isinstance(record, Achievement) else demands
    seen = service.show(record, actor)
    own = own_side(seen)
    attached = await attachments.list_attachments(
        session, actor, own.kind, record.id, PageQuery(limit=100)
    )
    rights = None
    if isinstance(record, Achievement) and actor.sees(record.organization_id):
        with suppress(NotFound):
            rights = await ownership.current(session, actor, record.id, None)
    matches, found, failed, suitable = None, [], None, None
    try:
        matches = await matcher(runtime).for_record(
            session, actor, record, MatchQuery(limit=query.limit)
        )
        found = await shown(session, actor, own, matches)
        if isinstance(record, Demand):
            suitable = await instrument_matches.for_demand(
                session, actor, matcher(runtime), record, InstrumentMatchQuery(limit=_INSTRUMENTS)
            )
    except Unavailable as error:
        failed = error.message
    return page(
        request,
        "record.html",
        kind=own.kind,
        record=seen,
        attachments=attached.items,
        rights=rights,
        interest=interest_in(actor, seen),
        matches=matches,
        found=found,
        failed=failed,
        suitable=suitable,
        more=MORE if query.limit < MORE and len(found) == query.limit else None,
    )


@router.post("/matches/feedback")
async def send_feedback(
    runtime: RuntimeDep,
    session: WriteSession,
    actor: Annotated[Actor, Depends(requires(Permission.MATCHES_FEEDBACK))],
    demand_id: Annotated[uuid.UUID, Form()],
    achievement_id: Annotated[uuid.UUID, Form()],
    verdict: Annotated[Verdict, Form()],
    reason: Annotated[list[FeedbackReason], Form(max_length=7)] = [],  # noqa: B006 - FastAPI copies
    comment: Annotated[Passage, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002
) -> Response:
    """Say whether a match helped, and go back to it."""
    said = FeedbackCreate(
        demand_id=demand_id,
        achievement_id=achievement_id,
        verdict=verdict,
        reasons=reason if verdict is Verdict.WRONG else [],
        comment=comment or None,
    )
    await feedback.give(session, actor, matcher(runtime), said)
    return go(local_path(next))


@router.get("/organizations/{organization_id}")
async def show_organization(
    request: Request,
    organization_id: uuid.UUID,
    session: ReadSession,
    actor: Annotated[Actor, Depends(requires(Permission.ORGANIZATIONS_READ))],
) -> HTMLResponse:
    """An organization, and what of its own is public."""
    organization = await get_organization(session, actor, organization_id)
    of_it = ListingQuery(
        organization_id=organization_id, state=ListingState.PUBLISHED, sort="-updated_at"
    )
    return page(
        request,
        "organization.html",
        organization=OrganizationRead.model_validate(organization),
        lists={
            ListKind.ACHIEVEMENT: await achievements.page(session, actor, of_it),
            ListKind.DEMAND: await demands.page(session, actor, of_it),
        },
    )
