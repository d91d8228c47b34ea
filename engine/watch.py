"""Notices that the queue does not move, also when no gateway is there to notice it.

Rule: it only raises and resolves alerts; an alert is over by itself when its cause is gone.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from store import alerts, queue, queue_view

LATE = timedelta(minutes=30)
QUEUE_OLD = "queue_old"
MARKETING = 2  # a campaign takes hours; it is late only when nothing leaves at all
NAMED = {0: "answers", 1: "news about orders", 2: "campaign messages"}


async def watch_queue(tx: AsyncConnection, now: datetime) -> None:
    """Tell companies whose messages have been due for half an hour."""
    before = now - LATE
    lines = [line for line in await queue.due_lines(tx, before) if line[0] != MARKETING]
    still = await queue_view.standing_still(tx, before)
    lines += [(MARKETING, company_id) for company_id in sorted(still)]
    late: dict[int, list[str]] = {}
    for line in await queue_view.late(tx, lines, before):
        minutes = int((now - line.oldest).total_seconds() // 60)
        said = f"{line.count} {NAMED[line.priority]} wait, the oldest for {minutes} minutes."
        late.setdefault(line.company_id, []).append(said)
    known = await alerts.companies_with(tx, QUEUE_OLD)
    for company_id in sorted(late.keys() - known):
        words = " ".join(late[company_id])
        words = f"{words} See whether a phone is connected and the gateway runs."
        await alerts.raise_once(tx, company_id, "warning", QUEUE_OLD, words, now)
    for company_id in sorted(known - late.keys()):
        await alerts.resolve(tx, company_id, QUEUE_OLD, now)
