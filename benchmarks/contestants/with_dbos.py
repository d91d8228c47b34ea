# mypy: ignore-errors
"""The same journey as a DBOS workflow: every step is checkpointed in the same PostgreSQL.

`python -m benchmarks.contestants.with_dbos DATABASE JOURNEYS ROUNDS`, in the other engines'
environment, on a database with our tables and with contacts 1 … WARM_UP + JOURNEYS × ROUNDS.
Verdicts and replies are sent to the workflows in bulk; time counts from then until all of them
wait again.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import asyncpg
from dbos import DBOS, SendMessage, SetWorkflowID

from benchmarks.contestants import rows
from benchmarks.words import KEYWORD, REGULARS, REPLY, TAGS, WAVES

WARM_UP = 20
A_MOMENT_S = 0.001  # the delay is due at once
PATIENCE_S = 600
arrived = asyncio.Semaphore(0)
pools = []


@DBOS.step()
async def send(contact_id: int, step: str) -> None:
    """Queue a message."""
    await rows.queue_message(pools[0], contact_id, step)


@DBOS.step()
async def tag(contact_id: int, name: str) -> None:
    """Add a tag."""
    await rows.add_tag(pools[0], contact_id, name)


@DBOS.step()
async def tags(contact_id: int) -> list[str]:
    """What the if/else looks at."""
    return await rows.tags_of(pools[0], contact_id)


@DBOS.workflow()
async def journey(contact_id: int) -> str:
    """The workflow; what it came to."""
    came_to = await walk(contact_id)
    arrived.release()
    return came_to


async def walk(contact_id: int) -> str:
    """Carry one contact from start to end."""
    await send(contact_id, "greet")
    await hear("verdict")
    if REGULARS in await tags(contact_id):
        return "a regular"
    await tag(contact_id, TAGS[0])
    await DBOS.sleep_async(A_MOMENT_S)
    await send(contact_id, "ask")
    await hear("verdict")
    reply = await hear("reply")
    if KEYWORD not in reply.lower():
        return "not kept"
    await tag(contact_id, TAGS[1])
    await send(contact_id, "thank")
    await hear("verdict")
    return "kept"


async def hear(topic: str) -> str:
    """Wait for a message from outside."""
    arrived.release()
    return await DBOS.recv_async(topic, timeout_seconds=PATIENCE_S)


async def start(contact_id: int) -> Any:
    """Start the workflow of one contact; its handle."""
    with SetWorkflowID(f"journey-{contact_id}"):
        return await DBOS.start_workflow_async(journey, contact_id)


async def carry(people: range) -> float:
    """Carry these contacts from start to end; the seconds that it needed."""
    spent = 0.0
    handles = []
    for wave in WAVES:
        if wave == "timer":
            continue  # it was due at once, and has done its part
        if wave == "verdict":
            await rows.send_all(pools[0])
        if wave != "start":
            said = REPLY if wave == "reply" else "sent"
            told = [SendMessage(f"journey-{one}", said, wave) for one in people]
            await DBOS.send_bulk_async(told)
        began = time.perf_counter()
        if wave == "start":
            handles = await asyncio.gather(*(start(one) for one in people))
        for _ in people:
            await arrived.acquire()
        spent += time.perf_counter() - began
    came_to = await asyncio.gather(*(handle.get_result() for handle in handles))
    assert set(came_to) == {"kept"}, came_to
    return spent


async def main(url: str, journeys: int, rounds: int) -> None:
    """Warm up, measure, check, and print the figure."""
    DBOS(
        config={
            "name": "journeys",
            "system_database_url": url,
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    async with asyncpg.create_pool(url, min_size=rows.CONNECTIONS) as pool:
        pools.append(pool)
        await carry(range(1, WARM_UP + 1))
        last = WARM_UP + journeys * rounds
        spent = [
            await carry(range(first, first + journeys))
            for first in range(WARM_UP + 1, last, journeys)
        ]
        await rows.check(pool, last)
    print(json.dumps({"journeys_s": journeys / min(spent)}), flush=True)
    DBOS.destroy()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
