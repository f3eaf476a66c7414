"""The first contact (对接) and what tells of it: interests, introductions, the inbox."""

import uuid
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.cookies import local_path
from kechuangtong.accounts.deps import ReadSession, WriteSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.achievements.service import achievements
from kechuangtong.core.errors import Conflict, Invalid, PreconditionFailed, validation_text
from kechuangtong.core.language import Text
from kechuangtong.core.schemas import Input
from kechuangtong.core.trade import ListKind
from kechuangtong.deals.queries import deal_of
from kechuangtong.demands.service import demands
from kechuangtong.inbox import service as inbox
from kechuangtong.inbox.schemas import InboxQuery
from kechuangtong.interests import service
from kechuangtong.interests.errors import SubjectMissing
from kechuangtong.interests.schemas import (
    InterestCreate,
    InterestDecline,
    InterestMessageCreate,
    InterestQuery,
)
from kechuangtong.interests.states import Action
from kechuangtong.matching.router import matcher
from kechuangtong.pages.choosing import own_organizations
from kechuangtong.pages.rendering import go, page, page_router
from kechuangtong.runtime import RuntimeDep

router = page_router()

Reader = Annotated[Actor, Depends(requires(Permission.INTERESTS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.INTERESTS_WRITE))]
InboxReader = Annotated[Actor, Depends(requires(Permission.INBOX_READ))]
InboxWriter = Annotated[Actor, Depends(requires(Permission.INBOX_WRITE))]

_STALE = Text(
    "此意向刚刚有了变化，下面是它现在的样子，请看过再提交。",
    "This interest has just changed; this is how it stands now: look at it, then send again.",
)
_WAITING = 20


@router.get("/interests")
async def show_interests(
    request: Request,
    session: ReadSession,
    actor: Reader,
    query: Annotated[InterestQuery, Query()],
) -> HTMLResponse:
    """Interests sent and received."""
    found = await service.page(session, actor, query)
    return page(request, "interests.html", found=found, box=query.box)


class Subject(Input):
    """What an interest is in, and the record of one's own that it comes from."""

    subject_kind: ListKind
    achievement_id: uuid.UUID | None = None
    demand_id: uuid.UUID | None = None


@router.get("/interests/new")
async def show_new_interest(
    request: Request, session: ReadSession, actor: Writer, query: Annotated[Subject, Query()]
) -> HTMLResponse:
    """The form to express an interest."""
    return await _new_interest(request, session, actor, query)


@router.post("/interests")
async def send_interest(
    request: Request,
    runtime: RuntimeDep,
    actor: Writer,
    subject_kind: Annotated[ListKind, Form()],
    achievement_id: Annotated[uuid.UUID | None, Form()] = None,
    demand_id: Annotated[uuid.UUID | None, Form()] = None,
    organization_id: Annotated[uuid.UUID | None, Form()] = None,
    message: Annotated[str, Form()] = "",
) -> Response:
    """Express the interest, or say why not."""
    subject = Subject(subject_kind=subject_kind, achievement_id=achievement_id, demand_id=demand_id)
    problem: Text
    try:
        body = InterestCreate(
            **subject.model_dump(), organization_id=organization_id, message=message
        )
        async with runtime.database.read() as session:  # judging takes its time: not a writer's
            match = await service.judge(
                session,
                actor,
                matcher(runtime),
                demand_id=body.demand_id,
                achievement_id=body.achievement_id,
            )
        async with runtime.database.write() as session:
            interest = await service.express(session, actor, body, match)
            return go(f"/interests/{interest.id}")
    except ValidationError as error:
        problem, status = _first(error), Invalid.status
    except (Conflict, Invalid) as error:
        problem, status = error.message, error.status
    async with runtime.database.read() as session:
        return await _new_interest(
            request,
            session,
            actor,
            subject,
            status=status,
            problem=problem,
            message=message,
            organization_id=organization_id,
        )


async def _new_interest(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    subject: Subject,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
    message: str = "",
    organization_id: uuid.UUID | None = None,
) -> HTMLResponse:
    services: tuple[tuple[ListKind, Any, uuid.UUID | None], ...] = (
        (ListKind.ACHIEVEMENT, achievements, subject.achievement_id),
        (ListKind.DEMAND, demands, subject.demand_id),
    )
    records = {
        kind: lists.show(await lists.get(session, actor, record_id), actor)
        for kind, lists, record_id in services
        if record_id is not None
    }
    if subject.subject_kind not in records:
        raise SubjectMissing
    other = [one for kind, one in records.items() if kind is not subject.subject_kind]
    return page(
        request,
        "new_interest.html",
        status=status,
        problem=problem,
        subject=subject,
        record=records[subject.subject_kind],
        other=other[0] if other else None,
        organizations=await own_organizations(session, actor, Permission.INTERESTS_WRITE),
        message=message,
        chosen=str(organization_id),
    )


@router.get("/interests/{interest_id}")
async def show_interest(
    request: Request, interest_id: uuid.UUID, session: ReadSession, actor: Reader
) -> HTMLResponse:
    """An interest: both sides, what was written, and what can be done now."""
    return await _interest(request, session, actor, interest_id)


@router.post("/interests/{interest_id}/{action}")
async def act_on_interest(
    request: Request,
    interest_id: uuid.UUID,
    action: Action,
    runtime: RuntimeDep,
    actor: Writer,
    version: Annotated[int, Form()] = 0,
    message: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Accept, ask, answer, decline or withdraw, or say why not."""
    problem: Text
    try:
        said = _said(action, message, reason)
        async with runtime.database.write() as session:
            await service.act(
                session,
                actor,
                interest_id,
                action,
                expected_versions=frozenset({version}),
                **said,
            )
        return go(f"/interests/{interest_id}")
    except ValidationError as error:
        problem, status = _first(error), Invalid.status
    except PreconditionFailed as error:
        problem, status = _STALE, error.status
    except (Conflict, Invalid) as error:
        problem, status = error.message, error.status
    async with runtime.database.read() as session:
        typed = {"action": action, "message": message, "reason": reason}
        return await _interest(
            request, session, actor, interest_id, status=status, problem=problem, typed=typed
        )


def _said(action: Action, message: str, reason: str) -> dict[str, Any]:
    if action is Action.DECLINE:
        return InterestDecline.model_validate(
            {"reason": reason, "message": message.strip() or None}
        ).model_dump()
    if action in (Action.ASK, Action.ANSWER):
        return InterestMessageCreate(message=message).model_dump()
    return {}


async def _interest(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    interest_id: uuid.UUID,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
    typed: dict[str, str] | None = None,
) -> HTMLResponse:
    interest = await service.get(session, actor, interest_id)
    shown = await service.show(session, actor, interest)
    introduction = None
    if shown.introduction_id is not None:
        introduction = await service.introduction(session, actor, shown.introduction_id)
    return page(
        request,
        "interest.html",
        status=status,
        problem=problem,
        interest=shown,
        possible=service.possible(actor, interest),
        introduction=introduction,
        typed=typed or {"action": "", "message": "", "reason": ""},
    )


@router.get("/introductions/{introduction_id}")
async def show_introduction(
    request: Request, introduction_id: uuid.UUID, session: ReadSession, actor: Reader
) -> HTMLResponse:
    """Two sides who have agreed to meet, and whom to call."""
    found = await service.introduction(session, actor, introduction_id)
    parties = (found.sender.organization.id, found.owner.organization.id)
    return page(
        request,
        "introduction.html",
        introduction=found,
        deal_id=await deal_of(session, introduction_id),
        opens=any(actor.may(Permission.DEALS_WRITE, one) for one in parties),
    )


@router.get("/inbox")
async def show_inbox(
    request: Request,
    session: ReadSession,
    actor: InboxReader,
    query: Annotated[InboxQuery, Query()],
) -> HTMLResponse:
    """What concerns one's organizations: what waits for them first, then the rest."""
    waiting = None
    filtered = query.waiting is not None or query.unread is not None
    if not filtered and query.cursor is None:
        of_all = InboxQuery(organization_id=query.organization_id, waiting=True, limit=_WAITING)
        waiting = await inbox.page(session, actor, of_all)
    if not filtered:
        query = query.model_copy(update={"waiting": False})
    found = await inbox.page(session, actor, query)
    return page(
        request,
        "inbox.html",
        waiting=waiting,
        found=found,
        chosen="unread" if query.unread else "waiting" if query.waiting else "all",
    )


@router.post("/inbox/read-all")
async def read_all_notices(
    session: WriteSession,
    actor: InboxWriter,
    next: Annotated[str, Form()] = "/inbox",  # noqa: A002
) -> RedirectResponse:
    """Mark all notices as read."""
    await inbox.read_all(session, actor, None)
    return go(local_path(next))


@router.post("/inbox/{notice_id}/read")
async def read_notice(
    notice_id: uuid.UUID,
    session: WriteSession,
    actor: InboxWriter,
    next: Annotated[str, Form()] = "/inbox",  # noqa: A002
) -> RedirectResponse:
    """Mark a notice as read."""
    await inbox.read(session, actor, notice_id)
    return go(local_path(next))


def _first(error: ValidationError) -> Text:
    return validation_text(dict(error.errors()[0]))
