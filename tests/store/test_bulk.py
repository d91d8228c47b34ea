"""Bulk writing keeps what the columns promise, on both databases, and fails like SQLAlchemy."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from store import bulk
from store.contacts import contact_tags, contacts
from store.database import Database, is_about_data
from store.events import events
from store.messages import messages
from store.phones import phone_days
from store.runs import runs
from store.visits import step_counts, visits

pytestmark = pytest.mark.anyio
VISIT = ("company_id", "run_id", "automation_id", "step", "kind", "at", "did", "exit", "data")
EVENT = ("company_id", "contact_id", "kind", "data", "source_id", "at", "created_at")


class Line(Struct):
    company_id: int
    run_id: int
    automation_id: int
    step: str
    kind: str
    at: datetime
    did: str
    exit: str | None
    data: Any


def line(now: datetime, **more: Any) -> Line:
    values: dict[str, Any] = {"at": now, "did": "left", "exit": None, "data": {}} | more
    return Line(1, 2, 3, "step", "tag", **values)


async def kept(tx: AsyncConnection, table: sa.Table) -> list[Any]:
    return list((await tx.execute(sa.select(table).order_by(*table.primary_key.columns))).all())


async def test_rows_are_kept_with_what_is_not_named(db: Database, now: datetime) -> None:
    elsewhere = datetime(2026, 3, 2, 12, 30, 0, 123456, timezone(timedelta(hours=5, minutes=30)))
    async with db.write() as tx:
        await bulk.insert_all(tx, visits, [line(now), line(elsewhere, exit="done", data={"a": 1})])
        first, second = await kept(tx, visits)
    assert first.at == now
    assert first.at.tzinfo is UTC
    assert (first.exit, first.why, first.seq, first.data) == (None, "", 0, {})
    assert second.at == elsewhere
    assert (second.exit, second.data) == ("done", {"a": 1})
    async with db.read() as tx:  # SQLAlchemy's own comparison finds what went round it
        late = await tx.execute(sa.select(visits.c.id).where(visits.c.at < now))
        assert list(late.scalars()) == [second.id]


async def test_nobody_is_no_statement(db: Database) -> None:
    async with db.write() as tx:
        await bulk.insert(tx, visits, VISIT, [])
        await bulk.insert_all(tx, visits, [])
        await bulk.update(tx, runs, ("id", "reason"), [])
        await bulk.update_all(tx, runs, [])
        await bulk.delete(tx, contact_tags, ("contact_id", "tag"), [])
        await bulk.add_up(tx, step_counts, ("automation_id", "step", "name"), "n", [])
        await bulk.insert_new(tx, contact_tags, ("contact_id", "tag"), [], ("contact_id", "tag"))
        assert await bulk.insert_new_ids(tx, events, EVENT, [], ("company_id", "source_id")) == []


async def test_it_takes_what_the_world_sends(db: Database, now: datetime) -> None:
    odd = {"nul": "a\0b", "half": "x\ud800y", "huge": 2**70, "k\0ey": [1.5, None], "at": now}
    rows = [line(now, exit="na\0me \ud83dx", data=odd), line(now, exit="é “q” 🎉", data=line(now))]
    async with db.write() as tx:
        await bulk.insert_all(tx, visits, rows)
        first, second = await kept(tx, visits)
    assert first.exit == "name x"
    assert first.data == {
        "nul": "ab",
        "half": "xy",
        "huge": str(2**70),
        "key": [1.5, None],
        "at": "2026-03-02T10:00:00Z",
    }
    assert second.exit == "é “q” 🎉"
    assert second.data["step"] == "step"


async def test_nothing_in_a_json_column_is_null(db: Database, company: int, now: datetime) -> None:
    names = ("company_id", "name", "fields", "created_at", "updated_at", "blocked_at")
    async with db.write() as tx:
        await bulk.insert(tx, contacts, names, [(company, "A", {}, now, now, None)])
        [row] = await kept(tx, contacts)
        assert (row.fields, row.blocked_at, row.last_phone_id) == ({}, None, None)
    with pytest.raises(IntegrityError) as refused:
        async with db.write() as tx:
            await bulk.insert(tx, contacts, names, [(company, "A", None, now, now, None)])
    assert is_about_data(refused.value)


async def test_ten_thousand_rows(db: Database, now: datetime) -> None:
    rows = [line(now, exit=str(number)) for number in range(10_000)]
    async with db.write() as tx:
        await bulk.insert_all(tx, visits, rows)
        found = await kept(tx, visits)
        assert [row.exit for row in found] == [row.exit for row in rows]
        await bulk.update(tx, visits, ("id", "why", "data"), [(row.id, "w", [1]) for row in found])
        changed = await kept(tx, visits)
        assert {(row.why, *row.data) for row in changed} == {("w", 1)}
        await bulk.delete(tx, visits, ("id", "exit"), [(row.id, row.exit) for row in found[1:]])
        assert len(await kept(tx, visits)) == 1


async def test_the_first_of_two_alike_stays(db: Database, company: int, now: datetime) -> None:
    def told(source: str | None, kind: str) -> tuple[Any, ...]:
        return (company, 1, kind, {}, source, now, now)

    unique = ("company_id", "source_id")
    rows = [told("a", "first"), told("b", "b"), told("a", "second"), told(None, "x")]
    async with db.write() as tx:
        new = await bulk.insert_new_ids(tx, events, EVENT, rows, unique)
        assert [row.id for row in await kept(tx, events)] == new
        assert [row.kind for row in await kept(tx, events)] == ["first", "b", "x"]
        again = await bulk.insert_new_ids(tx, events, EVENT, [*rows, told("c", "c")], unique)
        assert [row.kind for row in await kept(tx, events) if row.id in again] == ["x", "c"]
        tags = [(1, one, "vip", now) for one in await _people(tx, company, now)]
        names = ("company_id", "contact_id", "tag", "at")
        for _ in range(2):
            await bulk.insert_new(tx, contact_tags, names, tags, ("contact_id", "tag"))
        assert len(await kept(tx, contact_tags)) == 2


async def _people(tx: AsyncConnection, company: int, now: datetime) -> list[int]:
    names = ("company_id", "created_at", "updated_at")
    await bulk.insert(tx, contacts, names, [(company, now, now)] * 2)
    return [row.id for row in await kept(tx, contacts)]


async def test_counters_add_up_from_all_sides(db: Database) -> None:
    keys = ("automation_id", "step", "name")

    async def count(*rows: tuple[int, str, str, int]) -> None:
        async with db.write() as tx:
            await bulk.add_up(tx, step_counts, keys, "n", rows)

    one, other = (1, "a", "done", 2), (1, "b", "done", 3)
    await asyncio.gather(
        *(count(one, other) if turn % 2 else count(other, one) for turn in range(10))
    )
    async with db.read() as tx:
        assert [row.n for row in await kept(tx, step_counts)] == [20, 30]


@pytest.mark.parametrize(
    ("values", "about_data"),
    [
        ({"exit": None, "did": None}, IntegrityError),
        ({"at": datetime(2026, 3, 2)}, ValueError),  # noqa: DTZ001
        ({"data": object()}, TypeError),
        ({"exit": 5}, TypeError),
    ],
)
async def test_what_is_wrong_with_rows_is_about_data(
    db: Database, now: datetime, values: dict[str, Any], about_data: type[Exception]
) -> None:
    with pytest.raises(about_data) as refused:
        async with db.write() as tx:
            await bulk.insert_all(tx, visits, [line(now), line(**{"now": now} | values)])
    assert is_about_data(refused.value)
    async with db.write() as tx:  # the connection is as good as before
        assert await kept(tx, visits) == []


async def test_numbers_that_do_not_fit_are_about_data(db: Database, now: datetime) -> None:
    rows = [line(now), line(now)]
    rows[1].run_id = 2**70
    with pytest.raises((DBAPIError, OverflowError)) as refused:
        async with db.write() as tx:
            await bulk.insert_all(tx, visits, rows)
    assert is_about_data(refused.value)
    with pytest.raises((DBAPIError, OverflowError)) as refused:
        async with db.write() as tx:
            await bulk.update(tx, visits, ("id", "run_id"), [(1, 2**70)])
    assert is_about_data(refused.value)


async def test_a_broken_rule_says_which_error_the_driver_had(db: Database, now: datetime) -> None:
    counted = [(1, "a", "done", 1)]
    names = ("automation_id", "step", "name", "n")
    with pytest.raises(IntegrityError) as refused:
        async with db.write() as tx:
            await bulk.insert(tx, step_counts, names, counted * 2)
    assert refused.value.orig is not None
    assert is_about_data(refused.value)


@pytest.mark.postgres
async def test_a_lost_connection_is_not_about_data(postgres_url: str, now: datetime) -> None:
    db = Database(postgres_url)

    async def cut() -> None:
        async with db.write() as tx:
            own = (await tx.execute(sa.text("SELECT pg_backend_pid()"))).scalar_one()
            async with db.write() as other:
                await other.execute(sa.text(f"SELECT pg_terminate_backend({own})"))
            await bulk.insert_all(tx, visits, [line(now)])

    with pytest.raises(DBAPIError) as lost:
        await cut()
    assert not is_about_data(lost.value)
    async with db.write() as tx:  # the pool gives another one
        await bulk.insert_all(tx, visits, [line(now)])
    await db.close()


async def test_nothing_is_kept_of_what_is_rolled_back(db: Database, now: datetime) -> None:
    """Also when the driver is spoken to before SQLAlchemy has said anything."""

    async def fail() -> None:
        async with db.write() as tx:
            await bulk.insert_all(tx, visits, [line(now)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with db.read() as tx:
        assert await kept(tx, visits) == []


def test_every_table_written_in_bulk_has_a_rule_for_all_its_columns() -> None:
    for table in (runs, visits, messages, events, contacts, contact_tags, step_counts):
        for dialect in ("sqlite", "postgresql"):
            bulk._rules(table, tuple(table.c.keys()), dialect)
            bulk._defaults(table, ())
    with pytest.raises(TypeError, match="has no rule"):
        bulk._rules(phone_days, tuple(phone_days.c.keys()), "sqlite")
