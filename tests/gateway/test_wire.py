"""What is known when a request fails: did it leave, or can nobody tell? Real sockets throughout."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from flows.content import Content, Tap, Text
from gateway.channel import Accepted, Address, PhoneAccess, SendError
from gateway.channels.cloud_api import CloudApi
from tests.gateway.conftest import Meta

pytestmark = pytest.mark.anyio
TO = Address("wa_id", "16505550142")
LATER_S = 30.0  # longer than any patience here
Misbehave = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def line(behave: Misbehave) -> AsyncIterator[str]:
    """The address of a server that does this with every connection."""
    server = await asyncio.start_server(behave, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def sent_to(base_url: str, content: Content | None = None, token: str = "t") -> SendError:
    channel = CloudApi(answer_within_s=0.4, connect_within_s=0.2)
    phone = PhoneAccess(1, "1000", token, base_url)
    error = await channel.send(phone, TO, content or Text("Hi"), reference="1")
    await channel.close()
    assert isinstance(error, SendError)
    return error


async def test_nobody_listens() -> None:
    with socket.socket() as taken:  # bound and not listening: refused
        taken.bind(("127.0.0.1", 0))
        error = await sent_to(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert (error.meaning, "cannot be reached" in error.message) == ("unreachable", True)
    assert (await sent_to("http://nowhere.invalid")).meaning == "unreachable"


async def test_nobody_answers_the_door() -> None:
    with contextlib.ExitStack() as stack:
        crowded = stack.enter_context(socket.socket())
        crowded.bind(("127.0.0.1", 0))
        crowded.listen(0)
        for _ in range(3):  # fill the queue of those who wait to be let in
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(crowded.getsockname())
        error = await sent_to(f"http://127.0.0.1:{crowded.getsockname()[1]}")
    assert error.meaning == "unreachable"


async def test_no_tls_where_some_is_expected() -> None:
    async with line(answering(b"plain words\r\n\r\n")) as url:
        assert (await sent_to(url.replace("http:", "https:"))).meaning == "unreachable"


def answering(raw: bytes) -> Misbehave:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(raw)
        writer.close()

    return behave


@pytest.mark.parametrize(
    "raw",
    [
        b"",  # hangs up after it heard us
        b"HTTP/1.1 200 OK\r\nContent-Len",  # hangs up in the middle of its answer
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{",
        b"this is no HTTP\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_after_it_may_have_left(raw: bytes) -> None:
    async with line(answering(raw)) as url:
        meaning = (await sent_to(url)).meaning
    assert meaning == ("unknown" if b"302" in raw else "uncertain")


async def test_an_answer_that_never_comes() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await reader.read()
        writer.close()

    async with line(silent) as url:
        assert (await sent_to(url)).meaning == "uncertain"


@pytest.mark.parametrize(
    ("base_url", "token", "content", "meaning"),
    [
        ("ftp://nowhere", "t", Text("Hi"), "number_stopped"),
        ("http://", "t", Text("Hi"), "number_stopped"),
        ("http://host:port", "t", Text("Hi"), "number_stopped"),
        ("http://127.0.0.1:9", "tökn", Text("Hi"), "number_stopped"),
        ("http://127.0.0.1:9", "t\nX-Evil: 1", Text("Hi"), "number_stopped"),
        ("http://127.0.0.1:9", "t", Tap("p", "Yes"), "our_request"),
    ],
)
async def test_what_cannot_be_asked(
    base_url: str, token: str, content: Content, meaning: str
) -> None:
    assert (await sent_to(base_url, content, token)).meaning == meaning


async def test_each_phone_has_its_own_address_version_and_token(meta: Meta) -> None:
    channel = CloudApi(base_url=meta.url, version="v23.0")
    for phone in (
        PhoneAccess(1, "1000", "one"),
        PhoneAccess(2, "20/../00", "two", f"{meta.url}/", "v25.0"),
        PhoneAccess(1, "1000", "new"),  # its token was changed
    ):
        assert isinstance(await channel.send(phone, TO, Text("Hi"), reference="1"), Accepted)
    await channel.close()
    assert meta.paths == [
        "/v23.0/1000/messages",
        "/v25.0/20%2F..%2F00/messages",
        "/v23.0/1000/messages",
    ]
    assert meta.tokens == ["Bearer one", "Bearer two", "Bearer new"]
