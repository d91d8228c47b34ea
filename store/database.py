"""One database, SQLite or PostgreSQL, behind the same two doors: `read` and `write`.

Rule: whoever opens a door owns the transaction; verbs inside it never commit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from itertools import islice
from typing import Any, Literal, TypeVar, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    InterfaceError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from store.columns import decode_json, encode_json

DialectName = Literal["sqlite", "postgresql"]
BUSY_TIMEOUT_S = 30  # how long a SQLite writer waits for another process's transaction
CACHE_KB = 16_384  # of SQLite's pages, per connection; its own 2 MB hold no index of a busy house
CHECKPOINT_PAGES = 8_000  # of 4 kB: each time the disk is waited for, so not at every other batch
POOL_SIZE = 10  # connections kept per process
POOL_OVERFLOW = 10  # and this many more under load
CHUNK = 5_000  # rows per statement, far below both drivers' limit of 32 thousand parameters
DATA_STATES = ("22", "23", "54")  # SQL's classes: does not fit, breaks a constraint, is too large
NO_STATES = "sqlite"
_WRITE = "tiptoe_write"
_WAL_TRIES = 100  # SQLite does not wait when a file is turned to WAL by two processes at once
_WAL_PAUSE_S = 0.02

K = TypeVar("K", bound=msgspec.Struct)
T = TypeVar("T")


class Database:
    """A pool of connections. `url` as in SQLAlchemy; the asyncio driver is filled in.

    Raises ValueError for anything but a SQLite file or a PostgreSQL server.
    """

    reached: Callable[[str], None] = staticmethod(lambda _point: None)
    """Told of every commit, see `write`; of the class, for a process has one life."""

    def __init__(self, url: str) -> None:
        self.url = async_url(url)
        self.dialect: DialectName = cast("DialectName", self.url.get_backend_name())
        self.engine: AsyncEngine = _engine(self.url)
        # One writer at a time is SQLite's law: queueing here is fair, its busy handler is not.
        self._turn = asyncio.Lock() if self.dialect == "sqlite" else None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads (PostgreSQL refuses writes in it); nothing is kept."""
        async with self.engine.connect() as tx:
            await tx.execution_options(postgresql_readonly=True)
            yield tx

    @asynccontextmanager
    async def write(self, name: str = "") -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed at the end and rolled back when anything is raised.

        `reached` is told `<name>:before` and `<name>:after` its commit: tests let a process die
        exactly there.
        """
        async with self._turn or nullcontext(), self.engine.connect() as tx:
            await tx.execution_options(**{_WRITE: True})
            async with tx.begin():
                yield tx
                self.reached(f"{name}:before")
            self.reached(f"{name}:after")

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()


def async_url(url: str) -> URL:
    """`url` with the asyncio driver of its database filled in."""
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                message = "a SQLite database must be a file: sqlite:///path/to/tiptoe.db"
                raise ValueError(message)
            return parsed.set(drivername="sqlite+aiosqlite")
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+asyncpg")
        case other:
            message = f"database {other!r} is not supported; use sqlite:/// or postgresql://"
            raise ValueError(message)


def is_about_data(error: Exception) -> bool:
    """Whether `error` came of the values, so that doing the same again could never help.

    A lost connection, a lock, a deadlock and a schema that is not there yet are not.
    """
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", NO_STATES)
        if state is not NO_STATES:  # PostgreSQL; None is a connection that broke
            return str(state)[:2] in DATA_STATES
        return isinstance(error, IntegrityError | DataError | InterfaceError)
    if isinstance(error, StatementError):  # a value was refused before it reached the driver
        return isinstance(error.orig, OverflowError | TypeError | ValueError)
    return not isinstance(error, SQLAlchemyError | OSError | TimeoutError)


def skip_locked(tx: AsyncConnection, query: sa.Select[Any], *of: sa.Table) -> sa.Select[Any]:
    """`query` claiming its rows, leaving those another worker holds (PostgreSQL).

    SQLite has one writer, which already holds everything: there it is `query` itself.
    """
    if tx.dialect.name == "postgresql":
        return query.with_for_update(skip_locked=True, of=of or None)
    return query


def insert_into(tx: AsyncConnection, table: sa.Table) -> postgresql.Insert:
    """An INSERT that knows ON CONFLICT (both dialects spell it the same way)."""
    if tx.dialect.name == "postgresql":
        return postgresql.insert(table)
    return cast("postgresql.Insert", sqlite.insert(table))


def columns_of(kind: type[K], table: sa.Table) -> list[sa.Column[Any]]:
    """The columns of `table` that fill the fields of `kind`, by name."""
    return [table.c[name] for name in kind.__struct_fields__]


def as_kind(kind: type[K], row: Iterable[Any]) -> K:
    """A row that begins with `columns_of` as its struct; JSON in it is left plain."""
    return kind(*islice(row, len(kind.__struct_fields__)))


def in_chunks(rows: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """`rows` in lists of at most `size`."""
    rest = iter(rows)
    while chunk := list(islice(rest, size)):
        yield chunk


async def insert_rows(
    tx: AsyncConnection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert `rows` (all with the same keys) in one statement; nothing for none."""
    if rows:
        await tx.execute(sa.insert(table), [dict(row) for row in rows])


def _engine(url: URL) -> AsyncEngine:
    json = {"json_serializer": encode_json, "json_deserializer": decode_json}
    if url.get_backend_name() == "sqlite":
        engine = create_async_engine(
            url,
            connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_S},
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            **json,
        )
        sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    engine = create_async_engine(url, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW, **json)
    sa.event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Take another connection when the server has hung up on this one. `pool_pre_ping` asks the
    same with a transaction around it: three ways there and back instead of one.
    """
    try:
        connection.run_async(lambda raw: raw.execute("SELECT 1"))
    except Exception as error:
        raise DisconnectionError from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")
    for attempt in range(_WAL_TRIES):
        try:
            cursor.execute("PRAGMA journal_mode")
            if cursor.fetchone()[0] != "wal":
                cursor.execute("PRAGMA journal_mode = WAL")
            break
        except Exception as error:
            if "locked" not in str(error) or attempt == _WAL_TRIES - 1:
                raise
            time.sleep(_WAL_PAUSE_S)
    # SQLite's own lower() knows ASCII only; a search for "ÉMILE" must find "Émile".
    connection.create_function("lower", 1, _lower, deterministic=True)
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA cache_size = -{CACHE_KB}")
    cursor.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    cursor.close()


def _lower(text: str | None) -> str | None:
    return None if text is None else str(text).lower()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
