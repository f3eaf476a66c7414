"""Expiry: what is past its date is hidden, renewed, and its people reminded, each time once."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import time_machine
from sqlalchemy import select

from conftest import Service
from kechuangtong.core.clock import CITY
from kechuangtong.lists.reminders import remind
from kechuangtong.models import Mail, Notice
from people import change, signed_in
from waiting import until

NOON = datetime(2031, 3, 1, 12, tzinfo=CITY)


async def caller(service: Service, name: str) -> httpx.AsyncClient:
    """One whose token is good at the time that is set."""
    return service.client(await service.token(name))


async def publish(client: httpx.AsyncClient, service: Service, **values: Any) -> str:
    body = {"organization_id": str(service.university), **values}
    path = str((await client.post("/v1/achievements", json=body)).headers["Location"])
    assert (await change(client, f"{path}/publish")).is_success
    return path


async def test_a_record_expires_and_is_renewed(service: Service, anyone: httpx.AsyncClient) -> None:
    with time_machine.travel(NOON) as clock:
        scholar = await caller(service, "scholar")
        path = await publish(scholar, service, title="石墨烯", valid_until="2031-03-10")
        endless = await publish(scholar, service, title="无期限")

        async def found() -> int:
            return int((await anyone.get("/v1/search")).json()["total"])

        async def both_found() -> bool:
            return await found() == 2

        await until(both_found)
        published_at = (await scholar.get(path)).json()["published_at"]
        # On its last day it is there, and the day after, by the city's clock, it is not.
        clock.move_to(datetime(2031, 3, 10, 23, 59, tzinfo=CITY))
        assert (await anyone.get(path)).json()["state"] == "published"
        clock.move_to(datetime(2031, 3, 11, 0, 1, tzinfo=CITY))
        scholar = await caller(service, "scholar")
        assert (await anyone.get(path)).status_code == 404
        assert (await anyone.get(f"{path}/matches")).status_code == 404
        assert len((await anyone.get("/v1/achievements")).json()["items"]) == 1
        assert await found() == 1
        assert (await anyone.get("/v1/statistics")).json()["achievements"] == 1
        assert (await scholar.get(path)).json()["state"] == "expired"

        for client, where, day, status, code in (
            (scholar, path, "2031-03-10", 422, "date_not_later"),
            (scholar, path, "2031-03-11", 422, "date_not_later"),
            (scholar, endless, "2032-01-01", 422, "date_not_later"),
            (scholar, path, "soon", 422, "validation_failed"),
            (await caller(service, "buyer"), path, "2032-01-01", 404, "not_found"),
        ):
            answer = await change(client, f"{where}/renew", {"valid_until": day})
            assert (answer.status_code, answer.json()["code"]) == (status, code)
            if status == 422:
                assert answer.json()["errors"][0]["loc"] == ["body", "valid_until"]
        assert (
            await scholar.post(f"{path}/renew", json={"valid_until": "2032-01-01"})
        ).status_code == 428
        renewed = await change(scholar, f"{path}/renew", {"valid_until": "2031-03-12"})
        assert (renewed.json()["state"], renewed.json()["valid_until"]) == (
            "published",
            "2031-03-12",
        )
        assert renewed.json()["published_at"] == published_at  # it is not new by that
        shorter = await change(scholar, f"{path}/renew", {"valid_until": "2031-03-12"})
        assert shorter.json()["code"] == "date_not_later"
        await until(both_found)
        await change(scholar, f"{path}/withdraw")
        refused = await change(scholar, f"{path}/renew", {"valid_until": "2033-01-01"})
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")


async def test_each_reminder_is_told_once(service: Service) -> None:
    await signed_in(service, "office", member_of=service.university, email="office@example.org")
    database = service.runtime.database

    async def told() -> list[tuple[str, str]]:
        async with database.read() as session:
            notices = await session.scalars(select(Notice).order_by(Notice.id))
            return [(str(one.kind), one.data["title"]) for one in notices]

    with time_machine.travel(NOON) as clock:
        scholar = await caller(service, "scholar")
        path = await publish(scholar, service, title="甲", valid_until="2031-04-01")
        await publish(scholar, service, title="乙", valid_until="2031-04-01")
        await publish(scholar, service, title="无期限")
        draft = {
            "organization_id": str(service.university),
            "title": "草",
            "valid_until": "2031-03-05",
        }
        await scholar.post("/v1/achievements", json=draft)
        assert await remind(database) == 0
        expected: list[tuple[str, str]] = []
        for days, kind in (
            (1, "listing_expiring"),  # 30 days before
            (2, None),
            (23, None),
            (24, "listing_expiring"),  # 7 days before
            (31, None),  # the last day
            (32, "listing_expired"),
            (33, None),
        ):
            clock.move_to(NOON + timedelta(days))
            new = [] if kind is None else [(kind, "甲"), (kind, "乙")]
            assert await remind(database) == len(new), days
            assert await remind(database) == 0
            expected += new
            assert await told() == expected
        async with database.read() as session:
            mails = (await session.scalars(select(Mail).order_by(Mail.created_at))).all()
        # One mail each time, however many records it is about.
        assert [one.recipient for one in mails] == ["office@example.org"] * 3
        assert "甲" in (mails[0].text or "")
        assert "乙" in (mails[0].text or "")
        # Renewed, it is told of anew.
        scholar = await caller(service, "scholar")
        await change(scholar, f"{path}/renew", {"valid_until": "2031-04-08"})
        assert await remind(database) == 1
        assert (await told())[-1] == ("listing_expiring", "甲")
        # A worker that was away too long tells no news of what expired long ago.
        clock.move_to(NOON + timedelta(100))
        assert await remind(database) == 0
