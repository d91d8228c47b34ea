"""Fires what customers are due to do: deliveries, reads and the rules of their scripts.

One rule: what happens is dated at the moment it was due, by the sandbox's clock.
"""

import asyncio

import msgspec

from sandbox import acts, chats
from sandbox.behaviour import Rule
from sandbox.memory import Json
from sandbox.world import World, iso

POLL_S = 0.05
"""Real seconds between two looks at the clock, which others may move."""
BATCH = 200


def fire_due(world: World) -> int:
    """Carry out up to one batch of due deeds, the earliest first; return how many."""
    now = world.now()
    if world.memory.one("select 1 from due where at <= ?", now) is None:
        return 0
    with world.memory.writing():
        rows = world.memory.all(
            "select * from due where at <= ? order by at, n limit ?", now, BATCH
        )
        for row in rows:
            world.memory.do("delete from due where n = ?", row["n"])
            message = chats.get(world.memory, row["message_n"])
            if row["kind"] == "deliver":
                acts.deliver(world, message, row["at"])
            elif row["kind"] == "read":
                acts.read(world, message, row["at"])
            else:
                acts.follow(world, message, msgspec.json.decode(row["rule"], type=Rule), row["at"])
    return len(rows)


async def keep_firing(world: World) -> None:
    """Fire what is due for as long as the sandbox runs."""
    while True:
        world.due_bell.clear()
        if fire_due(world):
            await asyncio.sleep(0)
            continue
        try:
            async with asyncio.timeout(POLL_S):
                await world.due_bell.wait()
        except TimeoutError:
            continue


def state(world: World) -> Json:
    """Say how quiet it is: webhooks not yet taken, deeds due now, and when the next is due."""
    memory = world.memory
    first = memory.one("select min(at) as at from due")
    return {
        "now": iso(world.now()),
        "undelivered_webhooks": memory.number("select count(*) from outbox"),
        "due_now": memory.number("select count(*) from due where at <= ?", world.now()),
        "next_at": iso(first["at"] if first else None),
    }
