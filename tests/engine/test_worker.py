"""One engine process: rung by Redis, and going on without it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from engine import worker
from flows.events import ApiCalled
from store.doorbell import Doorbell
from tests.engine.conftest import House
from tests.engine.test_runner import GREETING

pytestmark = [pytest.mark.anyio, pytest.mark.services]


async def until(done: Callable[[], Awaitable[bool]]) -> None:
    """Look until `done`, at most 20 s of real time."""
    async with asyncio.timeout(20):
        while not await done():  # noqa: ASYNC110  another process would not set an event either
            await asyncio.sleep(0.01)


async def said(house: House, *, messages: int) -> bool:
    return len(await house.texts()) == messages


@contextlib.asynccontextmanager
async def working(house: House, redis_url: str) -> Any:
    task = asyncio.create_task(
        worker.run(house.database.url.render_as_string(hide_password=False), redis_url, house.at)
    )
    try:
        yield
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(task, 10)


async def test_a_ring_is_heard_and_the_clock_is_looked_at(house: House, redis_url: str) -> None:
    ada = await house.contact(first_name="Ada")
    automation = await house.live(GREETING)
    bell = Doorbell(redis_url)
    async with working(house, redis_url):
        await house.tell(ada, ApiCalled(automation))
        await bell.ring_engine()
        await until(lambda: said(house, messages=1))
    await bell.close()


async def test_a_redis_that_hangs_holds_up_nobody(house: House, own_redis: Any) -> None:
    automation = await house.live(GREETING)
    people = [await house.contact(f"+44770090012{number}") for number in range(2)]
    async with working(house, own_redis.url):
        await house.tell(people[0], ApiCalled(automation))
        await until(lambda: said(house, messages=1))
        own_redis.hang()
        try:
            await house.tell(people[1], ApiCalled(automation))
            await until(lambda: said(house, messages=2))
        finally:
            own_redis.go_on()


async def test_without_redis_it_looks_by_itself_and_comes_back(
    house: House, own_redis: Any
) -> None:
    automation = await house.live(GREETING)
    people = [await house.contact(f"+44770090012{number}") for number in range(3)]
    async with working(house, own_redis.url):
        await house.tell(people[0], ApiCalled(automation))
        await until(lambda: said(house, messages=1))
        own_redis.kill()
        await house.tell(people[1], ApiCalled(automation))
        await until(lambda: said(house, messages=2))
        own_redis.start()
        await house.tell(people[2], ApiCalled(automation))
        await until(lambda: said(house, messages=3))
