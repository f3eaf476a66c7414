"""Work that is done again and again: when it is due, once, and what it forgets."""

import asyncio
import uuid
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from anyio import to_thread
from dbos import DBOS
from sqlalchemy import func, select, update

from conftest import Service
from kechuangtong.core.clock import now
from kechuangtong.core.db import Database
from kechuangtong.jobs import schedules
from kechuangtong.jobs.schedules import SCHEDULES, Scheduled
from kechuangtong.models import (
    IdempotentAnswer,
    Invitation,
    Mail,
    PasswordReset,
    RateCount,
    Schedule,
    SignIn,
    SignInFailures,
    User,
)
from kechuangtong.runtime import Runtime
from waiting import until

KINDS: list[Any] = [
    IdempotentAnswer, SignInFailures, RateCount, PasswordReset, Invitation, SignIn, Mail,
]  # fmt: skip


async def last_run(database: Database, name: str) -> Any:
    async with database.read() as session:
        found = await session.get(Schedule, name)
        return found and found.last_run_at


async def counts(database: Database) -> list[int]:
    async with database.read() as session:
        return [await session.scalar(select(func.count()).select_from(kind)) or 0 for kind in KINDS]


async def remember(service: Service, name: str) -> None:
    """One thing of each kind that is forgotten one day."""
    async with service.runtime.database.write() as session:
        user = (await session.scalars(select(User).limit(1))).one()
        hour = now() + timedelta(hours=1)
        session.add_all(
            [
                IdempotentAnswer(
                    caller=name,
                    route="r",
                    key="k",
                    fingerprint="",
                    status=201,
                    headers={},
                    body=b"",
                ),
                SignInFailures(name_hash=name, count=1),
                RateCount(key=name, count=1, expires_at=hour),
                PasswordReset(user_id=user.id, token_hash=name, expires_at=hour),
                Invitation(
                    organization_id=service.university,
                    email="li@kct.example",
                    role="member",
                    token_hash=name,
                    expires_at=hour,
                ),
                SignIn(user_id=user.id, expires_at=hour),
                Mail(recipient=name, subject="s", text="t", due_at=None, sent_at=now()),
            ]
        )


async def test_what_is_past_is_forgotten_each_day(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in SCHEDULES.keys() - {"cleaning"}:
        monkeypatch.delitem(SCHEDULES, other)
    database = service.runtime.database

    async def cleaned_since(instant: Any) -> bool:
        last = await last_run(database, "cleaning")
        return last is not None and last > instant

    await until(lambda: cleaned_since(now() - timedelta(minutes=2)))  # at start
    await remember(service, "old")
    async with database.write() as session:  # SQLAlchemy takes its default where None is given
        await session.execute(update(Mail).values(due_at=None))
    begun = now()
    assert await counts(database) == [1] * 7
    assert await schedules.waiting(database) == []
    with time_machine.travel(begun + timedelta(hours=23)):
        assert await schedules.waiting(database) == []
    with time_machine.travel(begun + timedelta(hours=25)):
        await until(lambda: cleaned_since(begun))
        assert await counts(database) == [0, 0, 0, 1, 1, 1, 1]
    later = begun + timedelta(days=40)
    with time_machine.travel(later):
        await remember(service, "new")
        async with database.write() as session:
            await session.execute(update(Mail).values(due_at=None))
        await until(lambda: cleaned_since(later))
        assert await counts(database) == [1, 1, 1, 1, 1, 1, 2]
        async with database.read() as session:
            texts = {one.recipient: one.text for one in await session.scalars(select(Mail))}
        finished = partial(DBOS.list_workflows, completed_before=begun.isoformat())
        assert await to_thread.run_sync(finished) == []
    assert texts == {"old": None, "new": "t"}


async def test_each_is_done_at_its_interval_and_a_failure_waits_for_the_next(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = service.runtime.database
    done: list[uuid.UUID] = []

    async def work(runtime: Runtime) -> None:
        assert runtime.settings == service.runtime.settings
        done.append(uuid.uuid4())
        if len(done) == 1:
            raise ValueError("a mistake")

    monkeypatch.setitem(SCHEDULES, "often", Scheduled(timedelta(minutes=10), work))

    async def ran(times: int) -> bool:
        return len(done) == times and await schedules.waiting(database) == []

    await until(lambda: ran(1))
    await asyncio.sleep(1.5)  # neither failure nor success is repeated before it is due
    assert len(done) == 1
    with time_machine.travel(now() + timedelta(minutes=11)):
        await until(lambda: ran(2))
        await asyncio.sleep(1.5)
        assert len(done) == 2


@pytest.mark.parametrize("_place", ["postgresql"], indirect=True)
async def test_several_workers_do_it_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = service.runtime
    done: list[int] = []

    async def work(_runtime: Runtime) -> None:
        await asyncio.sleep(0.2)
        done.append(1)

    # Not due for the service's own worker, which looks at what is waiting.
    scheduled = Scheduled(timedelta(days=365), work)
    async with runtime.database.write() as session:
        session.add(Schedule(name="alone", last_run_at=now()))
    monkeypatch.setitem(SCHEDULES, "alone", scheduled)
    key = f"alone/{(await last_run(runtime.database, 'alone')).isoformat()}/now"
    await asyncio.gather(*(schedules.run(runtime, key) for _ in range(4)))
    assert done == [1]
    await schedules.run(runtime, key)
    assert done == [1]
