"""The driver beneath SQLAlchemy, asyncpg or aiosqlite, for work on many rows at once.

Rule: it speaks inside the transaction of `tx`, and its errors come out as SQLAlchemy's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

_POSTGRES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_SAID_WHEN_CLOSED = ("Connection closed", "no active connection")  # aiosqlite, as ValueError


@asynccontextmanager
async def driver(tx: AsyncConnection) -> AsyncIterator[Any]:
    """The `asyncpg.Connection` or `aiosqlite.Connection` that `tx` stands on.

    Raises SQLAlchemy's DBAPIError with the driver's own error as `orig`, as `tx` itself would.
    """
    raw: Any = (await tx.get_raw_connection()).driver_connection
    if tx.dialect.name == "postgresql" and not raw.is_in_transaction():
        await tx.exec_driver_sql("SELECT 1")  # SQLAlchemy begins with its first statement
    try:
        yield raw
    except _POSTGRES as error:
        if raw.is_closed():
            await tx.invalidate(error)
        raise _wrapped(error) from error
    except sqlite3.Error as error:
        raise _wrapped(error) from error
    except ValueError as error:
        if str(error) in _SAID_WHEN_CLOSED:
            raise OperationalError(None, None, error) from error
        raise


def _wrapped(error: Exception) -> DBAPIError:
    state = str(getattr(error, "sqlstate", "") or "")
    if isinstance(error, sqlite3.IntegrityError) or state.startswith("23"):
        return IntegrityError(None, None, error)
    if isinstance(error, sqlite3.DataError) or state.startswith("22"):
        return DataError(None, None, error)
    return OperationalError(None, None, error)
