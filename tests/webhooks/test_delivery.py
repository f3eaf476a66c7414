"""Webhooks on their way: whom they tell, how they are signed, and what happens where they fail."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import standardwebhooks
import time_machine
from sqlalchemy import select, update

from conftest import PASSWORD, Service, running, settings_for
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.accounts.service import create_user
from kechuangtong.core.clock import now
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.events import log
from kechuangtong.matching.runs import work as match_runs
from kechuangtong.models import (
    Deal,
    DealParty,
    Demand,
    Notice,
    UntoldEvent,
    Webhook,
    WebhookAttempt,
    WebhookDelivery,
)
from kechuangtong.models.deal import DealSide, DealState
from kechuangtong.models.webhook import DeliveryState, DisabledReason
from kechuangtong.organizations.service import create_organization
from kechuangtong.settings import Settings
from kechuangtong.webhooks import delivery
from kechuangtong.webhooks import service as webhooks
from kechuangtong.webhooks.delivery import PAUSES
from receiving import Receiver
from waiting import until


@pytest.fixture
async def stranger(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """The manager of an organization that has to do with nobody."""
    async with service.runtime.database.write() as session:
        organization = await create_organization(
            session, OPERATOR, name="旁观研究院", kind=OrganizationKind.INSTITUTE
        )
        await create_user(
            session, name="stranger", password=PASSWORD, organization_id=organization.id
        )
    async with service.client(await service.token("stranger")) as client:
        yield client


async def register(client: httpx.AsyncClient, receiver: Receiver, *types: str) -> dict[str, Any]:
    """An endpoint of the caller's organization, with its secret."""
    body = {"url": receiver.url, "event_types": list(types) or ["*"]}
    made = await client.post("/v1/webhooks", json=body)
    assert made.status_code == 201, made.text
    webhook: dict[str, Any] = made.json()
    return webhook


async def publish(client: httpx.AsyncClient, kind: str, owner: uuid.UUID, title: str) -> str:
    """The id of a published record."""
    body = {"organization_id": str(owner), "title": title}
    path = (await client.post(f"/v1/{kind}s", json=body)).raise_for_status().headers["Location"]
    (await client.post(f"{path}/publish", headers={"If-Match": "*"})).raise_for_status()
    return path.rsplit("/", 1)[1]


async def work(service: Service, **how: Any) -> list[str]:
    """Do what a worker would do now, once; what was tried."""
    due = await delivery.waiting(service.runtime.database)
    for key in due:
        await delivery.deliver(service.runtime, key, **how)
    return due


async def work_all(service: Service) -> None:
    while await work(service):
        pass


async def the_delivery(service: Service) -> WebhookDelivery:
    async with service.runtime.database.read() as session:
        return (await session.scalars(select(WebhookDelivery))).one()


async def the_webhook(service: Service) -> Webhook:
    async with service.runtime.database.read() as session:
        return (await session.scalars(select(Webhook))).one()


async def notices(service: Service) -> list[str]:
    async with service.runtime.database.read() as session:
        found = await session.scalars(
            select(Notice).where(Notice.subject_kind == "webhook").order_by(Notice.id)
        )
        return [one.kind.value for one in found]


def verify(webhook: dict[str, Any], secret: str, receiver: Receiver) -> Any:
    """The last message, as a receiver's library reads it."""
    last = receiver.taken[-1]
    return standardwebhooks.Webhook(secret).verify(last.body, last.headers)


async def test_an_event_is_told_once_signed_and_thin(
    service: Service, scholar: httpx.AsyncClient, receiver: Receiver
) -> None:
    webhook = await register(scholar, receiver, "achievement.published", "demand.*")
    achievement = await publish(scholar, "achievement", service.university, "余热除湿机组")

    # Two workers take up the events at the same time, and two try the same delivery.
    database, runtime = service.runtime.database, service.runtime
    counts = await asyncio.gather(*(delivery.spread(database) for _ in range(2)))
    assert sum(counts) >= 2  # created, published, and the webhook's own
    (key,) = await delivery.waiting(database)
    await asyncio.gather(*(delivery.deliver(runtime, key) for _ in range(2)))
    (message,) = receiver.taken

    payload = verify(webhook, webhook["secret"], receiver)
    assert payload["type"] == "achievement.published"
    assert payload["data"] == {
        "kind": "achievement",
        "id": achievement,
        "version": 2,
        "state": "published",
        "path": f"/v1/achievements/{achievement}",
    }
    assert datetime.fromisoformat(payload["timestamp"]) <= now()
    tampered = json.dumps({**payload, "type": "achievement.deleted"})
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(webhook["secret"]).verify(tampered, message.headers)

    assert await work(service) == []
    async with database.read() as session:
        assert (await session.scalars(select(UntoldEvent))).all() == []
    done = await the_delivery(service)
    assert (done.state, done.status, done.attempts) == (DeliveryState.SUCCEEDED, 204, 1)
    assert str(done.id) == message.id

    # An event that was taken up before is not told again, whoever finds it.
    async with database.write() as session:
        session.add(UntoldEvent(event_id=done.event_id))
    assert await work(service) == []


async def test_an_event_that_is_committed_late_is_told_too(
    service: Service, scholar: httpx.AsyncClient, receiver: Receiver
) -> None:
    """Where ids are given out before the commit, it stands before what was told already."""
    database = service.runtime.database
    if database.url.startswith("sqlite"):
        pytest.skip("there is one writer at a time")
    await register(scholar, receiver, "achievement.*")
    snapshot = {"organization": {"id": str(service.university)}}

    def record(session: Any) -> None:
        log.record(
            session,
            OPERATOR,
            "achievement.changed",
            subject_kind="achievement",
            subject_id=uuid.uuid4(),
            before=None,
            after=snapshot,
        )

    async with database.write() as late:
        record(late)
        await late.flush()
        async with database.write() as early:
            record(early)
        await work_all(service)
        assert len(receiver.taken) == 1
    await work_all(service)
    assert len(receiver.taken) == 2


async def test_what_fails_is_tried_by_the_schedule_then_told_of_and_replayed(
    service: Service, scholar: httpx.AsyncClient, receiver: Receiver
) -> None:
    webhook = await register(scholar, receiver, "achievement.published")
    receiver.status, receiver.answer = 500, "坏了\0".encode() + b"x" * 5_000
    with time_machine.travel(now(), tick=False) as clock:
        await publish(scholar, "achievement", service.university, "余热除湿机组")
        for pause in PAUSES:
            (key,) = await work(service, jitter=lambda: 1.5)
            assert (await the_delivery(service)).due_at == now() + 1.5 * pause
            await delivery.deliver(service.runtime, key)  # begun before: not again
            clock.shift(1.5 * pause - timedelta(seconds=1))
            assert await work(service) == []
            clock.shift(1)
        assert await notices(service) == []
        assert len(await work(service)) == 1
        assert await work(service) == []
        failed = await the_delivery(service)
        assert (failed.state, failed.status) == (DeliveryState.FAILED, 500)
        assert failed.attempts == len(receiver.taken) == len(PAUSES) + 1
        assert len({one.id for one in receiver.taken}) == 1
        assert await notices(service) == ["webhook_failed"]

        async with service.client(await service.token("scholar")) as again:
            path = f"/v1/webhooks/{webhook['id']}/deliveries"
            shown = (await again.get(f"{path}/{failed.id}")).json()
            assert shown["payload"] == receiver.taken[0].payload
            assert [one["number"] for one in shown["log"]] == list(range(1, failed.attempts + 1))
            assert shown["log"][0]["excerpt"].startswith("坏了x")
            assert len(shown["log"][0]["excerpt"]) <= 1_000
            assert (await again.get("/v1/inbox")).json()["items"][0]["link"] == (
                f"/v1/webhooks/{webhook['id']}"
            )
            receiver.status, receiver.answer = 200, b"ok"
            key = {"Idempotency-Key": "once"}
            for _ in range(2):
                replayed = await again.post(f"{path}/{failed.id}/replay", headers=key)
                assert (replayed.status_code, replayed.json()["state"]) == (202, "pending")
            pending = await again.post(f"{path}/{failed.id}/replay")
            assert (pending.status_code, pending.json()["code"]) == (409, "delivery_pending")
            assert len(await work(service)) == 1
            listed = (await again.get(f"{path}?state=succeeded&type=achievement.published")).json()
            assert [one["id"] for one in listed["items"]] == [str(failed.id)]
            assert (await again.get(f"{path}?state=failed")).json()["items"] == []
    assert len({one.id for one in receiver.taken}) == 1
    assert (await the_webhook(service)).failing_since is None


async def test_an_endpoint_that_is_gone_or_fails_for_days_is_disabled(
    service: Service, scholar: httpx.AsyncClient, receiver: Receiver
) -> None:
    webhook = await register(scholar, receiver)
    path, any_version = f"/v1/webhooks/{webhook['id']}", {"If-Match": "*"}

    async def tested() -> int:
        return (await scholar.post(f"{path}/test")).status_code

    # A redirect is a failure, and is not followed.
    receiver.status, receiver.location = 302, receiver.url
    assert await tested() == 202
    await work(service)
    assert len(receiver.taken) == 1
    assert (await scholar.get(path)).json()["failing_since"] is not None

    async with service.runtime.database.write() as session:
        long_ago = now() - timedelta(days=5, minutes=1)
        await session.execute(update(Webhook).values(failing_since=long_ago))
    assert await tested() == 202
    await work(service)
    shown = (await scholar.get(path)).json()
    assert (shown["active"], shown["disabled_reason"]) == (False, "failing")
    assert await tested() == 409
    assert (await scholar.post(f"{path}/replay?since=2026-01-01T00:00:00Z")).status_code == 409
    before = len(receiver.taken)
    with time_machine.travel(now() + timedelta(seconds=30)):
        assert await work(service) == []  # what is due waits

        shown = await scholar.patch(path, json={"active": True}, headers=any_version)
        assert (shown.json()["active"], shown.json()["disabled_reason"]) == (True, None)
        receiver.status = 410
        assert len(await work(service)) == 2
    assert len(receiver.taken) == before + 1  # the other one waits again
    assert (await the_webhook(service)).disabled_reason is DisabledReason.GONE
    assert await notices(service) == ["webhook_disabled", "webhook_gone"]


async def test_a_secret_that_was_rotated_is_signed_with_for_a_day(
    service: Service, scholar: httpx.AsyncClient, receiver: Receiver
) -> None:
    webhook = await register(scholar, receiver)
    path = f"/v1/webhooks/{webhook['id']}"
    start = now()

    async def sent() -> str:
        (await scholar.post(f"{path}/test")).raise_for_status()
        await work(service)
        return receiver.taken[-1].headers["webhook-signature"]

    assert " " not in await sent()
    tag = {"If-Match": (await scholar.get(path)).headers["ETag"]}
    rotated = await scholar.post(f"{path}/rotate-secret", headers=tag)
    assert rotated.headers["Cache-Control"] == "no-store"
    secret = rotated.json()["secret"]
    assert secret != webhook["secret"]
    assert (await scholar.post(f"{path}/rotate-secret", headers=tag)).status_code == 412

    assert len((await sent()).split()) == 2
    for one in (webhook["secret"], secret):
        assert verify(webhook, one, receiver)["type"] == "webhook.test"
    with time_machine.travel(start + timedelta(hours=24, minutes=1)):
        async with service.client(await service.token("scholar")) as scholar:
            assert len((await sent()).split()) == 1
            assert verify(webhook, secret, receiver)["data"]["id"] == webhook["id"]
            with pytest.raises(standardwebhooks.WebhookVerificationError):
                verify(webhook, webhook["secret"], receiver)


async def test_each_is_told_of_its_own_and_nobody_of_what_is_anothers(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
) -> None:
    database = service.runtime.database
    with (
        Receiver().running() as of_university,
        Receiver().running() as of_enterprise,
        Receiver().running() as of_stranger,
    ):
        await register(scholar, of_university)
        await register(buyer, of_enterprise)
        await register(stranger, of_stranger)
        achievement = await publish(scholar, "achievement", service.university, "余热除湿机组")
        demand = await publish(buyer, "demand", service.enterprise, "烘房除湿")
        async with database.write() as session:
            await session.execute(
                update(Demand).where(Demand.id == uuid.UUID(demand)).values(anonymous=True)
            )
        body = {
            "subject_kind": "demand",
            "demand_id": demand,
            "achievement_id": achievement,
            "message": "想了解能耗。",
        }
        made = (await scholar.post("/v1/interests", json=body)).raise_for_status()
        declined = await buyer.post(
            f"{made.headers['Location']}/decline",
            json={"reason": "too_early"},
            headers={"If-Match": "*"},
        )
        declined.raise_for_status()
        feedback = {"demand_id": demand, "achievement_id": achievement, "useful": False}
        await scholar.post("/v1/matches/feedback", json=feedback)
        run = (await scholar.post("/v1/match-runs", json={"kind": "achievement"})).json()
        await match_runs.fail(database, uuid.UUID(run["id"]))
        deal = await _deal(service)
        await work_all(service)

    def told(receiver: Receiver) -> list[tuple[str, str]]:
        payloads = [one.payload for one in receiver.taken]
        return sorted((one["type"], one["data"]["id"]) for one in payloads)

    interest = made.json()["id"]
    both = [
        ("deal.sign_contract", deal),
        ("interest.declined", interest),
        ("interest.expressed", interest),
    ]
    assert told(of_university) == sorted(
        [
            ("achievement.created", achievement),
            ("achievement.published", achievement),
            ("match_run.created", run["id"]),
            ("match_run.failed", run["id"]),
            *both,
        ]
    )
    assert told(of_enterprise) == sorted(
        [("demand.created", demand), ("demand.published", demand), *both]
    )
    assert told(of_stranger) == []
    # Who is on the other side of an anonymous demand stands nowhere in what is sent.
    hidden = (str(service.enterprise), "锦城机电", "烘房除湿", demand)
    sent = b"".join(one.body for one in of_university.taken).decode()
    assert not any(one in sent for one in hidden)


async def _deal(service: Service) -> str:
    """A deal of the two that was signed."""
    async with service.runtime.database.write() as session:
        deal = Deal(id=uuid.uuid4(), title="除湿", opened_by=DealSide.BUYER, state=DealState.SIGNED)
        session.add(deal)
        await session.flush()
        for side, one in (
            (DealSide.SELLER, service.university),
            (DealSide.BUYER, service.enterprise),
        ):
            session.add(DealParty(deal_id=deal.id, organization_id=one, side=side))
        log.record(
            session,
            OPERATOR,
            "deal.sign_contract",
            subject_kind="deal",
            subject_id=deal.id,
            before=None,
            after={"state": "signed", "version": 7},
        )
    return str(deal.id)


async def test_many_are_replayed_over_time_and_one_that_hangs_holds_up_none(
    service: Service,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhooks, "REPLAYED", 20)
    webhook = await register(scholar, receiver)
    other = await register(buyer, receiver, "demand.published")
    database = service.runtime.database
    ended = {"state": DeliveryState.SUCCEEDED, "due_at": None, "attempts": 1, "tries": 1}
    async with database.write() as session:
        for number in range(22):
            event = log.record(
                session,
                OPERATOR,
                "interest.expressed",
                subject_kind="interest",
                subject_id=uuid.uuid4(),
                before=None,
                after={},
            )
            session.add(
                WebhookDelivery(
                    webhook_id=uuid.UUID(webhook["id"]),
                    event=event,
                    type=event.action,
                    created_at=now() + timedelta(seconds=number),
                    **ended,
                )
            )
    path = f"/v1/webhooks/{webhook['id']}/replay"
    with time_machine.travel(start := now(), tick=False) as clock:
        since = {"since": (start - timedelta(minutes=1)).isoformat()}
        replayed = (await scholar.post(path, params=since)).json()
        assert (replayed["count"], replayed["more"]) == (20, True)
        assert datetime.fromisoformat(replayed["last_due_at"]) == start + timedelta(seconds=9.5)
        clock.shift(5)
        due = await delivery.waiting(database)
        assert len(due) == 3  # of ten that are due
        async with database.write() as session:  # and those are being tried, without an answer
            for key in due:
                await session.execute(
                    update(WebhookDelivery)
                    .where(WebhookDelivery.id == uuid.UUID(key.split("/")[0]))
                    .values(busy_until=now() + timedelta(seconds=20))
                )
        await publish(buyer, "demand", service.enterprise, "烘房除湿")
        assert len(await work(service)) == 1
    assert [one.payload["type"] for one in receiver.taken] == ["demand.published"]
    async with database.read() as session:
        told = (await session.scalars(select(WebhookAttempt.delivery_id))).one()
        assert (await session.get_one(WebhookDelivery, told)).webhook_id == uuid.UUID(other["id"])


async def test_what_cannot_be_done_ends_and_what_was_deleted_is_left(
    service: Service, scholar: httpx.AsyncClient, receiver: Receiver
) -> None:
    webhook = await register(scholar, receiver)
    path = f"/v1/webhooks/{webhook['id']}"
    (await scholar.post(f"{path}/test")).raise_for_status()
    (key,) = await delivery.waiting(service.runtime.database)
    await delivery.give_up(service.runtime, key)
    given_up = await the_delivery(service)
    assert (given_up.state, given_up.error) == (DeliveryState.FAILED, "internal error")

    (await scholar.post(f"{path}/test")).raise_for_status()
    (key,) = await delivery.waiting(service.runtime.database)
    deleted = await scholar.delete(path, headers={"If-Match": '"1"'})
    assert deleted.status_code == 204
    await delivery.deliver(service.runtime, key)
    assert receiver.taken == []
    assert (await scholar.get(path)).status_code == 404


async def test_the_worker_sends_what_happened(tmp_path: Path, receiver: Receiver) -> None:
    usual = settings_for(tmp_path, f"sqlite+aiosqlite:///{tmp_path / 'kechuangtong.sqlite'}")
    settings = Settings(**usual.model_dump() | {"webhooks_allow": "127.0.0.1"})
    async with running(settings) as service:
        async with service.client(await service.token("scholar")) as scholar:
            await register(scholar, receiver, "achievement.published")
            await publish(scholar, "achievement", service.university, "余热除湿机组")

            async def noted() -> bool:
                listed = select(WebhookDelivery.state)
                async with service.runtime.database.read() as session:
                    return await session.scalar(listed) is DeliveryState.SUCCEEDED

            await until(noted)
    assert [one.payload["type"] for one in receiver.taken] == ["achievement.published"]
