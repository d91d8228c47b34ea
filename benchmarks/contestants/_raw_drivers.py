"""asyncpg and sqlite3 writing prepared rows as fast as they can: COPY and unnest, executemany."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import asyncpg

from benchmarks.places import path_of, plain

Row = dict[str, Any]
COUNT = (
    "INSERT INTO step_counts (automation_id, step, name, n) VALUES ({}) "
    "ON CONFLICT (automation_id, step, name) DO UPDATE SET n = step_counts.n + excluded.n"
)


class PostgreSQL:
    """One asyncpg connection."""

    def __init__(self, connection: Any, types: dict[tuple[str, str], str]) -> None:
        self.connection = connection
        self.types = types

    async def rows(self, query: str) -> list[Row]:
        """The rows of a query as the driver has them."""
        return [dict(row) for row in await self.connection.fetch(query)]

    async def write(
        self, added: dict[str, list[Row]], changed: dict[str, list[Row]], counted: list[Row]
    ) -> float:
        """Write it all in one transaction."""
        async with self.connection.transaction():
            for table, rows in changed.items():
                await self._update(table, rows)
            for table, rows in added.items():
                await self.connection.copy_records_to_table(
                    table, records=[tuple(row.values()) for row in rows], columns=list(rows[0])
                )
            await self.connection.executemany(COUNT.format("$1, $2, $3, $4"), counted)

    async def _update(self, table: str, rows: Sequence[Row]) -> None:
        names = list(rows[0])
