"""A whole gateway process: it hears, sends, survives and ends cleanly."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway import worker
from gateway.dispatcher import Dispatcher
from store.database import Database
from store.doorbell import Doorbell
from store.heartbeats import heartbeats
from store.messages import messages
from tests.gateway.conftest import House

pytestmark = pytest.mark.anyio
PATIENCE_S = 10.0


@asynccontextmanager
async def running(house: House, redis_url: str | None = None) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    url = house.db.url.render_as_string(hide_password=False)
    task = asyncio.create_task(worker.run(url, redis_url, house.clock, stop=stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, PATIENCE_S)


async def until(true: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await true():  # noqa: ASYNC110 - a row of another process rings no bell here
            await asyncio.sleep(0.01)


async def states(house: House) -> set[str]:
    return {row.state for row in await house.rows(messages)}


async def test_sends_what_is_queued_and_says_that_it_lives(house: House) -> None:
    async with running(house):
        for _ in range(3):
            await house.queue(await house.contact(wrote_minutes_ago=3))

        async def done() -> bool:
            return await states(house) == {"sent"}

        await until(done)
        [beat] = await house.rows(heartbeats)
        assert beat.name.startswith("gateway:")
        assert beat.pid == os.getpid()
    assert len(house.meta.taken) == 3


async def test_the_bell_is_quicker_than_the_poll(
    house: House, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "POLL_S", 60.0)
    bell = Doorbell(redis_url)
    async with running(house, redis_url):

        async def alive() -> bool:
            return bool(await house.rows(heartbeats))

        await until(alive)
        await house.queue(await house.contact(wrote_minutes_ago=3))
        await bell.ring_gateway()

        async def done() -> bool:
            return await states(house) == {"sent"}

        await until(done)
    await bell.close()


async def test_sigterm_finishes_what_is_being_sent(house: House) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(body: dict[str, Any]) -> Any:
        reached.set()
        await go_on.wait()
        return house.meta.accept(body)

    house.meta.answer = slowly
    one = await house.queue(await house.contact(wrote_minutes_ago=3))
    url = house.db.url.render_as_string(hide_password=False)
    task = asyncio.create_task(worker.run(url, None, house.clock))
    await asyncio.wait_for(reached.wait(), PATIENCE_S)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.wait_for(task, PATIENCE_S)
    assert (await house.message(one)).state == "sent"


async def test_what_cannot_be_finished_is_written_down_as_unknown(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "FINISH_WITHIN_S", 0.05)
    reached = asyncio.Event()

    async def never(_body: dict[str, Any]) -> Any:
        reached.set()
        await asyncio.Event().wait()

    house.meta.answer = never
    one = await house.queue(await house.contact(wrote_minutes_ago=3))
    async with running(house):
        await asyncio.wait_for(reached.wait(), PATIENCE_S)
    assert (await house.message(one)).state == "unconfirmed"


async def test_goes_on_when_the_database_was_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    really, tries = Dispatcher.claim, 0

    async def away(self: Dispatcher, room: int) -> Any:
        nonlocal tries
        tries += 1
        if tries <= 3:
            raise ConnectionError("the database is away")
        return await really(self, room)

    monkeypatch.setattr(Dispatcher, "claim", away)
    monkeypatch.setattr(worker, "AFTER_A_FAULT_S", (0.0,))
    await house.queue(await house.contact(wrote_minutes_ago=3))
    async with running(house):

        async def done() -> bool:
            return await states(house) == {"sent"}

        await until(done)


async def test_goes_on_without_redis(house: House, free_port: int) -> None:
    async with running(house, f"redis://127.0.0.1:{free_port}/0"):
        await house.queue(await house.contact(wrote_minutes_ago=3))

        async def done() -> bool:
            return await states(house) == {"sent"}

        await until(done)


async def test_connections_cut_by_the_server(house: House) -> None:
    if house.db.dialect != "postgresql":
        return
    import sqlalchemy as sa

    stop_others = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with running(house):

        async def alive() -> bool:
            return bool(await house.rows(heartbeats))

        await until(alive)
        cutter = Database(house.db.url.render_as_string(hide_password=False))
        async with cutter.write() as tx:
            await tx.execute(stop_others)
        await cutter.close()
        await house.queue(await house.contact(wrote_minutes_ago=3))

        async def done() -> bool:
            return await states(house) == {"sent"}

        await until(done)
