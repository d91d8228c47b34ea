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
from benchmarks.journey import CART, NOW, REPLIED
from benchmarks.places import new_database
from benchmarks.world import World, new_world
from engine.runner import BATCH
from flows.run import Run, Waiting
from store.columns import Moment
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
    n, now = _numbers(1, CONTACTS), sa.literal(NOW, Moment())
    rows = sa.select(n, _id(world.company_id), sa.literal("Ada"), now, now)
    names = ["id", "company_id", "first_name", "created_at", "updated_at"]
    async with world.database.write() as tx:
        await tx.execute(sa.insert(contacts).from_select(names, rows))


async def _fill_runs(world: World, after: int, upto: int, apart: int, due: datetime) -> None:
    """Runs `after` + 1 to `upto`, of one in `apart` contacts, that wait until `due`."""
    n = _numbers(after + 1, upto)
    row: dict[str, Any] = {
        "id": n,
        "company_id": _id(world.company_id),
        "automation_id": _id(world.automation_id),
        "revision_id": _id(1),
        "contact_id": n * apart,
        "status": sa.literal("waiting"),
        "step": sa.literal("pause"),
        "seq": sa.literal(2),
        "state": sa.literal(STATE, runs.c.state.type),
        "wait_until": sa.literal(due, Moment()),
        "started_at": sa.literal(NOW, Moment()),
    }
    async with world.database.write() as tx:
        await tx.execute(sa.insert(runs).from_select(list(row), sa.select(*row.values())))


def _numbers(first: int, last: int) -> sa.ColumnElement[int]:
    """The column of a table of these numbers, which the database counts itself."""
    numbers = sa.select(_id(first).label("n")).cte(recursive=True)
    return numbers.union_all(sa.select(numbers.c.n + 1).where(numbers.c.n < last)).c.n


def _id(number: int) -> sa.ColumnElement[int]:
    return sa.literal(number, sa.BigInteger)


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
