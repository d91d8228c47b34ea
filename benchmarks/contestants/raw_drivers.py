"""asyncpg and sqlite3 writing prepared rows as fast as they can: COPY and unnest, executemany."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import asyncpg

from benchmarks.places import path_of, plain

Row = dict[str, Any]
Rows = dict[str, list[Row]]  # by table, all of a table with the same columns
COUNT = (
    "INSERT INTO step_counts (automation_id, step, name, n) VALUES ({}) "
    "ON CONFLICT (automation_id, step, name) DO UPDATE SET n = step_counts.n + excluded.n"
)
COUNTERS = ("automation_id", "step", "name", "n")
TYPES = (
    "SELECT attrelid::regclass::text, attname::text, format_type(atttypid, NULL) "
    "FROM pg_attribute WHERE attnum > 0 AND attrelid::regclass::text = $1"
)


Transaction = Callable[[], Awaitable[None]]


class Driver(ABC):
    """One connection of a driver, without anything of ours in between."""

    @abstractmethod
    async def rows(self, query: str) -> list[Row]:
        """The rows of a query as the driver has them."""

    @abstractmethod
    async def learn(self, tables: Sequence[str]) -> None:
        """Find out what has to be known about these tables."""

    @abstractmethod
    def prepare(self, added: Rows, changed: Rows, counted: list[Row]) -> Transaction:
        """One transaction with everything it needs; calling it writes all of it."""

    @abstractmethod
    async def close(self) -> None:
        """Hang up."""


async def open_driver(url: str) -> Driver:
    """A connection of the driver itself, set up as ours are."""
    if url.startswith("sqlite"):
        return SQLite(url)
    return PostgreSQL(await asyncpg.connect(plain(url)))


class PostgreSQL(Driver):
    """asyncpg: COPY for new rows, unnest for changed ones."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.types: dict[tuple[str, str], str] = {}

    async def rows(self, query: str) -> list[Row]:
        return [dict(row) for row in await self.connection.fetch(query)]

    async def learn(self, tables: Sequence[str]) -> None:
        for table in tables:  # `unnest` has to be told the types
            for _, column, kind in await self.connection.fetch(TYPES, table):
                self.types[table, column] = kind

    def prepare(self, added: Rows, changed: Rows, counted: list[Row]) -> Transaction:
        work: list[Callable[[], Awaitable[object]]] = []
        for table, rows in changed.items():
            columns = [list(values) for values in zip(*(row.values() for row in rows), strict=True)]
            work.append(partial(self.connection.execute, self._update(table, rows[0]), *columns))
        for table, rows in added.items():
            copy = self.connection.copy_records_to_table
            records = [tuple(row.values()) for row in rows]
            work.append(partial(copy, table, records=records, columns=list(rows[0])))
        count = COUNT.format("$1, $2, $3, $4")
        work.append(partial(self.connection.executemany, count, _counters(counted)))

        async def write() -> None:
            async with self.connection.transaction():
                for statement in work:
                    await statement()

        return write

    async def close(self) -> None:
        await self.connection.close()

    def _update(self, table: str, row: Row) -> str:
        arrays = ", ".join(
            f"${number}::{self.types[table, name]}[]" for number, name in enumerate(row, 1)
        )
        values = ", ".join(f"{name} = new.{name}" for name in row if name != "id")
        return (
            f"UPDATE {table} SET {values} FROM unnest({arrays}) AS new({', '.join(row)}) "
            f"WHERE {table}.id = new.id"
        )


class SQLite(Driver):
    """sqlite3: executemany of tuples, without a thread of its own in between."""

    def __init__(self, url: str) -> None:
        self.connection = sqlite3.connect(path_of(url), isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.execute("PRAGMA foreign_keys = ON")

    async def rows(self, query: str) -> list[Row]:
        return [dict(row) for row in self.connection.execute(query)]

    async def learn(self, tables: Sequence[str]) -> None:
        """SQLite wants to know nothing."""

    def prepare(self, added: Rows, changed: Rows, counted: list[Row]) -> Transaction:
        work: list[tuple[str, list[tuple[Any, ...]]]] = []
        for table, rows in changed.items():
            names = [name for name in rows[0] if name != "id"]
            values = ", ".join(f"{name} = ?" for name in names)
            records = [(*(row[name] for name in names), row["id"]) for row in rows]
            work.append((f"UPDATE {table} SET {values} WHERE id = ?", records))
        for table, rows in added.items():
            marks = ", ".join("?" * len(rows[0]))
            query = f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES ({marks})"
            work.append((query, [tuple(row.values()) for row in rows]))
        work.append((COUNT.format("?, ?, ?, ?"), _counters(counted)))

        async def write() -> None:
            self.connection.execute("BEGIN IMMEDIATE")
            for query, records in work:
                self.connection.executemany(query, records)
            self.connection.execute("COMMIT")

        return write

    async def close(self) -> None:
        self.connection.close()


def _counters(counted: list[Row]) -> list[tuple[Any, ...]]:
    return sorted(tuple(row[name] for name in COUNTERS) for row in counted)
