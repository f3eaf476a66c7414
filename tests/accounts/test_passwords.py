"""Passwords: which are refused, how they are changed, and how one gets in who forgot."""

import asyncio
import sys
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import time_machine
from sqlalchemy import select, update

from conftest import PASSWORD, Service
from forms import send
from kechuangtong.cli import main
from kechuangtong.core.clock import now
from kechuangtong.models import Event, Mail, PasswordReset, User

NEW = "  泡桐树小学门口的糖油果子 "  # blanks at the ends count


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def sign_in(client: httpx.AsyncClient, password: str, name: str = "scholar") -> str:
    form = {"username": name, "password": password}
    answer = await client.post("/v1/auth/token", data=form)
    return answer.json()["access_token"] if answer.is_success else answer.json()["code"]


async def links(service: Service) -> list[str]:
    """The tokens that were mailed, in order."""
    async with service.runtime.database.read() as session:
        texts = await session.scalars(select(Mail.text).order_by(Mail.id))
    mailed = [text for text in texts if text and "/password-resets/" in text]
    assert all("http://127.0.0.1:8000/password-resets/" in text for text in mailed)
    return [text.split("/password-resets/")[1].split()[0] for text in mailed]


async def with_email(service: Service, email: str = "scholar@shujiang.example") -> None:
    async with service.runtime.database.write() as session:
        await session.execute(update(User).where(User.name == "scholar").values(email=email))


async def test_changing_a_password_ends_the_other_sign_ins(
    service: Service, anyone: httpx.AsyncClient
) -> None:
    other = await sign_in(anyone, PASSWORD)
    async with service.client(await sign_in(anyone, PASSWORD)) as client:
        for new, why in (
            ("neun neun", "password_too_short"),
            ("长" * 201, "password_too_long"),
            ("Password123", "password_common"),
            ("啊" * 12, "password_common"),
        ):
            refused = await client.post("/v1/auth/password", json={"present": PASSWORD, "new": new})
            assert code(refused) == (422, why)
            assert refused.json()["errors"][0]["loc"] == ["body", "new"]
            assert new not in refused.text
        wrong = {"present": "not this one", "new": NEW}
        answers = await asyncio.gather(
            *(client.post("/v1/auth/password", json=wrong) for _ in range(8))
        )
        codes = sorted(one.json()["code"] for one in answers)
        assert codes == ["password_wrong"] * 5 + ["sign_in_locked"] * 3
        assert await sign_in(anyone, PASSWORD) == "sign_in_locked"
        with time_machine.travel(now() + timedelta(minutes=16), tick=True):
            right = {"present": PASSWORD, "new": NEW}
            done = await client.post("/v1/auth/password", json=right)
            assert (done.status_code, done.headers["Cache-Control"]) == (204, "no-store")
            assert (await client.get("/v1/auth/me")).status_code == 200
            async with service.client(other) as elsewhere:
                assert (await elsewhere.get("/v1/auth/me")).status_code == 401
            for password in (PASSWORD, NEW.strip()):
                assert await sign_in(anyone, password) == "sign_in_failed"
            assert await sign_in(anyone, NEW) != "sign_in_failed"

    async with service.runtime.database.write() as session:
        await session.execute(update(User).where(User.name == "buyer").values(name="buyer-of-锦城"))
    async with service.client(await sign_in(anyone, PASSWORD, "buyer-of-锦城")) as client:
        named = {"present": PASSWORD, "new": "BUYER-OF-锦城"}
        assert code(await client.post("/v1/auth/password", json=named)) == (422, "password_is_name")


async def test_who_forgot_is_mailed_a_link_that_is_good_once(
    service: Service, anyone: httpx.AsyncClient
) -> None:
    await with_email(service)
    signed_in = await sign_in(anyone, PASSWORD)

    async def ask(**who: str) -> tuple[int, str, float]:
        begun = time.monotonic()
        answer = await anyone.post("/v1/auth/password-resets", json=who)
        return answer.status_code, answer.text, time.monotonic() - begun

    asked = [
        await ask(name="scholar"),
        await ask(name="nobody"),
        await ask(name="admin"),  # has no address
        await ask(email="Scholar@Shujiang.example"),
        await ask(email="nobody@shujiang.example"),
    ]
    assert {(status, text) for status, text, _ in asked} == {(202, "")}
    assert all(took >= 0.3 for _, _, took in asked)
    many = await asyncio.gather(*(ask(name="scholar") for _ in range(5)))
    assert {status for status, _, _ in many} == {202}
    tokens = await links(service)
    assert len(tokens) == 3
    for bad in ({}, {"name": "a", "email": "b@c.example"}, {"email": "nonsense"}):
        assert (await anyone.post("/v1/auth/password-resets", json=bad)).status_code == 422

    async with service.runtime.database.read() as session:
        kept = str([vars(one) for one in await session.scalars(select(PasswordReset))])
        told = str([vars(one) for one in await session.scalars(select(Event))])
    assert not any(token in kept + told for token in tokens)
    assert "shujiang.example" not in told

    for _ in range(6):
        await sign_in(anyone, "a wrong password")
    assert await sign_in(anyone, PASSWORD) == "sign_in_locked"

    async def complete(token: str, password: str = NEW) -> httpx.Response:
        body = {"token": token, "password": password}
        return await anyone.post("/v1/auth/password-resets/complete", json=body)

    weak = await complete(tokens[0], "1234567890")
    assert code(weak) == (422, "password_common")
    assert weak.json()["errors"][0]["loc"] == ["body", "password"]
    assert code(await complete("nonsense")) == (422, "password_reset_invalid")
    answers = await asyncio.gather(*(complete(tokens[1]) for _ in range(8)))
    assert sorted(one.status_code for one in answers) == [204] + [422] * 7
    for token in tokens:  # the others were for the same wish
        assert code(await complete(token)) == (422, "password_reset_invalid")
    async with service.client(signed_in) as client:
        assert (await client.get("/v1/auth/me")).status_code == 401
    assert await sign_in(anyone, NEW) not in ("sign_in_failed", "sign_in_locked")

    with time_machine.travel(now() + timedelta(hours=1, minutes=1), tick=True):
        await ask(name="scholar")
        late = (await links(service))[-1]
        assert late not in tokens
        with time_machine.travel(now() + timedelta(minutes=61), tick=True):
            assert code(await complete(late)) == (422, "password_reset_invalid")
        assert (await complete(late, PASSWORD)).status_code == 204


async def test_the_page_of_the_link_sets_a_new_password_without_script(
    service: Service, anyone: httpx.AsyncClient
) -> None:
    await with_email(service)
    async with service.runtime.database.write() as session:
        await session.execute(
            update(User).where(User.name == "scholar").values(name="<b>scholar</b>")
        )
    await anyone.post("/v1/auth/password-resets", json={"email": "scholar@shujiang.example"})
    path = f"/password-resets/{(await links(service))[0]}"
    shown = await anyone.get(path)
    assert shown.status_code == 200
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert shown.headers["Cache-Control"] == "no-store"
    assert "&lt;b&gt;scholar&lt;/b&gt;" in shown.text
    for text in (
        "重新设置密码",
        'name="viewport"',
        'autocomplete="new-password"',
    ):
        assert text in shown.text
    assert "<script" not in shown.text
    assert "://" not in shown.text  # nothing is fetched from elsewhere
    for form, why in (
        ({"password": NEW, "again": "another password"}, "两次输入的密码不一致。"),
        ({"password": "short", "again": "short"}, "密码至少 10 个字符"),
        ({}, "密码至少 10 个字符。"),
    ):
        refused = await send(anyone, path, form)
        assert refused.status_code == 422
        assert why in refused.text
        assert "<form" in refused.text
    done = await send(anyone, path, {"password": NEW, "again": NEW})
    assert done.status_code == 200
    assert "密码已更改" in done.text
    assert await sign_in(anyone, NEW, "<b>scholar</b>") != "sign_in_failed"
    for gone in (
        await anyone.get(path),
        await send(anyone, path, {"password": NEW, "again": NEW}, at="/sign-in"),
    ):
        assert gone.status_code == 404
        assert "链接" in gone.text
        assert "<form" not in gone.text


def test_nobody_is_stuck_without_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KCT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("KCT_NEW_PASSWORD", PASSWORD)
    monkeypatch.setenv("KCT_PUBLIC_URL", "https://kct.example/")
    monkeypatch.setattr("kechuangtong.cli.logs.configure", lambda: None)

    def command(*arguments: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["kechuangtong", "user", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    def refused(*arguments: str) -> str:
        status, out, err = command(*arguments)
        assert (status, out, err.count("\n")) == (1, "", 1)
        return err

    assert command("create", "root", "--email", "Root@KCT.example", "--administrator")[0] == 0
    assert "邮箱" in refused("create", "other", "--email", "nonsense")
    assert "邮箱" in refused("create", "other", "--email", "root@kct.example")
    assert "root" in refused("create", "root")
    monkeypatch.setenv("KCT_NEW_PASSWORD", "short")
    assert "10" in refused("create", "other")
    assert "nobody" in refused("reset-password", "nobody")
    status, link, _ = command("reset-password", "root")
    assert status == 0
    assert link.startswith("https://kct.example/password-resets/")
    assert "nobody" in refused("unlock", "nobody")
    assert command("unlock", "root")[0] == 0
