"""Delivers webhooks: in order per customer, several in one POST, again and again until a 2xx.

One rule: gaps between attempts are real seconds, never the sandbox's clock, and a webhook leaves
the outbox only after its 2xx.
"""

import asyncio
import json
import ssl
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache

import httpx

from sandbox.webhooks import Parcel, envelope, sign
from sandbox.world import World

AT_ONCE = 8
MOST_IN_ONE_POST = 50
FIRST_GAP_S = 0.2
LONGEST_GAP_S = 5.0
ANSWER_WITHIN_S = 15.0
FETCH = 2000


class Delivery:
    """The postman. A lane (customer) has at most one POST under way or waiting to be retried."""

    def __init__(self, world: World, client: httpx.AsyncClient) -> None:
        self._world = world
        self._client = client
        self._waiting: OrderedDict[str, deque[Parcel]] = OrderedDict()
        self._busy: set[str] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._posting = 0
        self._fetched = 0

    async def run(self) -> None:
        """Deliver for as long as the sandbox runs."""
        bell = self._world.outbox_bell
        async with asyncio.TaskGroup() as tasks:
            while True:
                bell.clear()
                self._fetch()
                while self._posting < AT_ONCE and (parcels := self._next_batch()):
                    self._posting += 1
                    tasks.create_task(self._deliver(parcels))
                await bell.wait()

    def _fetch(self) -> None:
        rows = self._world.memory.all(
            "select * from outbox where n > ? order by n limit ?", self._fetched, FETCH
        )
        for row in rows:
            parcel = Parcel(
                n=row["n"],
                lane=row["lane"],
                waba_id=row["waba_id"],
                field=row["field"],
                value=json.loads(row["value"]),
                at=row["at"],
                message_id=row["message_id"],
            )
            self._waiting.setdefault(parcel.lane, deque()).append(parcel)
            self._fetched = parcel.n
        if len(rows) == FETCH:
            self._world.outbox_bell.set()

    def _next_batch(self) -> list[Parcel]:
        parcels: list[Parcel] = []
        for lane in [lane for lane in self._waiting if lane not in self._busy]:
            queue = self._waiting[lane]
            while queue and len(parcels) < MOST_IN_ONE_POST:
                parcels.append(queue.popleft())
            self._busy.add(lane)
            if not queue:
                del self._waiting[lane]
            if len(parcels) == MOST_IN_ONE_POST:
                break
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
            answer = await self._client.post(config.webhook_url, content=body, headers=headers)
        except httpx.HTTPError:
            return False
        return answer.is_success

    def _forget(self, parcels: list[Parcel]) -> None:
        memory = self._world.memory
        with memory.writing():
            memory.do_all("delete from outbox where n = ?", ((one.n,) for one in parcels))
            memory.do_all(
                "update messages set status = 'delivered' where id = ? and status = 'sent'",
                ((one.message_id,) for one in parcels if one.message_id),
            )
        for one in parcels:
            self._busy.discard(one.lane)
            if one.message_id:
                self._world.live.ring(one.lane)
        self._world.outbox_bell.set()


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # reading all authorities takes longer than the rest


@asynccontextmanager
async def delivering(world: World) -> AsyncIterator[None]:
    """Deliver in the background; stops at once at the end, the outbox keeps what is left."""
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    async with httpx.AsyncClient(
        timeout=ANSWER_WITHIN_S, limits=limits, verify=_tls(), trust_env=False
    ) as client:
        task = asyncio.create_task(Delivery(world, client).run(), name="sandbox-delivery")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
