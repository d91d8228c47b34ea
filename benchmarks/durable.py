"""Other durable engines on the same machine, in an environment of their own."""

from __future__ import annotations

import asyncio
from functools import cache

from benchmarks import side
from benchmarks.figures import Size
from benchmarks.places import new_database, plain
from benchmarks.world import new_world
from store.database import Database

WARM_UP = 20  # as the contestants have it


@cache
def dbos(size: Size) -> float:
    """Journeys in a second of DBOS Transact."""
    return _carried_by("with_dbos", size)


@cache
def restate(size: Size) -> float:
    """Journeys in a second of Restate."""
    return _carried_by("with_restate", size, str(side.restate_server()))


def _carried_by(contestant: str, size: Size, *arguments: str) -> float:
    side.prepare()
    url = new_database("postgresql")
    asyncio.run(_people(url, WARM_UP + size.singly * size.rounds))
    numbers = (str(size.singly), str(size.rounds))
    return side.journeys_per_second(contestant, plain(url), *numbers, *arguments)


async def _people(url: str, count: int) -> None:
    database = Database(url)
    await (await new_world(database)).people(count)
    await database.close()
