"""Folders, and finding automations by what starts them, on both databases."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from store import automations, companies, folders
from store.automation_tables import automations as table
from store.database import Database
from store.errors import InvalidError, NotFoundError
from store.starts import starts_by

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


async def made(db: Database, *documents: Any) -> tuple[int, list[int]]:
    async with db.write() as tx:
        company = await companies.create(tx, "A", now=NOW)
        return company, [await automations.create(tx, company, one, NOW) for one in documents]


async def test_a_folder_lives_as_long_as_something_is_in_it(db: Database) -> None:
    company, (first, second) = await made(db, {"name": "One"}, {"name": "Two"})
    async with db.write() as tx:
        await folders.put_in(tx, company, first, "  Shop   news ", NOW)
        await folders.put_in(tx, company, second, "abc", NOW)
        assert await folders.of_company(tx, company) == ["abc", "Shop news"]
        await folders.put_in(tx, company, second, "", NOW)
        assert await folders.of_company(tx, company) == ["Shop news"]
        await automations.archive(tx, company, first, NOW)
        assert await folders.of_company(tx, company) == []


async def test_what_is_refused(db: Database) -> None:
    company, (first,) = await made(db, {"name": "One"})
    async with db.write() as tx:
        with pytest.raises(InvalidError):
            await folders.put_in(tx, company, first, "x" * 61, NOW)
        with pytest.raises(NotFoundError):
            await folders.put_in(tx, company + 1, first, "x", NOW)


async def test_names_taken_are_those_that_begin_so(db: Database) -> None:
    company, _ = await made(db, {"name": "New automation"}, {"name": "New automation 2"}, {})
    async with db.read() as tx:
        found = await folders.names_taken(tx, company, "New automation")
    assert found == {"New automation", "New automation 2"}


async def test_found_by_the_kind_that_starts_them(db: Database) -> None:
    shop = {"triggers": {"a": {"type": "api"}, "b": {"type": "shop", "on": "order.created"}}}
    hook = {"triggers": {}, "steps": {"x": {"type": "webhook"}}}
    odd: list[Any] = [{"triggers": 7}, {"triggers": ["shop"]}, {"triggers": {"a": "shop"}}, {}]
    company, ids = await made(db, shop, hook, *odd)
    async with db.read() as tx:
        for kind, wanted in (("shop", [ids[0]]), ("api", [ids[0]]), ("webhook", [])):
            query = sa.select(table.c.id).where(
                table.c.company_id == company, starts_by(table.c.draft, kind)
            )
            assert list((await tx.execute(query)).scalars()) == wanted, kind
