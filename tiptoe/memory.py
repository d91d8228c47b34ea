"""The database as the commands that change a row or two open it.

Rule: a command never makes or migrates a database by the way; what is missing is told in words.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from asyncpg import PostgresError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from store import companies
from store.database import Database
from store.errors import StoreError
from store.migrate import head, revision_of
from tiptoe.clock import clock_from
from tiptoe.errors import MistakeError
from tiptoe.settings import Settings

T = TypeVar("T")


class NotPossibleError(MistakeError):
    """The database refuses; the message says what to do."""


def change(settings: Settings, work: Callable[[AsyncConnection, datetime], Awaitable[T]]) -> T:
    """Do `work(transaction, now)` in one write transaction and return what it returns.

    Raises NotPossibleError when the database is away, not of this version, or refuses a value.
    """

    async def _change() -> T:
        async with ready_database(settings) as database, database.write() as tx:
            return await work(tx, clock_from(settings.clock)())

    try:
        return asyncio.run(_change())
    except StoreError as problem:
        raise NotPossibleError(_sentence(str(problem))) from problem
    except (OSError, SQLAlchemyError, PostgresError) as problem:
        raise NotPossibleError(
            f"The database cannot be used: {problem}\nDATABASE_URL says which one it is."
        ) from problem


@asynccontextmanager
async def ready_database(settings: Settings) -> AsyncIterator[Database]:
    """Give the database, whose schema is this version's. Raises NotPossibleError."""
    database = Database(settings.database_url)
    try:
        file = database.url.database if database.dialect == "sqlite" else None
        # Opening a SQLite file that is not there would make an empty one.
        there = file is None or await asyncio.to_thread(Path(file).exists)
        revision = await revision_of(database) if there else None
        if revision != head():
            found = f"is at schema {revision}" if revision else "has no tables yet"
            raise NotPossibleError(
                f"The database {found}; this version needs {head()}. Run `tiptoe migrate` first."
            )
        yield database
    finally:
        await database.close()


async def company_of(tx: AsyncConnection, wanted: int | None) -> companies.Company:
    """Return the company with this id; without one the only company there is.

    Raises NotPossibleError when it does not exist, or when one has to be chosen.
    """
    if wanted is not None:
        return await companies.get(tx, wanted)
    found = await companies.page(tx)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotPossibleError("There is no company yet. Make one: `tiptoe company create`.")
    names = ", ".join(f"{one.id} ({one.name})" for one in found)
    raise NotPossibleError(f"Say which company with --company: {names}.")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
