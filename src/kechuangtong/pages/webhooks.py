"""Webhooks (事件推送): those of one's organizations, a new one, and what became of each message."""

import uuid
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, WriteSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.errors import Conflict, Invalid, PreconditionFailed, validation_text
from kechuangtong.core.language import Text
from kechuangtong.models import Organization
from kechuangtong.pages import labels
from kechuangtong.pages.rendering import go, page, page_router
from kechuangtong.runtime import RuntimeDep
from kechuangtong.webhooks import service
from kechuangtong.webhooks.schemas import DeliveryQuery, WebhookCreate, WebhookPatch, WebhookQuery

router = page_router()

Reader = Annotated[Actor, Depends(requires(Permission.WEBHOOKS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.WEBHOOKS_WRITE))]

_STALE: Final = Text(
    "此推送刚刚有了变化，下面是它现在的样子。", "It has just changed; this is how it stands now."
)


@router.get("/webhooks")
async def show_webhooks(
    request: Request,
    session: ReadSession,
    actor: Reader,
    query: Annotated[WebhookQuery, Query()],
) -> HTMLResponse:
    """The endpoints of the organizations that one manages, and the form for another."""
    return await _webhooks(request, session, actor, query)


@router.post("/webhooks")
async def create_webhook(
    request: Request,
    runtime: RuntimeDep,
    actor: Writer,
    url: Annotated[str, Form()] = "",
    description: Annotated[str, Form()] = "",
    event_types: Annotated[list[str] | None, Form()] = None,
    organization_id: Annotated[uuid.UUID | None, Form()] = None,
) -> Response:
    """Make an endpoint and show its secret, this once; or say why not."""
    typed: dict[str, object] = {
        "url": url,
        "description": description,
        "event_types": event_types or [],
    }
    secret = problem = None
    status = HTTPStatus.CREATED
    try:
        wanted = WebhookCreate.model_validate(
            {
                **typed,
                "description": description.strip() or None,
                "organization_id": organization_id,
            }
        )
        async with runtime.database.write() as session:
            made = await service.create(session, actor, wanted, runtime.settings)
        secret, typed = service.secret(made, runtime.settings), {}
    except ValidationError as error:
        problem, status = validation_text(dict(error.errors()[0])), Invalid.status
    except (Conflict, Invalid) as error:
        problem, status = error.message, error.status
    async with runtime.database.read() as session:
        query = WebhookQuery()
        return await _webhooks(request, session, actor, query, status, problem, typed, secret)


async def _webhooks(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    query: WebhookQuery,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
    typed: dict[str, object] | None = None,
    secret: str | None = None,
) -> HTMLResponse:
    found = await service.page(session, actor, query)
    own = {one for one in actor.organization_ids if actor.may(Permission.WEBHOOKS_WRITE, one)}
    rows = await session.scalars(
        select(Organization)
        .where(Organization.id.in_(own | {one.organization_id for one in found.items}))
        .order_by(Organization.name)
    )
    organizations = rows.all()
    return page(
        request,
        "webhooks.html",
        status=status,
        problem=problem,
        found=found,
        names={one.id: one.name for one in organizations},
        own=[one for one in organizations if one.id in own],
        kinds=labels.EVENT_KINDS,
        typed=typed or {"url": "", "description": "", "event_types": []},
        secret=secret,
    )


@router.get("/webhooks/{webhook_id}")
async def show_webhook(
    request: Request,
    webhook_id: uuid.UUID,
    session: ReadSession,
    actor: Reader,
    query: Annotated[DeliveryQuery, Query()],
) -> HTMLResponse:
    """One endpoint with what it was told of, and what can be done with it."""
    return await _webhook(request, session, actor, webhook_id, query)


@router.get("/webhooks/{webhook_id}/deliveries/{delivery_id}")
async def show_webhook_delivery(
    request: Request,
    webhook_id: uuid.UUID,
    delivery_id: uuid.UUID,
    session: ReadSession,
    actor: Reader,
) -> HTMLResponse:
    """What was sent, and what was answered to each try."""
    webhook = await service.get(session, actor, webhook_id)
    return page(
        request,
        "webhook_delivery.html",
        webhook=webhook,
        title=service.title(webhook),
        delivery=await service.details(session, actor, webhook_id, delivery_id),
    )


@router.post("/webhooks/{webhook_id}/test")
async def test_webhook(
    webhook_id: uuid.UUID, session: WriteSession, actor: Writer
) -> RedirectResponse:
    """Send an event of its own."""
    await service.send_test(session, actor, webhook_id)
    return go(f"/webhooks/{webhook_id}")


@router.post("/webhooks/{webhook_id}/deliveries/{delivery_id}/replay")
async def replay_webhook_delivery(
    webhook_id: uuid.UUID, delivery_id: uuid.UUID, session: WriteSession, actor: Writer
) -> RedirectResponse:
    """Send it again."""
    await service.replay(session, actor, webhook_id, delivery_id)
    return go(f"/webhooks/{webhook_id}")


@router.post("/webhooks/{webhook_id}/active")
async def set_webhook_active(
    request: Request,
    webhook_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    active: Annotated[bool, Form()] = False,
    version: Annotated[int, Form()] = 0,
) -> Response:
    """Send to an endpoint again, or no more for the time being."""
    expected = frozenset({version})
    body = WebhookPatch(active=active)
    try:
        async with runtime.database.write() as session:
            await service.change(
                session, actor, webhook_id, body, runtime.settings, expected_versions=expected
            )
    except PreconditionFailed as error:
        async with runtime.database.read() as session:
            return await _webhook(
                request, session, actor, webhook_id, DeliveryQuery(), error.status, _STALE
            )
    return go(f"/webhooks/{webhook_id}")


@router.post("/webhooks/{webhook_id}/rotate-secret")
async def rotate_webhook_secret(
    request: Request,
    webhook_id: uuid.UUID,
    runtime: RuntimeDep,
    actor: Writer,
    version: Annotated[int, Form()] = 0,
) -> Response:
    """Give an endpoint a new secret and show it, this once; or say why not."""
    secret = problem = None
    status = HTTPStatus.OK
    try:
        async with runtime.database.write() as session:
            rotated = await service.rotate(
                session, actor, webhook_id, expected_versions=frozenset({version})
            )
        secret = service.secret(rotated, runtime.settings)
    except PreconditionFailed as error:
        status, problem = error.status, _STALE
    async with runtime.database.read() as session:
        return await _webhook(
            request, session, actor, webhook_id, DeliveryQuery(), status, problem, secret
        )


@router.post("/webhooks/{webhook_id}/delete")
async def delete_webhook(
    webhook_id: uuid.UUID,
    session: WriteSession,
    actor: Writer,
    version: Annotated[int, Form()] = 0,
) -> RedirectResponse:
    """Tell an endpoint of nothing any more."""
    await service.delete(session, actor, webhook_id, expected_versions=frozenset({version}))
    return go("/webhooks")


async def _webhook(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    webhook_id: uuid.UUID,
    query: DeliveryQuery,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
    secret: str | None = None,
) -> HTMLResponse:
    webhook = await service.get(session, actor, webhook_id)
    return page(
        request,
        "webhook.html",
        status=status,
        problem=problem,
        webhook=webhook,
        title=service.title(webhook),
        deliveries=await service.deliveries(session, actor, webhook_id, query),
        query=query,
        secret=secret,
    )
