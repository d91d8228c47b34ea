"""Where is measured: an empty database per contestant, on the servers the tests use.

Rule: one PostgreSQL and one Redis for the whole run, stopped when it ends however it ends.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import itertools
import shutil
import tempfile
from pathlib import Path

import asyncpg

from benchmarks.figures import CannotMeasureError
from store.migrate import migrate
from tests import servers

_numbers = itertools.count(1)


def new_database(kind: str, *, migrated: bool = True) -> str:
    """The address of an empty database, "sqlite" or "postgresql", with our tables in it."""
    name = f"bench_{next(_numbers)}"
    if kind == "sqlite":
        url = f"sqlite:///{_folder() / name}.db"
    else:
        server = _server("postgres")
        asyncio.run(_create(plain(f"{server}/postgres"), name))
        url = f"{server}/{name}"
    if migrated:
        asyncio.run(migrate(url))
    return url


def copy_of(url: str) -> str:
    """The address of a copy of one of these databases, to which nobody must be connected."""
    name = f"bench_{next(_numbers)}"
    if url.startswith("sqlite"):
        copy = _folder() / f"{name}.db"
        shutil.copyfile(path_of(url), copy)
        return f"sqlite:///{copy}"
    server, _, original = url.rpartition("/")
    asyncio.run(_create(plain(f"{server}/postgres"), f"{name} TEMPLATE {original}"))
    return f"{server}/{name}"


def redis() -> str:
    """The address of the Redis of this run."""
    return f"{_server('redis')}/0"


def new_folder() -> Path:
    """An empty folder that goes with this run."""
    folder = _folder() / f"folder_{next(_numbers)}"
    folder.mkdir()
    return folder


def plain(url: str) -> str:
    """A database address without SQLAlchemy's driver, as the drivers themselves want it."""
    return url.replace("+asyncpg", "")


def path_of(url: str) -> Path:
    """The file of a SQLite database."""
    return Path(url.removeprefix("sqlite:///"))


async def _create(server: str, name: str) -> None:
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()


@functools.cache
def _server(name: str) -> str:
    try:
        return servers.ask(_keeper().address, name)
    except servers.ServerError as problem:
        raise CannotMeasureError(str(problem).splitlines()[0]) from problem


@functools.cache
def _keeper() -> servers.Keeper:
    keeper = servers.Keeper()
    atexit.register(keeper.stop)
    return keeper


@functools.cache
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="tiptoe-bench-")
    atexit.register(folder.cleanup)
    return Path(folder.name)
