"""The limit: the driver alone writes the rows of these journeys, prepared beforehand.

What rows those are is copied from one real journey: after each wave, whatever the engine added or
changed in any table of `TABLES`. As many transactions as the engine makes, nothing read, nothing
decided, nothing encoded but by the driver. The tables end up exactly as the engine leaves them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from benchmarks.contestants import ours
from benchmarks.contestants._raw_drivers import PostgreSQL, SQLite, open_driver
from benchmarks.figures import Size
from benchmarks.journey import NOW, WAVES
from benchmarks.world import World, new_world
from engine.runner import BATCH
from store.columns import metadata
from store.database import Database, in_chunks
from store.ids import new_id

Row = dict[str, Any]
TABLES = ("events", "runs", "visits", "messages", "contacts", "contact_tags")
MADE = ("runs", "messages")  # their ids are made by whoever writes; the database makes the others
COUNTS = "step_counts"  # shared by all journeys: a batch adds to each counter once


class Wave(NamedTuple):
    """What the engine wrote for one contact in one wave."""

    added: dict[str, list[Row]]  # by table
    changed: dict[str, list[Row]]  # by table: what was changed, and the id
    counted: list[Row]


def journeys_per_second(url: str, size: Size) -> float:
    """Journeys in a second of the driver's time."""
    return asyncio.run(_best_round(url, size))


async def _best_round(url: str, size: Size) -> float:
    database = Database(url)
    driver = await open_driver(url)
    world = await new_world(database)
    try:
        sample = (await world.people(1))[0]
        waves = await _waves_of(world, driver, sample)
        await _carry(world, driver, waves, sample, await world.people(BATCH))
        rounds = [
            await _carry(world, driver, waves, sample, await world.people(size.journeys))
            for _ in range(size.rounds)
        ]
        return size.journeys / min(rounds)
    finally:
        await driver.close()
        await database.close()


async def _waves_of(world: World, driver: PostgreSQL | SQLite, sample: int) -> list[Wave]:
    """Let the engine carry one contact and look what it writes."""
    work = ours.in_this_process(world)
    waves = []
    for wave in WAVES:
        await world.happen(wave, [sample])
        before = {table: await _rows(driver, table, sample) for table in (*TABLES, COUNTS)}
        await work(world.now)
        after = {table: await _rows(driver, table, sample) for table in (*TABLES, COUNTS)}
        waves.append(_difference(before, after))
    await world.check([sample])
    return waves


async def _rows(
    driver: PostgreSQL | SQLite, table: str, sample: int
) -> dict[tuple[Any, ...], Row]:
    """All rows of one contact by their primary key, as the driver gives and takes them."""
    match table:
        case "visits":
            where = f"WHERE run_id IN (SELECT id FROM runs WHERE contact_id = {sample})"
        case "contacts":
            where = f"WHERE id = {sample}"
        case "step_counts":
            where = ""
        case _:
            where = f"WHERE contact_id = {sample}"
    key = [column.name for column in metadata.tables[table].primary_key.columns]
    rows = await driver.rows(f"SELECT * FROM {table} {where}")
    return {tuple(row[name] for name in key): row for row in rows}


def _difference(
    before: Mapping[str, Mapping[tuple[Any, ...], Row]],
    after: Mapping[str, Mapping[tuple[Any, ...], Row]],
) -> Wave:
    added: dict[str, list[Row]] = {}
    changed: dict[str, list[Row]] = {}
    for table in TABLES:
        assert before[table].keys() <= after[table].keys(), f"{table}: deleting is not known here"
        for key, row in after[table].items():
            was = before[table].get(key)
            if was is None:
                added.setdefault(table, []).append(row)
            elif was != row:
                news = {name: row[name] for name in row if row[name] != was[name]}
                changed.setdefault(table, []).append({"id": row["id"]} | news)
    counted = [
        row | {"n": row["n"] - before[COUNTS].get(key, {"n": 0})["n"]}
        for key, row in after[COUNTS].items()
        if row != before[COUNTS].get(key)
    ]
    return Wave(added, changed, counted)


async def _carry(
    world: World,
    driver: PostgreSQL | SQLite,
    waves: Sequence[Wave],
    sample: int,
    people: Sequence[int],
) -> float:
    """Write the rows of all these journeys; the seconds that the driver needed."""
    spent = 0.0
    ids = {one: {sample: one} for one in people}
    for name, wave in zip(WAVES, waves, strict=True):
        await world.happen(name, people)
        events = await _unhandled(world)
        for chunk in in_chunks(people, BATCH):
            batch = _batch(wave, {one: ids[one] for one in chunk}, sample, events)
            began = time.perf_counter()
            await driver.write(*batch)
            spent += time.perf_counter() - began
    await world.check(people)
    return spent


async def _unhandled(world: World) -> dict[int, int]:
    query = "SELECT contact_id, id FROM events WHERE handled_at IS NULL"
    async with world.database.read() as tx:
        return {contact_id: event_id for contact_id, event_id in await tx.execute(sa.text(query))}


def _batch(
    wave: Wave, ids: dict[int, dict[int, int]], sample: int, events: Mapping[int, int]
) -> tuple[dict[str, list[Row]], dict[str, list[Row]], list[Row]]:
    """The wave's rows for many contacts: their own ids for those of the sample."""
    for mine in ids.values():
        for table in MADE:
            for row in wave.added.get(table, ()):
                mine[row["id"]] = new_id(NOW)
    added = {
        table: [_mine(table, row, mine) for mine in ids.values() for row in rows]
        for table, rows in wave.added.items()
    }
    changed = {
        table: [
            {**_mine("", row, mine), **({"id": events[mine[sample]]} if table == "events" else {})}
            for mine in ids.values()
            for row in rows
        ]
        for table, rows in wave.changed.items()
    }
    counted = [row | {"n": row["n"] * len(ids)} for row in wave.counted]
    return added, changed, counted


def _mine(table: str, row: Row, ids: Mapping[int, int]) -> Row:
    """A row of the sample with another's ids, also inside JSON; ids the database makes left out."""
    words = {str(old): str(new) for old, new in ids.items() if old > 1 << 40}
    mine = {}
    for name, value in row.items():
        if name == "id" and table and table not in MADE:
            continue
        if name == "id" or name.endswith("_id"):
            value = ids.get(value, value)
        elif isinstance(value, str):
            for old, new in words.items():
                value = value.replace(old, new)
        mine[name] = value
    return mine
