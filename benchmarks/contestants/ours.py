"""Tiptoe: the real runner on the real tables, in this process or in several others.

Only the engine's own time counts: from "the events are written" to "all are handled".
`python -m benchmarks.contestants.ours DATABASE` is one worker that drains when it is told to.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.figures import Size
from benchmarks.journey import NOW
from benchmarks.words import WAVES
from benchmarks.world import World, new_world
from engine.runner import BATCH, Runner
from store.database import Database
from store.doorbell import Doorbell
from tiptoe.logs import configure_logs

ROOT = Path(__file__).resolve().parent.parent.parent
WARM_UP = BATCH
Hands = Callable[[datetime], Awaitable[int]]
"""Let a worker do all there is to do at this time; how many contacts it served."""


def journeys_per_second(url: str, size: Size, processes: int = 0) -> float:
    """Journeys in a second of the engine's time; 0 processes: one worker, in this one."""
    return asyncio.run(_best_round(url, size, processes))


async def _best_round(url: str, size: Size, processes: int) -> float:
    database = Database(url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        world = await new_world(database)
        workers = [await stack.enter_async_context(_process(url)) for _ in range(processes)]
        workers = workers or [in_this_process(world)]
        await carry(world, await world.people(WARM_UP), workers)
        rounds = [
            await carry(world, await world.people(size.journeys), workers)
            for _ in range(size.rounds)
        ]
        return size.journeys / min(rounds)


async def carry(world: World, people: Sequence[int], workers: Sequence[Hands]) -> float:
    """Carry these contacts from start to end; the seconds that the engine needed."""
    spent = 0.0
    for wave in WAVES:
        await world.happen(wave, people)
        began = time.perf_counter()
        served = 0
        while served < len(people):  # who finds the rest in another's hands comes back empty
            found = sum(await asyncio.gather(*(work(world.now) for work in workers)))
            assert found, f"{wave}: {served} of {len(people)}"
            served += found
        spent += time.perf_counter() - began
    await world.check(people)
    return spent


def in_this_process(world: World) -> Hands:
    """A worker on the world's own connections."""
    return _hands(world.database)


def _hands(database: Database) -> Hands:
    began, start = 0.0, NOW

    def clock() -> datetime:  # it walks on while they work: ids are made of it
        return start + timedelta(seconds=time.perf_counter() - began)

    runner = Runner(database, clock, Doorbell(None))

    async def drain(now: datetime) -> int:
        nonlocal began, start
        began, start = time.perf_counter(), now
        return await runner.drain()

    return drain


@asynccontextmanager
async def _process(url: str) -> AsyncIterator[Hands]:
    """A worker in a process of its own: a time goes in, the number of served contacts comes out."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, url,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    tell, hear = child.stdin, child.stdout

    async def drain(now: datetime) -> int:
        tell.write(f"{now.isoformat()}\n".encode())
        await tell.drain()
        return int(await hear.readline())

    try:
        yield drain
    finally:
        tell.close()
        await child.wait()


async def _work(url: str) -> None:
    configure_logs("warning", "text", "engine")
    database = Database(url)
    drain = _hands(database)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(await drain(datetime.fromisoformat(line.strip())), flush=True)
    await database.close()


if __name__ == "__main__":
    asyncio.run(_work(sys.argv[1]))
