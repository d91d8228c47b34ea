"""Bells between processes: "look here", over Redis.

Rule: a bell carries no data and never fails anybody; whoever is not rung looks by themselves within
a second. Losing Redis at any moment costs latency only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, cast

import structlog
from arq.connections import ArqRedis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

ENGINE_JOB = "advance_batch"
ENGINE_IDS = ("advance:0", "advance:1")  # one may be running already: the second rings after it
RING_KEPT_S = 60  # nobody came within a minute: polling has long seen to it
ENGINE_KEY = "tiptoe:engine"
GATEWAY_KEY = "tiptoe:gateway"
LIVE_CHANNEL = "tiptoe:live:"
PATIENCE_S = 0.5  # a webhook must not wait for a Redis that hangs
CONNECT_S = 0.5
SILENCE_S = 1.0  # after a failure nobody is kept waiting again for this long


class Doorbell:
    """The bells of one process, on the Redis at `url`; None is a house without bells."""

    def __init__(self, url: str | None) -> None:
        self._redis: ArqRedis | None = None
        self._silent_until = 0.0
        if url is not None:
            # No reading time-out: hearing the gateway's bell blocks on purpose, and is timed here.
            self._redis = ArqRedis.from_url(url, socket_connect_timeout=CONNECT_S)

    async def ring_engine(self) -> None:
        """Wake an engine worker."""
        await self._ring(self._enqueue)

    async def ring_gateway(self) -> None:
        """Wake the gateway's dispatcher; ringing ten times is one ring."""
        await self._ring(lambda redis: _push(redis, GATEWAY_KEY))

    async def ring_live(self, company_id: int) -> None:
        """Tell open pages of a company that something changed."""

        async def publish(redis: ArqRedis) -> None:
            await redis.publish(f"{LIVE_CHANNEL}{company_id}", "")

        await self._ring(publish)

    async def hear_engine(self, timeout_s: float) -> bool:
        """Wait for the bell of the engine's workers, of whom it wakes one; as `hear_gateway`."""
        return await self._hear(ENGINE_KEY, timeout_s)

    async def hear_gateway(self, timeout_s: float) -> bool:
        """Wait for the gateway's bell; False after `timeout_s`, also when Redis is away."""
        return await self._hear(GATEWAY_KEY, timeout_s)

    async def _hear(self, key: str, timeout_s: float) -> bool:
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        if self._redis is not None:
            try:
                async with asyncio.timeout(timeout_s + PATIENCE_S):
                    if await cast("Any", self._redis).blpop([key], timeout_s):
                        return True
            except (RedisError, OSError, TimeoutError) as error:
                log.debug("bell_away", bell=key, error=str(error))
        await asyncio.sleep(max(0.0, end - loop.time()))
        return False

    async def hear_live(self) -> AsyncGenerator[int, None]:
        """The ids of companies something changes in, for as long as it is listened to.

        While Redis is away nothing comes; the listener goes on by itself when it is back.
        """
        while self._redis is not None:
            try:
                async with self._redis.pubsub() as ears:
                    await ears.psubscribe(f"{LIVE_CHANNEL}*")
                    async for heard in ears.listen():
                        if heard["type"] == "pmessage":
                            yield int(heard["channel"].decode().removeprefix(LIVE_CHANNEL))
            except (RedisError, OSError) as error:
                log.debug("live_bell_away", error=str(error))
                await asyncio.sleep(SILENCE_S)

    async def close(self) -> None:
        """Hang up."""
        if self._redis is not None:
            await self._redis.aclose()

    async def _ring(self, ring: Callable[[ArqRedis], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        if self._redis is None or loop.time() < self._silent_until:
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                await ring(self._redis)
        except (RedisError, OSError, TimeoutError) as error:
            self._silent_until = loop.time() + SILENCE_S
            log.debug("bell_away", error=str(error))

    @staticmethod
    async def _enqueue(redis: ArqRedis) -> None:
        for job_id in ENGINE_IDS:
            if await redis.enqueue_job(ENGINE_JOB, _job_id=job_id, _expires=RING_KEPT_S):
                await _push(redis, ENGINE_KEY)
                return


async def _push(redis: ArqRedis, key: str) -> None:
    """Ring a bell that is heard by waiting; it is remembered, but only once."""
    async with redis.pipeline(transaction=False) as both:
        both.lpush(key, "")
        both.ltrim(key, 0, 0)
        await both.execute()
