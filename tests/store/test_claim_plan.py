"""A claim takes the first messages of its line, and does not read and sort the line for them."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from benchmarks import outbox
from store import queue
from store.database import Database

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
QUEUED = 3_000  # enough for PostgreSQL to choose by what it counted


@pytest.mark.anyio
async def test_postgresql_walks_the_line_in_its_order(postgres_url: str) -> None:
    database = Database(postgres_url)
    async with database.write() as tx:
        company = await outbox.company(tx, "Measured")
        await outbox.people(tx, company, 1, QUEUED)
        ids = range(QUEUED)
        await outbox.queue(tx, company, ids, range(1, QUEUED + 1), run_id=1, automation_id=1)
    async with database.write() as tx:
        await tx.execute(sa.text("ANALYZE"))
    statement = queue._due(queue.EVERYBODY, False)._statement.params(
        priority=2, company=company, now=NOW, room=100
    )
    dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    text = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    raw = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    plan = "\n".join(row[0] for row in await raw.fetch(f"EXPLAIN {text}"))
    await raw.close()
    await database.close()
    assert "using ix_messages_queued on messages" in plan, plan
    assert "Sort" not in plan, plan
