"""Marketing to one contact: what left lately, and which of the waiting messages comes first.

Rule: one statement for a whole batch of contacts. What may go, and when, is `gateway.budget`'s.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store.automations import automations
from store.database import as_kind, columns_of, skip_locked
from store.messages import LEFT, messages
from store.queue import Queued, free_to_go

IN_HAND_AT_MOST = timedelta(hours=1)  # between a claim and the moment WhatsApp names, and more
RIVALS_AT_MOST = 1_000  # of one batch; who has more waiting is served in rounds
# As text: a partial index is only used where its own words are said.
MARKETING = sa.text("messages.category = 'marketing'")


async def left(
    tx: AsyncConnection,
    contact_ids: Collection[int],
    sources: Collection[str],
    live_priority: int,
    since: datetime,
) -> dict[int, list[datetime]]:
    """When marketing messages left each contact's way after `since`, or may have left."""
    if not contact_ids:
        return {}
    sent, claimed = messages.c.sent_at, messages.c.claimed_at
    query = sa.select(messages.c.contact_id, sent, claimed).where(
        messages.c.contact_id.in_(contact_ids),
        MARKETING,
        claimed > since - IN_HAND_AT_MOST,
        messages.c.state.in_(LEFT),
        messages.c.source.in_(sources),
        messages.c.priority != live_priority,
    )
    found: dict[int, list[datetime]] = {}
    for contact_id, sent_at, claimed_at in await tx.execute(query):
        at = max(sent_at or claimed_at, claimed_at)
        if at > since:
            found.setdefault(contact_id, []).append(at)
    return found


async def waiting(
    tx: AsyncConnection,
    contact_ids: Collection[int],
    sources: Collection[str],
    live_priority: int,
    now: datetime,
    *,
    except_ids: Collection[int],
) -> list[Queued]:
    """Further marketing messages of these contacts that are due, held until the transaction ends.

    The contacts are held already; messages another worker touches are left out.
    """
    if not contact_ids:
        return []
    query = (
        sa.select(*columns_of(Queued, messages))
        .outerjoin(automations, automations.c.id == messages.c.automation_id)
        .where(messages.c.contact_id.in_(contact_ids), sa.text("messages.state = 'queued'"))
        .where(MARKETING, messages.c.due_at <= now, *free_to_go())
        .where(messages.c.source.in_(sources), messages.c.priority != live_priority)
        .where(sa.or_(automations.c.id.is_(None), automations.c.status != "paused"))
        .where(messages.c.id.not_in(except_ids))
        .order_by(messages.c.id)
        .limit(RIVALS_AT_MOST)
    )
    rows = await tx.execute(skip_locked(tx, query, messages))
    return [as_kind(Queued, row) for row in rows]


async def priorities(tx: AsyncConnection, automation_ids: Collection[int]) -> dict[int, int]:
    """`{automation id: its priority}`; higher goes first."""
    query = sa.select(automations.c.id, automations.c.priority).where(
        automations.c.id.in_(automation_ids)
    )
    return {automation_id: priority for automation_id, priority in await tx.execute(query)}  # noqa: C416  rows, not pairs
