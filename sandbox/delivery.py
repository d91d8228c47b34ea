"""Delivers webhooks: in order per customer, several in one POST, again and again until a 2xx.

One rule: gaps between attempts are real seconds, never the sandbox's clock, and a webhook leaves
the outbox only after its 2xx.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from sandbox.chance import draw
from sandbox.webhooks import Parcel, envelope, sign
from sandbox.world import World

AT_ONCE = 8
MOST_IN_ONE_POST = 50
FIRST_GAP_S = 0.2
LONGEST_GAP_S = 5.0
ANSWER_WITHIN_S = 15.0


class Delivery:
    """The postman. A lane (customer) has at most one POST under way or waiting to be retried."""

    def __init__(self, world: World, client: aiohttp.ClientSession) -> None:
        self._world = world
        self._client = client
        self._ready: dict[str, deque[Parcel]] = {}
        self._busy: dict[str, deque[Parcel]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._posting = 0

    async def run(self) -> None:
        """Deliver for as long as the sandbox runs."""
        world = self._world
        async with asyncio.TaskGroup() as tasks:
            while True:
                if world.storm is not None and world.storm.gather_s and world.posted:
                    await asyncio.sleep(world.storm.gather_s)
                world.outbox_bell.clear()
                self._fetch()
                while self._posting < AT_ONCE and (parcels := self._next_batch()):
                    self._posting += 1
                    tasks.create_task(self._deliver(parcels))
                await world.outbox_bell.wait()

    def _fetch(self) -> None:
        for parcel in self._world.posted:
            lanes = self._busy if parcel.lane in self._busy else self._ready
            lanes.setdefault(parcel.lane, deque()).append(parcel)
        self._world.posted.clear()

    def _next_batch(self) -> list[Parcel]:
        storm, parcels = self._world.storm, list[Parcel]()
        most = MOST_IN_ONE_POST if storm is None else storm.batch
        while self._ready and len(parcels) < most:
            lane = next(iter(self._ready))
            queue = self._busy[lane] = self._ready.pop(lane)
            while queue and len(parcels) < most:
                parcels.append(queue.popleft())
        if storm is not None and storm.shuffled:
            seed = self._world.config.seed
            parcels.sort(key=lambda one: draw(seed, "shuffled", one.n))
        return parcels

    async def _deliver(self, parcels: list[Parcel]) -> None:
        body = envelope(parcels)
        gap = FIRST_GAP_S
        async with self._slots:
            taken = await self._post(body)
        self._posting -= 1
        # A batch that waits for its next attempt leaves the place to others.
        self._world.outbox_bell.set()
        while not taken:
            await asyncio.sleep(gap)
            gap = min(gap * 2, LONGEST_GAP_S)
            async with self._slots:
                taken = await self._post(body)
        self._forget(parcels)

    async def _post(self, body: bytes) -> bool:
        config = self._world.config
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "facebookexternalua",
            "X-Hub-Signature-256": sign(config.app_secret, body),
        }
        try:
            async with self._client.post(config.webhook_url, data=body, headers=headers) as answer:
                return answer.ok
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _forget(self, parcels: list[Parcel]) -> None:
        memory = self._world.memory
        with memory.writing():
            memory.do_all("delete from outbox where n = ?", [(one.n,) for one in parcels])
            if received := [(one.message_id,) for one in parcels if one.message_id]:
                memory.do_all(
                    "update messages set status = 'delivered' where id = ? and status = 'sent'",
                    received,
                )
        for lane in dict.fromkeys(one.lane for one in parcels):
            if rest := self._busy.pop(lane):
                self._ready[lane] = rest
        for one in parcels:
            if one.message_id:
                self._world.live.ring(one.lane)
        self._world.outbox_bell.set()


@asynccontextmanager
async def delivering(world: World) -> AsyncIterator[None]:
    """Deliver in the background; stops at once at the end, the outbox keeps what is left."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=AT_ONCE),
        timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN_S),
    ) as client:
        task = asyncio.create_task(Delivery(world, client).run(), name="sandbox-delivery")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
