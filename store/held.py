"""Messages of paused automations: they stay queued, out of the line, until it goes on.

Rule: a held message still expires in time, so its `due_at` is the moment at which it does.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import bulk
from store.automations import automations
from store.database import skip_locked
from store.messages import messages

AT_ONCE = 2_000  # messages per transaction, so that nobody waits long for it
WORDS = "Held: the automation is paused."
IS_HELD = sa.text("messages.state = 'queued' AND messages.held_at IS NOT NULL")


async def paused(tx: AsyncConnection, company_ids: Collection[int]) -> dict[int, set[int]]:
    """`{company id: its paused automations}`; companies without any are left out."""
    query = sa.select(automations.c.company_id, automations.c.id).where(
        automations.c.company_id.in_(company_ids), automations.c.status == "paused"
    )
    found: dict[int, set[int]] = {}
    for company_id, automation_id in await tx.execute(query):
        found.setdefault(company_id, set()).add(automation_id)
    return found


async def hold(
    tx: AsyncConnection,
    company_id: int,
    priority: int,
    automation_ids: Collection[int],
    now: datetime,
) -> int:
    """Take due messages of these automations out of one line; how many, `AT_ONCE` at most."""
    query = (
        sa.select(messages.c.id, messages.c.expires_at, messages.c.why)
        .where(sa.text("messages.state = 'queued'"), messages.c.priority == priority)
        .where(messages.c.company_id == company_id, messages.c.due_at <= now)
        .where(messages.c.automation_id.in_(automation_ids))
        .where(sa.or_(messages.c.expires_at.is_(None), messages.c.expires_at > now))
        .order_by(messages.c.due_at, messages.c.id)
        .limit(AT_ONCE)
    )
    rows = [
        (message_id, expires_at, now, [*(one for one in why or [] if one != WORDS), WORDS])
        for message_id, expires_at, why in await tx.execute(skip_locked(tx, query, messages))
    ]
    await bulk.update(tx, messages, ("id", "due_at", "held_at", "why"), rows)
    return len(rows)


async def released(tx: AsyncConnection) -> list[int]:
    """Automations that are not paused any more and have messages held, by one look at each."""
    has_some = sa.exists().where(IS_HELD, messages.c.automation_id == automations.c.id)
    query = sa.select(automations.c.id).where(automations.c.status != "paused", has_some)
    return list((await tx.execute(query)).scalars())


async def release(tx: AsyncConnection, automation_ids: Collection[int], now: datetime) -> int:
    """Put held messages of these automations back in line; how many, `AT_ONCE` at most."""
    query = (
        sa.select(messages.c.id)
        .where(IS_HELD, messages.c.automation_id.in_(automation_ids))
        .order_by(messages.c.id)
        .limit(AT_ONCE)
    )
    ids = (await tx.execute(skip_locked(tx, query, messages))).scalars()
    rows = [(message_id, now, None) for message_id in ids]
    await bulk.update(tx, messages, ("id", "due_at", "held_at"), rows)
    return len(rows)
