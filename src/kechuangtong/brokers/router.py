"""Technology brokers (技术经纪人) over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.brokers import figures, records, service, suggestions
from kechuangtong.brokers.schemas import (
    BrokerComment,
    BrokerCreate,
    BrokerFigures,
    BrokerPatch,
    BrokerQuery,
    BrokerRead,
    BrokerRenew,
    ConflictCreate,
    ConflictRead,
    SuggestionQuery,
    Suggestions,
    TrainingCreate,
    TrainingRead,
)
from kechuangtong.brokers.states import Action
from kechuangtong.core.http import ExpectedVersions, IfNoneMatch, etag, not_modified
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, PageQuery, link_next
from kechuangtong.lists.http import of_sample
from kechuangtong.models import Broker
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1/brokers", tags=["brokers"], route_class=IdempotentRoute)

Reader = Annotated[Actor, Depends(requires(Permission.BROKERS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.BROKERS_WRITE))]
Reviewer = Annotated[Actor, Depends(requires(Permission.REVIEWS_DECIDE))]
BrokerId = Annotated[uuid.UUID, of_sample(ids.BROKER)]
BrokerDraftId = Annotated[uuid.UUID, of_sample(ids.BROKER_DRAFT)]
BrokerSubmittedId = Annotated[uuid.UUID, of_sample(ids.BROKER_SUBMITTED)]
BrokerToReturnId = Annotated[uuid.UUID, of_sample(ids.BROKER_TO_RETURN)]
BrokerToSuspendId = Annotated[uuid.UUID, of_sample(ids.BROKER_OF_BOTH)]
BrokerSuspendedId = Annotated[uuid.UUID, of_sample(ids.BROKER_SUSPENDED)]
TrainingId = Annotated[uuid.UUID, of_sample(ids.BROKER_TRAINING)]
ConflictId = Annotated[uuid.UUID, of_sample(ids.BROKER_CONFLICT)]


async def _answer(
    session: AsyncSession, actor: Actor, response: Response, broker: Broker
) -> BrokerRead:
    shown = await service.show(session, actor, broker)
    response.headers["ETag"] = etag(shown)
    return shown


@router.get("", summary="List brokers (技术经纪人名录)", responses=answers(401, 422))
async def list_brokers(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[BrokerQuery, Query()],
) -> Page[BrokerRead]:
    """Registered brokers whose certificates hold, newest first; with `state` also others, as far as
    the caller may see them: one's own, one's institution's, and as a reviewer those of one's
    district. What is traditional in `q` finds what is simplified, and the other way."""
    page = await service.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "",
    status_code=201,
    summary="Record a broker (新建经纪人档案)",
    responses=answers(400, 401, 403, 409, 413, 422),
)
async def create_broker(
    session: IdempotentSession, actor: Writer, response: Response, body: BrokerCreate
) -> BrokerRead:
    """A draft of oneself, or, by an editor of the institution, of one of its people."""
    broker = await service.create(session, actor, body)
    response.headers["Location"] = f"/v1/brokers/{broker.id}"
    return await _answer(session, actor, response, broker)


@router.get(
    "/suggestions",
    summary="Find brokers for a pair (推荐经纪人)",
    responses=answers(401, 404, 422),
)
async def suggest_brokers(
    session: ReadSession, actor: Reader, query: Annotated[SuggestionQuery, Query()]
) -> Suggestions:
    """Registered brokers who share a field or a place with an achievement, a demand or both, with
    reasons; those with more fields first, then place, completed and signed deals, and grade.

    Who declared a conflict of interest with an owner is left out. The owner of an anonymous demand
    is left out of account for those who may not know it.
    """
    return await suggestions.suggest(session, actor, query)


@router.get(
    "/{broker_id}",
    summary="Read a broker (查看经纪人)",
    responses={304: {"description": "Not modified"}, **answers(401, 404, 422)},
    response_model=BrokerRead,
)
async def get_broker(
    broker_id: BrokerId,
    session: ReadSession,
    actor: Reader,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> BrokerRead | Response:
    """One broker; of its contact the public reads what the broker marked public. Its ETag is what
    a change sends as If-Match."""
    broker = await service.get(session, actor, broker_id)
    shown = await _answer(session, actor, response, broker)
    return not_modified(shown, if_none_match) or shown


@router.patch(
    "/{broker_id}",
    summary="Change a broker's record (修改经纪人档案)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def change_broker(
    broker_id: BrokerId,
    session: WriteSession,
    actor: Writer,
    response: Response,
    body: BrokerPatch,
    expected_versions: ExpectedVersions,
) -> BrokerRead:
    """Change the fields that are given, by the broker or an editor of its institution. Once it is
    registered, name, institution, grade and certificate change by `renew` alone."""
    broker = await service.change(
        session, actor, broker_id, body, expected_versions=expected_versions
    )
    return await _answer(session, actor, response, broker)


@router.post(
    "/{broker_id}/submit",
    summary="Submit for review (提交审核)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def submit_broker(
    broker_id: BrokerDraftId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
) -> BrokerRead:
    """Ask the reviewers of the institution's place to register the broker."""
    broker = await service.act(
        session, actor, broker_id, Action.SUBMIT, expected_versions=expected_versions
    )
    return await _answer(session, actor, response, broker)


@router.post(
    "/{broker_id}/approve",
    summary="Register, or approve a new certificate (审核通过)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def approve_broker(
    broker_id: BrokerSubmittedId,
    session: IdempotentSession,
    actor: Reviewer,
    response: Response,
    expected_versions: ExpectedVersions,
) -> BrokerRead:
    """A reviewer registers the broker; of one that renews, the new certificate holds from now on.
    Nobody decides on oneself."""
    broker = await service.act(
        session, actor, broker_id, Action.APPROVE, expected_versions=expected_versions
    )
    return await _answer(session, actor, response, broker)


@router.post(
    "/{broker_id}/return",
    summary="Return for correction (退回)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def return_broker(
    broker_id: BrokerToReturnId,
    session: IdempotentSession,
    actor: Reviewer,
    response: Response,
    body: BrokerComment,
    expected_versions: ExpectedVersions,
) -> BrokerRead:
    """A reviewer returns the record, and says why; a registered broker stays so by its certificate
    of before."""
    broker = await service.act(
        session,
        actor,
        broker_id,
        Action.RETURN,
        expected_versions=expected_versions,
        comment=body.comment,
    )
    return await _answer(session, actor, response, broker)


@router.post(
    "/{broker_id}/suspend",
    summary="Suspend a registration (暂停登记)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def suspend_broker(
    broker_id: BrokerToSuspendId,
    session: IdempotentSession,
    actor: Reviewer,
    response: Response,
    body: BrokerComment,
    expected_versions: ExpectedVersions,
) -> BrokerRead:
    """The broker may not act for anyone until it is reinstated; a new certificate under review is
    dropped."""
    broker = await service.act(
        session,
        actor,
        broker_id,
        Action.SUSPEND,
        expected_versions=expected_versions,
        comment=body.comment,
    )
    return await _answer(session, actor, response, broker)


@router.post(
    "/{broker_id}/reinstate",
    summary="Reinstate a registration (恢复登记)",
    responses=answers(401, 403, 404, 409, 412, 422, 428),
)
async def reinstate_broker(
    broker_id: BrokerSuspendedId,
    session: IdempotentSession,
    actor: Reviewer,
    response: Response,
    expected_versions: ExpectedVersions,
) -> BrokerRead:
    """The broker is registered again, as long as its certificate holds."""
    broker = await service.act(
        session, actor, broker_id, Action.REINSTATE, expected_versions=expected_versions
    )
    return await _answer(session, actor, response, broker)


@router.post(
    "/{broker_id}/renew",
    summary="Hand in a new certificate (换证、变更)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def renew_broker(
    broker_id: BrokerId,
    session: IdempotentSession,
    actor: Writer,
    response: Response,
    body: BrokerRenew,
    expected_versions: ExpectedVersions,
) -> BrokerRead:
    """A new grade or certificate, name or institution of a registered broker, also of one whose
    certificate is over: it is reviewed, and until then the one before holds as long as it does."""
    broker = await service.act(
        session,
        actor,
        broker_id,
        Action.RENEW,
        expected_versions=expected_versions,
        renewal=body,
    )
    return await _answer(session, actor, response, broker)


@router.get(
    "/{broker_id}/figures",
    summary="Read a broker's figures (经纪人业绩)",
    responses=answers(401, 404, 422),
)
async def get_broker_figures(
    broker_id: BrokerId, session: ReadSession, actor: Reader
) -> BrokerFigures:
    """How many pairs it took up, how many were signed, and in how many days (median)."""
    return await figures.figures(session, actor, broker_id)


@router.get(
    "/{broker_id}/training",
    summary="List a broker's courses (培训记录)",
    responses=answers(401, 404, 422),
)
async def list_broker_training(
    broker_id: BrokerId,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[TrainingRead]:
    """The courses that a broker took, newest record first."""
    page = await records.trainings(session, actor, broker_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/{broker_id}/training",
    status_code=201,
    summary="Record a course (新增培训记录)",
    responses=answers(400, 401, 403, 404, 413, 422),
)
async def add_broker_training(
    broker_id: BrokerId, session: IdempotentSession, actor: Writer, body: TrainingCreate
) -> TrainingRead:
    """A course with its hours (学时) and its training base."""
    training = await records.add_training(session, actor, broker_id, body)
    return TrainingRead.model_validate(training)


@router.delete(
    "/{broker_id}/training/{training_id}",
    status_code=204,
    summary="Remove a course (删除培训记录)",
    responses=answers(401, 403, 404, 422),
)
async def remove_broker_training(
    broker_id: BrokerId, training_id: TrainingId, session: WriteSession, actor: Writer
) -> None:
    """A course that was recorded by mistake."""
    await records.remove_training(session, actor, broker_id, training_id)


@router.get(
    "/{broker_id}/conflicts",
    summary="List declared conflicts of interest (利益冲突声明)",
    responses=answers(401, 404, 422),
)
async def list_broker_conflicts(
    broker_id: BrokerId,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[PageQuery, Query()],
) -> Page[ConflictRead]:
    """What the broker declared, newest first: all for the broker, its institution and reviewers;
    for others what concerns their own organizations."""
    page = await records.conflicts(session, actor, broker_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/{broker_id}/conflicts",
    status_code=201,
    summary="Declare a conflict of interest (声明利益冲突)",
    responses=answers(400, 401, 403, 404, 413, 422),
)
async def declare_broker_conflict(
    broker_id: BrokerId, session: IdempotentSession, actor: Writer, body: ConflictCreate
) -> ConflictRead:
    """From that day on no mandate of the organization is taken, and no deal with it joined; one
    that has entrusted the broker already is told."""
    return records.show_conflict(await records.declare(session, actor, broker_id, body))


@router.delete(
    "/{broker_id}/conflicts/{conflict_id}",
    status_code=204,
    summary="End a conflict of interest (撤回利益冲突声明)",
    responses=answers(401, 403, 404, 422),
)
async def end_broker_conflict(
    broker_id: BrokerId, conflict_id: ConflictId, session: WriteSession, actor: Writer
) -> None:
    """A conflict that is none any more; the log keeps that there was one."""
    await records.take_back(session, actor, broker_id, conflict_id)
