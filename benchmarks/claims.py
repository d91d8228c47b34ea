"""Whether finding who has something to do gets slower with the number of runs that wait.

The same claim on two houses of a million contacts: in one of them ten thousand have a waiting run,
in the other everybody, and their times come in the next hours. In both the same contacts have
something to do, all over the table: a batch of them an event, as many a timer that is due.
"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from functools import cache
from statistics import median
from typing import Any

import msgspec
import sqlalchemy as sa

from benchmarks.figures import Figure, Size, at_most
from benchmarks.filling import fill, numbers
from benchmarks.journey import CART, NOW, REPLIED
from benchmarks.places import new_database
from benchmarks.world import World, new_world
from engine.runner import BATCH
from flows.run import Run, Waiting
from store.contacts import contacts
from store.database import Database
from store.runs import claim_contacts, runs

FEW, MANY = 10_000, 1_000_000
CONTACTS = MANY
HOURS = 20  # the times of all waiting runs lie in these next hours
CLAIMS, WARM_UP = 60, 10
STATE = msgspec.to_builtins(
    Run(1, step="pause", seq=2, wait=Waiting(frozenset({"time"}), NOW), variables=CART)
)


@cache
def _times_slower(kind: str) -> float:
    """The claim with many waiting runs ÷ the claim with few."""
    return asyncio.run(_measure(new_database(kind), new_database(kind)))


async def _measure(*urls: str) -> float:
    databases = [Database(url) for url in urls]
    try:
        for database, waiting in zip(databases, (FEW, MANY), strict=True):
            await _prepare(database, waiting)
        times: list[list[float]] = [[], []]
        for _ in range(WARM_UP + CLAIMS):
            for database, taken in zip(databases, times, strict=True):  # in turn: a busy minute
                taken.append(await _claim(database))  # of the machine is then both's
        few, many = (median(taken[WARM_UP:]) for taken in times)
        return many / few
    finally:
        for database in databases:
            await database.close()


async def _prepare(database: Database, waiting: int) -> None:
    world = await new_world(database)
    await _fill_contacts(world)
    for hour in range(HOURS):
        after, upto = (waiting * part // HOURS for part in (hour, hour + 1))
        await _fill_runs(world, after, upto, CONTACTS // waiting, NOW + timedelta(hours=hour + 1))
    apart = CONTACTS // (2 * BATCH)
    async with database.write() as tx:
        told = range(apart, CONTACTS + 1, 2 * apart)
        await world.tell(tx, [(one, REPLIED, None) for one in told])
        due = runs.c.contact_id.in_(range(2 * apart, CONTACTS + 1, 2 * apart))
        await tx.execute(sa.update(runs).where(due).values(wait_until=NOW))
    await world.refresh()


async def _fill_contacts(world: World) -> None:
    row: dict[str, Any] = {
        "id": numbers(1, CONTACTS),
        "company_id": world.company_id,
        "first_name": "Ada",
        "created_at": NOW,
        "updated_at": NOW,
    }
    async with world.database.write() as tx:
        await fill(tx, contacts, row)


async def _fill_runs(world: World, after: int, upto: int, apart: int, due: datetime) -> None:
    """Runs `after` + 1 to `upto`, of one in `apart` contacts, that wait until `due`."""
    n = numbers(after + 1, upto)
    row: dict[str, Any] = {
        "id": n,
        "company_id": world.company_id,
        "automation_id": world.automation_id,
        "revision_id": 1,
        "contact_id": n * apart,
        "status": "waiting",
        "step": "pause",
        "seq": 2,
        "state": STATE,
        "wait_until": due,
        "started_at": NOW,
    }
    async with world.database.write() as tx:
        await fill(tx, runs, row)


async def _claim(database: Database) -> float:
    """Seconds of one claim in its transaction."""
    async with database.write() as tx:
        began = time.perf_counter()
        found = await claim_contacts(tx, NOW, BATCH)
        taken = time.perf_counter() - began
    assert len(found) == BATCH, len(found)
    return taken


def _worst(size: Size) -> float:
    """The worse of both databases; the short bench looks at the one that is filled quickest."""
    kinds = ("sqlite", "postgresql") if size.full else ("sqlite",)
    return max(_times_slower(kind) for kind in kinds)


FIGURES = (
    Figure(
        "claim_1m_vs_10k",
        "times",
        "a claim with 1,000,000 waiting runs ÷ with 10,000 (on SQLite; full: on both)",
        _worst,
        at_most(1.5),
    ),
)
