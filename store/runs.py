"""Runs: contacts on their way through a revision.

Rule: a run's `state` is the truth for the engine; the columns beside it exist to be searched.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import JSON, BigId, Moment, Words, metadata
from store.contacts import contacts
from store.database import as_kind, columns_of, insert_rows, skip_locked
from store.events import UNHANDLED, events

DUE = sa.text("status = 'waiting' AND wait_until IS NOT NULL")
WAITING = sa.text("status = 'waiting'")
LOOK_AHEAD = 4  # contacts looked at per one wanted: other workers hold some of the first

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=False),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("automation_id", BigId, nullable=False),
    sa.Column("revision_id", BigId, nullable=False),
    sa.Column("contact_id", BigId, nullable=False),
    sa.Column("trigger", Words, nullable=False, default=""),
    sa.Column("status", Words, nullable=False),
    sa.Column("step", Words),
    sa.Column("seq", sa.Integer, nullable=False, default=0),
    sa.Column("state", JSON, nullable=False),
    sa.Column("wait_until", Moment),
    sa.Column("cart_id", BigId),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Column("reason", Words, nullable=False, default=""),
    sa.Index("ix_runs_due", "wait_until", sqlite_where=DUE, postgresql_where=DUE),
    sa.Index("ix_runs_waiting", "contact_id", sqlite_where=WAITING, postgresql_where=WAITING),
    sa.Index("ix_runs_automation_id_id", "automation_id", "id"),
    sa.Index("ix_runs_contact_id_id", "contact_id", "id"),
)


class Waiting(msgspec.Struct, frozen=True):
    """A run that waits, as the engine loads it. `state` is a `flows.run.Run` in plain JSON."""

    id: int
    contact_id: int
    automation_id: int
    revision_id: int
    state: dict[str, Any]


async def claim_contacts(
    tx: AsyncConnection, now: datetime, limit: int, only: int | None = None
) -> list[int]:
    """At most `limit` contacts with something to do, nobody else's until `tx` ends.

    Something to do: an unhandled event, or a waiting run whose time has come. The lock is on the
    contact's row, so one contact's events are never handled by two workers at once. `only`: this
    contact or nobody.
    """
    waiting = (
        sa.select(events.c.contact_id)
        .where(UNHANDLED, _among(events.c.contact_id, only))
        .group_by(events.c.contact_id)
        .order_by(sa.func.min(events.c.id))
        .limit(limit * LOOK_AHEAD)
    )
    due = (
        sa.select(runs.c.contact_id)
        .where(runs.c.status == "waiting", runs.c.wait_until <= now)
        .where(_among(runs.c.contact_id, only))
        .order_by(runs.c.wait_until)
        .limit(limit * LOOK_AHEAD)
    )
    wanted = sa.union(waiting.subquery().select(), due.subquery().select()).subquery()
    query = sa.select(contacts.c.id).where(contacts.c.id.in_(wanted.select())).limit(limit)
    rows = await tx.execute(skip_locked(tx, query, contacts))
    return list(rows.scalars())


async def waiting_of(tx: AsyncConnection, contact_ids: Sequence[int]) -> list[Waiting]:
    """All waiting runs of these contacts, oldest first."""
    query = (
        sa.select(*columns_of(Waiting, runs))
        .where(WAITING, runs.c.contact_id.in_(contact_ids))
        .order_by(runs.c.id)
    )
    return [as_kind(Waiting, row) for row in await tx.execute(query)]


async def entered(
    tx: AsyncConnection, contact_ids: Sequence[int]
) -> dict[int, dict[int, datetime]]:
    """`{contact id: {automation id: when last started}}`."""
    query = (
        sa.select(
            runs.c.contact_id,
            runs.c.automation_id,
            sa.func.max(runs.c.started_at, type_=Moment()),
        )
        .where(runs.c.contact_id.in_(contact_ids))
        .group_by(runs.c.contact_id, runs.c.automation_id)
    )
    found: dict[int, dict[int, datetime]] = {}
    for contact_id, automation_id, at in await tx.execute(query):
        found.setdefault(contact_id, {})[automation_id] = at
    return found


async def insert_many(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write new runs."""
    await insert_rows(tx, runs, rows)


async def update_many(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write runs that moved: rows as of `insert_many`; only what a move can change is written."""
    if not rows:
        return
    names = ("status", "step", "seq", "state", "wait_until", "ended_at", "reason")
    query = (
        sa.update(runs)
        .where(runs.c.id == sa.bindparam("run"))
        .values({name: sa.bindparam(f"new_{name}") for name in names})
    )
    await tx.execute(
        query,
        [{"run": row["id"], **{f"new_{name}": row[name] for name in names}} for row in rows],
    )


async def give_up(tx: AsyncConnection, reasons: Mapping[int, str], now: datetime) -> None:
    """End runs that nobody can move, `{run id: why}`; their state stays as it is, for repair."""
    if reasons:
        await tx.execute(
            sa.update(runs)
            .where(runs.c.id == sa.bindparam("run"))
            .values(status="failed", wait_until=None, ended_at=now, reason=sa.bindparam("why")),
            [{"run": run_id, "why": why} for run_id, why in sorted(reasons.items())],
        )


async def postpone(
    tx: AsyncConnection, contact_ids: Collection[int], now: datetime, until: datetime
) -> None:
    """Look at the due runs of these contacts again at `until`. When each is really due stays in
    its state, so whatever else wakes the contact still finds it due.
    """
    if contact_ids:
        await tx.execute(
            sa.update(runs)
            .where(runs.c.contact_id.in_(contact_ids), WAITING, runs.c.wait_until <= now)
            .values(wait_until=until)
        )


async def stopped(tx: AsyncConnection, run_ids: Collection[int]) -> set[int]:
    """Those of these runs that were ended from outside: nothing of theirs may be sent any more."""
    if not run_ids:
        return set()
    query = sa.select(runs.c.id).where(runs.c.id.in_(run_ids), runs.c.status == "stopped")
    return set((await tx.execute(query)).scalars())


async def past(tx: AsyncConnection, waits: Mapping[int, int]) -> set[int]:
    """Those of `{run id: number of a wait}` that ended or went on to a later wait."""
    if not waits:
        return set()
    query = sa.select(runs.c.id, runs.c.status, runs.c.seq).where(runs.c.id.in_(waits))
    return {
        run_id
        for run_id, status, seq in await tx.execute(query)
        if status != "waiting" or seq > waits[run_id]
    }


def _among(column: sa.Column[int], only: int | None) -> sa.ColumnElement[bool]:
    return sa.true() if only is None else column == only


async def next_due(tx: AsyncConnection) -> datetime | None:
    """When the next waiting run's time comes; None when none waits for a time."""
    query = sa.select(sa.func.min(runs.c.wait_until, type_=Moment())).where(DUE)
    return cast("datetime | None", await tx.scalar(query))
