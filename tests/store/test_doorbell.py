"""Bells over a real Redis, over one that goes away, and over none."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from arq.connections import ArqRedis

from store.doorbell import GATEWAY_KEY, Doorbell

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bell(redis_url: str, anyio_backend: str) -> AsyncIterator[Doorbell]:
    doorbell = Doorbell(redis_url)
    yield doorbell
    await doorbell.close()


@pytest.fixture
async def redis(redis_url: str, anyio_backend: str) -> AsyncIterator[ArqRedis]:
    client = ArqRedis.from_url(redis_url)
    yield client
    await client.aclose()


async def test_the_engine_is_rung_twice_at_most(bell: Doorbell, redis: ArqRedis) -> None:
    for _ in range(4):
        await bell.ring_engine()
    jobs = await redis.queued_jobs()
    assert {(job.function, job.job_id) for job in jobs} == {
        ("advance_batch", "advance:0"),
        ("advance_batch", "advance:1"),
    }
    assert all(job.args == () and job.kwargs == {} for job in jobs)


async def test_ten_rings_are_one_for_the_gateway(bell: Doorbell) -> None:
    for _ in range(10):
        await bell.ring_gateway()
    assert await bell.hear_gateway(0.05)
    assert not await bell.hear_gateway(0.05)


async def test_the_gateway_hears_while_it_waits(bell: Doorbell) -> None:
    hearing = asyncio.create_task(bell.hear_gateway(30))
    await asyncio.sleep(0)
    await bell.ring_gateway()
    assert await asyncio.wait_for(hearing, 5)


async def test_open_pages_are_told(bell: Doorbell, redis: ArqRedis) -> None:
    heard = bell.hear_live()
    first = asyncio.ensure_future(anext(heard))
    while await redis.pubsub_numpat() == 0:
        await redis.ping()
    await bell.ring_live(42)
    assert await asyncio.wait_for(first, 5) == 42
    await heard.aclose()


async def test_nothing_is_raised_while_redis_is_away_and_it_comes_back(own_redis: Any) -> None:
    bell = Doorbell(own_redis.url)
    await bell.ring_gateway()
    own_redis.kill()
    await bell.ring_engine()
    await bell.ring_gateway()
    await bell.ring_live(1)
    assert not await bell.hear_gateway(0.02)
    own_redis.start()
    bell._silent_until = 0.0
    await bell.ring_gateway()
    assert await bell.hear_gateway(1)
    await bell.close()


async def test_a_redis_that_hangs_holds_nobody_up() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        bell = Doorbell(f"redis://127.0.0.1:{deaf.getsockname()[1]}")
        began = time.monotonic()
        for _ in range(10):
            await bell.ring_gateway()
        assert time.monotonic() - began < 5
        assert not await bell.hear_gateway(0.01)
        await bell.close()


async def test_a_house_without_bells() -> None:
    bell = Doorbell(None)
    await bell.ring_engine()
    await bell.ring_gateway()
    await bell.ring_live(1)
    assert not await bell.hear_gateway(0.01)
    assert [one async for one in bell.hear_live()] == []
    await bell.close()


async def test_the_bell_is_one_short_list(bell: Doorbell, redis: ArqRedis) -> None:
    await bell.ring_gateway()
    await bell.ring_gateway()
    assert await redis.execute_command("LLEN", GATEWAY_KEY) == 1  # type: ignore[no-untyped-call]
