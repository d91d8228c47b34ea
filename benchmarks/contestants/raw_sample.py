"""What the engine writes for one contact, wave by wave, and how it becomes another contact's.

One real journey is carried by the engine; what it added or changed in any table of `TABLES` is
kept as the driver gives it and takes it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from benchmarks.contestants import ours
from benchmarks.contestants.raw_drivers import Driver, Row, Rows
from benchmarks.words import WAVES
from benchmarks.world import World
from store.columns import metadata

TABLES = ("events", "runs", "visits", "messages", "contacts", "contact_tags")
MADE = ("runs", "messages")  # their ids are made by whoever writes; the database makes the others
COUNTS = "step_counts"  # shared by all journeys: a batch adds to each counter once
Kept = dict[tuple[Any, ...], Row]  # by primary key


class Wave(NamedTuple):
    """What the engine wrote for one contact in one wave. Of a changed row: its id and the news."""

    added: Rows
    changed: Rows
    counted: list[Row]

    def made(self) -> list[int]:
        """The ids that were made for it."""
        return [row["id"] for table in MADE for row in self.added.get(table, ())]


class Journey:
    """One contact to carry, and the ids of their own that stand for those of the sample."""

    def __init__(self, contact_id: int) -> None:
        self.contact_id = contact_id
        self.ids: dict[int, int] = {}


class Copy:
    """A row of the sample that is made another's: the contact, ids, and JSON that speaks of ids."""

    def __init__(self, table: str, row: Row, made: Collection[int]) -> None:
        self.row = row
        self.contact = "id" if table == "contacts" else "contact_id"
        self.ids = [name for name, value in row.items() if value in made]
        self.words = [
            (name, one)
            for name, value in row.items()
            if isinstance(value, str)
            for one in made
            if str(one) in value
        ]

    def of(self, journey: Journey) -> Row:
        """The row of this journey."""
        row = self.row.copy()
        if self.contact in row:
            row[self.contact] = journey.contact_id
        for name in self.ids:
            row[name] = journey.ids[row[name]]
        for name, one in self.words:
            row[name] = row[name].replace(str(one), str(journey.ids[one]))
        return row


async def waves_of(world: World, driver: Driver, sample: int) -> list[Wave]:
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


async def _rows(driver: Driver, table: str, sample: int) -> Kept:
    """All rows of one contact."""
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


def _difference(before: Mapping[str, Kept], after: Mapping[str, Kept]) -> Wave:
    added: Rows = {}
    changed: Rows = {}
    for table in TABLES:
        was = before[table]
        assert was.keys() <= after[table].keys(), f"{table}: a deleted row is not known here"
        for key, row in after[table].items():
            if key not in was:
                given = () if table in MADE else ("id",)
                new = {name: value for name, value in row.items() if name not in given}
                added.setdefault(table, []).append(new)
            elif row != was[key]:
                news = {name: value for name, value in row.items() if value != was[key][name]}
                changed.setdefault(table, []).append({"id": row["id"]} | news)
    was = before[COUNTS]
    counted = [
        row | {"n": row["n"] - was.get(key, {"n": 0})["n"]}
        for key, row in after[COUNTS].items()
        if row != was.get(key)
    ]
    return Wave(added, changed, counted)
