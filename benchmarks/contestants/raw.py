"""The limit: the driver alone writes the rows of these journeys, prepared beforehand.

What rows those are is copied from one real journey (`raw_sample`). As many transactions as the
engine makes; nothing is read, decided or encoded but by the driver. The tables end up as the engine
leaves them, so the same null channel plays along and the same check closes it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from benchmarks.contestants.raw_drivers import Driver, Row, Rows, open_driver
from benchmarks.contestants.raw_sample import TABLES, Copy, Journey, Wave, waves_of
from benchmarks.figures import Size
from benchmarks.journey import NOW
from benchmarks.words import WAVES
from benchmarks.world import World, new_world
from engine.runner import BATCH
from store.database import Database, in_chunks
from store.ids import new_id


def journeys_per_second(url: str, size: Size) -> float:
    """Journeys in a second of the driver's time."""
    return asyncio.run(_best_round(url, size))


async def _best_round(url: str, size: Size) -> float:
    database = Database(url)
    driver = await open_driver(url)
    try:
        await driver.learn(TABLES)
        world = await new_world(database)
        waves = await waves_of(world, driver, (await world.people(1))[0])
        await _carry(world, driver, waves, await world.people(BATCH))
        rounds = [
            await _carry(world, driver, waves, await world.people(size.journeys))
            for _ in range(size.rounds)
        ]
        return size.journeys / min(rounds)
    finally:
        await driver.close()
        await database.close()


async def _carry(
    world: World, driver: Driver, waves: Sequence[Wave], people: Sequence[int]
) -> float:
    """Write the rows of all these journeys; the seconds that the driver needed."""
    spent = 0.0
    journeys = [Journey(one) for one in people]
    for name, wave in zip(WAVES, waves, strict=True):
        await world.happen(name, people)
        events = await _unhandled(world)
        for journey in journeys:
            journey.ids |= {one: new_id(NOW) for one in wave.made()}
        for chunk in in_chunks(journeys, BATCH):
            write = driver.prepare(*_batch(wave, chunk, events))
            began = time.perf_counter()
            await write()
            spent += time.perf_counter() - began
    await world.check(people)
    return spent


async def _unhandled(world: World) -> dict[int, int]:
    query = sa.text("SELECT contact_id, id FROM events WHERE handled_at IS NULL")
    async with world.database.read() as tx:
        return {row.contact_id: row.id for row in await tx.execute(query)}


def _batch(
    wave: Wave, journeys: Sequence[Journey], events: Mapping[int, int]
) -> tuple[Rows, Rows, list[Row]]:
    """The wave's rows for many contacts."""
    added, changed = _copied(wave.added, journeys), _copied(wave.changed, journeys)
    for journey, row in zip(journeys, changed.get("events", ()), strict=False):
        row["id"] = events[journey.contact_id]
    return added, changed, [row | {"n": row["n"] * len(journeys)} for row in wave.counted]


def _copied(sample: Rows, journeys: Sequence[Journey]) -> Rows:
    made = journeys[0].ids
    copies = {table: [Copy(table, row, made) for row in rows] for table, rows in sample.items()}
    return {table: [copy.of(one) for one in journeys for copy in copies[table]] for table in sample}
