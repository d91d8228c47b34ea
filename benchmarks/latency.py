"""How long a customer waits until the engine has queued the answer, and what an engine weighs.

A web-like process (this one) writes a customer's message as an event, commits, and rings; a real
`tiptoe engine` hears it. The time runs from the commit until the answer's row is committed: a
trigger on the table notifies this process of answers, and of nothing else, so measuring costs
nearly nothing. Messages come at their own pace, whether or not earlier ones are answered.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from statistics import quantiles
from typing import Any, NamedTuple

import asyncpg
import msgspec

from benchmarks.figures import CannotMeasureError, Figure, Size, at_most
from benchmarks.journey import CART
from benchmarks.places import new_database, plain, redis
from benchmarks.workers import engine_process
from benchmarks.world import World, new_world
from flows.content import Text
from flows.events import ApiCalled, Replied
from store import automations
from store.database import Database
from store.doorbell import Doorbell

IDLE_GAP_S = 0.04  # between two messages; jittered, so that no poll keeps step with them
CAMPAIGN_GAP_S = 0.02
WARM_UP = 20
LEAST_SAMPLES = 200  # of which p99 is about the second worst
MOST_SAMPLES = 2_000
PATIENCE_S = 600.0  # a campaign that keeps everybody waiting is a figure too
SWEEP_S = 0.25  # between two looks of the null channel at what a campaign has queued
ASKED = Replied("Opening hours", Text("Opening hours"))
ANSWER: dict[str, Any] = {
    "name": "Opening hours",
    "triggers": {
        "word": {"type": "customer_message", "rules": [{"match": "exact", "words": [ASKED.text]}]}
    },
    "start": "answer",
    "steps": {
        "answer": {"type": "send_message", "text": "From nine to six.", "next": {"sent": "end"}},
        "end": {"type": "end"},
    },
}
NOTIFY_OF_ANSWERS = """
CREATE FUNCTION tell_bench() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('answered', NEW.contact_id::text); RETURN NULL; END $$;
CREATE TRIGGER tell_bench AFTER INSERT ON messages FOR EACH ROW
WHEN (NEW.contact_id BETWEEN {first} AND {last}) EXECUTE FUNCTION tell_bench();
"""
NEW_CONTACTS = """
INSERT INTO contacts (company_id, name, first_name, last_name, language, zone, country, consent,
    consent_source, fields, created_at, updated_at)
SELECT $1, '', 'Ada', '', '', '', '', 'unknown', '', '{}', now(), now() FROM generate_series(1, $2)
"""
START_CAMPAIGN = """
INSERT INTO events (company_id, contact_id, kind, data, at, created_at)
SELECT company_id, id, 'api', $1::jsonb, now(), now() FROM contacts WHERE id > $2 ORDER BY id
"""
SEND_ALL = """
WITH out AS (
    UPDATE messages SET state = 'sent', sent_at = now() WHERE state = 'queued'
    RETURNING company_id, contact_id, run_id, seq
)
INSERT INTO events (company_id, contact_id, run_id, kind, data, at, created_at)
SELECT company_id, contact_id, run_id, 'verdict',
    jsonb_build_object('type', 'verdict', 'seq', seq, 'state', 'sent'), now(), now() FROM out
"""
BUSY = "SELECT EXISTS (SELECT 1 FROM events WHERE handled_at IS NULL AND contact_id > $1)"


class Waits(NamedTuple):
    """Milliseconds until each answer."""

    ms: list[float]

    def percentile(self, percent: int) -> float:
        """What `percent` of all waits do not exceed."""
        return quantiles(self.ms, n=100, method="inclusive")[percent - 1]


class Measured(NamedTuple):
    """All that one house showed."""

    idle: Waits
    campaign: Waits
    rss_mb: float


class House:
    """A company whose customers ask, a channel that sends nothing, and ears for the answers."""

    def __init__(self, world: World, bell: Doorbell, channel: Any, people: Sequence[int]) -> None:
        self.world = world
        self.bell = bell
        self.channel = channel
        self.people = list(people)
        self.last = people[-1]  # of those who ask; contacts behind it are the campaign's
        self.asked: dict[int, float] = {}
        self.answered: dict[int, float] = {}
        self.news = asyncio.Event()

    def hear(self, _ears: Any, _pid: int, _channel: str, contact: str) -> None:
        """An answer is in the queue."""
        self.answered.setdefault(int(contact), time.perf_counter())
        self.news.set()

    async def ask_while(self, going_on: Callable[[int], bool], gap_s: float) -> Waits:
        """A customer writes every `gap_s` or so while `going_on(how many wrote)`."""
        asking: dict[int, asyncio.Task[None]] = {}
        while going_on(len(asking)):
            contact_id = self.people.pop()
            asking[contact_id] = asyncio.create_task(self._ask(contact_id))
            await asyncio.sleep(gap_s * random.uniform(0.5, 1.5))
        await asyncio.gather(*asking.values())
        async with asyncio.timeout(PATIENCE_S):
            while not asking.keys() <= self.answered.keys():
                self.news.clear()
                await self.news.wait()
        return Waits([1_000 * (self.answered[one] - self.asked[one]) for one in asking])

    async def _ask(self, contact_id: int) -> None:
        """One customer writes, as the web process takes it."""
        self.world.now = datetime.now(UTC)
        async with self.world.database.write() as tx:
            await self.world.tell(tx, [(contact_id, ASKED, None)])
        self.asked[contact_id] = time.perf_counter()
        await self.bell.ring_engine()

    async def campaign(self) -> None:
        """Start it for everybody, and give every message its verdict until nothing is left."""
        told = ApiCalled(self.world.automation_id, CART, "automation")
        await self.channel.execute(START_CAMPAIGN, msgspec.json.encode(told).decode(), self.last)
        busy = True
        while busy:
            await self.bell.ring_engine()
            await asyncio.sleep(SWEEP_S)
            sent = await self.channel.execute(SEND_ALL)
            busy = sent != "INSERT 0 0" or await self.channel.fetchval(BUSY, self.last)


@cache
def measured(size: Size) -> Measured:
    """Idle, then during a campaign, then the worker's memory: one house for all of it."""
    return asyncio.run(_measure(new_database("postgresql"), redis(), size))


async def _measure(url: str, redis_url: str, size: Size) -> Measured:
    async with _house(url, redis_url, size) as house, engine_process(url, redis_url) as engine:
        await house.ask_while(lambda asked: asked < WARM_UP, IDLE_GAP_S)
        idle = await house.ask_while(lambda asked: asked < size.replies, IDLE_GAP_S)
        campaign = asyncio.create_task(house.campaign())
        during = await house.ask_while(
            lambda asked: asked < MOST_SAMPLES and not campaign.done(), CAMPAIGN_GAP_S
        )
        await campaign
        if len(during.ms) < LEAST_SAMPLES:
            raise CannotMeasureError(f"The campaign was over after {len(during.ms)} answers.")
        return Measured(idle, during, engine.rss_mb())


@asynccontextmanager
async def _house(url: str, redis_url: str, size: Size) -> AsyncIterator[House]:
    database, bell = Database(url), Doorbell(redis_url)
    ears, channel = await asyncpg.connect(plain(url)), await asyncpg.connect(plain(url))
    try:
        world = await new_world(database)
        async with database.write() as tx:
            answer = await automations.create(tx, world.company_id, ANSWER, world.now)
            await automations.publish(tx, world.company_id, answer, None, "", world.now)
        house = House(
            world, bell, channel, await world.people(WARM_UP + size.replies + MOST_SAMPLES)
        )
        await ears.execute(NOTIFY_OF_ANSWERS.format(first=house.people[0], last=house.last))
        await channel.execute(NEW_CONTACTS, world.company_id, size.campaign)
        await world.refresh()
        await ears.add_listener("answered", house.hear)
        yield house
    finally:
        await ears.close()
        await channel.close()
        await bell.close()
        await database.close()


FIGURES = (
    Figure(
        "reply_idle_p50_ms",
        "ms",
        "from a customer's event to the queued answer, nothing else going on: half of them",
        lambda size: measured(size).idle.percentile(50),
        at_most(10),
    ),
    Figure(
        "reply_idle_p95_ms",
        "ms",
        "the same: 95 of 100",
        lambda size: measured(size).idle.percentile(95),
    ),
    Figure(
        "reply_idle_p99_ms",
        "ms",
        "the same: 99 of 100",
        lambda size: measured(size).idle.percentile(99),
        at_most(25),
    ),
    Figure(
        "reply_campaign_p50_ms",
        "ms",
        "the same while one worker also carries a campaign (100,000 contacts; bench: 30,000)",
        lambda size: measured(size).campaign.percentile(50),
    ),
    Figure(
        "reply_campaign_p95_ms",
        "ms",
        "the same: 95 of 100",
        lambda size: measured(size).campaign.percentile(95),
    ),
    Figure(
        "reply_campaign_p99_ms",
        "ms",
        "the same: 99 of 100",
        lambda size: measured(size).campaign.percentile(99),
        at_most(250),
    ),
    Figure(
        "engine_worker_rss_mb",
        "MB",
        "memory of that worker after the campaign",
        lambda size: measured(size).rss_mb,
        at_most(200),
    ),
)
