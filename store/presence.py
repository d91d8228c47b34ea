"""Who has a page open, told from process to process over Redis.

Rule: a courtesy. It is forgotten within seconds, never fails anybody, and without Redis a process
knows only its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

LIVES_S = 15  # somebody who is not told of for so long has gone
KEPT_S = 60
PATIENCE_S = 0.5
SILENCE_S = 5.0  # after a failure it is not tried again for this long
PREFIX = "tiptoe:here:"


class Presence:
    """The people at the pages of all processes on the Redis at `url`; None: this process alone."""

    def __init__(self, url: str | None) -> None:
        self._redis: Redis | None = None
        self._silent_until = 0.0
        if url is not None:
            self._redis = Redis.from_url(
                url, socket_connect_timeout=PATIENCE_S, decode_responses=True
            )

    async def tell(
        self, room: str, here: Collection[str], gone: Collection[str], now_s: float
    ) -> set[str] | None:
        """Say who of ours is at `room` and who no longer is; everybody who is there, ours as well.
        None while that is not known. `now_s`: the wall's time, in seconds.
        """
        loop = asyncio.get_running_loop()
        if self._redis is None or loop.time() < self._silent_until:
            return None
        key = f"{PREFIX}{room}"
        try:
            async with asyncio.timeout(PATIENCE_S), self._redis.pipeline(transaction=False) as all_:
                if here:
                    all_.zadd(key, dict.fromkeys(here, now_s))
                    all_.expire(key, KEPT_S)
                if gone:
                    all_.zrem(key, *gone)
                all_.zremrangebyscore(key, 0, now_s - LIVES_S)
                all_.zrange(key, 0, -1)
                found = (await all_.execute())[-1]
        except (RedisError, OSError, TimeoutError) as error:
            self._silent_until = loop.time() + SILENCE_S
            log.debug("presence_away", error=str(error))
            return None
        return set(found)

    async def close(self) -> None:
        """Hang up."""
        if self._redis is not None:
            await self._redis.aclose()
