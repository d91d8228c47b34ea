"""aiohttp alone: posts the messages that the gateway sends, in a loop, and remembers nothing.

`python -m benchmarks.contestants.bare_client URL PHONES LINES` posts one message to each of the
first so many customers for each number it reads, and prints the seconds it took. Session and
connector are the gateway's, and as many requests are in flight; bodies are made before.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator

import aiohttp
import msgspec

from benchmarks.outbox import ANSWER, wa_id_of
from benchmarks.whatsapp import TOKEN, phone_id
from gateway.channel import Address
from gateway.channels.cloud_api import VERSION, request_body

HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
Post = tuple[str, bytes]


def posts(url: str, phones: int, count: int) -> list[Post]:
    """Address and body of each message."""
    return [
        (
            f"{url}/{VERSION}/{phone_id(one % phones)}/messages",
            msgspec.json.encode(
                request_body(ANSWER, Address("wa_id", wa_id_of(one)), reference=str(one))
            ),
        )
        for one in range(1, count + 1)
    ]


async def post_all(session: aiohttp.ClientSession, waiting: Iterator[Post]) -> None:
    """One line: post what waits, one after the other."""
    for address, body in waiting:
        async with session.post(address, data=body, headers=HEADERS) as answer:
            told = await answer.read()
            assert answer.ok, told


async def main(url: str, phones: int, lines: int) -> None:
    """Post as often as a number comes in."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30.0)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        while line := await asyncio.to_thread(sys.stdin.readline):
            waiting = iter(posts(url, phones, int(line)))
            began = time.perf_counter()
            await asyncio.gather(*(post_all(session, waiting) for _ in range(lines)))
            print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
