"""Mail: sent by the worker, once as far as that can be, whatever fails on the way."""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
import time_machine
from aiosmtpd.controller import Controller
from sqlalchemy import select
from structlog.testing import capture_logs
from typer.testing import CliRunner

from conftest import free_port, running
from deployment import installed, wait
from kechuangtong.cli import app
from kechuangtong.core import migrations
from kechuangtong.core.clock import now
from kechuangtong.core.db import Database
from kechuangtong.core.language import Text
from kechuangtong.mail import delivery
from kechuangtong.mail.service import write
from kechuangtong.models import Mail
from kechuangtong.runtime import Runtime, open_runtime
from kechuangtong.settings import Settings
from waiting import until

LINK = "https://kechuangtong.example/reset?token=a-link-that-lets-in"
SUBJECT = Text("重设密码", "A new password")
TEXT = Text(f"请打开 {LINK}", f"Open {LINK}")


@dataclass
class Server:
    """An SMTP server: what it took, whom it refuses, and how long it takes to take a mail."""

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    begun: int = 0
    pause: float = 0.0
    answer: str = "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _s: Any, _session: Any, envelope: Any, address: str, _o: Any
    ) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 no such user here"
        if address.startswith("busy"):
            return "451 4.2.1 mailbox is busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.begun += 1
        answer = self.answer
        await asyncio.sleep(self.pause)
        if answer.startswith("250"):
            parsed: Any = message_from_bytes(envelope.content, policy=policy.default)
            assert parsed["To"] == envelope.rcpt_tos[0]
            self.taken.append(parsed)
        return answer

    @contextmanager
    def running(self) -> Iterator[None]:
        controller = Controller(self, hostname="127.0.0.1", port=self.port)
        controller.start()
        try:
            yield
        finally:
            controller.stop()
            controller.loop.close()


@pytest.fixture
def down() -> Server:
    """A server that is not there yet."""
    return Server(free_port())


@pytest.fixture
def server(down: Server) -> Iterator[Server]:
    with down.running():
        yield down


@pytest.fixture
def settings(settings: Settings, down: Server) -> Settings:
    sending = {
        "smtp_url": f"smtp://127.0.0.1:{down.port}",
        "mail_from": "科创通 <no-reply@kct.example>",
    }
    return Settings(**(settings.model_dump() | sending))


@pytest.fixture
async def runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """What a worker has, without one that runs."""
    async with open_runtime(settings) as one:
        await migrations.migrate(one.database)
        yield one


async def post(database: Database, *recipients: str) -> None:
    async with database.write() as session:
        for one in recipients:
            write(session, to=one, subject=SUBJECT, text=TEXT)


async def mail(database: Database) -> Mail:
    async with database.read() as session:
        return (await session.scalars(select(Mail))).one()


async def attempt(runtime: Runtime) -> list[str]:
    due = await delivery.waiting(runtime.database)
    for key in due:
        await delivery.deliver(runtime, key)
    return due


async def test_the_worker_sends_what_was_committed(settings: Settings, server: Server) -> None:
    async with running(settings) as service:
        database = service.runtime.database
        async with database.write() as session:
            write(session, to="undone@kct.example", subject=SUBJECT, text=TEXT)
            await session.rollback()
        await post(database, "li@kct.example", "nobody@kct.example")

        async def ended() -> bool:
            async with database.read() as session:
                return not (
                    await session.scalars(select(Mail).where(Mail.due_at.is_not(None)))
                ).all()

        await until(ended)
        async with database.read() as session:
            mails = {one.recipient: one for one in await session.scalars(select(Mail))}
    sent, refused = mails["li@kct.example"], mails["nobody@kct.example"]
    assert (sent.attempts, sent.text, sent.problem) == (1, None, None)
    assert sent.sent_at is not None
    assert (refused.attempts, refused.sent_at) == (1, None)
    assert refused.problem == "550 5.1.1 no such user here"
    (got,) = server.taken
    assert got["Subject"] == "重设密码 / A new password"
    assert got["From"] == "科创通 <no-reply@kct.example>"
    assert got["Message-ID"] == f"<{sent.id}@kct.example>"
    assert abs(got["Date"].datetime - now()) < timedelta(minutes=2)
    assert got.get_content().splitlines() == [TEXT.zh, "", TEXT.en]


async def test_a_server_that_is_away_is_tried_for_a_day(
    settings: Settings, runtime: Runtime, down: Server
) -> None:
    begun = now()
    await post(runtime.database, "li@kct.example")
    tries = []
    while (due_at := (await mail(runtime.database)).due_at) is not None:
        with time_machine.travel(due_at - timedelta(seconds=1), tick=False):
            assert await attempt(runtime) == [] or not tries
        with time_machine.travel(due_at + timedelta(seconds=1), tick=False):
            await attempt(runtime)
        tries.append(due_at - begun)
        assert len(tries) < 20
    pauses = [after - before for before, after in pairwise(tries)]
    assert pauses == sorted(pauses)
    assert timedelta(hours=23) < tries[-1] < timedelta(hours=26)
    given_up = await mail(runtime.database)
    assert given_up.sent_at is None
    assert given_up.problem is not None
    assert "Connect" in given_up.problem
    assert given_up.text is not None  # it can still be passed on


async def test_a_server_that_comes_back_gets_the_mail(runtime: Runtime, down: Server) -> None:
    await post(runtime.database, "busy@kct.example")
    await attempt(runtime)
    assert await attempt(runtime) == []  # not at once again
    with down.running():
        with time_machine.travel(now() + timedelta(minutes=2)):
            await attempt(runtime)
            waiting = await mail(runtime.database)
            assert waiting.problem is not None
            assert "451" in waiting.problem
        async with runtime.database.write() as session:
            (await session.get_one(Mail, waiting.id)).recipient = "li@kct.example"
        with time_machine.travel(now() + timedelta(minutes=10)):
            await attempt(runtime)
    assert len(down.taken) == 1
    sent = await mail(runtime.database)
    assert (sent.attempts, sent.problem, sent.text) == (3, None, None)


async def test_a_try_is_made_once_however_it_ends(runtime: Runtime, server: Server) -> None:
    await post(runtime.database, "li@kct.example")
    (key,) = await delivery.waiting(runtime.database)
    await asyncio.gather(*(delivery.deliver(runtime, key) for _ in range(8)))
    assert len(server.taken) == 1

    await post(runtime.database, "wang@kct.example")
    (key,) = await delivery.waiting(runtime.database)
    server.pause, server.answer = 1, "451 4.3.0 shutting down"
    dying = asyncio.create_task(delivery.deliver(runtime, key))

    async def handed_over() -> bool:
        return server.begun == 2

    await until(handed_over)
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying
    server.pause, server.answer = 0, "250 OK"
    await delivery.deliver(runtime, key)  # as when another worker goes on with it
    assert await attempt(runtime) == []
    with time_machine.travel(now() + timedelta(minutes=2)):
        assert len(await attempt(runtime)) == 1
    assert [one["To"] for one in server.taken] == ["li@kct.example", "wang@kct.example"]

    server.answer = "554 5.6.0 looks like spam"
    await post(runtime.database, "zhao@kct.example")
    await attempt(runtime)
    async with runtime.database.read() as session:
        found = await session.scalar(select(Mail).where(Mail.recipient == "zhao@kct.example"))
    assert found is not None
    assert (found.problem, found.due_at) == ("554 5.6.0 looks like spam", None)


async def test_a_password_goes_over_an_encrypted_line_only(
    settings: Settings, runtime: Runtime, server: Server
) -> None:
    url = f"smtp://li:p%40ss@127.0.0.1:{server.port}"
    signing_in = Settings(**(settings.model_dump() | {"smtp_url": url}))
    await post(runtime.database, "li@kct.example")
    async with open_runtime(signing_in) as other:
        await attempt(other)
    waiting = await mail(runtime.database)
    assert "STARTTLS" in (waiting.problem or "")
    assert "p@ss" not in (waiting.problem or "")
    assert (server.begun, waiting.attempts) == (0, 1)


async def test_no_header_can_be_smuggled_in(runtime: Runtime, server: Server) -> None:
    evil = "x\r\nBcc: all@kct.example\n\n<script>"
    async with runtime.database.write() as session:
        write(session, to="li@kct.example", subject=Text(evil, evil), text=Text(evil, "."))
        for one in (
            "li@kct.example\r\nBcc: a@kct.example",
            "a@kct.example, b@kct.example",
            "li@kct.example\n",
            "Li <li@kct.example>",
            "a@",
            "",
        ):
            write(session, to=one, subject=SUBJECT, text=TEXT)
    await attempt(runtime)
    (got,) = server.taken
    assert got["Bcc"] is None
    assert got["Subject"] == "x Bcc: all@kct.example <script> / x Bcc: all@kct.example <script>"
    async with runtime.database.read() as session:
        others = (await session.scalars(select(Mail).where(Mail.sent_at.is_(None)))).all()
    assert len(others) == 6
    assert all(one.due_at is None and "not valid" in (one.problem or "") for one in others)


@pytest.mark.parametrize("environment", ["development", "production"])
async def test_without_a_server_mails_wait_to_be_read(
    settings: Settings, runtime: Runtime, environment: str
) -> None:
    without = settings.model_copy(update={"smtp_url": None, "environment": environment})
    await post(runtime.database, "li@kct.example")
    async with open_runtime(without) as other:
        with capture_logs() as logs:
            await attempt(other)
            assert await attempt(other) == []
    assert len(logs) == 1
    assert (LINK in str(logs)) == (environment == "development")
    kept = await mail(runtime.database)
    assert kept.sent_at is not None
    assert LINK in (kept.text or "")


def test_the_operator_reads_the_latest_mails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KCT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("KCT_EMBEDDINGS", "none")

    async def fill() -> None:
        async with open_runtime(Settings()) as runtime:
            await migrations.migrate(runtime.database)
            await post(runtime.database, "old@kct.example", "li@kct.example")
            due = await delivery.waiting(runtime.database)
            await delivery.deliver(runtime, due[-1])

    asyncio.run(fill())
    output = CliRunner().invoke(app, ["mail", "list", "--limit", "1"]).stdout
    assert "not sent  li@kct.example  重设密码 / A new password" in output
    assert f"    {TEXT.zh}" in output
    assert "KCT_SMTP_URL" in output
    assert "old@kct.example" not in output
    output = CliRunner().invoke(app, ["mail", "list"]).stdout
    assert "waiting  old@kct.example" in output


def test_a_worker_that_is_killed_neither_loses_a_mail_nor_repeats_it(
    postgres: str, tmp_path: Path, server: Server
) -> None:
    mails = {
        "KCT_SMTP_URL": f"smtp://127.0.0.1:{server.port}",
        "KCT_MAIL_FROM": "no-reply@kct.example",
    }
    with installed(postgres, tmp_path, **mails) as deployment:
        deployment.done("migrate")
        server.pause = 60
        first = deployment.start("worker")
        url = deployment.settings["KCT_DATABASE_URL"].replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as database:
            database.execute(
                "INSERT INTO mails (id, recipient, subject, text, created_at, due_at, attempts) "
                "VALUES (%s, 'li@kct.example', 's', 't', now(), now(), 0)",
                [uuid.uuid4()],
            )
            wait(lambda: server.begun == 1)
            os.kill(first.pid, signal.SIGKILL)
            server.pause = 0
            # Two workers at once, and the pause is over.
            deployment.start("worker")
            deployment.start("worker")
            database.execute("UPDATE mails SET due_at = now()")
            wait(lambda: database.execute("SELECT sent_at FROM mails").fetchone()[0])
            row = database.execute("SELECT attempts, text, due_at FROM mails").fetchone()
            assert row == (2, None, None)
        assert (server.begun, len(server.taken)) == (2, 1)
