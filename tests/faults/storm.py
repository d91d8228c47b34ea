"""Everything that can go wrong, at random, while customers walk through an automation.

Processes die at named commits and at any moment, Redis is wiped and killed, database connections
are cut or the database is busy, webhooks come late, twice and again, the clock crosses the change
to or from summer time. The seed decides what and when; how the machine schedules it stays its own.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import msgspec
import sqlalchemy as sa
from redis.asyncio import Redis
from redis.exceptions import RedisError

from engine.past import replay_run
from engine.scene import Words
from flows.contact import Company
from store.runs import runs
from tests.faults.post_office import PostOffice, post_office
from tiptoe import killpoints
from tiptoe.demo.cast import Prompter, customers
from tiptoe.demo.score import Score, compare
from tiptoe.demo.show import RULES, Director, introduce
from tiptoe.demo.stage import Stage, folder_settings, stage
from tiptoe.settings import WHATSAPP_HOOK, Settings, load_settings
from tiptoe.whatsapp_demo import BUSINESS_NAME

SPRING = datetime(2027, 3, 27, 10, tzinfo=UTC)
AUTUMN = datetime(2027, 10, 30, 10, tzinfo=UTC)
"""Saturdays before the clocks change in Europe."""
VICTIMS = ("engine", "gateway", "web", "redis")
BUSY_S = 1.0  # how long somebody else holds the database
PAUSES_S = (0.5, 3.0)  # between two troubles
PATIENCE_S = 3.0  # for an armed commit to be reached; then another one is tried


class Report(msgspec.Struct, kw_only=True):
    """What happened and what came of it. `unlike`: runs whose replay is not their trace."""

    seed: int
    score: Score
    journeys: int
    unlike: list[str]
    died_at: Counter[str]
    troubles: Counter[str]


class Storm:
    """Does one trouble after the other until it is over."""

    def __init__(self, here: Stage, office: PostOffice, points: Path, seed: int) -> None:
        self.here = here
        self.office = office
        self.points = points
        self.dice = random.Random(seed)
        self.died_at: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()
        self._left: list[str] = []
        self._kinds: dict[str, Callable[[], object]] = {
            "killed": self._kill,
            "wiped Redis": self._wipe,
            "cut the database": self._cut,
            "delivered again": self._again,
        }

    async def rage(self) -> None:
        """Troubles for ever; cancelled when the play is over."""
        self.here.supervisor.longest_pause_s = 1.0
        while True:
            await asyncio.sleep(self.dice.uniform(*PAUSES_S))
            await self._die_at_a_commit()
            name = self.dice.choice(list(self._kinds))
            await self._kinds[name]()  # type: ignore[misc]
            self.troubles[name] += 1

    async def _die_at_a_commit(self) -> None:
        if not self._left:
            self._left = self.dice.sample(killpoints.POINTS, len(killpoints.POINTS))
        point = self._left.pop()
        killpoints.arm(self.points, point)
        end = asyncio.get_running_loop().time() + PATIENCE_S
        while killpoints.armed(self.points):
            if asyncio.get_running_loop().time() > end:
                killpoints.arm(self.points, "")
                return
            await asyncio.sleep(0.01)
        self.died_at[point] += 1

    async def _kill(self) -> None:
        self.here.supervisor.kill(self.dice.choice(VICTIMS))

    async def _wipe(self) -> None:
        with suppress(RedisError, OSError):
            async with Redis.from_url(self.here.redis_url) as redis:
                await redis.flushall()

    async def _cut(self) -> None:
        """PostgreSQL drops every connection but ours; SQLite's one place to write is taken."""
        if self.here.database.dialect == "sqlite":
            path = self.here.database.url.database or ""
            with suppress(sqlite3.OperationalError), sqlite3.connect(path, timeout=1) as other:
                other.execute("BEGIN IMMEDIATE")
                await asyncio.sleep(BUSY_S)
                other.rollback()
            return
        cut = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND client_port <> ALL($1::int[])"
        )
        # A connection of its own: when the storm ends in the middle of the query, nobody else may
        # get a connection that is still busy with it.
        url = self.here.database.url.set(drivername="postgresql")
        with suppress(asyncpg.PostgresError, OSError):
            connection = await asyncpg.connect(url.render_as_string(hide_password=False))
            try:
                await connection.execute(cut, sorted(own_ports()))
            finally:
                connection.terminate()

    async def _again(self) -> None:
        await self.office.deliver_again()


@asynccontextmanager
async def raging(storm: Storm) -> AsyncIterator[None]:
    """The storm, around what is played in it."""
    task = asyncio.create_task(storm.rage())
    try:
        yield
        if task.done():
            task.result()  # a storm that broke itself proves nothing
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        killpoints.arm(storm.points, "")


async def weather(
    folder: Path, database_url: str, free_port: Callable[[], int], count: int, seed: int
) -> Report:
    """Play `count` customers through the storm of `seed`; nothing is left running."""
    start = AUTUMN if seed % 2 else SPRING
    points, port = folder / "points", free_port()
    settings = _settings(folder, database_url, free_port, port, points)
    cast = customers(count, start)
    hook = f"http://127.0.0.1:{settings.port}{WHATSAPP_HOOK}"
    async with (
        post_office(hook, port, seed) as office,
        stage(settings, RULES, start, lambda _name, _text: None) as here,
    ):
        await introduce(here, cast)
        storm = Storm(here, office, points, seed)
        director = Director(here, cast)
        async with raging(storm):
            await director.play()
        await director.play()  # what the last trouble put off
        phones, books = await here.phone_messages(), await here.books()
        async with here.database.read() as tx:
            journeys = list((await tx.execute(sa.select(runs.c.id))).scalars())
            replays = [await replay_run(tx, run_id) for run_id in journeys]
    prompter, words = Prompter(), Words(stopped=RULES.stop_confirmation)
    company = Company(1, BUSINESS_NAME, "Europe/Rome", "en")
    expected = {one.number: prompter.expected(one, company, words) for one in cast}
    score = compare(expected, phones)
    score.unfinished = books["unfinished"]
    storm.troubles["webhooks troubled"] = office.troubles
    return Report(
        seed=seed,
        score=score,
        journeys=len(journeys),
        unlike=[one.difference for one in replays if not one.same][:5],
        died_at=storm.died_at,
        troubles=storm.troubles,
    )


def own_ports() -> set[int]:
    """The local ports of this process's connections (Linux)."""
    sockets = set()
    for handle in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            sockets.add(str(handle.readlink()))
    ports = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        parts = line.split()
        if f"socket:[{parts[9]}]" in sockets:
            ports.add(int(parts[1].partition(":")[2], 16))
    return ports


def _settings(
    folder: Path, database_url: str, free_port: Callable[[], int], port: int, points: Path
) -> Settings:
    killpoints.arm(points, "")
    return load_settings(
        folder_settings(folder, free_port(), free_port())
        | {
            "DATABASE_URL": database_url,
            "TIPTOE_KILL_POINTS": str(points),
            "TIPTOE_SANDBOX_WEBHOOK_URL": f"http://127.0.0.1:{port}/",
        }
    )
