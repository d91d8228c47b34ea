"""The engine on PostgreSQL, one worker. The server is the tests' own (no fsync)."""

import asyncio

from benchmarks._runners import journeys_per_second
from tests import servers

WHAT = "journeys through the real runner on PostgreSQL, one worker"
UNIT = "journeys/s"
WANTED = None


def measure() -> float | str:
    """Journeys in a second, or why there is no PostgreSQL here."""
    try:
        keeper = servers.Keeper()
    except servers.ServerError as problem:
        return str(problem)
    try:
        server = servers.ask(keeper.address, "postgres")
        return asyncio.run(journeys_per_second(f"{server}/postgres"))
    except servers.ServerError as problem:
        return str(problem).splitlines()[0]
    finally:
        keeper.stop()
