"""Webhooks on their pages."""

import re

import httpx
import standardwebhooks

from conftest import PASSWORD, Service
from forms import send
from kechuangtong.webhooks import delivery
from receiving import Receiver

EVIL = "<script>alert(1)</script>"


async def test_a_webhook_is_made_tested_looked_at_and_deleted_on_pages(
    service: Service, buyer: httpx.AsyncClient, receiver: Receiver
) -> None:
    async with service.client() as manager:
        await send(manager, "/sign-in", {"username": "scholar", "password": PASSWORD})

        async def read(path: str) -> str:
            answer = await manager.get(path)
            assert answer.status_code == 200, answer.text
            assert EVIL not in answer.text
            return answer.text

        form = {
            "url": receiver.url,
            "description": EVIL,
            "event_types": ["deal.*", "interest.*"],
        }
        assert 'href="/webhooks"' in await read("/inbox")
        for wrong, kept in (
            ({"url": "https://10.0.0.1/"}, "https://10.0.0.1/"),
            ({"event_types": []}, receiver.url),
            ({"description": "x" * 201}, receiver.url),
        ):
            refused = await send(manager, "/webhooks", form | wrong)
            assert (refused.status_code, kept in refused.text) == (422, True)
        made = await send(manager, "/webhooks", form)
        assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
        (secret,) = re.findall(r'value="(whsec_[^"]+)"', made.text)
        (path,) = set(re.findall(r'href="(/webhooks/[^"]+)"', await read("/webhooks")))
        assert secret not in await read(path)

        assert (await send(manager, f"{path}/test", at=path)).headers["Location"] == path
        (key,) = await delivery.waiting(service.runtime.database)
        receiver.status, receiver.answer = 500, EVIL.encode()
        await delivery.deliver(service.runtime, key)
        (message,) = receiver.taken
        assert standardwebhooks.Webhook(secret).verify(message.body, message.headers)
        shown = await read(f"{path}?state=pending")
        assert "webhook.test" not in await read(f"{path}?state=failed")
        (one,) = re.findall(rf'href="({path}/deliveries/[^"]+)"', shown)
        details = await read(one)
        assert (">500<" in details, "/replay" in details) == (True, False)
        await delivery.give_up(service.runtime, key)
        assert (await send(manager, f"{one}/replay", at=one)).headers["Location"] == path

        async def act(verb: str, version: int, **fields: str) -> httpx.Response:
            fields["version"] = str(version)
            return await send(manager, f"{path}/{verb}", fields, at=path)

        rotated = await act("rotate-secret", 1)
        assert (rotated.status_code, secret in rotated.text) == (200, False)
        assert "whsec_" in rotated.text
        for verb in ("rotate-secret", "active", "delete"):
            assert (await act(verb, 1)).status_code == 412
        assert (await act("active", 2, active="false")).headers["Location"] == path
        assert f"{path}/test" not in await read(path)
        assert (await act("active", 3, active="true")).headers["Location"] == path
        assert f"{path}/test" in await read(path)
        assert (await act("delete", 4)).headers["Location"] == "/webhooks"
        assert (await manager.get(path)).status_code == 404
