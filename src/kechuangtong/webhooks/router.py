"""Webhooks (事件推送) over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.http import ExpectedVersions, etag
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.lists.http import of_sample
from kechuangtong.models import Webhook
from kechuangtong.runtime import RuntimeDep
from kechuangtong.sample import ids
from kechuangtong.settings import Settings
from kechuangtong.webhooks import catalogue, service
from kechuangtong.webhooks.schemas import (
    DeliveryDetails,
    DeliveryQuery,
    DeliveryRead,
    EventTypeList,
    EventTypeRead,
    Replayed,
    ReplayQuery,
    WebhookCreate,
    WebhookPatch,
    WebhookQuery,
    WebhookRead,
    WebhookWithSecret,
)

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=IdempotentRoute)

Reader = Annotated[Actor, Depends(requires(Permission.WEBHOOKS_READ))]
Writer = Annotated[Actor, Depends(requires(Permission.WEBHOOKS_WRITE))]
WebhookId = Annotated[uuid.UUID, of_sample(ids.WEBHOOK)]
DeliveryId = Annotated[uuid.UUID, of_sample(ids.WEBHOOK_DELIVERY)]


def _with_secret(webhook: Webhook, settings: Settings, response: Response) -> WebhookWithSecret:
    response.headers["Cache-Control"] = "no-store"
    response.headers["ETag"] = etag(webhook)
    shown = service.show(webhook).model_dump()
    return WebhookWithSecret(**shown, secret=service.secret(webhook, settings))


@router.get("", summary="List webhooks (事件推送列表)", responses=answers(401, 403, 422))
async def list_webhooks(
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[WebhookQuery, Query()],
) -> Page[WebhookRead]:
    """The endpoints of the organizations that the caller manages, newest first."""
    page = await service.page(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "",
    status_code=201,
    summary="Create a webhook (新建推送)",
    responses=answers(400, 401, 403, 409, 413, 422),
)
async def create_webhook(
    session: WriteSession,
    runtime: RuntimeDep,
    actor: Writer,
    response: Response,
    body: WebhookCreate,
) -> WebhookWithSecret:
    """Tell an endpoint of the events of an organization, at most 20 endpoints each.

    Messages are POSTs of JSON after Standard Webhooks: verify `webhook-signature` with the secret,
    which is in this answer and in no other, and take each `webhook-id` once. They say what happened
    to which record, and the rest is to be read from the API. Answer 2xx within 10 seconds; anything
    else is tried again over two days, 410 ends it at once.
    """
    webhook = await service.create(session, actor, body, runtime.settings)
    response.headers["Location"] = f"/v1/webhooks/{webhook.id}"
    return _with_secret(webhook, runtime.settings, response)


@router.get("/event-types", summary="List event types (事件类型)", responses=answers(401, 403, 422))
async def list_event_types(actor: Reader) -> EventTypeList:
    """The events that webhooks tell of. An organization is told of those of what is its own, and of
    what it is a party to."""
    return EventTypeList(
        items=[EventTypeRead(name=name, zh=text.zh, en=text.en) for name, text in catalogue.types()]
    )


@router.get(
    "/{webhook_id}", summary="Read a webhook (查看推送)", responses=answers(401, 403, 404, 422)
)
async def get_webhook(
    webhook_id: WebhookId, session: ReadSession, actor: Reader, response: Response
) -> WebhookRead:
    """One endpoint, without its secret; its ETag is what a change sends as If-Match."""
    webhook = await service.get(session, actor, webhook_id)
    response.headers["ETag"] = etag(webhook)
    return service.show(webhook)


@router.patch(
    "/{webhook_id}",
    summary="Change a webhook (修改推送)",
    responses=answers(400, 401, 403, 404, 412, 413, 422, 428),
)
async def change_webhook(
    webhook_id: WebhookId,
    session: WriteSession,
    runtime: RuntimeDep,
    actor: Writer,
    response: Response,
    body: WebhookPatch,
    expected_versions: ExpectedVersions,
) -> WebhookRead:
    """Change what is given. While it is not active an endpoint is not told of what happens; what
    waited before goes on when it is active again."""
    webhook = await service.change(
        session, actor, webhook_id, body, runtime.settings, expected_versions=expected_versions
    )
    response.headers["ETag"] = etag(webhook)
    return service.show(webhook)


@router.delete(
    "/{webhook_id}",
    status_code=204,
    summary="Delete a webhook (删除推送)",
    responses=answers(401, 403, 404, 412, 422, 428),
)
async def delete_webhook(
    webhook_id: WebhookId,
    session: WriteSession,
    actor: Writer,
    expected_versions: ExpectedVersions,
) -> None:
    """Tell an endpoint of nothing any more; what it was told of is forgotten."""
    await service.delete(session, actor, webhook_id, expected_versions=expected_versions)


@router.post(
    "/{webhook_id}/rotate-secret",
    summary="Rotate a webhook's secret (更换签名密钥)",
    responses=answers(401, 403, 404, 412, 422, 428),
)
async def rotate_webhook_secret(
    webhook_id: WebhookId,
    session: WriteSession,
    runtime: RuntimeDep,
    actor: Writer,
    response: Response,
    expected_versions: ExpectedVersions,
) -> WebhookWithSecret:
    """A new secret, which is in this answer and in no other. For 24 hours messages bear a second
    signature, by the secret before; one that has leaked ends at once by rotating twice."""
    webhook = await service.rotate(session, actor, webhook_id, expected_versions=expected_versions)
    return _with_secret(webhook, runtime.settings, response)


@router.post(
    "/{webhook_id}/test",
    status_code=202,
    summary="Test a webhook (测试推送)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def test_webhook(
    webhook_id: WebhookId, session: IdempotentSession, actor: Writer
) -> DeliveryRead:
    """Send a `webhook.test` event; its delivery says what came of it."""
    return DeliveryRead.model_validate(await service.send_test(session, actor, webhook_id))


@router.get(
    "/{webhook_id}/deliveries",
    summary="List deliveries (推送记录)",
    responses=answers(401, 403, 404, 422),
)
async def list_webhook_deliveries(
    webhook_id: WebhookId,
    session: ReadSession,
    actor: Reader,
    request: Request,
    response: Response,
    query: Annotated[DeliveryQuery, Query()],
) -> Page[DeliveryRead]:
    """What an endpoint was told of within 30 days, newest first."""
    page = await service.deliveries(session, actor, webhook_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.get(
    "/{webhook_id}/deliveries/{delivery_id}",
    summary="Read a delivery (查看推送记录)",
    responses=answers(401, 403, 404, 422),
)
async def get_webhook_delivery(
    webhook_id: WebhookId, delivery_id: DeliveryId, session: ReadSession, actor: Reader
) -> DeliveryDetails:
    """One delivery with the body that is sent, and what was answered to each try."""
    return await service.details(session, actor, webhook_id, delivery_id)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    status_code=202,
    summary="Replay a delivery (重新推送)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def replay_webhook_delivery(
    webhook_id: WebhookId, delivery_id: DeliveryId, session: IdempotentSession, actor: Writer
) -> DeliveryRead:
    """Send a delivery that has ended again, as the same message (`webhook-id`)."""
    delivery = await service.replay(session, actor, webhook_id, delivery_id)
    return DeliveryRead.model_validate(delivery)


@router.post(
    "/{webhook_id}/replay",
    status_code=202,
    summary="Replay deliveries (批量重新推送)",
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
async def replay_webhook(
    webhook_id: WebhookId,
    session: IdempotentSession,
    actor: Writer,
    query: Annotated[ReplayQuery, Query()],
) -> Replayed:
    """Send what has ended since an instant again, the oldest first: at most 1000 deliveries, two a
    second. Those that are under way are left."""
    return await service.replay_since(session, actor, webhook_id, query)
