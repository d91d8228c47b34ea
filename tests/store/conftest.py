"""What the tests of the memory share: an open database, a company, a moment."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from store import companies
from store.database import Database

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture
async def db(database_url: str, anyio_backend: str) -> AsyncIterator[Database]:
    """A fresh database, on SQLite and on PostgreSQL."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def company(db: Database) -> int:
    async with db.write() as tx:
        return await companies.create(tx, "Blue Mugs", now=NOW)


@pytest.fixture
def now() -> datetime:
    return NOW
