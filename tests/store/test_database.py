"""The two doors of the database, and what goes through its columns."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.exc import StatementError

from store import companies
from store.columns import encode_json
from store.contacts import contacts
from store.database import Database, async_url
from store.ids import first_id_at, new_id

pytestmark = pytest.mark.anyio


class Thing(Struct):
    text: str
    at: datetime


async def kept(db: Database, company: int, now: datetime, **values: Any) -> sa.Row[Any]:
    row = {"company_id": company, "created_at": now, "updated_at": now} | values
    async with db.write() as tx:
        made = await tx.execute(sa.insert(contacts).values(row).returning(contacts.c.id))
        contact_id = made.scalar_one()
    async with db.read() as tx:
        return (await tx.execute(sa.select(contacts).where(contacts.c.id == contact_id))).one()


async def test_a_write_is_kept_and_a_fault_undoes_it(db: Database, now: datetime) -> None:
    async with db.write() as tx:
        first = await companies.create(tx, "Kept", now=now)

    async def fail() -> None:
        async with db.write() as tx:
            await companies.create(tx, "Lost", now=now)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with db.read() as tx:
        assert [one.id for one in await companies.page(tx)] == [first]


async def test_what_is_only_read_is_never_kept(db: Database, now: datetime) -> None:
    async with db.read() as tx:
        try:
            await companies.create(tx, "Lost", now=now)
        except sa.exc.DBAPIError:
            assert db.dialect == "postgresql"
    async with db.read() as tx:
        assert await companies.page(tx) == []


async def test_writers_take_turns(db: Database, company: int) -> None:
    async def rename() -> None:
        async with db.write() as tx:
            name = (await companies.get(tx, company)).name
            await asyncio.sleep(0)
            await companies.change(tx, company, name=name + "!")

    if db.dialect == "sqlite":  # PostgreSQL lets them meet; there, rows are locked where it matters
        await asyncio.gather(*(rename() for _ in range(10)))
        async with db.read() as tx:
            assert (await companies.get(tx, company)).name == "Blue Mugs" + "!" * 10


async def test_moments_come_back_as_aware_utc(db: Database, company: int, now: datetime) -> None:
    elsewhere = datetime(2026, 3, 2, 12, 30, 0, 123456, timezone(timedelta(hours=5, minutes=30)))
    row = await kept(db, company, now, blocked_at=elsewhere)
    assert row.blocked_at == elsewhere
    assert row.blocked_at.tzinfo is UTC
    with pytest.raises(StatementError, match="has no time zone"):
        await kept(db, company, now, blocked_at=datetime(2026, 3, 2))  # noqa: DTZ001


async def test_moments_sort_and_compare(db: Database, company: int, now: datetime) -> None:
    for minutes in (60, 0, 30):
        await kept(db, company, now, blocked_at=now + timedelta(minutes=minutes))
    async with db.read() as tx:
        query = sa.select(contacts.c.blocked_at).order_by(contacts.c.blocked_at)
        late = query.where(contacts.c.blocked_at >= now + timedelta(minutes=30))
        found = list((await tx.execute(late)).scalars())
    assert found == [now + timedelta(minutes=30), now + timedelta(minutes=60)]


async def test_json_takes_what_the_world_sends(db: Database, company: int, now: datetime) -> None:
    odd = {
        "nul": "a\0b",
        "half": "x\ud800y",
        "huge": 2**70,
        "struct": Thing("é", now),
        "set": {"one"},
        "k\0ey": [1.5, None, True, -(2**63)],
    }
    row = await kept(db, company, now, fields=odd, name="na\0me \ud83dx")
    assert row.fields == {
        "nul": "ab",
        "half": "xy",
        "huge": str(2**70),
        "struct": {"text": "é", "at": "2026-03-02T10:00:00Z"},
        "set": ["one"],
        "key": [1.5, None, True, -(2**63)],
    }
    assert row.name == "name x"


def test_a_backslash_is_not_a_nul() -> None:
    assert encode_json({"path": "C:\\u0000"}) == '{"path":"C:\\\\u0000"}'


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="sqlite:///"):
        async_url(url)


def test_ids_grow_and_fit_into_63_bits(now: datetime) -> None:
    ids = [new_id(now) for _ in range(1000)] + [new_id(now - timedelta(days=900))]
    ids += [new_id(now + timedelta(days=365 * 60))]
    assert ids == sorted(set(ids))
    assert ids[-1] < 2**63
    assert first_id_at(now) <= ids[0]
    assert first_id_at(datetime(1999, 1, 1, tzinfo=UTC)) == 0
