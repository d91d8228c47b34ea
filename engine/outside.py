"""The way to the outside world for addresses that users typed: never into the private network.

The address that was checked is the address that is connected to, so a name that resolves
differently the second time gains nothing; each redirect is checked anew.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx
from httpcore._backends.auto import AutoBackend

REDIRECTS = 3
ANSWER_LIMIT = 1_000_000  # bytes; more is not an answer but a download


class ForbiddenAddressError(httpcore.ConnectError):
    """The name leads to a private, local or reserved address."""


class TooLargeError(Exception):
    """The answer is larger than ANSWER_LIMIT."""


def client(*, allow_private: bool) -> httpx.AsyncClient:
    """A client that refuses private addresses (unless the operator allows them)."""
    transport = httpx.AsyncHTTPTransport(retries=0)
    if not allow_private:
        transport._pool = httpcore.AsyncConnectionPool(  # noqa: SLF001  httpx has no door for this
            ssl_context=httpx.create_ssl_context(), network_backend=_GuardedBackend()
        )
    return httpx.AsyncClient(
        transport=transport, follow_redirects=True, max_redirects=REDIRECTS, trust_env=False
    )


async def read_limited(response: httpx.Response) -> bytes:
    """The whole body. Raises TooLargeError as soon as it exceeds ANSWER_LIMIT."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > ANSWER_LIMIT:
            message = f"the answer is larger than {ANSWER_LIMIT:,} bytes"
            raise TooLargeError(message)
    return bytes(body)


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves the name itself, refuses private results, connects to what it checked."""

    def __init__(self) -> None:
        self._backend = AutoBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        address = await _public_address(host, port)
        return await self._backend.connect_tcp(
            address, port, timeout, local_address, socket_options
        )

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        message = "unix sockets are not for users"
        raise ForbiddenAddressError(message)

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


async def _public_address(host: str, port: int) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        message = f"“{host}” cannot be found"
        raise httpcore.ConnectError(message) from error
    addresses = [str(one[4][0]) for one in found]
    for address in addresses:
        if not is_public(address):
            message = f"“{host}” leads to {address}, an address inside a private network"
            raise ForbiddenAddressError(message)
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet (also when wrapped into IPv6)."""
    parsed = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo and parsed.teredo[1])
        if inner:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast
