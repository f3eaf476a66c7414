"""Webhooks over HTTP: who manages which endpoints, and what is refused."""

import json
import uuid
from typing import Any

import httpx
from sqlalchemy import select

from conftest import Service
from kechuangtong.deals.states import Action as DealAction
from kechuangtong.models import Event, IdempotentAnswer
from kechuangtong.models.booking import BookingState
from kechuangtong.models.interest import InterestState
from kechuangtong.webhooks import catalogue
from kechuangtong.webhooks.service import LIMIT
from people import signed_in
from receiving import Receiver

ANY = {"If-Match": "*"}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_every_step_of_what_moves_by_a_table_is_described() -> None:
    steps: dict[str, set[str]] = {
        "deal": {*DealAction, "created"} - {DealAction.CREATE},
        "interest": set(InterestState),
        "booking": set(BookingState),
        "match_run": {"created", "done", "failed", "cancelled"},
    }
    for kind, names in steps.items():
        assert names <= set(catalogue.SUBJECTS[kind].events), kind


async def test_endpoints_are_for_the_managers_of_their_organization(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
    receiver: Receiver,
) -> None:
    body: dict[str, Any] = {
        "url": receiver.url + "?token=lets-in",
        "description": "科研管理系统",
        "event_types": ["deal.*", "interest.expressed", "deal.*"],
    }
    made = await scholar.post("/v1/webhooks", json=body)
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    webhook, path = made.json(), made.headers["Location"]
    assert webhook["secret"].startswith("whsec_")
    assert webhook["event_types"] == ["deal.*", "interest.expressed"]
    second = (await scholar.post("/v1/webhooks", json=body)).json()
    assert second["secret"] != webhook["secret"]

    # To none but the organization's managers and administrators, and the secret to none any more.
    editor = await signed_in(service, "an editor", member_of=service.university)
    for read in (path, f"{path}/deliveries"):
        assert (await scholar.get(read)).status_code == 200
        assert (await admin.get(read)).status_code == 200
        assert code(await buyer.get(read)) == (404, "not_found")
        assert code(await editor.get(read)) == (403, "forbidden")
        assert code(await anyone.get(read)) == (401, "not_signed_in")
        assert "secret" not in (await scholar.get(read)).text
    await editor.aclose()
    assert (await buyer.get("/v1/webhooks")).json()["items"] == []
    listed = await scholar.get("/v1/webhooks?limit=1")
    assert [one["id"] for one in listed.json()["items"]] == [second["id"]]
    beyond = (await scholar.get(listed.links["next"]["url"])).json()
    assert [one["id"] for one in beyond["items"]] == [webhook["id"]]
    of_other = {"organization_id": str(service.university)}
    assert code(await buyer.get("/v1/webhooks", params=of_other)) == (403, "forbidden")
    assert code(await buyer.post("/v1/webhooks", json=body | of_other)) == (403, "forbidden")
    for verb in ("test", "rotate-secret", "replay?since=2026-01-01T00:00:00Z"):
        assert code(await buyer.post(f"{path}/{verb}", headers=ANY)) == (404, "not_found")
    assert code(await buyer.patch(path, json={}, headers=ANY)) == (404, "not_found")
    assert code(await buyer.delete(path, headers=ANY)) == (404, "not_found")

    # A change names the version that was read.
    tag = {"If-Match": made.headers["ETag"]}
    assert code(await scholar.patch(path, json={"active": False})) == (428, "if_match_required")
    changed = await scholar.patch(path, json={"active": False}, headers=tag)
    assert (changed.json()["active"], changed.json()["version"]) == (False, 2)
    assert code(await scholar.delete(path, headers=tag)) == (412, "stale")
    assert code(await scholar.post(f"{path}/test")) == (409, "webhook_inactive")

    # A test may be asked for twice and is sent once; nothing that lets in is kept.
    once = {"Idempotency-Key": "once"}
    sent = [
        (await scholar.post(f"/v1/webhooks/{second['id']}/test", headers=once)).json()["id"]
        for _ in range(2)
    ]
    assert sent[0] == sent[1]
    delivery = f"/v1/webhooks/{second['id']}/deliveries/{sent[0]}"
    assert (await scholar.get(delivery)).json()["payload"]["type"] == "webhook.test"
    assert code(await scholar.get(f"{path}/deliveries/{sent[0]}")) == (404, "not_found")
    assert code(await scholar.post(f"{path}/deliveries/{sent[0]}/replay")) == (404, "not_found")
    async with service.runtime.database.read() as session:
        events = await session.scalars(
            select(Event).where(Event.subject_kind == "webhook").order_by(Event.id)
        )
        kept = [(one.action, json.dumps([one.before, one.after])) for one in events]
        answers = (await session.scalars(select(IdempotentAnswer.body))).all()
    assert [action for action, _ in kept] == [
        *("webhook.created", "webhook.created", "webhook.changed", "webhook.test")
    ]
    for secret in (webhook["secret"], second["secret"], "lets-in"):
        assert not any(secret in one for _, one in kept)
        assert not any(secret.encode() in one for one in answers)


async def test_what_is_not_right_is_refused_with_its_place(
    service: Service, scholar: httpx.AsyncClient, receiver: Receiver
) -> None:
    good = {"url": receiver.url, "event_types": ["*"]}
    for refused in (
        {"url": "http://192.168.1.1/"},
        {"url": "https://192.168.1.1/"},
        {"url": "https://[::ffff:192.168.1.1]/"},
        {"url": "http://1.1.1.1/"},
        {"url": "https://a:b@1.1.1.1/"},
        {"url": "https://" + "a" * 64 + "/"},
        {"url": "no url"},
    ):
        answer = await scholar.post("/v1/webhooks", json=good | refused)
        assert code(answer) == (422, "url_refused"), refused
        assert answer.json()["errors"][0]["loc"] == ["body", "url"]
    for unknown in ("deal", "deals.*", "*.published", "achievement.", "achievement.publish", "a.*"):
        answer = await scholar.post("/v1/webhooks", json=good | {"event_types": ["*", unknown]})
        assert code(answer) == (422, "event_type_unknown"), unknown
        assert answer.json()["errors"][0]["loc"] == ["body", "event_types", 1]
    for malformed in ({"event_types": []}, {"url": ""}, {"url": None}, {"url": "h" * 2_001}):
        answer = await scholar.post("/v1/webhooks", json=good | malformed)
        assert code(answer) == (422, "validation_failed"), malformed
    path = (await scholar.post("/v1/webhooks", json=good)).headers["Location"]
    for patch in ({"url": "https://10.0.0.1/"}, {"event_types": ["a.b"]}, {"active": None}):
        assert (await scholar.patch(path, json=patch, headers=ANY)).status_code == 422, patch
    assert code(await scholar.post(f"{path}/replay")) == (422, "validation_failed")
    nowhere = f"/v1/webhooks/{uuid.uuid4()}"
    assert code(await scholar.get(nowhere)) == (404, "not_found")

    for _ in range(LIMIT - 1):
        assert (await scholar.post("/v1/webhooks", json=good)).status_code == 201
    assert code(await scholar.post("/v1/webhooks", json=good)) == (409, "too_many_webhooks")

    types = (await scholar.get("/v1/webhooks/event-types")).json()["items"]
    assert {"interest.accepted", "match_run.done"} <= {one["name"] for one in types}
    assert all(one["zh"] and one["en"] and catalogue.known(one["name"]) for one in types)
