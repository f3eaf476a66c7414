"""What may be wrong with a webhook."""

from kechuangtong.core.errors import Conflict, Invalid
from kechuangtong.core.language import Text


class TooManyWebhooks(Conflict):
    code = "too_many_webhooks"
    text = Text(
        "每个单位最多设 {limit} 个推送地址。", "An organization has at most {limit} webhooks."
    )
    place = ("body",)


class UrlRefused(Invalid):
    code = "url_refused"
    text = Text("推送地址{zh}。", "The URL {en}.")
    place = ("body", "url")


class EventTypeUnknown(Invalid):
    code = "event_type_unknown"
    text = Text(
        "没有事件类型“{name}”；见 GET /v1/webhooks/event-types。",
        "There is no event type {name}; see GET /v1/webhooks/event-types.",
    )


class WebhookInactive(Conflict):
    code = "webhook_inactive"
    text = Text("推送已停用，请先启用。", "The webhook is not active; make it active first.")


class DeliveryPending(Conflict):
    code = "delivery_pending"
    text = Text("此推送尚在进行。", "This delivery is under way already.")
