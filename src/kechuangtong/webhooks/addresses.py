"""To which addresses webhooks go: to public ones over https, and to those that the operator allows.

Looked at when an endpoint is registered, and again at each connection, which is made to the very
address that was looked at: a name that meanwhile points to a machine inside is of no use.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import httpx

from kechuangtong.core.language import Text

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host at a port. Raises OSError."""

# Of IPv6, what is given out for the public net (IANA, Global Unicast) but for what leads into IPv4:
# Teredo is in 2001::/23 and not global, NAT64 and mapped addresses are outside of 2000::/3.
_GLOBAL_UNICAST: Final = ipaddress.ip_network("2000::/3")
_LEADS_ELSEWHERE: Final = (
    ipaddress.ip_network("2002::/16"),  # 6to4
    ipaddress.ip_network("192.88.99.0/24"),  # its relays
    ipaddress.ip_network("192.0.0.0/24"),  # of protocols, among them NAT64 and DS-Lite
)

NOT_A_URL: Final = Text(
    "须为 https 地址，不含用户名、密码和 #", "must be an https address without a user and without #"
)
NOT_HTTPS: Final = Text("须为 https 地址", "must be an https address")
NOT_PUBLIC: Final = Text("须为公网地址", "must be an address in the public net")


class AddressRefused(ValueError):
    """No connection is made there; the first argument is a Text that says why."""


@dataclass(frozen=True)
class Allowed:
    """Networks and hosts that the operator lets webhooks go to, though not public or not https."""

    networks: frozenset[Network] = frozenset()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, names: Sequence[str]) -> "Allowed":
        """Those that are listed: what is no network is a host."""
        networks, hosts = set(), set()
        for name in names:
            try:
                networks.add(ipaddress.ip_network(name))
            except ValueError:
                hosts.add(name.lower())
        return cls(frozenset(networks), frozenset(hosts))

    def holds(self, host: str, addresses: Sequence[Address]) -> bool:
        """Whether a host with these addresses is among them."""
        return host.lower() in self.hosts or (
            bool(addresses) and all(any(one in net for net in self.networks) for one in addresses)
        )


def is_public(address: Address) -> bool:
    """Whether an address is one of a machine in the public net."""
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        return False
    if any(address in network for network in _LEADS_ELSEWHERE):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses that the system knows of a host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def parse(url: str) -> httpx.URL:
    """A URL that a webhook may have. Raises AddressRefused."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise AddressRefused(NOT_A_URL) from None
    right = (
        parsed.scheme in ("http", "https"),
        re.fullmatch(rb"[A-Za-z0-9_.:-]+", parsed.raw_host),
        parsed.port is None or 0 < parsed.port < 2**16,
        not parsed.userinfo and not parsed.fragment,
        url.isprintable() and " " not in url,
    )
    if not all(right):
        raise AddressRefused(NOT_A_URL)
    return parsed


async def check(url: httpx.URL, allowed: Allowed, resolve: Resolve = resolve) -> list[Address]:
    """The addresses to connect to for a URL. Raises AddressRefused where one of them is not for
    webhooks, and OSError where there is none at present."""
    host = url.raw_host.decode("ascii").removesuffix(".")
    try:
        addresses = [ipaddress.ip_address(host)]
    except ValueError:
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            addresses = [ipaddress.ip_address(one) for one in await resolve(host, port)]
        except UnicodeError:  # a part of the name is longer than any
            raise AddressRefused(NOT_A_URL) from None
    if not addresses:
        raise OSError(f"{host} has no address")
    if allowed.holds(host, addresses):
        return addresses
    if url.scheme != "https":
        raise AddressRefused(NOT_HTTPS)
    if not all(is_public(one) for one in addresses):
        raise AddressRefused(NOT_PUBLIC)
    return addresses


@cache
def _tls() -> ssl.SSLContext:
    """Made once: reading the authorities takes longer than most deliveries."""
    return httpx.create_ssl_context()


class CheckedTransport(httpx.AsyncHTTPTransport):
    """Connects to the addresses that were looked at, by no name and through no proxy; to the server
    the name stays what it is (Host, SNI, certificate)."""

    def __init__(self, allowed: Allowed, resolve: Resolve = resolve) -> None:
        super().__init__(verify=_tls(), trust_env=False)
        self._allowed = allowed
        self._resolve = resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises AddressRefused, OSError, httpx.TransportError."""
        url = request.url
        *others, last = await check(url, self._allowed, self._resolve)
        request.extensions = {**request.extensions, "sni_hostname": url.raw_host.decode("ascii")}
        for address in others:
            try:
                request.url = url.copy_with(host=str(address))
                return await super().handle_async_request(request)
            except httpx.ConnectError:
                continue  # of another family, as a rule
        request.url = url.copy_with(host=str(last))
        return await super().handle_async_request(request)
