"""The queue of one company as people look at it: lines, and who is next.

Rule: it only counts and lists; who may go is the gateway's to decide.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncConnection

from store.alerts import alerts
from store.automations import automations
from store.columns import Moment
from store.companies import companies, sending
from store.database import as_kind, columns_of
from store.messages import CLAIMED, IS_HELD, QUEUED, messages
from store.phones import phones
from store.queue import PRIORITIES, Queued

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


class Late(Struct, frozen=True):
    """A line in which messages have been due for long."""

    priority: int
    company_id: int
    count: int
    oldest: datetime


async def late(
    tx: AsyncConnection, lines: Collection[tuple[int, int]], before: datetime
) -> list[Late]:
    """Of these lines (priority, company id) those with messages due before then."""
    found = []
    for priority, company_id in lines:  # few: each reads the front of its own line only
        query = sa.select(sa.func.count(), sa.func.min(messages.c.due_at, type_=Moment())).where(
            QUEUED,
            messages.c.priority == priority,
            messages.c.company_id == company_id,
            messages.c.due_at <= before,
            messages.c.held_at.is_(None),
        )
        count, oldest = (await tx.execute(query)).one()
        if oldest is not None:
            found.append(Late(priority, company_id, count, oldest))
    return found


async def standing_still(tx: AsyncConnection, since: datetime) -> set[int]:
    """Companies with campaign messages due since then, of whose phones none has sent anything
    since, and none is at the end of its day.
    """
    moved = sa.exists().where(phones.c.company_id == companies.c.id, phones.c.last_sent_at > since)
    full = sa.exists().where(
        alerts.c.company_id == companies.c.id,
        alerts.c.kind == "daily_cap",
        alerts.c.resolved_at.is_(None),
    )
    due = sa.exists().where(
        QUEUED,
        messages.c.priority == PRIORITIES[-1],
        messages.c.company_id == companies.c.id,
        messages.c.due_at <= since,
    )
    query = sa.select(companies.c.id).where(due, ~moved, ~full, sending(since))
    return set((await tx.execute(query)).scalars())


async def waiting(
    tx: AsyncConnection, company_id: int, automation_id: int | None, limit: int
) -> list[Queued]:
    """The first `limit` messages in a company's queue (or an automation's), due or not."""
    query = sa.select(*columns_of(Queued, messages)).where(_in_queue(company_id, automation_id))
    rows = await tx.execute(query.order_by(messages.c.due_at, messages.c.id).limit(limit))
    return [as_kind(Queued, row) for row in rows]


async def find_waiting(tx: AsyncConnection, company_id: int, message_id: int) -> Queued | None:
    """One message of a company that is in the queue, or None; not held."""
    query = sa.select(*columns_of(Queued, messages)).where(
        messages.c.id == message_id, messages.c.company_id == company_id, QUEUED
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else as_kind(Queued, row)


async def count_ahead(tx: AsyncConnection, one: Queued, now: datetime) -> int:
    """How many due messages of the same line are before this one, a thousand at most."""
    ahead = (
        sa.select(sa.literal(1))
        .where(QUEUED, messages.c.priority == one.priority, messages.c.due_at <= now)
        .where(messages.c.company_id == one.company_id)
        .where(sa.tuple_(messages.c.due_at, messages.c.id) < (one.due_at, one.id))
        .limit(1_000)
    )
    query = sa.select(sa.func.count()).select_from(ahead.subquery())
    return int((await tx.execute(query)).scalar_one())


async def count_waiting(
    tx: AsyncConnection, company_id: int, automation_id: int | None = None
) -> int:
    """How many messages a company (or an automation) has in the queue."""
    query = sa.select(sa.func.count()).where(_in_queue(company_id, automation_id))
    return int((await tx.execute(query)).scalar_one())


def _in_queue(company_id: int, automation_id: int | None) -> sa.ColumnElement[bool]:
    mine = sa.and_(
        QUEUED,
        messages.c.priority.in_(PRIORITIES),  # with this the line's own index serves
        messages.c.company_id == company_id,
        messages.c.held_at.is_(None),
    )
    if automation_id is None:
        return mine
    return sa.and_(mine, messages.c.automation_id == automation_id)
