"""Brings a database to the newest schema. Safe when several processes start at once.

Rule: whoever holds the lock migrates; the others wait, find nothing to do and go on.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from store.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x7469_7074_6F65  # PostgreSQL's advisory locks are numbers: "tiptoe" in ASCII


async def migrate(url: str) -> None:
    """Create or upgrade the tables of the database at `url`; quick when there is nothing to do.

    A SQLite file and its folder are made when missing. All or nothing: a failed migration leaves
    the schema as it was.
    """
    db = Database(url)
    try:
        if db.dialect == "sqlite" and db.url.database:
            folder = Path(db.url.database).parent
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        if await revision_of(db) == head():
            return
        async with db.write() as tx:
            if db.dialect == "postgresql":
                await tx.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            await tx.run_sync(_upgrade)
    finally:
        await db.close()


async def revision_of(db: Database) -> str | None:
    """The revision a database is at; None for one without tables of ours."""
    async with db.read() as tx:
        return await tx.run_sync(_revision)


@lru_cache(maxsize=1)
def head() -> str | None:
    """The newest revision this code knows."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def _revision(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: sa.Connection) -> None:
    if _revision(connection) == head():
        return
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
