"""What can be done with the contacts behind a number: put them on a list, end their runs.

Rule: in pieces, each a transaction of its own; both may be asked for twice and work once.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from flows.events import Stopped
from store import changes, moves, passages
from store.automations import automations
from store.database import in_chunks
from store.errors import NotFoundError
from store.passages import Asked
from store.runs import runs
from web.config import WebConfig
from web.security.who import Who
from web.shell.errors import RefusedError

MOST = 100_000  # contacts put on a list at once
AT_ONCE = 2_000  # held in one transaction: the engine waits for them meanwhile
LONGEST_NAME = 80


def list_name(typed: str) -> str:
    """The name as it is kept. Raises RefusedError (422)."""
    name = " ".join(typed.split())
    if not name:
        raise RefusedError(422, "Give the list a name.")
    if len(name) > LONGEST_NAME:
        raise RefusedError(422, f"A list's name has {LONGEST_NAME} characters at most.")
    return name


async def put_on_list(web: WebConfig, who: Who, asked: Asked, name: str) -> tuple[int, int]:
    """Put all of them on the list `name`, which is made if it is not there; `(how many of them,
    how many were not on it before)`. Raises RefusedError (422).
    """
    async with web.database.read() as tx:
        people = await passages.contact_ids(tx, who.company_id, asked, MOST + 1)
    if len(people) > MOST:
        raise RefusedError(
            422, f"At most {MOST:,} contacts go on a list at once; choose a shorter period."
        )
    new = 0
    for some in in_chunks(people, AT_ONCE):
        async with web.database.write() as tx:
            join = dict.fromkeys(some, (name,))
            done = await changes.on_lists(tx, who.company_id, web.clock(), join=join)
        new += len(done.contacts)
    await web.bell.ring_engine()
    return len(people), new


async def end_runs(web: WebConfig, who: Who, asked: Asked) -> int:
    """Ask the engine to end those of their runs that go on; how many were not asked before. Who
    waits at the step is left alone if they have gone on by the time the engine comes to it.
    """
    here = asked.of in ("here", "unconfirmed")
    event = Stopped(f"ended by {who.name}", from_step=asked.step if here else "")
    word = f"stopped:{asked.step}" if here else "stopped"
    chosen = (
        runs.c.company_id == who.company_id,
        runs.c.automation_id == asked.automation_id,
        runs.c.id.in_(passages.run_ids(who.company_id, asked)),
    )
    async with web.database.write() as tx:
        if not await tx.scalar(_mine(who.company_id, asked.automation_id)):
            raise NotFoundError(f"automation {asked.automation_id} does not exist")
        count = await moves.tell(tx, chosen, event, word, web.clock())
    await web.bell.ring_engine()
    return count


def _mine(company_id: int, automation_id: int) -> sa.Select[Any]:
    return sa.select(sa.literal(1)).where(
        automations.c.company_id == company_id, automations.c.id == automation_id
    )
