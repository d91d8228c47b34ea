"""The queue of one company as people look at it: lines, and who is next.

Rule: it only counts and lists; who may go is the gateway's to decide.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncConnection

from store.automations import automations
from store.database import as_kind, columns_of
from store.messages import CLAIMED, IS_HELD, QUEUED, messages

NEXT_SHOWN = 20


class Line(Struct, frozen=True):
    """Messages of one priority and one automation (or source, without any). `held`: it is paused,
    so `next_at` and `last_at` say nothing. `due`: how many could go now.
    """

    priority: int
    automation_id: int | None
    automation: str
    held: bool
    source: str
    waiting: int
    due: int
    oldest_at: datetime
    next_at: datetime | None
    last_at: datetime | None


class Next(Struct, frozen=True):
    """A message that waits; `why` as on the message."""

    id: int
    contact_id: int
    automation_id: int | None
    preview: str
    priority: int
    due_at: datetime | None
    why: Any


class InHand(Struct, frozen=True):
    """Messages that left the queue and are not known to have left us."""

    sending: int
    unconfirmed: int


async def lines(tx: AsyncConnection, company_id: int, now: datetime) -> list[Line]:
    """The lines, most urgent first, the longest of a priority before others."""
    held = sa.func.coalesce(automations.c.status == "paused", sa.false())
    # Without an automation it is told apart by who asked for it.
    source = sa.case((messages.c.automation_id.is_(None), messages.c.source), else_="automation")
    waiting = sa.func.count()
    query = (
        sa.select(
            messages.c.priority,
            messages.c.automation_id,
            sa.func.coalesce(automations.c.name, ""),
            held,
            source,
            waiting,
            sa.func.sum(sa.case((messages.c.due_at <= now, 1), else_=0)),
            sa.func.min(messages.c.created_at),
            sa.func.min(messages.c.due_at),
            sa.func.max(messages.c.due_at),
        )
        .select_from(messages.outerjoin(automations, automations.c.id == messages.c.automation_id))
        .where(QUEUED, messages.c.company_id == company_id)
        .group_by(messages.c.priority, messages.c.automation_id, automations.c.name, held, source)
        .order_by(messages.c.priority, waiting.desc(), messages.c.automation_id)
    )
    found = []
    for row in await tx.execute(query):
        line = as_kind(Line, row)
        held_line = structs.replace(line, held=True, due=0, next_at=None, last_at=None)
        found.append(held_line if line.held else line)
    return found


async def next_up(tx: AsyncConnection, company_id: int, *, limit: int = NEXT_SHOWN) -> list[Next]:
    """The messages whose turn comes first; those of paused automations are left out."""
    query = (
        sa.select(*columns_of(Next, messages))
        .where(QUEUED, messages.c.company_id == company_id, ~IS_HELD)
        .order_by(messages.c.due_at, messages.c.priority, messages.c.id)
        .limit(limit)
    )
    return [as_kind(Next, row) for row in await tx.execute(query)]


async def in_hand(tx: AsyncConnection, company_id: int) -> InHand:
    """How many are being sent, and of how many nobody knows."""
    query = (
        sa.select(messages.c.state, sa.func.count().label("n"))
        .where(CLAIMED, messages.c.company_id == company_id)
        .group_by(messages.c.state)
    )
    found = {row.state: row.n for row in await tx.execute(query)}
    return InHand(found.get("sending", 0), found.get("unconfirmed", 0))
