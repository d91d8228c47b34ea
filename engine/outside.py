"""The way to the outside world for addresses that users typed: never into the private network.

The address that was checked is the address that is connected to, so a name that resolves
differently the second time gains nothing; each redirect is checked anew.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx
from httpcore._backends.auto import AutoBackend
from msgspec import Struct

from flows.public import is_public

REDIRECTS = 3
ANSWER_LIMIT = 1_000_000  # bytes; more is not an answer but a download
_KEPT_ON_THE_WAY = frozenset(("host", "content-type", "content-length", "accept", "user-agent"))


class ForbiddenAddressError(httpcore.ConnectError):
    """The name leads to a private, local or reserved address."""


class UnusableError(Exception):
    """What came back is nothing we take; the message says why, and asking again will not help."""


class TooLargeError(UnusableError):
    """The answer is larger than ANSWER_LIMIT."""


class Answer(Struct, frozen=True):
    """What came back. `retry_after` is the header of that name, or empty."""

    status: int
    body: bytes
    retry_after: str = ""


def client(*, allow_private: bool) -> httpx.AsyncClient:
    """A client that refuses private addresses (unless the operator allows them)."""
    transport = httpx.AsyncHTTPTransport(retries=0)
    if not allow_private:
        transport._pool = httpcore.AsyncConnectionPool(  # noqa: SLF001  httpx has no door for this
            ssl_context=httpx.create_ssl_context(), network_backend=_GuardedBackend()
        )
    return httpx.AsyncClient(
        transport=transport, follow_redirects=False, max_redirects=REDIRECTS, trust_env=False
    )


async def ask(through: httpx.AsyncClient, request: httpx.Request) -> Answer:
    """Send `request`, follow redirects and read the whole answer.

    Headers are for the host they were written for: to another one only the body's kind goes
    along. Raises UnusableError, TooLargeError, and httpx's own errors.
    """
    for _ in range(REDIRECTS + 1):
        response = await through.send(request, stream=True)
        try:
            following = response.next_request
            if following is None:
                retry_after = response.headers.get("retry-after", "")
                return Answer(response.status_code, await read_limited(response), retry_after)
        finally:
            await response.aclose()
        if request.url.scheme == "https" and following.url.scheme != "https":
            raise UnusableError("it is redirected from https to an address without it")
        if _origin(following.url) != _origin(request.url):
            for name in following.headers.keys() - _KEPT_ON_THE_WAY:
                del following.headers[name]
        request = following
    raise UnusableError(f"it is redirected more than {REDIRECTS} times")


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
        refused: Exception = httpcore.ConnectError(f"“{host}” cannot be found")
        for address in await _public_addresses(host, port):
            try:
                return await self._backend.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                refused = (
                    error  # a name often has an address of IPv6 that this machine cannot reach
                )
        raise refused

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        message = "unix sockets are not for users"
        raise ForbiddenAddressError(message)

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


async def _public_addresses(host: str, port: int) -> list[str]:
    """The addresses of `host`, all of them public. Raises ForbiddenAddressError if one is not."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        message = f"“{host}” cannot be found"
        raise httpcore.ConnectError(message) from error
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    for address in addresses:
        if not is_public(address):
            message = f"“{host}” leads to {address}, an address inside a private network"
            raise ForbiddenAddressError(message)
    return addresses


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
