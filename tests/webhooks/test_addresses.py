"""To which addresses webhooks go, and that a name cannot lead elsewhere meanwhile."""

import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from kechuangtong.production import NotForProduction, check_settings
from kechuangtong.settings import Settings
from kechuangtong.webhooks.addresses import (
    AddressRefused,
    Allowed,
    CheckedTransport,
    check,
    is_public,
    parse,
)
from receiving import Receiver

PUBLIC = "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2400:3200::1"
INSIDE = (
    "0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.8.8.8 169.254.169.254 172.16.0.1 192.0.0.8 "
    "192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 "
    ":: ::1 ::ffff:1.1.1.1 ::ffff:127.0.0.1 ::1.1.1.1 64:ff9b::7f00:1 64:ff9b::101:101 "
    "64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1::1 fc00::1 fd12::1 fe80::1 fec0::1 ff02::1"
).split()


def test_only_addresses_of_the_public_net_are_public() -> None:
    assert [one for one in PUBLIC if not is_public(ipaddress.ip_address(one))] == []
    assert [one for one in INSIDE if is_public(ipaddress.ip_address(one))] == []


class Names:
    """A resolver that answers differently each time; the last answer stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def outcome(url: str, allow: str = "", *addresses: str) -> str:
    """What becomes of a URL whose host has these addresses."""
    try:
        found = await check(parse(url), Allowed.of(allow.split()), Names(addresses))
    except AddressRefused as refused:
        return str(refused.args[0].en)
    return " ".join(map(str, found))


CASES = [
    ("https://hooks.example/a?b=c", "", ["1.1.1.1", "2400:3200::1"], "1.1.1.1 2400:3200::1"),
    ("https://hooks.example:8443/", "", ["1.1.1.1"], "1.1.1.1"),
    ("https://1.1.1.1/", "", [], "1.1.1.1"),
    ("http://hooks.example/", "", ["1.1.1.1"], "must be an https address"),
    ("https://hooks.example/", "", ["1.1.1.1", "10.0.0.1"], "must be an address in the public net"),
    ("https://127.0.0.1/", "", [], "must be an address in the public net"),
    ("https://[::ffff:10.0.0.1]/", "", [], "must be an address in the public net"),
    ("https://2130706433/", "", ["127.0.0.1"], "must be an address in the public net"),
    ("https://localhost./", "", ["::1"], "must be an address in the public net"),
    ("http://10.1.2.3/", "10.0.0.0/8", [], "10.1.2.3"),
    ("http://hooks.inside/", "10.0.0.0/8 fd00::/8", ["10.1.2.3", "fd00::1"], "10.1.2.3 fd00::1"),
    ("http://hooks.inside/", "10.0.0.0/8", ["10.1.2.3", "1.1.1.1"], "must be an https address"),
    ("http://HOOKS.inside/", "hooks.inside", ["192.168.0.5"], "192.168.0.5"),
    ("http://other.inside/", "hooks.inside", ["192.168.0.5"], "must be an https address"),
]
NO_URLS = (
    "hooks.example ftp://hooks.example/ https:/// https://u:p@hooks.example/ https://u@a.example "
    "https://hooks.example/#a https://hooks.example:99999/ https://hooks.example:0/ https://[::1 "
    "javascript:alert(1) https://%00/ file:///etc/passwd"
).split()


async def test_a_url_is_looked_at_with_all_its_addresses() -> None:
    for url, allow, addresses, expected in CASES:
        assert await outcome(url, allow, *addresses) == expected, url
    for url in [*NO_URLS, "https://hooks.example/a b", "https://hooks.example/\n"]:
        assert "without a user" in await outcome(url, "", "1.1.1.1"), url


async def test_a_name_that_leads_inside_meanwhile_is_not_followed() -> None:
    """DNS rebinding: public where the endpoint is registered, this machine where it is called."""
    with Receiver().running() as receiver:
        names = Names(["1.1.1.1"], ["127.0.0.1"])
        url = f"https://hooks.example:{receiver.port}/"
        assert await check(parse(url), Allowed(), names)
        async with httpx.AsyncClient(
            transport=CheckedTransport(Allowed(), names), trust_env=False
        ) as client:
            with pytest.raises(AddressRefused):
                await client.post(url)

        # Where this machine is allowed the name is asked for once, and stays the name.
        allowed = Allowed.of(["127.0.0.0/8"])
        names = Names(["127.0.0.1"], ["192.168.1.1"])
        async with httpx.AsyncClient(
            transport=CheckedTransport(allowed, names), trust_env=False
        ) as client:
            answer = await client.post(f"http://hooks.example:{receiver.port}/", content=b"{}")
        assert answer.status_code == 204
        (message,) = receiver.taken
        assert message.headers["host"] == f"hooks.example:{receiver.port}"


async def test_the_connection_is_to_the_address_and_the_certificate_is_the_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[httpx.Request] = []

    async def connect(_transport: Any, request: httpx.Request) -> httpx.Response:
        asked.append(httpx.Request("POST", request.url, extensions=request.extensions))
        if len(asked) == 1:
            raise httpx.ConnectError("no way there")
        return httpx.Response(204)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", connect)
    transport = CheckedTransport(Allowed(), Names(["2400:3200::1", "1.1.1.1"]))
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        await client.post("https://bücher.example/a")
    assert [one.url.host for one in asked] == ["2400:3200::1", "1.1.1.1"]
    assert {one.extensions["sni_hostname"] for one in asked} == {"xn--bcher-kva.example"}


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver().running() as receiver, Receiver().running() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        transport = CheckedTransport(Allowed.of(["127.0.0.0/8"]))
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            await client.post(receiver.url, content=b"{}")
        assert (len(receiver.taken), proxy.taken) == (1, [])


def test_what_the_operator_allows_is_named_and_not_everything(tmp_path: Path) -> None:
    good = "10.0.0.0/8, fd00::/8,192.168.1.7,hooks.internal"
    assert Settings(webhooks_allow=good).webhooks_allowed == [
        *("10.0.0.0/8", "fd00::/8", "192.168.1.7", "hooks.internal")
    ]
    for bad in ("10.0.0.1/8", "https://hooks.internal", "10.0.0", "10.0.0.256", "*"):
        with pytest.raises(ValidationError):
            Settings(webhooks_allow=bad)
    for everything in ("0.0.0.0/0", "10.0.0.0/8,::/0"):
        settings = Settings(
            data_dir=tmp_path,
            environment="production",
            secret_key="0123456789abcdef0123456789abcdef",
            webhooks_allow=everything,
        )
        with pytest.raises(NotForProduction, match="KCT_WEBHOOKS_ALLOW"):
            check_settings(settings)
