"""Numbers of results cost the same however many runs there ever were: every part is an index."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from store import automations, companies, passages, step_days
from store.database import Database
from store.migrate import MIGRATIONS, migrate
from store.passages import NUMBERS, Asked
from store.results import Span, results

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
TODAY = step_days.day_of(NOW, "UTC")


async def plans(database: Database, ask: Any) -> list[str]:
    asked = list[tuple[str, Any]]()

    @sa.event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def listen(_db: Any, _cursor: Any, sql: str, given: Any, _context: Any, _many: Any) -> None:
        asked.append((sql, given))

    async with database.read() as tx:
        await ask(tx)
        sa.event.remove(database.engine.sync_engine, "before_cursor_execute", listen)
        return [
            str(line.detail)
            for sql, given in asked
            if sql.lstrip().startswith("SELECT")
            for line in await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given)
        ]


@pytest.mark.anyio
async def test_all_numbers_are_two_looks_into_indexes(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    for span in (Span(), Span(first=1, last=9), Span(revision_id=3), Span(1, None, 3, newer=True)):
        found = await plans(database, lambda tx, span=span: results(tx, 7, span))
        looks = [one for one in found if one.startswith(("SEARCH", "SCAN"))]
        assert len(looks) == 2
        assert "COVERING INDEX ix_runs_inside (automation_id=?" in looks[0]
        assert "step_days USING" in looks[1]
        assert "(automation_id=?" in looks[1]
        assert not any(one.startswith("SCAN") for one in looks)
    await database.close()


@pytest.mark.anyio
@pytest.mark.parametrize("of", NUMBERS)
async def test_a_page_of_contacts_begins_at_its_step(sqlite_url: str, of: Any) -> None:
    database = Database(sqlite_url)
    asked = Asked(7, "reply", of, since=NOW, until=NOW)
    for before in (None, 12):
        found = await plans(
            database, lambda tx, before=before: passages.page(tx, 1, asked, before=before)
        )
        first = next(one for one in found if one.startswith(("SEARCH", "SCAN")))
        inside = "ix_runs_inside (automation_id=? AND step=?"
        gone = "ix_visits_gone (automation_id=? AND step=? AND at"
        assert (inside if of in ("here", "unconfirmed") else gone) in first, found
        assert not any(one.startswith("SCAN") for one in found if "SCALAR" not in one), found
    await database.close()


@pytest.mark.anyio
async def test_counters_add_up_and_take_back(database_url: str) -> None:
    database = Database(database_url)
    key: step_days.Key = (7, TODAY, 1, "send", "message", "unconfirmed")
    other: step_days.Key = (7, TODAY, 1, "send", "message", "sent")
    async with database.write() as tx:
        await step_days.count(tx, {key: 2, other: 1})
        await step_days.count(tx, {key: -2, other: 1})
        await step_days.count(tx, {})
        found = await results(tx, 7, Span())
        assert found.of("send").messages == {"sent": 2}
        assert not (await results(tx, 8, Span())).steps
    await database.close()


@pytest.mark.anyio
async def test_what_happened_before_is_counted_when_the_table_is_made(
    empty_database_url: str,
) -> None:
    await migrate(empty_database_url)
    database = Database(empty_database_url)
    async with database.write() as tx:
        company = await companies.create(tx, "Blue Mugs", now=NOW)
        made = await automations.create(tx, company, {"name": "Old"}, NOW)
        await tx.execute(sa.text("DROP TABLE step_days"))
        await tx.execute(sa.text("DROP INDEX ix_runs_inside"))
        await tx.execute(sa.text("DROP INDEX ix_visits_gone"))
        await tx.execute(sa.text("UPDATE alembic_version SET version_num = '0008'"))
        await _old_run(tx, company, made)
    await database.close()
    await asyncio.to_thread(lambda: asyncio.run(_upgrade(empty_database_url)))
    database = Database(empty_database_url)
    async with database.read() as tx:
        found = await results(tx, made, Span(first=TODAY, last=TODAY))
    await database.close()
    assert (found.started, found.finished, found.goals) == (1, 1, {"sold": 1})
    assert found.of("send").exits == {"sent": 1}
    assert found.of("send").messages == {"sent": 1, "delivered": 1}
    assert found.of("end").ended == {"done": 1}


async def _old_run(tx: Any, company: int, automation: int) -> None:
    from store.messages import messages
    from store.runs import runs
    from store.visits import visits

    run: dict[str, Any] = {
        "id": 9,
        "company_id": company,
        "automation_id": automation,
        "revision_id": 4,
    }
    run |= {"contact_id": 5, "status": "done", "step": "end", "state": {"goal": "sold"}}
    await tx.execute(sa.insert(runs).values(**run, started_at=NOW, ended_at=NOW))
    line: dict[str, Any] = {
        "company_id": company,
        "run_id": 9,
        "automation_id": automation,
        "at": NOW,
    }
    await tx.execute(
        sa.insert(visits),
        [
            line | {"step": "send", "kind": "send_message", "did": "waits", "exit": None},
            line | {"step": "send", "kind": "send_message", "did": "left", "exit": "sent"},
            line | {"step": "end", "kind": "end", "did": "left", "exit": None},
        ],
    )
    sent: dict[str, Any] = {
        "company_id": company,
        "contact_id": 5,
        "run_id": 9,
        "automation_id": automation,
    }
    sent |= {"step": "send", "direction": "out", "state": "delivered", "kind": "text"}
    sent |= {"content": {}, "source": "automation", "created_at": NOW}
    await tx.execute(sa.insert(messages).values(**sent, id=8, sent_at=NOW, delivered_at=NOW))


async def _upgrade(url: str) -> None:
    database = Database(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))

    def upgrade(connection: sa.Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with database.write() as tx:
        await tx.run_sync(upgrade)
    await database.close()
