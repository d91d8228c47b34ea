"""Fires what is due: deliveries, reads, the rules of scripts, and what Meta decides later.

One rule: what happens is dated at the moment it was due, by the sandbox's clock.
"""

import asyncio
from collections.abc import Callable

import msgspec

from sandbox import accounts, acts, business, chats, complaints, fates, judging
from sandbox.behaviour import Rule
from sandbox.memory import Json, Row
from sandbox.world import World, iso

POLL_S = 0.05
"""Real seconds between two looks at the clock, which others may move."""
BATCH = 200


def fire_due(world: World) -> int:
    """Carry out up to one batch of due deeds, the earliest first; return how many."""
    now = world.now()
    if world.memory.one("select 1 from due where at <= ?", now) is None:
        return 0
    with world.writing():
        rows = world.memory.all(
            "select * from due where at <= ? order by at, n limit ?", now, BATCH
        )
        for row in rows:
            # A deed before this one, such as a block, may have taken it away.
            if world.memory.changed("delete from due where n = ?", row["n"]):
                _fire(world, row)
    return len(rows)


def _fire(world: World, row: Row) -> None:
    kind, at, rule = row["kind"], row["at"], row["rule"]
    if row["message_n"]:
        message = chats.get(world.memory, row["message_n"])
        if kind == "deliver":
            acts.deliver(world, message, at)
        elif kind == "read":
            acts.read(world, message, at)
        elif kind == "release":
            fates.release(world, message, at)
        else:
            acts.follow(world, message, msgspec.json.decode(rule, type=Rule), at)
    elif kind == "tell":
        acts.tell_late(world, msgspec.json.decode(rule), at)
    elif kind == "recategorize":
        template_id, category = rule.split(" ")
        judging.recategorize(world, template_id, category, at)
    else:
        LATER[kind](world, rule, at)


LATER: dict[str, Callable[[World, str, float], None]] = {
    "review": judging.judge,
    "unpause": complaints.unpause,
    "rate_template": complaints.rate_template,
    "rate_number": business.rate_number,
    "grow": accounts.grow,
}
"""What Meta decides later about the object that the row names."""


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
        "undelivered_webhooks": memory.number("select coalesce(sum(items), 0) from outbox"),
        "due_now": memory.number("select count(*) from due where at <= ?", world.now()),
        "next_at": iso(first["at"] if first else None),
    }
