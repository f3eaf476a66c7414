"""Brokers (技术经纪人), service institutions (科技服务机构), and the mandates of one's own."""

import uuid
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.brokers import figures, institutions, mandates, records, service
from kechuangtong.brokers.institution_schemas import InstitutionQuery
from kechuangtong.brokers.mandate_schemas import MandateReason
from kechuangtong.brokers.schemas import BrokerQuery
from kechuangtong.brokers.states import MandateAction
from kechuangtong.core.errors import Conflict, Invalid, PreconditionFailed, validation_text
from kechuangtong.core.language import Text
from kechuangtong.core.paging import PageQuery
from kechuangtong.models.broker import BrokerGrade, ServiceKind, Standing
from kechuangtong.pages.rendering import go, page, page_router
from kechuangtong.runtime import RuntimeDep

router = page_router()

Reader = Annotated[Actor, Depends(requires(Permission.BROKERS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.BROKERS_WRITE))]

_STALE = Text(
    "此委托刚刚有了变化，下面是它现在的样子，请看过再提交。",
    "This mandate has just changed; this is how it stands now: look at it, then send again.",
)


class BrokersSent(BaseModel):
    """The fields of the directory's form, as they were typed."""

    model_config = ConfigDict(extra="forbid")

    q: str = ""
    grade: str = ""
    field: str = ""
    place: str = ""
    institution: str = ""
    cursor: str = ""


class InstitutionsSent(BaseModel):
    """The fields of the directory's form, as they were typed."""

    model_config = ConfigDict(extra="forbid")

    q: str = ""
    service: str = ""
    place: str = ""
    standing: str = ""
    cursor: str = ""


def _asked(sent: BaseModel) -> dict[str, Any]:
    """What was typed, but for what was left empty."""
    return {name: value for name, value in sent.model_dump().items() if value.strip()}


@router.get("/brokers")
async def show_brokers(
    request: Request, session: ReadSession, actor: Reader, sent: Annotated[BrokersSent, Query()]
) -> HTMLResponse:
    """Registered brokers whom words, a grade, a field or a place find."""
    values: dict[str, Any] = {"typed": sent, "grades": list(BrokerGrade), "found": None}
    try:
        query = BrokerQuery.model_validate(_asked(sent))
    except ValidationError as error:
        problem = validation_text(dict(error.errors()[0]))
        return page(request, "brokers.html", status=Invalid.status, problem=problem, **values)
    values["found"] = await service.page(session, actor, query)
    return page(request, "brokers.html", **values)


@router.get("/brokers/{broker_id}")
async def show_broker(
    request: Request, broker_id: uuid.UUID, session: ReadSession, actor: Reader
) -> HTMLResponse:
    """A broker: certificate, fields, courses, and what came of the pairs it took up."""
    broker = await service.get(session, actor, broker_id)
    return page(
        request,
        "broker.html",
        broker=await service.show(session, actor, broker),
        courses=await records.trainings(session, actor, broker_id, PageQuery(limit=100)),
        conflicts=await records.conflicts(session, actor, broker_id, PageQuery(limit=100)),
        figures=await figures.figures(session, actor, broker_id),
    )


@router.get("/service-institutions")
async def show_service_institutions(
    request: Request,
    session: ReadSession,
    actor: Reader,
    sent: Annotated[InstitutionsSent, Query()],
) -> HTMLResponse:
    """Organizations that offer services, and the members of the alliance among them."""
    values: dict[str, Any] = {
        "typed": sent,
        "services": list(ServiceKind),
        "standings": list(Standing),
        "found": None,
    }
    try:
        query = InstitutionQuery.model_validate(_asked(sent))
    except ValidationError as error:
        problem = validation_text(dict(error.errors()[0]))
        return page(
            request,
            "service_institutions.html",
            status=Invalid.status,
            problem=problem,
            **values,
        )
    values["found"] = await institutions.page(session, actor, query)
    return page(request, "service_institutions.html", **values)


@router.get("/mandates/{mandate_id}")
async def show_mandate(
    request: Request, mandate_id: uuid.UUID, session: ReadSession, actor: Writer
) -> HTMLResponse:
    """A mandate, and what can be done now."""
    return await _mandate(request, session, actor, mandate_id)


@router.post("/mandates/{mandate_id}/{action}")
async def act_on_mandate(
    request: Request,
    mandate_id: uuid.UUID,
    action: MandateAction,
    runtime: RuntimeDep,
    actor: Writer,
    version: Annotated[int, Form()] = 0,
    comment: Annotated[str, Form()] = "",
) -> Response:
    """Accept, decline, revoke or resign; or say why not."""
    try:
        said = MandateReason.model_validate({"comment": comment.strip() or None})
        async with runtime.database.write() as session:
            await mandates.act(
                session,
                actor,
                mandate_id,
                action,
                expected_versions=frozenset({version}),
                comment=said.comment,
            )
        return go(f"/mandates/{mandate_id}")
    except ValidationError as error:
        problem, status = validation_text(dict(error.errors()[0])), Invalid.status
    except PreconditionFailed as error:
        problem, status = _STALE, error.status
    except Conflict as error:
        problem, status = error.message, error.status
    async with runtime.database.read() as session:
        return await _mandate(request, session, actor, mandate_id, status, problem)


async def _mandate(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    mandate_id: uuid.UUID,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
) -> HTMLResponse:
    mandate = await mandates.get(session, actor, mandate_id)
    shown = mandates.show(actor, mandate)
    return page(request, "mandate.html", status=status, problem=problem, mandate=shown)
