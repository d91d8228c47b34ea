"""Outgoing webhook calls of runs: the row is the queue and the record.

Rule: a call belongs to one wait of one run (`seq`); its answer goes back to that wait only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.events import HttpAnswered
from store import bulk
from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import as_kind, columns_of, skip_locked

OPEN = sa.text("state IN ('queued', 'calling')")
RECALLED = "recalled: the run ended"

http_calls = sa.Table(
    "http_calls",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=False),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("contact_id", BigId, nullable=False),
    sa.Column("run_id", BigId, nullable=False),  # 0: no run waits for the answer
    sa.Column("seq", sa.Integer, nullable=False, default=0),
    sa.Column("state", Words, nullable=False, default="queued"),
    sa.Column("purpose", Words, nullable=False, default="run"),
    sa.Column("request", JSON, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("due_at", Moment),
    sa.Column("claimed_at", Moment),
    sa.Column("answer_status", sa.Integer),
    sa.Column("answer", JSON),
    sa.Column("error", Words),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("done_at", Moment),
    sa.Index("ix_http_calls_open", "due_at", sqlite_where=OPEN, postgresql_where=OPEN),
    sa.Index("ix_http_calls_run_id", "run_id"),
)


class NewCall(msgspec.Struct):
    """A call to be queued. `request` is a `flows.effects.CallWebhook`."""

    id: int
    company_id: int
    contact_id: int
    run_id: int
    seq: int
    request: Any
    due_at: datetime
    created_at: datetime


class OpenCall(msgspec.Struct, frozen=True):
    """A call that was claimed. `request` is a `flows.effects.CallWebhook` in plain JSON."""

    id: int
    company_id: int
    contact_id: int
    run_id: int
    seq: int
    attempts: int
    request: dict[str, Any]


async def insert_many(
    tx: AsyncConnection, rows: Sequence[NewCall] | Sequence[Mapping[str, Any]]
) -> None:
    """Queue calls."""
    await bulk.insert_all(tx, http_calls, rows)


async def any_due(tx: AsyncConnection, now: datetime, abandoned: datetime) -> bool:
    """Whether `claim` would find anything."""
    query = sa.select(http_calls.c.id).where(_due(now, abandoned)).limit(1)
    return await tx.scalar(query) is not None


async def claim(
    tx: AsyncConnection, now: datetime, abandoned: datetime, limit: int
) -> list[OpenCall]:
    """Due calls, and those claimed before `abandoned` by a worker that died, now ours."""
    query = (
        sa.select(http_calls.c.id)
        .where(_due(now, abandoned))
        .order_by(http_calls.c.due_at, http_calls.c.id)
        .limit(limit)
    )
    ids = list((await tx.execute(skip_locked(tx, query))).scalars())
    if not ids:
        return []
    claimed = (
        sa.update(http_calls)
        .where(http_calls.c.id.in_(ids))
        .values(state="calling", claimed_at=now, attempts=http_calls.c.attempts + 1)
        .returning(*columns_of(OpenCall, http_calls))
    )
    return [as_kind(OpenCall, row) for row in await tx.execute(claimed)]


async def record(
    tx: AsyncConnection,
    call_id: int,
    *,
    answer: HttpAnswered,
    due_at: datetime | None,
    now: datetime,
) -> None:
    """Write how an attempt ended: to be tried again at `due_at`, or for good when None."""
    again = due_at is not None
    await tx.execute(
        sa.update(http_calls)
        .where(http_calls.c.id == call_id)
        .values(
            state="queued" if again else "done" if answer.ok else "failed",
            due_at=due_at,
            claimed_at=None,
            answer_status=answer.status or None,
            answer=answer.body,
            error=answer.reason or None,
            done_at=None if again else now,
        )
    )


async def recall(tx: AsyncConnection, run_ids: Collection[int], now: datetime) -> None:
    """Cancel what these runs wanted called and nobody calls just now."""
    if run_ids:
        await tx.execute(
            sa.update(http_calls)
            .where(http_calls.c.run_id.in_(run_ids), http_calls.c.state == "queued")
            .values(state="failed", due_at=None, done_at=now, error=RECALLED)
        )


async def drop(tx: AsyncConnection, call_ids: Collection[int], now: datetime) -> None:
    """Give up calls that were claimed: their runs do not wait for them any more."""
    if call_ids:
        await tx.execute(
            sa.update(http_calls)
            .where(http_calls.c.id.in_(call_ids))
            .values(state="failed", due_at=None, claimed_at=None, done_at=now, error=RECALLED)
        )


async def next_due(tx: AsyncConnection) -> datetime | None:
    """When the next call is due; None when none waits."""
    query = sa.select(sa.func.min(http_calls.c.due_at, type_=Moment())).where(OPEN)
    found: datetime | None = await tx.scalar(query)
    return found


def _due(now: datetime, abandoned: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(
        sa.and_(http_calls.c.state == "queued", http_calls.c.due_at <= now),
        sa.and_(http_calls.c.state == "calling", http_calls.c.claimed_at <= abandoned),
    )
