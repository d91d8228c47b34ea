"""Statements made ready once: what they read, and that they never read a whole table."""

import importlib
import pkgutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

import store
from store.contacts import contacts
from store.database import Database
from store.query import Query, among

pytestmark = pytest.mark.anyio
SOME = Query(
    sa.select(contacts.c.id, contacts.c.name, contacts.c.fields, contacts.c.blocked_at)
    .where(among(contacts.c.id, "some"), contacts.c.company_id == sa.bindparam("company"))
    .order_by(contacts.c.id)
)
RENAMED = Query(
    sa.update(contacts)
    .where(among(contacts.c.id, "some"))
    .values(name="Ada")
    .returning(contacts.c.id)
)


async def made(db: Database, company: int, now: datetime, count: int) -> list[int]:
    row = {"company_id": company, "created_at": now, "updated_at": now}
    rows = [
        row | {"name": f"N{number}", "fields": {"n": number}, "blocked_at": now if number else None}
        for number in range(count)
    ]
    async with db.write() as tx:
        await tx.execute(sa.insert(contacts), rows)
        return list((await tx.execute(sa.select(contacts.c.id))).scalars())


async def test_rows_come_ready(db: Database, company: int, now: datetime) -> None:
    ids = await made(db, company, now, 3)
    async with db.write() as tx:
        rows = await SOME.rows(tx, some=ids[:2], company=company)
        assert [tuple(row)[:2] for row in rows] == [(ids[0], "N0"), (ids[1], "N1")]
        assert [str(row[2]).replace(" ", "") for row in rows] == ['{"n":0}', '{"n":1}']
        assert [row[3] for row in rows] == [None, now]
        assert rows[1][3].tzinfo is UTC
        assert await SOME.column(tx, some={ids[2], 10**12}, company=company) == [ids[2]]
        assert await SOME.column(tx, some=[], company=company) == []
        assert await SOME.column(tx, some=ids, company=company + 1) == []
        assert await RENAMED.column(tx, some=ids[:1]) == ids[:1]
        [renamed] = await SOME.rows(tx, some=ids[:1], company=company)
        assert renamed[1] == "Ada"


async def test_more_ids_than_a_statement_has_room_for(
    db: Database, company: int, now: datetime
) -> None:
    ids = await made(db, company, now, 5)
    async with db.read() as tx:
        many = [*range(10**6, 10**6 + 50_000), *ids]
        assert await SOME.column(tx, some=many, company=company) == ids


async def test_a_value_that_is_missing_is_a_fault(db: Database, company: int) -> None:
    async with db.read() as tx:
        with pytest.raises(KeyError):
            await SOME.rows(tx, company=company)


def queries() -> list[tuple[str, Any]]:
    found = []
    for module in pkgutil.iter_modules(store.__path__):
        if not module.ispkg:
            named = vars(importlib.import_module(f"store.{module.name}")).items()
            found += [(f"{module.name}.{name}", one) for name, one in named if type(one) is Query]
    return found


@pytest.mark.parametrize(
    "query", [one for _, one in queries()], ids=[name for name, _ in queries()]
)
def test_no_query_reads_a_whole_table(query: Any, sqlite_template: Path) -> None:
    """Each has its index, however large the tables grow."""
    text = str(query._statement.compile(dialect=sqlite.dialect()))
    with sqlite3.connect(sqlite_template) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {text}", ("[1]",) * text.count("?"))
        steps = [row[3] for row in plan]
    waits = ("ix_events_line", "ix_events_unanswered")  # they hold nothing else
    few = ("SCAN lines", "SCAN companies")  # three priorities of each company, by intent
    ours = ("json_each", "VIRTUAL TABLE", "anon_", "(subquery", "CONSTANT ROW", *waits, *few)
    whole = [step for step in steps if "SCAN" in step and not any(one in step for one in ours)]
    assert not whole, steps
