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

from store import bulk
from store.columns import JSON, BigId, Moment, Words, metadata
from store.contacts import contacts
from store.database import columns_of
from store.events import UNANSWERED, UNHANDLED, events
from store.query import Query, among

DUE = sa.text("status = 'waiting' AND wait_until IS NOT NULL")
WAITING = sa.text("status = 'waiting'")
LOOK_AHEAD = 4  # events and timers looked at per contact wanted: others hold some of the first

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
    sa.Index(
        "ix_runs_inside",
        # The last two are looked at in the index alone: who is inside is counted each second.
        *("automation_id", "step", "id", "revision_id", "status"),
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    ),
    sa.Index("ix_runs_automation_id_id", "automation_id", "id"),
    sa.Index("ix_runs_contact_id_id", "contact_id", "id"),
)


class NewRun(msgspec.Struct):
    """A run that has begun. `state` is its `flows.run.Run`."""

    id: int
    company_id: int
    automation_id: int
    revision_id: int
    contact_id: int
    trigger: str
    status: str
    step: str | None
    seq: int
    state: Any
    wait_until: datetime | None
    cart_id: int | None
    started_at: datetime
    ended_at: datetime | None
    reason: str


class MovedRun(msgspec.Struct):
    """What a move changes about a run."""

    id: int
    revision_id: int
    status: str
    step: str | None
    seq: int
    state: Any
    wait_until: datetime | None
    ended_at: datetime | None
    reason: str


class Waiting(msgspec.Struct, frozen=True):
    """A run that waits, as the engine loads it. `state` is a `flows.run.Run` as JSON text."""

    id: int
    contact_id: int
    automation_id: int
    revision_id: int
    state: str


def _claim(*lines: sa.Select[Any]) -> sa.Select[Any]:
    wanted = sa.union(*(line.subquery().select() for line in lines)).subquery()
    locked = sa.select(contacts.c.id).where(contacts.c.id.in_(wanted.select()))
    return locked.with_for_update(skip_locked=True, of=contacts)  # SQLite has one writer anyway


_LINE = sa.select(events.c.contact_id).where(UNHANDLED)
_RUNG = sa.select(runs.c.contact_id).where(
    runs.c.status == sa.literal_column("'waiting'"),
    runs.c.wait_until <= sa.bindparam("now", type_=Moment()),
)
_ONLY = sa.bindparam("only", type_=sa.BigInteger())
_AHEAD = sa.bindparam("ahead", type_=sa.BigInteger())
_CLAIM = Query(
    _claim(
        _LINE.order_by(events.c.id).limit(_AHEAD),
        _RUNG.order_by(runs.c.wait_until).limit(_AHEAD),
    ).limit(sa.bindparam("limit", type_=sa.BigInteger()))
)
_CLAIM_ANSWERS = Query(
    _claim(
        sa.select(events.c.contact_id).where(UNANSWERED).order_by(events.c.id).limit(_AHEAD)
    ).limit(sa.bindparam("limit", type_=sa.BigInteger()))
)
_CLAIM_ONE = Query(
    _claim(_LINE.where(events.c.contact_id == _ONLY), _RUNG.where(runs.c.contact_id == _ONLY))
)
_WAITING_OF = Query(
    sa.select(*columns_of(Waiting, runs))
    .where(WAITING, among(runs.c.contact_id, "contacts"))
    .order_by(runs.c.id)
)
_ENTERED = Query(
    sa.select(
        runs.c.contact_id, runs.c.automation_id, sa.func.max(runs.c.started_at, type_=Moment())
    )
    .where(among(runs.c.contact_id, "contacts"))
    .group_by(runs.c.contact_id, runs.c.automation_id)
)


async def claim_contacts(
    tx: AsyncConnection, now: datetime, limit: int, only: int | None = None
) -> list[int]:
    """At most `limit` contacts with something to do, nobody else's until `tx` ends.

    Something to do: an unhandled event, the oldest first, or a waiting run whose time has come.
    The lock is on the contact's row, so one contact's events are never handled by two workers at
    once. `only`: this contact or nobody.
    """
    if only is not None:
        return await _CLAIM_ONE.column(tx, now=now, only=only)
    return await _CLAIM.column(tx, now=now, limit=limit, ahead=limit * LOOK_AHEAD)


async def claim_answering(tx: AsyncConnection, limit: int) -> list[int]:
    """As `claim_contacts`, but only those who have written and wait for an answer: a campaign's
    hundred thousand must not stand before them.
    """
    return await _CLAIM_ANSWERS.column(tx, limit=limit, ahead=limit * LOOK_AHEAD)


async def waiting_of(tx: AsyncConnection, contact_ids: Sequence[int]) -> list[Waiting]:
    """All waiting runs of these contacts, oldest first."""
    return await _WAITING_OF.kinds(tx, Waiting, contacts=contact_ids)


async def entered(
    tx: AsyncConnection, contact_ids: Sequence[int]
) -> dict[int, dict[int, datetime]]:
    """`{contact id: {automation id: when last started}}`."""
    found: dict[int, dict[int, datetime]] = {}
    for contact_id, automation_id, at in await _ENTERED.rows(tx, contacts=contact_ids):
        found.setdefault(contact_id, {})[automation_id] = at
    return found


async def insert_many(
    tx: AsyncConnection, rows: Sequence[NewRun] | Sequence[Mapping[str, Any]]
) -> None:
    """Write new runs."""
    await bulk.insert_all(tx, runs, rows)


async def update_many(
    tx: AsyncConnection, rows: Sequence[MovedRun] | Sequence[Mapping[str, Any]]
) -> None:
    """Write runs that moved. Their contacts must be claimed: the rows are locked in any order."""
    await bulk.update_all(tx, runs, rows)


async def give_up(tx: AsyncConnection, reasons: Mapping[int, str], now: datetime) -> None:
    """End runs that nobody can move, `{run id: why}`; their state stays as it is, for repair."""
    names = ("id", "status", "wait_until", "ended_at", "reason")
    rows = [(run_id, "failed", None, now, why) for run_id, why in sorted(reasons.items())]
    await bulk.update(tx, runs, names, rows)


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
    return set(await _STOPPED.column(tx, runs=run_ids))


_STOPPED = Query(sa.select(runs.c.id).where(among(runs.c.id, "runs"), runs.c.status == "stopped"))


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


async def next_due(tx: AsyncConnection) -> datetime | None:
    """When the next waiting run's time comes; None when none waits for a time."""
    query = sa.select(sa.func.min(runs.c.wait_until, type_=Moment())).where(DUE)
    return cast("datetime | None", await tx.scalar(query))
