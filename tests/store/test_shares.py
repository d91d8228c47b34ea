"""Who shares a line is found without reading the line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from store import queue
from store.database import Database

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)


@pytest.mark.anyio
async def test_every_part_of_the_question_goes_straight_to_its_automation(sqlite_url: str) -> None:
    database, asked = Database(sqlite_url), list[tuple[str, Any]]()

    @sa.event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def listen(_db: Any, _cursor: Any, sql: str, given: Any, _context: Any, _many: Any) -> None:
        asked.append((sql, given))

    async with database.write() as tx:
        await queue.shares(tx, 1, 2, NOW)
        plans = [
            line.detail
            for sql, given in [one for one in asked if "FROM messages" in one[0]]
            for line in await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given)
            if " messages " in line.detail
        ]
    await database.close()
    assert len(plans) == 4
    assert all("INDEX ix_messages_shares" in one for one in plans), plans
    assert sum("automation_id=?" in one for one in plans) == 2  # one automation's, and nobody's
