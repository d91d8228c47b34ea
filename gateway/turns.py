"""Whose turn it is: of several marketing messages that wait for one contact, which goes first.

Rule: the automation with the higher priority, then the older message; so one run's own messages
keep their order. It only sorts: what may go is decided one by one afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.budget import SPENDS, is_budgeted
from gateway.pacing import LIVE_PRIORITY
from store import budget
from store.queue import Queued


async def by_rank(tx: AsyncConnection, batch: Sequence[Queued], now: datetime) -> list[Queued]:
    """`batch`, where each contact's marketing stands by rank at its first message's place.

    Due messages of these contacts that were not claimed are added: one of them may rank higher.
    """
    budgeted = [one for one in batch if is_budgeted(one.category, one.source, one.priority)]
    more = await budget.waiting(
        tx,
        {one.contact_id for one in budgeted},
        SPENDS,
        LIVE_PRIORITY,
        now,
        except_ids={one.id for one in budgeted},
    )
    mine: dict[int, list[Queued]] = {}
    for one in (*budgeted, *more):
        mine.setdefault(one.contact_id, []).append(one)
    several = {contact: waiting for contact, waiting in mine.items() if len(waiting) > 1}
    if not several:
        return list(batch)
    automations = {one.automation_id or 0 for waiting in several.values() for one in waiting}
    priority = await budget.priorities(tx, automations)
    for waiting in several.values():
        waiting.sort(key=lambda one: (-priority.get(one.automation_id or 0, 0), one.id))
    turns: list[Queued] = []
    placed = {one.id for waiting in several.values() for one in waiting}
    for one in batch:
        if one.id not in placed:
            turns.append(one)
        elif one.contact_id in several:
            turns += several.pop(one.contact_id)
    return turns
