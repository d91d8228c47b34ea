# mypy: ignore-errors
"""Carries contacts through the journey of `restate_service` with a Restate server of its own.

`python -m benchmarks.contestants.with_restate DATABASE JOURNEYS ROUNDS SERVER`, in the other
engines' environment, on a database with our tables and with contacts 1 … WARM_UP + JOURNEYS ×
ROUNDS. Time counts from the first request of a wave until the last journey has got where it waits
again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import asyncpg

from benchmarks.contestants import rows
from benchmarks.words import REPLY, TEXTS

WARM_UP = 20
AT_ONCE = 50  # requests
LOOK_S = 0.01
PATIENCE_S = 120
QUEUED = "SELECT count(*) FROM messages WHERE state = 'queued'"


class House:
    """A Restate server, the service behind it, and the database both contestants write to."""

    def __init__(self, http: aiohttp.ClientSession, pool: asyncpg.Pool, ingress: str) -> None:
        self.http = http
        self.pool = pool
        self.ingress = ingress
        self.gate = asyncio.Semaphore(AT_ONCE)

    async def post(self, contact_id: int, handler: str, body: object) -> None:
        """Ask for a handler of a journey, without waiting for what it answers."""
        url = f"{self.ingress}/journey/{contact_id}/{handler}/send"
        async with self.gate, self.http.post(url, json=body) as answer:
            assert answer.ok, await answer.text()

    async def result(self, contact_id: int) -> str:
        """What a journey came to, once it is over."""
        url = f"{self.ingress}/restate/workflow/journey/{contact_id}/attach"
        async with self.gate, self.http.get(url) as answer:
            assert answer.ok, await answer.text()
            return await answer.json()

    async def tell(self, people: range, what: str, said: str) -> None:
        """Tell the journeys of all these contacts what happened."""
        await asyncio.gather(*(self.post(one, "tell", [what, said]) for one in people))

    async def queued(self, count: int) -> None:
        """Wait until this many messages are in the queue."""
        async with self.pool.acquire() as tx:
            while await tx.fetchval(QUEUED) < count:  # noqa: ASYNC110  others write the rows
                await asyncio.sleep(LOOK_S)


async def carry(house: House, people: range) -> float:
    """Carry these contacts from start to end; the seconds that it needed."""
    spent = 0.0
    began = time.perf_counter()
    await asyncio.gather(*(house.post(one, "run", one) for one in people))
    for step in TEXTS:
        await house.queued(len(people))
        spent += time.perf_counter() - began
        await rows.send_all(house.pool)
        began = time.perf_counter()
        await house.tell(people, f"verdict of {step}", "sent")
        if step == "ask":
            await house.tell(people, "reply", REPLY)
    came_to = await asyncio.gather(*(house.result(one) for one in people))
    spent += time.perf_counter() - began
    assert set(came_to) == {"kept"}, came_to
    return spent


async def main(url: str, journeys: int, rounds: int, server: str) -> None:
    """Start everything, warm up, measure, check, and print the figure."""
    ingress, admin, node, service = (free_port() for _ in range(4))
    ports = {
        "RESTATE_INGRESS__BIND_PORT": ingress,
        "RESTATE_ADMIN__BIND_PORT": admin,
        "RESTATE_BIND_PORT": node,
        "RESTATE_LISTEN_MODE": "tcp",
        "RESTATE_LOG_FILTER": "error",
        "DO_NOT_TRACK": 1,
        "DATABASE_URL": url,
    }
    environment = os.environ | {name: str(value) for name, value in ports.items()}
    hypercorn = str(Path(sys.executable).parent / "hypercorn")
    app = "benchmarks.contestants.restate_service:app"
    with tempfile.TemporaryDirectory() as folder:
        programs = (
            [server, "--base-dir", folder, "--no-logo"],
            [hypercorn, "--bind", f"127.0.0.1:{service}", "--log-level", "error", app],
        )
        with started(programs[0], environment), started(programs[1], environment):
            async with (
                asyncpg.create_pool(url) as pool,
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE_S)) as http,
            ):
                await register(http, admin, service)
                house = House(http, pool, f"http://127.0.0.1:{ingress}")
                await carry(house, range(1, WARM_UP + 1))
                last = WARM_UP + journeys * rounds
                spent = [
                    await carry(house, range(first, first + journeys))
                    for first in range(WARM_UP + 1, last, journeys)
                ]
                await rows.check(pool, last)
    print(json.dumps({"journeys_s": journeys / min(spent)}), flush=True)


async def register(http: aiohttp.ClientSession, admin: int, service: int) -> None:
    """Tell the server where the service is, as soon as both answer."""
    body = {"uri": f"http://127.0.0.1:{service}"}
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                url = f"http://127.0.0.1:{admin}/deployments"
                async with http.post(url, json=body) as answer:
                    if answer.ok:
                        return
            await asyncio.sleep(0.1)


@contextlib.contextmanager
def started(argv: list[str], environment: dict[str, str]) -> Iterator[None]:
    """A program that is stopped at the end."""
    process = subprocess.Popen(argv, env=environment, stdout=sys.stderr)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
