"""Outgoing webhook calls: those that runs asked for, and news told to people's own programs. The
row is the queue and the record.

Rule: a run's call belongs to one wait of it (`seq`), and its answer goes back to that wait only;
news (every other `purpose`) lose what they said as soon as they are told or given up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.events import HttpAnswered
from store import bulk
from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import as_kind, columns_of, skip_locked
from store.ids import first_id_at

Purpose = Literal["run", "reply", "house_reply", "alert", "house_alert", "mail"]
"""What a call is for; the `house_` ones go to the operator's address, under the house's secret, and
`mail` to a mail server.
"""

OPEN = sa.text("state IN ('queued', 'calling')")
RECALLED = "recalled: the run ended"
GIVEN_UP = "given up: it could not be told for a day"
RECENT = timedelta(days=2)

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
    sa.Column("host", Words, nullable=False, default=""),  # of news: who is called
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

OF_RUNS = http_calls.c.purpose == "run"


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
    purpose: Purpose = "run"
    host: str = ""


class OpenCall(msgspec.Struct, frozen=True):
    """A call that was claimed. `request` is a `flows.effects.CallWebhook` in plain JSON."""

    id: int
    company_id: int
    contact_id: int
    run_id: int
    seq: int
    attempts: int
    request: dict[str, Any]
    purpose: Purpose
    host: str
    created_at: datetime


class Told(msgspec.Struct, frozen=True):
    """How telling one thing stands. `state`: queued, calling, done or failed."""

    id: int
    state: str
    attempts: int
    answer_status: int | None
    error: str | None
    due_at: datetime | None
    created_at: datetime
    done_at: datetime | None


async def insert_many(
    tx: AsyncConnection, rows: Sequence[NewCall] | Sequence[Mapping[str, Any]]
) -> None:
    """Queue calls."""
    await bulk.insert_all(tx, http_calls, rows)


async def any_due(tx: AsyncConnection, now: datetime, abandoned: datetime) -> bool:
    """Whether `claim` would find anything."""
    query = sa.select(http_calls.c.id).where(_due(now, abandoned), OF_RUNS).limit(1)
    return await tx.scalar(query) is not None


async def claim(
    tx: AsyncConnection, now: datetime, abandoned: datetime, limit: int
) -> list[OpenCall]:
    """Due calls of runs, and those claimed before `abandoned` by a worker that died, now ours."""
    query = (
        sa.select(http_calls.c.id)
        .where(_due(now, abandoned), OF_RUNS)
        .order_by(http_calls.c.due_at, http_calls.c.id)
        .limit(limit)
    )
    return await _take(tx, list((await tx.execute(skip_locked(tx, query))).scalars()), now)


async def claim_news(
    tx: AsyncConnection,
    now: datetime,
    abandoned: datetime,
    limit: int,
    *,
    of_each: int,
    except_hosts: Collection[str] = (),
) -> list[OpenCall]:
    """Due news, as `claim`: at most `of_each` for one host, so that none is in another's way."""
    place = sa.func.row_number().over(
        partition_by=http_calls.c.host, order_by=(http_calls.c.due_at, http_calls.c.id)
    )
    due = sa.select(http_calls.c.id, http_calls.c.due_at, place.label("place")).where(
        _due(now, abandoned), ~OF_RUNS
    )
    if except_hosts:
        due = due.where(http_calls.c.host.not_in(sorted(except_hosts)))
    line = due.subquery()
    first = sa.select(line.c.id).where(line.c.place <= of_each).order_by(line.c.place, line.c.id)
    chosen = list((await tx.execute(first.limit(limit))).scalars())
    if not chosen:
        return []
    free = sa.select(http_calls.c.id).where(http_calls.c.id.in_(chosen), _due(now, abandoned))
    return await _take(tx, list((await tx.execute(skip_locked(tx, free))).scalars()), now)


async def _take(tx: AsyncConnection, ids: list[int], now: datetime) -> list[OpenCall]:
    if not ids:
        return []
    claimed = (
        sa.update(http_calls)
        .where(http_calls.c.id.in_(ids))
        .values(state="calling", claimed_at=now, attempts=http_calls.c.attempts + 1)
        .returning(*columns_of(OpenCall, http_calls))
    )
    return [as_kind(OpenCall, row) for row in await tx.execute(claimed)]


async def put_back(tx: AsyncConnection, call_ids: Collection[int]) -> None:
    """Let go of calls that were claimed and not made: they are due as before."""
    if call_ids:
        await tx.execute(
            sa.update(http_calls)
            .where(http_calls.c.id.in_(call_ids))
            .values(state="queued", claimed_at=None, attempts=http_calls.c.attempts - 1)
        )


async def any_news_due(tx: AsyncConnection, now: datetime, abandoned: datetime) -> bool:
    """Whether `claim_news` may find anything."""
    query = sa.select(http_calls.c.id).where(_due(now, abandoned), ~OF_RUNS).limit(1)
    return await tx.scalar(query) is not None


async def give_up(tx: AsyncConnection, before: datetime, now: datetime) -> list[tuple[int, str]]:
    """Forget news from before `before` that nobody took; `(company id, purpose)` of each."""
    old = (
        sa.update(http_calls)
        .where(OPEN, ~OF_RUNS, http_calls.c.created_at < before, http_calls.c.state == "queued")
        .values(state="failed", due_at=None, done_at=now, error=GIVEN_UP, request={})
        .returning(http_calls.c.company_id, http_calls.c.purpose)
    )
    return [(company_id, purpose) for company_id, purpose in await tx.execute(old)]


async def recent(
    tx: AsyncConnection, company_id: int, purposes: Collection[Purpose], now: datetime, limit: int
) -> list[Told]:
    """The newest of a company's news of the last days, newest first."""
    query = (
        sa.select(*columns_of(Told, http_calls))
        .where(http_calls.c.id >= first_id_at(now - RECENT))
        .where(http_calls.c.company_id == company_id, http_calls.c.purpose.in_(sorted(purposes)))
        .order_by(http_calls.c.id.desc())
        .limit(limit)
    )
    return [as_kind(Told, row) for row in await tx.execute(query)]


async def drop_news(tx: AsyncConnection, contact_ids: Collection[int]) -> None:
    """Forget news about these contacts that nobody was told yet."""
    about = http_calls.c.contact_id.in_(contact_ids)
    await tx.execute(sa.delete(http_calls).where(OPEN, ~OF_RUNS, about))


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
    kept = sa.case((OF_RUNS, http_calls.c.request), else_=sa.literal({}, JSON))
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
            request=http_calls.c.request if again else kept,
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
