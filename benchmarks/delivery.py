"""Messages in a second through the real channel to the real sandbox: ours, and the client's alone.

One or two `tiptoe gateway` processes carry a queue over HTTP to the sandbox, until every answer is
written down: claimed, sent, recorded, with the verdict of its run. Beside them a bare loop posts
the same messages to the same sandbox with the same client. The statuses of both go to this process,
which answers at once and does nothing else. They take turns, and wait for the sandbox to be quiet.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import httpx
import sqlalchemy as sa

from benchmarks import outbox
from benchmarks.clients import Bare
from benchmarks.figures import CannotMeasureError, Figure, Size, at_least
from benchmarks.places import new_database, new_folder, redis
from benchmarks.whatsapp import PER_S, TOKEN, phone_id
from benchmarks.workers import ROOT, process
from gateway.dispatcher import CONCURRENCY
from store import heartbeats
from store.database import Database
from store.doorbell import Doorbell
from store.events import events
from store.messages import messages
from tests.servers import free_port

PHONES = 5
ROUNDS = 3  # starting gateways takes longer than a round
WARM_UP = 200  # messages of each contestant's first round, which does not count
LOOK_S = 0.02  # between two looks whether all is written down
PATIENCE_S = 300.0


class Measured(NamedTuple):
    """Messages a second of each, in its best round."""

    bare: float
    one: float
    two: float


class House:
    """A company with old phones and customers who wrote a moment ago; round after round it
    answers each of them.
    """

    def __init__(self, url: str, redis_url: str, people: int) -> None:
        self.url, self.redis_url, self.people = url, redis_url, people
        self.database, self.bell = Database(url), Doorbell(redis_url)
        self.queued = 0

    async def build(self, sandbox: str) -> None:
        """Company, phones and people."""
        now = datetime.now(UTC)
        async with self.database.write() as tx:
            company = await outbox.company(tx, "Measured")
            for number in range(PHONES):
                await outbox.phone(
                    tx,
                    company,
                    phone_id(number),
                    base_url=sandbox,
                    credentials={"token": TOKEN, "app_secret": "secret"},
                    throughput_per_s=PER_S,
                )
            await outbox.people(tx, company, 1, self.people, last_inbound_at=now)
            await tx.execute(
                sa.text("UPDATE contacts SET last_phone_id = id % :phones + 1"), {"phones": PHONES}
            )
        await self._count()

    async def answer(self, count: int) -> float:
        """Answer so many of the people; seconds until all answers have left and that is written."""
        first, self.queued = self.queued, self.queued + count
        async with self.database.write() as tx:
            await outbox.queue(
                tx,
                1,
                range(first, self.queued),
                range(1, count + 1),
                outbox.ANSWER,
                now=datetime.now(UTC),
                run_id=1,
                automation_id=1,
                priority=1,
            )
        began = time.perf_counter()
        await self.bell.ring_gateway()
        await _until(self._all_left)
        taken = time.perf_counter() - began
        await self._check(count)
        return taken

    async def _all_left(self) -> bool:
        waits = sa.select(sa.literal(1)).where(sa.text("state = 'queued'")).limit(1)
        flies = sa.select(sa.literal(1)).where(
            sa.text("state IN ('sending', 'unconfirmed')"), messages.c.state == "sending"
        )
        async with self.database.read() as tx:
            for query in (waits, flies):
                if (await tx.execute(query.select_from(messages).limit(1))).first() is not None:
                    return False
        return True

    async def _check(self, count: int) -> None:
        """All are sent, and their runs were told. What they were told counts as heard."""
        async with self.database.write() as tx:
            query = sa.select(sa.func.count()).where(messages.c.state == "sent")
            sent = (await tx.execute(query)).scalar_one()
            assert sent == self.queued, f"{sent} of {self.queued} were sent"
            heard = await tx.execute(
                sa.update(events)
                .where(events.c.handled_at.is_(None))
                .values(handled_at=datetime.now(UTC))
            )
            assert heard.rowcount == count, heard.rowcount
        await self._count()

    async def _count(self) -> None:
        if self.database.dialect == "postgresql":  # as its autovacuum does
            async with self.database.write() as tx:
                await tx.execute(sa.text("ANALYZE"))

    @asynccontextmanager
    async def workers(self, count: int) -> AsyncIterator[None]:
        """So many gateways, until they are heard to live."""
        async with AsyncExitStack() as stack:
            folder = str(new_folder())
            pids = {
                await stack.enter_async_context(
                    process("gateway", self.url, self.redis_url, TIPTOE_DATA=folder)
                )
                for _ in range(count)
            }

            async def all_live() -> bool:
                async with self.database.read() as tx:
                    return pids <= {one.pid for one in await heartbeats.everybody(tx)}

            await _until(all_live)
            yield

    async def close(self) -> None:
        """Give the connections back."""
        await self.bell.close()
        await self.database.close()


@cache
def measured(kind: str, size: Size) -> Measured:
    """All three on a database of this kind."""
    return asyncio.run(carry(new_database(kind), redis(), size))


async def carry(url: str, redis_url: str, size: Size) -> Measured:
    """The contestants in turn, round after round."""
    async with AsyncExitStack() as stack:
        house = House(url, redis_url, size.sends)
        stack.push_async_callback(house.close)
        sandbox = await stack.enter_async_context(_whatsapp(size.sends))
        await house.build(sandbox.url)
        bare = await stack.enter_async_context(_bare_client(sandbox.url))
        best = [float("inf")] * 3
        for _ in range(min(size.rounds, ROUNDS)):
            for place, posts in enumerate((bare, house.answer, house.answer)):
                async with house.workers(place):
                    await posts(min(WARM_UP, size.sends))
                    await sandbox.quiet()
                    best[place] = min(best[place], await posts(size.sends))
                await sandbox.quiet()
        return Measured(*(size.sends / taken for taken in best))


class Sandbox(NamedTuple):
    """Where the pretend WhatsApp is."""

    url: str
    client: httpx.AsyncClient

    async def quiet(self) -> None:
        """Wait until every status was told and nothing is planned."""

        async def is_quiet() -> bool:
            state: dict[str, Any] = (await self.client.get("/sandbox/api/state")).json()
            return not state["undelivered_webhooks"] and state["next_at"] is None

        await _until(is_quiet)


@asynccontextmanager
async def _whatsapp(people: int) -> AsyncIterator[Sandbox]:
    """A running sandbox that tells this process about every message."""
    ears = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0)
    port = free_port()
    hook = f"http://127.0.0.1:{ears.sockets[0].getsockname()[1]}/"
    words = (str(new_folder()), str(port), hook, str(PHONES), str(people))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.whatsapp", *words, cwd=ROOT
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

            async def answers() -> bool:
                try:
                    return (await client.get("/sandbox/api/state")).is_success
                except httpx.TransportError:
                    return False

            await _until(answers)
            yield Sandbox(str(client.base_url).rstrip("/"), client)
    finally:
        child.terminate()
        await child.wait()
        ears.close()


@asynccontextmanager
async def _bare_client(url: str) -> AsyncIterator[Callable[[int], Awaitable[float]]]:
    """The bare loop in a process of its own: how many goes in, the seconds come out."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.contestants.bare_client",
        url, str(PHONES), str(CONCURRENCY),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT, env=os.environ,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    tell, hear = child.stdin, child.stdout

    async def posts(count: int) -> float:
        tell.write(f"{count}\n".encode())
        await tell.drain()
        return float(await hear.readline())

    try:
        yield posts
    finally:
        tell.close()
        await child.wait()


async def _until(done: Callable[[], Awaitable[bool]]) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await done():  # noqa: ASYNC110 - other processes ring no bell
                await asyncio.sleep(LOOK_S)
    except TimeoutError as late:
        raise CannotMeasureError("The messages did not leave in time.") from late


FIGURES = (
    Figure(
        "gateway_messages_s",
        "messages/s",
        "sent over HTTP to the sandbox and written down on PostgreSQL, one gateway",
        lambda size: measured("postgresql", size).one,
    ),
    Figure(
        "gateway_sqlite_messages_s",
        "messages/s",
        "the same on SQLite",
        lambda size: measured("sqlite", size).one,
    ),
    Figure(
        "gateway_bare_client_s",
        "messages/s",
        "posted to the same sandbox by aiohttp alone, nothing written down",
        lambda size: measured("postgresql", size).bare,
    ),
    Figure(
        "gateway_vs_bare_client",
        "times",
        "one gateway on PostgreSQL ÷ aiohttp alone",
        lambda size: measured("postgresql", size).one / measured("postgresql", size).bare,
        at_least(0.6),
    ),
    Figure(
        "gateway_sqlite_vs_bare_client",
        "times",
        "one gateway on SQLite ÷ aiohttp alone",
        lambda size: measured("sqlite", size).one / measured("sqlite", size).bare,
        at_least(0.6),
    ),
    Figure(
        "gateway_two_workers_vs_one",
        "times",
        "two gateways ÷ one, on PostgreSQL",
        lambda size: measured("postgresql", size).two / measured("postgresql", size).one,
    ),
)
