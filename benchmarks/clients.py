"""Which HTTP client posts most messages a second: `python -m benchmarks.clients`, run by hand.

Each client posts the same small send, with some requests always in flight over kept-open
connections, to a bare server in another process that answers at once. Only what is installed is
measured; the house itself needs aiohttp alone. A client that its makers or we can drive from one
loop is measured as it is documented for many requests. The figures that decided are in
docs/decisions/0016-aiohttp-for-whatsapp.md.

Rule: the server does next to nothing, so what is measured is the client and its loop.
"""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
import sys
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from multiprocessing.connection import Connection
from typing import Any, cast

import uvloop

IN_FLIGHT = (32, 64)
WARM_UP_S, ROUND_S, ROUNDS = 0.5, 1.5, 3  # the best round counts
BODY = (
    b'{"messaging_product":"whatsapp","recipient_type":"individual","to":"16505550142",'
    b'"type":"text","text":{"body":"Your order is on its way.","preview_url":false},'
    b'"biz_opaque_callback_data":"4611686018427387904"}'
)
HEADERS = {"Authorization": f"Bearer {'EAAG' * 40}", "Content-Type": "application/json"}
ANSWER_BODY = (
    b'{"messaging_product":"whatsapp","contacts":[{"input":"16505550142","wa_id":"16505550142"}],'
    b'"messages":[{"id":"wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBJCOTY3NDc0NDFDRUI3NTA0Q0UA"}]}'
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(ANSWER_BODY),
    ANSWER_BODY,
)
END_OF_HEADERS = b"\r\n\r\n"

Post = Callable[[], Awaitable[bytes]]
"""Posts BODY once and gives the answer's body."""


class Bare(asyncio.Protocol):
    """Answers every request, whose length it learns from its Content-Length, with ANSWER."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember whom to answer."""
        self.transport, self.got = cast("asyncio.Transport", transport), b""

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        self.got += data
        while (end := self.got.find(END_OF_HEADERS)) >= 0:
            head = self.got[:end].lower()
            said = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
            whole = end + len(END_OF_HEADERS) + int(said or 0)
            if len(self.got) < whole:
                return
            self.got = self.got[whole:]
            self.transport.write(ANSWER)


def serve(port_to: Connection) -> None:
    """The bare server, in a process of its own until it is ended."""

    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0)
        port_to.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(forever())


async def with_httpx(httpx: Any, url: str, in_flight: int) -> tuple[Post, Any]:
    """The client of httpx with as many kept connections as requests in flight."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=in_flight)
    client = httpx.AsyncClient(limits=limits)

    async def post() -> bytes:
        answer = await client.post(url, content=BODY, headers=HEADERS)
        return bytes(answer.content)

    return post, client.aclose


async def with_aiohttp(aiohttp: Any, url: str, in_flight: int) -> tuple[Post, Any]:
    """The session of aiohttp over a connector without a limit."""
    del in_flight
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def post() -> bytes:
        async with session.post(url, data=BODY, headers=HEADERS) as answer:
            return bytes(await answer.read())

    return post, session.close


async def with_aiosonic(aiosonic: Any, url: str, in_flight: int) -> tuple[Post, Any]:
    """The client of aiosonic with a pool of that size."""
    pools = importlib.import_module("aiosonic.pools")
    connectors = importlib.import_module("aiosonic.connectors")
    pool = pools.PoolConfig(size=in_flight)
    client = aiosonic.HTTPClient(connectors.TCPConnector({":default": pool}))

    async def post() -> bytes:
        answer = await client.post(url, data=BODY, headers=HEADERS)
        return bytes(await answer.content())

    return post, client.connector.cleanup


async def with_niquests(niquests: Any, url: str, in_flight: int) -> tuple[Post, Any]:
    """The session of niquests with a pool of that size."""
    session = niquests.AsyncSession(pool_maxsize=in_flight)

    async def post() -> bytes:
        answer = await session.post(url, data=BODY, headers=HEADERS)
        return bytes(answer.content)

    return post, session.close


async def with_pyreqwest(_pyreqwest: Any, url: str, in_flight: int) -> tuple[Post, Any]:
    """The client of pyreqwest, which sends from Rust's own threads."""
    clients = importlib.import_module("pyreqwest.client")
    client = clients.ClientBuilder().pool_max_idle_per_host(in_flight).build()

    async def post() -> bytes:
        answer = await client.post(url).headers(HEADERS).body_bytes(BODY).build().send()
        return bytes(await answer.bytes())

    return post, client.close


CLIENTS = {
    "httpx": with_httpx,
    "aiohttp": with_aiohttp,
    "aiosonic": with_aiosonic,
    "niquests": with_niquests,
    "pyreqwest": with_pyreqwest,
}


async def measure(name: str, url: str, in_flight: int) -> tuple[float, float]:
    """Posts a second and microseconds of processor per post, of the best round."""
    post, close = await CLIENTS[name](importlib.import_module(name), url, in_flight)
    best = (0.0, 0.0)
    try:
        await _many(post, WARM_UP_S, in_flight)
        for _ in range(ROUNDS):
            began, used = time.perf_counter(), time.process_time()
            posts = await _many(post, ROUND_S, in_flight)
            took, spent = time.perf_counter() - began, time.process_time() - used
            best = max(best, (posts / took, spent / posts * 1e6))
    finally:
        await close()
    return best


async def _many(post: Post, seconds: float, in_flight: int) -> int:
    """Post for so long; how many were answered."""
    until = time.perf_counter() + seconds

    async def one_line() -> int:
        posts = 0
        while time.perf_counter() < until:
            assert await post() == ANSWER_BODY
            posts += 1
        return posts

    return sum(await asyncio.gather(*(one_line() for _ in range(in_flight))))


def main() -> int:
    """Measure all that are installed, on asyncio's own loop and on uvloop."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=serve, args=(theirs,), daemon=True
    )
    process.start()
    url = f"http://127.0.0.1:{ours.recv()}/v24.0/106540352242922/messages"
    try:
        for name in CLIENTS:
            try:
                found = version(name)
            except importlib.metadata.PackageNotFoundError:
                print(f"{name:10} is not installed")
                continue
            for loop, run in (("asyncio", asyncio.run), ("uvloop", uvloop.run)):
                for in_flight in IN_FLIGHT:
                    rate, used = run(measure(name, url, in_flight))
                    print(
                        f"{name:10} {found:8} {loop:8} {in_flight} in flight"
                        f" {rate:8,.0f} posts/s {used:6.0f} µs of processor each",
                        flush=True,
                    )
    finally:
        process.terminate()
        process.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
